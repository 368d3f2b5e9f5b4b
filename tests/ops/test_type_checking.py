"""A type checker sees through `op`: ordinary calls pass, wrong names and values are flagged."""

import json
import pathlib
import subprocess
import sys

import pytest

import fkeras

HEAD = """
import jax
import numpy as np

import fkeras
from fkeras import ops

x = ops.ones((2, 3))
symbolic = fkeras.KerasTensor((None, 3))
variable = fkeras.Variable(np.ones(3))
"""

ORDINARY = """
print(ops.sum(x, axis=(0, 1), keepdims=True) + 1, ops.mean(x)[None].shape, float(ops.max(x)))
ops.add([1, 2], 3), ops.add(variable, 1), ops.add(symbolic, np.ones(3)), ops.add(2.0, x)
ops.concatenate([x, symbolic], axis=-1), ops.stack([np.ones(3), [1.0, 2.0, 3.0]])
ops.reshape(x, -1), ops.reshape(x, (3, -1)), ops.transpose(x, [1, 0]), ops.squeeze(x)
ops.einsum("ij,jk->ik", x, x.T), ops.matmul(x, x.T) @ x, ops.tensordot(x, x, ([1], [1]))
ops.cond(True, lambda: 1, lambda: 2), ops.while_loop(lambda i: i < 3, lambda i: i + 1, 0)
carry, outputs = ops.scan(lambda c, row: (c + row, c), 0.0, x)
ops.conv(x, x, strides=2, padding="same", data_format="channels_last", dilation_rate=(1,))
ops.max_pool(x, (2, 2), strides=None).shape, ops.nn.softmax(x, axis=None)
ops.image.resize(x, (4, 4), interpolation="nearest", data_format="channels_first")
ops.linalg.norm(x, ord="fro"), ops.norm(x, 2, axis=-1), ops.numpy.average(x, 0).dtype
u, s, vt = ops.svd(x)
print(ops.svd(x, compute_uv=False).shape, ops.unique(x).shape, ops.linspace(0, 1) * 2)
values, counts = ops.unique(x, return_counts=True)
numbers, step = ops.linspace(0, 1, retstep=True)
largest, places = ops.top_k(x, 2)
ops.cast(x, "int32"), ops.cast(x, jax.numpy.bfloat16), ops.cast(x, x.dtype), ops.zeros(3, float)
ops.segment_sum(x, [0, 1], num_segments=2), ops.scatter_update(x, [[0, 1]], [1.0], "add")
ops.take(x, 0, axis=1), ops.where(x > 0, x, 0.0), ops.clip(x, 0, None), ops.get_item(x, (0, None))
ops.pad(x, ((0, 0), (1, 1)), constant_values=0), ops.repeat(x, [1, 2], axis=0), ops.shape(x)[0]
ops.stft(x, 2, 1, 2, window=None), ops.fft((x, x)), ops.arange(3), ops.one_hot([1, 2], 4)
fkeras.random.normal((2, 3), seed=fkeras.random.SeedGenerator(1)), fkeras.random.uniform(3, seed=1)
fkeras.random.dropout(x, 0.5, noise_shape=(None, 1)), fkeras.random.randint((3,), 0, 5)
fkeras.tree.map_structure(lambda a, b: a + b, {"a": [1]}, {"a": [2]})["a"][0]
gradient = jax.grad(lambda y: ops.sum(ops.square(y)))(x)
"""

WRONG = """
ops.sun(x)
ops.sum(x, axes=1)
ops.sum(x, keep_dims=True)
ops.sum()
ops.sum(x, axis="0")
ops.abs(x, x)
ops.nn.relu(x, 1, 2)
ops.nn.reluu(x)
ops.conv(x)
ops.conv(x, x, stride=2)
ops.conv(x, x, data_format="channel_last")
ops.image.resize(x, size=(2, 2), method="nearest")
ops.image.pad_images(x, top=1)
ops.linalg.nrom(x)
ops.numpy.meen(x)
ops.softmax(x, dim=1)
ops.reshape(x, shape=(3, 2))
ops.scan(x)
ops.one_hot([1], classes=3)
ops.top_k(x, k=2, stable=True)
ops.take(x, 0, axis=1.5)
fkeras.random.normal((2,), sed=1)
fkeras.random.nomal((2,))
fkeras.tree.map_structre(len, [1])
"""


@pytest.fixture(scope="module")
def errors(tmp_path_factory):
    """What pyright says: {line of the script, from 1: message}."""
    pytest.importorskip("pyright")
    folder = tmp_path_factory.mktemp("typing")
    (folder / "script.py").write_text(HEAD + ORDINARY + WRONG)
    root = str(pathlib.Path(fkeras.__file__).parents[1])
    settings = {"extraPaths": [root], "typeCheckingMode": "standard"}
    (folder / "pyrightconfig.json").write_text(json.dumps(settings))
    command = [sys.executable, "-m", "pyright", "--outputjson", "--pythonpath", sys.executable]
    run = subprocess.run(
        [*command, "-p", str(folder)], capture_output=True, text=True, cwd=folder, check=False
    )
    messages: dict[int, str] = {}
    for diagnostic in json.loads(run.stdout)["generalDiagnostics"]:
        if diagnostic["severity"] == "error":
            line = diagnostic["range"]["start"]["line"] + 1
            messages[line] = messages.get(line, "") + diagnostic["message"]
    return messages


def test_ordinary_calls_have_no_errors(errors):
    last = len((HEAD + ORDINARY).splitlines())
    assert {line: message for line, message in errors.items() if line <= last} == {}


def test_each_wrong_call_is_flagged(errors):
    first = len((HEAD + ORDINARY).splitlines()) + 1
    lines = dict(enumerate(WRONG.splitlines(), first))
    assert [code for line, code in lines.items() if code and line not in errors] == []
