"""Logs: results of steps by name, on the device until they are read."""

from __future__ import annotations

from collections.abc import ItemsView, Iterator, Mapping, ValuesView
from typing import Any

import jax
import numpy as np

from fkeras.core.former_keys import FormerKeys
from fkeras.core.values.variable import Variable


def to_python(logs: Any) -> Any:
    """Scalars as Python floats, larger arrays as NumPy; waits for the device."""
    if not isinstance(logs, dict):
        return jax.device_get(logs)
    if len(logs) > 1 and jax.default_backend() != "cpu":
        for array in jax.tree.leaves(logs):
            if isinstance(array, jax.Array):
                array.copy_to_host_async()
    return {
        name: as_number(np.asarray(v) if isinstance(v, jax.Array) else jax.device_get(v))
        for name, v in logs.items()
    }


def named_results(name: str, result: Any) -> dict[str, Any]:
    """What a metric's `result` returned, as logs: entries of dicts, however deep, each by its own
    name; Variables as their values, which later steps may consume without them.
    """
    if not isinstance(result, dict):
        return {name: result.value if isinstance(result, Variable) else result}
    logs: dict[str, Any] = {}
    for key, entry in result.items():
        logs.update(named_results(key, entry))
    return logs


def plain_logs(logs: Any) -> Any:
    """The logs of a step, those of dicts among them spliced in, Variables as their values."""
    if not isinstance(logs, dict):
        return logs
    return {key: x for name in logs for key, x in named_results(name, logs[name]).items()}


def as_number(value: Any) -> Any:
    """A float for an array without axes, also inside of dicts; all else as it is."""
    if isinstance(value, dict):
        return {name: as_number(v) for name, v in value.items()}
    if isinstance(value, (np.ndarray, np.generic)):
        return float(value) if value.ndim == 0 else value
    return value


class Logs(FormerKeys):
    """A batch's logs in alphabetical order, fetched from the device at the first look.

    A hook that only counts batches does not make the loop wait for the device.

    Args:
        values: dict from names to arrays.
    """

    def __init__(self, values: dict[str, Any]) -> None:
        super().__init__((str(name), values[name]) for name in sorted(values, key=str))
        self._is_fetched = False

    def fetched(self) -> Logs:
        """The same logs, as Python numbers from now on."""
        if not self._is_fetched:
            self._is_fetched = True
            dict.update(self, to_python(dict(dict.items(self))))
        return self

    def __reduce__(self) -> tuple:
        return dict, (dict(self),)

    # Every way of reading or changing entries. `__iter__` too: without it, C code such as
    # `dict(logs)` copies what it finds.

    def __getitem__(self, name: str) -> Any:
        return dict.__getitem__(self.fetched(), name)

    def __iter__(self) -> Iterator[str]:
        return dict.__iter__(self.fetched())

    def __reversed__(self) -> Iterator[str]:
        return dict.__reversed__(self.fetched())

    def __eq__(self, other: object) -> bool:
        return dict.__eq__(self.fetched(), other)

    def __ne__(self, other: object) -> bool:
        return dict.__ne__(self.fetched(), other)

    __hash__ = None

    def __repr__(self) -> str:
        return dict.__repr__(self.fetched())

    def __or__(self, other: Mapping[str, Any]) -> dict[str, Any]:
        return dict.__or__(self.fetched(), other)

    def __ror__(self, other: Mapping[str, Any]) -> dict[str, Any]:
        return dict.__ror__(self.fetched(), other)

    def __ior__(self, other: Mapping[str, Any]) -> Logs:
        return dict.__ior__(self.fetched(), other)

    def get(self, key: str, default: Any = None) -> Any:
        return FormerKeys.get(self.fetched(), key, default)

    def items(self) -> ItemsView[str, Any]:
        return dict.items(self.fetched())

    def values(self) -> ValuesView[Any]:
        return dict.values(self.fetched())

    def copy(self) -> dict[str, Any]:
        return dict.copy(self.fetched())

    def pop(self, *args: Any) -> Any:
        return dict.pop(self.fetched(), *args)

    def popitem(self) -> tuple[str, Any]:
        return dict.popitem(self.fetched())

    def setdefault(self, *args: Any) -> Any:
        return dict.setdefault(self.fetched(), *args)

    def update(self, *args: Any, **kwargs: Any) -> None:
        return dict.update(self.fetched(), *args, **kwargs)
