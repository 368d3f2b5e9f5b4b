import jax.numpy as jnp
import numpy as np
import pytest

import fkeras
from fkeras.callbacks import CallbackList, LearningRateScheduler, ReduceLROnPlateau
from fkeras.errors import UserInputError, UserTypeError

from .models import FakeModel, Rate, run


class Both:
    """Like a `MultiOptimizer`."""

    def __init__(self):
        self.optimizers = [Rate(0.1, "slow"), Rate(1.0, "fast")]


def rates(callback, epochs, optimizer=None):
    """The logged rates of a run over logs."""
    model = FakeModel(optimizer=optimizer or fkeras.optimizers.SGD(0.1))
    run(CallbackList(callback, add_history=True, model=model), epochs)
    return [round(v, 6) for v in model.history.history["learning_rate"]]


SCHEDULES = [
    (lambda epoch: 1.0 / (1 + epoch), [1.0, 0.5]),
    (lambda epoch, rate: rate / 2, [0.05, 0.025]),
    (lambda epoch, rate=None: 0.5 if rate is None else 0.25, [0.25, 0.25]),
    (lambda *args: len(args), [2, 2]),
    (lambda epoch: np.float64(0.5), [0.5, 0.5]),
    (lambda epoch: jnp.float32(0.5), [0.5, 0.5]),
    (lambda epoch, rate: 1, [1, 1]),
]


@pytest.mark.parametrize("schedule, expected", SCHEDULES, ids=range(len(SCHEDULES)))
def test_schedule_sets_and_logs_the_rate(schedule, expected):
    assert rates(LearningRateScheduler(schedule), [{"loss": 1.0}] * 2) == expected


@pytest.mark.parametrize(
    "value", [None, "0.1", True, float("nan"), float("inf"), -0.1, [0.1, 0.2], np.ones(2)]
)
def test_schedule_must_return_a_number(value):
    with pytest.raises(UserInputError, match="should be a float. Got"):
        rates(LearningRateScheduler(lambda epoch: value), [{"loss": 1.0}])


def test_an_error_in_the_schedule_is_not_hidden():
    with pytest.raises(TypeError, match="unsupported operand"):
        rates(LearningRateScheduler(lambda epoch, rate: rate + None), [{"loss": 1.0}])
    with pytest.raises(UserInputError, match="must be a function"):
        LearningRateScheduler(0.1)


PLATEAUS = [
    ([1.0, 1.0, 1.0, 1.0], {"patience": 1}, [0.1, 0.1, 0.05, 0.025]),
    ([1.0, 1.0, 1.0, 1.0, 1.0], {"patience": 2}, [0.1, 0.1, 0.1, 0.05, 0.05]),
    (
        [1.0, 1.0, 1.0, 1.0, 1.0, 1.0],
        {"patience": 1, "cooldown": 2},
        [0.1, 0.1, 0.05, 0.05, 0.025, 0.025],
    ),
    ([1.0, 0.9, 0.8, 0.8], {"patience": 1}, [0.1, 0.1, 0.1, 0.1]),
    ([1.0, 0.9, 0.8, 0.7], {"patience": 1, "min_delta": 0.5}, [0.1, 0.1, 0.05, 0.025]),
    ([1.0, 1.0, 1.0, 1.0], {"patience": 1, "min_lr": 0.04}, [0.1, 0.1, 0.05, 0.04]),
    ([float("nan"), 1.0, float("nan"), 0.5], {"patience": 1}, [0.1, 0.05, 0.05, 0.025]),
    ([1.0, 2.0, 3.0], {"patience": 1, "mode": "max"}, [0.1, 0.1, 0.1]),
]


@pytest.mark.parametrize("losses, options, expected", PLATEAUS, ids=range(len(PLATEAUS)))
def test_rate_falls_where_nothing_improves(losses, options, expected):
    assert (
        rates(ReduceLROnPlateau("loss", factor=0.5, **options), [{"loss": v} for v in losses])
        == expected
    )


@pytest.mark.parametrize("losses, options", [row[:2] for row in PLATEAUS if row[0][0] == row[0][0]])
def test_falls_where_keras_falls(losses, options, keras):
    theirs, model = (
        keras.callbacks.ReduceLROnPlateau("loss", factor=0.5, **options),
        FakeModel(optimizer=Rate()),
    )
    model.jax_state_sync = lambda: None
    theirs.set_model(model)
    seen = []
    for epoch, loss in enumerate(losses):
        theirs.on_epoch_end(epoch, logs := {"loss": loss})
        seen.append(logs["learning_rate"])
    assert seen == pytest.approx(
        rates(
            ReduceLROnPlateau("loss", factor=0.5, **options), [{"loss": v} for v in losses], Rate()
        )
    )


def test_state_is_reset_by_training_unless_it_was_restored():
    callback, model = ReduceLROnPlateau("loss", patience=5), FakeModel(optimizer=Rate())
    callbacks = CallbackList(callback, model=model)
    run(callbacks, [{"loss": 1.0}, {"loss": 2.0}])
    state = callback.get_state()
    assert state == {"best": 1.0, "wait": 1, "cooldown_counter": 0}
    run(callbacks, [{"loss": 9.0}])
    assert callback.best == 9.0
    callback.set_state(state)
    run(callbacks, [{"loss": 9.0}])
    assert (callback.best, callback.wait) == (1.0, 2)


@pytest.mark.parametrize(
    "callback, expected, final",
    [
        (
            LearningRateScheduler(lambda epoch, rate: rate / 2),
            {"learning_rate_slow": [0.05, 0.025], "learning_rate_fast": [0.5, 0.25]},
            [0.025, 0.25],
        ),
        (
            ReduceLROnPlateau("loss", factor=0.5, patience=1),
            {"learning_rate_slow": [0.1, 0.1], "learning_rate_fast": [1.0, 1.0]},
            [0.05, 0.5],
        ),
    ],
)
def test_each_of_several_optimizers(callback, expected, final):
    model = FakeModel(optimizer=Both())
    run(CallbackList(callback, add_history=True, model=model), [{"loss": 1.0}] * 2)
    assert {k: v for k, v in model.history.history.items() if k != "loss"} == expected
    assert [o.learning_rate for o in model.optimizer.optimizers] == final


CALLBACKS = [LearningRateScheduler(lambda epoch: 0.1), ReduceLROnPlateau("loss")]


@pytest.mark.parametrize("callback", CALLBACKS, ids=["scheduler", "plateau"])
@pytest.mark.parametrize(
    "wrap", [lambda o: o, fkeras.optimizers.LossScaleOptimizer], ids=["plain", "loss scale"]
)
def test_a_rate_that_follows_a_schedule_is_refused_before_training(callback, wrap):
    schedule = fkeras.optimizers.schedules.ExponentialDecay(0.1, 10, 0.9)
    callbacks = CallbackList(
        callback, model=FakeModel(optimizer=wrap(fkeras.optimizers.SGD(schedule)))
    )
    with pytest.raises(
        UserTypeError, match="This optimizer was created with a `LearningRateSchedule`.*cannot set"
    ):
        callbacks.on_train_begin()


@pytest.mark.parametrize("callback", CALLBACKS, ids=["scheduler", "plateau"])
def test_an_optimizer_without_a_rate_is_refused_before_training(callback):
    with pytest.raises(UserInputError, match='must have a "learning_rate" attribute'):
        CallbackList(callback, model=FakeModel()).on_train_begin()


def test_arguments_are_checked():
    with pytest.raises(
        UserInputError, match="does not support a factor >= 1.0. Received factor=1.0"
    ):
        ReduceLROnPlateau(factor=1.0)
    with pytest.raises(UserTypeError, match="unexpected argument 'factr'"):
        ReduceLROnPlateau(factr=0.1)
    assert ReduceLROnPlateau(epsilon=0.5).min_delta == 0.5
    for name in ("factor", "patience", "min_lr"):
        with pytest.raises(UserInputError, match=f"`{name}` must be a number of 0 or more"):
            ReduceLROnPlateau(**{name: -1})
    with pytest.raises(UserTypeError, match=r"schedule\(a, b, c\)` takes neither"):
        LearningRateScheduler(lambda a, b, c: 0.1)


def test_messages(capsys):
    rates(
        ReduceLROnPlateau("loss", factor=0.5, patience=1, verbose=1), [{"loss": 1.0}] * 2, Rate(0.5)
    )
    rates(LearningRateScheduler(lambda epoch: 0.25, verbose=1), [{"loss": 1.0}])
    run(
        CallbackList(
            LearningRateScheduler(lambda epoch: 0.25, verbose=1), model=FakeModel(optimizer=Both())
        ),
        [{"loss": 1.0}],
    )
    assert capsys.readouterr().out.split("\n") == [
        "",
        "Epoch 2: ReduceLROnPlateau reducing learning rate to 0.25.",
        "",
        "Epoch 1: LearningRateScheduler setting learning rate to 0.25.",
        "",
        "Epoch 1: LearningRateScheduler setting slow learning rate to 0.25.",
        "",
        "Epoch 1: LearningRateScheduler setting fast learning rate to 0.25.",
        "",
    ]
