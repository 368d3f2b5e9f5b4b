"""`TerminateOnNaN`: stops when the loss is no number any more."""

from __future__ import annotations

import math
from typing import Any

from fkeras.callbacks.callback import Callback
from fkeras.core import messages


class TerminateOnNaN(Callback):
    """Stops training when the loss is NaN or infinite.

    The loss of a batch is a running mean, which stays NaN once it was: looking at the last batch of
    a device call is enough.

    Args:
        raise_error: whether a RuntimeError is raised at once, so that no `on_train_end` runs,
            instead of stopping in good order.
    """

    reads_logs_only = True

    def __init__(self, raise_error: bool = False) -> None:
        super().__init__()
        self.raise_error = raise_error

    def on_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        loss = (logs or {}).get("loss")
        if loss is None or math.isfinite(loss):
            return
        if self.raise_error:
            raise RuntimeError(
                f"NaN or Inf loss encountered at batch {batch}. Loss value: {loss}. Terminating "
                "training immediately."
            )
        messages.write(f"Batch {batch}: Invalid loss, terminating training")
        self.model.stop_training = True
