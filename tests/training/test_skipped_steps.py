"""Steps that loss scaling skips are counted and told, in every form of training."""

import warnings

import numpy as np
import pytest

import fkeras
from fkeras import layers

X = np.random.default_rng(0).normal(size=(24, 4)).astype("float32")
Y = X[:, :1]
BROKEN = X.copy()
BROKEN[8:16] *= 1e4  # of three batches the second


class Watcher(fkeras.callbacks.Callback):
    def on_train_batch_end(self, batch, logs=None):
        pass


def net(optimizer="sgd"):
    dense = layers.Dense(1, dtype="mixed_float16", kernel_initializer="ones")
    model = fkeras.Sequential([fkeras.Input((4,)), dense])
    optimizer = fkeras.optimizers.get(optimizer)
    model.compile(fkeras.optimizers.LossScaleOptimizer(optimizer, initial_scale=64), "mse")
    return model


def batches(x):
    return iter([(x[i : i + 8], Y[i : i + 8]) for i in (0, 8, 16)])


FORMS = {
    "whole epochs": lambda model, x, **o: model.fit(x, Y, batch_size=8, shuffle=False, **o),
    "step by step": lambda model, x, **o: model.fit(
        x, Y, batch_size=8, shuffle=False, callbacks=[Watcher()], **o
    ),
    "a stream": lambda model, x, **o: model.fit(batches(x), **o),
}


@pytest.mark.parametrize("form", FORMS)
def test_a_line_says_at_the_end_how_many_there_were(form, capsys):
    model = net()
    FORMS[form](model, BROKEN, verbose=2)
    shown = capsys.readouterr().out.splitlines()
    assert shown[-1].startswith("Loss scaling skipped 1 of 3 steps") and "is 32." in shown[-1]
    assert model.optimizer.skipped_in_fit == 1 and model.optimizer.applied_steps == 2
    assert model.optimizer.skipped_steps == 0, "in a row, up to now"


def test_nothing_is_said_where_none_is_skipped_or_nothing_is_to_be_printed(capsys):
    model = net()
    model.fit(BROKEN, Y, batch_size=8, shuffle=False, verbose=0)
    assert capsys.readouterr().out == "" and model.optimizer.skipped_in_fit == 1
    model.fit(X, Y, batch_size=8, verbose=2)
    assert "skipped" not in capsys.readouterr().out and model.optimizer.skipped_in_fit == 0


def test_accumulated_gradients_count_as_steps():
    model = net(fkeras.optimizers.SGD(0.1, gradient_accumulation_steps=2))
    model.fit(BROKEN, Y, batch_size=8, shuffle=False, epochs=2, verbose=0)
    assert model.optimizer.skipped_in_fit == 2 and model.optimizer.applied_steps == 4


@pytest.mark.parametrize(("rows", "which"), [(8, "the one step"), (16, "all 2 steps")])
def test_a_fit_that_skips_all_warns_however_short(rows, which):
    model = net()
    before = model.get_weights()
    with pytest.warns(UserWarning, match=f"Loss scaling has skipped {which} of this `fit`"):
        model.fit(X[:rows] * 1e5, Y[:rows] * 1e6, batch_size=8, verbose=0)
    for found, expected in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(found, expected)


def test_steps_on_batches_warn_where_many_follow_each_other():
    model = net()
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        for _ in range(19):
            model.train_on_batch(X[:8] * 1e5, Y[:8] * 1e6)
        assert not told
        model.train_on_batch(X[:8] * 1e5, Y[:8] * 1e6)
    assert [str(w.message)[:45] for w in told] == ["Loss scaling has skipped the last 20 steps in"]


class OwnStep(fkeras.Sequential):
    def train_step(self, state, data):
        return super().train_step(state, data)


def test_a_step_of_ones_own_may_apply_gradients_as_often_as_it_likes():
    model = OwnStep([fkeras.Input((4,)), layers.Dense(1)])
    model.compile(fkeras.optimizers.LossScaleOptimizer("sgd"), "mse")
    assert model._skipped_steps(1) is None and net()._skipped_steps(1) is not None
