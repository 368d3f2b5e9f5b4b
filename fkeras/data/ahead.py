"""Reading ahead on threads: one that pulls an iterator, or several that compute items by index.

Order is kept.

JAX runs a step while Python prepares the next batch, so a thread pays only where preparing is slow.
A Python generator is never moved to a thread by itself: its code may use the model that is being
trained.
"""

from __future__ import annotations

import collections
import concurrent.futures
import queue
import threading
import time
import weakref
from collections.abc import Callable, Generator, Iterable, Iterator
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from fkeras.core import scoped

if TYPE_CHECKING:
    from typing import Self

T = TypeVar("T")
R = TypeVar("R")

_END: Any = object()  # the item behind the last one


class Prefetch(Generic[T]):
    """An iterator over the items of another one, which a thread pulls ahead.

    Close it, or use it in a `with`. Exceptions of the other iterator arrive as they are, at the
    place of the item that failed.

    Args:
        iterable: what to pull.
        depth: how many items are made ahead.
    """

    def __init__(self, iterable: Iterable[T], depth: int = 2) -> None:
        self._items: queue.Queue = queue.Queue(maxsize=max(1, depth))
        self._stop = threading.Event()
        # The thread holds the queue, not this object: a forgotten one is collected, and stops its
        # thread.
        self._thread = threading.Thread(
            target=scoped.snapshot().run,
            args=(_pull, iter(iterable), self._items, self._stop),
            name="fkeras-prefetch",
            daemon=True,
        )
        weakref.finalize(self, self._stop.set)
        self._thread.start()

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> T:
        if self._stop.is_set():
            raise StopIteration
        item, error = self._items.get()
        if item is not _END:
            return item
        self.close()
        if error is None:
            raise StopIteration
        raise error

    def close(self) -> None:
        """Stops the thread and waits for it."""
        self._stop.set()
        self._thread.join()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()


def prefetch(iterator: Iterable[T], depth: int = 2) -> Prefetch[T]:
    """Pulls an iterator on a thread, up to `depth` items ahead.

    Args:
        iterator: any iterable whose items are slow to make and whose code does not touch the model
            being trained.
        depth: how many items are made ahead.

    Examples:
        >>> from fkeras.data import prefetch
        >>> with prefetch(range(3)) as items:
        ...     print(list(items))
        [0, 1, 2]
    """
    return Prefetch(iterator, depth)


def ahead_if_slow(
    iterator: Iterator[T], depth: int = 2, trial: int = 3, seconds: float = 2e-3
) -> Generator[T, None, None]:
    """The items of an iterator, pulled on a thread where it is slow.

    Args:
        iterator: what to pull.
        depth: how many items a thread makes ahead.
        trial: how many items are timed first; fewer, where they have taken too long already.
        seconds: what an item may take on average without a thread.
    """
    spent = 0.0
    for _ in range(trial):
        start = time.perf_counter()
        item = next(iterator, _END)
        spent += time.perf_counter() - start
        if item is _END:
            return
        if spent >= trial * seconds:
            with prefetch(iterator, depth) as rest:  # which begins before the item is used
                yield item
                yield from rest
            return
        yield item
    yield from iterator  # a thread would cost more than it saves


def ordered_map(
    function: Callable[[T], R], items: Iterable[T], workers: int, depth: int
) -> Generator[R, None, None]:
    """`function(item)` for each item, in order, computed ahead by threads.

    Args:
        function: safe to call from several threads at once.
        items: may be endless: they are taken as they are needed.
        workers: number of threads.
        depth: how many results may wait.
    """
    with concurrent.futures.ThreadPoolExecutor(workers, thread_name_prefix="fkeras-worker") as pool:
        waiting: collections.deque[concurrent.futures.Future[R]] = collections.deque()
        try:
            for item in items:
                waiting.append(pool.submit(function, item))
                # The oldest first, whichever is done first: order is kept.
                if len(waiting) > depth:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            # Left early: what has not begun shall not.
            for future in waiting:
                future.cancel()


def _pull(iterator: Iterator[Any], items: queue.Queue, stop: threading.Event) -> None:
    """What the thread runs: items go into the queue as (item, None), the end as (_END, error)."""
    error = None
    try:
        for item in iterator:
            if not _put(items, stop, (item, None)):
                return
    except BaseException as raised:
        error = raised
    _put(items, stop, (_END, error))


def _put(items: queue.Queue, stop: threading.Event, item: tuple[Any, Any]) -> bool:
    """Whether the item went into the queue, which may be full for long, before `stop` was set."""
    while not stop.is_set():
        try:
            items.put(item, timeout=0.05)
        except queue.Full:
            continue
        return True
    return False
