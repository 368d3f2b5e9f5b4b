"""`BaseLogger`, which older Keras needed for what steps do by themselves today."""

from __future__ import annotations

from collections.abc import Sequence

from fkeras.callbacks.callback import Callback


class BaseLogger(Callback):
    """Does nothing: the logs are means over the epoch already.

    Args:
        stateful_metrics: names of metrics that were not to be averaged; no longer needed.
    """

    can_wait = True

    def __init__(self, stateful_metrics: Sequence[str] | None = None) -> None:
        super().__init__()
        self.stateful_metrics = set(stateful_metrics or ())
