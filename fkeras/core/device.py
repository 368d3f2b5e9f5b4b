"""`device`: where arrays are made."""

from __future__ import annotations

from typing import TYPE_CHECKING

import jax

from fkeras.errors import UserInputError

if TYPE_CHECKING:
    from contextlib import AbstractContextManager


def device(device_name: str | jax.Device) -> AbstractContextManager[object]:
    """Context manager: arrays and variables made inside live on one device.

    Args:
        device_name: `'cpu'`, `'gpu:0'`, `'tpu:1'` ... (the index among this process's devices, 0 by
            default), or a `jax.Device`.

    Raises:
        UserInputError: there is no such device here.

    Examples:
        >>> import fkeras
        >>> with fkeras.device("cpu:0"):
        ...     x = fkeras.ops.ones((2,))
        >>> x.device.platform
        'cpu'
    """
    return jax.default_device(_find_device(device_name))


def _find_device(name: str | jax.Device) -> jax.Device:
    if isinstance(name, jax.Device):
        return name
    if not isinstance(name, str):
        raise UserInputError(
            "Invalid value for argument `device_name`. Expected a string like 'gpu:0' or a "
            f"`jax.Device` instance. Received: device_name={name!r}"
        )
    kind, _, index = name.lower().partition(":")
    try:
        # JAX calls the platform of NVIDIA's cards "gpu" too; scripts say "cuda".
        devices = jax.local_devices(backend="gpu" if kind == "cuda" else kind)
        return devices[int(index or 0)]
    except (RuntimeError, ValueError, IndexError):
        # The host is always there, whatever else JAX computes on.
        available = ["cpu:0", *(f"{d.platform}:{i}" for i, d in enumerate(jax.local_devices()))]
        raise UserInputError(
            f"device: there is no {name!r} in this process. There are: "
            f"{', '.join(dict.fromkeys(available))}."
        ) from None
