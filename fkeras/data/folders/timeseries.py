"""`timeseries_dataset_from_array`."""

from __future__ import annotations

from typing import Any

import numpy as np

from fkeras.data.folders.making import import_grain
from fkeras.data.pipeline import Dataset, elements
from fkeras.errors import UserInputError


def timeseries_dataset_from_array(
    data: Any,
    targets: Any,
    sequence_length: int,
    sequence_stride: int = 1,
    sampling_rate: int = 1,
    batch_size: int | None = 128,
    shuffle: bool = False,
    seed: int | None = None,
    start_index: int | None = None,
    end_index: int | None = None,
    format: str = "tf",
) -> Any:
    """Windows that slide over a series. They are views of it until batches are made.

    Args:
        data: (steps, ...).
        targets: `targets[i]` belongs to the window that begins at step i: for a forecast of the
            step behind the window, `data[sequence_length:]`; None for windows alone.
        sequence_length: steps of a window.
        sequence_stride: steps from the start of a window to that of the next.
        sampling_rate: steps from one of a window to the next.
        batch_size: windows a batch; None for single ones.
        shuffle: whether windows come in a random order, a new one at each pass.
        seed: of the order.
        start_index, end_index: steps outside of [start, end) are not used; None for all.
        format: `'tf'` for a `fkeras.data.Dataset`, `'grain'` for Grain's `IterDataset`.

    Returns:
        A dataset of windows (batch, sequence_length, ...), or of pairs of windows and targets.

    Raises:
        UserInputError: numbers that do not fit the length of the data.

    Examples:
        >>> import numpy as np, fkeras
        >>> data = np.arange(6)
        >>> dataset = fkeras.utils.timeseries_dataset_from_array(data, data[3:], 3, batch_size=2)
        >>> for x, y in dataset:
        ...     print(x.tolist(), y.tolist())
        [[0, 1, 2], [1, 2, 3]] [3, 4]
        [[2, 3, 4]] [5]
    """
    series = elements.to_array(data, "`data`")
    _check(len(series), sequence_stride, sampling_rate, start_index, end_index)
    if format not in ("tf", "grain"):
        raise UserInputError(f'`format` should be either "tf" or "grain". Received: {format!r}')
    start = start_index or 0
    stop = len(series) if end_index is None else end_index
    series = series[start:stop]
    span = (sequence_length - 1) * sampling_rate + 1
    if len(series) < span:
        raise UserInputError(
            f"A window of `sequence_length`={sequence_length} at `sampling_rate`={sampling_rate} "
            f"spans {span} steps. Received {len(series)} steps."
        )
    windows = np.lib.stride_tricks.sliding_window_view(series, span, axis=0)
    windows = np.moveaxis(windows, -1, 1)[:, ::sampling_rate]  # (windows, steps, ...)
    columns: Any = windows[::sequence_stride]
    if targets is not None:
        aligned = elements.to_array(targets, "`targets`")[start:stop]
        count = min(len(windows), len(aligned))
        columns = windows[:count:sequence_stride], aligned[:count:sequence_stride]
    return (
        _grain(columns, batch_size, shuffle, seed)
        if format == "grain"
        else _ours(columns, batch_size, shuffle, seed)
    )


def _ours(columns: Any, batch_size: int | None, shuffle: bool, seed: int | None) -> Dataset:
    dataset = Dataset.from_tensor_slices(columns)
    if shuffle:
        dataset = dataset.shuffle(max(len(dataset), 1), seed=seed)
    return dataset if batch_size is None else dataset.batch(batch_size)


def _grain(columns: Any, batch_size: int | None, shuffle: bool, seed: int | None) -> Any:
    dataset = import_grain().MapDataset.source(_Rows(columns))
    if shuffle:
        dataset = dataset.shuffle(seed=np.random.randint(10**6) if seed is None else seed)
    dataset = dataset.to_iter_dataset()
    if batch_size is None:
        return dataset
    batch = lambda items: elements.transpose(list(items), elements.stack)
    return dataset.batch(batch_size, batch_fn=batch)


class _Rows:
    """Rows of arrays by index, for Grain."""

    def __init__(self, columns: Any) -> None:
        self.columns = columns

    def __len__(self) -> int:
        return len(elements.values_of(self.columns)[0])

    def __getitem__(self, index: int) -> Any:
        return elements.map_values(lambda column: column[index], self.columns)


def _check(
    length: int, sequence_stride: int, sampling_rate: int, start: int | None, end: int | None
) -> None:
    if start is not None and not 0 <= start < length:
        bound = "0 or greater" if start < 0 else "lower than the length of the data"
        raise UserInputError(
            f"`start_index` must be {bound}. Received: start_index={start}, for data of length "
            f"{length}"
        )
    if end is not None:
        if start and end <= start:
            raise UserInputError(
                f"`end_index` must be higher than `start_index`. Received: start_index={start}, "
                f"and end_index={end}"
            )
        if not 0 < end < length:
            bound = "higher than 0" if end <= 0 else "lower than the length of the data"
            raise UserInputError(
                f"`end_index` must be {bound}. Received: end_index={end}, for data of length "
                f"{length}"
            )
    for name, value in (("sampling_rate", sampling_rate), ("sequence_stride", sequence_stride)):
        if not 0 < value < length:
            bound = "higher than 0" if value <= 0 else "lower than the length of the data"
            raise UserInputError(
                f"`{name}` must be {bound}. Received: {name}={value}, for data of length {length}"
            )
