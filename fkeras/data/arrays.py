"""`ArraySource`: data that lies in memory, in whole batches."""

import math
import warnings

import jax
import numpy as np

from fkeras.core import settings
from fkeras.core.nested import map_structure
from fkeras.data import class_weights, convert, frames, sparse, structure
from fkeras.errors import UserInputError


class ArraySource:
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

    def __init__(
        self,
        x,
        y=None,
        sample_weight=None,
        *,
        batch_size=None,
        steps=None,
        shuffle=False,
        class_weight=None,
        complete=False,
        names=("x", "y", "sample_weight"),
    ):
        self.names = tuple(names)
        self.columns = {
            name: frames.columns_of(v) for name, v in structure.named(x, "x") if frames.is_frame(v)
        }
        self._counted_as_inputs = isinstance(x, list) and structure.is_nested(x) and len(x) > 8
        x, y = (
            structure.walk(convert.host_array, x, names[0]),
            structure.walk(_targets, y, names[1]),
        )
        sample_weight = structure.walk(_weights, sample_weight, names[2])
        self.arrays = (
            (x,)
            if y is None and sample_weight is None
            else (x, y)
            if sample_weight is None
            else (x, y, sample_weight)
        )
        self.num_samples = self._checked_length()
        if class_weight is not None:
            weight = class_weights.multiplied(
                sample_weight, self._weights_of_classes(y, class_weight, complete)
            )
            self.arrays = (x, y, weight)
        self.batch_size = batch_size or (math.ceil(self.num_samples / steps) if steps else 32)
        if shuffle not in (True, False, "batch"):
            raise UserInputError(
                f"`shuffle` must be True, False or 'batch'. Received: shuffle={shuffle!r}"
            )
        self.shuffle = shuffle
        self._warn_without_weight()
        self._plain = all(type(a) is np.ndarray for a in self.arrays)

    in_memory = True  # its rows can be taken in any order, and its shapes are known at once

    @property
    def steps(self) -> int:
        """Batches an epoch."""
        return math.ceil(self.num_samples / self.batch_size)

    def order(self, seed: int, epoch: int) -> np.ndarray | None:
        """The order of samples in an epoch, a pure function of its arguments; None for the order in
        which they lie.

        Args:
            seed: int of 0 or more.
            epoch: epochs that the model has seen in its life.
        """
        if not self.shuffle:
            return None
        draw = np.random.Generator(np.random.PCG64(np.random.SeedSequence([seed, epoch])))
        rows = np.arange(self.num_samples, dtype=np.int32 if self.num_samples < 2**31 else np.int64)
        if self.shuffle == "batch":
            return np.concatenate(
                [
                    draw.permutation(rows[i : i + self.batch_size])
                    for i in range(0, self.num_samples, self.batch_size)
                ]
            )
        return draw.permutation(rows)

    def batch(self, rows) -> tuple:
        """One batch, in the structure of `arrays`.

        Args:
            rows: a slice (views, nothing is copied) or an array of indices (gathered at once).
        """
        if self._plain:  # most are, and this runs between steps of microseconds
            return tuple(
                [a[rows] for a in self.arrays]
                if isinstance(rows, slice)
                else [a.take(rows, axis=0) for a in self.arrays]
            )
        if isinstance(rows, slice):
            return map_structure(lambda a: _slice(a, rows), self.arrays)
        return map_structure(lambda a: _gather(a, rows), self.arrays)

    def peek(self) -> tuple:
        """The first batch, in the order in which the rows lie."""
        return self.batch(slice(0, self.batch_size))

    def epoch(self, order: np.ndarray | None = None):
        """Iterator over the batches of an epoch in an order of samples."""
        for start in range(0, self.num_samples, self.batch_size):
            rows = slice(start, min(start + self.batch_size, self.num_samples))
            yield self.batch(rows if order is None else order[rows])

    @property
    def targets_hint(self) -> str:
        """For an error about missing targets: what the user may have meant, or an empty string."""
        x = self.arrays[0]
        if (
            len(self.arrays) == 1
            and isinstance(x, (tuple, list))
            and len(x) in (2, 3)
            and not structure.is_nested(x[1])
        ):
            return f"`{self.names[0]}` is a {type(x).__name__} of {len(x)} arrays: did you mean fit(x, y) instead of fit((x, y))?"
        return ""

    # -- checks ----------------------------------------------------------------

    def _named(self):
        return [
            pair
            for name, part in zip(self.names, self.arrays)
            for pair in structure.named(part, name)
        ]

    def _checked_length(self):
        lengths = {name: structure.rows_of(array) for name, array in self._named()}
        if not lengths:
            raise UserInputError(f"`{self.names[0]}` holds no array.")
        return checked_length(
            lengths,
            hint=""
            if not self._counted_as_inputs
            else (
                f" `{self.names[0]}` is a list of arrays, each of which counts as one input of the "
                f"model; `np.stack({self.names[0]})` makes them one array."
            ),
        )

    def _weights_of_classes(self, y, class_weight, complete):
        leaves = [array for _, array in structure.named(y, self.names[1])]
        if not leaves:
            raise UserInputError("`class_weight` needs targets (`y`).")
        if len(leaves) > 1:
            raise UserInputError(
                "`class_weight` is only supported for Models with a single output. For several, "
                "pass `sample_weight` for each."
            )
        return class_weights.sample_weights(
            leaves[0], class_weights.checked(class_weight), complete=complete
        )

    def _warn_without_weight(self):
        for name, weight in structure.named(
            self.arrays[2] if len(self.arrays) > 2 else None, self.names[2]
        ):
            if isinstance(weight, np.ndarray) and not weight.any():
                warnings.warn(
                    f"`{name}`: no sample has weight, all {self.num_samples} are 0. Nothing will "
                    "be learnt.",
                    stacklevel=5,
                )


def checked_length(lengths: dict[str, int], hint: str = "") -> int:
    """The number of samples that all arrays have.

    Raises:
        UserInputError: where they differ, and where there is none.
    """
    if len(set(lengths.values())) > 1:
        shown = ", ".join(f"{name}: {n}" for name, n in list(lengths.items())[:8]) + (
            ", ..." if len(lengths) > 8 else ""
        )
        raise UserInputError(
            "Data cardinality is ambiguous. Make sure all arrays contain the same number of "
            f"samples. Received samples: {shown}.{hint}"
        )
    count = next(iter(lengths.values()))
    if not count:
        raise UserInputError(
            f"{' and '.join(lengths)} {'has' if len(lengths) == 1 else 'have'} 0 samples. Check "
            "how the data was selected or read."
        )
    return count


def _targets(value, name):
    array = convert.host_array(value, name)
    if isinstance(array, sparse.SparseRows):
        return sparse.dense(value)
    if array.dtype.kind in "OUS":
        raise UserInputError(
            f"{name} holds strings. Encode them as numbers: class ids by `np.unique({name}, "
            "return_inverse=True)[1]`, or `StringLookup`."
        )
    return array


def _weights(value, name):
    array = _targets(value, name)
    return (
        array
        if array.dtype.kind == "f" or isinstance(array, jax.Array)
        else array.astype(settings.floatx())
    )


def _slice(array, rows):
    if isinstance(array, sparse.SparseRows):
        return array.take(np.arange(*rows.indices(len(array))))
    return array[rows]


def _gather(array, rows):
    if isinstance(array, sparse.SparseRows):
        return array.take(np.asarray(rows))
    if isinstance(array, np.ndarray):
        return array.take(rows, axis=0)
    return jax.numpy.take(array, np.asarray(rows), axis=0)
