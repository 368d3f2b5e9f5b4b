"""Passes of prediction over fake executables, and how their outputs are joined."""

import collections

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from fkeras.data import make_source
from fkeras.errors import UserInputError
from fkeras.training import predict as predict_module
from fkeras.training.loop import PassOptions
from fkeras.training.predict import batch_number, join, predict, to_host
from fkeras.training.progress import Progress

from .fakes import FakeCallbacks, FakeExecutables

X = np.arange(22, dtype="float32").reshape(11, 2)


def run(source, *, hooks=False, fuses=True, progress=None, **options):
    executables, callbacks = FakeExecutables(fuses=fuses), FakeCallbacks(hooks)
    outputs, _ = predict(
        executables,
        source,
        lambda: ([], []),
        PassOptions(**options),
        key=jax.random.key(0),
        callbacks=callbacks,
        progress=progress or Progress(),
    )
    return outputs, executables.calls, callbacks


@pytest.mark.parametrize(
    ("hooks", "options", "expected"),
    [
        (False, {}, [("predict_many", 0, 2), ("predict_many", 2, 2), ("predict_one", 4, 1)]),
        (True, {}, [("predict_one", i, 1) for i in range(6)]),
        (False, {"fuse": False}, [("predict_one", i, 1) for i in range(6)]),
    ],
)
def test_outputs_are_those_of_all_rows_however_they_are_cut(monkeypatch, hooks, options, expected):
    monkeypatch.setattr(predict_module, "_ROWS", 4)  # two batches of two rows a call
    outputs, calls, callbacks = run(make_source(X, batch_size=2), hooks=hooks, **options)
    np.testing.assert_array_equal(outputs, X * 2)
    assert calls[: len(expected)] == expected
    assert callbacks.events[0] == "predict_begin" and callbacks.events[-1] == "predict_end"


def test_each_batch_of_a_models_life_has_a_number_of_its_own():
    progress = Progress(predicted=5)
    _, calls, _ = run(make_source(X, batch_size=4), fuses=False, progress=progress)
    assert calls == [("predict_one", 5, 1), ("predict_one", 6, 1), ("predict_one", 7, 1)]
    assert progress.predicted == 8
    assert batch_number(2**30 + 3) == 3 and batch_number(7).dtype == np.int32


def test_hooks_get_the_last_outputs_of_their_group_on_the_host():
    _, _, callbacks = run(make_source(X, batch_size=4), hooks=True, steps_per_execution=2)
    assert callbacks.events[1:-1] == [
        *("predict_batch_begin 0", "predict_batch_end 1"),
        *("predict_batch_begin 2", "predict_batch_end 3"),
    ]
    shown = callbacks.logs["predict_batch_end 1"]["outputs"]
    assert isinstance(shown, np.ndarray) and shown.tolist() == (X[4:8] * 2).tolist()


def test_steps_limit_a_stream():
    batches = ((X[i : i + 1],) for i in range(11))
    outputs, *_ = run(make_source(batches, role="predict"), steps=3)
    assert len(outputs) == 3


Pair = collections.namedtuple("Pair", "first second")


@pytest.mark.parametrize(
    "structure",
    [
        lambda a: a,
        lambda a: [a, a + 1],
        lambda a: (a, {"y": a, "b": a + 1}),
        lambda a: {"y": a, "b": [a + 1]},
        lambda a: Pair(a, a + 1),
    ],
)
def test_pieces_are_joined_in_their_structure(structure):
    joined = join([structure(jnp.asarray(X[:4])), structure(jnp.asarray(X[4:]))])
    expected = structure(X)
    assert jax.tree.structure(joined) == jax.tree.structure(expected)
    jax.tree.map(np.testing.assert_array_equal, joined, expected)


def test_outputs_without_a_batch_axis_are_stacked():
    assert join([jnp.float32(1), jnp.float32(2)]).tolist() == [1, 2]


def test_pieces_of_other_widths_are_an_error():
    with pytest.raises(UserInputError, match=r"different shapes .* \[\(2,\), \(3,\)\]"):
        join([np.zeros((1, 2)), np.zeros((1, 3))])


def test_the_callers_arrays_may_be_written_to():
    for outputs in (to_host(jnp.zeros(2)), to_host([jnp.zeros(2)])[0], join([jnp.zeros(2)])):
        outputs += 1


def test_bfloat16_becomes_float32_on_the_host():
    half = jnp.array([[1.5], [257.0]], jnp.bfloat16)
    for outputs in (half, {"a": half, "b": half.astype(jnp.float16)}):
        for arrays in (to_host(outputs), join([outputs, outputs])):
            a = arrays if isinstance(arrays, np.ndarray) else arrays["a"]
            assert a.dtype == np.float32 and a[:2].tolist() == [[1.5], [256.0]]
    assert arrays["b"].dtype == np.float16
