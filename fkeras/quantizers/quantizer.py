"""Quantizers: objects that turn floats into whole numbers and scales."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from fkeras.errors import UserInputError
from fkeras.quantizers.abs_max import abs_max_quantize

if TYPE_CHECKING:
    from collections.abc import Sequence

    import jax

    from fkeras.types import Axis, Config, TensorLike


class Quantizer:
    """The base of quantizers: subclass it and override `__call__` and `get_config`.

    Args:
        output_dtype: dtype of the numbers that a call returns.

    Examples:
        >>> import fkeras
        >>> fkeras.Quantizer().output_dtype
        'int8'
    """

    def __init__(self, output_dtype: str = "int8") -> None:
        self.output_dtype = output_dtype

    def __call__(self, x: TensorLike) -> Any:
        """What stands for `x`; the base class returns it as it is."""
        return x

    def get_config(self) -> Config:
        """The constructor's arguments as plain values."""
        raise NotImplementedError(f"{type(self).__name__} must define `get_config()`.")

    @classmethod
    def from_config(cls, config: Config) -> Self:
        """A quantizer from what `get_config` returned."""
        return cls(**config)


class AbsMaxQuantizer(Quantizer):
    """Whole numbers with one scale for each slice, chosen by the slice's largest magnitude.

    Args:
        axis: int or tuple of ints: the axes that share a scale, where a call does not say. None for
            the last one.
        value_range: the smallest and the largest whole number.
        epsilon: added to the largest magnitude, so that slices of zeros have a finite scale.
        output_dtype: dtype of the numbers.

    Raises:
        UserInputError: a range that int8 does not hold.

    Examples:
        >>> import fkeras, jax.numpy as jnp
        >>> quantizer = fkeras.quantizers.AbsMaxQuantizer(axis=0)
        >>> values, scale = quantizer(jnp.array([[1.0, 4.0], [-2.0, 1.0]]))
        >>> values.tolist(), scale.shape
        ([[64, 127], [-127, 32]], (1, 2))
    """

    def __init__(
        self,
        axis: Axis | None = None,
        value_range: Sequence[int] = (-127, 127),
        epsilon: float = 1e-7,
        output_dtype: str = "int8",
    ) -> None:
        super().__init__(output_dtype)
        self.axis = (axis,) if isinstance(axis, int) else axis if axis is None else tuple(axis)
        self.value_range = value_range
        self.epsilon = epsilon
        if output_dtype == "int8" and (value_range[0] < -128 or value_range[1] > 127):
            raise UserInputError(
                "AbsMaxQuantizer with output_dtype='int8' requires a value_range within [-128, "
                f"127]. Received: value_range={value_range}"
            )

    def __call__(
        self, x: TensorLike, axis: Axis | None = None, to_numpy: bool = False
    ) -> tuple[jax.Array, jax.Array]:
        """The whole numbers and scales: see `abs_max_quantize`.

        Args:
            x: array of floats.
            axis: the axes that share a scale; None for those of the constructor.
            to_numpy: whether the host computes.
        """
        axis = self.axis if axis is None else axis
        axis = -1 if axis is None else axis
        smallest, largest = self.value_range
        return abs_max_quantize(
            x, axis, (smallest, largest), self.output_dtype, self.epsilon, to_numpy
        )

    def get_config(self) -> Config:
        config = {
            "value_range": self.value_range,
            "epsilon": self.epsilon,
            "output_dtype": self.output_dtype,
        }
        return config if self.axis is None else {**config, "axis": self.axis}
