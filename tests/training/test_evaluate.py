"""Passes of evaluation over fake executables: which calls are made, and what hooks are told."""

import jax
import numpy as np
import pytest

from fkeras.data import make_source
from fkeras.errors import UserInputError
from fkeras.training.evaluate import evaluate, warm_up_evaluation
from fkeras.training.loop import PassOptions

from .fakes import FakeCallbacks, FakeExecutables

KEY = jax.random.key(0)
WEIGHTS = ([], ["state"])


def arrays(rows, size):
    return make_source(np.zeros((rows, 2), "float32"), batch_size=size)


def stream(*rows):
    return make_source((np.zeros((n, 2), "float32"),) for n in rows)


def run(source, options=None, *, hooks=False, fuses=True, **arguments):
    executables, callbacks = FakeExecutables(fuses=fuses), FakeCallbacks(hooks)
    state = []
    logs = evaluate(
        executables,
        source,
        lambda: WEIGHTS,
        options or PassOptions(),
        key=KEY,
        callbacks=callbacks,
        keep_state=state.extend,
        **arguments,
    )
    assert state == ["state"]
    return logs, executables.calls, callbacks


@pytest.mark.parametrize(
    ("options", "hooks", "expected"),
    [
        # 4 steps a call at first (then by the clock), and the smaller last batch by itself
        ({}, False, [("test_many", 0, 4), ("test_many", 4, 1), ("test_one", 5, 1)]),
        ({"fuse": False}, False, [("test_one", i, 1) for i in range(6)]),
        ({}, True, [("test_one", i, 1) for i in range(6)]),
        (
            {"steps_per_execution": 2},
            True,
            [("test_many", 0, 2), ("test_many", 2, 2), ("test_one", 4, 1), ("test_one", 5, 1)],
        ),
        ({"steps": 2}, False, [("test_one", 0, 1), ("test_one", 1, 1)]),
        ({"steps": 8}, False, [("test_one", i, 1) for i in range(8)]),  # arrays begin anew
    ],
)
def test_a_pass_over_arrays_is_fused_where_no_hook_looks(options, hooks, expected):
    logs, calls, _ = run(arrays(11, 2), PassOptions(**options), hooks=hooks)
    assert calls == expected
    if "steps" not in options:
        assert logs == {"rows": 11.0} and type(logs["rows"]) is float


def test_hooks_stand_around_each_group_and_the_whole():
    _, _, callbacks = run(arrays(3, 1), PassOptions(steps_per_execution=2), fuses=False)
    assert callbacks.events == [
        "test_begin",
        *("test_batch_begin 0", "test_batch_end 1"),
        *("test_batch_begin 2", "test_batch_end 3"),
        "test_end",
    ]
    assert callbacks.logs["test_batch_end 1"] == {"rows": 2.0}


def test_a_stream_is_taken_batch_by_batch():
    logs, calls, _ = run(stream(2, 3, 1))
    assert calls == [("test_one", i, 1) for i in range(3)] and logs == {"rows": 6.0}


def test_a_wish_to_stop_ends_the_pass():
    asked = []
    _, calls, _ = run(stream(1, 1, 1, 1), should_stop=lambda: asked.append(1) or len(asked) == 2)
    assert len(calls) == 2


def test_data_without_a_batch_is_an_error():
    class Empty:
        in_memory = False
        steps = None

        def epoch(self, index):
            return iter(())

    with pytest.raises(UserInputError, match="`evaluate` holds no batch at all"):
        run(Empty())


def test_warming_up_makes_each_kind_of_call_once():
    executables = FakeExecutables(fuses=True)
    warm_up_evaluation(executables, arrays(11, 2), WEIGHTS, key=KEY, fuse=True)
    assert executables.calls == [("test_many", 0, 0), ("test_one", 0, 1)]
    executables = FakeExecutables(fuses=True)
    warm_up_evaluation(executables, arrays(10, 2), WEIGHTS, key=KEY, fuse=False)
    assert executables.calls == [("test_one", 0, 1)]  # there is no smaller batch
