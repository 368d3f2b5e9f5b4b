"""What one value that an optimizer keeps for a parameter looks like, and starts as."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import jax

from fkeras.core.randomness import first_values
from fkeras.core.values import stacking

if TYPE_CHECKING:
    from fkeras.optimizers.parameter_info import ParameterInfo

# Elements of a value that the host fills, which needs no program for its shape; larger ones, of
# which a model has few shapes, are filled where they lie.
_MOST_ON_HOST = 1 << 20


@dataclasses.dataclass(frozen=True)
class SlotSpec:
    """One value that an optimizer keeps: shape, dtype, and what it starts as.

    Args:
        shape: tuple of ints.
        dtype: name of a dtype.
        fill: the number that it starts as everywhere, or a function of the parameter.
    """

    shape: tuple[int, ...]
    dtype: str
    fill: float | Callable[[Any], jax.Array] = 0.0

    @classmethod
    def like(cls, info: ParameterInfo, fill: float | Callable[[Any], jax.Array] = 0.0) -> SlotSpec:
        """A value of the shape and dtype of a parameter."""
        return cls(info.shape, info.dtype, fill)

    def stacked(self, blocks: tuple[int, ...]) -> SlotSpec:
        """The values of several blocks, for one of which this is."""
        if not blocks:
            return self
        fill = stacking.over_blocks(self.fill, len(blocks)) if callable(self.fill) else self.fill
        return SlotSpec((*blocks, *self.shape), self.dtype, fill)

    def first_value(self, param: jax.Array | None) -> jax.Array:
        """The value before the first step; `param` is None for what belongs to no parameter."""
        if callable(self.fill):
            return self.fill(param)
        if isinstance(param, jax.Array) and param.shape == self.shape:
            is_placed = isinstance(param, jax.core.Tracer) or param.committed
            if is_placed or param.size > _MOST_ON_HOST:
                # Made from the parameter, which keeps its sharding.
                return jax.lax.full_like(param, self.fill, dtype=self.dtype)
        return first_values.filled(self.shape, self.fill, self.dtype)
