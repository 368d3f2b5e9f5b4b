"""Devices by name, as Keras spells them: `"cpu:0"`, `"gpu:1"`, `"tpu:3"`."""

from __future__ import annotations

import jax

from fkeras.core import virtual_devices
from fkeras.errors import UserInputError


def list_devices(device_type: str | None = None) -> list[str]:
    """The names of all devices of one type, on all hosts.

    Args:
        device_type: `"cpu"`, `"gpu"` or `"tpu"`; None for the fastest there is.

    Returns:
        Names such as `"gpu:1"`: what `DataParallel(devices=)` and `DeviceMesh` take.

    Raises:
        UserInputError: there is no such device.

    Examples:
        >>> import fkeras
        >>> fkeras.distribution.list_devices("cpu")[0]
        'cpu:0'
    """
    return [f"{device.platform}:{device.id}" for device in _devices(device_type)]


def get_device_count(device_type: str | None = None) -> int:
    """How many devices of one type there are, on all hosts.

    Args:
        device_type: as in `list_devices`.

    Examples:
        >>> import fkeras
        >>> fkeras.distribution.get_device_count("cpu") >= 1
        True
    """
    return len(_devices(device_type))


def device_named(name: str | jax.Device) -> jax.Device:
    """The JAX device of a name; `"gpu"` alone is the first.

    Raises:
        UserInputError: there is none of that name; those that are there are listed.
    """
    if isinstance(name, jax.Device):
        return name
    platform, _, number = str(name).lower().partition(":")
    devices = _devices(platform)
    for device in devices:
        if str(device.id) == (number or "0"):
            return device
    raise UserInputError(
        f"Device not found: {name!r}. There are {[f'{d.platform}:{d.id}' for d in devices]}."
    )


def _devices(device_type: str | None) -> list[jax.Device]:
    if device_type is not None and not isinstance(device_type, str):
        raise UserInputError(
            "Argument `device_type` must be 'cpu', 'gpu', 'tpu' or None. Received: "
            f"{device_type!r} (of type {type(device_type).__name__})"
        )
    virtual_devices.warn_of_missing_threads()
    try:
        return jax.devices(device_type.lower() if device_type else None)
    except RuntimeError as error:
        raise UserInputError(
            f"There are no devices of type {device_type!r}. This process has "
            f"{[f'{d.platform}:{d.id}' for d in jax.devices()]}."
        ) from error
