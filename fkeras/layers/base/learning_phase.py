"""The learning phase of older Keras: whether what runs is training."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fkeras.core.scoped import Scoped
from fkeras.core.warn_once import warn_user
from fkeras.errors import UserInputError
from fkeras.layers.base import context as contexts
from fkeras.layers.base.layer import Layer


class LearningPhase(int):
    """0 in inference, 1 in training. As an input of `K.function` it stands for what is fed."""

    def __repr__(self) -> str:
        return f"LearningPhase({int(self)})"


_process_phase = [0]  # what `set_learning_phase` said
_fed: Scoped[bool | None] = Scoped(None)


def learning_phase() -> LearningPhase:
    """1 while a layer or model is called for training, else 0; outside of calls what
    `set_learning_phase` said. Layers take `training=...` today.
    """
    return LearningPhase(is_training(None))


def set_learning_phase(value: int | bool) -> None:
    """What `learning_phase()` is outside of calls. Calls are told by `training=...`."""
    if value not in (0, 1):
        raise UserInputError(f"Expected learning phase to be 0 or 1. Received: {value!r}")
    if value:
        warn_user(
            "`K.set_learning_phase(1)` does not reach layers: `fit` trains, `predict` and "
            "`evaluate` do not, and `model(x, training=True)` says so for one call."
        )
    _process_phase[0] = int(value)


def fed(value: bool) -> Any:
    """Context manager: calls inside are in this phase, as far as they do not say otherwise."""
    return _fed.inside(bool(value))


def is_training(training: bool | None) -> bool:
    """`training`, else the call's in progress, else the process's."""
    if training is not None and not isinstance(training, LearningPhase):
        return bool(training)
    context = contexts.current()
    if context is not None and context.training is not None:
        return bool(context.training)
    if _fed.value is not None:
        return _fed.value
    return context is None and bool(_process_phase[0])


def in_train_phase(x: Any, alt: Any, training: bool | None = None) -> Any:
    """`x` in training, else `alt`; either may be a function without arguments.

    Args:
        training: None for the phase of the layer's call in progress.
    """
    return _value(x if is_training(training) else alt)


def in_test_phase(x: Any, alt: Any, training: bool | None = None) -> Any:
    """`alt` in training, else `x`; either may be a function without arguments."""
    return _value(alt if is_training(training) else x)


def _value(x: Any | Callable[[], Any]) -> Any:
    return x() if callable(x) else x


def caller() -> Callable[[Any], Callable[..., Any]]:
    """What a replay of a graph calls an operation with: layers for training, where that was fed."""
    return _for_training if _fed.value else lambda operation: operation


def _for_training(operation: Any) -> Callable[..., Any]:
    if not isinstance(operation, Layer):
        return operation
    return lambda *args, **kwargs: operation(*args, **{"training": True, **kwargs})
