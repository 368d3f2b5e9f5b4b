"""`tf.config`, `tf.test` and `tf.device`: what devices there are. JAX chooses among them, and takes
memory, by itself: most settings do nothing.
"""

from __future__ import annotations

import dataclasses
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from fkeras.compat.tensorflow.notes import Inert, without_effect

_BY_JAX = (
    "JAX chooses devices and memory by itself. To hide devices, set JAX_PLATFORMS=cpu or "
    "CUDA_VISIBLE_DEVICES in the environment; XLA_PYTHON_CLIENT_PREALLOCATE=false makes it take "
    "memory as it is needed."
)
_EAGER = "steps are always compiled. `compile(run_eagerly=True)` is the way to look inside one."


@dataclasses.dataclass(frozen=True)
class PhysicalDevice:
    """What `tf.config.list_physical_devices` lists.

    Attributes:
        name: such as '/physical_device:GPU:0'.
        device_type: 'CPU', 'GPU' or 'TPU'.
    """

    name: str
    device_type: str


@dataclasses.dataclass(frozen=True)
class LogicalDevice:
    """What `tf.config.list_logical_devices` lists.

    Attributes:
        name: such as '/device:GPU:0'.
        device_type: 'CPU', 'GPU' or 'TPU'.
    """

    name: str
    device_type: str


def _devices(device_type: str | None) -> list[tuple[str, int]]:
    """(type, number) of this process's devices; the CPU comes first."""
    import jax

    devices = {"CPU": jax.local_devices(backend="cpu")}
    accelerator = jax.default_backend().upper()
    if accelerator != "CPU":
        devices[accelerator] = jax.local_devices()
    kinds = devices if device_type is None else [device_type]
    return [(kind, i) for kind in kinds for i in range(len(devices.get(kind, ())))]


def list_physical_devices(device_type: str | None = None) -> list[PhysicalDevice]:
    """This process's devices of one type, or of all for None; the CPU comes first."""
    return [
        PhysicalDevice(f"/physical_device:{kind}:{i}", kind) for kind, i in _devices(device_type)
    ]


def list_logical_devices(device_type: str | None = None) -> list[LogicalDevice]:
    """The same devices under their other names."""
    return [LogicalDevice(f"/device:{kind}:{i}", kind) for kind, i in _devices(device_type)]


def get_memory_info(device: str) -> dict[str, int]:
    """{'current': bytes in use, 'peak': the most so far} of a device such as 'GPU:0'; of a CPU
    zeros, since JAX does not count there.
    """
    import jax

    kind, _, number = device.rpartition("/")[2].removeprefix("device:").partition(":")
    found = jax.local_devices(backend=kind.lower())[int(number or 0)].memory_stats() or {}
    return {
        "current": found.get("bytes_in_use", 0),
        "peak": found.get("peak_bytes_in_use", 0),
    }


def is_gpu_available(cuda_only: bool = False, min_cuda_compute_capability: Any = None) -> bool:
    """Whether there is a GPU."""
    return bool(_devices("GPU"))


def gpu_device_name() -> str:
    """'/device:GPU:0', or '' where there is no GPU."""
    return "/device:GPU:0" if _devices("GPU") else ""


def device(device_name: Any) -> AbstractContextManager[None]:
    """Context manager without effect: arrays lie where JAX puts them."""
    return nullcontext()


def _silent(prefix: str, names: str, result: Any = None) -> dict[str, Any]:
    return {name: without_effect(f"{prefix}.{name}", result=result) for name in names.split()}


_TOLD = {
    name: without_effect(f"tf.config.{name}", _BY_JAX)
    for name in (
        "set_logical_device_configuration set_memory_growth set_virtual_device_configuration "
        "set_visible_devices"
    ).split()
}
_SETTINGS = _silent(
    "tf.config",
    "enable_op_determinism enable_tensor_float_32_execution set_device_policy "
    "set_soft_device_placement set_synchronous_execution",
)

EXPERIMENTAL: dict[str, Any] = {
    **_TOLD,
    **_SETTINGS,
    "VirtualDeviceConfiguration": Inert,
    "get_memory_info": get_memory_info,
    "get_memory_growth": without_effect("get_memory_growth", result=True),
    "get_visible_devices": list_physical_devices,
    "list_logical_devices": list_logical_devices,
    "list_physical_devices": list_physical_devices,
    "reset_memory_stats": without_effect("reset_memory_stats"),
}
NAMES: dict[str, Any] = {
    **_TOLD,
    **_SETTINGS,
    "LogicalDevice": LogicalDevice,
    "LogicalDeviceConfiguration": Inert,
    "PhysicalDevice": PhysicalDevice,
    "experimental_run_functions_eagerly": without_effect("run_functions_eagerly", _EAGER),
    "functions_run_eagerly": lambda: False,
    "get_logical_device_configuration": without_effect("get_logical_device_configuration"),
    "get_soft_device_placement": lambda: True,
    "get_visible_devices": list_physical_devices,
    "list_logical_devices": list_logical_devices,
    "list_physical_devices": list_physical_devices,
    "run_functions_eagerly": without_effect("tf.config.run_functions_eagerly", _EAGER),
}
OPTIMIZER = _silent("tf.config.optimizer", "set_experimental_options set_jit")
OPTIMIZER.update(get_jit=lambda: "", get_experimental_options=dict)
THREADING = {
    **_silent(
        "tf.config.threading", "set_inter_op_parallelism_threads set_intra_op_parallelism_threads"
    ),
    **_silent(
        "tf.config.threading",
        "get_inter_op_parallelism_threads get_intra_op_parallelism_threads",
        result=0,
    ),
}
TEST: dict[str, Any] = {
    "gpu_device_name": gpu_device_name,
    "is_built_with_cuda": is_gpu_available,
    "is_built_with_gpu_support": is_gpu_available,
    "is_gpu_available": is_gpu_available,
}
