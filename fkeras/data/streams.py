"""`StreamSource`: data that comes batch by batch: generators, `PyDataset`, tf.data, PyTorch, Grain,
any iterable.

None of these libraries is imported: a source is known by what it can do.
"""

import contextlib
import itertools
import warnings
from collections.abc import Iterator, Mapping

import numpy as np

from fkeras.data import ahead, class_weights, convert, sparse, structure
from fkeras.data.arrays import checked_length
from fkeras.data.py_dataset import PyDataset
from fkeras.errors import UserInputError

_NAMES = ("x", "y", "sample_weight")
_INFINITE = 2**53  # Grain's `repeat()` has this many batches or more


def kind_of(value) -> str | None:
    """What kind of stream a value is: 'PyDataset', 'tf.data.Dataset', 'DataLoader', 'generator',
    'iterable'; None for arrays and for everything else."""
    if isinstance(value, PyDataset) or all(
        hasattr(value, name) for name in ("__getitem__", "__len__", "on_epoch_end")
    ):
        return "PyDataset"
    if hasattr(value, "as_numpy_iterator"):
        return "tf.data.Dataset"
    if isinstance(value, (list, tuple, Mapping, str, bytes)) or any(
        hasattr(value, n) for n in ("__array__", "dtype", "dtypes")
    ):
        return None
    if all(hasattr(value, name) for name in ("dataset", "batch_size", "__iter__")):
        return "DataLoader"
    if hasattr(value, "__next__"):
        return "generator"
    return (
        "iterable"
        if hasattr(value, "__iter__") or hasattr(value, "__getitem__") and hasattr(value, "__len__")
        else None
    )


class StreamSource:
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

    def __init__(self, x, *, steps=None, shuffle=False, class_weight=None, role="fit", name="x"):
        self.kind, self.role, self.name, self.shuffle = kind_of(x), role, name, bool(shuffle)
        self._data = x
        self._class_weight = None if class_weight is None else class_weights.checked(class_weight)
        self._once = iter(x) if self.kind == "generator" else None
        self._held = None  # (first batch, iterator over the others)
        self._like = None  # structure and ranks of the first batch
        self._before = None  # dtypes and ranks of the last batch, where it needed no change
        count = self._count()
        if count == 0:
            raise UserInputError(f"`{name}`: the {self.kind} has 0 batches.")
        self._period = (
            steps if steps is not None and steps != count and self._once is None else None
        )
        self.steps = None if self._period else count
        if self.kind == "PyDataset" and getattr(x, "use_multiprocessing", False):
            warnings.warn(
                "`use_multiprocessing=True`: batches are made by threads, since forking a process "
                "that runs JAX can hang it.",
                stacklevel=4,
            )

    in_memory = False  # batches come once, in their own order

    def peek(self) -> tuple:
        """The first batch, which the next epoch will still have."""
        if self._held is None:
            if self.kind == "PyDataset":
                return self._batch(self._data[0], 0)
            rest = self._open(0)
            first = next(rest, None)
            if first is None:
                raise UserInputError(
                    f"`{self.name}`: the {self.kind} must yield at least one batch. Received an "
                    f"empty {self.kind}."
                    + (
                        " A generator can be used once: make a new one for each call."
                        if self._once is not None
                        else ""
                    )
                )
            self._held = first, rest
        return self._held[0]

    def epoch(self, epoch_index: int = 0) -> Iterator[tuple]:
        """Iterator over batches `(x,)`, `(x, y)` or `(x, y, sample_weight)`. Close it where it is
        left early.

        Args:
            epoch_index: decides the order of a shuffled `PyDataset`.
        """
        if self._held is None:
            return self._open(epoch_index)
        (first, rest), self._held = self._held, None
        return _chained(first, rest)

    # -- the batches -----------------------------------------------------------

    def _count(self):
        if self.kind == "PyDataset":
            return self._data.num_batches if hasattr(self._data, "num_batches") else len(self._data)
        if self.kind == "tf.data.Dataset":
            count = (
                int(np.asarray(self._data.cardinality()))
                if hasattr(self._data, "cardinality")
                else -2
            )
            return count if count >= 0 else None
        try:
            count = len(self._data)
        except (TypeError, NotImplementedError):
            return None
        return count if count < _INFINITE else None

    def _open(self, epoch_index):
        batches = self._passes(epoch_index) if self._period else self._pass(epoch_index)
        return self._with_hooks(batches) if self.kind == "PyDataset" else batches

    def _pass(self, index):
        """Batches of one pass over the data."""
        items = self._items(index)
        try:
            for number, item in enumerate(items):
                yield self._batch(item, number)
        finally:
            if items is not self._once:  # a generator is the user's: it goes on in the next epoch
                getattr(items, "close", lambda: None)()

    def _passes(self, index):
        """Batches of passes without end."""
        for one in itertools.count(index):
            empty = True
            with contextlib.closing(self._pass(one)) as batches:
                for batch in batches:
                    empty = False
                    yield batch
            if empty:
                return

    def _with_hooks(self, batches):
        """Batches with the hooks of a `PyDataset` around each epoch: the user's number of steps, or
        all.
        """
        with contextlib.closing(batches):
            while True:
                self._hook("on_epoch_begin")
                try:
                    done = 0
                    for batch in itertools.islice(batches, self._period):
                        yield batch
                        done += 1
                finally:
                    self._hook("on_epoch_end")
                if self._period is None or done < self._period:
                    return

    def _items(self, index):
        data = self._data
        if self._once is not None:
            return self._once
        if self.kind == "PyDataset":
            return self._indexed(index)
        return ahead.ahead_if_slow(
            data.as_numpy_iterator() if self.kind == "tf.data.Dataset" else iter(data)
        )

    def _indexed(self, index):
        count = self._count()
        order = itertools.count() if count is None else range(count)
        if self.shuffle and count is not None:
            order = (
                np.random.Generator(np.random.PCG64(np.random.SeedSequence([index])))
                .permutation(count)
                .tolist()
            )
        workers = int(getattr(self._data, "workers", 1) or 0)
        if workers > 1:
            return ahead.ordered_map(
                self._data.__getitem__, order, workers, max(int(self._data.max_queue_size), 1)
            )
        return (self._data[i] for i in order)

    def _hook(self, name):
        getattr(self._data, name, lambda: None)()

    # -- one batch -------------------------------------------------------------

    def _batch(self, item, number):
        if self._is_like_before(item):
            return item
        parts = self._checked(item, number)
        plain = (
            type(item) is tuple
            and len(parts) == len(item)
            and all(type(a) is np.ndarray and a is b for a, b in zip(item, parts))
        )
        self._before = [(a.dtype, a.ndim) for a in parts] if plain else None
        return parts

    def _is_like_before(self, item):
        """Whether a batch is arrays like those before, which needed no change. Most are, and it is
        told in a microsecond.
        """
        before = self._before
        if before is None or type(item) is not tuple or len(item) != len(before):
            return False
        for array, (dtype, ndim) in zip(item, before):
            if (
                type(array) is not np.ndarray
                or array.dtype != dtype
                or array.ndim != ndim
                or len(array) != len(item[0])
            ):
                return False
        return len(item[0]) > 0

    def _checked(self, item, number):
        where = f"batch {number} of `{self.name}` (a {self.kind})"
        parts = self._parts(item, where)
        while len(parts) > 1 and parts[-1] is None:
            parts = parts[:-1]
        names = [f"{where}: {label}" for label in _NAMES]
        parts = tuple(structure.walk(_array, part, name) for part, name in zip(parts, names))
        arrays = [pair for part, name in zip(parts, names) for pair in structure.named(part, name)]
        if not arrays:
            raise UserInputError(f"{where} holds no array.")
        checked_length({name: structure.rows_of(array) for name, array in arrays})
        if self._class_weight is not None:
            parts = self._weighted(parts, where)
        self._check_alike(parts, where)
        return parts

    def _parts(self, item, where):
        wanted = "a tuple (x,), (x, y) or (x, y, sample_weight), or a dict of inputs"
        if isinstance(item, Mapping):
            return (item,)
        if isinstance(item, tuple) or isinstance(item, list) and not structure.holds_numbers(item):
            if 1 <= len(item) <= 3:
                return tuple(item)
            raise UserInputError(
                f"{where} has {len(item)} entries. Expected {wanted}; several inputs go into one "
                "entry, ((x1, x2), y)."
            )
        if item is None:
            raise UserInputError(f"{where} is None. Expected {wanted}.")
        if self.kind == "generator" and self.role != "predict":
            shape = f" of shape {tuple(item.shape)}" if hasattr(item, "shape") else ""
            raise UserInputError(
                f"{where} is a {type(item).__name__}{shape}. Expected {wanted}: `yield x, y`."
            )
        return (item,)

    def _weighted(self, parts, where):
        targets = [array for _, array in structure.named(parts[1] if len(parts) > 1 else None, "y")]
        if len(targets) != 1:
            raise UserInputError(
                f"{where}: `class_weight` needs one array of targets. Received {len(targets)}."
            )
        weight = class_weights.sample_weights(targets[0], self._class_weight)
        return (*parts[:2], class_weights.multiplied(parts[2] if len(parts) > 2 else None, weight))

    def _check_alike(self, parts, where):
        like = [
            (path, np.ndim(array))
            for part, name in zip(parts, _NAMES)
            for path, array in structure.named(part, name)
        ]
        if self._like is None:
            self._like = like
        elif like != self._like:
            first, now = (
                ", ".join(f"{path} with {ndim} axes" for path, ndim in one)
                for one in (self._like, like)
            )
            raise UserInputError(
                f"{where} is not like the first batch. First: {first}. Now: {now}. All batches "
                "need the same entries, each with the same number of axes."
            )


def _array(value, name):
    if type(value).__module__.startswith("jax.experimental.sparse"):
        return value
    return sparse.dense(value) if sparse.is_sparse(value) else convert.host_array(value, name)


def _chained(first, rest):
    try:
        yield first
        yield from rest
    finally:
        rest.close()
