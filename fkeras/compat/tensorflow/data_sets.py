"""`tf.data`: `fkeras.data.Dataset`, and functions of `tf.data.experimental` over its methods."""

from __future__ import annotations

import enum
from collections.abc import Callable
from typing import Any

from fkeras import data, tree
from fkeras.compat.tensorflow import csv_files
from fkeras.compat.tensorflow.notes import Inert


def _transformation(method: str) -> Callable[..., Callable[[data.Dataset], Any]]:
    """A function of options that gives one for `dataset.apply`."""

    def with_options(*args: Any, **kwargs: Any) -> Callable[[data.Dataset], Any]:
        return lambda dataset: getattr(dataset, method)(*args, **kwargs)

    with_options.__name__ = method
    return with_options


def shuffle_and_repeat(
    buffer_size: int, count: int | None = None, seed: int | None = None
) -> Callable[[data.Dataset], data.Dataset]:
    """For `dataset.apply`: shuffled anew in each of `count` rounds."""
    return lambda dataset: dataset.shuffle(buffer_size, seed).repeat(count)


def map_and_batch(
    map_func: Callable[..., Any],
    batch_size: int,
    num_parallel_batches: int | None = None,
    drop_remainder: bool = False,
    num_parallel_calls: int | None = None,
) -> Callable[[data.Dataset], data.Dataset]:
    """For `dataset.apply`: a function of each element, then batches."""
    return lambda dataset: dataset.map(map_func, num_parallel_calls).batch(
        batch_size, drop_remainder
    )


def prefetch_to_device(
    device: str, buffer_size: int | None = None
) -> Callable[[data.Dataset], data.Dataset]:
    """For `dataset.apply`: `fit` sends batches ahead by itself."""
    return lambda dataset: dataset.prefetch(data.AUTOTUNE if buffer_size is None else buffer_size)


class AutoShardPolicy(enum.Enum):
    """How TensorFlow deals files or rows out to hosts. It has no effect here."""

    OFF = -1
    AUTO = 0
    FILE = 1
    DATA = 2
    HINT = 3


def _of_specs(dataset: data.Dataset, attribute: str) -> Any:
    return tree.map_structure(lambda spec: getattr(spec, attribute), dataset.element_spec)


_SIZES = {
    "AUTOTUNE": data.AUTOTUNE,
    "INFINITE_CARDINALITY": data.INFINITE_CARDINALITY,
    "UNKNOWN_CARDINALITY": data.UNKNOWN_CARDINALITY,
}
NAMES: dict[str, Any] = {
    **_SIZES,
    "Dataset": data.Dataset,
    "Iterator": data.DatasetIterator,
    "Options": Inert,
    "TFRecordDataset": data.TFRecordDataset,
    "TextLineDataset": data.TextLineDataset,
}
EXPERIMENTAL: dict[str, Any] = {
    **_SIZES,
    **csv_files.EXPERIMENTAL,
    "AutoShardPolicy": AutoShardPolicy,
    "assert_cardinality": _transformation("assert_cardinality"),
    "Counter": data.Dataset.counter,
    "bucket_by_sequence_length": _transformation("bucket_by_sequence_length"),
    "cardinality": lambda dataset: dataset.cardinality(),
    "choose_from_datasets": data.Dataset.choose_from_datasets,
    "enumerate_dataset": _transformation("enumerate"),
    "get_single_element": lambda dataset: dataset.get_single_element(),
    "get_structure": lambda dataset: dataset.element_spec,
    "map_and_batch": map_and_batch,
    "prefetch_to_device": prefetch_to_device,
    "sample_from_datasets": data.Dataset.sample_from_datasets,
    "scan": _transformation("scan"),
    "shuffle_and_repeat": shuffle_and_repeat,
    "take_while": _transformation("take_while"),
    "unbatch": _transformation("unbatch"),
    "unique": _transformation("unique"),
}
V1: dict[str, Any] = {
    "Dataset": data.Dataset,
    "TFRecordDataset": data.TFRecordDataset,
    "TextLineDataset": data.TextLineDataset,
    "get_output_shapes": lambda dataset: _of_specs(dataset, "shape"),
    "get_output_types": lambda dataset: _of_specs(dataset, "dtype"),
    "make_one_shot_iterator": iter,
}
