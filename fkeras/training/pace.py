"""`Pace`: how much work a device call takes."""

from __future__ import annotations

import collections
import time
from typing import Any

import jax

from fkeras.training import agreement

# Device calls aim at this length: short enough for Ctrl-C and the progress bar, long enough to cost
# nothing.
_CALL_SECONDS = 0.05


class Pace:
    """How many steps (or epochs) the next device call takes, and how far the host may run ahead of
    the device.

    Args:
        steps: what the first call takes.
        most: what a call takes at most; None where the number is fixed.
        in_flight: how many calls may be under way.
    """

    def __init__(self, steps: int, most: int | None = None, in_flight: int = 2) -> None:
        self.steps = steps
        # The clocks of several processes do not agree.
        self._most = None if agreement.is_needed() else most
        self._in_flight = in_flight
        self.begin()

    def begin(self) -> None:
        """Starts the clock: what passed since the last call teaches nothing."""
        self._calls: collections.deque[jax.Array | None] = collections.deque()
        self._last_end: float | None = None

    def after(self, result: Any) -> None:
        """Waits until all but the last calls are done; learns from how long they took.

        Args:
            result: of the call just made; all of it is ready as soon as one array is.
        """
        first = next(iter(result.values()), None) if isinstance(result, dict) else result
        if not isinstance(first, jax.Array):
            first = next((x for x in jax.tree.leaves(result) if isinstance(x, jax.Array)), None)
        self._calls.append(first)
        if len(self._calls) <= self._in_flight:
            return
        oldest = self._calls.popleft()
        if oldest is not None:
            oldest.block_until_ready()
        if self._most is not None:
            self._learn(self._most)

    def _learn(self, most: int) -> None:
        now = time.perf_counter()
        if self._last_end is not None:
            seconds = now - self._last_end
            if seconds < _CALL_SECONDS / 2:
                self.steps = min(self.steps * 2, most)
            elif seconds > _CALL_SECONDS * 2:
                self.steps = max(self.steps // 2, 1)
        self._last_end = now
