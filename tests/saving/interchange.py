"""One program that writes and reads all models that both Keras and fkeras can make.

    python -m tests.saving.interchange keras DIRECTORY

writes each model to DIRECTORY/keras and reads what fkeras wrote to DIRECTORY/fkeras. What it finds
goes to DIRECTORY/keras/report.json. `K` is either library.
"""

import json
import os
import pathlib
import sys
import traceback

import numpy as np

from tests.saving.interchange_compiled import MODELS
from tests.saving.interchange_layers import layer_models

SUFFIXES = (".keras", ".weights.h5", ".h5")
# Of `.h5` files: what Keras cannot write, and what it cannot read although it wrote it.
KERAS_CANNOT_WRITE = {"trained_by_adafactor.h5", "subclassed.h5"}
KERAS_CANNOT_READ = {
    "trained_by_adafactor.h5",
    "trained_by_lamb.h5",
    "trained_by_scaled.h5",
    "half_precision_weights.h5",
    "functions_of_ops.h5",
    "subclassed.h5",
}


def fill(made):
    """Gives all weights values that no initializer gives."""
    random = np.random.default_rng(7)
    made.set_weights([random.uniform(0.5, 1.0, w.shape) for w in made.get_weights()])


def write_model(K, name, folder):
    made, x, y = MODELS[name](K)
    fill(made)
    for _ in range(0 if y is None else 2):
        made.train_on_batch(x, y)
    expected = {"weights": made.get_weights(), "outputs": predict(made, x)}
    made.save(str(folder / f"{name}.keras"))
    made.save_weights(str(folder / f"{name}.weights.h5"))
    if K.__name__ == "fkeras" or f"{name}.h5" not in KERAS_CANNOT_WRITE:
        made.save(str(folder / f"{name}.h5"))
    if y is not None:
        made.train_on_batch(x, y)
        expected["after"] = made.get_weights()
    write_arrays(folder / name, expected)


def check_model(K, name, folder, suffix):
    """Raises AssertionError where a file does not give the model that was written to it."""
    expected = read_arrays(folder / name)
    own, x, y = MODELS[name](K)
    if suffix == ".weights.h5":
        made = own
        made.load_weights(str(folder / f"{name}{suffix}"))
    else:
        made = K.saving.load_model(str(folder / f"{name}{suffix}"))
        assert type(made).__name__ == type(own).__name__ and made.compiled == own.compiled
        assert len(made.layers) == len(own.layers)
    near(made.get_weights(), expected["weights"], 0)
    near(predict(made, x), expected["outputs"], 1e-6)
    # Keras cannot train what it has read from a `.h5`: it builds the optimizer for no variables.
    goes_on = suffix == ".keras" or (suffix == ".h5" and K.__name__ == "fkeras")
    if y is not None and goes_on:
        assert int(np.asarray(made.optimizer.iterations)) == 1 if "accumulated" in name else 2
        made.train_on_batch(x, y)
        near(made.get_weights(), expected["after"], 1e-5)


def write_layer(K, name, build, folder):
    made = build(K)
    fill(made)
    made.save(str(folder / f"{name}.keras"))
    made.save(str(folder / f"{name}.h5"))
    write_arrays(folder / name, {"weights": made.get_weights()})


def check_layer(K, name, folder, suffix):
    made = K.saving.load_model(str(folder / f"{name}{suffix}"))
    near(made.get_weights(), read_arrays(folder / name)["weights"], 0)


def predict(made, x):
    outputs = made.predict_on_batch(x)
    if isinstance(outputs, dict):
        outputs = [outputs[key] for key in sorted(outputs)]
    return list(outputs) if isinstance(outputs, (list, tuple)) else [outputs]


def near(found, expected, tolerance):
    assert len(found) == len(expected), f"{len(found)} arrays, expected {len(expected)}"
    for a, b in zip(found, expected):
        half = np.asarray(a).dtype.itemsize == 2
        np.testing.assert_allclose(
            np.asarray(a, "float32"),
            b,
            rtol=max(tolerance, 1e-2 * half * bool(tolerance)),
            atol=max(tolerance, 1e-2 * half * bool(tolerance)),
        )


def write_arrays(path, arrays):
    flat = {
        f"{kind}/{i:03d}": np.asarray(value, "float32")
        for kind, values in arrays.items()
        for i, value in enumerate(values)
    }
    np.savez(f"{path}.npz", **flat)


def read_arrays(path):
    arrays = {}
    with np.load(f"{path}.npz") as flat:
        for key in sorted(flat):
            arrays.setdefault(key.split("/")[0], []).append(flat[key])
    return {"weights": [], "outputs": [], **arrays}


def write_all(K, folder, report):
    folder.mkdir()
    for name in MODELS:
        attempt(report, f"write {name}", write_model, K, name, folder)
    for name, build in layer_models():
        attempt(report, f"write {name}", write_layer, K, name, build, folder)


def check_all(K, folder, report):
    left_out = KERAS_CANNOT_READ if K.__name__ == "keras" else KERAS_CANNOT_WRITE
    for name in MODELS:
        for suffix in SUFFIXES:
            if f"{name}{suffix}" in left_out:
                continue
            attempt(report, f"read {name}{suffix}", check_model, K, name, folder, suffix)
    for name, _ in layer_models():
        for suffix in (".keras", ".h5"):
            attempt(report, f"read {name}{suffix}", check_layer, K, name, folder, suffix)


def attempt(report, what, function, *arguments):
    try:
        function(*arguments)
    except Exception:
        report[what] = traceback.format_exc()[-1500:]


def main(directory):
    os.environ["KERAS_BACKEND"] = "jax"
    import keras

    report = {}
    write_all(keras, directory / "keras", report)
    check_all(keras, directory / "fkeras", report)
    (directory / "keras" / "report.json").write_text(json.dumps(report))


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]))
