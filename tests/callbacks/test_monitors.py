import math

import numpy as np
import pytest

from fkeras import ops
from fkeras.callbacks import (
    Callback,
    CallbackList,
    EarlyStopping,
    LambdaCallback,
    LearningRateScheduler,
    MonitorCallback,
    ReduceLROnPlateau,
)
from fkeras.errors import UserInputError

from .models import FakeModel, Rate, run

NAN = math.nan


def stop(losses, key="loss", **kwargs):
    """(epochs run, callback, weights at the end) for a list of values."""
    callback, model = EarlyStopping(key, **kwargs), FakeModel()
    count = run(CallbackList(callback, model=model), [{key: v} for v in losses])
    return count, callback, model.weights


FALL_RISE = [10.0, 9.0, 8.0, 9.0, 8.9, 8.8, 8.7, 8.6, 8.5]

# values, options, epochs run, best value
STOPS = [
    (FALL_RISE, {"patience": 0}, 4, 8.0),
    (FALL_RISE, {"patience": 1}, 4, 8.0),
    (FALL_RISE, {"patience": 3}, 6, 8.0),
    (FALL_RISE, {"patience": 3, "start_from_epoch": 3}, 9, 8.5),
    (FALL_RISE, {"patience": 2, "min_delta": 1.5}, 5, 8.0),
    (FALL_RISE, {"patience": 2, "min_delta": -1.5}, 5, 8.0),
    (FALL_RISE, {"patience": 1, "mode": "max"}, 2, 10.0),
    (FALL_RISE, {"patience": 3, "baseline": 9.5}, 6, 8.0),
    (FALL_RISE, {"patience": 3, "baseline": 5.0}, 4, 8.0),
    ([5.0, 5.0, 5.0], {"patience": 5}, 3, 5.0),
    ([NAN, 1.0, 0.5, 0.1], {"patience": 2}, 4, 0.1),
    ([1.0, NAN, NAN, 0.5], {"patience": 2}, 3, 1.0),
    ([NAN, NAN, NAN, NAN], {"patience": 2}, 2, None),
    ([1.0, NAN, 2.0], {"patience": 5, "mode": "max"}, 3, 2.0),
]


@pytest.mark.parametrize("values, options, epochs, best", STOPS, ids=range(len(STOPS)))
def test_training_stops_when_nothing_improves(values, options, epochs, best):
    count, callback, _ = stop(values, **options)
    assert (count, callback.best) == (epochs, best)
    assert callback.stopped_epoch == (epochs - 1 if callback.model.stop_training else 0)


@pytest.mark.parametrize(
    "values, options", [(FALL_RISE, o) for _, o, *_ in STOPS[:9]], ids=range(9)
)
def test_stops_where_keras_stops(values, options, keras):
    theirs, model = keras.callbacks.EarlyStopping("loss", **options), FakeModel()
    theirs.set_model(model := type("Model", (FakeModel,), {"jax_state_sync": lambda self: None})())
    count = run(theirs, [{"loss": v} for v in values], model=model)
    ours = stop(values, **options)
    assert (ours[0], ours[1].best, ours[1].wait) == (count, theirs.best, theirs.wait)


@pytest.mark.parametrize(
    "values, options, weights",
    [
        (FALL_RISE, {"patience": 2}, 2),
        ([3.0, 1.0, 2.0], {"patience": 9}, 1),  # not stopped early
        ([3.0, 2.0, 1.0], {}, 2),
        ([NAN, 1.0, NAN], {"patience": 9}, 1),
        ([NAN, NAN], {"patience": 9}, 1),  # nothing is best: the last weights stay
        ([0.9, 0.8, 0.7, 0.71, 0.72, 0.73], {"patience": 5, "baseline": 0.5}, 2),
    ],
)
def test_weights_of_the_best_epoch_come_back(values, options, weights):
    assert stop(values, restore_best_weights=True, **options)[2] == weights


def test_callback_can_be_used_again():
    callback, model = EarlyStopping("loss", patience=1), FakeModel()
    callbacks = CallbackList(callback, model=model)
    assert run(callbacks, [{"loss": v} for v in (1.0, 2.0)]) == 2
    assert run(callbacks, [{"loss": v} for v in (5.0, 4.0, 3.0)]) == 3 and callback.best == 3.0


def test_saved_state_goes_on_in_the_next_training_only():
    first = stop([5.0, 1.0, 2.0], patience=3)[1]
    callback, model = EarlyStopping("loss", patience=3), FakeModel()
    callback.set_state(first.get_state())
    callbacks = CallbackList(callback, model=model)
    assert run(callbacks, [{"loss": v} for v in (2.0, 2.0, 2.0)], start=3) == 5
    assert (callback.best, callback.best_epoch) == (1.0, 1)
    assert run(callbacks, [{"loss": 9.0}]) == 1 and callback.best == 9.0


def test_messages(capsys):
    stop([1.0, 0.5, 0.6], restore_best_weights=True, verbose=1)
    assert (
        capsys.readouterr().out
        == "Epoch 3: early stopping\nRestoring model weights from the end of the best epoch: 2.\n"
    )


# -- direction -----------------------------------------------------------------


class Metric:
    def __init__(self, name, direction=None):
        self.name = name
        if direction:
            self._direction = direction


class Compiled(Metric):
    def __init__(self, *metrics, names):
        super().__init__("compile_metrics")
        self.metrics, self.names = metrics, names


DIRECTIONS = [
    ("auto", "loss", ops.less),
    ("auto", "val_loss", ops.less),
    ("auto", "cls_loss", ops.less),
    ("auto", "val_accuracy", ops.greater),
    ("auto", "cls_score", ops.greater),
    ("auto", "val_score", ops.greater),
    ("auto", "drift", ops.less),
    ("auto", "my_auc", ops.greater),
    ("auto", "val_mse", ops.less),
    ("max", "mse", ops.greater),
    ("min", "val_accuracy", ops.less),
]


@pytest.mark.parametrize(
    "mode, monitor, op", DIRECTIONS, ids=[f"{m}-{n}" for m, n, _ in DIRECTIONS]
)
def test_direction(mode, monitor, op):
    callback = MonitorCallback(monitor, mode)
    callback.set_model(
        FakeModel(
            [
                Metric("loss"),
                Compiled(Metric("score", "up"), names=["cls_score"]),
                Metric("drift", "down"),
            ]
        )
    )
    callback._is_improvement(1.0, 0.5)
    assert callback.monitor_op is op


def test_direction_that_nobody_knows():
    with pytest.raises(
        UserInputError, match="MonitorCallback callback received monitor=beauty.*mode='max'"
    ):
        MonitorCallback("beauty")._is_improvement(1.0, 0.5)
    with pytest.warns(UserWarning, match="mode 'best' is unknown"):
        assert MonitorCallback("loss", mode="best").mode == "auto"


# -- names ---------------------------------------------------------------------

AVAILABLE = ["loss", "accuracy", "val_loss", "val_accuracy"]


@pytest.mark.parametrize("make", [EarlyStopping, ReduceLROnPlateau])
@pytest.mark.parametrize(
    "name, mode",
    [("val_los", "min"), ("val_los", "auto"), ("acuracy", "max"), ("val_acuracy", "min")],
)
def test_a_misspelt_name_raises_before_training(make, name, mode):
    with pytest.raises(
        UserInputError,
        match=f"Unknown monitor of {make.__name__} '{name}'. Did you mean 'val_|accuracy'",
    ):
        CallbackList(make(name, mode=mode)).check_monitors(AVAILABLE, has_validation=True)


@pytest.mark.parametrize("make", [EarlyStopping, ReduceLROnPlateau])
def test_validation_that_is_missing_warns_once(make):
    model = FakeModel(optimizer=Rate())
    callbacks = CallbackList(make(), model=model)
    with pytest.warns(
        UserWarning,
        match=rf"{make.__name__}\(monitor='val_loss'\) will do nothing: there is no validation",
    ) as caught:
        callbacks.check_monitors(["loss"], has_validation=False)
        assert run(callbacks, [{"loss": 1.0}] * 3) == 3
    assert len(caught) == 1


def test_a_name_without_a_likeness():
    with pytest.raises(
        UserInputError, match="the logs will have no such value, only accuracy, loss"
    ):
        CallbackList(EarlyStopping("beauty")).check_monitors(
            ["loss", "accuracy"], has_validation=True
        )
    callbacks = CallbackList(EarlyStopping("beauty", mode="max"), model=FakeModel())
    with pytest.warns(UserWarning, match="will do nothing") as caught:
        callbacks.check_monitors(["loss", "accuracy"])
        run(callbacks, [{"loss": 1.0}] * 3)
    assert len(caught) == 1


def test_without_a_check_a_missing_value_warns_once():
    callbacks = CallbackList(EarlyStopping("beauty", mode="max"), model=FakeModel())
    with pytest.warns(
        UserWarning, match="`beauty`, which is not available. Available: loss"
    ) as caught:
        run(callbacks, [{"loss": 1.0}] * 3)
    assert len(caught) == 1


def test_validation_in_some_epochs_only_is_no_reason_to_warn():
    callbacks = CallbackList(EarlyStopping("val_loss", patience=1), model=FakeModel())
    callbacks.check_monitors(AVAILABLE, has_validation=True)
    assert (
        run(
            callbacks,
            [{"loss": 1.0}, {"loss": 1.0, "val_loss": 1.0}, {"loss": 1.0}, {"val_loss": 2.0}],
        )
        == 4
    )


class Adds(Callback):
    def on_epoch_end(self, epoch, logs=None):
        logs["f2"] = float(epoch)


@pytest.mark.parametrize(
    "user", [Adds(), LambdaCallback(on_epoch_end=lambda e, l: l.update(f2=float(e)))]
)
def test_names_that_a_users_callback_adds_are_not_checked(user):
    callbacks = CallbackList([user, EarlyStopping("f2", mode="max")], model=FakeModel())
    callbacks.check_monitors(AVAILABLE, has_validation=True)
    assert run(callbacks, [{"loss": 1.0}] * 3) == 3


def test_names_that_our_callbacks_add_exist():
    schedule = LearningRateScheduler(lambda epoch, rate: rate)
    CallbackList(
        [schedule, EarlyStopping("learning_rate", mode="min")], model=FakeModel(optimizer=Rate())
    ).check_monitors(["loss"])


def test_a_metric_of_one_value_with_an_axis_can_be_monitored_and_one_of_several_cannot():
    stopping = EarlyStopping(monitor="f1_score", mode="max")
    stopping.on_train_begin()
    stopping.on_epoch_end(0, {"f1_score": np.array([0.5])})
    assert stopping.best == 0.5
    with pytest.raises(UserInputError, match="holds 3 values"):
        stopping.on_epoch_end(1, {"f1_score": np.zeros(3)})


@pytest.mark.parametrize("patience", [-1, "3", None, float("nan"), True])
def test_patience_is_a_number(patience):
    with pytest.raises(UserInputError, match="EarlyStopping: `patience` must be a number of 0"):
        EarlyStopping(patience=patience)
