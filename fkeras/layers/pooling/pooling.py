"""Max and average pooling over windows of 1, 2 or 3 spatial axes."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from fkeras import ops
from fkeras.core.settings import standardize_data_format
from fkeras.errors import UserInputError
from fkeras.layers.base import arguments
from fkeras.layers.base.input_spec import InputSpec
from fkeras.layers.base.layer import Layer
from fkeras.ops.windows import spatial_axes
from fkeras.types import DataFormat, Shape, Tensor


class _Pooling(Layer):
    """What the poolings are, of whatever rank and function."""

    rank: int

    def __init__(
        self,
        pool_size: int | Sequence[int] = 2,
        strides: int | Sequence[int] | None = None,
        padding: str = "valid",
        data_format: DataFormat | None = None,
        name: str | None = None,
        **kwargs,
    ):
        super().__init__(name=name, **kwargs)
        self.pool_size = arguments.ints_per_axis("pool_size", pool_size, self.rank)
        # Windows side by side, without gaps or overlaps, unless told otherwise.
        self.strides = arguments.ints_per_axis(
            "strides", pool_size if strides is None else strides, self.rank
        )
        # Not `arguments.padding`: Keras has another message here.
        self.padding = padding.lower() if isinstance(padding, str) else padding
        if self.padding not in ("valid", "same"):
            raise UserInputError(
                f"Argument `padding` must be either 'valid' or 'same'. Received: padding={padding}"
            )
        self.data_format = standardize_data_format(data_format)
        self.input_spec = InputSpec(ndim=self.rank + 2)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        shape = list(input_shape)
        axes = spatial_axes(len(shape), self.data_format)
        for axis, window, stride in zip(axes, self.pool_size, self.strides):
            if shape[axis] is None:
                continue
            # Where the first position of a window may be: all of the axis with 'same'.
            free = shape[axis] - (window if self.padding == "valid" else 1)
            shape[axis] = free // stride + 1
            if shape[axis] <= 0:
                raise UserInputError(
                    "Computed output size would be zero or negative. Received: "
                    f"`inputs.shape={tuple(input_shape)}`, `pool_size={self.pool_size}`, "
                    f"`strides={self.strides}`, `padding={self.padding}`."
                )
        return tuple(shape)

    def _pool(self, function: Callable[..., Tensor], inputs: Tensor) -> Tensor:
        self.compute_output_shape(inputs.shape)  # raises where no window fits
        return function(
            inputs,
            pool_size=self.pool_size,
            strides=self.strides,
            padding=self.padding,
            data_format=self.data_format,
        )


class _MaxPooling(_Pooling):
    def call(self, inputs: Tensor) -> Tensor:
        return self._pool(ops.max_pool, inputs)


class _AveragePooling(_Pooling):
    def call(self, inputs: Tensor) -> Tensor:
        return self._pool(ops.average_pool, inputs)


class MaxPooling1D(_MaxPooling):
    """The largest value of each window of steps.

    Args:
        pool_size: length of the windows.
        strides: steps from one window to the next; None for `pool_size`.
        padding: `'valid'` (whole windows only), or `'same'`: ceil(steps / strides) windows.
        data_format: `'channels_last'`, `'channels_first'`, or None for the global setting.

    Shape:
        `(batch, steps, features)` -> `(batch, windows, features)`.

    Examples:
        >>> import fkeras, jax.numpy as jnp
        >>> fkeras.layers.MaxPooling1D(2)(jnp.array([[[1.0], [4.0], [2.0], [3.0]]]))[0, :, 0]
        Array([4., 3.], dtype=float32)
    """

    rank = 1

    def __init__(
        self,
        pool_size: int | Sequence[int] = 2,
        strides: int | Sequence[int] | None = None,
        padding: str = "valid",
        data_format: DataFormat | None = None,
        name: str | None = None,
        **kwargs,
    ):
        super().__init__(pool_size, strides, padding, data_format, name, **kwargs)


class MaxPooling2D(_MaxPooling):
    """The largest value of each window of an image.

    Arguments as in `MaxPooling1D`, with an int or one per axis.

    Shape:
        `(batch, rows, columns, channels)` -> the same with fewer rows and columns.

    Examples:
        >>> import fkeras, jax.numpy as jnp
        >>> fkeras.layers.MaxPooling2D()(jnp.ones((1, 5, 4, 3))).shape
        (1, 2, 2, 3)
    """

    rank = 2

    def __init__(
        self,
        pool_size: int | Sequence[int] = (2, 2),
        strides: int | Sequence[int] | None = None,
        padding: str = "valid",
        data_format: DataFormat | None = None,
        name: str | None = None,
        **kwargs,
    ):
        super().__init__(pool_size, strides, padding, data_format, name, **kwargs)


class MaxPooling3D(_MaxPooling):
    """The largest value of each window of a volume.

    Arguments as in `MaxPooling1D`, with an int or one per axis.

    Shape:
        `(batch, a, b, c, channels)` -> the same with shorter a, b, c.
    """

    rank = 3

    def __init__(
        self,
        pool_size: int | Sequence[int] = (2, 2, 2),
        strides: int | Sequence[int] | None = None,
        padding: str = "valid",
        data_format: DataFormat | None = None,
        name: str | None = None,
        **kwargs,
    ):
        super().__init__(pool_size, strides, padding, data_format, name, **kwargs)


class AveragePooling1D(_AveragePooling):
    """The mean of each window of steps; padded positions do not count.

    Arguments as in `MaxPooling1D`.

    Shape:
        `(batch, steps, features)` -> `(batch, windows, features)`.

    Examples:
        >>> import fkeras, jax.numpy as jnp
        >>> fkeras.layers.AveragePooling1D(2)(jnp.array([[[1.0], [4.0], [2.0], [3.0]]]))[0, :, 0]
        Array([2.5, 2.5], dtype=float32)
    """

    rank = 1


class AveragePooling2D(_AveragePooling):
    """The mean of each window of an image; padded positions do not count.

    Arguments as in `MaxPooling1D`, an int or one per axis.

    Shape:
        `(batch, rows, columns, channels)` -> the same with fewer rows and columns.
    """

    rank = 2


class AveragePooling3D(_AveragePooling):
    """The mean of each window of a volume; padded positions do not count.

    Arguments as in `MaxPooling1D`, an int or one per axis.

    Shape:
        `(batch, a, b, c, channels)` -> the same with shorter a, b, c.
    """

    rank = 3
