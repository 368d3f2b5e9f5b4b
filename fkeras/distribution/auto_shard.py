"""`AutoShard`: the simplest way to lay a model out that its devices have memory for."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import jax
import numpy as np

from fkeras.core.values.variable_info import info_of
from fkeras.distribution.data_parallel import DataParallel
from fkeras.distribution.fully_sharded import FSDP
from fkeras.distribution.layout import TensorLayout
from fkeras.distribution.stacks import of_share
from fkeras.errors import UserInputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from flax import nnx

    from fkeras.core.values.variable import Variable
    from fkeras.distribution.distribution import Distribution
    from fkeras.distribution.mesh import DeviceMesh

# The rest of a device's memory is for activations and the programs themselves.
_SHARE = 0.5
_DEFAULT_MEMORY = 8 << 30  # where a device does not tell, as CPUs do not


class AutoShard(FSDP):
    """Data parallelism, with the weights whole on each device where that fits, else cut (`FSDP`).

    The choice is made when the model is trained for the first time, and printed with its reasons.

    Args:
        device_mesh, devices: as for `DataParallel`.
        memory: bytes that each device has; None to ask the devices (8 GiB where they do not tell).
        slots: values that the optimizer keeps for each weight: 2 for Adam, 1 for SGD with momentum.
        verbose: whether the plan is printed.

    Attributes:
        plan: `"replicate"` or `"fsdp"`; None before a model was seen.

    Raises:
        UserInputError: no `DeviceMesh`, devices that are not there, or, at the first step, a model
            that does not even fit in parts.

    Examples:
        >>> import fkeras, numpy as np
        >>> auto = fkeras.distribution.AutoShard(devices=["cpu:0"], memory=1 << 30, verbose=False)
        >>> with auto.scope():
        ...     model = fkeras.Sequential([fkeras.Input((3,)), fkeras.layers.Dense(1)])
        ...     model.compile("adam", "mse")
        ...     history = model.fit(np.ones((8, 3)), np.ones((8, 1)), verbose=0)
        >>> auto.plan
        'replicate'
    """

    def __init__(
        self,
        device_mesh: DeviceMesh | None = None,
        devices: Sequence[str | jax.Device] | None = None,
        memory: int | None = None,
        slots: int = 2,
        verbose: bool = True,
    ) -> None:
        super().__init__(device_mesh, devices)
        self._memory = memory
        self._slots = slots
        self._verbose = verbose
        self.plan: str | None = None
        self._told: str | None = None  # the reasons that were printed last

    @of_share
    def get_variable_layout(self, variable: Variable) -> TensorLayout:
        """As `FSDP` where the plan says so, else all of it on each device."""
        of: type[Distribution] = FSDP if self.plan == "fsdp" else DataParallel
        return of.get_variable_layout(self, variable)

    def adopt(self, variables: Sequence[nnx.Variable], layer_paths: Sequence[str]) -> None:
        """Chooses the plan by the sizes of a model's weights.

        Raises:
            UserInputError: they do not fit, whole or in parts.
        """
        self.plan = "fsdp"  # what would be cut is asked under this plan
        whole = cut = 0
        for variable in variables:
            dtype = getattr(info_of(variable), "dtype", None) or variable.value.dtype  # not drawn
            size = math.prod(variable.shape) * np.dtype(dtype).itemsize
            is_cut = not self.variable_sharding(variable).is_fully_replicated
            whole += size
            cut += size // self.num_model_replicas if is_cut else size
        # The weight itself, its gradient, and what the optimizer keeps.
        factor = 2 + self._slots
        memory = self._memory_of_a_device()
        room = int(memory * _SHARE)
        self.plan = "replicate" if whole * factor <= room else "fsdp"
        reasons = (
            f"weights {_shown(whole)}, with gradients and {self._slots} slots "
            f"{_shown(whole * factor)} whole and {_shown(cut * factor)} in parts, on "
            f"{self.num_model_replicas} devices with room for {_shown(room)} each (half of "
            f"{_shown(memory)})"
        )
        if self.plan == "fsdp" and cut * factor > room:
            raise UserInputError(
                f"AutoShard: the model does not fit: {reasons}. Use more devices, an optimizer "
                "that keeps less, or `ModelParallel` with rules of your own."
            )
        if self._verbose and reasons != self._told and jax.process_index() == 0:
            print(f"AutoShard: {self.plan}: {reasons}.", flush=True)  # noqa: T201
        self._told = reasons

    def _memory_of_a_device(self) -> int:
        if self._memory is not None:
            return self._memory
        stats = jax.local_devices()[0].memory_stats() or {}
        return stats.get("bytes_limit", _DEFAULT_MEMORY)


def _shown(size: int) -> str:
    for unit in ("B", "KiB", "MiB", "GiB"):
        if size < 1024 or unit == "GiB":
            break
        size /= 1024
    return f"{size:.3g} {unit}"
