"""The check of each batch of a stream: it becomes a tuple of arrays, like the batches before."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from fkeras.data import class_weights, convert, sparse, structure
from fkeras.data.arrays import checked_length
from fkeras.errors import UserInputError

if TYPE_CHECKING:
    from fkeras.data.source import Batch

_NAMES = ("x", "y", "sample_weight")
_WANTED = "a tuple (x,), (x, y) or (x, y, sample_weight), or a dict of inputs"


class BatchChecks:
    """What a stream yields, as batches.

    Args:
        name: of the argument, for messages.
        kind: of the stream, for messages.
        class_weight: dict from class ids to weights, which multiply the weights of the samples.
        needs_tuple: whether arrays that are not in a tuple are an error.
    """

    def __init__(
        self,
        name: str,
        kind: str,
        class_weight: Mapping[Any, Any] | None = None,
        needs_tuple: bool = False,
    ) -> None:
        self._title = f"`{name}` (a {kind})"
        self._class_weight = None if class_weight is None else class_weights.checked(class_weight)
        self._missing_was_told = not self._class_weight
        self._needs_tuple = needs_tuple
        self._first_like: list[tuple[str, int]] | None = None  # names and ranks of the first batch
        # Dtypes and ranks of the last batch, where it needed no change.
        self._plain_like: list[tuple[np.dtype, int]] | None = None

    def check(self, item: Any, number: int) -> Batch:
        """A batch of arrays from what the stream yielded.

        Args:
            item: what it yielded.
            number: its place in the pass, for messages.

        Raises:
            UserInputError: for what is no batch, and for one that is not like the first.
        """
        if self._is_plain(item):
            return item
        parts = self._checked(item, f"batch {number} of {self._title}")
        unchanged = (
            type(item) is tuple
            and len(parts) == len(item)
            and all(type(a) is np.ndarray and a is b for a, b in zip(item, parts))
        )
        self._plain_like = [(a.dtype, a.ndim) for a in parts] if unchanged else None
        return parts

    def _is_plain(self, item: Any) -> bool:
        """Whether a batch is arrays like those before, which needed no change.

        Most are, and it is told in a microsecond.
        """
        before = self._plain_like
        if before is None or type(item) is not tuple or len(item) != len(before):
            return False
        # Types by identity: a subclass may convert itself in its own way.
        for array, (dtype, ndim) in zip(item, before):
            if (
                type(array) is not np.ndarray
                or array.dtype != dtype
                or array.ndim != ndim
                or len(array) != len(item[0])
            ):
                return False
        return len(item[0]) > 0

    def _checked(self, item: Any, title: str) -> Batch:
        parts = self.parts_of(item, title)
        # (x, y, None) is (x, y): the number of entries decides which step is compiled.
        while len(parts) > 1 and parts[-1] is None:
            parts = parts[:-1]
        names = [f"{title}: {label}" for label in _NAMES]
        parts = tuple(structure.map_named(_array, part, name) for part, name in zip(parts, names))
        arrays = [
            pair for part, name in zip(parts, names) for pair in structure.iterate_named(part, name)
        ]
        if not arrays:
            raise UserInputError(f"{title} holds no array.")
        checked_length({name: structure.rows_of(array) for name, array in arrays})
        if self._class_weight:
            parts = self._weighted(parts, title)
        self._check_alike(parts, title)
        return parts

    def begin_anew(self) -> None:
        """The next batch counts as the first, which the others must be like."""
        self._first_like = self._plain_like = None

    def parts_of(self, item: Any, title: str = "") -> Batch:
        """One to three entries: a tuple, or inputs alone.

        Args:
            item: what the stream yielded. title: what messages call it.
        """
        title = title or f"a batch of {self._title}"
        if isinstance(item, Mapping):  # named inputs
            return (item,)
        if isinstance(item, tuple) or isinstance(item, list) and not structure.holds_numbers(item):
            if 1 <= len(item) <= 3:
                return tuple(item)
            raise UserInputError(
                f"{title} has {len(item)} entries. Expected {_WANTED}; several inputs go into one "
                "entry, ((x1, x2), y)."
            )
        if item is None:
            raise UserInputError(f"{title} is None. Expected {_WANTED}.")
        if self._needs_tuple:
            shape = f" of shape {tuple(item.shape)}" if hasattr(item, "shape") else ""
            raise UserInputError(
                f"{title} is a {type(item).__name__}{shape}. Expected {_WANTED}: `yield x, y`."
            )
        return (item,)

    def _weighted(self, parts: Batch, title: str) -> Batch:
        """The parts, with the weights of the samples times those of their classes."""
        x, y, sample_weight = (*parts, None, None)[:3]
        targets = [array for _, array in structure.iterate_named(y, "y")]
        if len(targets) != 1:
            raise UserInputError(
                f"{title}: `class_weight` needs one array of targets. Received {len(targets)}."
            )
        factors = class_weights.sample_weights(targets[0], self._class_weight)
        if not self._missing_was_told:
            self._missing_was_told = class_weights.warn_of_missing(targets[0], self._class_weight)
        return x, y, class_weights.multiplied(sample_weight, factors)

    def _check_alike(self, parts: Batch, title: str) -> None:
        like = [
            (path, np.ndim(array))
            for part, name in zip(parts, _NAMES)
            for path, array in structure.iterate_named(part, name)
        ]
        if self._first_like is None:
            self._first_like = like
        elif like != self._first_like:
            raise UserInputError(
                f"{title} is not like the first batch. First: {_shown(self._first_like)}. Now: "
                f"{_shown(like)}. All batches need the same entries, each with the same number of "
                "axes."
            )


def as_arrays(value: Any, name: str) -> Any:
    """The arrays of one entry of a batch, or of inputs, as a model is given them.

    Args:
        value: nested arrays, lists, columns. name: what messages call it.
    """
    return structure.map_named(_array, value, name)


def _shown(like: list[tuple[str, int]]) -> str:
    return ", ".join(f"{path} with {ndim} axes" for path, ndim in like)


def _array(value: Any, name: str) -> Any:
    if type(value).__module__.startswith("jax.experimental.sparse"):
        return value  # ops take it as it is
    return sparse.dense(value) if sparse.is_sparse(value) else convert.host_array(value, name)
