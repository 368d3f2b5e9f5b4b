"""Methods that put elements together and take them apart."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from fkeras.data.pipeline import batching, grouping, padding
from fkeras.data.pipeline.creating import Creating
from fkeras.data.pipeline.functions import UserFunction
from fkeras.data.pipeline.node import as_int, checked_int
from fkeras.errors import UserInputError

if TYPE_CHECKING:
    from fkeras.data.pipeline.dataset import Dataset


class GroupMethods(Creating):
    """The methods of `Dataset` about batches, windows and groups."""

    def batch(
        self,
        batch_size: int,
        drop_remainder: bool = False,
        num_parallel_calls: int | None = None,
        deterministic: bool | None = None,
        name: str | None = None,
    ) -> Dataset:
        """`batch_size` elements along a new first axis.

        Args:
            batch_size: elements a batch; the last may have fewer.
            drop_remainder: whether the last is left out then.
            num_parallel_calls, deterministic: accepted; without effect.

        Raises:
            UserInputError: while reading, for elements of different shapes.
        """
        size = checked_int(batch_size, "Dataset.batch: `batch_size`", 1)
        return self._make(batching.Batch(self.node, size, bool(drop_remainder)))

    def padded_batch(
        self,
        batch_size: int,
        padded_shapes: Any = None,
        padding_values: Any = None,
        drop_remainder: bool = False,
        name: str | None = None,
    ) -> Dataset:
        """`batch_size` elements of different lengths along a new first axis.

        Args:
            batch_size: elements a batch.
            padded_shapes: in the structure of an element, None and -1 in them for the longest of
                the batch; None for the longest everywhere.
            padding_values: what is put there: one for all or in the structure of an element; None
                for zeros and empty strings.
            drop_remainder: whether a smaller last batch is left out.

        Examples:
            >>> import numpy as np
            >>> from fkeras import data
            >>> dataset = data.Dataset.range(1, 4).map(lambda n: np.ones(int(n)))
            >>> next(iter(dataset.padded_batch(3))).tolist()
            [[1.0, 0.0, 0.0], [1.0, 1.0, 0.0], [1.0, 1.0, 1.0]]
        """
        size = checked_int(batch_size, "Dataset.padded_batch: `batch_size`", 1)
        pad = functools.partial(padding.pad, shapes=padded_shapes, values=padding_values)
        return self._make(batching.PaddedBatch(self.node, size, bool(drop_remainder), pad))

    def unbatch(self, name: str | None = None) -> Dataset:
        """The rows of each element, one by one."""
        return self._make(batching.Unbatch(self.node))

    def rebatch(
        self, batch_size: int, drop_remainder: bool = False, name: str | None = None
    ) -> Dataset:
        """The same rows in batches of another size."""
        return self.unbatch().batch(batch_size, drop_remainder)

    def window(
        self,
        size: int,
        shift: int | None = None,
        stride: int = 1,
        drop_remainder: bool = False,
        name: str | None = None,
    ) -> Dataset:
        """Datasets of `size` elements each; where elements are tuples, tuples of datasets.

        Args:
            size: elements a window.
            shift: elements from the start of a window to that of the next; None for `size`.
            stride: elements from one of a window to the next.
            drop_remainder: whether windows at the end that are smaller are left out.

        Examples:
            >>> from fkeras import data
            >>> for window in data.Dataset.range(5).window(2):
            ...     print([int(x) for x in window])
            [0, 1]
            [2, 3]
            [4]
        """
        size = checked_int(size, "Dataset.window: `size`", 1)
        shift = checked_int(shift, "Dataset.window: `shift`", 1, (None,)) or size
        stride = checked_int(stride, "Dataset.window: `stride`", 1)
        return self._make(
            batching.Window(self.node, size, shift, stride, bool(drop_remainder), self._make)
        )

    def group_by_window(
        self,
        key_func: Callable[..., Any],
        reduce_func: Callable[..., Any],
        window_size: int | None = None,
        window_size_func: Callable[[Any], Any] | None = None,
        name: str | None = None,
    ) -> Dataset:
        """The elements of datasets that a function makes of windows of one key.

        Args:
            key_func: element -> whole number.
            reduce_func: (key, dataset of a window) -> dataset.
            window_size: elements a window.
            window_size_func: key -> elements a window, instead.
        """
        if (window_size is None) == (window_size_func is None):
            raise UserInputError(
                "Dataset.group_by_window: pass either `window_size` or `window_size_func`."
            )
        size_of = lambda key: as_int(window_size_func(key) if window_size_func else window_size)
        node = grouping.GroupByWindow(
            self.node,
            UserFunction(key_func, "group_by_window"),
            UserFunction(reduce_func, "group_by_window"),
            size_of,
            self._make,
        )
        return self._make(node)

    def bucket_by_sequence_length(
        self,
        element_length_func: Callable[..., Any],
        bucket_boundaries: Sequence[int],
        bucket_batch_sizes: Sequence[int],
        padded_shapes: Any = None,
        padding_values: Any = None,
        pad_to_bucket_boundary: bool = False,
        no_padding: bool = False,
        drop_remainder: bool = False,
        name: str | None = None,
    ) -> Dataset:
        """Padded batches of elements of about one length, so that little is padded.

        Args:
            element_length_func: element -> its length.
            bucket_boundaries: rising numbers: a bucket holds lengths below its boundary.
            bucket_batch_sizes: elements a batch, one for each bucket, one more than boundaries.
            padded_shapes, padding_values: as in `padded_batch`.
            pad_to_bucket_boundary: whether lengths become the longest that the bucket holds, so
                that there are only so many shapes to compile for.
            no_padding: whether elements of a batch must be of one shape as they are.
            drop_remainder: whether smaller batches at the end are left out.
        """
        node = grouping.Buckets(
            self.node,
            UserFunction(element_length_func, "bucket_by_sequence_length"),
            bucket_boundaries,
            bucket_batch_sizes,
            padded_shapes,
            padding_values,
            pad_to_bucket_boundary,
            drop_remainder,
            not no_padding,
        )
        return self._make(node)

    def unique(self, name: str | None = None) -> Dataset:
        """Each element once, where it comes first."""
        return self._make(grouping.Unique(self.node))
