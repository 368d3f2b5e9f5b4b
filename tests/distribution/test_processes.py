"""Several processes on loopback train what one process trains, and none waits for ever."""

import os
import pathlib
import socket
import subprocess
import sys

import numpy as np
import pytest

import fkeras

_FOLDER = pathlib.Path(__file__).parent / "processes"


def start(script, *arguments, devices=2):
    environment = {
        **os.environ,
        "JAX_PLATFORMS": "cpu",
        "PYTHONPATH": str(pathlib.Path(__file__).parents[2]),
        "XLA_FLAGS": f"--xla_force_host_platform_device_count={devices}",
        "PJRT_NPROC": str(4 * devices),
    }
    command = [sys.executable, str(_FOLDER / script), *map(str, arguments)]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    return subprocess.Popen(command, env=environment, **pipes)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def end(processes, seconds):
    """Outputs of processes that must end by themselves."""
    try:
        return [process.communicate(timeout=seconds)[0] for process in processes]
    finally:
        for process in processes:
            process.kill()


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """(values of two processes with two devices each, values of one process with four)."""
    folder, port = tmp_path_factory.mktemp("processes"), free_port()
    pair = [start("training.py", i, 2, port, folder) for i in range(2)]
    outputs = end(pair, 1800)
    assert [process.returncode for process in pair] == [0, 0], "\n".join(outputs)[-6000:]
    alone = start("training.py", 0, 1, 0, folder, devices=4)
    (output,) = end([alone], 1800)
    assert alone.returncode == 0, output[-4000:]
    return *(np.load(folder / f"{count}.npz") for count in (2, 1)), outputs, folder


def test_two_processes_train_what_one_trains(trained):
    two, one, *_ = trained
    assert set(two) == set(one) and len(one) > 100
    differing = {}
    for name in one:
        if "interrupted" not in name and "stops" not in name:
            differing[name] = float(np.abs(two[name] - one[name]).max())
    worst = max(differing, key=differing.get)
    assert differing[worst] < 5e-6, (worst, differing[worst])


@pytest.mark.parametrize("scenario", ["one_stops", "one_is_interrupted"])
def test_what_one_process_is_told_all_do_at_the_same_step(trained, scenario):
    two, one, *_ = trained
    names = [name for name in one if scenario in name]
    assert names
    for name in names:
        np.testing.assert_allclose(two[name], one[name], rtol=5e-6, atol=5e-6, err_msg=name)


@pytest.mark.parametrize("kind", ["DataParallel", "FSDP"])
def test_one_process_goes_on_from_a_checkpoint_of_two(trained, kind):
    """Each has written its part; the file of the first holds all else."""
    *_, folder = trained
    steps = sorted(path.name for path in (folder / f"2 of {kind}").iterdir())
    assert steps == ["1", "2"]
    two, one = (fkeras.saving.load_model(folder / f"{count} of {kind}") for count in (2, 1))
    assert two.training_progress == one.training_progress == {"steps": 15, "epochs": 3}
    for found, expected in zip(two.get_weights(), one.get_weights(), strict=True):
        np.testing.assert_allclose(found, expected, atol=5e-6)
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(8, 8)), rng.integers(0, 3, 8)
    losses = [model.fit(x, y, verbose=0).history["loss"] for model in (two, one)]
    np.testing.assert_allclose(*losses, rtol=1e-4)


def test_the_first_process_prints_for_all(trained):
    _, _, outputs, _ = trained
    assert outputs[0].count("Epoch 1/2") == 2 and "Epoch" not in outputs[1]


def test_a_process_that_dies_ends_the_other_one_too():
    port = free_port()
    pair = [start("dying.py", i, port) for i in range(2)]
    outputs = end(pair, 1800)
    assert pair[1].returncode == 3, outputs[1][-2000:]
    assert pair[0].returncode != 0 and "finished" not in outputs[0]
