"""Methods that choose which elements come, in which order and how often."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fkeras.data.pipeline import file_cache, ordering
from fkeras.data.pipeline.creating import Creating
from fkeras.data.pipeline.node import AUTOTUNE, checked_int
from fkeras.errors import UserTypeError

if TYPE_CHECKING:
    from fkeras.data.pipeline.dataset import Dataset


class OrderMethods(Creating):
    """The methods of `Dataset` that change no element."""

    def shuffle(
        self,
        buffer_size: int | None = None,
        seed: int | None = None,
        reshuffle_each_iteration: bool | None = None,
        name: str | None = None,
    ) -> Dataset:
        """The elements in a random order.

        Args:
            buffer_size: how many elements wait, of which the next is drawn: the whole length for a
                uniform order.
            seed: of the draws; None for one from the process's generator
                (`fkeras.utils.set_random_seed`).
            reshuffle_each_iteration: False for the same order at each pass.

        Examples:
            >>> from fkeras import data
            >>> dataset = data.Dataset.range(4).shuffle(4, seed=0)
            >>> sorted(int(x) for x in dataset)
            [0, 1, 2, 3]
        """
        if buffer_size is None:
            raise UserTypeError(
                "Dataset.shuffle: pass `buffer_size`, how many elements wait to be drawn: "
                "`dataset.shuffle(1000)`, or `dataset.shuffle(len(dataset))` for a uniform order."
            )
        size = checked_int(buffer_size, "Dataset.shuffle: `buffer_size`", 1)
        begins_anew = reshuffle_each_iteration is None or bool(reshuffle_each_iteration)
        return self._make(ordering.Shuffle(self.node, size, seed, begins_anew))

    def repeat(self, count: int | None = None, name: str | None = None) -> Dataset:
        """Pass after pass: `count` of them; without end for None and -1."""
        times = None if count is None else checked_int(count, "Dataset.repeat: `count`", -1)
        return self._make(ordering.Repeat(self.node, None if times == -1 else times))

    def take(self, count: int, name: str | None = None) -> Dataset:
        """The first `count` elements; all for -1."""
        number = checked_int(count, "Dataset.take: `count`", -1)
        return self._make(self.node if number == -1 else ordering.Take(self.node, number))

    def assert_cardinality(self, expected_cardinality: int) -> Dataset:
        """The same elements, of which there are so many: where only the reader knows.

        Args:
            expected_cardinality: how many; -1 for no end.

        Raises:
            UserInputError: while reading, where there are more or fewer.

        Examples:
            >>> from fkeras import data
            >>> even = data.Dataset.range(6).filter(lambda n: n % 2 == 0)
            >>> len(even.assert_cardinality(3))
            3
        """
        count = checked_int(expected_cardinality, "Dataset.assert_cardinality", -1)
        return self._make(ordering.Counted(self.node, count))

    def skip(self, count: int, name: str | None = None) -> Dataset:
        """All but the first `count` elements; none for -1."""
        number = checked_int(count, "Dataset.skip: `count`", -1)
        if number == -1:
            return self._make(ordering.Take(self.node, 0))
        return self._make(ordering.Skip(self.node, number))

    def shard(self, num_shards: int, index: int, name: str | None = None) -> Dataset:
        """Every `num_shards`th element, from the one at `index` on: a part for each of several
        processes.
        """
        number = checked_int(num_shards, "Dataset.shard: `num_shards`", 1)
        place = checked_int(index, "Dataset.shard: `index`", 0)
        if place >= number:
            raise UserTypeError(f"Dataset.shard: `index` must be below {number}. Received: {place}")
        return self._make(ordering.Shard(self.node, number, place))

    def concatenate(self, dataset: Dataset, name: str | None = None) -> Dataset:
        """These elements, then those of another dataset."""
        if not isinstance(dataset, OrderMethods):
            raise UserTypeError(f"Dataset.concatenate: expected a Dataset. Received: {dataset!r}")
        return self._make(ordering.Concatenate(self.node, dataset.node))

    def enumerate(self, start: int = 0, name: str | None = None) -> Dataset:
        """Pairs of a number, from `start` on, and an element."""
        return self._make(
            ordering.Enumerate(
                self.node, checked_int(start, "Dataset.enumerate: `start`", -(2**63))
            )
        )

    def cache(self, filename: Any = "", name: str | None = None) -> Dataset:
        """The elements of the first whole pass, kept for later ones.

        Args:
            filename: of a file that keeps them for later programs; empty for memory. Delete the
                file where the steps before have changed.
        """
        if not filename:
            return self._make(ordering.Cache(self.node))
        return self._make(file_cache.FileCache(self.node, filename))

    def prefetch(self, buffer_size: int = AUTOTUNE, name: str | None = None) -> Dataset:
        """Elements made ahead by a thread, `buffer_size` at most.

        A thread is begun only where an element takes milliseconds: for quick ones it would cost
        more than it saves.
        """
        depth = checked_int(buffer_size, "Dataset.prefetch: `buffer_size`", 0, (AUTOTUNE, None))
        return self._make(ordering.Prefetch(self.node, AUTOTUNE if depth is None else depth))
