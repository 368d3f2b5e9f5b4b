"""Stacks of layers."""

import jax
import numpy as np
import pytest

import fkeras
from fkeras import layers

X = np.random.default_rng(0).normal(size=(6, 4)).astype("float32")


def values_of(model):
    """Weights of a Keras model (its `get_weights` warns)."""
    return [np.asarray(w.value) for w in model.weights]


def test_a_stack_computes_its_layers_in_order():
    first, second = layers.Dense(3, activation="relu"), layers.Dense(2)
    model = fkeras.Sequential([fkeras.Input((4,)), first, second])
    np.testing.assert_allclose(model(X), second(first(X)), rtol=1e-6)
    assert (
        model.layers == [first, second]
        and model.input_shape == (None, 4)
        and model.output_shape == (None, 2)
    )


@pytest.mark.parametrize("how", ["input", "input_shape", "build", "call", "fit"])
def test_every_way_to_build_gives_the_same_model(how):
    fkeras.utils.set_random_seed(3)
    model = fkeras.Sequential([fkeras.Input((4,))] if how == "input" else [])
    model.add(layers.Dense(3, input_shape=(4,)) if how == "input_shape" else layers.Dense(3))
    model.add(layers.Dense(1))
    assert model.built == (how in ("input", "input_shape"))
    model.compile(fkeras.optimizers.SGD(0.0), "mse")
    {
        "build": lambda: model.build((None, 4)),
        "call": lambda: model(X),
        "fit": lambda: model.fit(X, X[:, :1], verbose=0),
    }.get(how, lambda: None)()
    assert model.built and [w.shape for w in model.weights] == [(4, 3), (3,), (3, 1), (1,)]
    assert model.output_shape == (None, 1) and model.input_shape == (None, 4)
    key = jax.random.key(0)
    assert jax.tree.map(np.shape, model.init(key)["params"]) == {
        model.layers[0].name: {"bias": (3,), "kernel": (4, 3)},
        model.layers[1].name: {"bias": (1,), "kernel": (3, 1)},
    }


def test_one_seed_gives_one_set_of_weights_however_the_model_is_built():
    found = []
    for build in (lambda m: m.build((None, 4)), lambda m: m(X)):
        fkeras.utils.clear_session()
        fkeras.utils.set_random_seed(5)
        model = fkeras.Sequential([layers.Dense(3), layers.Dense(1)])
        build(model)
        found.append(model.get_weights())
    for a, b in zip(*found):
        np.testing.assert_array_equal(a, b)


def test_pop_and_add_keep_the_weights_of_the_others():
    model = fkeras.Sequential([fkeras.Input((4,)), layers.Dense(3), layers.Dense(2)])
    kernel = model.get_weights()[0]
    popped = model.pop()
    assert popped.units == 2
    model.add(layers.Dense(5))
    np.testing.assert_array_equal(model.get_weights()[0], kernel)
    assert model(X).shape == (6, 5)


def test_models_nest():
    inner = fkeras.Sequential([fkeras.Input((4,)), layers.Dense(3)])
    model = fkeras.Sequential([inner, layers.Dense(2)])
    assert model.built and len(model.weights) == 4
    x = fkeras.Input((4,))
    outer = fkeras.Model(x, model(x))
    np.testing.assert_allclose(outer(X), model(X), rtol=1e-6)


def test_a_deferred_model_takes_any_batch_size_after_the_first():
    model = fkeras.Sequential([layers.Dense(3)])
    assert model(X).shape == (6, 3) and model(X[:2]).shape == (2, 3)
    with pytest.raises(ValueError, match="4"):
        model(X[:, :3])


def test_numbers_are_those_of_keras(keras):
    def build(library):
        return library.Sequential(
            [
                library.Input((4, 4, 1)),
                library.layers.Conv2D(2, 3, activation="relu"),
                library.layers.BatchNormalization(),
                library.layers.Flatten(),
                library.layers.Dense(3, activation="softmax"),
            ]
        )

    ours, theirs = build(fkeras), build(keras)
    ours.set_weights(values_of(theirs))
    images = np.random.default_rng(1).normal(size=(3, 4, 4, 1)).astype("float32")
    np.testing.assert_allclose(
        ours.predict(images, verbose=0), theirs.predict(images, verbose=0), rtol=1e-5, atol=1e-6
    )
    np.testing.assert_allclose(
        ours(images, training=True), theirs(images, training=True), rtol=1e-4, atol=1e-5
    )
    for a, b in zip(ours.get_weights(), values_of(theirs)):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)


def test_training_gives_the_history_and_weights_of_keras(keras):
    y = (X[:, :1] > 0).astype("float32")

    def build(library):
        return library.Sequential(
            [
                library.Input((4,)),
                library.layers.Dense(3, activation="tanh", kernel_regularizer="l2"),
                library.layers.Dense(1, activation="sigmoid"),
            ]
        )

    ours, theirs = build(fkeras), build(keras)
    ours.set_weights(values_of(theirs))
    histories = []
    for model in (ours, theirs):
        model.compile("adam", "binary_crossentropy", metrics=["accuracy"])
        histories.append(
            model.fit(
                X,
                y,
                batch_size=4,
                epochs=3,
                shuffle=False,
                validation_split=1 / 3,
                class_weight={0: 1.0, 1: 3.0},
                verbose=0,
            ).history
        )
    assert list(histories[0]) == list(histories[1])
    for name, values in histories[1].items():
        np.testing.assert_allclose(histories[0][name], values, rtol=1e-5, atol=1e-6, err_msg=name)
    for a, b in zip(ours.get_weights(), values_of(theirs)):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)


BAD = [
    ("no layers", lambda: fkeras.Sequential().build((None, 4)), "no layers"),
    ("no shape", lambda: fkeras.Sequential([layers.Dense(1)]).build(), r"build\(\(None, 4\)\)"),
    ("nothing to pop", lambda: fkeras.Sequential().pop(), "no layer to pop"),
    (
        "B116 an Input in the middle",
        lambda: fkeras.Sequential([layers.Dense(1), fkeras.Input((4,))]),
        r"can only come first, not behind \['dense'\]",
    ),
    ("no layer at all", lambda: fkeras.Sequential([3]), "3"),
    (
        "one layer twice",
        lambda: fkeras.Sequential(
            [fkeras.Input((4,)), layers.Dense(1, name="d"), layers.Dense(1, name="d")]
        ),
        "unique|d",
    ),
    (
        "another input shape",
        lambda: fkeras.Sequential([fkeras.Input((4,)), layers.Dense(1)]).build((None, 5)),
        r"\(None, 4\)",
    ),
    (
        "a wrong rank",
        lambda: fkeras.Sequential([fkeras.Input((4,)), layers.Dense(1)])(X[0, :3]),
        "expected",
    ),
]


@pytest.mark.parametrize(("what", "make", "message"), BAD, ids=[row[0] for row in BAD])
def test_a_wrong_stack_is_a_clear_error(what, make, message):
    with pytest.raises((ValueError, TypeError), match=message):
        make()
