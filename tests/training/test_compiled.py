"""What `compile` chose, and what was made of it since."""

import copy
import pickle
import threading

import jax
import numpy as np
import pytest

import fkeras
from fkeras import layers
from fkeras.errors import UserInputError
from fkeras.layers.base import tracking
from fkeras.training.compiled import Compiled, CompileOptions, with_loss_scaling

X, Y = np.ones((4, 3), "float32"), np.ones((4, 1), "float32")


@pytest.fixture
def model():
    model = fkeras.Sequential([fkeras.Input((3,)), layers.Dense(2), layers.Dense(1)])
    model.compile("adam", "mse", metrics=["mae"])
    model.init_state(jax.random.key(0), (X, Y))
    return model


@pytest.mark.parametrize("steps", [0, -1, 1.5, "2"])
def test_steps_per_execution_are_checked_wherever_they_are_set(model, steps):
    with pytest.raises(UserInputError, match="`steps_per_execution` must be an int of 1 or more"):
        CompileOptions(steps_per_execution=steps)
    with pytest.raises(UserInputError, match="`steps_per_execution`"):
        model.steps_per_execution = steps
    assert model.steps_per_execution == 1


def test_executables_serve_while_the_variables_are_the_same(model):
    compiled = model._compiled
    first = compiled.executables_for(model)
    assert compiled.executables_for(model) is first
    assert compiled.executables_for(model, weights_only=True) is first
    model.layers[0].trainable = False  # counts at the next `compile`
    assert compiled.executables_for(model) is first
    compiled.change(fuse=False)
    assert compiled.executables_for(model) is not first
    model.compile("adam", "mse")
    assert compiled.executables is None


def test_a_compile_that_fails_changes_nothing(model):
    before = dict(vars(model._compiled))
    for arguments in ({"loss": "mze"}, {"metrics": "mae"}, {"steps_per_execution": 0}):
        with pytest.raises(ValueError):
            model.compile("sgd", **arguments)
    assert vars(model._compiled) == before


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))])
def test_copies_take_choices_and_counts_along_and_train_by_themselves(model, copied):
    model.fit(X, Y, verbose=0)
    model.train_on_batch(X, Y)
    twin = copied(model)
    compiled = twin._compiled
    assert compiled.executables is None and compiled.output_specs == {}
    assert twin.training_progress == model.training_progress == {"steps": 2, "epochs": 1}
    assert compiled.options == model._compiled.options
    assert twin.train_on_batch(X, Y) == model.train_on_batch(X, Y)
    for a, b in zip(model.get_weights(), twin.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_results_come_in_keras_order(model):
    compiled, structure = model._compiled, tracking.structure_of(model)
    assert compiled.result_names(structure) == ["loss", "mae"]
    logs = {"more": 1, "mae": 2, "loss": 3}
    assert list(compiled.in_evaluate_order(logs, structure)) == ["loss", "mae", "more"]
    assert [m.name for m in compiled.metric_objects(structure)] == ["loss", "compile_metrics"]


def test_toggled_flags_are_told_of_once(model):
    model.layers[0].trainable = False
    with pytest.warns(UserWarning, match="`trainable` of dense was changed after `compile") as told:
        model._compiled.warn_of_toggled_flags(model)
        model._compiled.warn_of_toggled_flags(model)
    assert len(told) == 1 and told[0].filename == __file__


def test_nothing_can_be_asked_of_a_model_that_was_not_compiled():
    with pytest.raises(UserInputError, match=r"must call `compile\(\)`.*`fit` needs"):
        Compiled().require("fit")


def test_loss_scaling_is_put_around_once():
    scaled = with_loss_scaling(fkeras.optimizers.SGD())
    assert isinstance(scaled, fkeras.optimizers.LossScaleOptimizer)
    assert with_loss_scaling(scaled) is scaled and with_loss_scaling(None) is None


def test_progress_goes_through_a_property(model):
    model.training_progress = {"steps": 7, "epochs": 3}
    assert model.training_progress == {"steps": 7, "epochs": 3}
    assert int(model.train_state().step) == 7


@pytest.mark.parametrize("train", [
    lambda model: model.fit(X, Y, verbose=0),
    lambda model: model.train_on_batch(X, Y),
])  # fmt: skip
def test_another_thread_cannot_train_the_model_meanwhile_but_a_callback_can(model, train):
    errors = []

    def try_it():
        try:
            train(model)
        except UserInputError as error:
            errors.append(str(error))

    class Trains(fkeras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            thread = threading.Thread(target=try_it)
            thread.start()
            thread.join()
            train(model)

    model.fit(X, Y, verbose=0, callbacks=[Trains()])
    assert len(errors) == 1 and "is being trained on another thread" in errors[0]
    assert model.training_progress["steps"] == 2
    thread = threading.Thread(target=try_it)
    thread.start()
    thread.join()
    assert len(errors) == 1 and model.training_progress["steps"] == 3
