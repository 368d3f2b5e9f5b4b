"""Threads for the devices that a CPU pretends to have.

XLA runs all of them on one pool with a thread for each core. A collective keeps its thread until
the other devices have come, too: where all threads wait, these never get one, and the program waits
for ever (seen with as many threads as devices, too; not with twice as many). XLA takes the size of
the pool from `PJRT_NPROC` when JAX first looks for devices.
"""

from __future__ import annotations

import os
import re

import jax

from fkeras.core import jax_private
from fkeras.core.warn_once import warn_user

_THREADS_A_DEVICE = 4  # one that waits in a collective, and what else runs at the time
_warned_of: set[int] = set()


def give_threads() -> None:
    """Makes the pool large enough for the virtual devices asked for, or warns that it is too late.

    Nothing happens where there are cores enough, or where the user has set the size.
    """
    wanted = _count()
    threads = _THREADS_A_DEVICE * wanted
    is_enough = wanted == 1 or threads <= _cores()
    if is_enough or "PJRT_NPROC" in os.environ or "NPROC" in os.environ:
        return
    if not jax_private.has_found_devices():
        os.environ["PJRT_NPROC"] = str(threads)
    elif wanted not in _warned_of and jax.default_backend() == "cpu":
        _warned_of.add(wanted)
        warn_user(
            f"This CPU pretends to have {wanted} devices, with {_cores()} cores and a thread each: "
            "programs whose devices talk to each other may wait for ever. Set the environment "
            f"variable PJRT_NPROC={threads} beside XLA_FLAGS, or name a distribution "
            "(`fkeras.distribution`) before anything else uses JAX."
        )


def _count() -> int:
    """How many devices the CPU shall show; 1 where nothing was said."""
    asked = re.findall(
        r"--xla_force_host_platform_device_count=(\d+)", os.environ.get("XLA_FLAGS", "")
    )
    return max(int(asked[-1]) if asked else 1, jax.config.jax_num_cpu_devices)


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
