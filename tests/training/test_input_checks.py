"""Data against the model, before a step is compiled."""

import jax
import numpy as np
import pytest
from jax.sharding import AxisType, NamedSharding, PartitionSpec

import fkeras
from fkeras import layers
from fkeras.data import make_source
from fkeras.errors import UserInputError
from fkeras.training import first_batch
from fkeras.training.input_checks import check_source
from fkeras.training.value_checks import check_ids

X, Y = np.ones((4, 3), "float32"), np.ones((4, 1), "float32")
NAN = np.where(np.arange(12).reshape(4, 3) == 5, np.nan, 1).astype("float32")


def model_with(loss="mse", last=None):
    model = fkeras.Sequential([fkeras.Input((3,)), last or layers.Dense(1)])
    model.compile("sgd", loss)
    return model


def check(model, x, y=None, role="fit", **arguments):
    source = make_source(x, y, batch_size=2)
    first_batch.prepare(model, model._compiled, (X, Y))
    check_source(model, model._compiled, source, role, **arguments)


@pytest.mark.parametrize("role", ["fit", "validation_data"])
def test_nan_is_told_of_unless_a_callback_looks_after_it(role):
    with pytest.raises(UserInputError, match="NaN"):
        check(model_with(), NAN, Y, role)
    check(model_with(), NAN, Y, role, tolerate_nan=True)
    check(model_with(), NAN, Y, "evaluate")


def test_what_the_users_own_step_makes_of_data_is_not_judged():
    class Own(fkeras.Sequential):
        def train_step(self, state, data):
            return {}, state

    model = Own([fkeras.Input((3,)), layers.Dense(1)])
    model.compile("sgd", "mse")
    check(model, NAN)  # no targets either


def test_a_loss_needs_targets():
    with pytest.raises(UserInputError, match="loss='mse', but no targets were given: pass `y`.$"):
        check(model_with(), X)
    with pytest.raises(UserInputError, match=r"did you mean fit\(x, y\) instead"):
        check(model_with(), [X, Y])
    check(model_with(), X, role="predict")


def test_targets_are_held_against_the_outputs_shape():
    with pytest.raises(ValueError, match="shape|classes|range"):
        loss = "sparse_categorical_crossentropy"
        last = layers.Dense(2, activation="softmax")
        check(model_with(loss, last), X, np.full((4, 1), 7))


def test_streams_are_not_looked_at():
    model = model_with()
    source = make_source((NAN, Y) for _ in range(2))
    check_source(model, model._compiled, source, "fit")


def test_ids_are_held_against_the_layers_that_look_them_up():
    layer = layers.Embedding(5, 2)
    check_ids([(layer, 0)], np.array([[0, 4]]))
    check_ids([(layer, 1)], np.array([[0, 9]]))  # another input
    check_ids([(layers.Dense(1), 0)], np.array([[0, 9]]))
    with pytest.raises(ValueError, match="9"):
        check_ids([(layer, 0)], np.array([[0, 9]]))


@pytest.mark.parametrize("scaled", [False, True])
def test_images_of_bytes_want_to_be_scaled(scaled, recwarn):
    images = np.random.default_rng(0).integers(0, 256, (4, 8, 8, 3)).astype("uint8")
    first = [layers.Lambda(lambda x: x / 255)] if scaled else []
    model = fkeras.Sequential([fkeras.Input((8, 8, 3)), *first, layers.Flatten(), layers.Dense(1)])
    model.compile("sgd", "mse")
    model.fit(images, Y, verbose=0)
    told = [str(warning.message) for warning in recwarn]
    assert ["unscaled. Divide them by 255" in text for text in told] == ([] if scaled else [True])


# -- layouts --------------------------------------------------------------------------------------


def explicit(array):
    mesh = jax.make_mesh((1,), ("data",), axis_types=(AxisType.Explicit,))
    return jax.device_put(array, NamedSharding(mesh, PartitionSpec("data")))


WAYS = {
    "fit": lambda m, x, y: m.fit(iter([(x, y)]), verbose=0),
    "evaluate": lambda m, x, y: m.evaluate(iter([(x, y)]), verbose=0),
    "predict": lambda m, x, y: m.predict(iter([(x,)]), verbose=0),
    "train_on_batch": lambda m, x, y: m.train_on_batch(x, y),
    "test_on_batch": lambda m, x, y: m.test_on_batch(x, y),
    "predict_on_batch": lambda m, x, y: m.predict_on_batch(x),
}


@pytest.mark.parametrize("way", WAYS)
def test_batches_on_explicit_axes_need_weights_that_lie_there(way):
    x, y = explicit(np.ones((4, 3), "float32")), explicit(np.ones((4, 1), "float32"))
    model = fkeras.Sequential([fkeras.Input((3,)), layers.Dense(1)])
    model.compile("sgd", "mse")
    with pytest.raises(UserInputError, match="explicit axes.*set_train_state"):
        WAYS[way](model, x, y)
    there = NamedSharding(x.sharding.mesh, PartitionSpec())
    model.set_train_state(jax.device_put(model.train_state(), there))
    WAYS[way](model, x, y)


def test_a_step_takes_explicit_axes():
    x, y = explicit(np.ones((4, 3), "float32")), explicit(np.ones((4, 1), "float32"))
    model = fkeras.Sequential([fkeras.Input((3,)), layers.Dense(1)])
    model.compile("sgd", "mse")
    there = NamedSharding(x.sharding.mesh, PartitionSpec())
    state = jax.device_put(model.train_state(), there)
    state, logs = jax.jit(model.step)(state, (x, y))
    plain, plain_logs = jax.jit(model.step)(model.train_state(), (np.asarray(x), np.asarray(y)))
    np.testing.assert_allclose(logs["loss"], plain_logs["loss"], rtol=1e-6)
    np.testing.assert_allclose(state.params["dense"]["kernel"], plain.params["dense"]["kernel"])
