"""Joining the processes of a cluster: one call at the top of each process's script."""

from __future__ import annotations

import os

import jax
import numpy as np

from fkeras.core.randomness import process_generator
from fkeras.errors import UserInputError

_VARIABLES = "KERAS_DISTRIBUTION_JOB_ADDRESSES", "KERAS_DISTRIBUTION_NUM_PROCESSES"
_PROCESS_ID = "KERAS_DISTRIBUTION_PROCESS_ID"


def initialize(
    job_addresses: str | None = None,
    num_processes: int | None = None,
    process_id: int | None = None,
    heartbeat_seconds: int = 100,
) -> None:
    """Joins this process to the others, so that `list_devices` shows the devices of all of them.

    Call it before anything is computed. Where all arguments are None (and no environment variable
    gives them), JAX asks the environment: SLURM, Open MPI, Kubernetes and Cloud TPU are known.

    Args:
        job_addresses: `"host:port"` of process 0, or the addresses of all, joined by commas;
            else the environment variable KERAS_DISTRIBUTION_JOB_ADDRESSES.
        num_processes: how many there are; else KERAS_DISTRIBUTION_NUM_PROCESSES.
        process_id: which one this is, from 0 on; else KERAS_DISTRIBUTION_PROCESS_ID.
        heartbeat_seconds: how long a process may be silent before all others end with an error.

    Raises:
        UserInputError: another number of addresses than of processes, a process that is none of
            them.
    """
    addresses = job_addresses or os.environ.get(_VARIABLES[0])
    num_processes = _number("num_processes", num_processes, _VARIABLES[1])
    process_id = _number("process_id", process_id, _PROCESS_ID)
    coordinator = addresses
    if addresses and "," in addresses:
        jobs = addresses.split(",")
        coordinator = jobs[0]
        if num_processes is not None and num_processes != len(jobs):
            raise UserInputError(
                f"The provided job_addresses {jobs} has {len(jobs)} jobs, but num_processes is "
                f"{num_processes}"
            )
    if None not in (num_processes, process_id) and not 0 <= process_id < num_processes:
        raise UserInputError(
            f"`process_id` must be in [0, num_processes). Received: process_id={process_id}, "
            f"num_processes={num_processes}"
        )
    jax.distributed.initialize(
        coordinator_address=coordinator,
        num_processes=num_processes,
        process_id=process_id,
        heartbeat_timeout_seconds=heartbeat_seconds,
    )
    _share_seed()


def _number(name: str, value: int | None, variable: str) -> int | None:
    text = os.environ.get(variable)
    if value is not None or not text:
        return value
    try:
        return int(text)
    except ValueError as error:
        raise UserInputError(
            f"`{name}` comes from the environment variable {variable}, which must hold an integer. "
            f"Received: {text!r}"
        ) from error


def _share_seed() -> None:
    """All processes draw the same first weights: process 0's seed counts."""
    from jax.experimental import multihost_utils

    if jax.process_count() > 1:
        own = np.uint32(process_generator.process_seed())
        process_generator.reset(int(multihost_utils.broadcast_one_to_all(own)))
