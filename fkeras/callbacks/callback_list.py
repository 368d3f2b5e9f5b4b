"""`CallbackList`: all callbacks as one, with `History` and the progress bar behind the user's
own.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Sequence
from typing import Any

import jax
import numpy as np

from fkeras.callbacks.callback import HOOKS, Callback, overridden
from fkeras.callbacks.history import History
from fkeras.callbacks.progbar_logger import ProgbarLogger
from fkeras.core import user_code
from fkeras.core.former_keys import FormerKeys
from fkeras.errors import UserInputError, UserTypeError

_BATCH_HOOKS = {
    "train": ("on_train_batch_begin", "on_train_batch_end", "on_batch_begin", "on_batch_end"),
    "test": ("on_test_batch_begin", "on_test_batch_end"),
    "predict": ("on_predict_batch_begin", "on_predict_batch_end"),
}
# Hooks through which a callback can put names into the logs of an epoch.
_SEE_LOGS = [hook for hook in HOOKS if hook.endswith("_end") and "predict" not in hook]


class CallbackList(Callback):
    """Calls a list of callbacks in its order: what one writes into an epoch's logs, those behind it
    see.

    Args:
        callbacks: a callback, a list of them (nested lists too), or None.
        add_history: whether a `History` is added behind them, unless there is one.
        add_progbar: whether a `ProgbarLogger` is added at the end, unless there is one.
        model: the model that they are about.
        **params: `verbose`, `epochs` and `steps`, for the callbacks' `params`.

    Raises:
        UserTypeError: for what is no callback, and for hooks that cannot be called with their
            arguments.

    Examples:
        >>> import fkeras
        >>> stop = fkeras.callbacks.EarlyStopping()
        >>> listed = fkeras.callbacks.CallbackList(stop, add_history=True, epochs=2)
        >>> [type(c).__name__ for c in listed.callbacks]
        ['EarlyStopping', 'History']
    """

    def __init__(
        self,
        callbacks: Any = None,
        add_history: bool = False,
        add_progbar: bool = False,
        model: Any = None,
        **params: Any,
    ) -> None:
        super().__init__()
        self.callbacks = _flat(callbacks)
        self._keywords: set[tuple[int, str]] = set()  # hooks that take `logs` by name only
        # Hook on batches -> callbacks that override it, since the beginning of this loop.
        self._listening: dict[str, list[Callback]] = {}
        for index, callback in enumerate(self.callbacks):
            self._check(callback, index)
        for wanted, cls in ((add_history, History), (add_progbar, ProgbarLogger)):
            if wanted and not any(isinstance(c, cls) for c in self.callbacks):
                self.callbacks.append(cls())
        self.set_model(model)
        self.set_params(params)

    def append(self, callback: Callback) -> None:
        """Adds a callback at the end."""
        self._check(callback, len(self.callbacks))
        self.callbacks.append(callback)
        self._listening.clear()
        if self.model is not None:
            callback.set_model(self.model)
        if self.params:
            callback.set_params(self.params)

    def set_params(self, params: dict[str, Any]) -> None:
        super().set_params(params)
        if params:
            for callback in self.callbacks:
                callback.set_params(params)

    def show_validation_data(self, data: Any) -> None:
        """Lets callbacks of older Keras see `validation_data`, where it is a tuple of arrays."""
        if isinstance(data, tuple) and 2 <= len(data) <= 3:
            for callback in self.callbacks:
                if isinstance(callback, Callback):
                    callback.validation_data = list(data)

    def set_model(self, model: Any) -> None:
        if model is None:
            return
        super().set_model(model)
        for callback in self.callbacks:
            if isinstance(callback, History):
                model.history = callback
            callback.set_model(model)

    # -- questions of the training loop ----------------------------------------

    def needs_batch_hooks(self, role: str) -> bool:
        """Whether a callback has hooks on batches and may look at more than the logs.

        Args:
            role: 'train', 'test' or 'predict'.
        """
        return any(
            overridden(c, hook) is not None
            for c in self.callbacks
            if not getattr(c, "reads_logs_only", False)
            for hook in _BATCH_HOOKS[role]
        )

    def surrounds_tests(self) -> bool:
        """Whether a callback wants to act between training and a validation: it may put other
        weights in place for that.
        """
        return any(
            overridden(c, hook) is not None
            for c in self.callbacks
            if not vars(type(c)).get("can_wait", False)
            for hook in ("on_test_begin", "on_test_end")
        )

    def can_wait(self) -> bool:
        """Whether no callback minds being told of an epoch a moment late, when later ones have been
        trained.
        """
        return all(vars(type(c)).get("can_wait", False) for c in self.callbacks)

    def check_monitors(self, available: Collection[str], has_validation: bool = False) -> None:
        """Raises where a callback monitors a misspelt name; `fit` calls it before the first step.

        Nothing is checked where a user's callback could add names to the logs.

        Args:
            available: names that an epoch's logs will have.
            has_validation: whether there is validation data.
        """
        names = [
            *available,
            *(name for c in self.callbacks for name in getattr(c, "added_names", list)()),
        ]
        if any(_is_users(overridden(c, hook)) for c in self.callbacks for hook in _SEE_LOGS):
            return
        for callback in self.callbacks:
            if hasattr(callback, "check_monitor"):
                callback.check_monitor(names, has_validation)

    def get_state(self) -> dict:
        """The states of the callbacks that have one, by place and class."""
        states = {
            f"{i}_{type(c).__name__}": c.get_state()
            for i, c in enumerate(self.callbacks)
            if hasattr(c, "get_state")
        }
        return {k: v for k, v in states.items() if v}

    def set_state(self, state: dict) -> None:
        """Gives each callback its state back. Raises where the callbacks are not those that were
        saved.
        """
        mine = {f"{i}_{type(c).__name__}": c for i, c in enumerate(self.callbacks)}
        unknown = sorted(set(state) - set(mine))
        if unknown:
            raise UserInputError(
                f"The saved state belongs to callbacks {sorted(state)}; there are {sorted(mine)}. "
                "Pass the same callbacks in the same order as before."
            )
        for name, callback_state in state.items():
            mine[name].set_state(callback_state)

    # -- hooks -----------------------------------------------------------------

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self._call("on_epoch_begin", (epoch,), plain(logs))

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self._call("on_epoch_end", (epoch,), plain(logs))

    def on_batch_begin(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        self._call("on_batch_begin", (batch,), logs)

    def on_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        self._call("on_batch_end", (batch,), logs)

    def on_train_batch_begin(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        self._call_batch("train", "on_train_batch_begin", batch, logs)

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        self._call_batch("train", "on_train_batch_end", batch, logs)

    def on_test_batch_begin(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        self._call_batch("test", "on_test_batch_begin", batch, logs)

    def on_test_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        self._call_batch("test", "on_test_batch_end", batch, logs)

    def on_predict_batch_begin(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        self._call_batch("predict", "on_predict_batch_begin", batch, logs)

    def on_predict_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        self._call_batch("predict", "on_predict_batch_end", batch, logs)

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        self._listening.clear()
        self._call("on_train_begin", (), plain(logs))

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        self._call("on_train_end", (), plain(logs))

    def on_test_begin(self, logs: dict[str, Any] | None = None) -> None:
        self._listening.clear()
        self._call("on_test_begin", (), plain(logs))

    def on_test_end(self, logs: dict[str, Any] | None = None) -> None:
        self._call("on_test_end", (), plain(logs))

    def on_predict_begin(self, logs: dict[str, Any] | None = None) -> None:
        self._listening.clear()
        self._call("on_predict_begin", (), plain(logs))

    def on_predict_end(self, logs: dict[str, Any] | None = None) -> None:
        self._call("on_predict_end", (), plain(logs))

    def _call(
        self, hook: str, arguments: tuple, logs: dict[str, Any] | None, callbacks: Any = None
    ):
        logs = {} if logs is None else logs
        callback = None
        try:
            for callback in self.callbacks if callbacks is None else callbacks:
                if self._keywords and (id(callback), hook) in self._keywords:
                    getattr(callback, hook)(*arguments, logs=logs)
                else:
                    getattr(callback, hook)(*arguments, logs)
        except Exception as error:
            who = f"`{hook}` of callback {type(callback).__name__}"
            user_code.raise_explained(error, lambda: who, {"logs": logs})

    def _call_batch(self, role: str, hook: str, batch: int, logs: dict[str, Any] | None):
        """Calls those that override the hook.

        They are looked for once a loop: this runs between steps that may take microseconds.
        """
        listening = self._listening.get(hook)
        if listening is None:
            names = [name for name in _BATCH_HOOKS[role] if name.endswith(hook[-5:])]
            listening = self._listening[hook] = [
                c for c in self.callbacks if any(overridden(c, name) is not None for name in names)
            ]
        if listening:
            if type(logs) is dict and any(
                not getattr(c, "reads_logs_only", False) for c in listening
            ):
                # From a user's own loop; those of `fit` fetch themselves when looked at.
                logs = plain(logs)
            self._call(hook, (batch,), logs, listening)

    def _check(self, callback: Callback, index: int):
        where = f"callbacks[{index}]"
        if isinstance(callback, type):
            raise UserTypeError(
                f"{where} is the class {callback.__name__}, not a callback. Write "
                f"{callback.__name__}()."
            )
        missing = [
            name
            for name in ("set_model", "set_params", *HOOKS)
            if not callable(getattr(callback, name, None))
        ]
        if missing:
            raise UserTypeError(
                f"{where} is no callback: {type(callback).__name__} has no method {missing[0]!r}. "
                "Subclass `fkeras.callbacks.Callback`; a single function can be wrapped: "
                "`LambdaCallback(on_epoch_end=function)`."
            )
        for hook, names in HOOKS.items():
            method = overridden(callback, hook)
            if method is not None and not _takes(method, names):
                if _takes(method, names[:-1], logs=None):
                    self._keywords.add((id(callback), hook))
                    continue
                raise UserTypeError(
                    f"{where}, {type(callback).__name__}: `{hook}{inspect.signature(method)}` "
                    f"cannot be called with ({', '.join(names)}). Define it as `def {hook}(self, "
                    f"{', '.join(names[:-1] + ('logs=None',))})`."
                )


def _flat(callbacks: Any) -> list:
    if callbacks is None:
        return []
    if isinstance(callbacks, CallbackList):
        return list(callbacks.callbacks)
    if isinstance(callbacks, (list, tuple)):
        return [c for inner in callbacks for c in _flat(inner)]
    return [callbacks]


def _takes(method: Callable, positional: Sequence[str], **keywords) -> bool:
    try:
        signature = inspect.signature(method)
    except (TypeError, ValueError):  # a builtin that does not tell
        return True
    try:
        signature.bind(*positional, **keywords)
    except TypeError:
        return False
    return True


def _is_users(method: Callable) -> bool:
    return method is not None and not (getattr(method, "__module__", None) or "").startswith(
        "fkeras."
    )


def plain(logs: dict[str, Any] | None) -> dict:
    """Logs as a new dict in alphabetical order: arrays without axes as Python floats, others as
    NumPy arrays.
    """
    logs = {str(name): value for name, value in sorted(logs.items())} if logs else {}
    on_device = {name: value for name, value in logs.items() if isinstance(value, jax.Array)}
    if on_device:
        logs |= jax.device_get(on_device)
    return FormerKeys(
        {
            name: float(value)
            if isinstance(value, (np.ndarray, np.generic)) and value.ndim == 0
            else value
            for name, value in logs.items()
        }
    )
