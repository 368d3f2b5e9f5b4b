"""`Pace`: how much work a device call takes."""

import collections
import time

import jax

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

    def __init__(self, steps, most=None, in_flight=2):
        self.steps, self._most, self._in_flight = steps, most, in_flight
        self.begin()

    def begin(self):
        """Starts the clock: what passed since the last call teaches nothing."""
        self._calls: collections.deque = collections.deque()
        self._last = None

    def after(self, result):
        """Waits until all but the last calls are done; learns from how long they took."""
        first = next(iter(result.values()), None) if isinstance(result, dict) else result
        if not isinstance(first, jax.Array):
            first = next((x for x in jax.tree.leaves(result) if isinstance(x, jax.Array)), None)
        self._calls.append(first)
        if len(self._calls) <= self._in_flight:
            return
        oldest = self._calls.popleft()
        if oldest is not None:
            oldest.block_until_ready()
        if self._most is None:
            return
        now = time.perf_counter()
        if self._last is not None:
            took = now - self._last
            if took < _CALL_SECONDS / 2:
                self.steps = min(self.steps * 2, self._most)
            elif took > _CALL_SECONDS * 2:
                self.steps = max(self.steps // 2, 1)
        self._last = now
