import functools

import jax.numpy as jnp
import numpy as np
import pytest

from fkeras.callbacks import (
    Callback,
    CallbackList,
    EarlyStopping,
    History,
    LambdaCallback,
    ProgbarLogger,
    ReduceLROnPlateau,
)
from fkeras.callbacks.callback import HOOKS
from fkeras.errors import UserInputError, UserTypeError

from .models import FakeModel, Rate, run


class Recorder(Callback):
    """Remembers all calls."""

    def __init__(self):
        self.calls = []


for _hook in HOOKS:
    setattr(
        Recorder,
        _hook,
        functools.partialmethod(lambda self, hook, *args: self.calls.append((hook, *args)), _hook),
    )


def test_every_hook_is_called_with_its_arguments_in_order():
    recorder = Recorder()
    callbacks = CallbackList(recorder)
    for hook, names in HOOKS.items():
        getattr(callbacks, hook)(*[3 if name != "logs" else {"loss": 1.0} for name in names])
    assert recorder.calls == [
        (hook, *([3] if len(names) == 2 else []), {"loss": 1.0}) for hook, names in HOOKS.items()
    ]


def test_hooks_always_get_a_dict():
    recorder = Recorder()
    CallbackList([recorder]).on_epoch_begin(0)
    CallbackList([recorder]).on_train_batch_end(0)
    assert recorder.calls == [("on_epoch_begin", 0, {}), ("on_train_batch_end", 0, {})]


def test_batch_hooks_are_those_of_training():
    calls = []

    class Old(Callback):
        def on_batch_begin(self, batch, logs=None):
            calls.append(("begin", batch))

        def on_batch_end(self, batch, logs=None):
            calls.append(("end", batch, logs["loss"]))

    callbacks = CallbackList(Old())
    callbacks.on_train_batch_begin(1)
    callbacks.on_train_batch_end(1, {"loss": 2.0})
    callbacks.on_test_batch_end(1, {"loss": 2.0})
    assert calls == [("begin", 1), ("end", 1, 2.0)]


def test_functions_may_name_their_arguments_as_they_like():
    seen = []
    callbacks = CallbackList(
        [
            LambdaCallback(on_train_batch_end=lambda b, l: seen.append((b, l))),
            LambdaCallback(on_epoch_end=lambda *anything: seen.append(anything)),
        ]
    )
    callbacks.on_train_batch_end(0, {"loss": 1.0})
    callbacks.on_epoch_end(0, {"loss": 1.0})
    assert seen == [(0, {"loss": 1.0}), (0, {"loss": 1.0})]


def test_hooks_that_take_logs_by_name_only_get_them_so():
    seen = []

    class Keyword(Callback):
        def on_train_batch_end(self, batch, **kwargs):
            seen.append((batch, kwargs))

        def on_epoch_end(self, epoch, *, logs):
            seen.append((epoch, logs))

    callbacks = CallbackList(Keyword())
    callbacks.on_train_batch_end(1, {"loss": 1.0})
    callbacks.on_epoch_end(2, {"loss": 1.0})
    assert seen == [(1, {"logs": {"loss": 1.0}}), (2, {"loss": 1.0})]


class NoArguments(Callback):
    def on_epoch_end(self):
        pass


class NoBatch(Callback):
    def on_train_batch_end(self, logs=None):
        pass


class Duck:
    set_model = set_params = lambda self, x: None


NOT_CALLBACKS = [
    (
        NoArguments(),
        r"callbacks\[1\], NoArguments: `on_epoch_end\(\)` cannot be called with \(epoch, logs\).*"
        r"def on_epoch_end\(self, epoch, logs=None\)",
    ),
    (NoBatch(), r"`on_train_batch_end\(logs=None\)` cannot be called with \(batch, logs\)"),
    (LambdaCallback(on_epoch_end=lambda: None), r"LambdaCallback: `on_epoch_end\(\)`"),
    (EarlyStopping, r"is the class EarlyStopping, not a callback. Write EarlyStopping\(\)"),
    (Duck(), "Duck has no method 'on_epoch_begin'"),
    (print, r"no callback.*LambdaCallback\(on_epoch_end=function\)"),
]


@pytest.mark.parametrize(
    "callback, words",
    NOT_CALLBACKS,
    ids=[getattr(c, "__name__", type(c).__name__) for c, _ in NOT_CALLBACKS],
)
def test_what_cannot_be_called_is_told_when_the_list_is_made(callback, words):
    with pytest.raises(UserTypeError, match=words):
        CallbackList([History(), callback])
    with pytest.raises(UserTypeError, match=words.replace(r"\[1\]", r"\[0\]")):
        CallbackList().append(callback)


def test_history_and_progress_bar_stand_behind_the_users():
    kinds = lambda *args: [
        type(c) for c in CallbackList(*args, add_history=True, add_progbar=True).callbacks
    ]
    assert kinds() == [History, ProgbarLogger]
    assert kinds([[EarlyStopping()], (Recorder(),)]) == [
        EarlyStopping,
        Recorder,
        History,
        ProgbarLogger,
    ]
    assert kinds([ProgbarLogger(), History(), Recorder()]) == [ProgbarLogger, History, Recorder]
    assert kinds(CallbackList(Recorder(), add_history=True)) == [Recorder, History, ProgbarLogger]


def test_what_a_callback_writes_into_the_logs_reaches_history():
    model = FakeModel()
    callbacks = CallbackList(
        LambdaCallback(on_epoch_end=lambda epoch, logs: logs.update(foo=epoch)),
        add_history=True,
        model=model,
        epochs=2,
        steps=3,
        verbose=0,
    )
    run(
        callbacks,
        [
            {"loss": jnp.float32(0.5), "accuracy": np.float32(0.25)},
            {"loss": 0.25, "val_loss": 1, "accuracy": 0.5},
        ],
    )
    history = model.history
    assert history.history == {
        "accuracy": [0.25, 0.5],
        "loss": [0.5, 0.25],
        "foo": [0, 1],
        "val_loss": [1],
    }
    assert (
        list(history.history)[:2] == ["accuracy", "loss"]
        and type(history.history["loss"][0]) is float
    )
    assert (
        history.epoch == [0, 1]
        and history.params == {"epochs": 2, "steps": 3, "verbose": 0}
        and history.model is model
    )


def test_callbacks_know_the_model_and_the_parameters_without_super_init():
    class Careless(Callback):
        def __init__(self):
            assert self.model is None and self.params is None

    callback, model = Careless(), FakeModel()
    CallbackList(callback, model=model, epochs=1)
    assert callback.model is model and callback.params == {"epochs": 1}
    callbacks, late = CallbackList(model=model, epochs=1), Careless()
    callbacks.append(late)
    assert late.model is model and late.params == {"epochs": 1}


class ReadsOnly(Recorder):
    reads_logs_only = True


WATCHERS = [
    ([], []),
    ([History(), ProgbarLogger(), EarlyStopping()], []),
    ([ReadsOnly()], []),
    ([Recorder()], ["train", "test", "predict"]),
    ([NoArguments], []),
    ([LambdaCallback(on_batch_end=lambda b, l: None)], ["train"]),
    ([LambdaCallback(on_epoch_end=lambda e, l: None)], []),
    ([ReadsOnly(), LambdaCallback(on_test_batch_begin=lambda b, l: None)], ["test"]),
    ([LambdaCallback(on_predict_batch_end=lambda b, l: None)], ["predict"]),
]


@pytest.mark.parametrize("given, roles", WATCHERS, ids=range(len(WATCHERS)))
def test_who_looks_at_batches(given, roles):
    given = [c for c in given if not isinstance(c, type)]
    assert [
        role for role in ("train", "test", "predict") if CallbackList(given).needs_batch_hooks(role)
    ] == roles


class Lazy(dict):
    read = False

    def items(self):
        self.read = True
        return super().items()


def test_logs_of_batches_are_read_only_where_somebody_looks():
    logs = Lazy(loss=1.0)
    CallbackList([ReadsOnly(), History()]).on_train_batch_end(0, logs)
    assert not logs.read
    recorder = Recorder()
    CallbackList([recorder]).on_train_batch_end(0, {"loss": jnp.float32(2)})
    assert type(recorder.calls[0][2]["loss"]) is float


def test_states_travel_by_class_and_place_within_it():
    model = FakeModel(optimizer=Rate())
    make = lambda: CallbackList(
        [Recorder(), EarlyStopping("loss"), ReduceLROnPlateau("loss")], model=model
    )
    first, second = make(), make()
    run(first, [{"loss": 2.0}, {"loss": 1.0}])
    state = first.get_state()
    assert sorted(state) == ["EarlyStopping_0", "ReduceLROnPlateau_0"]
    second.set_state(state)
    assert second.callbacks[1].best == second.callbacks[2].best == 1.0
    with pytest.raises(UserInputError, match="same callbacks in the same order"):
        CallbackList(EarlyStopping("loss")).set_state(state)
