"""Logs: results of steps by name, on the device until somebody reads them."""

import jax
import numpy as np


def to_python(logs) -> dict:
    """Scalars as Python floats, larger arrays as NumPy."""
    if not isinstance(logs, dict):
        return jax.device_get(logs)
    if len(logs) > 1 and jax.default_backend() != "cpu":
        for array in jax.tree.leaves(logs):
            if isinstance(array, jax.Array):
                array.copy_to_host_async()
    return {
        k: number(np.asarray(v) if isinstance(v, jax.Array) else jax.device_get(v))
        for k, v in logs.items()
    }


def number(value):
    if isinstance(value, dict):
        return {k: number(v) for k, v in value.items()}
    if isinstance(value, (np.ndarray, np.generic)):
        return float(value) if value.ndim == 0 else value
    return value


class Logs(dict):
    """A batch's logs in alphabetical order. The first look fetches them; a hook that only counts
    batches makes nobody wait.

    Args:
        values: dict from names to arrays.
    """

    def __init__(self, values):
        super().__init__((str(name), values[name]) for name in sorted(values, key=str))
        self._fetched = False

    def fetched(self) -> "Logs":
        """The same logs, as Python numbers from now on."""
        if not self._fetched:
            self._fetched = True
            dict.update(self, to_python(dict(dict.items(self))))
        return self

    def __reduce__(self):
        return dict, (dict(self),)


def _fetching(name):
    own = getattr(dict, name)

    def method(self, *args, **kwargs):
        return own(self.fetched(), *args, **kwargs)

    method.__name__ = name
    return method


# `__iter__` too: without it, C code such as `dict(logs)` copies what it finds.
for _name in (
    "__getitem__",
    "__iter__",
    "__reversed__",
    "__eq__",
    "__ne__",
    "__repr__",
    "__or__",
    "__ror__",
    "__ior__",
    "get",
    "items",
    "values",
    "copy",
    "pop",
    "popitem",
    "setdefault",
    "update",
):
    setattr(Logs, _name, _fetching(_name))
Logs.__hash__ = None
