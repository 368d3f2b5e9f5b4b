"""`TimeseriesGenerator`: windows of a series, and what comes after each."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import numpy as np

from fkeras.data.py_dataset import PyDataset
from fkeras.errors import UserInputError, UserTypeError


class TimeseriesGenerator(PyDataset):
    """Batches of windows of a series with the target behind each, as Keras 2 made them.

    Args:
        data: (steps, ...) series; a list or an array.
        targets: (steps, ...), the target of each step.
        length: of a window, in steps before it is thinned out.
        sampling_rate: every how many steps of a window are kept.
        stride: steps from one window to the next.
        start_index, end_index: the steps to use, both included; None for the last one.
        shuffle: whether windows are drawn at random, from NumPy's global generator, some twice and
            some never.
        reverse: whether windows run backwards.
        batch_size: windows in a batch.
        **kwargs: `workers` and the like, of `PyDataset`.

    Raises:
        UserInputError: lengths that differ, or no room for a window.

    Examples:
        >>> import numpy as np, fkeras
        >>> series = np.arange(6.0)
        >>> source = fkeras.preprocessing.sequence.TimeseriesGenerator(series, series, length=2)
        >>> x, y = source[0]
        >>> x.tolist(), y.tolist()
        ([[0.0, 1.0], [1.0, 2.0], [2.0, 3.0], [3.0, 4.0]], [2.0, 3.0, 4.0, 5.0])
    """

    def __init__(
        self,
        data: Any,
        targets: Any,
        length: int,
        sampling_rate: int = 1,
        stride: int = 1,
        start_index: int = 0,
        end_index: int | None = None,
        shuffle: bool = False,
        reverse: bool = False,
        batch_size: int = 128,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if len(data) != len(targets):
            raise UserInputError(
                f"Data and targets have to be of same length. Data length is {len(data)} while "
                f"target length is {len(targets)}"
            )
        self.data = data
        self.targets = targets
        self.length = length
        self.sampling_rate = sampling_rate
        self.stride = stride
        self.start_index = start_index + length
        self.end_index = len(data) - 1 if end_index is None else end_index
        self.shuffle = shuffle
        self.reverse = reverse
        self.batch_size = batch_size
        if self.start_index > self.end_index:
            raise UserInputError(
                f"`start_index+length={self.start_index} > end_index={self.end_index}` is "
                "disallowed, as no part of the sequence would be left to be used as current step."
            )

    def __len__(self) -> int:
        steps = self.batch_size * self.stride
        return (self.end_index - self.start_index + steps) // steps

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        """The batch at a position."""
        ends = self._ends(index)
        windows = np.array(
            [self.data[end - self.length : end : self.sampling_rate] for end in ends]
        )
        targets = np.array([self.targets[end] for end in ends])
        return (windows[:, ::-1] if self.reverse else windows), targets

    def get_config(self) -> dict[str, Any]:
        """Arguments, data and targets as JSON. `start_index` is that of the first target.

        Raises:
            UserTypeError: data that cannot be JSON.
        """
        return {
            "data": _as_json("Data", self.data),
            "targets": _as_json("Targets", self.targets),
            "length": self.length,
            "sampling_rate": self.sampling_rate,
            "stride": self.stride,
            "start_index": self.start_index,
            "end_index": self.end_index,
            "shuffle": self.shuffle,
            "reverse": self.reverse,
            "batch_size": self.batch_size,
        }

    def to_json(self, **kwargs: Any) -> str:
        """The generator as JSON.

        Args:
            **kwargs: handed on to `json.dumps`.
        """
        config = {"class_name": type(self).__name__, "config": self.get_config()}
        return json.dumps(config, **kwargs)

    def _ends(self, index: int) -> np.ndarray:
        """The step behind each window of a batch."""
        if self.shuffle:
            return np.random.randint(self.start_index, self.end_index + 1, size=self.batch_size)
        first = self.start_index + self.batch_size * self.stride * index
        end = min(first + self.batch_size * self.stride, self.end_index + 1)
        return np.arange(first, end, self.stride)


def _as_json(name: str, values: Sequence | np.ndarray) -> str:
    plain = values.tolist() if isinstance(values, np.ndarray) else values
    try:
        return json.dumps(plain)
    except TypeError as error:
        raise UserTypeError(f"{name} not JSON Serializable: {values}") from error
