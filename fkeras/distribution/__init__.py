"""From one device to many: how weights and batches lie on the devices of one host or many."""

from typing import TYPE_CHECKING

from fkeras.core import namespaces
from fkeras.distribution.auto_shard import AutoShard as AutoShard
from fkeras.distribution.cluster import initialize as initialize
from fkeras.distribution.data_parallel import DataParallel as DataParallel
from fkeras.distribution.data_parallel import as_distribution as as_distribution
from fkeras.distribution.devices import get_device_count as get_device_count
from fkeras.distribution.devices import list_devices as list_devices
from fkeras.distribution.distribution import Distribution as Distribution
from fkeras.distribution.distribution import distribution as distribution
from fkeras.distribution.distribution import set_distribution as set_distribution
from fkeras.distribution.fully_sharded import FSDP as FSDP
from fkeras.distribution.layout import LayoutMap as LayoutMap
from fkeras.distribution.layout import TensorLayout as TensorLayout
from fkeras.distribution.layout import distribute_tensor as distribute_tensor
from fkeras.distribution.mesh import DeviceMesh as DeviceMesh
from fkeras.distribution.model_parallel import ModelParallel as ModelParallel
from fkeras.distribution.tensor_parallel import tensor_parallel as tensor_parallel

if not TYPE_CHECKING:  # a checker must see that other names do not exist
    __getattr__, __dir__ = namespaces.of(__name__)
