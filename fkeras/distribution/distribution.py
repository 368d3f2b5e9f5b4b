"""`Distribution`: how weights and batches lie on many devices, and which one counts."""

from __future__ import annotations

import contextlib
import functools
from typing import TYPE_CHECKING, Any

import jax
from jax.sharding import NamedSharding, PartitionSpec, Sharding

from fkeras.core import placement
from fkeras.core.values import stacking
from fkeras.core.values.variable import Variable
from fkeras.core.values.variable_info import info_of
from fkeras.distribution.layout import TensorLayout
from fkeras.distribution.stacks import of_share
from fkeras.errors import UserInputError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from flax import nnx

    from fkeras.distribution.mesh import DeviceMesh
    from fkeras.types import Shape


class Distribution:
    """The base of all distributions.

    Args:
        device_mesh: the devices.
        batch_dim_name: the mesh axis along which the rows of a batch are dealt out; None for the
            first.
        auto_shard_dataset: whether each of several processes takes its own share of a data set.
    """

    def __init__(
        self,
        device_mesh: DeviceMesh,
        batch_dim_name: str | None = None,
        auto_shard_dataset: bool = True,
    ) -> None:
        self._device_mesh = device_mesh
        self._batch_dim_name = batch_dim_name
        self._auto_shard_dataset = auto_shard_dataset
        self._num_processes = jax.process_count()
        self._process_id = jax.process_index()
        self._is_multi_process = self._num_processes > 1

    # -- what users ask --------------------------------------------------------

    @property
    def device_mesh(self) -> DeviceMesh:
        """The devices."""
        return self._device_mesh

    @property
    def batch_dim_name(self) -> str | None:
        """The mesh axis along which the rows of a batch are dealt out."""
        return self._batch_dim_name

    @property
    def auto_shard_dataset(self) -> bool:
        """Whether each of several processes takes its own share of a data set."""
        return self._auto_shard_dataset

    @auto_shard_dataset.setter
    def auto_shard_dataset(self, value: bool) -> None:
        self._auto_shard_dataset = value

    @property
    def num_processes(self) -> int:
        """How many processes take part."""
        return self._num_processes

    @property
    def num_model_replicas(self) -> int:
        """How many parts a batch is dealt out to."""
        return self.device_mesh.axis_size(self.batch_axis)

    @property
    def num_data_shards(self) -> int:
        """How many parts a data set is cut into, one for each process that reads its own."""
        return min(self.num_model_replicas, self.num_processes)

    @property
    def data_shard_id(self) -> int:
        """Which of these parts this process reads."""
        replicas = self.num_model_replicas
        if replicas >= self.num_processes:
            return self._process_id
        return self._process_id // (self.num_processes // replicas)

    def get_data_layout(self, data_shape: Shape) -> TensorLayout:
        """The layout of a batch: its rows over the batch axis.

        Args:
            data_shape: of the batch, its rows first.
        """
        axes: list[str | None] = [None] * len(data_shape)
        if axes:
            axes[0] = self.batch_axis
        return TensorLayout(axes, self.device_mesh)

    @of_share
    def get_variable_layout(self, variable: Variable) -> TensorLayout:
        """The layout of a Variable: its own, where it has one, else all of it on each device.

        Where blocks repeat (`layers.Repeat`), layouts are of one block's weight: the first axis of
        what is trained, which counts blocks, is never cut.
        """
        return variable.layout or TensorLayout([None] * len(variable.shape), self.device_mesh)

    def get_tensor_layout(self, path: str) -> TensorLayout | None:
        """The layout of the outputs of a layer; None for wherever the compiler puts them.

        Args:
            path: of the layer, with `/output` behind it.
        """
        return None

    @contextlib.contextmanager
    def scope(self) -> Iterator[None]:
        """Context manager: inside, on this thread, this distribution counts."""
        with placement.using(self):
            yield

    def distribute_dataset(self, dataset: Any) -> Any:
        """The data set for this process: `fit` cuts batches itself, so it is the same one."""
        return dataset

    distribute_tf_dataset = distribute_dataset

    def __repr__(self) -> str:
        return f"<{type(self).__name__} device_mesh={self.device_mesh}>"

    # -- what the loop asks (`core.placement.Distribution`) ----------------------

    is_mapped = False

    @property
    def batch_axis(self) -> str:
        """The mesh axis along which the rows of a batch are dealt out."""
        return self._batch_dim_name or self.device_mesh.axis_names[0]

    @functools.cached_property
    def replicated(self) -> NamedSharding:
        """All of an array on each device."""
        return NamedSharding(self.device_mesh.backend_mesh, PartitionSpec())

    @functools.cached_property
    def _rows_dealt_out(self) -> NamedSharding:
        return NamedSharding(self.device_mesh.backend_mesh, PartitionSpec(self.batch_axis))

    def adopt(self, variables: Sequence[nnx.Variable], layer_paths: Sequence[str]) -> None:
        """Is told of a model's Variables and layers before its first compiled step."""

    def variable_sharding(self, variable: nnx.Variable) -> Sharding:
        """Where the value of a Variable lies.

        Raises:
            UserInputError: the layout does not fit its shape.
        """
        if info_of(variable).kind != "weight" or not isinstance(variable, Variable):
            return self.replicated  # states of generators, metrics, what foreign modules hold
        depth = len(info_of(variable).blocks)
        share = stacking.block_value(variable, (0,) * depth)  # layouts are of single blocks
        layout = self.get_variable_layout(share)
        if not isinstance(layout, TensorLayout):
            return placement.behind_blocks(layout, depth)  # one of JAX's own
        if all(axis is None for axis in layout.axes):
            return self.replicated
        layout.check_fit(share.shape, f"variable '{variable.path}'")
        return placement.behind_blocks(layout.backend_layout, depth)

    def batch_sharding(self, shape: Shape) -> Sharding:
        """Where a batch of this shape is computed."""
        if type(self).get_data_layout is Distribution.get_data_layout:
            return self._rows_dealt_out
        return self.get_data_layout(shape).backend_layout

    def tensor_sharding(self, path: str) -> Sharding | None:
        """Where the outputs of the layer at a path lie."""
        layout = self.get_tensor_layout(path)
        return layout.backend_layout if isinstance(layout, TensorLayout) else layout


def distribution() -> Distribution | None:
    """The distribution that counts here, or None.

    Examples:
        >>> import fkeras
        >>> with fkeras.distribution.DataParallel(devices=["cpu:0"]).scope():
        ...     fkeras.distribution.distribution().num_model_replicas
        1
        >>> fkeras.distribution.distribution() is None
        True
    """
    return placement.current()


def set_distribution(value: Distribution | None) -> None:
    """Makes a distribution count in this process, for models that are built or trained from now on.

    Args:
        value: a `Distribution`; None for none.

    Raises:
        UserInputError: something else.

    Examples:
        >>> import fkeras
        >>> one = fkeras.distribution.DataParallel(devices=["cpu:0"])
        >>> fkeras.distribution.set_distribution(one)
        >>> fkeras.distribution.distribution()
        <DataParallel device_mesh=<DeviceMesh shape=(1,), axis_names=['batch']>>
        >>> fkeras.distribution.set_distribution(None)
    """
    if value is not None and not isinstance(value, Distribution):
        raise UserInputError(
            "`set_distribution` takes a Distribution, such as `DataParallel()`, or None. "
            f"Received: {value!r} (of type {type(value).__name__})"
        )
    placement.set_current(value)
