"""`Iterator`: batches of samples in an order of its own, by index or one after another."""

from __future__ import annotations

import threading
from collections.abc import Generator
from typing import Any

import numpy as np

from fkeras.data.py_dataset import PyDataset
from fkeras.errors import UserInputError


class Iterator(PyDataset):
    """Base class of the sources that `ImageDataGenerator` makes.

    As a `PyDataset` it gives batches by index, in an order that is new after each epoch. `next()`
    gives batch after batch without end. Orders and changes are drawn from NumPy's global
    generator, which is seeded anew at each batch where there is a seed.

    Args:
        n: number of samples.
        batch_size: samples in a batch; the last batch may have fewer.
        shuffle: whether the order is random.
        seed: of orders and random changes; None to draw on from where NumPy's generator is.
        **kwargs: `workers` and the like, of `PyDataset`.
    """

    white_list_formats = ("png", "jpg", "jpeg", "bmp", "ppm", "tif", "tiff")

    def __init__(
        self, n: int, batch_size: int, shuffle: bool, seed: int | None, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        if batch_size < 1:
            raise UserInputError(
                f"{type(self).__name__}: `batch_size` must be 1 or more. Received: {batch_size}"
            )
        self.n = n
        self.batch_size = batch_size
        self.seed = seed
        self.shuffle = shuffle
        self.batch_index = 0
        self.total_batches_seen = 0
        self.lock = threading.Lock()
        self.index_array: np.ndarray | None = None
        self.index_generator = self._flow_index()

    def __len__(self) -> int:
        return (self.n + self.batch_size - 1) // self.batch_size

    def __getitem__(self, index: int) -> Any:
        """The batch at a position of the order."""
        if index >= len(self):
            raise UserInputError(
                f"Asked to retrieve element {index}, but the Sequence has length {len(self)}"
            )
        self._seed_batch()
        self.total_batches_seen += 1
        if self.index_array is None:
            self._set_index_array()
        first = self.batch_size * index
        return self._get_batches_of_transformed_samples(
            self.index_array[first : first + self.batch_size]
        )

    def on_epoch_end(self) -> None:
        """Draws a new order."""
        self._set_index_array()

    def reset(self) -> None:
        """`next()` begins anew: with a new order, if it is random."""
        self.batch_index = 0

    def __iter__(self) -> Iterator:
        return self

    def __next__(self) -> Any:
        with self.lock:
            samples = next(self.index_generator)
        # Outside of the lock: several threads may change images at once.
        return self._get_batches_of_transformed_samples(samples)

    def next(self) -> Any:
        """The next batch, as `next(iterator)`."""
        return next(self)

    def _set_index_array(self) -> None:
        self.index_array = np.random.permutation(self.n) if self.shuffle else np.arange(self.n)

    def _seed_batch(self) -> None:
        if self.seed is not None:
            np.random.seed(self.seed + self.total_batches_seen)

    def _flow_index(self) -> Generator[np.ndarray, None, None]:
        """The samples of one batch after another, without end."""
        while True:
            self._seed_batch()
            if self.batch_index == 0:
                self._set_index_array()
            first = (self.batch_index * self.batch_size) % self.n if self.n else 0
            is_last = self.n <= first + self.batch_size
            self.batch_index = 0 if is_last else self.batch_index + 1
            self.total_batches_seen += 1
            yield self.index_array[first : first + self.batch_size]

    def _get_batches_of_transformed_samples(self, index_array: np.ndarray) -> Any:
        """The batch of some samples; a subclass says how.

        Args:
            index_array: positions of the samples.
        """
        raise UserInputError(
            f"{type(self).__name__} must define `_get_batches_of_transformed_samples(self, "
            "index_array)`, which returns a batch."
        )
