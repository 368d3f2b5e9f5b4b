"""Runs the tests in `eight_devices/`, each file in a process with eight virtual devices."""

import os
import pathlib
import subprocess
import sys

import pytest

_FILES = sorted((pathlib.Path(__file__).parent / "eight_devices").glob("[!_]*.py"))


@pytest.mark.parametrize("path", _FILES, ids=lambda path: path.stem)
def test_with_eight_devices(path):
    environment = {
        **os.environ,
        "JAX_PLATFORMS": "cpu",
        "PJRT_NPROC": "32",
        # A busy machine may keep a device waiting for longer than the 40 seconds of XLA.
        "XLA_FLAGS": "--xla_force_host_platform_device_count=8 "
        "--xla_cpu_collective_call_terminate_timeout_seconds=900 "
        "--xla_cpu_collective_timeout_seconds=900",
    }
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(path)]
    root = pathlib.Path(__file__).parents[2]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=root)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
