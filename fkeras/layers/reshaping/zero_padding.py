"""ZeroPadding1D, 2D and 3D: zeros around the spatial axes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Unpack

import jax.numpy as jnp

from fkeras.core.settings import standardize_data_format
from fkeras.layers.base import arguments
from fkeras.layers.base.input_spec import InputSpec
from fkeras.layers.base.options import LayerOptions
from fkeras.layers.reshaping.rearranging import Rearranging
from fkeras.ops.windows import spatial_axes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fkeras.types import DataFormat, Shape, Tensor


class _ZeroPadding(Rearranging):
    """What the paddings share. `padding` is a pair in `ZeroPadding1D`, else one pair per axis."""

    rank: int  # number of spatial axes
    padding: tuple

    def __init__(
        self,
        padding: Sequence[int] | Sequence[Sequence[int]],
        data_format: DataFormat | None = None,
        **kwargs: Unpack[LayerOptions],
    ):
        super().__init__(**kwargs)
        self.data_format = standardize_data_format(data_format)
        self.padding = padding
        self.input_spec = InputSpec(ndim=self.rank + 2)

    def _around(self, ndim: int) -> list[tuple[int, int]]:
        """(before, after) for each axis of the input."""
        around = [(0, 0)] * ndim
        pairs = (self.padding,) if self.rank == 1 else self.padding
        for axis, pair in zip(spatial_axes(ndim, self.data_format), pairs):
            around[axis] = pair
        return around

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return tuple(
            d if d is None else d + sum(pair)
            for d, pair in zip(input_shape, self._around(len(input_shape)))
        )

    def call(self, inputs: Tensor) -> Tensor:
        return jnp.pad(inputs, self._around(inputs.ndim))


class ZeroPadding1D(_ZeroPadding):
    """Zeros before and after the steps.

    Args:
        padding: how many on each side, or a pair (before, after).
        data_format: `'channels_last'`, `'channels_first'`, or None for the global setting.

    Shape:
        `(batch, steps, channels)` -> `(batch, before + steps + after, channels)`.

    Examples:
        >>> import fkeras, jax.numpy as jnp
        >>> fkeras.layers.ZeroPadding1D((1, 2))(jnp.ones((1, 2, 1)))[0, :, 0]
        Array([0., 1., 1., 0., 0.], dtype=float32)
    """

    rank = 1

    def __init__(
        self,
        padding: int | Sequence[int] = 1,
        data_format: DataFormat | None = None,
        **kwargs: Unpack[LayerOptions],
    ):
        super().__init__(
            arguments.ints_per_axis("padding", padding, 2, allow_zero=True), data_format, **kwargs
        )


class ZeroPadding2D(_ZeroPadding):
    """Zeros around images.

    Args:
        padding: an int for all sides, (rows, columns), or ((top, bottom), (left, right)).
        data_format: `'channels_last'`, `'channels_first'`, or None for the global setting.

    Shape:
        `(batch, rows, columns, channels)` ->
        `(batch, top + rows + bottom, left + columns + right, channels)`.

    Examples:
        >>> import fkeras, jax.numpy as jnp
        >>> fkeras.layers.ZeroPadding2D(((1, 0), (2, 2)))(jnp.ones((1, 4, 4, 3))).shape
        (1, 5, 8, 3)
    """

    rank = 2

    def __init__(
        self,
        padding: int | Sequence[int] | Sequence[Sequence[int]] = (1, 1),
        data_format: DataFormat | None = None,
        **kwargs: Unpack[LayerOptions],
    ):
        super().__init__(arguments.pairs("padding", padding, 2), data_format, **kwargs)


class ZeroPadding3D(_ZeroPadding):
    """Zeros around volumes.

    Args:
        padding: an int for all sides, one int per axis, or one pair (before, after) per axis.
        data_format: `'channels_last'`, `'channels_first'`, or None for the global setting.

    Shape:
        `(batch, a, b, c, channels)` -> the same with each of a, b, c longer by its padding.

    Examples:
        >>> import fkeras, jax.numpy as jnp
        >>> fkeras.layers.ZeroPadding3D((1, 0, 2))(jnp.ones((1, 4, 4, 4, 3))).shape
        (1, 6, 4, 8, 3)
    """

    rank = 3

    def __init__(
        self,
        padding: int | Sequence[int] | Sequence[Sequence[int]] = ((1, 1), (1, 1), (1, 1)),
        data_format: DataFormat | None = None,
        **kwargs: Unpack[LayerOptions],
    ):
        super().__init__(arguments.pairs("padding", padding, 3), data_format, **kwargs)
