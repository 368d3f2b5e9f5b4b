"""`Progbar`: a progress bar for terminals and notebooks, lines for files."""

from __future__ import annotations

import html
import os
import shutil
import sys
import time
from collections.abc import Collection, Sequence
from typing import Any

import numpy as np

from fkeras.core import messages, notebook, settings
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
        target: int | None,
        width: int = 20,
        verbose: int = 1,
        interval: float = 0.05,
        stateful_metrics: Collection[str] | None = None,
        stateless_metrics: Collection[str] | None = None,
        unit_name: str = "step",
    ) -> None:
        if stateful_metrics is not None and stateless_metrics is not None:
            raise UserInputError(
                "Only one of `stateful_metrics` or `stateless_metrics` can be given: the names to "
                "show as they are, or those to average."
            )
        self.target = target
        self.width = width
        self.verbose = verbose
        self.interval = interval
        self.unit_name = unit_name
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
        self._title = ""
        self._area: notebook.Area | None = None  # of a notebook's output

    def announce(self, title: str) -> None:
        """Shows a line above the bar, before the first update.

        Args:
            title: such as `"Epoch 1/5"`.
        """
        if self.verbose == 1 and _draws_html():
            self._title = title
            self._draw_html("", None, "")
        elif self.verbose:
            messages.write(title)

    def is_due(self) -> bool:
        """Whether an update would print: values need not be fetched before."""
        if self.verbose != 1:
            return False
        if _overwrites():
            return time.time() - self._shown_at >= self.interval
        return time.time() - (self._shown_at or self._start) >= self.interval * _RARER

    def update(
        self,
        current: float,
        values: Sequence[tuple[str, Any]] | None = None,
        finalize: bool | None = None,
    ) -> None:
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
            self._accept_value(name, value, max(current - self._seen, 1), finalize)
        self._seen = current
        per_step = self._seconds_per_step(current, time.time())
        if self.verbose == 1 and (finalize or self.is_due()):
            self._show(current, per_step, finalize)
        elif self.verbose == 2 and finalize and self.target:
            messages.write(
                f"{current:{len(str(self.target))}d}/{self.target} - "
                f"{time.time() - self._start:.0f}s - {self._duration(per_step)}{self._values()}"
            )

    def skip(self, current: float) -> None:
        """Notes that steps were done, without values and without printing: what the first took does
        not count as typical.
        """
        if self._first is None and self.verbose == 1:
            self._first = (current, time.time())

    def add(self, n: int, values: Sequence[tuple[str, Any]] | None = None) -> None:
        """`n` steps more are done; see `update`."""
        self.update(self._seen + n, values)

    def _accept_value(self, name: str, value: Any, steps: float, finalize: bool | None):
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

    def _seconds_per_step(self, current: float, now: float) -> float:
        """Of the steps after the first update, which held the compilation; of all, where there is
        no other.
        """
        if not current:
            return 0.0
        if self._first is not None and current > self._first[0]:
            return (now - self._first[1]) / (current - self._first[0])
        self.skip(current)
        return (now - self._start) / current

    def _show(self, current: float, per_step: float, finalize: bool | None) -> None:
        now = time.time()
        shows_rest = self.target and not finalize
        clock = _clock(per_step * (self.target - current) if shows_rest else now - self._start)
        info = f" {self._duration(per_step)}{self._values()}"
        done = min(self.width, int(self.width * current / self.target)) if self.target else 0
        left = self.width - done if self.target else 0
        if _draws_html():
            self._draw_html(self._count(current), None if finalize else current, clock + info)
        elif _overwrites():
            self._draw_over(self._count(current), done, left, clock, info, finalize)
        else:
            space = " " if self.target else ""
            messages.write(f"{self._count(current)} {'━' * done}{' ' * left}{space}{clock}{info}")
        self._shown_at = now

    def _count(self, current: float) -> str:
        if not self.target:
            return f"{current:7d}/Unknown"
        return f"{current:{len(str(self.target))}d}/{self.target}"

    def _draw_over(self, count, done, left, clock, info, finalize) -> None:
        """Draws the line in colours over the last one, as wide as the terminal lets it."""
        room = shutil.get_terminal_size((0, 0)).columns
        width = len(count) + done + left + len(clock) + len(info) + 2
        if not finalize and 0 < room <= width:
            done = left = 0  # a line that wraps could not be overwritten
            info = info[: max(0, room - len(count) - len(clock) - 3)]
            width = len(count) + len(clock) + len(info) + 2
        bar = f"{_GREEN}{'━' * done}{_WHITE}{'━' * left}{_PLAIN} " if done + left else ""
        rest = " " * max(0, self._shown_width - width)  # of a longer line before
        messages.write(
            f"\r{_BOLD}{count}{_PLAIN} {bar}{_BOLD}{clock}{_PLAIN}{info}{rest}",
            end="\n" if finalize else "",
        )
        self._shown_width = width

    def _draw_html(self, count: str, current: float | None, info: str) -> None:
        """Draws the bar in a notebook's output, over the last one.

        Args:
            current: None where the bar is full, or there is none.
        """
        bar = ""
        if self.target and count:
            value = self.target if current is None else current
            bar = f' <progress value="{value}" max="{self.target}"></progress>'
        lines = [self._title] if self._title else []
        drawn = [f"<b>{html.escape(line)}</b>" for line in lines]
        if count:
            lines.append(f"{count} {info}")
            drawn.append(f"<b>{count}</b>{bar} {html.escape(info)}")
        self._area = self._area or notebook.Area()
        self._area.show("<br>".join(drawn), "\n".join(lines))

    def _duration(self, seconds: float) -> str:
        for least, factor, unit in ((1.0, 1.0, "s"), (1e-3, 1e3, "ms"), (0.0, 1e6, "us")):
            if seconds >= least and seconds > 0:
                return f"{seconds * factor:.0f}{unit}/{self.unit_name}"
        return f"0s/{self.unit_name}"

    def _values(self) -> str:
        shown = []
        for name, (total, count) in self._sums.items():
            mean = float(np.mean(total)) / max(1, count)
            shown.append(f" - {name}: {mean:.4f}" if abs(mean) > 1e-3 else f" - {name}: {mean:.4e}")
        return "".join(shown)


def _draws_html() -> bool:
    """Whether the bar is a display of a notebook; not where messages go to the log."""
    return notebook.is_shown() and settings.get("interactive_logging") and messages.prints_here()


def _overwrites() -> bool:
    """Whether `\\r` goes back to the start of the line: terminals, notebooks."""
    return (
        getattr(sys.stdout, "isatty", bool)()
        or "ipykernel" in sys.modules
        or "PYCHARM_HOSTED" in os.environ
    )


def _clock(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    if seconds > 3600:
        return f"{minutes // 60}:{minutes % 60:02d}:{rest:02d}"
    return f"{minutes}:{rest:02d}" if seconds > 60 else f"{seconds:.0f}s"
