"""The base class: state, its pure forms under jit, vmap and scan, configs; and metrics made of
functions.
"""

import copy
import pathlib
import pickle

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import fkeras
from fkeras import metrics
from fkeras.core.values.masks import set_mask
from fkeras.core.values.variable import Variable
from fkeras.errors import PureCallError, UnknownNameError, UserInputError


class Largest(metrics.Metric):
    def __init__(self, start=0.0, name="largest", dtype=None):
        super().__init__(name=name, dtype=dtype)
        self.start = start
        self.top = self.add_variable(
            shape=(), initializer=lambda shape, dtype: jnp.full(shape, start, dtype), name="top"
        )
        self.seen = self.add_weight(name="seen")

    def update_state(self, values):
        self.top.assign(jnp.maximum(self.top.value, jnp.max(values)))
        self.seen.assign_add(1)

    def result(self):
        return {"top": self.top.value, "seen": self.seen.value}

    def reset_state(self):
        self.top.assign(self.start)  # `seen` counts for ever


def test_state_is_named_after_the_metric_and_is_not_trained():
    top = Largest(name="a/b").top
    assert (top.path, top.trainable, top.aggregation) == ("a>b/top", False, "sum")


def test_pure_forms_leave_the_object_alone():
    metric = Largest(start=1.0)
    state = metric.stateless_update_state(metric.variables, jnp.array([5.0]))
    assert [float(x) for x in state] == [5.0, 1.0]
    assert {k: float(v) for k, v in metric.stateless_result(state).items()} == {
        "top": 5.0,
        "seen": 1.0,
    }
    assert [float(x) for x in metric.stateless_reset_state(state)] == [1.0, 1.0]
    assert [float(v) for v in metric.variables] == [1.0, 0.0]


def test_pure_forms_work_in_scan_and_vmap():
    metric, values = metrics.Mean(), np.arange(12.0, dtype="float32").reshape(3, 4)

    def step(state, batch):
        return metric.stateless_update_state(state, batch), None

    state, _ = jax.lax.scan(step, metric.stateless_reset_state(), values)
    assert float(metric.stateless_result(state)) == values.mean()
    each = jax.vmap(
        lambda batch: metric.stateless_result(
            metric.stateless_update_state(metric.stateless_reset_state(), batch)
        )
    )(values)
    np.testing.assert_allclose(each, values.mean(1))
    assert float(metric.count) == 0


@pytest.mark.parametrize(
    "make", [metrics.R2Score, metrics.F1Score, lambda: metrics.AUC(multi_label=True)]
)
def test_metrics_that_learn_their_shapes_from_a_batch_do_so_in_the_pure_form_too(make):
    y_true, y_pred = jnp.array([[0.0, 1.0], [1.0, 0.0]]), jnp.array([[0.2, 0.7], [0.6, 0.1]])
    metric, other = make(), make()
    state = jax.jit(metric.stateless_update_state)(metric.variables, y_true, y_pred)
    other.update_state(y_true, y_pred)
    np.testing.assert_allclose(metric.stateless_result(state), other.result(), rtol=1e-6)
    assert all(not np.any(v) for v in metric.variables)
    assert len(state) == len(metric.variables)


def test_state_made_in_an_update_in_a_pure_call_is_an_error_and_build_on_the_remedy():
    class Late(metrics.Metric):
        def update_state(self, x):
            if not hasattr(self, "total"):
                self.total = self.add_variable(shape=x.shape[1:], name="total")
            self.total.assign_add(jnp.sum(x, 0))

    class Later(Late):
        def __init__(self):
            super().__init__()
            self.other = self.add_variable(shape=())

    with pytest.raises(UserInputError, match="build_on"):
        later = Later()
        later.stateless_update_state(later.variables, jnp.ones((2, 3)))
    with pytest.raises(PureCallError, match="later_1/total"):  # no tracer is left behind
        later = Later()
        jax.jit(later.stateless_update_state)(later.variables, jnp.ones((2, 3)))
    for metric in (Late(), Later()):
        metric.build_on(jax.ShapeDtypeStruct((2, 3), "float32"))
        assert [
            np.asarray(x).tolist()
            for x in metric.stateless_update_state(metric.variables, jnp.ones((2, 3)))
        ][-1] == [2.0] * 3


@pytest.mark.parametrize(
    ("values", "words"),
    [([jnp.zeros(())], "length 1, but expected 2"), ([jnp.zeros(2)] * 2, r"shape \(\).*\(2,\)")],
)
def test_wrong_state_is_refused(values, words):
    with pytest.raises(UserInputError, match=words):
        metrics.Mean().stateless_update_state(values, jnp.ones(3))


def test_variables_and_metrics_in_attributes_lists_and_dicts_are_state():
    metric = Largest()
    metric.parts = {"a": [metrics.Mean(), metrics.Sum()], "b": (Variable(0.0, trainable=False),)}
    metric.parts["a"].append(metrics.Mean())
    metric.again = metric.parts["a"][0]
    names = [v.name for v in metric.variables]
    assert names[:2] == ["top", "seen"]
    assert len(names) == 2 + 1 + 2 + 1 + 2


def test_a_metric_that_forgets_its_parent_says_so():
    class Forgetful(metrics.Metric):
        def __init__(self):
            self.total = self.add_variable(shape=())

    with pytest.raises(UserInputError, match=r"Forgetful.*super\(\).__init__\(\)"):
        Forgetful()


def test_metrics_can_be_pickled_and_copied():
    metric = metrics.Mean(name="m")
    metric.update_state([2.0, 4.0])
    for other in (pickle.loads(pickle.dumps(metric)), copy.deepcopy(metric)):
        other.update_state([6.0])
        assert (float(other.result()), float(metric.result())) == (4.0, 3.0)
        assert other.get_config() == metric.get_config()


def test_the_config_follows_the_constructor():
    assert Largest(start=2.0).get_config() == {"start": 2.0, "name": "largest", "dtype": "float32"}
    assert float(Largest.from_config(Largest(start=2.0).get_config()).top) == 2.0


# -- metrics of functions ------------------------------------------------------


def test_a_function_that_returns_a_vector_is_averaged():  # B037
    metric = metrics.MeanMetricWrapper(
        lambda y_true, y_pred: jnp.abs(y_true - y_pred)[:, 0], name="mm"
    )
    assert float(metric(jnp.zeros((4, 1)), jnp.arange(4.0)[:, None])) == 1.5


def test_a_function_that_returns_none_is_named():
    def forgetful(y_true, y_pred):
        jnp.mean(y_true)

    with pytest.raises(UserInputError, match="metric fn forgetful returned None"):
        metrics.MeanMetricWrapper(forgetful)(jnp.ones(1), jnp.ones(1))


def test_a_wrapped_function_comes_back_from_its_config():
    metric = metrics.MeanMetricWrapper(fkeras.losses.huber, name="h", delta=2.0)
    again = metrics.MeanMetricWrapper.from_config(metric.get_config())
    assert float(again([[0.0]], [[5.0]])) == 8.0
    assert again._direction == "down"


def test_masks_are_weights():
    y_pred = jnp.array([[1.0], [2.0], [5.0]])
    set_mask(y_pred, jnp.array([True, True, False]))
    metric = metrics.MeanAbsoluteError()
    assert float(metric(jnp.zeros((3, 1)), y_pred)) == 1.5
    metric.reset_state()
    assert (
        float(metric(jnp.zeros((3, 1)), y_pred, sample_weight=jnp.array([3.0, 1.0, 9.0]))) == 1.25
    )


def test_ignored_classes_do_not_count_in_the_mean():
    metric = metrics.SparseCategoricalCrossentropy(ignore_class=-1)
    loss = fkeras.losses.SparseCategoricalCrossentropy(ignore_class=-1)
    y_true, y_pred = [0, -1, 1], [[0.5, 0.5], [0.9, 0.1], [0.2, 0.8]]
    np.testing.assert_allclose(metric(y_true, y_pred), loss(y_true, y_pred), rtol=1e-6)


# -- names ---------------------------------------------------------------------


def test_every_name_that_keras_knows_is_known(keras):
    from keras.src.metrics import ALL_OBJECTS_DICT

    needs_arguments = ("IoU", "At", "MeanMetricWrapper")
    for name, theirs in ALL_OBJECTS_DICT.items():
        if (
            not any(part in theirs.__name__ for part in needs_arguments)
            or theirs.__name__ == "BinaryIoU"
        ):
            assert type(metrics.get(name)).__name__ == theirs.__name__


@pytest.mark.parametrize(
    ("name", "kind"),
    [("acc", metrics.Accuracy), ("kld", metrics.KLDivergence), ("logcosh", metrics.LogCoshError)],
)
def test_short_names(name, kind):
    assert type(metrics.get(name)) is kind


def test_metrics_come_from_classes_configs_functions_and_none():
    assert isinstance(metrics.get(metrics.AUC), metrics.AUC)
    assert metrics.get({"class_name": "AUC", "config": {"num_thresholds": 5}}).num_thresholds == 5
    assert metrics.get("huber") is fkeras.losses.huber
    assert metrics.get(None) is None


def test_an_unknown_name_is_answered_with_the_nearest():  # B028
    with pytest.raises(
        UnknownNameError, match="Unknown metric 'acuracy'. Did you mean 'Accuracy'|'accuracy'"
    ):
        metrics.get("acuracy")


class FailsInside(fkeras.metrics.Metric):
    def update_state(self, values):
        jnp.ones((2, 3)) @ jnp.ones((4, 5))

    def result(self):
        return 0.0


@pytest.mark.parametrize(
    "call",
    [
        lambda: fkeras.metrics.MeanSquaredError().update_state(np.ones((3, 2)), np.ones((4, 3))),
        lambda: FailsInside().update_state(1.0),
        lambda: FailsInside()(1.0),
    ],
)
def test_errors_of_a_direct_call_show_the_users_lines_alone(call):
    with pytest.raises(Exception) as caught:
        call()
    files = {entry.path.name for entry in caught.traceback}
    assert files == {pathlib.Path(__file__).name}


def test_a_variable_is_assigned_to_and_not_replaced():
    class Replacing(Largest):
        def update_state(self, values):
            self.top = jnp.maximum(self.top, jnp.max(values))

    metric = Replacing()
    with pytest.raises(UserInputError, match=r"its attribute `top`, a Variable.*self.top.assign"):
        jax.jit(metric.stateless_update_state)(metric.stateless_reset_state(), jnp.ones(2))


class FormerShare(metrics.Metric):
    """As it was written for TensorFlow 2.4: names first, and `reset_states`."""

    def __init__(self, name="share", **options):
        super().__init__(name=name, **options)
        self.total = self.add_weight("total", initializer="zeros")
        self.counts = self.add_weight("counts", (2,), initializer="zeros")

    def update_state(self, y_true, y_pred, sample_weight=None):
        self.total.assign_add(jnp.sum(y_pred))
        self.counts.assign_add(jnp.ones(2) * len(y_true))

    def result(self):
        return self.total / self.counts[0]

    def reset_states(self):
        self.total.assign(0)
        self.counts.assign([0, 0])


class FormerShareOfTwo(FormerShare):
    def reset_states(self):
        super().reset_states()
        self.total.assign_add(1)


class FormerMean(metrics.Mean):
    def reset_states(self):
        super().reset_states()


@pytest.mark.filterwarnings("ignore:.add_weight")
@pytest.mark.filterwarnings("ignore:.metric.reset_states")
def test_reset_states_of_older_keras_resets_between_epochs_too():
    x = np.ones((4, 2), np.float32)
    model = fkeras.Sequential([fkeras.Input((2,)), fkeras.layers.Dense(1, "relu")])
    model.set_weights([np.full((2, 1), 2.0), np.zeros(1)])
    model.compile(fkeras.optimizers.SGD(0.0), "mse", metrics=[FormerShare()])
    assert model.fit(x, x[:, :1], epochs=2, verbose=0).history["share"] == [4, 4]
    two = FormerShareOfTwo()
    two.update_state(x, x)
    two.reset_state()
    assert float(two.total) == 1
    mean = FormerMean()
    for _ in range(2):
        mean(5.0)
        mean.reset_state()
    mean(3.0)
    assert float(mean.result()) == 3


def test_reset_states_of_a_metric_of_today_warns():
    mean = metrics.Mean()
    mean(5.0)
    with pytest.warns(UserWarning, match=r"`reset_state\(\)` today"):
        mean.reset_states()
    assert float(mean.result()) == 0
