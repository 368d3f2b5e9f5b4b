"""Text about models, and copies of them: clones, JSON, pickles, checkpoint directories."""

import copy
import json
import os
import pickle

import jax
import numpy as np
import pytest

import fkeras
from fkeras import layers
from fkeras.errors import UserInputError
from fkeras.io import atomic

X = np.random.default_rng(0).normal(size=(24, 4)).astype("float32")
Y = X[:, :1] * 2


def sequential():
    return fkeras.Sequential(
        [
            fkeras.Input((4,)),
            layers.Dense(3, activation="relu", name="hidden"),
            layers.BatchNormalization(name="norm"),
            layers.Dropout(0.25, name="drop"),
            layers.Dense(1, name="head"),
        ],
        name="net",
    )


def functional():
    x = fkeras.Input((4,), name="x")
    dense = layers.Dense(4, name="shared")
    h = dense(dense(x))
    return fkeras.Model(x, layers.Dense(1, name="head")(layers.Add(name="add")([h, x])), name="net")


@fkeras.saving.register_keras_serializable("tests")
class Subclassed(fkeras.Model):
    def __init__(self, units=3, **kwargs):
        super().__init__(**kwargs)
        self.units = units
        self.hidden, self.drop, self.head = (
            layers.Dense(units),
            layers.Dropout(0.25),
            layers.Dense(1),
        )

    def call(self, x):
        return self.head(self.drop(self.hidden(x)))


def subclassed():
    model = Subclassed(units=2, name="net")
    model.build((None, 4))
    return model


KINDS = pytest.mark.parametrize("make", [sequential, functional, subclassed])


def text_of(model, **kwargs):
    heard = []
    model.summary(print_fn=lambda text, line_break=False: heard.append(text), **kwargs)
    return "\n".join(heard)


def same(a, b):
    a, b = a.get_weights(), b.get_weights()
    assert len(a) == len(b)
    for x, y in zip(a, b):
        np.testing.assert_array_equal(x, y)


# -- summary -------------------------------------------------------------------


def test_summary_lists_layers_shapes_and_counts():
    text = text_of(sequential())
    assert 'Model: "net"' in text
    for name, shape, count in (
        ("hidden (Dense)", "(None, 3)", "15"),
        ("norm", "(None, 3)", "12"),
        ("head (Dense)", "(None, 1)", "4"),
    ):
        line = next(line for line in text.splitlines() if name in line)
        assert shape in line and f" {count} " in line
    assert "Total params: 31 (124.00 B)" in text
    assert "Trainable params: 25 (100.00 B)" in text and "Non-trainable params: 6 (24.00 B)" in text


def test_summary_after_training_counts_the_optimizer_too():
    model = sequential()
    model.compile("adam", "mse")
    model.fit(X, Y, verbose=0)
    assert "Optimizer params: 52" in text_of(model)


def test_summary_shows_flags_and_inner_models():
    model = fkeras.Sequential([fkeras.Input((4,)), sequential()])
    model.layers[0].layers[0].trainable = False
    text = text_of(model, expand_nested=True, show_trainable=True)
    lines = {
        name: next(line for line in text.splitlines() if name in line)
        for name in ("hidden", "head")
    }
    assert " N " in lines["hidden"] and " Y " in lines["head"]
    assert "hidden" not in text_of(model)


def test_summary_of_a_graph_shows_who_is_connected_to_whom():
    line = next(
        line for line in text_of(functional(), line_length=140).splitlines() if "head" in line
    )
    assert "add" in line.lower()


def test_summary_takes_a_range_of_layers():
    text = text_of(sequential(), layer_range=["norm", "drop"])
    assert "norm" in text and "drop" in text and "hidden" not in text
    with pytest.raises(ValueError, match="layer_range"):
        text_of(sequential(), layer_range=["norm"])


# -- clones and JSON -----------------------------------------------------------


@KINDS
def test_a_clone_has_the_architecture_and_new_weights(make):
    model = make()
    clone = fkeras.models.clone_model(model)
    if make is subclassed:
        clone.build((None, 4))
    assert [w.shape for w in clone.weights] == [
        w.shape for w in model.weights
    ] and not clone.compiled
    assert np.any(clone.get_weights()[0] != model.get_weights()[0])
    clone.set_weights(model.get_weights())
    np.testing.assert_array_equal(clone.predict(X, verbose=0), model.predict(X, verbose=0))
    clone.set_weights([w * 0 for w in clone.get_weights()])
    assert np.any(model.get_weights()[0] != 0)


def test_a_clone_function_replaces_layers():
    def wider(layer):
        config = layer.get_config()
        return type(layer).from_config({**config, "units": 7} if layer.name == "hidden" else config)

    model = fkeras.models.clone_model(sequential(), clone_function=wider)
    assert model.get_layer("hidden").units == 7 and model(X).shape == (24, 1)


def test_a_clone_stands_on_given_tensors():
    x = fkeras.Input((4,), name="other")
    for make in (sequential, functional):
        clone = fkeras.models.clone_model(make(), input_tensors=x)
        assert clone.input_shape == (None, 4) and clone(X).shape == (24, 1)


def test_a_call_function_stands_for_the_calls():
    seen = []

    def call(layer, *args, **kwargs):
        seen.append(layer.name)
        return layer(*args, **kwargs)

    fkeras.models.clone_model(functional(), call_function=call)
    assert seen.count("shared") == 2 and "head" in seen


@KINDS
def test_json_describes_the_architecture(make):
    model = make()
    text = model.to_json()
    assert json.loads(text)["class_name"] in ("Sequential", "Functional", "Subclassed")
    again = fkeras.models.model_from_json(text)
    if make is subclassed:
        again.build((None, 4))
    again.set_weights(model.get_weights())
    np.testing.assert_array_equal(again.predict(X, verbose=0), model.predict(X, verbose=0))
    assert again.name == "net"


def test_keras_reads_our_json(keras):
    model = sequential()
    theirs = keras.models.model_from_json(model.to_json())
    theirs.set_weights(model.get_weights())
    np.testing.assert_allclose(
        theirs.predict(X, verbose=0), model.predict(X, verbose=0), rtol=1e-5, atol=1e-6
    )


def test_we_read_the_json_of_keras(keras):
    x = keras.Input((4,))
    h = keras.layers.Dense(3, activation="relu")(x)
    theirs = keras.Model(x, keras.layers.Concatenate()([h, keras.layers.Dropout(0.5)(x)]))
    model = fkeras.models.model_from_json(theirs.to_json())
    model.set_weights([np.asarray(w.value) for w in theirs.weights])
    np.testing.assert_allclose(
        model.predict(X, verbose=0), theirs.predict(X, verbose=0), rtol=1e-5, atol=1e-6
    )


# -- pickles and checkpoints ---------------------------------------------------


@pytest.fixture(scope="module", params=[sequential, functional, subclassed])
def trained(request):
    model = request.param()
    model.compile(
        fkeras.optimizers.Adam(fkeras.optimizers.schedules.ExponentialDecay(0.05, 2, 0.9)),
        "mse",
        metrics=["mae"],
    )
    model.fit(X, Y, batch_size=10, epochs=2, verbose=0)
    return model


def copies(model, path):
    model.save(path)
    yield "load", fkeras.models.load_model(path)
    yield "pickle", pickle.loads(pickle.dumps(model))
    yield "deepcopy", copy.deepcopy(model)


def test_every_copy_goes_on_bit_for_bit_as_the_model_does(trained, tmp_path):
    found = dict(copies(trained, tmp_path / "model"))
    expected = trained.fit(X, Y, batch_size=10, epochs=2, verbose=0).history
    for how, model in found.items():
        history = model.fit(X, Y, batch_size=10, epochs=2, verbose=0).history
        assert history == expected, how
        same(model, trained)
        assert int(model.optimizer.iterations.numpy()) == int(trained.optimizer.iterations.numpy())
        assert model.evaluate(X, Y, verbose=0) == trained.evaluate(X, Y, verbose=0)


def test_weights_alone_go_to_a_directory_and_back(trained, tmp_path):
    trained.save_weights(tmp_path / "weights")
    other = copy.deepcopy(trained)
    other.set_weights([w * 0 for w in other.get_weights()])
    other.load_weights(tmp_path / "weights")
    same(other, trained)


def test_loading_without_compile_gives_an_uncompiled_model(trained, tmp_path):
    trained.save(tmp_path / "model")
    model = fkeras.models.load_model(tmp_path / "model", compile=False)
    same(model, trained)
    assert not model.compiled


def test_wrong_weights_change_nothing(tmp_path):
    model, other = sequential(), functional()
    model.save_weights(tmp_path / "weights")
    before = other.get_weights()
    with pytest.raises(ValueError, match="weights"):
        other.load_weights(tmp_path / "weights")
    for a, b in zip(other.get_weights(), before):
        np.testing.assert_array_equal(a, b)


def test_paths_that_cannot_be_saved_to_or_loaded_from(tmp_path):
    model = functional()
    model.save(tmp_path / "model")
    with pytest.raises(ValueError, match="exists"):
        model.save(tmp_path / "model", overwrite=False)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("x")
    with pytest.raises(ValueError, match="not replaced"):
        model.save(tmp_path / "mine")
    with pytest.raises(ValueError, match="does not exist"):
        fkeras.models.load_model(tmp_path / "nowhere")
    with pytest.raises(ValueError, match="not built"):
        fkeras.Sequential([layers.Dense(1)]).save(tmp_path / "unbuilt")
    assert (tmp_path / "mine" / "thesis.txt").read_text() == "x"


@pytest.mark.parametrize("error", [OSError, KeyboardInterrupt])
def test_a_save_that_cannot_move_the_new_checkpoint_into_place_leaves_the_old_one(
    error, tmp_path, monkeypatch
):
    model, path, moved = functional(), tmp_path / "model", []
    model.save(path)
    old = functional()
    old.set_weights(model.get_weights())
    model.set_weights([w + 1 for w in model.get_weights()])
    replace = os.replace

    def fails_once(source, target, **kwargs):
        if os.fspath(target) == os.fspath(path) and not moved:
            moved.append(source)
            raise error("the disk is full")
        replace(source, target, **kwargs)

    monkeypatch.setattr(atomic, "_swap", lambda one, other: False)  # as on other systems
    monkeypatch.setattr(os, "replace", fails_once)
    with pytest.raises(error, match="the disk is full"):
        model.save(path)
    monkeypatch.undo()
    assert len(moved) == 1 and os.listdir(tmp_path) == ["model"]
    same(fkeras.models.load_model(path), old)
    model.save(path)
    assert os.listdir(tmp_path) == ["model"]
    same(fkeras.models.load_model(path), model)


@pytest.mark.parametrize("saved", ["save", "save_weights"])
def test_a_checkpoint_of_a_newer_format_says_to_install_a_newer_fkeras(saved, tmp_path):
    model, path = functional(), tmp_path / "model"
    getattr(model, saved)(path)
    config = json.loads((path / "fkeras.json").read_text())
    (path / "fkeras.json").write_text(json.dumps({**config, "format": 99}))
    for use in (model.load_weights, fkeras.models.load_model):
        with pytest.raises(
            UserInputError,
            match=r"model' has format 99; this release reads up to 3\. Install a newer fkeras",
        ):
            use(path)


def test_who_chose_a_name_counts_in_clones_configs_and_files(tmp_path):
    """`params["dense_1"]` is the layer that was given this name, whatever stands before it."""
    paths = lambda made: list(made.init(jax.random.key(0), (1, 3))["params"])
    given = fkeras.Sequential(
        [fkeras.Input((3,)), layers.Dense(2, name="dense_1"), layers.Dense(1, name="dense_2")]
    )
    layers.Dense(1)  # counts on
    chosen = fkeras.Sequential([fkeras.Input((3,)), layers.Dense(2), layers.Dense(1)])
    assert chosen.layers[0].name != "dense"
    for made, expected in ((given, ["dense_1", "dense_2"]), (chosen, ["dense", "dense_1"])):
        made.save(tmp_path / "model.keras")
        assert paths(made) == expected
        assert paths(fkeras.models.clone_model(made)) == expected
        assert paths(fkeras.saving.load_model(tmp_path / "model.keras")) == expected
    assert paths(fkeras.Sequential.from_config(chosen.get_config())) == ["dense", "dense_1"]
