"""`LambdaCallback`: functions as hooks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fkeras.callbacks.callback import Callback
from fkeras.errors import UserTypeError, unknown_name

Hook = Callable[..., Any] | None


class LambdaCallback(Callback):
    """A callback from functions.

    Args:
        on_epoch_begin, on_epoch_end: functions `(epoch, logs)`.
        on_train_begin, on_train_end: functions `(logs)`.
        on_train_batch_begin, on_train_batch_end: functions `(batch, logs)`.
        **kwargs: functions for other hooks, by their names.

    Examples:
        >>> import fkeras
        >>> show = lambda epoch, logs: print(epoch, logs)
        >>> callback = fkeras.callbacks.LambdaCallback(on_epoch_end=show)
        >>> callback.on_epoch_end(0, {"loss": 0.5})
        0 {'loss': 0.5}
    """

    def __init__(
        self,
        on_epoch_begin: Hook = None,
        on_epoch_end: Hook = None,
        on_train_begin: Hook = None,
        on_train_end: Hook = None,
        on_train_batch_begin: Hook = None,
        on_train_batch_end: Hook = None,
        **kwargs: Hook,
    ) -> None:
        super().__init__()
        for name in kwargs:
            if name.startswith("on_") and not hasattr(Callback, name):
                hooks = [hook for hook in dir(Callback) if hook.startswith("on_")]
                raise unknown_name("hook of a callback", name, hooks)
        hooks = {
            "on_epoch_begin": on_epoch_begin,
            "on_epoch_end": on_epoch_end,
            "on_train_begin": on_train_begin,
            "on_train_end": on_train_end,
            "on_train_batch_begin": on_train_batch_begin,
            "on_train_batch_end": on_train_batch_end,
            **kwargs,
        }
        for name, function in hooks.items():
            if name.startswith("on_") and function is not None and not callable(function):
                raise UserTypeError(
                    f"LambdaCallback: `{name}` must be a function. Received: {function!r}"
                )
        vars(self).update(
            {name: function for name, function in hooks.items() if function is not None}
        )
