"""Numbers whose size follows from the weight's shape.

So a layer keeps the variance of what passes through it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from fkeras.core.randomness.blocks import affine
from fkeras.errors import UserInputError
from fkeras.initializers.random_initializer import RandomInitializer

if TYPE_CHECKING:
    from fkeras.initializers.random_initializer import Numbers
    from fkeras.types import Config, SeedLike


_MODES = ("fan_in", "fan_out", "fan_avg")
_KINDS = {
    "truncated_normal": "truncated_normal",
    "untruncated_normal": "normal",
    "uniform": "uniform",
}
# Of a standard normal distribution that is cut at -2 and 2.
_STDDEV_OF_CUT_NORMAL = 0.87962566103423978


class VarianceScaling(RandomInitializer):
    """Mean 0 and variance `scale / n`, n being the number of inputs or outputs of one unit.

    Args:
        scale: positive factor.
        mode: `'fan_in'` for n inputs, `'fan_out'` for n outputs, `'fan_avg'` for the average.
        distribution: `'truncated_normal'` (or `'normal'`), `'untruncated_normal'` or `'uniform'`,
            which is in [-sqrt(3 scale / n), sqrt(3 scale / n)).
        seed: int, `SeedGenerator`, or None: the weight's place in the model decides.
        input_axes: axes of the shape whose product is the number of inputs; None: all but the last,
            for a convolution too.
        output_axes: axes of the outputs, given together with `input_axes`; None: the last one,
            times the size of a convolution's window.

    Raises:
        UserInputError: for a scale that is not positive, an unknown mode or distribution, or axes
            of one side only.

    Examples:
        >>> import fkeras
        >>> x = fkeras.initializers.VarianceScaling(2.0, "fan_in", "uniform", seed=0)((600, 10))
        >>> bool(abs(x).max() < 0.1)
        True
    """

    by_element = True

    def __init__(
        self,
        scale: float = 1.0,
        mode: str = "fan_in",
        distribution: str = "truncated_normal",
        seed: SeedLike | None = None,
        input_axes: Sequence[int] | None = None,
        output_axes: Sequence[int] | None = None,
    ) -> None:
        super().__init__(seed)
        if not scale > 0.0:
            raise UserInputError(
                f"Argument `scale` must be positive float. Received: scale={scale}"
            )
        if mode not in _MODES:
            raise UserInputError(f"Invalid `mode` argument: {mode}. Please use one of {_MODES}.")
        distribution = distribution.lower()
        if distribution == "normal":
            distribution = "truncated_normal"
        if distribution not in _KINDS:
            raise UserInputError(
                f"Invalid `distribution` argument: {distribution}. Please use one of {(*_KINDS,)}."
            )
        if (input_axes is None) != (output_axes is None):
            raise UserInputError(
                "VarianceScaling needs both of `input_axes` and `output_axes`, or none. "
                f"Received: input_axes={input_axes}, output_axes={output_axes}"
            )
        self.scale = scale
        self.mode = mode
        self.distribution = distribution
        self.input_axes = input_axes
        self.output_axes = output_axes

    @property
    def kind(self) -> str:
        return _KINDS[self.distribution]

    def shaped(self, numbers: Numbers, shape: tuple[int, ...], dtype: str) -> Numbers:
        fan_in, fan_out = compute_fans(shape, self.input_axes, self.output_axes)
        n = {"fan_in": fan_in, "fan_out": fan_out, "fan_avg": (fan_in + fan_out) / 2}[self.mode]
        variance = self.scale / max(1.0, n)  # a fan may be 0: an empty weight
        if self.distribution == "uniform":
            # Numbers in [-1, 1) have variance 1 / 3.
            return affine(numbers, math.sqrt(3.0 * variance))
        if self.distribution == "truncated_normal":
            return affine(numbers, math.sqrt(variance) / _STDDEV_OF_CUT_NORMAL)
        return affine(numbers, math.sqrt(variance))

    def get_config(self) -> Config:
        return {
            "scale": self.scale,
            "mode": self.mode,
            "distribution": self.distribution,
            **super().get_config(),
            "input_axes": self.input_axes,
            "output_axes": self.output_axes,
        }


def compute_fans(
    shape: Sequence[int],
    input_axes: Sequence[int] | None = None,
    output_axes: Sequence[int] | None = None,
) -> tuple[int, int]:
    """(inputs, outputs) of one unit of a weight.

    They are a kernel's last two axes, times the window of a convolution in the axes before.

    Args:
        shape: of the weight.
        input_axes, output_axes: axes whose sizes are multiplied instead; None for the rule above.

    >>> compute_fans((3, 3, 16, 32))
    (144, 288)
    >>> compute_fans((512, 8, 64), input_axes=[0], output_axes=[1, 2])
    (512, 512)
    """
    if input_axes is not None and output_axes is not None:
        if not all(-len(shape) <= axis < len(shape) for axis in (*input_axes, *output_axes)):
            raise UserInputError(
                "`input_axes` and `output_axes` must name axes of the weight. Received: "
                f"shape={tuple(shape)}, input_axes={input_axes}, output_axes={output_axes}"
            )
        return math.prod(shape[a] for a in input_axes), math.prod(shape[a] for a in output_axes)
    if len(shape) < 2:
        count = math.prod(shape)  # a bias; 1 for a scalar
        return count, count
    window = math.prod(shape[:-2])
    return shape[-2] * window, shape[-1] * window


class _Named(VarianceScaling):
    """`VarianceScaling` at a known setting."""

    setting: dict[str, Any]  # the arguments of `VarianceScaling`

    def __init__(
        self,
        seed: SeedLike | None = None,
        input_axes: Sequence[int] | None = None,
        output_axes: Sequence[int] | None = None,
    ) -> None:
        super().__init__(**self.setting, seed=seed, input_axes=input_axes, output_axes=output_axes)

    def get_config(self) -> Config:
        return {
            name: value for name, value in super().get_config().items() if name not in self.setting
        }


class GlorotUniform(_Named):
    """Uniform in [-limit, limit), limit = sqrt(6 / (inputs + outputs)); also called Xavier.

    Args:
        seed: int, `SeedGenerator`, or None: the weight's place in the model decides.
        input_axes, output_axes: as in `VarianceScaling`.

    Examples:
        >>> import fkeras
        >>> kernel = fkeras.initializers.GlorotUniform(seed=0)((3, 3))
        >>> bool(abs(kernel).max() < 1.0)
        True

    References:
        Glorot and Bengio, 2010, http://proceedings.mlr.press/v9/glorot10a.html
    """

    setting = {"scale": 1.0, "mode": "fan_avg", "distribution": "uniform"}


class GlorotNormal(_Named):
    """A truncated normal of variance 2 / (inputs + outputs); also called Xavier.

    Args:
        seed: int, `SeedGenerator`, or None: the weight's place in the model decides.
        input_axes, output_axes: as in `VarianceScaling`.

    Examples:
        >>> import fkeras
        >>> kernel = fkeras.initializers.GlorotNormal(seed=0)((600, 200))
        >>> round(float(kernel.std()), 3)
        0.05

    References:
        Glorot and Bengio, 2010, http://proceedings.mlr.press/v9/glorot10a.html
    """

    setting = {"scale": 1.0, "mode": "fan_avg", "distribution": "truncated_normal"}


class LecunNormal(_Named):
    """A truncated normal of variance 1 / inputs; for `selu`.

    Args:
        seed: int, `SeedGenerator`, or None: the weight's place in the model decides.
        input_axes, output_axes: as in `VarianceScaling`.

    Examples:
        >>> import fkeras
        >>> kernel = fkeras.initializers.LecunNormal(seed=0)((600, 200))
        >>> round(float(kernel.std()), 3)
        0.041

    References:
        Klambauer et al., 2017, https://arxiv.org/abs/1706.02515
    """

    setting = {"scale": 1.0, "mode": "fan_in", "distribution": "truncated_normal"}


class LecunUniform(_Named):
    """Uniform in [-limit, limit), limit = sqrt(3 / inputs), so that the variance is 1 / inputs.

    Args:
        seed: int, `SeedGenerator`, or None: the weight's place in the model decides.
        input_axes, output_axes: as in `VarianceScaling`.

    Examples:
        >>> import fkeras
        >>> kernel = fkeras.initializers.LecunUniform(seed=0)((600, 200))
        >>> 0.070 < float(abs(kernel).max()) < 0.071
        True

    References:
        LeCun et al., 1998, Efficient BackProp
    """

    setting = {"scale": 1.0, "mode": "fan_in", "distribution": "uniform"}


class HeNormal(_Named):
    """A truncated normal of variance 2 / inputs; for `relu`.

    Args:
        seed: int, `SeedGenerator`, or None: the weight's place in the model decides.
        input_axes, output_axes: as in `VarianceScaling`.

    Examples:
        >>> import fkeras
        >>> kernel = fkeras.initializers.HeNormal(seed=0)((600, 200))
        >>> round(float(kernel.std()), 3)
        0.058

    References:
        He et al., 2015, https://arxiv.org/abs/1502.01852
    """

    setting = {"scale": 2.0, "mode": "fan_in", "distribution": "truncated_normal"}


class HeUniform(_Named):
    """Uniform in [-limit, limit), limit = sqrt(6 / inputs); for `relu`. The variance is 2 / inputs.

    Args:
        seed: int, `SeedGenerator`, or None: the weight's place in the model decides.
        input_axes, output_axes: as in `VarianceScaling`.

    Examples:
        >>> import fkeras
        >>> kernel = fkeras.initializers.HeUniform(seed=0)((600, 200))
        >>> 0.099 < float(abs(kernel).max()) < 0.1
        True

    References:
        He et al., 2015, https://arxiv.org/abs/1502.01852
    """

    setting = {"scale": 2.0, "mode": "fan_in", "distribution": "uniform"}
