"""`DataParallel`: all of the model on each device, rows of batches dealt out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import jax
import numpy as np

from fkeras.core import placement
from fkeras.core.warn_once import warn_user
from fkeras.distribution import devices as device_names
from fkeras.distribution.distribution import Distribution
from fkeras.distribution.mesh import DeviceMesh
from fkeras.errors import UserInputError

if TYPE_CHECKING:
    from collections.abc import Sequence

BATCH_AXIS = "batch"
_STRATEGIES = ("jit", "pmap")


class DataParallel(Distribution):
    """Data parallelism: each device computes its rows of a batch on all of the weights.

    One script line makes a program of one device a program of all of them, with the same numbers:
    statistics of a batch, gradients, metrics and random numbers are those of the whole batch.

    Args:
        device_mesh: the devices; rows go along its first axis.
        devices: the devices as a list of names; None, where there is no mesh, for all.
        auto_shard_dataset: whether each of several processes takes its own share of a data set.
        strategy: `"jit"`: one program for the whole batch, cut by the compiler. `"pmap"`: each
            device runs the training step on its rows, and gradients and metrics meet; for models
            whose rows do not meet, with losses that are means over rows. Others are refused.
            Random numbers are drawn by each device.

    Raises:
        UserInputError: no `DeviceMesh`, or devices that are not there.

    Examples:
        >>> import fkeras, numpy as np
        >>> with fkeras.distribution.DataParallel(devices=["cpu:0"]).scope():
        ...     model = fkeras.Sequential([fkeras.Input((3,)), fkeras.layers.Dense(1)])
        ...     model.compile("sgd", "mse")
        >>> history = model.fit(np.ones((8, 3)), np.ones((8, 1)), verbose=0)
    """

    def __init__(
        self,
        device_mesh: DeviceMesh | None = None,
        devices: Sequence[str | jax.Device] | None = None,
        auto_shard_dataset: bool = True,
        strategy: str = "jit",
    ) -> None:
        if strategy not in _STRATEGIES:
            raise UserInputError(f"`strategy` must be one of {_STRATEGIES}. Received: {strategy!r}")
        mesh = mesh_for_rows(device_mesh, devices)
        super().__init__(mesh, mesh.axis_names[0], auto_shard_dataset)
        self.is_mapped = strategy == "pmap"


def as_distribution(given: Any) -> Distribution:
    """A distribution from one, from a mesh, or (None) the one that counts here.

    Raises:
        UserInputError: something else, or none counts.
    """
    if given is None:
        given = placement.current()
    if isinstance(given, jax.sharding.Mesh):
        given = DeviceMesh.from_jax(given)
    if isinstance(given, DeviceMesh):
        return DataParallel(given)
    if not isinstance(given, Distribution):
        raise UserInputError(
            "Expected a `jax.sharding.Mesh`, a `DeviceMesh` or a `Distribution`, or None where "
            f"`set_distribution` was called. Received: {given!r} (of type {type(given).__name__})"
        )
    return given


def mesh_for_rows(
    device_mesh: DeviceMesh | None, devices: Sequence[str | jax.Device] | None
) -> DeviceMesh:
    """The mesh that rows are dealt out over: the one given, or a line of devices.

    Raises:
        UserInputError: something else than a mesh.
    """
    if device_mesh is None:
        names = np.array(device_names.list_devices() if devices is None else devices)
        return DeviceMesh(names.shape, [BATCH_AXIS], names)
    if not isinstance(device_mesh, DeviceMesh):
        raise UserInputError(
            f"Expect `mesh` to be an instance of `DeviceMesh`. Received: mesh={device_mesh} (of "
            f"type {type(device_mesh)}). A list of devices goes by `devices=`."
        )
    if device_mesh.devices.ndim != 1:
        warn_user(
            "Expect the input mesh to be 1D, but received mesh.devices.ndim="
            f"{device_mesh.devices.ndim}. The first axis will be used for data-parallel sharding."
        )
    return device_mesh
