"""Ctrl-C: heard between device calls, wherever it comes, and no weights are lost."""

import signal
import threading
import weakref

import numpy as np
import pytest

import fkeras
from fkeras import layers
from fkeras.training import interrupts

X = np.random.default_rng(0).normal(size=(64, 4)).astype("float32")
Y = X[:, :1]


@pytest.fixture(autouse=True)
def _python_listens():
    """Python's own handler, which a process that was started in the background does not have."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def press():
    """Ctrl-C in this very moment: Python runs the handler before the next instruction."""
    signal.raise_signal(signal.SIGINT)


def test_a_press_sets_the_flag_and_the_next_look_raises():
    before = signal.getsignal(signal.SIGINT)
    with interrupts.watched() as flag:
        press()
        assert flag.is_requested
        with pytest.raises(KeyboardInterrupt):
            flag.check()
        flag.check()  # it was heard
    assert signal.getsignal(signal.SIGINT) is before


def test_a_press_that_was_not_looked_at_is_heard_at_the_end():
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        with interrupts.watched():
            press()
    assert signal.getsignal(signal.SIGINT) is before


def test_a_second_press_acts_at_once():
    reached = []
    with pytest.raises(KeyboardInterrupt):
        with interrupts.watched():
            press()
            reached.append("first")
            press()
            reached.append("second")
    assert reached == ["first"]


def test_no_press_acts_between_a_call_and_its_results():
    reached, consumed = [], [True]
    with pytest.raises(KeyboardInterrupt):
        with interrupts.watched() as flag:
            interrupts.spare(lambda: consumed[0])
            press()
            press()
            reached.append("in the call")
            consumed[0] = False
            assert flag.is_requested
            press()
            reached.append("behind it")
    assert reached == ["in the call"]


def test_an_error_inside_passes_and_leaves_the_handler_as_it_was():
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(ValueError, match="mine"):
        with interrupts.watched():
            raise ValueError("mine")
    assert signal.getsignal(signal.SIGINT) is before


@pytest.mark.parametrize("ignored", [signal.SIG_IGN, signal.SIG_DFL])
def test_a_process_that_does_not_listen_to_ctrl_c_is_left_alone(ignored):
    before = signal.signal(signal.SIGINT, ignored)
    try:
        with interrupts.watched():
            assert signal.getsignal(signal.SIGINT) is ignored
    finally:
        signal.signal(signal.SIGINT, before)


def test_other_threads_set_no_handlers():
    before, seen = signal.getsignal(signal.SIGINT), []

    def run():
        with interrupts.watched() as flag:
            seen.append((flag.is_requested, signal.getsignal(signal.SIGINT)))

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert seen == [(False, before)]


def test_an_inner_fit_hands_the_handler_back_to_the_outer_one():
    with interrupts.watched() as outer:
        with interrupts.watched() as inner:
            press()
            assert inner.is_requested and not outer.is_requested
            inner.is_requested = False
        press()
        assert outer.is_requested
        outer.is_requested = False


class EachBatch(fkeras.callbacks.Callback):
    def on_train_batch_end(self, batch, logs=None):
        pass


# Name of the executable, what makes `fit` use it, batches.
FORMS = {
    "whole epochs": ("train_epochs", {}, 8),
    "many steps in a call": ("train_many", {}, 1),
    "single steps": ("train_one", {"callbacks": [EachBatch()]}, 8),
    "steps of a stream": ("train_one", {}, None),
}


@pytest.fixture(scope="module")
def model():
    model = fkeras.Sequential(
        [fkeras.Input((4,)), layers.Dense(8), layers.Dropout(0.2), layers.Dense(1)]
    )
    model.compile("adam", "mse")
    return model


def stream():
    while True:
        yield X[:8], Y[:8]


@pytest.mark.parametrize("moment", ["before the call", "after the call"])
@pytest.mark.parametrize("form", FORMS)
def test_an_interrupt_around_a_device_call_loses_no_weights(model, monkeypatch, form, moment):
    """Ctrl-C comes at the third call: just before it is made, or before its result is taken."""
    name, arguments, batch_size = FORMS[form]
    before = signal.getsignal(signal.SIGINT)
    data = (stream(),) if batch_size is None else (X, Y)
    sizes = {"steps_per_epoch": 4} if batch_size is None else {"batch_size": batch_size}
    model.fit(*data, **sizes, verbose=0, epochs=1, **arguments)
    executables = model._compiled.executables
    real, calls = getattr(executables, name), []

    def pressing(*args):
        calls.append(name)
        if len(calls) == 3 and moment == "before the call":
            press()
        result = real(*args)
        if len(calls) == 3 and moment == "after the call":
            press()
        return result

    monkeypatch.setattr(executables, name, pressing)
    with pytest.raises(KeyboardInterrupt):
        model.fit(*data, **sizes, verbose=0, epochs=1000, **arguments)
    assert len(calls) == 3  # the call under way was finished, and none was begun
    assert signal.getsignal(signal.SIGINT) is before
    steps = int(model.optimizer.iterations.numpy())
    assert steps == int(model.train_state().step) == model.training_progress["steps"]
    assert all(np.all(np.isfinite(w)) for w in model.get_weights())
    monkeypatch.undo()
    assert np.isfinite(model.fit(*data, **sizes, verbose=0, **arguments).history["loss"][0])


def test_two_presses_within_a_device_call_lose_no_weights(model, monkeypatch):
    arguments = {"batch_size": 8, "verbose": 0, "callbacks": [EachBatch()]}
    model.fit(X, Y, **arguments)
    executables, before = model._compiled.executables, int(model.optimizer.iterations.numpy())
    real = executables.train_one

    def pressing(*args):
        result = real(*args)
        press()
        press()
        return result

    monkeypatch.setattr(executables, "train_one", pressing)
    with pytest.raises(KeyboardInterrupt) as caught:
        model.fit(X, Y, **arguments)
    assert not getattr(caught.value, "__notes__", [])  # nothing fell back to older weights
    assert int(model.optimizer.iterations.numpy()) == before + 1
    assert all(np.all(np.isfinite(w)) for w in model.get_weights())


def test_an_interrupt_in_a_hook_ends_the_fit_behind_it(model):
    seen = []

    class Pressing(fkeras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            seen.append(epoch)
            if epoch == 1:
                press()

    with pytest.raises(KeyboardInterrupt):
        model.fit(X, Y, batch_size=8, epochs=1000, verbose=0, callbacks=[Pressing()])
    assert seen == [0, 1]


def test_an_interrupt_during_validation_ends_the_fit(model, monkeypatch):
    arguments = {"batch_size": 8, "verbose": 0, "validation_data": (X, Y)}
    hooks = [EachBatch()]
    model.fit(X, Y, callbacks=hooks, **arguments)
    executables = model._compiled.executables
    real = executables.test_many

    def pressing(*args):
        press()
        return real(*args)

    monkeypatch.setattr(executables, "test_many", pressing)
    steps = model.training_progress["steps"]
    with pytest.raises(KeyboardInterrupt):
        model.fit(X, Y, epochs=1000, callbacks=hooks, **arguments)
    assert model.training_progress["steps"] == steps + 8


class PressingOnce(layers.Layer):
    """Ctrl-C comes in its first call, inside of a weak reference's callback: there Python prints a
    KeyboardInterrupt and goes on.
    """

    pressed = False

    def call(self, x):
        if not self.pressed:
            self.pressed = True
            thing = EachBatch()
            reference = weakref.ref(thing, lambda _: press())
            del thing
            assert reference() is None
        return x


BATCHES = [(X, Y)]
ENTRIES = {
    "fit": lambda m: m.fit(X, Y, epochs=3, verbose=0),
    "fit on batches": lambda m: m.fit(iter(BATCHES), verbose=0),
    "fit with validation": lambda m: m.fit(X, Y, validation_data=(X, Y), verbose=0),
    "evaluate": lambda m: m.evaluate(X, Y, verbose=0),
    "predict": lambda m: m.predict(X, verbose=0),
    "predict one batch": lambda m: m.predict(X[:4], verbose=0),
    "train_on_batch": lambda m: m.train_on_batch(X, Y),
    "test_on_batch": lambda m: m.test_on_batch(X, Y),
    "predict_on_batch": lambda m: m.predict_on_batch(X),
    "warmup": lambda m: m.warmup(X, Y),
}


@pytest.mark.parametrize("entry", ENTRIES)
def test_an_interrupt_in_preparation_is_not_lost(entry):
    before = signal.getsignal(signal.SIGINT)
    model = fkeras.Sequential([PressingOnce(), layers.Dense(1)])
    model.compile("sgd", "mse")
    with pytest.raises(KeyboardInterrupt):
        ENTRIES[entry](model)
    assert signal.getsignal(signal.SIGINT) is before
    if entry.startswith("fit"):
        assert model.training_progress["steps"] == 0  # nothing was begun
    assert np.isfinite(model.fit(X, Y, verbose=0).history["loss"][0])


def test_a_look_outside_of_all_calls_finds_nothing():
    interrupts.check()

    @interrupts.heard
    def entry():
        press()
        interrupts.check()

    with pytest.raises(KeyboardInterrupt):
        entry()
