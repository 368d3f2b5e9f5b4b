"""`FSDP`: weights and optimizer state cut over the devices that the rows are dealt out to."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from fkeras.distribution.data_parallel import mesh_for_rows
from fkeras.distribution.distribution import Distribution
from fkeras.distribution.layout import TensorLayout
from fkeras.distribution.stacks import of_share
from fkeras.errors import UserInputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import jax

    from fkeras.core.values.variable import Variable
    from fkeras.distribution.mesh import DeviceMesh


class FSDP(Distribution):
    """Fully sharded data parallelism: as `DataParallel`, and each device holds only its part of
    the weights and of what the optimizer keeps for them.

    A model `n` times larger fits on `n` devices. A layer's weights are gathered where it is
    computed, which costs communication: worth it where a model does not fit otherwise.

    Args:
        device_mesh: the devices; the first axis is used.
        devices: the devices as a list of names; None, where there is no mesh, for all.
        min_size: weights of fewer elements lie on each device: cutting them saves nothing.
        auto_shard_dataset: whether each of several processes takes its own share of a data set.

    Raises:
        UserInputError: no `DeviceMesh`, devices that are not there, a negative size.

    Examples:
        >>> import fkeras
        >>> with fkeras.distribution.FSDP(devices=["cpu:0"]).scope():
        ...     model = fkeras.Sequential([fkeras.Input((3,)), fkeras.layers.Dense(1)])
        ...     model.compile("adam", "mse")
    """

    def __init__(
        self,
        device_mesh: DeviceMesh | None = None,
        devices: Sequence[str | jax.Device] | None = None,
        min_size: int = 1024,
        auto_shard_dataset: bool = True,
    ) -> None:
        if min_size < 0:
            raise UserInputError(f"`min_size` must be at least 0. Received: {min_size}")
        mesh = mesh_for_rows(device_mesh, devices)
        super().__init__(mesh, mesh.axis_names[0], auto_shard_dataset)
        self.min_size = min_size

    @of_share
    def get_variable_layout(self, variable: Variable) -> TensorLayout:
        """The Variable's own layout, else its longest axis that divides evenly over the devices."""
        if variable.layout is None:
            axis = self._axis_to_cut(variable.shape)
            if axis is not None:
                axes: list[str | None] = [None] * len(variable.shape)
                axes[axis] = self.batch_dim_name
                return TensorLayout(axes, self.device_mesh)
        return super().get_variable_layout(variable)

    def _axis_to_cut(self, shape: tuple[int, ...]) -> int | None:
        if math.prod(shape) < self.min_size:
            return None
        parts = self.num_model_replicas
        even = [axis for axis, size in enumerate(shape) if size and size % parts == 0]
        return max(even, key=lambda axis: shape[axis], default=None)
