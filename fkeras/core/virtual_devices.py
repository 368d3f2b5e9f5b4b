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
    """Makes the pool large enough for the virtual devices asked for, unless JAX has found them
    already, there are cores enough, or the user has set the size.
    """
    threads = _threads_missing()
    if threads and not jax_private.has_found_devices():
        os.environ["PJRT_NPROC"] = str(threads)


def warn_of_missing_threads() -> None:
    """Warns once where it is too late for `give_threads`."""
    threads = _threads_missing()
    if threads and threads not in _warned_of and jax.default_backend() == "cpu":
        _warned_of.add(threads)
        warn_user(
            f"This CPU pretends to have {_count()} devices, with a thread for each of {_cores()} "
            "cores: programs whose devices talk to each other may wait for ever. Set the "
            f"environment variable PJRT_NPROC={threads} beside XLA_FLAGS, or load a part of fkeras "
            "(`from fkeras import layers`) before JAX looks for devices."
        )


def _threads_missing() -> int:
    """How many threads the pool should have; 0 where it has enough, or the user has chosen."""
    wanted = _count()
    threads = _THREADS_A_DEVICE * wanted
    is_enough = wanted == 1 or threads <= _cores()
    is_chosen = "PJRT_NPROC" in os.environ or "NPROC" in os.environ
    return 0 if is_enough or is_chosen else threads


def _count() -> int:
    """How many devices the CPU shall show; 1 where nothing was said."""
    flags = os.environ.get("XLA_FLAGS", "")
    asked = re.findall(r"--xla_force_host_platform_device_count=(\d+)", flags)
    return max(int(asked[-1]) if asked else 1, jax.config.jax_num_cpu_devices)


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
