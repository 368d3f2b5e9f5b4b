"""Metrics of users in training: what `result` returns, where state is made, who lists them."""

import jax.numpy as jnp
import numpy as np
import pytest

import fkeras
from fkeras import layers, ops

X = np.random.default_rng(0).normal(size=(8, 3)).astype("float32")
Y = X[:, :1]


class Counting(fkeras.metrics.Metric):
    """Counts batches; subclasses say what `result` returns."""

    def __init__(self, name="counting", **kwargs):
        super().__init__(name=name, **kwargs)
        self.count = self.add_variable(shape=(), name="count")

    def update_state(self, y_true, y_pred, sample_weight=None):
        self.count.assign_add(1.0)


class OfVariable(Counting):
    def result(self):
        return self.count


class OfDict(Counting):
    def result(self):
        return {"rec": self.count, "inner": {"prec": self.count * 2}}


class PartlyBuilt(Counting):
    made = False

    def update_state(self, y_true, y_pred, sample_weight=None):
        super().update_state(y_true, y_pred)
        if not self.made:
            self.sums = self.add_variable(shape=(y_pred.shape[-1],), name="sums")
            self.made = True
        self.sums.assign_add(ops.sum(y_true, axis=0))

    def result(self):
        return ops.sum(self.sums)


def dense(**options):
    return fkeras.Sequential([fkeras.Input((3,)), layers.Dense(1, **options)])


def two_outputs():
    x = fkeras.Input((3,))
    return fkeras.Model(x, [layers.Dense(1, name="a")(x), layers.Dense(1, name="b")(x)])


# Whole epochs in a call, many steps in a call, single steps, plain Python.
FORMS = {
    "whole epochs": {},
    "steps": {"steps_per_execution": 2},
    "single": {"fuse": False},
    "eager": {"run_eagerly": True},
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    ("metric", "expected"),
    [
        (OfVariable, {"counting": 4.0}),
        (OfDict, {"rec": 4.0, "prec": 8.0}),
        (PartlyBuilt, {"counting": float(Y.sum())}),
    ],
)
def test_a_result_may_be_a_variable_a_dict_or_of_state_made_late(metric, expected, form):
    if metric is PartlyBuilt and form == "eager":
        pytest.skip("the same; one less")
    model = dense()
    model.compile("sgd", "mse", metrics=[metric()], **FORMS[form])
    history = model.fit(X, Y, batch_size=2, epochs=2, validation_data=(X, Y), verbose=0).history
    logs = model.evaluate(X, Y, batch_size=2, verbose=0, return_dict=True)
    listed = model.evaluate(X, Y, batch_size=2, verbose=0)
    assert model.metrics_names == ["loss", *expected] and all(type(v) is float for v in listed)
    for name, value in expected.items():
        if metric is PartlyBuilt:
            value = pytest.approx(value, rel=1e-5)
        else:
            assert history[f"val_{name}"] == [value] * 2
        assert history[name][1] == value and logs[name] == value
    model.train_on_batch(X, Y)
    assert np.isfinite(model.evaluate(X, Y, verbose=0)[0])


def test_entries_of_a_dict_can_be_monitored_and_shown():
    model = dense()
    model.compile("sgd", "mse", metrics=[OfDict()])
    stop = fkeras.callbacks.EarlyStopping("val_rec", patience=1, mode="max")
    history = model.fit(X, Y, epochs=5, verbose=2, validation_data=(X, Y), callbacks=[stop])
    assert len(history.epoch) == 2
    with pytest.raises(ValueError, match="val_rek"):
        wrong = fkeras.callbacks.EarlyStopping("val_rek", mode="max")
        model.fit(X, Y, verbose=0, validation_data=(X, Y), callbacks=[wrong])


def test_dicts_of_two_outputs_keep_apart():
    model = two_outputs()
    model.compile("sgd", "mse", metrics=[OfDict()])
    logs = model.evaluate(X, [Y, Y], batch_size=4, verbose=0, return_dict=True)
    assert logs["a_rec"] == 2 and logs["b_prec"] == 4


def test_a_variable_as_result_survives_donation():
    """What leaves a step must not share the buffer that the next step consumes."""

    class State(Counting):
        def result(self):
            return self.count.value

    model = dense()
    model.compile("sgd", "mse", metrics=[State(), OfVariable(name="again")])
    history = model.fit(X, Y, batch_size=1, steps_per_epoch=4, epochs=2, verbose=0).history
    assert history["counting"] == history["again"] == [4.0] * 2


@pytest.mark.parametrize(
    "metrics", [lambda m: [[m], [m]], lambda m: [m], lambda m: {"a": m, "b": m}]
)
@pytest.mark.parametrize(
    "make",
    [
        fkeras.metrics.MeanAbsoluteError,
        lambda name: fkeras.metrics.MeanMetricWrapper(fkeras.losses.mean_absolute_error, name=name),
    ],
)
def test_one_metric_object_gives_each_output_its_own_number(metrics, make):
    model = two_outputs()
    model.compile("sgd", "mse", metrics=metrics(make(name="e")))
    logs = model.evaluate(X, [Y, Y + 10], verbose=0, return_dict=True)
    a, b = model.predict(X, verbose=0)
    assert logs["a_e"] == pytest.approx(np.abs(a - Y).mean(), rel=1e-4)
    assert logs["b_e"] == pytest.approx(np.abs(b - Y - 10).mean(), rel=1e-4)


def test_one_object_as_metric_and_weighted_metric():
    model, metric = dense(), fkeras.metrics.MeanSquaredError(name="e")
    model.compile("sgd", "mse", metrics=[metric], weighted_metrics=[metric])
    weights = np.arange(8.0)
    logs = model.evaluate(X, Y, sample_weight=weights, verbose=0, return_dict=True)
    squares = np.square(model.predict(X, verbose=0) - Y)[:, 0]
    assert logs["e"] == pytest.approx(squares.mean(), rel=1e-4)
    assert logs["weighted_e"] == pytest.approx(np.average(squares, weights=weights), rel=1e-4)


def test_an_object_whose_parts_would_be_shared_is_refused():
    class Holding(fkeras.metrics.Metric):
        def __init__(self, inner, name="holding"):
            super().__init__(name=name)
            self.inner = inner

        def update_state(self, y_true, y_pred, sample_weight=None):
            self.inner.update_state(y_pred)

        def result(self):
            return self.inner.result()

    model = two_outputs()
    model.compile("sgd", "mse", metrics=[Holding(fkeras.metrics.Mean())])
    with pytest.raises(ValueError, match="'holding' is given for several outputs"):
        model.evaluate(X, [Y, Y], verbose=0)


def own_square(y_true, y_pred):
    return ops.square(y_true - y_pred)


def r2(y_true, y_pred):
    rest = ops.sum(ops.square(y_true - y_pred))
    return 1 - rest / ops.sum(ops.square(y_true - ops.mean(y_true)))


@pytest.mark.parametrize("rows", [(6,), (6, 1)])
def test_functions_of_users_see_targets_at_the_rank_of_predictions(rows):
    v = np.arange(6.0)
    wrapped = fkeras.metrics.MeanMetricWrapper(own_square, name="wrapped")
    model = fkeras.Sequential(
        [fkeras.Input((1,)), layers.Dense(1, kernel_initializer="ones", use_bias=False)]
    )
    model.compile("sgd", own_square, metrics=[own_square, r2], weighted_metrics=[wrapped])
    logs = model.evaluate(v[:, None], v.reshape(rows), verbose=0, return_dict=True)
    assert logs == {"loss": 0, "own_square": 0, "r2": 1, "wrapped": 0}
    assert float(fkeras.metrics.MeanMetricWrapper(own_square)(v, v[:, None])) == 0


def test_structures_reach_a_function_as_they_are():
    seen = []
    metric = fkeras.metrics.MeanMetricWrapper(lambda y, p: seen.append((y, p)) or jnp.zeros(2))
    metric.update_state({"a": np.ones(2)}, [np.ones(2), np.ones(2)])
    assert set(seen[0][0]) == {"a"} and len(seen[0][1]) == 2


class ListsItsOwn(fkeras.Model):
    """Overrides `metrics` without those of `compile`, as many examples of generative models do."""

    def __init__(self):
        super().__init__()
        self.dense = layers.Dense(1)
        self.seen = fkeras.metrics.Mean(name="seen")
        self.hidden = fkeras.metrics.Mean(name="hidden")

    @property
    def metrics(self):
        return [self.seen]

    def call(self, x):
        self.seen.update_state(ops.mean(x))
        self.hidden.update_state(ops.mean(x))
        return self.dense(x)


@pytest.mark.parametrize("form", FORMS)
def test_metrics_may_be_overridden_without_super(form):
    model = ListsItsOwn()
    model.compile("sgd", "mse", metrics=["mae"], **FORMS[form])
    history = model.fit(X, Y, epochs=3, validation_data=(X, Y), verbose=0).history
    assert {"loss", "mae", "seen", "val_seen"} <= set(history) and "hidden" not in history
    assert history["loss"][2] < history["loss"][0]
    assert history["seen"] == pytest.approx([X.mean()] * 3, rel=1e-4)
    logs = model.evaluate(X, Y, verbose=0, return_dict=True)
    expected = np.square(model.predict(X, verbose=0) - Y).mean()
    assert logs["loss"] == pytest.approx(expected, rel=1e-4)
    assert model.evaluate(X, Y, verbose=0)[0] == logs["loss"]
    assert set(model.train_on_batch(X, Y, return_dict=True)) == {"loss", "mae", "seen"}


def test_overridden_metrics_work_in_pure_steps_and_in_steps_of_ones_own():
    class Own(ListsItsOwn):
        def train_step(self, state, data):
            logs, state = super().train_step(state, data)
            return {"own": logs["loss"]}, state

    model = Own()
    model.compile("sgd", "mse")
    assert list(model.fit(X, Y, epochs=2, verbose=0).history) == ["own"]
    state, logs = model.step(model.train_state(), (X, Y))
    assert list(logs) == ["own"] and int(state.step) == 3


def test_overridden_metrics_with_several_losses():
    class Two(fkeras.Model):
        def __init__(self):
            super().__init__()
            self.a, self.b = layers.Dense(1), layers.Dense(1)
            self.seen = fkeras.metrics.Mean(name="seen")

        @property
        def metrics(self):
            return [self.seen]

        def call(self, x):
            return {"a": self.a(x), "b": self.b(x)}

    model = Two()
    model.compile("sgd", "mse")
    logs = model.evaluate(X, {"a": Y, "b": Y}, verbose=0, return_dict=True)
    assert logs["loss"] == pytest.approx(logs["a_loss"] + logs["b_loss"], rel=1e-5)
