"""UpSampling1D, 2D and 3D: spatial axes made longer by a whole factor."""

from __future__ import annotations

from typing import TYPE_CHECKING, Unpack

import jax.numpy as jnp

from fkeras import ops
from fkeras.core.settings import standardize_data_format
from fkeras.errors import UserInputError, UserTypeError
from fkeras.layers.base import arguments
from fkeras.layers.base.input_spec import InputSpec
from fkeras.layers.base.options import LayerOptions
from fkeras.layers.reshaping.rearranging import Rearranging
from fkeras.ops.windows import spatial_axes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fkeras.types import DataFormat, Shape, Tensor


_INTERPOLATIONS = ("nearest", "bilinear", "bicubic", "lanczos3", "lanczos5")


class _UpSampling(Rearranging):
    """What the up-samplings share. `size` is an int in `UpSampling1D`, else a factor per axis."""

    data_format = "channels_last"  # `UpSampling1D` takes no other
    size: int | tuple[int, ...]

    def _factors(self, ndim: int) -> list[int]:
        """How many times each axis of the input gets longer."""
        factors = [1] * ndim
        sizes = (self.size,) if isinstance(self.size, int) else self.size
        for axis, factor in zip(spatial_axes(ndim, self.data_format), sizes):
            factors[axis] = factor
        return factors

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return tuple(
            d if d is None else d * factor
            for d, factor in zip(input_shape, self._factors(len(input_shape)))
        )

    def call(self, inputs: Tensor) -> Tensor:
        """Repeats by a broadcast: XLA fuses it, where `jnp.repeat` is a gather."""
        shape: list[int] = []  # with an axis of size 1 behind each that gets longer
        repeated: list[int] = []  # the same with the factor in its place
        for size, factor in zip(inputs.shape, self._factors(inputs.ndim)):
            shape += [size, 1] if factor > 1 else [size]
            repeated += [size, factor] if factor > 1 else [size]
        repetitions = jnp.broadcast_to(inputs.reshape(shape), repeated)
        return repetitions.reshape(self.compute_output_shape(inputs.shape))


class UpSampling1D(_UpSampling):
    """Each step `size` times.

    Args:
        size: how often, positive.

    Shape:
        `(batch, steps, features)` -> `(batch, size * steps, features)`.

    Examples:
        >>> import fkeras, jax.numpy as jnp
        >>> fkeras.layers.UpSampling1D(2)(jnp.array([[[1.0], [2.0]]]))[0, :, 0]
        Array([1., 1., 2., 2.], dtype=float32)
    """

    def __init__(self, size: int = 2, **kwargs: Unpack[LayerOptions]):
        super().__init__(**kwargs)
        if not arguments.is_int(size):
            raise UserTypeError(f"Expected an integer value for `size`, got {type(size)}.")
        if size <= 0:
            raise UserInputError(
                f"Argument `size` should be a positive integer. Received: size={size}"
            )
        self.size = int(size)
        self.input_spec = InputSpec(ndim=3)


class UpSampling2D(_UpSampling):
    """Larger images, by repetition or interpolation.

    Args:
        size: an int, or factors for (rows, columns).
        data_format: `'channels_last'`, `'channels_first'`, or None for the global setting.
        interpolation: `'nearest'` (repeats pixels), `'bilinear'`, `'bicubic'`, `'lanczos3'` or
            `'lanczos5'`.

    Shape:
        `(batch, rows, columns, channels)` ->
        `(batch, size[0] * rows, size[1] * columns, channels)`.

    Examples:
        >>> import fkeras, jax.numpy as jnp
        >>> fkeras.layers.UpSampling2D((1, 2))(jnp.ones((1, 2, 2, 3))).shape
        (1, 2, 4, 3)
    """

    def __init__(
        self,
        size: int | Sequence[int] = (2, 2),
        data_format: DataFormat | None = None,
        interpolation: str = "nearest",
        **kwargs: Unpack[LayerOptions],
    ):
        super().__init__(**kwargs)
        self.data_format = standardize_data_format(data_format)
        self.size = arguments.ints_per_axis("size", size, 2)
        self.interpolation = str(interpolation).lower()
        if self.interpolation not in _INTERPOLATIONS:
            raise UserInputError(
                f"`interpolation` argument should be one of {_INTERPOLATIONS}. Received: "
                f"interpolation={interpolation}"
            )
        self.input_spec = InputSpec(ndim=4)

    def call(self, inputs: Tensor) -> Tensor:
        if self.interpolation == "nearest":
            return super().call(inputs)
        # Integers come back as integers: `resize` rounds to the dtype of the image.
        shape = self.compute_output_shape(inputs.shape)
        size = tuple(shape[axis] for axis in spatial_axes(4, self.data_format))
        return ops.image.resize(
            inputs, size, interpolation=self.interpolation, data_format=self.data_format
        )


class UpSampling3D(_UpSampling):
    """Larger volumes, by repetition.

    Args:
        size: an int, or one factor per axis.
        data_format: `'channels_last'`, `'channels_first'`, or None for the global setting.

    Shape:
        `(batch, a, b, c, channels)` -> `(batch, size[0] * a, size[1] * b, size[2] * c, channels)`.

    Examples:
        >>> import fkeras, jax.numpy as jnp
        >>> fkeras.layers.UpSampling3D((1, 2, 3))(jnp.ones((1, 2, 2, 2, 3))).shape
        (1, 2, 4, 6, 3)
    """

    def __init__(
        self,
        size: int | Sequence[int] = (2, 2, 2),
        data_format: DataFormat | None = None,
        **kwargs: Unpack[LayerOptions],
    ):
        super().__init__(**kwargs)
        self.data_format = standardize_data_format(data_format)
        self.size = arguments.ints_per_axis("size", size, 3)
        self.input_spec = InputSpec(ndim=5)
