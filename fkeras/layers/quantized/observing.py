"""Who looks at the inputs of layers that wait for data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fkeras.core.scoped import Scoped

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    import jax

_observers: Scoped[tuple[Callable[[Any, jax.Array], None], ...]] = Scoped(())


def observing(observer: Callable[[Any, jax.Array], None]) -> AbstractContextManager:
    """Context manager: `observer(layer, rows)` is called inside, on this thread, when a layer that
    waits for data is called.

    Args:
        observer: function of the layer and of its inputs, `(samples, rows of the weight)`.
    """
    return _observers.pushed(observer)


def is_observed() -> bool:
    """Whether anybody looks."""
    return bool(_observers.value)


def tell(layer: Any, rows: jax.Array) -> None:
    """Shows the inputs of a layer to the observer."""
    _observers.value[-1](layer, rows)
