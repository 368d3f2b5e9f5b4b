"""The one loop of training: a *pass* is an iterator of device calls, and `drive` runs them.

`fit`, `evaluate` and `predict` differ in which calls a pass has (a *plan* yields them) and in what
they do with results. A plan knows nothing of hooks, and the loop nothing of data.
"""

from __future__ import annotations

import dataclasses
import functools
import itertools
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from fkeras.training.pace import Pace

if TYPE_CHECKING:
    from fkeras.data import Source


@dataclasses.dataclass(frozen=True)
class PassOptions:
    """How a pass over data is cut into device calls.

    Attributes:
        steps: batches to take; None for all.
        steps_per_execution: batches between hooks, as the user chose it.
        fuse: whether calls of many steps are allowed.
        again: whether the same source will be gone through again.
    """

    steps: int | None = None
    steps_per_execution: int = 1
    fuse: bool = True
    again: bool = False

    def takes_all_of(self, source: Source) -> bool:
        """Whether a pass is once through arrays, in the order in which they lie."""
        return source.in_memory and self.steps in (None, source.steps)

    @property
    def steps_of_call(self) -> int | None:
        """How many steps a call takes where the user chose it, else None."""
        return self.steps_per_execution if self.steps_per_execution > 1 else None


class Call(NamedTuple):
    """One device call, or a few that no hook comes between.

    Attributes:
        first: number of its first batch, for the hook before it.
        last: number of its last batch, for the hook behind it.
        run: makes the call; returns its result, which may still be under way.
        pace: learns how long it took.
    """

    first: int
    last: int
    run: Callable[[], Any]
    pace: Pace


class Step(Protocol):
    """One step: (number of the batch, batch) -> result."""

    def __call__(self, index: int, batch: Any, /) -> Any: ...


class ManySteps(Protocol):
    """Several steps in one device call: (number of the first, how many) -> result."""

    def __call__(self, first: int, count: int, /) -> Any: ...


def drive(
    calls: Iterator[Call],
    *,
    before: Callable[[int], Any],
    after: Callable[[int, Any], Any],
    check_interrupts: Callable[[], None] = lambda: None,
    should_stop: Callable[[], bool] = lambda: False,
) -> Any:
    """Runs the calls of one pass.

    The next call is prepared while the device is busy with this one. An interrupt and a wish to
    stop are heard between calls, when all hooks have run: no half-finished call is left behind.

    Args:
        calls: the pass.
        before: hook, with the number of the call's first batch.
        after: hook, with the number of its last batch and the result; returns what stands for the
            result from then on.
        check_interrupts: raises where Ctrl-C was pressed.
        should_stop: whether the pass ends here.

    Returns:
        What `after` returned last, or None where there was no call at all.
    """
    shown = None
    for first, last, run, pace in calls:
        before(first)
        result = run()
        pace.after(result)
        shown = after(last, result)
        check_interrupts()
        if should_stop():
            break
    return shown


def single_steps(
    batches: Iterator[Any],
    step: Step,
    *,
    group: int = 1,
    first: int = 0,
    limit: int | None = None,
    check_interrupts: Callable[[], None] = lambda: None,
) -> Iterator[Call]:
    """A pass step by step.

    A batch is fetched before the hook of its call: a source that fails or ends leaves no hook
    without its counterpart.

    Args:
        batches: iterator, at the first batch of the pass.
        step: what is done with each.
        group: batches between hooks (`steps_per_execution`).
        first: number of the first batch.
        limit: number of the batch to stop before; None for all there are.
        check_interrupts: raises where Ctrl-C was pressed; asked inside of a group.
    """
    pace = Pace(1)
    index = first
    if group == 1:  # these may be a few microseconds apart
        for batch in batches if limit is None else itertools.islice(batches, limit - first):
            yield Call(index, index, functools.partial(step, index, batch), pace)
            index += 1
        return
    while True:
        size = group if limit is None else min(group, limit - index)
        members = list(itertools.islice(batches, size))
        if not members:
            return
        run = functools.partial(_run_group, step, index, members, check_interrupts)
        yield Call(index, index + group - 1, run, pace)
        index += len(members)


def _run_group(step, first, batches, check_interrupts):
    result = step(first, batches[0])
    for index, batch in enumerate(batches[1:], first + 1):
        check_interrupts()
        result = step(index, batch)
    return result


def fused_steps(
    run: ManySteps,
    count: int,
    pace: Pace,
    steps_per_execution: int | None = None,
    *,
    first: int = 0,
    most: Callable[[], int | None] = lambda: None,
) -> Iterator[Call]:
    """A pass of many steps in each device call.

    Args:
        run: runs some of them.
        count: steps of the pass.
        pace: tells how many the next call takes.
        steps_per_execution: what hooks are told each call takes, where the user chose it.
        first: number of the first batch.
        most: how many the next call may take at most, where the user did not choose; None for any.
    """
    pace.begin()
    while first < count:
        taken = min(pace.steps, count - first)
        limit = most() if steps_per_execution is None else None
        if limit is not None:
            taken = min(taken, limit)
        last = first + (steps_per_execution or taken) - 1
        yield Call(first, last, functools.partial(run, first, taken), pace)
        first += taken


def full_batches_in_fused_calls(
    num_samples: int, batch_size: int, steps_per_execution: int | None
) -> int:
    """How many full batches fused calls take.

    All of them, unless the user chose how many steps a call takes: then the last call takes a
    smaller last batch along, and is run step by step.
    """
    full = num_samples // batch_size
    if steps_per_execution is not None and full * batch_size < num_samples:
        return full - full % steps_per_execution
    return full
