"""`DeviceMesh`: devices in rows and columns, each axis with a name."""

from __future__ import annotations

import functools
import math
from typing import TYPE_CHECKING

import jax
import numpy as np
from jax.sharding import AxisType

from fkeras.distribution import devices as device_names
from fkeras.errors import UserInputError

if TYPE_CHECKING:
    from collections.abc import Sequence


class DeviceMesh:
    """Devices as an array with named axes, over which data and weights are dealt out.

    Args:
        shape: devices along each axis, such as `(4, 2)`.
        axis_names: one name an axis, such as `["batch", "model"]`.
        devices: names (`"gpu:0"`) or JAX devices, as many as the shape holds; None for all.

    Raises:
        UserInputError: shape, names and devices do not fit each other, or there are not so many
            devices.

    Examples:
        >>> import fkeras
        >>> fkeras.distribution.DeviceMesh((1,), ["batch"], ["cpu:0"])
        <DeviceMesh shape=(1,), axis_names=['batch']>
    """

    def __init__(
        self,
        shape: Sequence[int],
        axis_names: Sequence[str],
        devices: Sequence[str | jax.Device] | np.ndarray | None = None,
    ) -> None:
        if not shape or not axis_names:
            raise UserInputError(
                "Shape and axis_names cannot be empty. Received: "
                f"shape={shape}, axis_names={axis_names}"
            )
        if len(shape) != len(axis_names):
            raise UserInputError(
                "Shape and axis_names should have same size: one name an axis. Received: "
                f"shape={shape}, axis_names={axis_names}"
            )
        devices = np.array(device_names.list_devices() if devices is None else devices)
        if math.prod(shape) != devices.size:
            raise UserInputError(
                f"Shape does not match the number of devices. Received: shape={shape}, which "
                f"holds {math.prod(shape)}; devices.shape={devices.shape}. Pass other devices, or "
                "emulate more on a CPU with XLA_FLAGS=--xla_force_host_platform_device_count=8."
            )
        self._shape = shape
        self._axis_names = axis_names
        self._devices = devices.reshape(shape)

    @classmethod
    def from_jax(cls, mesh: jax.sharding.Mesh) -> DeviceMesh:
        """The same as a JAX mesh, whose kind of axes is kept."""
        device_mesh = cls(mesh.devices.shape, list(mesh.axis_names), mesh.devices)
        device_mesh.__dict__["backend_mesh"] = mesh  # in the place of the one that would be made
        return device_mesh

    @property
    def shape(self) -> Sequence[int]:
        """Devices along each axis."""
        return self._shape

    @property
    def axis_names(self) -> Sequence[str]:
        """The names of the axes."""
        return self._axis_names

    @property
    def devices(self) -> np.ndarray:
        """The devices, an array of the mesh's shape."""
        return self._devices

    @functools.cached_property
    def backend_mesh(self) -> jax.sharding.Mesh:
        """The same as a `jax.sharding.Mesh`, whose axes the compiler lays out."""
        devices = [device_names.device_named(name) for name in self._devices.flat]
        return jax.sharding.Mesh(
            np.array(devices, object).reshape(self._devices.shape),
            tuple(self._axis_names),
            axis_types=(AxisType.Auto,) * len(self._axis_names),
        )

    def axis_size(self, name: str) -> int:
        """Devices along the axis of a name."""
        return self._shape[list(self._axis_names).index(name)]

    def __repr__(self) -> str:
        return f"<DeviceMesh shape={self.shape}, axis_names={self.axis_names}>"
