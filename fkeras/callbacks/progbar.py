"""`Progbar`: a progress bar for terminals and notebooks, lines for files."""

import os
import shutil
import sys
import time

import numpy as np

from fkeras.callbacks import messages
from fkeras.errors import UserInputError

_BOLD, _GREEN, _WHITE, _PLAIN = "\x1b[1m", "\x1b[32m", "\x1b[37m", "\x1b[0m"
# Where a line cannot be overwritten (a file, a pipe), updates are this many times rarer.
_RARER = 200


class Progbar:
    """Shows how far something is, how long it takes, and values.

    Args:
        target: how many steps there will be; None where unknown.
        width: of the bar, in characters.
        verbose: 0 silent, 1 a bar, 2 one line at the end.
        interval: least time between updates, in seconds; 200 times as much where output is not a
            terminal.
        stateful_metrics: names of values shown as they are; all others are averaged over the steps.
        stateless_metrics: names of values to average; all others are shown as they are. Only one of
            the two may be given.
        unit_name: what a step is called.

    Examples:
        >>> import fkeras
        >>> bar = fkeras.utils.Progbar(target=2, verbose=2)
        >>> bar.update(1, [("loss", 4.0)])
        >>> bar.update(2, [("loss", 0.5)])
        2/2 - ...s/step - loss: 0.5000
    """

    def __init__(
        self,
        target,
        width=20,
        verbose=1,
        interval=0.05,
        stateful_metrics=None,
        stateless_metrics=None,
        unit_name="step",
    ):
        if stateful_metrics is not None and stateless_metrics is not None:
            raise UserInputError(
                "Only one of `stateful_metrics` or `stateless_metrics` can be given: the names to "
                "show as they are, or those to average."
            )
        self.target, self.width, self.verbose, self.interval, self.unit_name = (
            target,
            width,
            verbose,
            interval,
            unit_name,
        )
        self.stateful_metrics = (
            None if stateless_metrics is not None else set(stateful_metrics or ())
        )
        self.stateless_metrics = None if stateless_metrics is None else set(stateless_metrics)
        self._sums: dict[str, list] = {}  # name -> [sum, count]
        self._seen = 0
        self._start = time.time()
        self._shown_at = 0.0
        self._first = None  # (steps, time) at the first update: what came before it was compiling
        self._shown_width = 0

    def is_due(self) -> bool:
        """Whether an update would print: values need not be fetched before."""
        if self.verbose != 1:
            return False
        if _overwrites():
            return time.time() - self._shown_at >= self.interval
        return time.time() - (self._shown_at or self._start) >= self.interval * _RARER

    def update(self, current, values=None, finalize=None):
        """Sets the number of steps done, and prints where it is time to.

        Args:
            current: steps done.
            values: list of pairs of a name and the value at the last step (a float, or an array to
                average).
            finalize: whether this is the last update; None for `current >= target`.
        """
        if finalize is None:
            finalize = self.target is not None and current >= self.target
        for name, value in values or ():
            self._take(name, value, max(current - self._seen, 1), finalize)
        self._seen = current
        per_step = self._seconds_per_step(current, time.time())
        if self.verbose == 1 and (finalize or self.is_due()):
            self._show(current, per_step, finalize)
        elif self.verbose == 2 and finalize and self.target:
            messages.write(
                f"{current:{len(str(self.target))}d}/{self.target} - "
                f"{time.time() - self._start:.0f}s - {self._duration(per_step)}{self._values()}"
            )

    def skip(self, current):
        """Notes that steps were done, without values and without printing: what the first took does
        not count as typical.
        """
        if self._first is None and self.verbose == 1:
            self._first = (current, time.time())

    def add(self, n, values=None):
        """`n` steps more are done; see `update`."""
        self.update(self._seen + n, values)

    def _take(self, name, value, steps, finalize):
        averaged = (
            name in self.stateless_metrics
            if self.stateful_metrics is None
            else name not in self.stateful_metrics
        )
        if not averaged or finalize:
            self._sums[name] = [value, 1]
            return
        total, count = self._sums.get(name, (0.0, 0))
        self._sums[name] = [total + np.multiply(value, steps), count + steps]

    def _seconds_per_step(self, current, now):
        """Of the steps after the first update, which held the compilation; of all, where there is
        no other.
        """
        if not current:
            return 0.0
        if self._first is not None and current > self._first[0]:
            return (now - self._first[1]) / (current - self._first[0])
        self.skip(current)
        return (now - self._start) / current

    def _show(self, current, per_step, finalize):
        now = time.time()
        left = (
            per_step * (self.target - current)
            if self.target and not finalize
            else now - self._start
        )
        count = (
            f"{current:{len(str(self.target))}d}/{self.target}"
            if self.target
            else f"{current:7d}/Unknown"
        )
        clock, info = _clock(left), f" {self._duration(per_step)}{self._values()}"
        done = min(self.width, int(self.width * current / self.target)) if self.target else 0
        bar = (done, self.width - done) if self.target else (0, 0)
        if not _overwrites():
            messages.write(
                f"{count} {'━' * done}{' ' * bar[1]}{' ' if self.target else ''}{clock}{info}"
            )
        else:
            room = shutil.get_terminal_size((0, 0)).columns
            if not finalize and 0 < room <= len(count) + sum(bar) + len(clock) + len(info) + 2:
                bar = (0, 0)  # a line that wraps could not be overwritten
                info = info[: max(0, room - len(count) - len(clock) - 3)]
            width = len(count) + sum(bar) + len(clock) + len(info) + 2
            drawn = f"{_GREEN}{'━' * bar[0]}{_WHITE}{'━' * bar[1]}{_PLAIN} " if sum(bar) else ""
            messages.write(
                f"\r{_BOLD}{count}{_PLAIN} "
                f"{drawn}{_BOLD}{clock}{_PLAIN}{info}{' ' * max(0, self._shown_width - width)}",
                end="\n" if finalize else "",
            )
            self._shown_width = width
        self._shown_at = now

    def _duration(self, seconds):
        for least, factor, unit in ((1.0, 1.0, "s"), (1e-3, 1e3, "ms"), (0.0, 1e6, "us")):
            if seconds >= least and seconds > 0:
                return f"{seconds * factor:.0f}{unit}/{self.unit_name}"
        return f"0s/{self.unit_name}"

    def _values(self):
        shown = []
        for name, (total, count) in self._sums.items():
            mean = float(np.mean(total)) / max(1, count)
            shown.append(f" - {name}: {mean:.4f}" if abs(mean) > 1e-3 else f" - {name}: {mean:.4e}")
        return "".join(shown)


def _overwrites() -> bool:
    """Whether `\\r` goes back to the start of the line: terminals, notebooks."""
    return (
        getattr(sys.stdout, "isatty", bool)()
        or "ipykernel" in sys.modules
        or "PYCHARM_HOSTED" in os.environ
    )


def _clock(seconds) -> str:
    minutes, rest = divmod(int(seconds), 60)
    if seconds > 3600:
        return f"{minutes // 60}:{minutes % 60:02d}:{rest:02d}"
    return f"{minutes}:{rest:02d}" if seconds > 60 else f"{seconds:.0f}s"
