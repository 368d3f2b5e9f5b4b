"""The base of all constraints."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from fkeras.types import ArrayLike, Config


class Constraint:
    """A projection that training applies to a weight after each update.

    `constraint(w)` returns an array of the same shape.

    Examples:
        >>> import fkeras
        >>> class AtMostOne(fkeras.constraints.Constraint):
        ...     def __call__(self, w):
        ...         return fkeras.ops.minimum(w, 1.0)
        >>> AtMostOne()(fkeras.ops.array([0.5, 2.0])).tolist()
        [0.5, 1.0]
    """

    def __call__(self, w: ArrayLike) -> ArrayLike:
        """The projected weight. Here the weight itself."""
        return w

    def get_config(self) -> Config:
        """The arguments of the constructor, as plain values."""
        return {}

    @classmethod
    def from_config(cls, config: Config) -> Self:
        """A constraint from the dict that `get_config` returned."""
        return cls(**config)
