"""The base of all initializers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    import jax

    from fkeras.types import Config, DTypeLike, ShapeLike


class Initializer:
    """Makes a weight's first value: `initializer(shape, dtype)` returns an array.

    For your own, define `__call__`, and `get_config` where the constructor takes arguments. In a
    model, the random functions that it calls without a seed are keyed by the weight's place, so
    that each weight gets other numbers and a model the same ones again.

    Examples:
        >>> import fkeras
        >>> class Half(fkeras.initializers.Initializer):
        ...     def __call__(self, shape, dtype=None):
        ...         return fkeras.ops.full(shape, 0.5, dtype)
        >>> Half()((2,)).tolist()
        [0.5, 0.5]
    """

    def __call__(self, shape: ShapeLike, dtype: DTypeLike | None = None) -> jax.Array:
        """The first value of a weight.

        Args:
            shape: tuple of ints.
            dtype: None for floatx.
        """
        raise NotImplementedError(
            f"{type(self).__name__} must define `__call__(self, shape, dtype=None)`."
        )

    def get_config(self) -> dict:
        """The arguments of the constructor, as plain values."""
        return {}

    @classmethod
    def from_config(cls, config: Config) -> Self:
        """An initializer from the dict that `get_config` returned."""
        return cls(**config)

    def clone(self) -> Self:
        """A new initializer with the same configuration. Without a seed, it draws other numbers."""
        return type(self).from_config(self.get_config())

    def __repr__(self) -> str:
        arguments = ", ".join(f"{name}={value!r}" for name, value in self.get_config().items())
        return f"{type(self).__name__}({arguments})"
