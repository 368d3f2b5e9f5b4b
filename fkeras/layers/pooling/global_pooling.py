"""Max and average over all positions."""

from __future__ import annotations

from typing import Unpack

import jax.numpy as jnp

from fkeras.core.settings import standardize_data_format
from fkeras.core.values.masks import check_mask
from fkeras.layers.base.input_spec import InputSpec
from fkeras.layers.base.layer import Layer
from fkeras.layers.base.options import LayerOptions
from fkeras.ops.windows import spatial_axes
from fkeras.types import DataFormat, Shape, Tensor


class _GlobalPooling(Layer):
    """What the global poolings are, of whatever rank and function."""

    rank: int

    def __init__(
        self,
        data_format: DataFormat | None = None,
        keepdims: bool = False,
        **kwargs: Unpack[LayerOptions],
    ):
        super().__init__(**kwargs)
        self.data_format = standardize_data_format(data_format)
        self.keepdims = keepdims
        self.input_spec = InputSpec(ndim=self.rank + 2)

    def _axes(self) -> tuple[int, ...]:
        return spatial_axes(self.rank + 2, self.data_format)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        axes = self._axes()
        if self.keepdims:
            return tuple(1 if axis in axes else size for axis, size in enumerate(input_shape))
        return tuple(size for axis, size in enumerate(input_shape) if axis not in axes)


class _GlobalMax(_GlobalPooling):
    def call(self, inputs: Tensor) -> Tensor:
        return jnp.max(inputs, self._axes(), keepdims=self.keepdims)


class _GlobalAverage(_GlobalPooling):
    def call(self, inputs: Tensor) -> Tensor:
        return jnp.mean(inputs, self._axes(), keepdims=self.keepdims)


class GlobalAveragePooling1D(_GlobalAverage):
    """The mean over all steps, of those that a mask leaves.

    Args:
        data_format: `'channels_last'`, `'channels_first'`, or None for the global setting.
        keepdims: whether the steps stay as an axis of size 1.

    Shape:
        `(batch, steps, features)` -> `(batch, features)`. A mask is `(batch, steps)`, True where a
        step counts; a row without any gives 0 (Keras gives NaN there).

    Examples:
        >>> import fkeras, jax.numpy as jnp
        >>> x = jnp.array([[[1.0], [3.0], [8.0]]])
        >>> mask = jnp.array([[True, True, False]])
        >>> fkeras.layers.GlobalAveragePooling1D()(x, mask=mask)
        Array([[2.]], dtype=float32)
    """

    rank = 1

    def __init__(
        self,
        data_format: DataFormat | None = None,
        keepdims: bool = False,
        **kwargs: Unpack[LayerOptions],
    ):
        super().__init__(data_format, keepdims, **kwargs)
        self.supports_masking = True

    def call(self, inputs: Tensor, mask: Tensor | None = None) -> Tensor:
        if mask is None:
            return super().call(inputs)
        # (batch, steps) beside the features
        axes = self._axes()
        features_axis = 2 if self.data_format == "channels_last" else 1
        steps_axis = 3 - features_axis
        shape = inputs.shape[0], inputs.shape[steps_axis]
        check_mask(f"GlobalAveragePooling1D '{self.name}'", mask, shape)
        mask = jnp.expand_dims(jnp.asarray(mask, bool), features_axis)
        # Replaced, not multiplied by 0: infinities and NaN at masked steps must not count either.
        masked = jnp.where(mask, inputs, jnp.zeros((), inputs.dtype))
        # In half precision a sum overflows where the mean does not, and 2048 + 1 is 2048.
        dtype = jnp.promote_types(masked.dtype, jnp.float32)
        total = jnp.sum(masked, axes, dtype=dtype, keepdims=self.keepdims)
        count = jnp.sum(mask, axes, dtype=dtype, keepdims=self.keepdims)
        # Without any step, 0 / 1: the gradient of 0 / 0 would be NaN.
        mean = total / jnp.maximum(count, 1)
        return mean.astype(masked.dtype) if jnp.issubdtype(masked.dtype, jnp.floating) else mean

    def compute_mask(self, inputs: Tensor, mask: Tensor | None = None) -> None:
        return None  # there are no steps any more


class GlobalAveragePooling2D(_GlobalAverage):
    """The mean over all positions of an image. Arguments as in `GlobalAveragePooling1D`.

    Shape:
        `(batch, rows, columns, channels)` -> `(batch, channels)`.

    Examples:
        >>> import fkeras, jax.numpy as jnp
        >>> fkeras.layers.GlobalAveragePooling2D()(jnp.ones((2, 4, 5, 3))).shape
        (2, 3)
    """

    rank = 2


class GlobalAveragePooling3D(_GlobalAverage):
    """The mean over all positions of a volume. Arguments as in `GlobalAveragePooling1D`.

    Shape:
        `(batch, a, b, c, channels)` -> `(batch, channels)`.
    """

    rank = 3


class GlobalMaxPooling1D(_GlobalMax):
    """The largest value over all steps. Arguments as in `GlobalAveragePooling1D`.

    Shape:
        `(batch, steps, features)` -> `(batch, features)`.
    """

    rank = 1


class GlobalMaxPooling2D(_GlobalMax):
    """The largest value over all positions of an image. Arguments as in `GlobalAveragePooling1D`.

    Shape:
        `(batch, rows, columns, channels)` -> `(batch, channels)`.
    """

    rank = 2


class GlobalMaxPooling3D(_GlobalMax):
    """The largest value over all positions of a volume. Arguments as in `GlobalAveragePooling1D`.

    Shape:
        `(batch, a, b, c, channels)` -> `(batch, channels)`.
    """

    rank = 3
