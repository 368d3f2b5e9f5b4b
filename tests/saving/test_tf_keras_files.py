"""Files of tf.keras 2.15: `make_tf_keras_files.py` made them."""

import pathlib
import zipfile

import numpy as np
import pytest

import fkeras

DATA = pathlib.Path(__file__).parent / "data" / "tf_keras_2_15.zip"
MODELS = sorted({name.split(".")[0] for name in zipfile.ZipFile(DATA).namelist()})
# tf.keras did not write the state of its legacy optimizers to the newer files.
WITHOUT_STATE = [name for name in MODELS if name.startswith("legacy")]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tf_keras")
    zipfile.ZipFile(DATA).extractall(folder)
    return folder


def arrays(expected, kind):
    return [expected[key] for key in sorted(expected, key=_number) if key.startswith(kind)]


def _number(key):
    return int("".join(c for c in key if c.isdigit()) or 0)


def check_outputs(model, expected):
    inputs = arrays(expected, "input")
    outputs = model.predict(inputs if len(inputs) > 1 else inputs[0], verbose=0)
    outputs = list(outputs.values()) if isinstance(outputs, dict) else [outputs]
    half = 2e-3 if model.layers[0].compute_dtype == "float16" else 2e-6
    for found, wanted in zip(outputs, arrays(expected, "output"), strict=True):
        np.testing.assert_allclose(found, wanted, rtol=half, atol=half)


@pytest.mark.parametrize("suffix", [".h5", ".keras"])
@pytest.mark.parametrize("name", MODELS)
def test_models_load_and_go_on_training(folder, name, suffix):
    model = fkeras.saving.load_model(folder / f"{name}{suffix}")
    with np.load(folder / f"{name}.npz") as expected:
        check_outputs(model, expected)
        if "target" in expected and not (suffix == ".keras" and name in WITHOUT_STATE):
            assert int(model.optimizer.iterations.numpy()) == 2
            model.train_on_batch(expected["input0"], expected["target"])
            after = arrays(expected, "after")
            for found, wanted in zip(model.get_weights(), after, strict=True):
                # The legacy RMSprop added epsilon below the root.
                near = 3e-4 if name == "legacy_rmsprop" else 2e-5
                np.testing.assert_allclose(found, wanted, rtol=near, atol=near / 20)


@pytest.mark.parametrize("suffix", [".h5", ".weights.h5", ".keras"])
@pytest.mark.parametrize("name", MODELS)
def test_weights_load_into_the_same_model(folder, name, suffix):
    made = fkeras.saving.load_model(folder / f"{name}.h5", compile=False)
    model = fkeras.models.clone_model(made)
    model.load_weights(folder / f"{name}{suffix}")
    with np.load(folder / f"{name}.npz") as expected:
        check_outputs(model, expected)
