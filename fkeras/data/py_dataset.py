"""`PyDataset`: batches by index."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

from fkeras.core.warn_once import warn_user


def _setting(name: str, default: Any) -> Any:
    """A property that stands in, with a warning, where a subclass forgot `super().__init__()`."""
    slot = f"_{name}"

    def read(self: PyDataset) -> Any:
        if slot not in vars(self):
            warn_user(
                "Your `PyDataset` class should call `super().__init__(**kwargs)` in its "
                "constructor; `workers`, `use_multiprocessing` and `max_queue_size` are its "
                "arguments, not those of `fit()`."
            )
            vars(self)[slot] = default
        return vars(self)[slot]

    return property(read, lambda self, value: vars(self).__setitem__(slot, value))


class PyDataset:
    """Base class of datasets that make each batch when asked for it by index.

    A subclass defines `__getitem__(index)`, which returns a whole batch `(x, y)` or
    `(x, y, sample_weight)`, and `__len__()` (or `num_batches`), the number of batches. `fit` may
    ask for the batches in a new order at each epoch (`shuffle=True`).

    Args:
        workers: threads that make batches ahead of training, in order; 0 and 1 make them in the
            training thread.
        use_multiprocessing: accepted; threads are used, since forking a process that runs JAX can
            hang it.
        max_queue_size: batches made ahead, at most.

    Examples:
        >>> import numpy as np, fkeras
        >>> class Squares(fkeras.utils.PyDataset):
        ...     def __len__(self):
        ...         return 3
        ...     def __getitem__(self, index):
        ...         x = np.arange(4.0) + 4 * index
        ...         return x[:, None], x ** 2
        >>> dataset = Squares(workers=2)
        >>> dataset.num_batches, dataset[1][1].tolist()
        (3, [16.0, 25.0, 36.0, 49.0])
    """

    workers = _setting("workers", 1)
    use_multiprocessing = _setting("use_multiprocessing", False)
    max_queue_size = _setting("max_queue_size", 10)

    def __init__(
        self, workers: int = 1, use_multiprocessing: bool = False, max_queue_size: int = 10
    ) -> None:
        self.workers = workers
        self.use_multiprocessing = use_multiprocessing
        self.max_queue_size = max_queue_size

    def __getitem__(self, index: int) -> Any:
        """The batch at a position."""
        raise NotImplementedError(
            f"{type(self).__name__} must define `__getitem__(self, index)`, which returns a batch."
        )

    def __iter__(self) -> Iterator[Any]:
        count = self.num_batches
        return (self[i] for i in (itertools.count() if count is None else range(count)))

    @property
    def num_batches(self) -> int | None:
        """How many batches there are; None for no end."""
        if hasattr(self, "__len__"):
            return len(self)
        raise NotImplementedError(
            f"{type(self).__name__}: You need to implement `__len__`, or the `num_batches` "
            "property: how many batches there are, None for no end."
        )

    def on_epoch_begin(self) -> None:
        """Called before the first batch of an epoch."""

    def on_epoch_end(self) -> None:
        """Called after the last batch of an epoch."""
