"""Initializers whose spread follows the number of a weight's inputs and outputs."""

import math

from fkeras.errors import UserInputError
from fkeras.initializers.fans import compute_fans
from fkeras.initializers.random import RandomInitializer

_KINDS = {"uniform": "uniform", "truncated_normal": "truncated_normal", "untruncated_normal": "normal"}
# Standard deviation of a normal of standard deviation 1 that is cut at -2 and 2.
_STDDEV_OF_CUT = 0.87962566103423978


class VarianceScaling(RandomInitializer):
    """Mean 0 and variance `scale / n`, with n from the weight's shape.

    Args:
        scale: positive float.
        mode: n is the number of inputs (`'fan_in'`), of outputs (`'fan_out'`) or their mean (`'fan_avg'`).
        distribution: `'truncated_normal'` (also called `'normal'`; the variance is that after the cut at two standard deviations),
            `'untruncated_normal'` or `'uniform'`.
        seed: int, `SeedGenerator`, or None for the weight's place in its model.
        input_axes: axes of the weight that count as inputs, and
        output_axes: as outputs; where one of them is None, see `compute_fans`.

    Raises:
        UserInputError: for a `scale` that is not positive, an unknown `mode` or `distribution`.

    Examples:
        >>> values = VarianceScaling(3.0, "fan_in", "uniform", seed=1)((9, 50))
        >>> bool(abs(values).max() <= 1)
        True
    """

    def __init__(self, scale=1.0, mode="fan_in", distribution="truncated_normal", seed=None, input_axes=None, output_axes=None):
        if not scale > 0:
            raise UserInputError(f"Argument `scale` must be positive float. Received: scale={scale}")
        if mode not in ("fan_in", "fan_out", "fan_avg"):
            raise UserInputError(f"Invalid `mode` argument: {mode!r}. Please use one of 'fan_in', 'fan_out', 'fan_avg'.")
        named = {"normal": "truncated_normal"}.get(str(distribution).lower(), str(distribution).lower())
        if named not in _KINDS:
            raise UserInputError(f"Invalid `distribution` argument: {distribution!r}. Please use one of {', '.join(map(repr, _KINDS))}.")
        self.scale, self.mode, self.distribution = scale, mode, named
        self.input_axes, self.output_axes = input_axes, output_axes
        self.kind = _KINDS[named]
        super().__init__(seed)

    def finish(self, numbers, shape, dtype):
        fan_in, fan_out = compute_fans(shape, self.input_axes, self.output_axes)
        n = {"fan_in": fan_in, "fan_out": fan_out, "fan_avg": (fan_in + fan_out) / 2}[self.mode]
        variance = self.scale / max(1.0, n)
        if self.kind == "uniform":
            limit = math.sqrt(3 * variance)
            return self._finish_uniform(numbers, shape, dtype, -limit, limit)
        cut = _STDDEV_OF_CUT if self.kind == "truncated_normal" else 1.0
        return self._finish_normal(numbers, shape, dtype, 0.0, math.sqrt(variance) / cut)

    def get_config(self):
        return {**super().get_config(), "scale": self.scale, "mode": self.mode, "distribution": self.distribution,
                "input_axes": self.input_axes, "output_axes": self.output_axes}


class _Preset(VarianceScaling):
    """A `VarianceScaling` whose scale, mode and distribution have a name of their own."""

    preset: tuple = ()

    def __init__(self, seed=None, input_axes=None, output_axes=None):
        super().__init__(*self.preset, seed, input_axes, output_axes)

    def get_config(self):
        config = super().get_config()
        return {name: config[name] for name in ("seed", "input_axes", "output_axes")}


class GlorotUniform(_Preset):
    """Uniform in +-sqrt(6 / (fan_in + fan_out)), by Glorot and Bengio (2010); the default of most layers' kernels.

    Args:
        seed: int, `SeedGenerator`, or None for the weight's place in its model.
        input_axes: see `VarianceScaling`.
        output_axes: see `VarianceScaling`.

    Examples:
        >>> bool(abs(GlorotUniform(seed=1)((3, 3))).max() <= 1)
        True
    """

    preset = (1.0, "fan_avg", "uniform")


class GlorotNormal(_Preset):
    """Truncated normal of standard deviation sqrt(2 / (fan_in + fan_out)), by Glorot and Bengio (2010).

    Args:
        seed: int, `SeedGenerator`, or None for the weight's place in its model.
        input_axes: see `VarianceScaling`.
        output_axes: see `VarianceScaling`.

    Examples:
        >>> GlorotNormal()((3, 3)).shape
        (3, 3)
    """

    preset = (1.0, "fan_avg", "truncated_normal")


class LecunNormal(_Preset):
    """Truncated normal of standard deviation sqrt(1 / fan_in); goes with `selu` (Klambauer et al., 2017).

    Args:
        seed: int, `SeedGenerator`, or None for the weight's place in its model.
        input_axes: see `VarianceScaling`.
        output_axes: see `VarianceScaling`.

    Examples:
        >>> LecunNormal()((3, 3)).shape
        (3, 3)
    """

    preset = (1.0, "fan_in", "truncated_normal")


class LecunUniform(_Preset):
    """Uniform in +-sqrt(3 / fan_in).

    Args:
        seed: int, `SeedGenerator`, or None for the weight's place in its model.
        input_axes: see `VarianceScaling`.
        output_axes: see `VarianceScaling`.

    Examples:
        >>> bool(abs(LecunUniform(seed=1)((3, 3))).max() <= 1)
        True
    """

    preset = (1.0, "fan_in", "uniform")


class HeNormal(_Preset):
    """Truncated normal of standard deviation sqrt(2 / fan_in); goes with `relu` (He et al., 2015).

    Args:
        seed: int, `SeedGenerator`, or None for the weight's place in its model.
        input_axes: see `VarianceScaling`.
        output_axes: see `VarianceScaling`.

    Examples:
        >>> HeNormal()((3, 3)).shape
        (3, 3)
    """

    preset = (2.0, "fan_in", "truncated_normal")


class HeUniform(_Preset):
    """Uniform in +-sqrt(6 / fan_in); goes with `relu` (He et al., 2015).

    Args:
        seed: int, `SeedGenerator`, or None for the weight's place in its model.
        input_axes: see `VarianceScaling`.
        output_axes: see `VarianceScaling`.

    Examples:
        >>> bool(abs(HeUniform(seed=1)((6, 3))).max() <= 1)
        True
    """

    preset = (2.0, "fan_in", "uniform")
