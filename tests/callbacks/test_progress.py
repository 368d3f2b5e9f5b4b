import io
import logging
import re
import sys

import numpy as np
import pytest

from fkeras.callbacks import CallbackList, Progbar, progbar
from fkeras.core import settings
from fkeras.errors import UserInputError

from .models import FakeModel


class Clock:
    """Time that passes only when told to."""

    now = 100.0

    def time(self):
        return self.now


class Terminal(io.StringIO):
    encoding = "utf-8"
    isatty = lambda self: True


@pytest.fixture
def clock(monkeypatch):
    monkeypatch.setattr(progbar, "time", clock := Clock())
    return clock


@pytest.fixture
def terminal(monkeypatch):
    """To be called in the test: pytest puts its own standard output in place after the fixtures."""

    def make(columns=120):
        monkeypatch.setattr(sys, "stdout", out := Terminal())
        monkeypatch.setenv("COLUMNS", str(columns))
        return out

    return make


def visible(text):
    return re.sub(r"\x1b\[\d+m", "", text)


def fit(
    clock,
    verbose,
    steps,
    epochs=1,
    seconds=0.2,
    first=0.2,
    names=("loss", "accuracy"),
    stop_at=None,
):
    """Calls the list as `fit` does."""
    callbacks = CallbackList(
        add_progbar=True, model=FakeModel(), verbose=verbose, epochs=epochs, steps=steps
    )
    callbacks.on_train_begin()
    logs = {}
    for epoch in range(epochs):
        callbacks.on_epoch_begin(epoch)
        for i in range(stop_at or steps or 3):
            clock.now += first if i == 0 else seconds
            logs = dict.fromkeys(names, (i + 1) / 10)
            callbacks.on_train_batch_end(i, logs)
        callbacks.on_test_begin()
        callbacks.on_test_batch_end(0, {"loss": 9.0})
        callbacks.on_test_end({"loss": 9.0})
        callbacks.on_epoch_end(epoch, {**logs, "val_loss": 0.00012})
    callbacks.on_train_end(logs)


def test_one_line_an_epoch(clock, capsys):
    fit(clock, verbose=2, steps=3, epochs=2)
    line = "3/3 - 1s - 200ms/step - accuracy: 0.3000 - loss: 0.3000 - val_loss: 1.2000e-04\n"
    assert capsys.readouterr().out == f"Epoch 1/2\n{line}Epoch 2/2\n{line}"


def test_silence(clock, capsys):
    fit(clock, verbose=0, steps=3, epochs=2)
    assert capsys.readouterr().out == ""


def test_lines_in_a_file_are_rare_and_plain(clock, capsys):
    fit(clock, verbose=1, steps=200, seconds=0.125)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 3  # each 10 seconds, and the last one
    assert (
        lines[-1]
        == "200/200 ━━━━━━━━━━━━━━━━━━━━ 25s 125ms/step - accuracy: 20.0000 - loss: 20.0000 - "
        "val_loss: 1.2000e-04"
    )
    assert lines[0].startswith(" 80/200 ━━━━━━━━             15s 125ms/step")


def test_the_bar_in_a_terminal(clock, terminal):
    out = terminal()
    fit(clock, verbose=1, steps=4, seconds=0.5, first=3.0)
    shown = visible(out.getvalue())
    assert shown.count("\n") == 1 and shown.endswith("\n")
    assert [s.rstrip() for s in shown.split("\r")[1:]] == [
        "1/4 ━━━━━━━━━━━━━━━━━━━━ 9s 3s/step - accuracy: 0.1000 - loss: 0.1000",
        "2/4 ━━━━━━━━━━━━━━━━━━━━ 1s 500ms/step - accuracy: 0.2000 - loss: 0.2000",
        "3/4 ━━━━━━━━━━━━━━━━━━━━ 0s 500ms/step - accuracy: 0.3000 - loss: 0.3000",
        "4/4 ━━━━━━━━━━━━━━━━━━━━ 0s 500ms/step - accuracy: 0.4000 - loss: 0.4000",
        "4/4 ━━━━━━━━━━━━━━━━━━━━ 4s 500ms/step - accuracy: 0.4000 - loss: 0.4000 - val_loss: "
        "1.2000e-04",
    ]


def test_a_terminal_is_updated_at_most_twenty_times_a_second(clock, terminal):
    out = terminal()
    fit(clock, verbose=1, steps=1000, seconds=0.001, first=0.001)
    assert 15 <= out.getvalue().count("\r") <= 22


def test_values_are_fetched_only_to_be_printed(clock, terminal):
    class Logs(dict):
        reads = 0

        def items(self):
            Logs.reads += 1
            return super().items()

    terminal()
    callbacks = CallbackList(add_progbar=True, model=FakeModel(), verbose=1, epochs=1, steps=1000)
    callbacks.on_epoch_begin(0)
    for i in range(1000):
        clock.now += 0.001
        callbacks.on_train_batch_end(i, Logs(loss=1.0))
    assert 15 <= Logs.reads <= 22


def test_lines_longer_than_the_terminal_are_cut_so_that_they_can_be_overwritten(clock, terminal):
    out = terminal(columns=40)
    fit(clock, verbose=1, steps=3, names=[f"metric_{i}" for i in range(9)])
    *updates, last = visible(out.getvalue()).split("\r")[1:]
    assert max(map(len, updates)) <= 40 and "metric_8" in last


def test_unknown_length_and_an_early_end(clock, capsys):
    fit(clock, verbose=2, steps=None, epochs=2)
    assert capsys.readouterr().out.count("3/3 - ") == 2
    fit(clock, verbose=2, steps=9, stop_at=2)
    assert capsys.readouterr().out.startswith("2/9 - ")
    fit(clock, verbose=1, steps=None, seconds=10)
    assert capsys.readouterr().out.startswith("      2/Unknown 10s 10s/step")


@pytest.mark.parametrize("role", ["test", "predict"])
def test_evaluate_and_predict(role, clock, capsys):
    callbacks = CallbackList(add_progbar=True, model=FakeModel(), verbose=2, epochs=1, steps=2)
    getattr(callbacks, f"on_{role}_begin")()
    for i in range(2):
        clock.now += 0.5
        getattr(callbacks, f"on_{role}_batch_end")(
            i, {"loss": 0.5} if role == "test" else {"outputs": np.ones(3)}
        )
    getattr(callbacks, f"on_{role}_end")({"loss": 0.5} if role == "test" else None)
    assert capsys.readouterr().out == "2/2 - 1s - 500ms/step" + (
        " - loss: 0.5000\n" if role == "test" else "\n"
    )


def test_without_interactive_logging_lines_go_to_the_log(clock, caplog, capsys):
    settings.put("interactive_logging", False)
    with caplog.at_level(logging.INFO, logger="fkeras"):
        fit(clock, verbose=2, steps=2)
    assert capsys.readouterr().out == "" and caplog.messages[0].startswith("2/2 - ")


def test_a_terminal_without_the_character_of_the_bar(clock, monkeypatch):
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw := io.BytesIO(), encoding="ascii"))
    Progbar(2).update(2, finalize=True)
    assert raw.getvalue().startswith(b"2/2 ====")


AVERAGES = [
    ({"stateful_metrics": ()}, 1.5),
    ({"stateless_metrics": ["v"]}, 1.5),
    ({"stateless_metrics": ()}, 3.0),
    ({"stateful_metrics": ["v"]}, 3.0),
    ({}, 1.5),
]


@pytest.mark.parametrize("given, shown", AVERAGES, ids=[str(g) for g, _ in AVERAGES])
def test_values_are_averaged_or_shown_as_they_are(given, shown, capsys):
    bar = Progbar(target=5, interval=0.0, **given)
    bar.update(1, [("v", 0.0)])
    bar.add(1, [("v", 3.0)])
    assert f"v: {shown:.4f}" in capsys.readouterr().out.splitlines()[-1]


def test_lists_are_averaged_too(capsys):
    Progbar(target=1).update(1, [("v", [0.0, 1.0, 2.0]), ("w", np.array(-0.5))])
    assert "v: 1.0000 - w: -0.5000" in capsys.readouterr().out


@pytest.mark.parametrize("verbose", [1, 2])
def test_nothing_to_do(verbose):
    Progbar(target=0, verbose=verbose).update(0, finalize=True)


def test_arguments_are_checked():
    with pytest.raises(UserInputError, match="Only one of"):
        Progbar(1, stateful_metrics=[], stateless_metrics=[])


@pytest.mark.parametrize(
    "seconds, shown", [(5, "5s"), (75, "1:15"), (3675, "1:01:15"), (7199.9, "1:59:59")]
)
def test_clock(seconds, shown):
    assert progbar._clock(seconds) == shown


@pytest.mark.parametrize(
    "seconds, shown",
    [(2.4, "2s/step"), (0.0421, "42ms/step"), (0.00007, "70us/step"), (0.0, "0s/step")],
)
def test_duration(seconds, shown):
    assert Progbar(1)._duration(seconds) == shown
