"""Variables that no model owns act in compiled steps when they are assigned."""

import jax.numpy as jnp
import numpy as np
import pytest

import fkeras
from fkeras import layers, ops
from fkeras.training.outside import Outside

X = np.ones((4, 1), "float32")
Y = 0 * X


def state(value):
    return fkeras.Variable(value, trainable=False)


def one_weight(loss="mse", rate=0.0, metrics=None, compile_options=(), **options):
    dense = layers.Dense(1, use_bias=False, kernel_initializer="ones", **options)
    model = fkeras.Sequential([fkeras.Input((1,)), dense])
    optimizer = fkeras.optimizers.SGD(rate)
    model.compile(optimizer, loss, metrics=metrics, **dict(compile_options))
    return model


class Assigning(fkeras.callbacks.Callback):
    """Gives a Variable the number of the epoch, from 1."""

    def __init__(self, variable):
        super().__init__()
        self.variable = variable

    def on_epoch_begin(self, epoch, logs=None):
        self.variable.assign(float(epoch + 1))


class AssigningEachBatch(Assigning):
    def on_epoch_begin(self, epoch, logs=None):
        pass

    def on_train_batch_begin(self, batch, logs=None):
        self.variable.assign(float(batch + 1))


class Strength(fkeras.regularizers.Regularizer):
    def __init__(self, factor):
        self.factor = factor

    def __call__(self, x):
        return self.factor * ops.sum(ops.square(x))


class Rate(fkeras.optimizers.schedules.LearningRateSchedule):
    def __init__(self, rate):
        self.rate = rate

    def __call__(self, step):
        return self.rate * 1.0


class Scaled(fkeras.losses.Loss):
    def __init__(self, factor):
        super().__init__()
        self.factor = factor

    def call(self, y_true, y_pred):
        return self.factor * ops.mean(ops.square(y_true - y_pred), axis=-1)


def scaled(factor):
    return lambda y, p: factor * ops.mean(ops.square(y - p), axis=-1)


# What holds the Variable -> the model, whose loss is the Variable's value (plus the second number).
HOLDERS = {
    "function": (lambda v: one_weight(scaled(v)), 0),
    "loss object": (lambda v: one_weight(Scaled(v)), 0),
    "regularizer": (lambda v: one_weight(kernel_regularizer=Strength(v)), 1),
    "activity regularizer": (lambda v: one_weight(activity_regularizer=Strength(v)), 1),
    "lambda layer": (
        lambda v: compiled(layers.Lambda(lambda x: x * ops.sqrt(v))),
        0,
    ),
    "initializer's closure": (lambda v: one_weight(lambda y, p: v + 0 * ops.mean(p)), 0),
    "loss weight": (lambda v: one_weight(["mse"], compile_options={"loss_weights": [v]}), 0),
}


def compiled(layer):
    model = fkeras.Sequential([fkeras.Input((1,)), layer])
    model.compile(fkeras.optimizers.SGD(0.0), "mse")
    return model


FORMS = {"fused": {}, "single": {"fuse": False}, "eager": {"run_eagerly": True}}


@pytest.mark.filterwarnings("ignore:Model .* has no weights")
@pytest.mark.parametrize("holder", HOLDERS)
def test_an_assignment_acts_at_the_next_step(holder):
    make, extra = HOLDERS[holder]
    v = state(1.0)
    model = make(v)
    history = model.fit(X, Y, epochs=3, verbose=0, callbacks=[Assigning(v)]).history
    assert history["loss"] == pytest.approx([1 + extra, 2 + extra, 3 + extra], rel=1e-5)
    for value, call in (
        (4.0, lambda: model.train_on_batch(X, Y)),
        (5.0, lambda: model.test_on_batch(X, Y)),
        (6.0, lambda: model.evaluate(X, Y, verbose=0)),
        (7.0, lambda: model.fit(X, Y, verbose=0).history["loss"][0]),
    ):
        v.assign(value)
        assert call() == pytest.approx(value + extra, rel=1e-5)


@pytest.mark.parametrize("form", FORMS)
def test_in_every_form_of_fit_and_in_its_validation(form):
    v = state(1.0)
    model = one_weight(scaled(v))
    model.compile(fkeras.optimizers.SGD(0.0), scaled(v), **FORMS[form])
    history = model.fit(
        X, Y, batch_size=2, epochs=2, verbose=0, validation_data=(X, Y), callbacks=[Assigning(v)]
    ).history
    assert history["loss"] == history["val_loss"] == [1, 2]
    history = model.fit(X, Y, batch_size=2, verbose=0, callbacks=[AssigningEachBatch(v)]).history
    assert history["loss"] == [1.5]


def test_a_metric_and_a_schedule():
    v = state(0.0)
    model = one_weight(
        rate=Rate(v), metrics=[fkeras.metrics.MeanMetricWrapper(scaled(v), name="m")]
    )
    assert model.evaluate(X, Y, verbose=0)[1] == 0
    model.fit(X, Y, verbose=0)
    v.assign(0.25)
    assert model.evaluate(X, Y, verbose=0)[1] == 0.25
    model.fit(X, Y, verbose=0)  # the gradient of the kernel 1 is 2
    assert model.get_weights()[0].tolist() == [[0.5]]


def test_predictions():
    v = state(1.0)
    model = fkeras.Sequential([fkeras.Input((1,)), layers.Lambda(lambda x: x * v)])
    for value in (2.0, 3.0):
        v.assign(value)
        x = np.ones((96, 1), "float32")
        for outputs in (
            model.predict(X, verbose=0),
            model.predict_on_batch(X),
            model.predict(x, batch_size=8, verbose=0),
            model(X),
        ):
            assert np.unique(outputs).tolist() == [value]


def test_functions_for_loops_of_ones_own():
    v = state(1.0)
    model = one_weight(scaled(v), rate=Rate(v))
    model.train_on_batch(X, Y)
    model.set_weights([np.ones((1, 1))])
    step = model.make_train_function()
    for value in (0.0, 0.25):
        v.assign(value)
        groups = list(model._compiled.groups(model).values())
        logs, new = step(groups, iter([(X, Y)]))
        assert new[0][0].tolist() == [[1 - 2 * value * value]]


def test_it_is_traced_again_once_and_then_not():
    traces = []
    v = state(1.0)

    def loss(y, p):
        traces.append(1)
        return v * ops.mean(ops.square(y - p), axis=-1)

    model = one_weight(loss)
    for i in range(3):
        v.assign(float(i))
        model.train_on_batch(X, Y)
    count = len(traces)
    for i in range(3):
        v.assign(float(i))
        assert model.train_on_batch(X, Y) == i
    assert len(traces) == count


def test_what_never_changes_stays_a_constant():
    v = state(2.0)
    model = one_weight(scaled(v))
    model.fit(X, Y, epochs=2, verbose=0)
    executables = model._compiled.executables
    assert executables._outside["train"].arguments == []
    v.assign(3.0)
    model.fit(X, Y, verbose=0)
    assert executables._outside["train"].arguments == [v]


def test_a_frozen_model_in_a_loss_follows_its_weights():
    teacher = one_weight()
    teacher.trainable = False
    model = one_weight(lambda y, p: ops.square(p - teacher(y + 1)))
    assert model.train_on_batch(X, Y) == 0
    teacher.set_weights([np.full((1, 1), 3.0)])
    assert model.train_on_batch(X, Y) == 4


def test_a_value_that_a_loop_holds_is_copied():
    """A callback evaluates another model, whose loss reads a weight of the one that is trained."""
    model = one_weight(rate=0.25)
    weight = model.weights[0]
    other = compiled(layers.Lambda(lambda x: x * ops.stop_gradient(weight)))
    seen = []

    class Looking(fkeras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            seen.append(float(other.predict(X, verbose=0)[0, 0]))

    model.fit(X, Y, epochs=3, verbose=0, callbacks=[Looking()])
    assert seen == [0.5, 0.25, 0.125]


def test_the_parts():
    outside, v = Outside(), state(1.0)
    with outside.lent([]), fkeras.core.values.lending.lent([], []):
        assert float(v) == 1
    assert not outside.has_changed()
    v.assign(2.0)
    assert outside.has_changed()
    outside.make_arguments()
    assert [float(x) for x in outside.values()] == [2]
    with outside.lent([jnp.float32(5)]):
        assert float(v) == 5
    assert float(v) == 2 and not outside.has_changed()
