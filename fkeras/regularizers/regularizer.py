"""The base of all regularizers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    import jax

    from fkeras.types import ArrayLike, Config


class Regularizer:
    """A penalty on a weight or an output, which training adds to the loss.

    `regularizer(x)` returns a scalar. Any function of an array that returns a scalar does as well.
    A layer's penalties are in `layer.losses`; that of its outputs (`activity_regularizer`) is
    divided by the batch size.

    Examples:
        >>> import fkeras
        >>> class Mean(fkeras.Regularizer):
        ...     def __init__(self, factor):
        ...         self.factor = factor
        ...     def __call__(self, x):
        ...         return self.factor * fkeras.ops.mean(x)
        ...     def get_config(self):
        ...         return {"factor": self.factor}
        >>> float(Mean(0.5)(fkeras.ops.ones((3, 3))))
        0.5
    """

    def __call__(self, x: ArrayLike) -> jax.Array | float:
        """The penalty for an array: a scalar of its dtype. Here 0."""
        return 0.0

    @classmethod
    def from_config(cls, config: Config) -> Self:
        """A regularizer from the dict that `get_config` returned."""
        return cls(**config)

    def get_config(self) -> Config:
        """The arguments of the constructor as plain values: needed to save a model."""
        raise NotImplementedError(
            f"{type(self).__name__} does not implement get_config(). Return the arguments of its "
            "constructor."
        )
