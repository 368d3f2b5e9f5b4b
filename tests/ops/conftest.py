"""The contract that every op keeps, checked against Keras on one row of arguments."""

import operator

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import fkeras
from fkeras.core.symbolic.keras_tensor import KerasTensor


@pytest.fixture
def contract(keras):
    """`contract("relu", x, grad=0)`: value, dtype, static shape, jit, gradient and bfloat16 of a
    call equal Keras's.

    Keyword arguments other than these go to the op:
        grad: indices of the arguments to differentiate by; () for none.
        batch: indices of the arguments whose first dimension may be unknown; () for none.
        low: whether to compare bfloat16 too.
        rtol: tolerance of the float32 comparison.
        array_kwargs: names of keyword arguments that are arrays.
    """

    def check(name, *args, grad=(0,), batch=(0,), low=True, rtol=2e-5, **kwargs):
        ours, theirs = (operator.attrgetter(name)(module) for module in (fkeras.ops, keras.ops))
        at = [i for i, a in enumerate(args) if isinstance(a, np.ndarray)]
        low_args = [
            a.astype(jnp.bfloat16) if isinstance(a, np.ndarray) and a.dtype == np.float32 else a
            for a in args
        ]

        def call(op, arrays, like):
            full = list(like)
            for i, array in zip(at, arrays, strict=True):
                full[i] = array
            return op(*full, **kwargs)

        def weighted(op):
            def scalar(differentiated, arrays, like):
                arrays = list(arrays)
                for i, value in zip(grad, differentiated, strict=True):
                    arrays[at.index(i)] = value
                floats = [
                    x
                    for x in jax.tree.leaves(call(op, arrays, like))
                    if jnp.issubdtype(x.dtype, jnp.floating)
                ]
                return sum(
                    jnp.sum(x * jnp.cos(jnp.arange(x.size, dtype=x.dtype)).reshape(x.shape))
                    for x in floats
                )

            return scalar

        def everything(op):
            def run(arrays, low_arrays):
                out = {"value": call(op, arrays, args)}
                if grad:
                    out["grad"] = jax.grad(weighted(op))(
                        [arrays[at.index(i)] for i in grad], arrays, args
                    )
                if low:
                    out["low"] = call(op, low_arrays, low_args)
                return out

            return jax.jit(run)([args[i] for i in at], [low_args[i] for i in at])

        mine, reference = everything(ours), everything(theirs)
        eager = call(ours, [args[i] for i in at], args)
        for part, tolerance in (("value", rtol), ("grad", 10 * rtol), ("low", 2e-2)):
            _equal(mine.get(part), reference.get(part), tolerance, part)
        _equal(eager, mine["value"], rtol, "eager and jit")

        symbolic = call(ours, [KerasTensor(args[i].shape, args[i].dtype) for i in at], args)
        _same_specs(symbolic, eager)
        if batch:
            open_shapes = [(None, *args[i].shape[1:]) if i in batch else args[i].shape for i in at]
            symbolic = call(
                ours,
                [KerasTensor(s, args[i].dtype) for s, i in zip(open_shapes, at, strict=True)],
                args,
            )
            oracle = call(
                theirs,
                [keras.KerasTensor(s, args[i].dtype) for s, i in zip(open_shapes, at, strict=True)],
                args,
            )
            assert [x.shape for x in _leaves(symbolic)] == [tuple(x.shape) for x in _leaves(oracle)]
        return eager

    return check


def _leaves(x):
    return [y for part in x for y in _leaves(part)] if isinstance(x, (list, tuple)) else [x]


def _same_specs(symbolic, arrays):
    assert [(x.shape, x.dtype) for x in _leaves(symbolic)] == [
        (x.shape, str(x.dtype)) for x in _leaves(arrays)
    ]


def _equal(mine, reference, rtol, part):
    mine, reference = jax.tree.leaves(mine), jax.tree.leaves(reference)
    assert len(mine) == len(reference), part
    for a, b in zip(mine, reference, strict=True):
        assert a.dtype == b.dtype, f"{part}: dtype {a.dtype}, Keras {b.dtype}"
        assert a.shape == b.shape, f"{part}: shape {a.shape}, Keras {b.shape}"
        wide = np.complex128 if jnp.issubdtype(a.dtype, jnp.complexfloating) else np.float64
        np.testing.assert_allclose(
            np.asarray(a).astype(wide),
            np.asarray(b).astype(wide),
            rtol=rtol,
            atol=rtol,
            err_msg=part,
        )
