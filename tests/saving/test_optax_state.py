"""A model compiled with an Optax transformation: a file has its state, but not itself."""

import numpy as np
import optax
import pytest

import fkeras
from fkeras import layers, saving
from tests.saving.models import X, Y

FILES = {
    "model.keras": {},
    "model.h5": {},
    "model": {},
    "directory": {"zipped": False},
}


def transformation():
    return optax.chain(optax.clip_by_global_norm(1.0), optax.adam(0.05))


def trained():
    model = fkeras.Sequential(
        [fkeras.Input((3,)), layers.Dense(2), layers.Dropout(0.5), layers.Dense(1)]
    )
    model.compile(transformation(), "mse", metrics=["mae"])
    model.fit(X, Y, batch_size=4, verbose=0)
    return model


def go_on(model):
    losses = model.fit(X, Y, batch_size=4, epochs=2, verbose=0).history["loss"]
    return losses, model.get_weights()


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory):
    """A model in each format, and how its training went on."""
    folder = tmp_path_factory.mktemp("optax")
    trained()  # so that automatic names count on
    model = trained()
    for name, options in FILES.items():
        model.save(folder / name, **options)
    model.save_weights(folder / "model.weights.h5")
    return folder, *go_on(model)


def assert_goes_on(model, uninterrupted):
    losses, weights = go_on(model)
    assert losses == uninterrupted[1]
    for ours, theirs in zip(weights, uninterrupted[2], strict=True):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("name", FILES)
def test_training_goes_on_once_the_transformation_is_given_again(uninterrupted, name):
    with pytest.warns(UserWarning, match="Call `compile` with the same transformation"):
        model = saving.load_model(uninterrupted[0] / name)
    assert not model.compiled
    model.compile(transformation(), "mse", metrics=["mae"])
    assert_goes_on(model, uninterrupted)


@pytest.mark.parametrize("name", ["model.keras", "model"])
def test_the_transformation_can_be_given_where_the_model_is_loaded(uninterrupted, name):
    given = {"transformation": transformation()}
    model = saving.load_model(uninterrupted[0] / name, custom_objects=given)
    assert model.get_compile_config()["metrics"] == ["mae"]
    assert_goes_on(model, uninterrupted)


def test_the_state_of_another_optimizer_is_left_out(uninterrupted):
    with pytest.warns(UserWarning, match="not compiled"):
        model = saving.load_model(uninterrupted[0] / "model.keras")
    with pytest.warns(UserWarning, match="is not one of 'sgd', which starts anew"):
        model.compile("sgd", "mse")
    model.compile("sgd", "mse")  # told once


def test_weights_alone_have_the_state_too(uninterrupted):
    model = trained()
    model.load_weights(uninterrupted[0] / "model.weights.h5")
    count = model.optimizer.iterations.numpy()
    assert count == 2 and not np.any(np.isnan(model.get_weights()[0]))


def test_wrapped_transformations_are_missed_as_well(tmp_path):
    model = fkeras.Sequential([fkeras.Input((3,)), layers.Dense(1)])
    wrapped = fkeras.optimizers.LossScaleOptimizer(
        fkeras.optimizers.OptaxOptimizer(optax.sgd(0.1, momentum=0.9))
    )
    model.compile(wrapped, "mse")
    model.train_on_batch(X, Y)
    model.save(tmp_path / "model.keras")
    with pytest.warns(UserWarning, match="Optax transformation"):
        again = saving.load_model(tmp_path / "model.keras")
    again.compile(
        fkeras.optimizers.LossScaleOptimizer(
            fkeras.optimizers.OptaxOptimizer(optax.sgd(0.1, momentum=0.9))
        ),
        "mse",
    )
    assert again.train_on_batch(X, Y) == model.train_on_batch(X, Y)
