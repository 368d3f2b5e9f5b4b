"""What callbacks that watch one of the logs' values share: which way is better, what counts as
better, and whether the name exists.
"""

from __future__ import annotations

import math
import numbers
import operator
from collections.abc import Collection, Iterable
from typing import Any

import numpy as np

from fkeras import ops
from fkeras.callbacks.callback import Callback
from fkeras.core import former_keys
from fkeras.core.warn_once import warn_user
from fkeras.errors import UserInputError, UserTypeError, nearest, unknown_name
from fkeras.metrics.by_name import direction_of_name

_COMPARE = {ops.less: operator.lt, ops.greater: operator.gt}


def check_not_negative(who: str, name: str, value: Any) -> None:
    """Raises for an argument of a callback that is no number of 0 or more.

    Args:
        who: the callback's class. name: of the argument. value: what was given.
    """
    if isinstance(value, (bool, str)) or not isinstance(value, numbers.Real) or not value >= 0:
        raise UserInputError(
            f"{who}: `{name}` must be a number of 0 or more. Received: {name}={value!r}"
        )


class MonitorCallback(Callback):
    """Base class of callbacks that watch one value. NaN is never an improvement.

    Args:
        monitor: a name in the logs.
        mode: 'min', 'max', or 'auto' (by the metric of that name).
        baseline: value to be better than; None for the first one seen.
        min_delta: least change that counts as an improvement.

    Attributes:
        best: the best value so far, or None.
        monitor_op: `ops.less` or `ops.greater`; None until known.
    """

    def __init__(
        self,
        monitor: str = "val_loss",
        mode: str = "auto",
        baseline: float | None = None,
        min_delta: float = 0,
    ) -> None:
        super().__init__()
        if mode not in ("auto", "min", "max"):
            warn_user(
                f"{type(self).__name__} mode '{mode}' is unknown, fallback to auto mode. It may be "
                "'auto', 'min' or 'max'."
            )
            mode = "auto"
        if not isinstance(monitor, str):
            raise UserTypeError(
                f"{type(self).__name__}: `monitor` must be a name in the logs, such as 'val_loss'. "
                f"Received: monitor={monitor!r}"
            )
        self.monitor = monitor
        self.mode = mode
        self.best = baseline
        self.min_delta = abs(min_delta)
        self.monitor_op = None
        self._available = None  # None: not asked yet
        self._resumed = False

    def check_monitor(self, available: Collection[str], has_validation: bool = True) -> None:
        """Tells at the start of training whether the monitored name will exist;
        `CallbackList.check_monitors` calls it.

        Args:
            available: the names that an epoch's logs will have.
            has_validation: whether there is validation data.

        Raises:
            UserInputError: for a misspelt name, and for one whose direction 'auto' cannot find.
        """
        self._take_todays_name(available)
        name = self.monitor
        label = type(self).__name__
        self._available = name in available
        if self._available:
            self._set_monitor_op()
        elif not has_validation and name.startswith("val_"):
            warn_user(
                f"{label}(monitor={name!r}) will do nothing: there is no validation data. Pass "
                "`validation_data` or `validation_split` to `fit`, or monitor one of "
                f"{_shown(available)}."
            )
        elif nearest(name, available):
            raise unknown_name(f"monitor of {label}", name, available)
        elif self.mode == "auto":
            raise UserInputError(
                f"{label}(monitor={name!r}): the logs will have no such value, only "
                f"{_shown(available)}."
            )
        else:
            warn_user(
                f"{label}(monitor={name!r}) will do nothing: the logs have no such value, only "
                f"{_shown(available)}."
            )

    def _take_todays_name(self, available: Collection[str]) -> None:
        """Monitors `val_accuracy` where `val_acc` of older Keras was asked for."""
        today = former_keys.today(self.monitor, available)
        if today is not None:
            former_keys.tell(self.monitor, today)
            self.monitor = today

    def _value_in(self, logs: dict[str, Any] | None) -> float | None:
        """The monitored value as a float, or None (with one warning a training) where the logs lack
        it.
        """
        value = (logs or {}).get(self.monitor)
        if value is not None:
            if np.size(value) != 1:
                raise UserInputError(
                    f"{type(self).__name__}(monitor={self.monitor!r}): the log holds "
                    f"{np.size(value)} values, where one is needed. Give the metric an `average`, "
                    "or monitor another one."
                )
            return float(np.reshape(value, ()))
        if self._available is None:
            self._available = False
            warn_user(
                f"{type(self).__name__} is conditioned on `{self.monitor}`, which is not "
                f"available. Available: {_shown(logs or {})}."
            )
        return None

    def _set_monitor_op(self):
        if self.mode != "auto":
            self.monitor_op = ops.less if self.mode == "min" else ops.greater
            return
        up = _goes_up(self.monitor, self.model)
        if up is None:
            raise UserInputError(
                f"{type(self).__name__} callback received monitor={self.monitor}, but cannot tell "
                "whether this metric should be maximized or minimized. Pass `mode='max'` if the "
                "highest value is best, else `mode='min'`."
            )
        self.monitor_op = ops.greater if up else ops.less

    def _is_improvement(self, value: float, reference: float | None) -> bool:
        if math.isnan(value):
            return False
        if reference is None:
            return True
        if self.monitor_op is None:
            self._set_monitor_op()
        margin = self.min_delta if self.monitor_op is ops.greater else -self.min_delta
        return bool(_COMPARE.get(self.monitor_op, self.monitor_op)(value - margin, reference))

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        self._available = None
        self._resumed = False


def _goes_up(monitor: str, model: Any) -> bool | None:
    """True where more is better, False where less is, None where it cannot be known."""
    name = monitor.removeprefix("val_")
    if name.endswith("loss"):
        return False
    for metric_name, metric in _named_metrics(getattr(model, "metrics", None) or ()):
        if metric_name == name and getattr(metric, "_direction", None) is not None:
            return metric._direction == "up"
    direction = direction_of_name(name)
    return None if direction is None else direction == "up"


def _named_metrics(metrics: Iterable[Any]):
    for metric in metrics:
        inner = getattr(metric, "metrics", None)
        if inner:
            names = getattr(metric, "names", None) or [m.name for m in inner]
            yield from zip(names, inner)
            yield from ((m.name, m) for m in inner)
        yield getattr(metric, "name", None), metric


def _shown(names: Collection[str]) -> str:
    return ", ".join(sorted(names))
