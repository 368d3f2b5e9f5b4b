"""A CPU that pretends to have many devices has threads for them."""

import os
import subprocess
import sys

import pytest

SCRIPT = """
import os, sys, jax
if "late" in sys.argv:
    jax.devices()
import fkeras
from fkeras import layers
jax.devices()
print(fkeras.distribution.get_device_count(), os.environ.get("PJRT_NPROC"))
"""


def run(count, *arguments, **variables):
    environment = {
        name: value for name, value in os.environ.items() if name not in ("PJRT_NPROC", "NPROC")
    }
    environment |= {
        "JAX_PLATFORMS": "cpu",
        "XLA_FLAGS": f"--xla_force_host_platform_device_count={count}",
        **variables,
    }
    command = [sys.executable, "-c", SCRIPT, *arguments]
    return subprocess.run(command, capture_output=True, text=True, env=environment, check=True)


@pytest.mark.parametrize(
    ("count", "variables", "printed"),
    [
        (256, {}, "256 1024"),
        (1, {}, "1 None"),
        (256, {"PJRT_NPROC": "7"}, "256 7"),
        (256, {"NPROC": "7"}, "256 None"),
    ],
)
def test_each_device_has_threads_unless_the_user_has_said_how_many(count, variables, printed):
    done = run(count, **variables)
    assert done.stdout.strip() == printed
    assert "PJRT_NPROC" not in done.stderr


def test_who_asks_jax_first_is_warned():
    done = run(256, "late")
    assert done.stdout.strip() == "256 None"
    assert "PJRT_NPROC=1024 beside XLA_FLAGS" in done.stderr
    assert '<string>", line 8' in done.stderr or "<string>:8:" in done.stderr
