"""Values of batches on the host: of arrays at once, of streams and single batches one by one."""

import jax.numpy as jnp
import numpy as np
import pytest

import fkeras
from fkeras import layers
from fkeras.errors import UserInputError
from fkeras.training import first_batch
from fkeras.training.value_checks import ValueChecks

X, Y = np.ones((4, 3), "float32"), np.ones((4, 1), "float32")
IDS = np.array([0, 1, 1, 0])
WEIGHTS = np.array([1.0, 2.0, 0.0, 1.0])


def model_with(loss="mse", units=1, activation=None, kind=fkeras.Sequential):
    model = kind([fkeras.Input((3,)), layers.Dense(units, activation=activation)])
    model.compile("sgd", loss)
    return model


def classifier():
    return model_with("sparse_categorical_crossentropy", 2, "softmax")


def checks_of(model, role="fit", y=Y, **arguments):
    first_batch.prepare(model, model._compiled, (X, y))
    return ValueChecks(model, model._compiled, role, **arguments)


def spoilt(array, value=np.nan):
    array = np.array(array, "float32")
    array[2] = value
    return array


@pytest.mark.parametrize("batch", [(spoilt(X), Y), (X, spoilt(Y)), (X, Y, spoilt(WEIGHTS))])
def test_nan_is_refused_in_the_first_and_in_later_batches(batch):
    for before in (0, 1):
        checks = checks_of(model_with())
        for _ in range(before):
            checks.check((X, Y, WEIGHTS)[: len(batch)])
        with pytest.raises(UserInputError, match="holds .* NaN"):
            checks.check(batch)
    for role in ("evaluate", "test_on_batch"):  # the result tells
        checks_of(model_with(), role).check((spoilt(X), Y))
    checks_of(model_with(), tolerate_nan=True).check(batch)


def test_targets_of_later_batches_are_looked_at():
    checks = checks_of(classifier(), y=IDS)
    for batch in ((X, IDS), (X, IDS), (X[:2], IDS[:2])):
        checks.check(batch)
    with pytest.raises(UserInputError, match=r"class ids must lie in \[0, 2\).*2 in row 1"):
        checks.check((X, IDS + 1))


def test_large_arrays_of_later_batches_are_not(monkeypatch):
    monkeypatch.setattr("fkeras.training.value_checks._SMALL", 3)
    checks = checks_of(classifier(), y=IDS)
    checks.check((X, IDS))
    checks.check((spoilt(X), IDS + 1))
    with pytest.raises(UserInputError, match="NaN"):
        checks_of(classifier(), y=IDS).check((spoilt(X), IDS))


def test_arrays_on_the_device_are_looked_at_once():
    checks = checks_of(classifier(), y=IDS)
    with pytest.raises(UserInputError, match=r"class ids must lie in \[0, 2\)"):
        checks.check((jnp.asarray(X), jnp.asarray(IDS + 1)))
    checks.check((jnp.asarray(X), jnp.asarray(IDS + 1)))  # a look would wait for the device


@pytest.mark.parametrize("role", ["fit", "validation_data", "evaluate"])
@pytest.mark.parametrize("make", [np.asarray, jnp.asarray])
def test_weights_below_zero_are_refused(role, make):
    checks = checks_of(model_with(), role)
    with pytest.raises(UserInputError, match="^w holds -3: .*weight 0.*loss of your own"):
        checks.check((X, Y, make(spoilt(WEIGHTS, -3))), ("x", "y", "w"))


@pytest.mark.parametrize("role", ["train_on_batch", "test_on_batch"])
def test_weights_below_zero_are_told_of_where_a_loop_may_mean_them(role):
    checks = checks_of(model_with(), role)
    with pytest.warns(UserWarning, match="sample_weight holds -3"):
        checks.check((X, Y, spoilt(WEIGHTS, -3)))


def test_what_the_users_own_loss_makes_of_weights_and_targets_is_not_judged():
    class Own(fkeras.Sequential):
        def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
            return fkeras.ops.mean(y_pred)

    model = model_with("sparse_categorical_crossentropy", 2, kind=Own)
    checks = checks_of(model, y=IDS)
    assert not checks.has_loss
    checks.check((spoilt(X), IDS + 7, -WEIGHTS))


class Lookup(fkeras.Model):
    def __init__(self):
        super().__init__()
        self.embedding, self.head = layers.Embedding(5, 2), layers.Dense(1)

    def call(self, inputs):
        ids = inputs["ids"] if isinstance(inputs, dict) else inputs
        return self.head(self.embedding(ids)[:, 0])


@pytest.mark.parametrize("wrap", [lambda ids: ids, lambda ids: {"extra": X, "ids": ids}])
@pytest.mark.parametrize("role", ["fit", "predict", "predict_on_batch"])
def test_a_trace_tells_which_inputs_a_subclassed_model_looks_up(wrap, role):
    model, good = Lookup(), np.ones((4, 1), "int32")
    model.compile("sgd", "mse")
    first_batch.prepare(model, model._compiled, (wrap(good), Y))
    checks = ValueChecks(model, model._compiled, role)
    checks.check((wrap(good), Y))
    with pytest.raises(UserInputError, match=r"input_dim=5.*id 5 at position \(0, 0\)"):
        checks.check((wrap(good * 5), Y))
