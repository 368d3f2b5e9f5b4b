"""`split_dataset`."""

from __future__ import annotations

import random
from typing import Any

import numpy as np

from fkeras.core.randomness import process_generator
from fkeras.data import streams
from fkeras.data.pipeline import AUTOTUNE, Dataset, elements
from fkeras.data.pipeline.batching import Batch
from fkeras.data.pipeline.node import gather
from fkeras.data.pipeline.ordering import Prefetch
from fkeras.errors import UserInputError, UserTypeError

Size = int | float | None


def split_dataset(
    dataset: Any,
    left_size: Size = None,
    right_size: Size = None,
    shuffle: bool = False,
    seed: int | None = None,
    preferred_backend: str | None = None,
) -> tuple[Dataset, Dataset]:
    """Two datasets of the elements of one, as for training and testing. All of it is read.

    Args:
        dataset: an array, a list or tuple of arrays of one length, a `fkeras.data.Dataset`, or a
            dataset of tf.data, PyTorch or Grain. Batches are taken apart, and made again.
        left_size: fraction in (0, 1) or number of elements of the first part; None for what the
            other leaves.
        right_size: the same of the second part.
        shuffle: whether elements are put in a random order first.
        seed: of that order; the parts are those that Keras makes of the same seed.
        preferred_backend: accepted; both parts are `fkeras.data.Dataset`s.

    Raises:
        UserInputError: sizes that do not fit, no elements, or arrays of different lengths.

    Examples:
        >>> import numpy as np, fkeras
        >>> left, right = fkeras.utils.split_dataset(np.arange(10), left_size=0.8)
        >>> len(left), [int(x) for x in right]
        (8, [8, 9])
    """
    columns, batch_size = _columns_of(dataset)
    length = len(elements.values_of(columns)[0])
    left, right = _sizes(left_size, right_size, length)
    order = list(range(length))
    if shuffle:
        seed = process_generator.make_default_seed() if seed is None else seed
        random.Random(seed).shuffle(order)
    parts = []
    for rows in (order[:left], order[length - right :]):
        part = Dataset.from_tensor_slices(gather(columns, np.array(rows, int)))
        parts.append((part if batch_size is None else part.batch(batch_size)).prefetch(AUTOTUNE))
    return parts[0], parts[1]


def _columns_of(dataset: Any) -> tuple[Any, int | None]:
    """All elements along a first axis, and the size of the batches that they came in."""
    if isinstance(dataset, (list, tuple, np.ndarray)):
        return _arrays(dataset), None
    batch_size = None
    if isinstance(dataset, Dataset):
        node = dataset.node
        while isinstance(node, Prefetch):
            node = node.inputs[0]
        if isinstance(node, Batch):
            batch_size = node.size
            dataset = dataset.unbatch()
    elif hasattr(dataset, "unbatch") and hasattr(dataset, "_batch_size"):  # tf.data's
        batch_size = int(dataset._batch_size)
        dataset = dataset.unbatch()
    elif streams.kind_of(dataset) is None and not hasattr(dataset, "__getitem__"):
        raise UserTypeError(
            "The `dataset` argument must be a dataset, an array, or a list/tuple of arrays. "
            f"Received: dataset={dataset!r} of type {type(dataset)}"
        )
    every = [_element(item) for item in _items(dataset)]
    if not every:
        raise UserInputError("Received an empty dataset.")
    return elements.transpose(every, elements.stack), batch_size


def _items(dataset: Any) -> Any:
    if hasattr(dataset, "as_numpy_iterator"):
        return dataset.as_numpy_iterator()
    if hasattr(dataset, "__getitem__") and hasattr(dataset, "__len__"):  # PyTorch's have no end
        return (dataset[i] for i in range(len(dataset)))
    return iter(dataset)


def _element(item: Any) -> Any:
    return elements.unwrap(tuple(item) if isinstance(item, list) else item, "split_dataset")


def _arrays(dataset: Any) -> Any:
    if isinstance(dataset, np.ndarray):
        return dataset
    if not dataset:
        raise UserInputError(f"Received an empty {type(dataset).__name__}: expected arrays.")
    for index, array in enumerate(dataset):
        if not hasattr(array, "shape"):
            raise UserInputError(
                f"Expected a {type(dataset).__name__} of arrays. Received: {type(array)} at index "
                f"{index}."
            )
        if len(array) != len(dataset[0]):
            raise UserInputError(
                f"Received arrays with different lengths. Mismatch found at index {index}: "
                f"expected {len(dataset[0])} rows, received shape={tuple(array.shape)}."
            )
    return tuple(elements.to_array(array, "split_dataset") for array in dataset)


def _sizes(left: Size, right: Size, length: int) -> tuple[int, int]:
    """Numbers of elements of both parts."""
    if left is None and right is None:
        raise UserInputError(
            "At least one of the `left_size` or `right_size` must be specified. Received: "
            "left_size=None and right_size=None"
        )
    counts = [_count(left, "left_size", length), _count(right, "right_size", length)]
    if isinstance(left, float) and isinstance(right, float) and left + right > 1:
        raise UserInputError(
            "The sum of `left_size` and `right_size` is greater than 1. It must be less than or "
            f"equal to 1. Received: {left} and {right}"
        )
    first = counts[0] if counts[0] is not None else length - (counts[1] or 0)
    second = counts[1] if counts[1] is not None else length - first
    if first + second > length:
        raise UserInputError(
            f"The sum of `left_size` and `right_size` should be smaller than the {length} elements "
            f"of the dataset. Received: {first} + {second}"
        )
    if not first or not second:
        raise UserInputError(
            f"With `dataset` of length={length}, `left_size`={left} and `right_size`={right}, one "
            "part will be empty. Adjust any of the aforementioned parameters."
        )
    return first, second


def _count(size: Size, name: str, length: int) -> int | None:
    if size is None:
        return None
    if type(size) not in (int, float):
        raise UserTypeError(
            f"Invalid `{name}` Type. Expected: int or float or None. Received: {type(size)}."
        )
    bound = 1 if isinstance(size, float) else length
    if not 0 < size < bound:
        raise UserInputError(
            f"`{name}` should be either a positive integer smaller than {length}, or a float "
            f"within the range `[0, 1]`. Received: {name}={size}"
        )
    return round(size * length) if isinstance(size, float) else size
