"""What a type checker and an editor make of ordinary user code: no false alarm, and every misspelt
name is flagged.
"""

import json
import os
import pathlib
import subprocess
import sys
import textwrap

import pytest

import fkeras

ORDINARY = """
    import jax
    import numpy as np

    import fkeras
    from fkeras import layers, ops

    x = np.random.default_rng(0).normal(size=(32, 4)).astype("float32")
    y = x[:, :1]

    inputs = fkeras.Input((4,))
    hidden = layers.Dense(8, activation="relu", kernel_regularizer="l2", name="hidden")(inputs)
    hidden = layers.Dropout(0.1)(hidden)
    hidden = layers.Concatenate()([hidden, inputs])
    model = fkeras.Model(inputs, layers.Dense(1)(hidden))
    optimizer = fkeras.optimizers.Adam(1e-3)
    model.compile(optimizer=optimizer, loss="mse", metrics=["mae"])
    stop = fkeras.callbacks.EarlyStopping(patience=2)
    history = model.fit(x, y, epochs=1, callbacks=[stop], verbose=0, validation_split=0.25)
    print(history.history["loss"][0])
    loss, mae = model.evaluate(x, y, verbose=0)
    predictions = model.predict(x, verbose=0)
    print(predictions.shape, predictions[0], ops.mean(x, axis=0), ops.softmax(x), ops.sum(x) + 1)
    stack = fkeras.Sequential([fkeras.Input((4,)), layers.Dense(3), layers.Dense(1)])
    stack.compile("adam", fkeras.losses.MeanSquaredError(), metrics=["mae"])
    for layer in stack.layers:
        print(layer.name, layer.get_weights(), layer.trainable)


    class Block(layers.Layer):
        def __init__(self, units, **kwargs):
            super().__init__(**kwargs)
            self.dense = layers.Dense(units)

        def build(self, input_shape):
            self.scale = self.add_weight(shape=(input_shape[-1],), initializer="ones", name="scale")

        def call(self, inputs, training=None):
            return self.dense(inputs * self.scale)


    class Net(fkeras.Model):
        def __init__(self):
            super().__init__()
            self.block = Block(3)

        def call(self, inputs):
            return ops.relu(self.block(inputs))


    net = Net()
    print(net(x).shape)
    variables = net.init(jax.random.key(0), x)
    outputs, state = net.apply(variables, x)
    print(outputs.shape, state)
    model.save("model")
    model.summary()
"""

MISSPELT = {
    "layers.Dens(8)": "Dens",
    'layers.Dense(8, activatoin="relu")': "activatoin",
    "layers.Dropout(0.5, nmae='d')": "nmae",
    "ops.meann(1.0)": "meann",
    "ops.mean(1.0, axes=0)": "axes",
    "fkeras.Layerr": "Layerr",
    "model.fitt()": "fitt",
    "model.fit(epoch=3)": "epoch",
    'model.compile(optimiser="adam")': "optimiser",
    "fkeras.losses.MeanSquaredErorr()": "MeanSquaredErorr",
    "fkeras.callbacks.EarlyStopping(patiance=3)": "patiance",
    "fkeras.metrics.Acuracy()": "Acuracy",
    "fkeras.optimizers.Adam(learning_rat=1.0)": "learning_rat",
    "fkeras.initializers.GlorotUnifrom()": "GlorotUnifrom",
}


def diagnose(folder, source):
    """(line from 1, message) for each error that pyright finds in a script."""
    script = folder / "script.py"
    script.write_text(source)
    root = pathlib.Path(fkeras.__file__).parents[1]
    settings = {"extraPaths": [str(root)], "typeCheckingMode": "standard"}
    (folder / "pyrightconfig.json").write_text(json.dumps(settings))
    command = [sys.executable, "-m", "pyright", "--outputjson", "--pythonpath", sys.executable]
    run = subprocess.run(
        [*command, "-p", str(folder)], capture_output=True, text=True, cwd=folder, check=False
    )
    diagnostics = json.loads(run.stdout)["generalDiagnostics"]
    return [
        (d["range"]["start"]["line"] + 1, d["message"])
        for d in diagnostics
        if d["severity"] == "error"
    ]


@pytest.fixture(autouse=True)
def _pyright():
    pytest.importorskip("pyright")


def test_ordinary_code_has_no_errors(tmp_path):
    assert diagnose(tmp_path, textwrap.dedent(ORDINARY)) == []


COURSE = pathlib.Path(__file__).parent / "user_code" / "course.py"


def test_a_long_ordinary_script_has_no_errors(tmp_path):
    assert diagnose(tmp_path, COURSE.read_text()) == []


def test_that_script_runs(tmp_path):
    command = [sys.executable, "-W", "ignore", str(COURSE)]
    environment = {**os.environ, "PYTHONPATH": str(pathlib.Path(fkeras.__file__).parents[1])}
    done = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]


def test_each_misspelt_name_is_flagged(tmp_path):
    head = "import fkeras\nfrom fkeras import layers, ops\n\nmodel = fkeras.Sequential()\n"
    errors = diagnose(tmp_path, head + "\n".join(MISSPELT) + "\n")
    messages: dict[int, str] = {}
    for line, message in errors:
        messages[line] = messages.get(line, "") + message
    first = len(head.splitlines()) + 1
    unseen = [
        code
        for line, (code, name) in enumerate(MISSPELT.items(), first)
        if name not in messages.get(line, "")
    ]
    assert unseen == []
