"""Normalization: features brought to mean 0 and variance 1, by what was learnt from data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Unpack

import jax.numpy as jnp
import numpy as np

from fkeras.core import settings
from fkeras.core.warn_once import warn_user_once
from fkeras.data.adapting import input_batches
from fkeras.errors import NotBuiltError, UserInputError, UserTypeError
from fkeras.layers.base import arguments
from fkeras.layers.base.layer import Layer
from fkeras.layers.base.options import LayerOptions
from fkeras.layers.preprocessing.moments import RunningMoments
from fkeras.ops.known_values import known_values

if TYPE_CHECKING:
    from collections.abc import MutableMapping, Sequence

    from fkeras.core.values.variable import Variable
    from fkeras.data.source import InMemory, Stream
    from fkeras.types import ArrayLike, Config, Shape, Tensor


class Normalization(Layer):
    """`(inputs - mean) / deviation`, with the mean and deviation of each feature.

    They are given, or found by `adapt`, which must come before training: they are weights that
    training does not change.

    Args:
        axis: axis or axes that have a mean and variance for each index; None for one mean and
            variance of all numbers. The batch should not be among them: of inputs `(batch,)`, -1
            would keep one mean for each position in the batch.
        mean, variance: numbers, or arrays over the kept axes that broadcast from the right; both or
            neither. None: `adapt` finds them.
        invert: whether to go back instead, to `inputs * deviation + mean`.

    Shape:
        Any; the output has the shape of the input. Weights `mean` and `variance` have the sizes of
        the kept axes.

    Raises:
        UserInputError: one of `mean` and `variance` without the other, of different shapes, a
            variance below 0; an axis that the inputs do not have, or of unknown size.

    Examples:
        >>> import fkeras, numpy as np
        >>> layer = fkeras.layers.Normalization()
        >>> layer.adapt(np.array([[0.0, 7.0], [2.0, 9.0]]))
        >>> layer(np.array([[0.0, 9.0]])).tolist()
        [[-1.0, 1.0]]
        >>> fkeras.layers.Normalization(mean=3.0, variance=4.0, invert=True)([[1.0]]).tolist()
        [[5.0]]
    """

    adapt_mean: Variable
    adapt_variance: Variable

    def __init__(
        self,
        axis: int | Sequence[int] | None = -1,
        mean: ArrayLike | None = None,
        variance: ArrayLike | None = None,
        invert: bool = False,
        **kwargs: Unpack[LayerOptions],
    ):
        super().__init__(**kwargs)
        self.axis = _axes(axis)
        if (mean is None) != (variance is None):
            raise UserInputError(
                "When setting values directly, both `mean` and `variance` must be set. Received: "
                f"mean={mean} and variance={variance}"
            )
        if mean is not None:
            _check_given(mean, variance, self.axis)
        self.input_mean = mean
        self.input_variance = variance
        self.invert = invert
        self.supports_masking = True
        self._allow_non_tensor_positional_args = True
        self._kept_axes: tuple[int, ...] = ()
        self._broadcast_shape: tuple[int, ...] | None = None  # None before `build`
        self._has_learnt = mean is not None
        self._seen: RunningMoments | None = None  # by `update_state`

    def build(self, input_shape: Shape | None) -> None:
        if input_shape is None:
            return
        self._kept_axes = _kept_axes(self.axis, input_shape)
        rank = range(len(input_shape))
        self._broadcast_shape = tuple(input_shape[d] if d in self._kept_axes else 1 for d in rank)
        if self.input_mean is not None:
            self._given()  # raises where they do not fit
            return
        sizes = tuple(input_shape[d] for d in self._kept_axes)
        make = {"trainable": False, "shape": sizes}
        self.adapt_mean = self.add_weight(name="mean", initializer="zeros", **make)
        self.adapt_variance = self.add_weight(name="variance", initializer="ones", **make)
        # Nobody reads it: files of Keras have it.
        self.count = self.add_weight(
            name="count", shape=(), dtype="int32", initializer="zeros", trainable=False
        )

    def _given(self) -> tuple[np.ndarray, np.ndarray]:
        """The constructor's mean and variance, broadcast against inputs."""
        found = []
        for name in ("mean", "variance"):
            value = np.asarray(getattr(self, f"input_{name}"))
            shape = [1] * len(self._broadcast_shape)
            for i in range(1, value.ndim + 1):
                shape[self._kept_axes[-i]] = value.shape[-i]
            try:
                found.append(np.broadcast_to(value.reshape(shape), self._broadcast_shape))
            except ValueError:
                sizes = tuple(self._broadcast_shape[d] for d in self._kept_axes)
                raise UserInputError(
                    f"Normalization '{self.name}': `{name}` of shape {value.shape} does not fit "
                    f"the inputs, which have the sizes {sizes} along axis={self.axis}."
                ) from None
        return found[0], found[1]

    def _moments(self) -> tuple[Any, Any]:
        """Mean and variance, broadcast against inputs, in the compute dtype."""
        if self._broadcast_shape is None:
            raise NotBuiltError(
                f"Normalization '{self.name}' does not know the shape of its inputs yet: call "
                "`adapt(data)` or `build(input_shape)`."
            )
        if self.input_mean is not None:
            mean, variance = self._given()
        else:
            mean = self.adapt_mean.value.reshape(self._broadcast_shape)
            variance = self.adapt_variance.value.reshape(self._broadcast_shape)
        dtype = self.compute_dtype
        return jnp.asarray(mean, dtype), jnp.asarray(variance, dtype)

    @property
    def mean(self) -> Any:
        """The mean that a call subtracts, with sizes 1 along reduced axes; None before `build`."""
        return None if self._broadcast_shape is None else self._moments()[0]

    @property
    def variance(self) -> Any:
        """The variance, like `mean`."""
        return None if self._broadcast_shape is None else self._moments()[1]

    # -- learning from data ------------------------------------------------------

    def adapt(self, data: InMemory | Stream) -> None:
        """Finds mean and variance of the data, in one pass and in float64. What was learnt before
        is forgotten.

        Args:
            data: array, frame, column; or batches of arrays: a list of them, a generator, a
                `PyDataset`, a `fkeras.data.Dataset`. Of pairs (x, y) the first counts.

        Raises:
            UserInputError: no data, no numbers, NaN, shapes that do not fit each other or what the
                layer was built for; the layer was given its mean and variance.
        """
        self.reset_state()
        for batch in input_batches(data, self._title()):
            self.update_state(batch)
        self.finalize_state()

    def _title(self) -> str:
        return f"Normalization '{self.name}'"

    def reset_state(self) -> None:
        """Forgets the batches seen so far."""
        self._seen = None

    def update_state(self, data: ArrayLike) -> None:
        """Takes one more batch into account; `finalize_state` takes over what was seen."""
        if self.input_mean is not None:
            raise UserInputError(
                f"{self._title()} was given `mean` and `variance`: there is nothing to adapt. Make "
                "it without them."
            )
        batch = np.asarray(data)
        if not self.built:
            has_rows = 0 not in _kept_axes(self.axis, batch.shape)
            self.build((None, *batch.shape[1:]) if has_rows else batch.shape)
        self._check_batch(batch)
        if self._seen is None:
            reduced = (d for d in range(batch.ndim) if d not in self._kept_axes)
            self._seen = RunningMoments(tuple(reduced))
        self._seen.add(batch)

    def _check_batch(self, batch: np.ndarray) -> None:
        known = self._broadcast_shape
        fits = batch.ndim == len(known) and all(batch.shape[d] == known[d] for d in self._kept_axes)
        if not fits:
            raise UserInputError(
                f"{self._title()} was built for sizes {tuple(known[d] for d in self._kept_axes)} "
                f"along axis={self.axis} of inputs of rank {len(known)}, but `adapt` received data "
                f"of an incompatible shape: {batch.shape}. All batches need the same features."
            )

    def finalize_state(self) -> None:
        """Takes over mean and variance of the batches seen since `reset_state`. Where none was, the
        weights count as learnt as they are: a file gave them.
        """
        seen, self._seen = self._seen, None
        if seen is not None:
            self._check_moments(seen)
            self.adapt_mean.assign(seen.mean)
            self.adapt_variance.assign(seen.variance)
        self._has_learnt = True

    def _check_moments(self, moments: RunningMoments) -> None:
        if not moments.count:
            raise UserInputError(f"{self._title()}: `adapt` received no rows.")
        broken = np.argwhere(~np.isfinite(np.asarray(moments.variance)))
        if len(broken):
            where = f" at index {tuple(map(int, broken[0]))}" if len(broken[0]) else ""
            raise UserInputError(
                f"{self._title()}: `adapt` received data with NaN or infinity{where} of the kept "
                "axes. Fill or drop them first."
            )

    # -- the call ----------------------------------------------------------------

    def call(self, inputs: Tensor) -> Tensor:
        mean, variance = self._moments()
        self._warn_if_never_adapted()
        inputs = jnp.asarray(inputs, self.compute_dtype)
        deviation = jnp.maximum(jnp.sqrt(variance), settings.epsilon())
        return inputs * deviation + mean if self.invert else (inputs - mean) / deviation

    def check_host_input(self, values: np.ndarray) -> None:
        """Warns where data are about to be used while nothing was learnt from any."""
        if self.built:
            self._warn_if_never_adapted()

    def _warn_if_never_adapted(self) -> None:
        if self._has_learnt:
            return
        mean = known_values(self.adapt_mean.value)
        if mean is None or mean.any() or (known_values(self.adapt_variance.value) != 1).any():
            return
        warn_user_once(
            f"Normalization '{self.name}' still has mean 0 and variance 1, and changes nothing. "
            "Call `adapt(data)` on the training data before you use the model."
        )

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return input_shape

    # -- files -------------------------------------------------------------------

    def get_config(self) -> Config:
        return {
            **super().get_config(),
            "axis": self.axis,
            "mean": _plain(self.input_mean),
            "variance": _plain(self.input_variance),
        }

    def load_own_variables(self, store: MutableMapping[str, ArrayLike]) -> None:
        super().load_own_variables(store)
        self.finalize_state()


def _axes(axis: int | Sequence[int] | None) -> tuple[int, ...]:
    if axis is None:
        return ()
    axes = (axis,) if arguments.is_int(axis) else axis
    if not isinstance(axes, (tuple, list)) or not all(map(arguments.is_int, axes)):
        raise UserTypeError(
            f"Normalization: `axis` must be an int, a tuple of ints or None. Received: {axis!r}"
        )
    return tuple(int(a) for a in axes)


def _kept_axes(axes: tuple[int, ...], shape: Shape) -> tuple[int, ...]:
    """The kept axes counted from the front, ascending.

    Raises:
        UserInputError: the shape does not have them, or does not know their size.
    """
    rank = len(shape)
    if any(not -rank <= a < rank for a in axes):
        raise UserInputError(
            "All `axis` values must be in the range [-ndim, ndim). Normalization received inputs "
            f"of shape {tuple(shape)}, while axis={axes}"
        )
    kept = tuple(sorted({a % rank for a in axes}))
    for d in kept:
        if shape[d] is None:
            raise UserInputError(
                "All `axis` values to be kept must have a known shape. Normalization received "
                f"axis={axes} and inputs of shape {tuple(shape)}, of unknown size at axis {d}"
            )
    return kept


def _check_given(mean: ArrayLike, variance: ArrayLike, axes: tuple[int, ...]) -> None:
    if np.shape(mean) != np.shape(variance):
        raise UserInputError(
            "Normalization: `mean` and `variance` must have the same shape. Received: shapes "
            f"{np.shape(mean)} and {np.shape(variance)}"
        )
    if np.ndim(mean) > len(axes):
        raise UserInputError(
            f"Normalization: `mean` may have as many axes as are kept, {len(axes)} (axis={axes}). "
            f"Received: shape {np.shape(mean)}"
        )
    if np.asarray(mean).dtype.kind not in "biuf" or not (np.asarray(variance) >= 0).all():
        raise UserInputError(
            "Normalization: `mean` must be numbers and `variance` at least 0. Received: "
            f"mean={mean}, variance={variance}"
        )


def _plain(value: ArrayLike | None) -> Any:
    return None if value is None else np.asarray(value).tolist()
