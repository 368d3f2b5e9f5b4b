"""The LSTM's loop with its derivative written out, against the loop that JAX derives."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.test_util import check_grads

import fkeras
from fkeras import layers
from fkeras.layers.rnn import lstm_loop, recurrence
from fkeras.layers.rnn.lstm import LSTMStep

_rng = np.random.default_rng(0)
INPUTS, KERNEL, RECURRENT, BIAS = (
    jnp.asarray(_rng.normal(size=s), "float32") for s in ((5, 3, 4), (4, 8), (2, 8), (8,))
)
FIRST = [jnp.asarray(_rng.normal(size=(3, 2)), "float32") for _ in range(2)]


def general(step, inputs, states, weights, **options):
    noise = {"inputs": None, "state": None}

    def advance(x, states):
        new = step.advance(step.project(x, weights, noise), states, weights, noise)
        return new[0], new

    return recurrence.run(advance, inputs, states, **options)


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("sequences", [False, True])
def test_values_and_gradients_are_those_of_the_general_loop(reverse, sequences):
    step = LSTMStep(fkeras.activations.tanh, fkeras.activations.sigmoid)
    noise = {"inputs": None, "state": None}

    def value_and_gradients(run):
        def summed(inputs, kernel, recurrent, bias, states):
            weights = {"kernel": kernel, "recurrent_kernel": recurrent, "bias": bias}
            outputs = run(inputs, states, weights)
            return sum(
                (leaf * jnp.arange(1, leaf.size + 1).reshape(leaf.shape)).sum()
                for leaf in jax.tree.leaves(outputs)
            ), outputs

        return jax.value_and_grad(summed, argnums=(0, 1, 2, 3, 4), has_aux=True)(
            INPUTS, KERNEL, RECURRENT, BIAS, FIRST
        )

    options = {"reverse": reverse, "sequences": sequences}
    whole = value_and_gradients(
        lambda x, states, weights: step.run_whole(x, states, weights, noise, None, **options)
    )
    parts = value_and_gradients(
        lambda x, states, weights: general(step, x, states, weights, **options)
    )
    assert jax.tree.structure(whole) == jax.tree.structure(parts)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=2e-5, atol=2e-4), whole, parts)


@pytest.mark.parametrize("sequences", [False, True])
def test_derivatives_of_both_modes_and_orders(sequences):
    check_grads(
        lambda *a: [x for x in lstm_loop.run(sequences, *a) if x is not None],
        (jnp.matmul(INPUTS, KERNEL)[:3], RECURRENT, *FIRST),
        order=2,
        modes=["fwd", "rev"],
        rtol=2e-2,
        atol=2e-2,
    )


def test_only_plain_layers_take_it(monkeypatch):
    calls, real = [], lstm_loop.run
    monkeypatch.setattr(lstm_loop, "run", lambda *a: calls.append(1) or real(*a))
    x = np.ones((2, 3, 4), "float32")
    for arguments in ({}, {"return_sequences": True}, {"go_backwards": True}, {"dropout": 0.5}):
        jax.eval_shape(lambda x, a=arguments: layers.LSTM(2, **a)(x), x)
    assert len(calls) == 4
    for arguments in ({"activation": "relu"}, {"recurrent_activation": "tanh"}, {"unroll": True}):
        jax.eval_shape(lambda x, a=arguments: layers.LSTM(2, **a)(x), x)
    jax.eval_shape(lambda x: layers.LSTM(2)(x, mask=np.ones((2, 3), bool)), x)
    assert len(calls) == 4
