"""`Journal`: which batches a stream has handed out, so that a later process can go on there."""

from __future__ import annotations

import collections
import dataclasses
from collections.abc import Callable, Generator, Iterable, Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fkeras.data.source import Batch

_STATES_KEPT = 3  # of the last items: one may have been drawn and not used


@dataclasses.dataclass
class Pass:
    """One pass over a stream.

    Attributes:
        index: what it was opened with, which decides on the order of a shuffled `PyDataset`.
        count: batches handed out.
        ended: whether its end was seen.
    """

    index: int
    count: int = 0
    ended: bool = False


class Journal:
    """The passes over a stream, and the states of its iterator where it has such.

    Args:
        one_iterator: whether all passes are drawn from one iterator.

    Attributes:
        passes: all of them, the one that may still go on last.
        state_to_set: what the next iterator is given, or None.
        has_states: whether the iterators have states, which tell more than the passes.
    """

    def __init__(self, one_iterator: bool) -> None:
        self.passes: list[Pass] = []
        self.state_to_set: Any = None
        self.has_states = False
        self._one_iterator = one_iterator
        # (number of the opening, items drawn since, state)
        self._states: collections.deque[tuple[int, int, Any]]
        self._states = collections.deque(maxlen=_STATES_KEPT)
        self._opening = self._drawn = 0

    def counted(
        self, batches: Generator[Batch, None, None], index: int, first: int = 0
    ) -> Generator[Batch, None, None]:
        """The same batches, counted as a new pass.

        Args:
            batches: from batch `first` on. index: of the pass.
        """
        entry = Pass(index, first)
        self.passes.append(entry)
        return _counted(batches, entry)

    def begin_items(self, first: int) -> None:
        """The next item that comes is number `first` of its pass."""
        self._opening += 1
        self._drawn = first

    def begin_at(self, state: Any, first: int) -> None:
        """The next pass begins with item `first`, where the iterator has this state."""
        self.state_to_set = state
        self.has_states = True
        self._states.append((self._opening + 1, first, state))

    def noted(
        self, iterator: Iterator[Any], read_ahead: Callable[[Iterable[Any]], Iterable[Any]]
    ) -> Generator[Any, None, None]:
        """The items of an iterator that has a state, which is noted behind each.

        Args:
            iterator: with `get_state` and `set_state`.
            read_ahead: makes an iterable of another one, maybe on a thread.
        """
        self.has_states = True
        if self.state_to_set is not None:
            iterator.set_state(self.state_to_set)
            self.state_to_set = None
        pairs = read_ahead((item, iterator.get_state()) for item in iterator)
        try:
            for item, state in pairs:
                self._drawn += 1
                self._states.append((self._opening, self._drawn, state))
                yield item
        finally:
            getattr(pairs, "close", lambda: None)()

    def state_after(self, count: int | None) -> Any:
        """The iterator's state behind so many items of its pass; None: behind all it gave."""
        for opening, drawn, state in self._states:
            if (opening, drawn) == (self._opening, count):
                return state
        return self._states[-1][-1] if self._states and self._one_iterator else None


def _counted(batches: Generator[Batch, None, None], entry: Pass) -> Generator[Batch, None, None]:
    try:
        for batch in batches:
            entry.count += 1
            yield batch
        entry.ended = True
    finally:
        batches.close()


def has_state(iterator: Any) -> bool:
    """Whether an iterator can tell where it stands, and be put there."""
    return callable(getattr(iterator, "get_state", None)) and callable(
        getattr(iterator, "set_state", None)
    )
