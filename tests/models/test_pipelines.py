"""`fit`, `evaluate` and `predict` on `fkeras.data.Dataset`."""

import numpy as np
import pytest

import fkeras
from fkeras.data import Dataset
from fkeras.errors import UserInputError

X = np.random.default_rng(0).normal(size=(12, 3)).astype("float32")
Y = (X.sum(1, keepdims=True) > 0).astype("float32")
W = np.linspace(0.1, 2.0, 12, dtype="float32")
BATCH = 4


@pytest.fixture(scope="module")
def model():
    made = fkeras.Sequential([fkeras.Input((3,)), fkeras.layers.Dense(1, activation="sigmoid")])
    made.compile("sgd", "binary_crossentropy", weighted_metrics=["accuracy"])
    made.first_weights = made.get_weights()
    return made


def trained(model, *args, **kwargs):
    model.set_weights(model.first_weights)
    history = model.fit(*args, verbose=0, **kwargs).history
    return [*model.get_weights(), *history.values()]


def sliced(*parts):
    return Dataset.from_tensor_slices(parts)


EQUAL = [
    (sliced(X, Y).batch(BATCH), (X, Y), {}),
    (sliced(X, Y, W).batch(BATCH), (X, Y, W), {}),
    (sliced(X, Y).batch(BATCH), (X, Y), {"class_weight": {0: 1.0, 1: 3.0}}),
    (sliced(X, Y).map(lambda x, y: (x, y), 2).batch(BATCH).prefetch(1), (X, Y), {}),
]


@pytest.mark.parametrize("dataset, arrays, options", EQUAL)
def test_training_is_that_on_the_arrays(model, dataset, arrays, options):
    x, y, *weights = arrays
    expected = trained(
        model, x, y, sample_weight=weights[0] if weights else None, batch_size=BATCH,
        shuffle=False, epochs=2, validation_data=arrays, validation_batch_size=BATCH, **options,
    )  # fmt: skip
    received = trained(model, dataset, epochs=2, validation_data=dataset, **options)
    for one, other in zip(received, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-6)


def test_steps_go_on_in_the_data_where_the_last_epoch_stopped(model):
    seen = []
    dataset = Dataset.range(3).map(lambda i: (seen.append(int(i)), (X[:BATCH], Y[:BATCH]))[1])
    model.fit(dataset.repeat(), epochs=2, steps_per_epoch=2, verbose=0)
    assert seen[:4] == [0, 1, 2, 0]


def test_evaluate_and_predict(model):
    dataset = sliced(X, Y).batch(BATCH)
    expected = model.evaluate(X, Y, batch_size=BATCH, verbose=0)
    assert model.evaluate(dataset, verbose=0) == pytest.approx(expected, rel=1e-6)
    assert model.evaluate(dataset.repeat(), steps=3, verbose=0) == pytest.approx(expected, rel=1e-6)
    expected = model.predict(X, batch_size=BATCH, verbose=0)
    inputs = dataset.map(lambda x, y: x)
    for data in (dataset, inputs, inputs.unbatch().batch(BATCH)):
        np.testing.assert_allclose(model.predict(data, verbose=0), expected, rtol=1e-6)


ENDLESS = [
    ("fit", "steps_per_epoch", lambda model, data: model.fit(data)),
    ("evaluate", "steps", lambda model, data: model.evaluate(data)),
    ("predict", "steps", lambda model, data: model.predict(data)),
    ("validation", "validation_steps", lambda m, data: m.fit(X, Y, validation_data=data)),
]


@pytest.mark.parametrize("role, argument, call", ENDLESS)
def test_data_without_end_need_a_number_of_steps(model, role, argument, call):
    with pytest.raises(UserInputError, match=f"without end.*pass `{argument}`"):
        call(model, sliced(X, Y).batch(BATCH).repeat())


def test_samples_that_are_not_in_batches_are_explained(model):
    with pytest.raises(UserInputError, match="group the samples into batches"):
        model.fit(sliced(X, Y[:, 0]), verbose=0)


def test_an_error_of_the_user_comes_from_the_user_s_line(model):
    def broken():
        yield X[0], Y[0]
        raise KeyError("in the generator")

    with pytest.raises(KeyError, match="in the generator") as raised:
        model.fit(Dataset.from_generator(broken).batch(BATCH), verbose=0)
    assert raised.traceback[-1].name == "broken"


def test_a_loop_of_one_s_own(model):
    x, y = next(iter(sliced(X, Y).batch(BATCH)))
    expected = model.predict_on_batch(X[:BATCH])
    np.testing.assert_allclose(model(x), expected, rtol=1e-6)
    np.testing.assert_allclose(model.predict_on_batch(x), expected, rtol=1e-6)
    loss = fkeras.losses.binary_crossentropy(y, model(x))
    np.testing.assert_allclose(
        loss, fkeras.losses.binary_crossentropy(Y[:BATCH], expected), rtol=1e-5
    )
    model.train_on_batch(x, y)
