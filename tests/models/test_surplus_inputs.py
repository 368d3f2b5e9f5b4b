"""Keys of a dict of inputs that a model does not take are left out, with one warning."""

import numpy as np
import pytest

import fkeras
from fkeras import layers

X = np.random.default_rng(0).normal(size=(8, 4)).astype("float32")
Y = X[:, 0]


def one_input():
    a = fkeras.Input((4,), name="a")
    return fkeras.Model(a, layers.Dense(1)(a)), ["a"]


def list_of_inputs():
    a, b = fkeras.Input((4,), name="a"), fkeras.Input((4,), name="b")
    return fkeras.Model([a, b], layers.Dense(1)(layers.concatenate([a, b]))), ["a", "b"]


def dict_of_inputs():
    a, b = fkeras.Input((4,)), fkeras.Input((4,))
    outputs = layers.Dense(1)(layers.concatenate([a, b]))
    return fkeras.Model({"a": a, "b": b}, outputs), ["a", "b"]


def sequential():
    return fkeras.Sequential([fkeras.Input((4,), name="a"), layers.Dense(1)]), ["a"]


def batches(x):
    for rows in (slice(0, 4), slice(4, 8)):
        yield {key: value[rows] for key, value in x.items()}, Y[rows]


CALLS = {
    "fit": lambda m, x: m.fit(x, Y, epochs=2, validation_data=(x, Y), verbose=0),
    "fit on batches": lambda m, x: m.fit(batches(x), verbose=0),
    "evaluate": lambda m, x: m.evaluate(x, Y, verbose=0),
    "predict": lambda m, x: m.predict(x, verbose=0),
    "train_on_batch": lambda m, x: m.train_on_batch(x, Y),
    "test_on_batch": lambda m, x: m.test_on_batch(x, Y),
    "predict_on_batch": lambda m, x: m.predict_on_batch(x),
    "call": lambda m, x: m(x),
}


@pytest.mark.parametrize("make", [one_input, list_of_inputs, dict_of_inputs, sequential])
@pytest.mark.parametrize("surplus", [X, np.array(list("abcdefgh"))], ids=["numbers", "strings"])
def test_a_surplus_key_is_ignored_with_one_warning(make, surplus):
    model, keys = make()
    model.compile("sgd", "mse")
    x = dict.fromkeys(keys, X)
    expected = model.predict(x, verbose=0)
    for call in ("predict", "predict_on_batch", "call"):
        with pytest.warns(UserWarning, match=r"ignores the input keys \['id'\]") as caught:
            outputs = CALLS[call](model, {"id": surplus, **x})
        assert len(caught) == 1 and caught[0].filename == __file__
        np.testing.assert_allclose(outputs, expected, rtol=1e-5)
    for call in CALLS:
        with pytest.warns(UserWarning, match=r"ignores the input keys \['id'\]") as caught:
            CALLS[call](model, {"id": surplus, **x})
        assert len(caught) == 1, call


def test_a_step_of_ones_own_sees_all_keys():
    seen = []

    class Own(fkeras.Model):
        def compute_loss(self, x=None, **kwargs):
            seen.append(sorted(x))
            return super().compute_loss(x=x, **kwargs)

    a = fkeras.Input((4,), name="a")
    model = Own(a, layers.Dense(1)(a))
    model.compile("sgd", "mse")
    with pytest.warns(UserWarning, match="ignores the input keys"):
        model.train_on_batch({"a": X, "other": X}, Y)
    assert seen[0] == ["a", "other"]


def test_a_missing_key_is_an_error_all_the_same():
    model, _ = list_of_inputs()
    with pytest.raises(ValueError, match='Missing data for input "b"'):
        model({"a": X, "c": X})
