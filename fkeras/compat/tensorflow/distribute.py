"""`tf.distribute` on one host: a strategy is a `fkeras.distribution.DataParallel`.

TensorFlow runs a step once on each device, on that device's rows. Here there is one program for the
whole batch, which is cut by the compiler: `strategy.run` calls its function once, on all rows, and
inside there is one replica. So sums over a global batch size, means divided by the number of
replicas, and `strategy.reduce` give the numbers of the whole batch.
"""

from __future__ import annotations

import contextlib
import enum
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import jax

from fkeras import distribution, ops
from fkeras.core.scoped import Scoped
from fkeras.errors import UserInputError

# The strategies whose scopes are open on this thread, and whether a function of `run` is running.
_strategies: Scoped[tuple[Strategy, ...]] = Scoped(())
_is_running: Scoped[bool] = Scoped(False)


class ReduceOp(enum.Enum):
    """How `Strategy.reduce` brings values together."""

    SUM = "SUM"
    MEAN = "MEAN"


class InputContext:
    """What a function that makes a data set is told: it makes the batches of all devices.

    Attributes:
        num_input_pipelines, input_pipeline_id: it is the only one.
        num_replicas_in_sync: one, which is given the whole batch.
    """

    num_input_pipelines = 1
    input_pipeline_id = 0
    num_replicas_in_sync = 1

    def get_per_replica_batch_size(self, global_batch_size: int) -> int:
        """All of the batch."""
        return global_batch_size


class ReplicaContext:
    """What a function inside of `Strategy.run` sees: one replica that has the whole batch."""

    num_replicas_in_sync = 1
    replica_id_in_sync_group = 0

    def __init__(self, strategy: Strategy) -> None:
        self.strategy = strategy

    def all_reduce(self, reduce_op: Any, value: Any, options: Any = None) -> Any:
        """The value of all replicas: that of the one."""
        _reduce_op(reduce_op)
        return value

    def merge_call(
        self,
        merge_fn: Callable[..., Any],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        """Calls a function with the strategy and the values of all replicas."""
        return merge_fn(self.strategy, *args, **(kwargs or {}))


class Strategy:
    """What all strategies can do. This one, which counts where none was chosen, has one device.

    Attributes:
        data_parallel: the distribution that it stands for; None for one device.
        cluster_resolver: None: there is no cluster.
    """

    data_parallel: distribution.DataParallel | None = None
    cluster_resolver = None

    @property
    def num_replicas_in_sync(self) -> int:
        """How many devices a batch is dealt out to; 1 inside of `run`, which has all of it."""
        if self.data_parallel is None or _is_running.value:
            return 1
        return self.data_parallel.num_model_replicas

    @property
    def extended(self) -> Strategy:
        """The strategy itself."""
        return self

    @contextlib.contextmanager
    def scope(self) -> Iterator[Strategy]:
        """Context manager: models that are built or compiled inside are trained on its devices."""
        with contextlib.ExitStack() as opened:
            opened.enter_context(_strategies.pushed(self))
            if self.data_parallel is not None:
                opened.enter_context(self.data_parallel.scope())
            yield self

    def run(
        self,
        fn: Callable[..., Any],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
        options: Any = None,
    ) -> Any:
        """Calls a function once, on the whole batch."""
        with self.scope(), _is_running.inside(True):
            return fn(*args, **(kwargs or {}))

    def reduce(self, reduce_op: Any, value: Any, axis: int | None = None) -> Any:
        """The value of all replicas, which is that of the one; with an axis its sum or mean."""
        combine = ops.sum if _reduce_op(reduce_op) is ReduceOp.SUM else ops.mean
        return value if axis is None else jax.tree.map(lambda x: combine(x, axis=axis), value)

    def gather(self, value: Any, axis: int) -> Any:
        """The value of all replicas."""
        return value

    def experimental_local_results(self, value: Any) -> tuple[Any, ...]:
        """The values of the replicas as a tuple: there is one."""
        return (value,)

    def experimental_distribute_dataset(self, dataset: Any, options: Any = None) -> Any:
        """The data set itself: steps deal its batches out."""
        return dataset

    def distribute_datasets_from_function(
        self, dataset_fn: Callable[[InputContext], Any], options: Any = None
    ) -> Any:
        """The data set that a function makes for an `InputContext`."""
        return dataset_fn(InputContext())

    experimental_distribute_datasets_from_function = distribute_datasets_from_function

    def __repr__(self) -> str:
        return f"<{type(self).__name__} num_replicas_in_sync={self.num_replicas_in_sync}>"


class MirroredStrategy(Strategy):
    """Each device computes its rows of a batch on all of the weights, with the numbers of one.

    Args:
        devices: such as `["/gpu:0", "/gpu:1"]`; None for all of this host.
        cross_device_ops: has no effect: the compiler chooses.

    Raises:
        UserInputError: a device that is not there, or several hosts.
    """

    def __init__(
        self, devices: str | Sequence[Any] | None = None, cross_device_ops: Any = None
    ) -> None:
        if jax.process_count() > 1:
            raise UserInputError(
                "tf.distribute.MirroredStrategy is of one host, and this is one of "
                f"{jax.process_count()} processes: each would train a model of its own. Use "
                "`fkeras.distribution.set_distribution(fkeras.distribution.DataParallel())`."
            )
        if devices is None:
            chosen = jax.local_devices()
        else:
            chosen = [_device(name) for name in ([devices] if _is_one(devices) else devices)]
        self.data_parallel = distribution.DataParallel(devices=chosen)


class OneDeviceStrategy(Strategy):
    """Everything on one device.

    Args:
        device: such as `"/gpu:1"`.

    Raises:
        UserInputError: there is no such device.
    """

    def __init__(self, device: Any) -> None:
        self.data_parallel = distribution.DataParallel(devices=[_device(device)])


def _is_one(devices: Any) -> bool:
    return isinstance(devices, str) or hasattr(devices, "device_type")


def _device(name: Any) -> jax.Device:
    """The device of TensorFlow's name for it, or of what `tf.config` lists."""
    text = str(getattr(name, "name", name))
    kind, _, number = text.rpartition("/")[2].removeprefix("device:").partition(":")
    kind = kind.removeprefix("physical_device:").lower()
    if kind == "physical_device":  # /physical_device:GPU:0
        kind, _, number = number.lower().partition(":")
    number = number or "0"
    names = distribution.list_devices(kind)  # an error that says which kinds there are
    if not number.isdigit() or int(number) >= len(names):
        raise UserInputError(f"There is no device {text!r}. There are {names}.")
    return jax.devices(kind)[int(number)]


def _reduce_op(given: Any) -> ReduceOp:
    name = str(getattr(given, "value", given)).upper()
    if name not in ReduceOp.__members__:
        raise UserInputError(f"`reduce_op` must be 'SUM' or 'MEAN'. Received: {given!r}")
    return ReduceOp[name]


_DEFAULT = Strategy()


def get_strategy() -> Strategy:
    """The strategy whose scope is open here; else the one of a single device."""
    return _strategies.value[-1] if _strategies.value else _DEFAULT


def has_strategy() -> bool:
    """Whether the scope of a strategy is open here."""
    return bool(_strategies.value)


def in_cross_replica_context() -> bool:
    """Whether the scope of a strategy is open here, outside of its `run`."""
    return has_strategy() and not _is_running.value


def get_replica_context() -> ReplicaContext | None:
    """The one replica, inside of `run` or without a strategy; None elsewhere."""
    return None if in_cross_replica_context() else ReplicaContext(get_strategy())


class _NoChoice:
    """Stands for a way of reducing over devices: the compiler chooses it."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        pass


class _NoTpus:
    """Scripts ask for TPUs so, and take a ValueError for that there are none."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        where = (
            "`fkeras.distribution.DataParallel()` takes all TPU devices as they are: no resolver."
        )
        if jax.default_backend() == "tpu":
            raise RuntimeError(f"tf.distribute.cluster_resolver.TPUClusterResolver: {where}")
        raise UserInputError(f"There are no TPUs here. {where}")

    @classmethod
    def connect(cls, *args: Any, **kwargs: Any) -> _NoTpus:
        """The other way to ask."""
        return cls()


_ALL_DEVICES = (
    "Use `fkeras.distribution.set_distribution(fkeras.distribution.DataParallel())`, which takes "
    "all devices that JAX shows"
)
_MANY_HOSTS = (
    "Call `fkeras.distribution.initialize()` in each process, then "
    "`fkeras.distribution.set_distribution(fkeras.distribution.DataParallel())`."
)

NAMES = {
    "HierarchicalCopyAllReduce": _NoChoice,
    "InputContext": InputContext,
    "MirroredStrategy": MirroredStrategy,
    "NcclAllReduce": _NoChoice,
    "OneDeviceStrategy": OneDeviceStrategy,
    "ReduceOp": ReduceOp,
    "ReductionToOneDevice": _NoChoice,
    "ReplicaContext": ReplicaContext,
    "Strategy": Strategy,
    "get_replica_context": get_replica_context,
    "get_strategy": get_strategy,
    "has_strategy": has_strategy,
    "in_cross_replica_context": in_cross_replica_context,
}
CLUSTER_RESOLVER = {"TPUClusterResolver": _NoTpus}
INSTEAD = {
    "distribute.MultiWorkerMirroredStrategy": _MANY_HOSTS,
    "distribute.ParameterServerStrategy": f"Weights lie on the devices themselves. {_MANY_HOSTS}",
    "distribute.TPUStrategy": f"{_ALL_DEVICES}, TPUs too.",
    "distribute.experimental": f"{_ALL_DEVICES}; or `fkeras.distribution.FSDP()`.",
    "distribute.coordinator": _MANY_HOSTS,
    "distribute.DistributedValues": "Values are JAX arrays, laid out over all devices.",
}
