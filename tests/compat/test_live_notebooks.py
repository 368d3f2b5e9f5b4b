"""A notebook in a real kernel: what its reader sees of a training."""

import importlib.util
import json

import pytest

# Looked for and not imported: Jupyter's libraries warn when they are.
pytestmark = pytest.mark.skipif(
    any(importlib.util.find_spec(name) is None for name in ("nbclient", "ipykernel")),
    reason="nbclient and ipykernel are not installed",
)

EXECUTE = """
import sys, nbclient, nbformat
notebook = nbformat.read(sys.argv[1], 4)
nbclient.NotebookClient(notebook, timeout=600, kernel_name="python3").execute()
nbformat.write(notebook, sys.argv[2])
"""

CELLS = [
    "%load_ext fkeras\nimport numpy as np\nfrom tensorflow import keras",
    "model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1, name='head')])\n"
    "model.summary()",
    "model.compile('sgd', 'mse')\n"
    "x = np.ones((400, 2), 'float32')\n"
    "notes = keras.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: None)\n"
    "history = model.fit(x, x[:, :1], batch_size=1, epochs=2, callbacks=[notes])",
    "%%capture taken\nmodel.summary()",
    "taken.stdout.count('Total params')",
    "model.fit(x, x[:, :1], batch_size=100, verbose=2);",
]


def test_training_and_summary_are_html_and_few_outputs(command):
    cells = [
        {"cell_type": "code", "source": c, "metadata": {}, "outputs": [], "execution_count": None}
        for c in CELLS
    ]
    text = json.dumps({"nbformat": 4, "nbformat_minor": 4, "metadata": {}, "cells": cells})
    done = command.python("-c", EXECUTE, command.write("in.ipynb", text), "out.ipynb")
    assert done.returncode == 0, done.stderr
    executed = json.loads((command.folder / "out.ipynb").read_text())
    outputs = [cell["outputs"] for cell in executed["cells"]]
    assert outputs[0] == [] and outputs[3] == []
    (table,) = outputs[1]
    assert table["output_type"] == "display_data"
    assert "head (Dense)" in "".join(table["data"]["text/html"])
    assert len(outputs[2]) == 2  # one an epoch
    for number, output in enumerate(outputs[2], 1):
        page = "".join(output["data"]["text/html"])
        assert f"Epoch {number}/2" in page and '<progress value="400" max="400">' in page
        assert "loss: " in page and "400/400 " in "".join(output["data"]["text/plain"])
    assert "".join(outputs[4][0]["data"]["text/plain"]) == "1"
    assert [output["output_type"] for output in outputs[5]] == ["stream"]
