"""`StreamSource`: data that comes batch by batch.

Generators, `PyDataset`, tf.data, PyTorch, Grain, any iterable: none of these libraries is imported,
a source is known by what it can do.
"""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Callable, Collection, Generator, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from fkeras.core.warn_once import warn_user
from fkeras.data import ahead, batch_checks, convert
from fkeras.data.journal import Journal, Pass, has_state
from fkeras.data.pipeline import INFINITE_CARDINALITY, Dataset
from fkeras.data.py_dataset import PyDataset
from fkeras.data.source import Source, without_inputs
from fkeras.errors import UserInputError

if TYPE_CHECKING:
    from fkeras.data.source import Batch, InMemory, Stream

_INFINITE = 2**53  # Grain's `repeat()` has this many batches or more
_WITH_CARDINALITY = ("Dataset", "tf.data.Dataset")


def kind_of(value: InMemory | Stream) -> str | None:
    """What kind of stream a value is, told by what it can do.

    Returns:
        'PyDataset', 'Dataset' (ours), 'tf.data.Dataset', 'DataLoader', 'generator' or 'iterable';
        None for arrays and for everything else.
    """
    if isinstance(value, Dataset):
        return "Dataset"
    if isinstance(value, PyDataset) or _has(value, "__getitem__", "__len__", "on_epoch_end"):
        return "PyDataset"
    if _has(value, "as_numpy_iterator"):
        return "tf.data.Dataset"
    if isinstance(value, (list, tuple, Mapping, str, bytes)):
        return None
    if _has(value, "__array__") or _has(value, "dtype") or _has(value, "dtypes"):
        return None
    if convert.is_lazy_column(value):
        return None
    if _has(value, "dataset", "batch_size", "__iter__"):
        return "DataLoader"
    if _has(value, "__next__"):
        return "generator"
    is_iterable = _has(value, "__iter__") or _has(value, "__getitem__", "__len__")
    return "iterable" if is_iterable else None


def _has(value: Any, *names: str) -> bool:
    return all(hasattr(value, name) for name in names)


class StreamSource(Source):
    """Batches from an iterable.

    Args:
        x: the iterable.
        steps: batches that an epoch takes, where the user said so; it then goes on in the data
            where the last epoch stopped, and an iterable that can start again does when it ends.
            None for all batches.
        shuffle: whether a `PyDataset` is asked for its batches in a new order at each epoch.
        class_weight: dict from class ids to weights, which multiply the weights of the samples.
        role: 'predict' accepts arrays that are not in a tuple.
        name: of the argument, for messages.

    Attributes:
        steps: batches an epoch; None where unknown, or where the user's number decides.

    Examples:
        >>> import numpy as np
        >>> from fkeras.data import StreamSource
        >>> source = StreamSource((np.ones((4, 2)), np.zeros(4)) for _ in range(3))
        >>> len(source.peek()), len(list(source.epoch(0)))
        (2, 3)
    """

    in_memory = False

    def __init__(
        self,
        x: Stream,
        *,
        steps: int | None = None,
        shuffle: bool | str = False,
        class_weight: Mapping[Any, Any] | None = None,
        role: str = "fit",
        name: str = "x",
    ) -> None:
        self.kind = kind_of(x)
        self.name = name
        self.shuffle = bool(shuffle)
        self.columns = {}  # of frames, which no stream yields
        self._data = x
        # A generator is the user's, and can be used once: it goes on from epoch to epoch.
        self._generator: Iterator[Any] | None = iter(x) if self.kind == "generator" else None
        self._peeked: tuple[Batch, Generator[Batch, None, None]] | None = None  # first, the others
        self._left_out: Collection[str] = ()  # keys of a dict of inputs
        self._function: Callable[[Any], Any] | None = None  # of the inputs
        self._journal: Journal | None = None
        # The next pass, where it goes on from an earlier process: (index, first batch) of it, or
        # the pass itself.
        self._goes_on_at: tuple[int, int] | None = None
        self._begun: Generator[Batch, None, None] | None = None
        needs_tuple = self.kind == "generator" and role != "predict"
        self._watch: Callable[[Batch], None] | None = None
        self._checks = batch_checks.BatchChecks(name, str(self.kind), class_weight, needs_tuple)
        count = self._count()
        if count == 0:
            raise UserInputError(f"`{name}`: the {self.kind} has 0 batches.")
        # Batches an epoch, where that is the user's number and not the length of the data.
        self._period: int | None = None
        if steps is not None and steps != count and self._generator is None:
            self._period = steps
        self.steps = None if self._period else count
        if self.kind == "PyDataset" and getattr(x, "use_multiprocessing", False):
            warn_user(
                "`use_multiprocessing=True`: batches are made by threads, since forking a process "
                "that runs JAX can hang it."
            )

    def peek(self) -> Batch:
        """The first batch, which the next epoch will still have."""
        if self._peeked is None:
            if self.kind == "PyDataset":
                return self._batch(self._data[0], 0)
            # The iterator is kept: most streams cannot be begun twice.
            rest = self._open(0)
            first = next(rest, None)
            if first is None:
                raise UserInputError(self._nothing_there())
            self._peeked = first, rest
        return self._peeked[0]

    @property
    def is_endless(self) -> bool:
        """Whether the data say that they have no end."""
        if self.kind in _WITH_CARDINALITY and hasattr(self._data, "cardinality"):
            return int(np.asarray(self._data.cardinality())) == INFINITE_CARDINALITY
        return self.kind == "PyDataset" and self._count() is None

    def watch(self, check: Callable[[Batch], None]) -> None:
        """Has every batch looked at before it is handed out, also the one that was peeked at.

        Args:
            check: raises `UserInputError` where a batch cannot be right; which batch it was is put
                in front of the message.
        """
        self._watch = check
        if self._peeked is not None:
            self._looked_at(self._peeked[0], 0)

    def _looked_at(self, batch: Batch, number: int) -> Batch:
        try:
            if self._watch is not None:
                self._watch(batch)
        except UserInputError as error:
            title = f"batch {number} of `{self.name}` (a {self.kind})"
            raise type(error)(f"{title}: {error}") from None
        return batch

    def leave_out(self, keys: Collection[str]) -> None:
        self._left_out = keys
        if self._peeked is not None:
            first, rest = self._peeked
            self._peeked = without_inputs(first, keys), rest

    def map_inputs(self, function: Callable[[Any], Any]) -> None:
        self._function = function
        self._checks.begin_anew()
        if self._peeked is not None:
            first, rest = self._peeked
            self._peeked = self._checks.check(self._mapped(first), 0), rest

    def _mapped(self, batch: Batch) -> Batch:
        return batch if self._function is None else (self._function(batch[0]), *batch[1:])

    def _prepared(self, item: Any) -> Any:
        """An item that the iterable yielded, its inputs mapped. Where a thread pulls items this is
        done there; one that was prepared stays as it is.
        """
        if self._function is None:
            return item
        inputs, *others = self._checks.parts_of(item)
        inputs = batch_checks.as_arrays(inputs, self.name)
        return self._mapped(self._without_left_out((inputs, *others)))

    def _without_left_out(self, batch: Batch) -> Batch:
        is_left = self._left_out and isinstance(batch[0], dict)
        return without_inputs(batch, self._left_out) if is_left else batch

    def epoch(self, epoch_index: int = 0) -> Iterator[Batch]:
        """Iterator over batches `(x,)`, `(x, y)` or `(x, y, sample_weight)`. Close it where it is
        left early.

        Args:
            epoch_index: decides the order of a shuffled `PyDataset`.
        """
        if self._journal is None:
            return self._next_pass(epoch_index)
        if self._begun is not None:
            begun, self._begun = self._begun, None
            return begun
        if self._goes_on_at is None:
            return self._journal.counted(self._next_pass(epoch_index), epoch_index)
        index, first = self._goes_on_at
        self._goes_on_at = None
        return self._journal.counted(self._open(index, first), index, first)

    def _next_pass(self, epoch_index: int) -> Generator[Batch, None, None]:
        if self._peeked is None:
            return self._open(epoch_index)
        first, rest = self._peeked
        self._peeked = None
        return _chained(first, rest)

    # -- going on in another process -------------------------------------------

    def track(self) -> None:
        self._journal = Journal(one_iterator=self._generator is not None)

    def position(self, done: int | None = None) -> dict[str, Any]:
        journal = self._journal
        if journal is None:
            return {}
        finished = journal.passes if done is None else journal.passes[:-1]
        if journal.has_states:
            finished = []
        return {
            "passes": [[one.index, one.count, one.ended] for one in finished],
            "open": None if done is None else [journal.passes[-1].index, done],
            "state": journal.state_after(done),
        }

    def go_on(self, position: dict[str, Any]) -> None:
        """Iterators that have a state are given it, a `PyDataset` goes on by index; of all others
        the batches that were used are drawn and dropped.

        Raises:
            UserInputError: there are fewer of them now.
        """
        if self._journal is None:
            self.track()
        if not position:
            return
        if position["state"] is not None:
            self._set_state(position["state"], position["open"])
        elif self.kind == "PyDataset":
            self._journal.passes = [Pass(*one) for one in position["passes"]]
            for _ in position["passes"]:
                self._hook("on_epoch_begin")
                self._hook("on_epoch_end")
            self._goes_on_at = position["open"]
        else:
            self._draw_again(position["passes"], position["open"])

    def _set_state(self, state: Any, at: tuple[int, int] | None) -> None:
        if self._peeked is not None:
            self._peeked[1].close()
            self._peeked = None
        self._goes_on_at = at
        self._journal.begin_at(state, at[1] if at else 0)
        if self._generator is not None:  # which goes on from pass to pass
            self._data.set_state(state)
            self._journal.state_to_set = None

    def _draw_again(self, passes: list[tuple[int, int, bool]], at: tuple[int, int] | None) -> None:
        for index, count, ended in passes:
            with contextlib.closing(self.epoch(index)) as batches:
                self._drop(batches, count)
                if ended:
                    next(batches, None)
        if at is not None:
            index, count = at
            self._begun = self.epoch(index)
            self._drop(self._begun, count)

    def _drop(self, batches: Iterator[Batch], count: int) -> None:
        """Draws batches that an earlier process has used."""
        found = sum(1 for _ in itertools.islice(batches, count))
        if found < count:
            raise UserInputError(
                f"`{self.name}`: training was interrupted behind {count} batches of a pass over "
                f"the {self.kind}; now it has only {found}. To go on, it must yield the same "
                "batches again; to begin anew, remove the backup."
            )

    def _nothing_there(self) -> str:
        text = (
            f"`{self.name}`: the {self.kind} must yield at least one batch. Received an "
            f"empty {self.kind}."
        )
        if self._generator is not None:
            text += " A generator can be used once: make a new one for each call."
        return text

    # -- passes over the data --------------------------------------------------

    def _count(self) -> int | None:
        """How many batches the data say they have."""
        data = self._data
        if self.kind == "PyDataset":
            return data.num_batches if hasattr(data, "num_batches") else len(data)
        if self.kind in _WITH_CARDINALITY:
            count = int(np.asarray(data.cardinality())) if hasattr(data, "cardinality") else -2
            return count if count >= 0 else None  # -1: endless, -2: unknown
        try:
            count = len(data)
        except (TypeError, NotImplementedError):
            return None
        return count if count < _INFINITE else None

    def _open(self, epoch_index: int, first: int = 0) -> Generator[Batch, None, None]:
        """Batches from number `first` on, which is 0 but for a `PyDataset` and iterators that have
        been put there.
        """
        if self._journal is not None:
            self._journal.begin_items(first)
        start = self._passes if self._period else self._pass
        batches = start(epoch_index, first)
        return self._with_hooks(batches, first) if self.kind == "PyDataset" else batches

    def _pass(self, index: int, first: int = 0) -> Generator[Batch, None, None]:
        """Batches of one pass over the data."""
        items = self._items(index, first)
        try:
            for number, item in enumerate(items, first):
                yield self._looked_at(self._batch(item, number), number)
        finally:
            if items is not self._generator:
                getattr(items, "close", lambda: None)()

    def _batch(self, item: Any, number: int) -> Batch:
        return self._without_left_out(self._checks.check(self._prepared(item), number))

    def _passes(self, index: int, first: int = 0) -> Generator[Batch, None, None]:
        """Batches of passes without end; they end where a pass has none."""
        count = self._count()
        if first and count is not None and self.kind == "PyDataset":
            index, first = index + first // count, first % count
        for one in itertools.count(index):
            empty = True
            with contextlib.closing(self._pass(one, first)) as batches:
                first = 0
                for batch in batches:
                    empty = False
                    yield batch
            if empty:
                return

    def _with_hooks(
        self, batches: Generator[Batch, None, None], first: int = 0
    ) -> Generator[Batch, None, None]:
        """Batches with the hooks of a `PyDataset` around each epoch.

        An epoch has the user's number of steps, or all batches.
        """
        done = first
        while self._period is not None and done >= self._period:  # of an earlier process
            self._hook("on_epoch_begin")
            self._hook("on_epoch_end")
            done -= self._period
        with contextlib.closing(batches):
            while True:
                self._hook("on_epoch_begin")
                try:
                    left = None if self._period is None else self._period - done
                    for batch in itertools.islice(batches, left):
                        yield batch
                        done += 1
                finally:  # also where the epoch is left early
                    self._hook("on_epoch_end")
                if self._period is None or done < self._period:
                    return
                done = 0

    def _hook(self, name: str) -> None:
        getattr(self._data, name, lambda: None)()

    def _items(self, index: int, first: int) -> Iterable[Any]:
        """What one pass yields, unchecked."""
        if self.kind == "PyDataset":
            return self._items_by_index(index, first)
        journal = self._journal
        if self._generator is not None:
            if journal is None or not has_state(self._data):
                return self._generator
            return journal.noted(self._data, lambda items: items)
        as_numpy = self.kind in _WITH_CARDINALITY
        iterator = self._data.as_numpy_iterator() if as_numpy else iter(self._data)
        # A slow iterable moves to a thread; its code knows nothing of the model.
        if journal is None or not has_state(iterator):
            return ahead.ahead_if_slow(map(self._prepared, iterator))
        return journal.noted(
            iterator, lambda pairs: ahead.ahead_if_slow((self._prepared(x), s) for x, s in pairs)
        )

    def _items_by_index(self, index: int, first: int) -> Iterable[Any]:
        count = self._count()
        order: Iterable[int] = itertools.count(first) if count is None else range(first, count)
        if self.shuffle and count is not None:
            draw = np.random.Generator(np.random.PCG64(np.random.SeedSequence([index])))
            order = draw.permutation(count).tolist()[first:]
        # Threads: what a dataset does (decoding, disks) mostly runs outside of Python's lock.
        workers = int(getattr(self._data, "workers", 1) or 0)
        if workers > 1:
            depth = max(int(self._data.max_queue_size), 1)
            make = lambda i: self._prepared(self._data[i])
            return ahead.ordered_map(make, order, workers, depth)
        return (self._data[i] for i in order)


def _chained(first: Batch, rest: Generator[Batch, None, None]) -> Generator[Batch, None, None]:
    """The batch that was peeked at, then the others."""
    try:
        yield first
        yield from rest
    finally:
        rest.close()
