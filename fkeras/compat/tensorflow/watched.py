"""`WatchedArray`: a value of the host that a tape watches, which computes with JAX from then on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from fkeras.core import jax_private
from fkeras.data.pipeline.host_array import HostArray


class WatchedArray(HostArray):
    """A `HostArray` whose arithmetic and functions of `tf` are operations of JAX.

    The object that a script holds becomes one (`watch`), since the script goes on with that object.
    """

    _on_device: jax.Array | None = None  # views and copies are plain again

    def __jax_array__(self) -> jax.Array:
        return jnp.asarray(np.asarray(self)) if self._on_device is None else self._on_device

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        values = [x.__jax_array__() if type(x) is WatchedArray else x for x in inputs]
        function = getattr(jnp, ufunc.__name__, None)
        if method == "__call__" and not kwargs and function is not None:
            return function(*[_plain(x) for x in values])
        plain = [np.asarray(x) if type(x) is WatchedArray else x for x in inputs]
        return getattr(ufunc, method)(*plain, **kwargs)

    def __getitem__(self, key: Any) -> Any:
        return self.__jax_array__()[key]

    def __iter__(self) -> Iterator[Any]:
        return iter(self.__jax_array__())


def _plain(value: Any) -> Any:
    return np.asarray(value) if isinstance(value, HostArray) else value


# JAX would take it for a NumPy array, and not know it again.
jax_private.reads_as(WatchedArray, WatchedArray.__jax_array__)


def watch(array: HostArray) -> jax.Array:
    """Makes a `HostArray` a watched one. Returns the JAX array that it stands for."""
    if type(array) is not WatchedArray or array._on_device is None:
        value = jnp.array(np.asarray(array))  # the host's memory may change
        array.__class__ = WatchedArray
        array._on_device = value
    return array._on_device
