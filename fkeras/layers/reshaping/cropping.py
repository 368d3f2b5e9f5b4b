"""Cropping1D, 2D and 3D: the ends of the spatial axes cut off."""

from __future__ import annotations

from typing import TYPE_CHECKING, Unpack

from fkeras.core.settings import standardize_data_format
from fkeras.errors import UserInputError
from fkeras.layers.base import arguments
from fkeras.layers.base.input_spec import InputSpec
from fkeras.layers.base.options import LayerOptions
from fkeras.layers.reshaping.rearranging import Rearranging
from fkeras.ops.windows import spatial_axes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fkeras.types import DataFormat, Shape, Tensor


_TOO_MUCH_1D = "`cropping` parameter of `Cropping1D` layer must be smaller than the input length"
_TOO_MUCH = (
    "Values in `cropping` argument should be smaller than the corresponding spatial dimension of "
    "the input"
)


class _Cropping(Rearranging):
    """What the croppings share. `cropping` is a pair in `Cropping1D`, else one pair per axis."""

    rank: int  # number of spatial axes
    data_format = "channels_last"  # `Cropping1D` takes no other
    cropping: tuple

    def _cut(self, shape: Shape) -> list[tuple[int, int]]:
        """(before, after) for each axis of the input. Raises where nothing would be left."""
        cut = [(0, 0)] * len(shape)
        pairs = (self.cropping,) if self.rank == 1 else self.cropping
        for axis, pair in zip(spatial_axes(len(shape), self.data_format), pairs):
            # An unknown size cannot be checked before there is an array.
            if shape[axis] is not None and sum(pair) >= shape[axis]:
                raise UserInputError(
                    f"{_TOO_MUCH_1D if self.rank == 1 else _TOO_MUCH}. Received: "
                    f"input_shape={tuple(shape)}, cropping={self.cropping}"
                )
            cut[axis] = pair
        return cut

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return tuple(
            d if d is None else d - sum(pair)
            for d, pair in zip(input_shape, self._cut(input_shape))
        )

    def call(self, inputs: Tensor) -> Tensor:
        # `size - after` rather than `-after`, which would be nothing for 0.
        cut = self._cut(inputs.shape)
        slices = (slice(before, size - after) for size, (before, after) in zip(inputs.shape, cut))
        return inputs[tuple(slices)]


class Cropping1D(_Cropping):
    """Sequences without their first and last steps.

    Args:
        cropping: how many on each side, or a pair (before, after).

    Shape:
        `(batch, steps, features)` -> `(batch, steps - before - after, features)`.

    Examples:
        >>> import fkeras, jax.numpy as jnp
        >>> fkeras.layers.Cropping1D((1, 2))(jnp.arange(5.0).reshape(1, 5, 1))[0, :, 0]
        Array([1., 2.], dtype=float32)
    """

    rank = 1

    def __init__(self, cropping: int | Sequence[int] = (1, 1), **kwargs: Unpack[LayerOptions]):
        super().__init__(**kwargs)
        self.cropping = arguments.ints_per_axis("cropping", cropping, 2, allow_zero=True)
        self.input_spec = InputSpec(ndim=3)


class Cropping2D(_Cropping):
    """Images without their edges.

    Args:
        cropping: an int for all sides, (rows, columns), or ((top, bottom), (left, right)).
        data_format: `'channels_last'`, `'channels_first'`, or None for the global setting.

    Shape:
        `(batch, rows, columns, channels)` ->
        `(batch, rows - top - bottom, columns - left - right, channels)`.

    Examples:
        >>> import fkeras, jax.numpy as jnp
        >>> fkeras.layers.Cropping2D(((1, 0), (2, 1)))(jnp.ones((1, 4, 5, 3))).shape
        (1, 3, 2, 3)
    """

    rank = 2

    def __init__(
        self,
        cropping: int | Sequence[int] | Sequence[Sequence[int]] = ((0, 0), (0, 0)),
        data_format: DataFormat | None = None,
        **kwargs: Unpack[LayerOptions],
    ):
        super().__init__(**kwargs)
        self.data_format = standardize_data_format(data_format)
        self.cropping = arguments.pairs("cropping", cropping, 2)
        self.input_spec = InputSpec(ndim=4)


class Cropping3D(_Cropping):
    """Volumes without their edges.

    Args:
        cropping: an int for all sides, one int per axis, or one pair (before, after) per axis.
        data_format: `'channels_last'`, `'channels_first'`, or None for the global setting.

    Shape:
        `(batch, a, b, c, channels)` -> the same with each of a, b, c shorter by its cropping.

    Examples:
        >>> import fkeras, jax.numpy as jnp
        >>> fkeras.layers.Cropping3D((1, 1, 0))(jnp.ones((1, 4, 5, 6, 3))).shape
        (1, 2, 3, 6, 3)
    """

    rank = 3

    def __init__(
        self,
        cropping: int | Sequence[int] | Sequence[Sequence[int]] = ((1, 1), (1, 1), (1, 1)),
        data_format: DataFormat | None = None,
        **kwargs: Unpack[LayerOptions],
    ):
        super().__init__(**kwargs)
        self.data_format = standardize_data_format(data_format)
        self.cropping = arguments.pairs("cropping", cropping, 3)
        self.input_spec = InputSpec(ndim=5)
