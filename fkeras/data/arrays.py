"""`ArraySource`: data that lies in memory, in whole batches."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import jax
import numpy as np

from fkeras.core import placement, settings
from fkeras.core.nested import map_structure
from fkeras.core.warn_once import warn_user
from fkeras.data import class_weights, convert, frames, row_labels, sparse, structure
from fkeras.data.computed_rows import ComputedRows, computed
from fkeras.data.source import Source, without_inputs
from fkeras.errors import UserInputError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

    from fkeras.data.source import Array, Batch, InMemory

_DEFAULT_BATCH_SIZE = 32
_MOST_LISTED = 8  # arrays that an error names one by one


class ArraySource(Source):
    """Arrays in memory, cut into batches.

    Args:
        x, y, sample_weight: what `fit` was given: arrays, lists, frames, or dicts, lists and tuples
            of those.
        batch_size: samples a batch; None for 32, or for what makes `steps` batches.
        steps: batches that an epoch should have, where that decides the size of the batches.
        shuffle: False, True (a new order of samples for each epoch), or 'batch' (a new order within
            each batch).
        class_weight: dict from class ids to weights, which multiply the weights of the samples.
        complete: whether this is all of the data, so that a class that is missing does not exist.
        names: of the three arguments, for messages.

    Attributes:
        arrays: `(x,)`, `(x, y)` or `(x, y, sample_weight)`: structures of NumPy or JAX arrays in
            the dtypes that models are given.
        num_samples, batch_size, steps: ints; the last batch may be smaller.
        columns: dict from places of frames (`x`, `x['a']`, whatever messages call the argument) to
            the names of their columns.

    Examples:
        >>> import numpy as np
        >>> from fkeras.data import ArraySource
        >>> source = ArraySource([[1.0], [2.0], [3.0]], [0, 1, 0], batch_size=2)
        >>> source.num_samples, source.steps
        (3, 2)
        >>> [y.tolist() for x, y in source.epoch(source.order(seed=0, epoch=0))]
        [[0, 1], [0]]
    """

    in_memory = True

    def __init__(
        self,
        x: InMemory,
        y: InMemory = None,
        sample_weight: InMemory = None,
        *,
        batch_size: int | None = None,
        steps: int | None = None,
        shuffle: bool | str = False,
        class_weight: Mapping[Any, Any] | None = None,
        complete: bool = False,
        names: Sequence[str] = ("x", "y", "sample_weight"),
    ) -> None:
        if shuffle not in (True, False, "batch"):
            raise UserInputError(
                f"`shuffle` must be True, False or 'batch'. Received: shuffle={shuffle!r}"
            )
        self.names = tuple(names)
        self.shuffle = shuffle
        self.columns = {
            name: frames.columns_of(value)
            for name, value in structure.iterate_named(x, "x")
            if frames.is_frame(value)
        }
        row_labels.check_row_labels((x, y, sample_weight), names)
        # A list of many arrays may be meant as one array.
        self._is_long_list = isinstance(x, list) and structure.is_nested(x) and len(x) > 8
        self.arrays: Batch = _shortest(
            structure.map_named(_inputs, x, names[0]),
            structure.map_named(_target_rows, y, names[1]),
            structure.map_named(_weights, sample_weight, names[2]),
        )
        # Before the weights of classes, which need targets of one length with the rest.
        self.num_samples = self._checked_length()
        if class_weight is not None:
            self._weigh_classes(class_weight, complete)
        if not batch_size:
            batch_size = math.ceil(self.num_samples / steps) if steps else _DEFAULT_BATCH_SIZE
        self.batch_size = batch_size
        if shuffle or self.num_samples > batch_size:
            self._refuse_explicit_rows()
        self._warn_without_weight()
        # Most are, and batches are cut between steps of microseconds.
        self._is_plain = all(type(a) is np.ndarray for a in self.arrays)

    def _refuse_explicit_rows(self) -> None:
        for part, name in zip(self.arrays, self.names):
            for label, array in structure.iterate_named(part, name):
                if placement.has_explicit_rows(array):
                    raise UserInputError(
                        f"{label} lies on a mesh with explicit axes ({array.sharding.spec}). Rows "
                        "are put in order and cut into batches here, and JAX would ask of each "
                        "step how its result is to lie. Pass NumPy arrays, or arrays on a mesh "
                        "with `axis_types=(jax.sharding.AxisType.Auto,)`; or write the loop "
                        "yourself: `model.step(state, batch)` takes explicit axes."
                    )

    @property
    def steps(self) -> int:
        """Batches an epoch."""
        return math.ceil(self.num_samples / self.batch_size)

    def order(self, seed: int, epoch: int) -> np.ndarray | None:
        """The order of samples in an epoch, a pure function of its arguments.

        Args:
            seed: int of 0 or more.
            epoch: epochs that the model has seen in its life.

        Returns:
            (num_samples,) ints; None for the order in which the samples lie.
        """
        if not self.shuffle:
            return None
        # PCG64 by name: the default generator of NumPy may change, an order may not.
        draw = np.random.Generator(np.random.PCG64(np.random.SeedSequence([seed, epoch])))
        rows = np.arange(self.num_samples, dtype=np.int32 if self.num_samples < 2**31 else np.int64)
        if self.shuffle == "batch":
            starts = range(0, self.num_samples, self.batch_size)
            parts = [draw.permutation(rows[i : i + self.batch_size]) for i in starts]
            return np.concatenate(parts)
        return draw.permutation(rows)

    def batch(self, rows: slice | np.ndarray) -> Batch:
        """One batch, in the structure of `arrays`.

        Args:
            rows: a slice (views, nothing is copied) or an array of indices (gathered at once).
        """
        if isinstance(rows, slice):
            if self._is_plain:
                return tuple([a[rows] for a in self.arrays])
            return map_structure(lambda a: _slice(a, rows), self.arrays)
        if self._is_plain:
            return tuple([a.take(rows, axis=0) for a in self.arrays])
        return map_structure(lambda a: _gather(a, rows), self.arrays)

    def peek(self) -> Batch:
        """The first batch, in the order in which the samples lie."""
        return self.batch(slice(0, self.batch_size))

    def leave_out(self, keys: Collection[str]) -> None:
        self.arrays = without_inputs(self.arrays, keys)

    def map_inputs(self, function: Callable[[Any], Any]) -> None:
        """Once for all rows, where what comes out fits in memory; else batch by batch."""
        self.arrays = (computed(function, self.arrays[0]), *self.arrays[1:])
        self._is_plain = False

    @property
    def is_computed(self) -> bool:
        """Whether the inputs are computed batch by batch."""
        return isinstance(self.arrays[0], ComputedRows)

    def epoch(self, order: np.ndarray | None = None) -> Iterator[Batch]:
        """The batches of an epoch.

        Args:
            order: (num_samples,) ints, the order of the samples; None for that in which they lie.
        """
        for start in range(0, self.num_samples, self.batch_size):
            rows = slice(start, min(start + self.batch_size, self.num_samples))
            yield self.batch(rows if order is None else order[rows])

    @property
    def targets_hint(self) -> str:
        """For an error about missing targets: what the user may have meant, or an empty string."""
        x = self.arrays[0]
        is_pair = isinstance(x, (tuple, list)) and len(x) in (2, 3)
        if len(self.arrays) > 1 or not is_pair or structure.is_nested(x[1]):
            return ""
        return (
            f"`{self.names[0]}` is a {type(x).__name__} of {len(x)} arrays: did you mean "
            "fit(x, y) instead of fit((x, y))?"
        )

    # -- checks ----------------------------------------------------------------

    def _checked_length(self) -> int:
        lengths = {
            path: structure.rows_of(array)
            for name, part in zip(self.names, self.arrays)
            for path, array in structure.iterate_named(part, name)
        }
        if not lengths:
            raise UserInputError(f"`{self.names[0]}` holds no array.")
        hint = ""
        if self._is_long_list:
            hint = (
                f" `{self.names[0]}` is a list of arrays, each of which counts as one input of the "
                f"model; `np.stack({self.names[0]})` makes them one array."
            )
        return checked_length(lengths, hint)

    def _weigh_classes(self, class_weight: Mapping[Any, Any], complete: bool) -> None:
        """Multiplies the weights of the samples by those of their classes."""
        x, y, sample_weight = (*self.arrays, None, None)[:3]
        leaves = [array for _, array in structure.iterate_named(y, self.names[1])]
        if not leaves:
            raise UserInputError("`class_weight` needs targets (`y`).")
        if len(leaves) > 1:
            raise UserInputError(
                "`class_weight` is only supported for Models with a single output. For several, "
                "pass `sample_weight` for each."
            )
        checked = class_weights.checked(class_weight)
        if not checked:
            return
        factors = class_weights.sample_weights(leaves[0], checked, complete=complete)
        class_weights.warn_of_missing(leaves[0], checked)
        self.arrays = (x, y, class_weights.multiplied(sample_weight, factors))

    def _warn_without_weight(self) -> None:
        sample_weight = self.arrays[2] if len(self.arrays) > 2 else None
        for name, weight in structure.iterate_named(sample_weight, self.names[2]):
            if isinstance(weight, np.ndarray) and not weight.any():
                warn_user(
                    f"`{name}`: no sample has weight, all {self.num_samples} are 0. Nothing will "
                    "be learnt."
                )


def checked_length(lengths: dict[str, int], hint: str = "") -> int:
    """The number of samples that all arrays have.

    Raises:
        UserInputError: where they differ, and where there is none.
    """
    if len(set(lengths.values())) > 1:
        counts = [f"{name}: {length}" for name, length in lengths.items()]
        rest = ["..."] if len(counts) > _MOST_LISTED else []
        shown = ", ".join(counts[:_MOST_LISTED] + rest)
        raise UserInputError(
            "Data cardinality is ambiguous. Make sure all arrays contain the same number of "
            f"samples. Received samples: {shown}.{hint}"
        )
    count = next(iter(lengths.values()))
    if not count:
        verb = "has" if len(lengths) == 1 else "have"
        raise UserInputError(
            f"{' and '.join(lengths)} {verb} 0 samples. Check how the data was selected or read."
        )
    return count


def _shortest(x: Any, y: Any, sample_weight: Any) -> Batch:
    if sample_weight is not None:
        return x, y, sample_weight
    return (x,) if y is None else (x, y)


def _inputs(value: InMemory, name: str) -> Array:
    return _as_column(convert.host_array(value, name), value)


def _target_rows(value: InMemory, name: str) -> Array:
    return _as_column(_targets(value, name), value)


def _as_column(array: Array, value: InMemory) -> Array:
    """The array of a value: that of a single column of a table is (samples, 1), as in Keras."""
    return array[:, None] if frames.is_series(value) and array.ndim == 1 else array


def _targets(value: Any, name: str) -> np.ndarray | jax.Array:
    """Targets are dense numbers."""
    array = convert.host_array(value, name)
    if isinstance(array, sparse.SparseRows):  # losses take dense targets
        return sparse.dense(value)
    if array.dtype.kind in "OUS":
        raise UserInputError(
            f"{name} holds strings. Encode them as numbers: class ids by `np.unique({name}, "
            "return_inverse=True)[1]`; or `layers.StringLookup(num_oov_indices=0)`, which keeps "
            "their names: `lookup.adapt(y)`, then `fit(x, lookup(y))`."
        )
    return array


def _weights(value: Any, name: str) -> np.ndarray | jax.Array:
    array = _targets(value, name)
    if array.dtype.kind == "c":
        raise UserInputError(f"{name} holds complex numbers. Weights are real: take `abs(...)`.")
    if array.dtype.kind == "f" or isinstance(array, jax.Array):
        return array
    return array.astype(settings.floatx())


def _slice(array: Array, rows: slice) -> np.ndarray | jax.Array:
    if isinstance(array, ComputedRows):
        return array.take(rows)
    if isinstance(array, sparse.SparseRows):
        return array.take(np.arange(*rows.indices(len(array))))
    return array[rows]


def _gather(array: Array, rows: np.ndarray) -> np.ndarray | jax.Array:
    if isinstance(array, (ComputedRows, sparse.SparseRows)):
        return array.take(np.asarray(rows))
    if isinstance(array, np.ndarray):
        return array.take(rows, axis=0)
    return jax.numpy.take(array, np.asarray(rows), axis=0)
