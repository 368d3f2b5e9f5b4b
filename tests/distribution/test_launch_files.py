"""The launch files of `examples/launch`: parsed, and run as far as one machine can."""

import os
import pathlib
import re
import socket
import subprocess
import sys

import jax
import pytest
import yaml

from fkeras import distribution

ROOT = pathlib.Path(__file__).parents[2]
LAUNCH = ROOT / "examples" / "launch"


def free_port(first=1024, last=65536):
    for port in range(last - 1, first, -1):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise AssertionError("no free port")


def environment(**more):
    path = os.pathsep.join([str(ROOT), str(LAUNCH)])
    return {**os.environ, "PYTHONPATH": path, "JAX_PLATFORMS": "cpu", **more}


def outputs_of(commands):
    """What processes print that run side by side."""
    started = [
        subprocess.Popen(
            command, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        for command, env in commands
    ]
    try:
        outputs = [process.communicate(timeout=1800)[0] for process in started]
    finally:
        for process in started:
            process.kill()
    assert [process.returncode for process in started] == [0] * len(started), outputs
    return outputs


FAKE_SRUN = """#!/bin/bash
while [[ "$1" == --* ]]; do shift; done
for task in 0 1; do SLURM_PROCID=$task SLURM_LOCALID=$task "$@" & done
wait %1 && wait %2
"""


def test_a_slurm_job_finds_its_processes(tmp_path):
    script = LAUNCH / "slurm.sh"
    subprocess.run(["bash", "-n", script], check=True)
    assert re.search(r"^#SBATCH --nodes=\d+$", script.read_text(), re.MULTILINE)
    programs = {"srun": FAKE_SRUN, "python": f'#!/bin/bash\nexec {sys.executable} "$@"\n'}
    for name, text in programs.items():
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o755)
    port = free_port(first=65535 - 4096)
    variables = {
        "PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}",
        "SLURM_JOB_ID": str(port - (65535 - 4096 + 1)),  # from which JAX takes the port
        "SLURM_STEP_NODELIST": "127.0.0.1",
        "SLURM_NTASKS": "2",
        "TRAIN_SCRIPT": str(LAUNCH / "train.py"),
    }
    (output,) = outputs_of([(["bash", str(script)], environment(**variables))])
    assert len(re.findall(r"2 devices, loss 0\.\d{4}", output)) == 2, output


def test_a_jobset_tells_each_pod_who_it_is(monkeypatch):
    spec = yaml.safe_load((LAUNCH / "jobset.yaml").read_text())
    (job,) = spec["spec"]["replicatedJobs"]
    template = job["template"]["spec"]
    (container,) = template["template"]["spec"]["containers"]
    variables = {entry["name"]: entry for entry in container["env"]}
    index = variables.pop("KERAS_DISTRIBUTION_PROCESS_ID")["valueFrom"]["fieldRef"]["fieldPath"]
    assert index == "metadata.annotations['batch.kubernetes.io/job-completion-index']"
    assert template["completionMode"] == "Indexed"
    assert template["completions"] == template["parallelism"] == 4
    calls = []
    monkeypatch.setattr(jax.distributed, "initialize", lambda **given: calls.append(given))
    for name, entry in variables.items():
        monkeypatch.setenv(name, entry["value"])
    monkeypatch.setenv("KERAS_DISTRIBUTION_PROCESS_ID", "3")
    distribution.initialize()
    name, port = spec["metadata"]["name"], container["ports"][0]["containerPort"]
    address = f"{name}-{job['name']}-0-0.{name}:{port}"
    assert list(calls[0].values())[:3] == [address, template["parallelism"], 3]
    assert (ROOT / container["command"][1]).exists()


FAKE_RAY = """
import sys, types

rank, address = int(sys.argv[1]), sys.argv[2]
ray, train, util = (types.ModuleType(name) for name in ("ray", "ray.train", "ray.util"))
collective = types.ModuleType("ray.train.collective")
context = types.SimpleNamespace(get_world_size=lambda: 2, get_world_rank=lambda: rank)
train.get_context, train.report = lambda: context, print
util.get_node_ip_address = lambda: "127.0.0.1"


def broadcast_from_rank_zero(own):
    assert own.startswith("127.0.0.1:")
    return address


collective.broadcast_from_rank_zero = broadcast_from_rank_zero
ray.train, ray.util, train.collective = train, util, collective
for module in (ray, train, util, collective):
    sys.modules[module.__name__] = module

import ray_train

ray_train.train_loop()
"""


def test_workers_of_ray_join_by_themselves(tmp_path):
    (tmp_path / "worker.py").write_text(FAKE_RAY)
    address = f"127.0.0.1:{free_port()}"
    commands = [
        ([sys.executable, str(tmp_path / "worker.py"), str(rank), address], environment())
        for rank in range(2)
    ]
    first, second = (output.splitlines()[-1] for output in outputs_of(commands))
    assert first == second and re.fullmatch(r"\{'loss': [\d.e-]+\}", first)


@pytest.mark.parametrize("name", ["slurm.sh", "jobset.yaml", "ray_train.py", "train.py"])
def test_the_page_of_devices_names_each_file(name):
    assert f"examples/launch/{name}" in (ROOT / "docs" / "devices.md").read_text()
