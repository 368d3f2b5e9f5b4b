import jax.numpy as jnp
import numpy as np
import pytest

import fkeras
from fkeras import KerasTensor
from fkeras.core.symbolic.evaluate import evaluate, evaluate_call


def shapes(fn, *args, **kwargs):
    return evaluate(fn, *args, **kwargs).shape


@pytest.mark.parametrize(
    ("fn", "inputs", "expected"),
    [
        (lambda x: x + 1, [(None, 3)], (None, 3)),
        (lambda x: x.sum(-1), [(None, 3)], (None,)),
        (lambda x: x.reshape(-1, 4), [(None, 8)], (None, 4)),
        (lambda x: x.reshape(x.shape[0], -1), [(None, 2, 3)], (None, 6)),
        (lambda x: x.T, [(None, None, 3)], (3, None, None)),
        (lambda x: jnp.concatenate([x, x]), [(None, 3)], (None, 3)),
        (lambda x: jnp.concatenate([x, x], 1), [(None, 3)], (None, 6)),
        (lambda x: x[:5], [(None, 3)], (5, 3)),
        (lambda x: x.mean(), [(None, 3)], ()),
        (lambda x, y: x + y, [(None, 3), (None, 3)], (None, 3)),
        (lambda x, y: x @ y, [(None, 4, 2), (None, 2, 5)], (None, 4, 5)),
        # None against a known size
        (lambda x, y: x + y, [(None, 3), (2, None)], (2, 3)),
        (lambda x, y: x @ y, [(None, None), (7, 2)], (None, 2)),
        (lambda x, y: x + y, [(None, 3), (1, 3)], (None, 3)),
        (lambda x, y: jnp.concatenate([x, y], 1), [(None, 3), (5, 2)], (5, 5)),
    ],
)
def test_shapes_follow_from_the_function_itself(fn, inputs, expected):
    assert shapes(fn, *map(KerasTensor, inputs)) == expected


@pytest.mark.parametrize(
    ("dtypes", "expected"),
    [
        (("float32", "bfloat16"), "float32"),
        (("int32", "bool"), "int32"),
        (("float16", "int8"), "float16"),
    ],
)
def test_dtypes_are_promoted_as_in_the_computation(dtypes, expected):
    x, y = (KerasTensor((2,), dtype=d) for d in dtypes)
    assert evaluate(jnp.add, x, y).dtype == expected


def test_several_outputs_keep_their_structure_and_python_values():
    def fn(x, flag):
        return {"b": x, "a": [x.sum(), None, 3, "text"], "c": (flag, np.float32(1.0))}

    out = evaluate(fn, KerasTensor((None, 2)), flag=True)
    assert out["b"].shape == (None, 2) and out["a"][0].shape == ()
    assert out["a"][1:] == [None, 3, "text"] and out["c"][0] is True
    assert out["c"][1].shape == () and list(out) == ["a", "b", "c"]


def test_symbolic_tensors_may_stand_anywhere_in_the_arguments():
    x, y = KerasTensor((None, 2)), KerasTensor((None, 3))
    fn = lambda pair, options: jnp.concatenate([pair[0], options["more"]], axis=1)
    assert shapes(fn, (x, 1), options={"more": y, "axis": 1}) == (None, 5)


def test_concrete_arrays_and_variables_take_part():
    v = fkeras.Variable(np.ones((3, 4)))
    assert shapes(lambda x, v: x @ v, KerasTensor((None, 3)), v) == (None, 4)
    assert shapes(lambda x: x * np.ones((5, 1)), KerasTensor((5, 2))) == (5, 2)


def test_nothing_is_computed():
    def fn(x):
        assert not isinstance(x, np.ndarray)
        return x @ x.T  # would need terabytes

    assert shapes(fn, KerasTensor((1_000_000, 1_000_000))) == (1_000_000, 1_000_000)


def test_an_impossible_call_raises_its_own_error():
    with pytest.raises(TypeError, match="contracting dimensions"):
        evaluate(jnp.dot, KerasTensor((None, 3)), KerasTensor((4, 2)))


def test_guesses_of_unknown_sizes_are_given_up_after_the_tries():
    calls = []

    def fn(x):
        calls.append(x.shape)
        raise ValueError("never")

    with pytest.raises(ValueError, match="never"):
        evaluate_call(fn, (KerasTensor((None, None, 3, 5)),), {}, tries=4)
    assert len(calls) == 5  # as it is, then four guesses


def test_sparse_tensors_stay_sparse():
    x = KerasTensor((4, 3), sparse=True)
    out = evaluate(lambda x: x, x)
    assert out.sparse and out.shape == (4, 3)
    assert not evaluate(lambda x: x.todense(), x).sparse


def test_strings_cannot_be_evaluated():
    with pytest.raises(ValueError, match="strings are looked up on the host"):
        evaluate(lambda x: x, KerasTensor((2,), dtype="string"))


@pytest.mark.parametrize(
    ("name", "inputs"),
    [
        ("matmul", [(None, 3), (3, 4)]),
        ("mean", [(None, 3)]),
        ("flip", [(None, 2)]),
        ("outer", [(None,), (3,)]),
    ],
)
def test_ops_have_the_shapes_of_keras(name, inputs, keras):
    ours = getattr(fkeras.ops, name)(*map(KerasTensor, inputs))
    theirs = getattr(keras.ops, name)(*map(keras.KerasTensor, inputs))
    assert ours.shape == theirs.shape and ours.dtype == theirs.dtype
