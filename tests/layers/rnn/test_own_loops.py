"""The loops with their derivatives written out, against the loop that JAX derives."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.test_util import check_grads

from fkeras import activations, layers
from fkeras.layers.rnn import lstm_loop, recurrence
from fkeras.layers.rnn.gru import GRUStep
from fkeras.layers.rnn.lstm import LSTMStep
from fkeras.layers.rnn.simple_rnn import SimpleRNNStep

TIME, BATCH, FEATURES, UNITS = 5, 3, 4, 2
NOISE = {"inputs": None, "state": None}
_rng = np.random.default_rng(0)
INPUTS = jnp.asarray(_rng.normal(size=(TIME, BATCH, FEATURES)), "float32")
FIRST = [jnp.asarray(_rng.normal(size=(BATCH, UNITS)), "float32") for _ in range(2)]
# Steps left out at the begin, in the middle and at the end; a row without any; all of another.
MASK = jnp.asarray([[0, 1, 0], [1, 1, 0], [0, 1, 0], [1, 1, 0], [0, 1, 0]], bool)


@dataclasses.dataclass(frozen=True)
class Row:
    """A step with a loop of its own, its gates and states, and the shape of its bias."""

    step: object
    gates: int
    states: int = 1
    bias_rows: int = 0

    def weights(self, use_bias=True):
        rng = np.random.default_rng(1)
        width = self.gates * UNITS
        draw = lambda *shape: jnp.asarray(rng.normal(size=shape), "float32")
        bias = draw(self.bias_rows, width) if self.bias_rows else draw(width)
        return {
            "kernel": draw(FEATURES, width),
            "recurrent_kernel": draw(UNITS, width),
            "bias": bias if use_bias else None,
        }


ROWS = {
    "LSTM": Row(LSTMStep(activations.tanh, activations.sigmoid), 4, 2),
    "GRU": Row(GRUStep(activations.tanh, activations.sigmoid, True), 3, bias_rows=2),
    "SimpleRNN": Row(SimpleRNNStep(activations.tanh), 1),
    "SimpleRNN, relu": Row(SimpleRNNStep(activations.relu), 1),
}


@dataclasses.dataclass(frozen=True)
class WithoutLoop:
    """The arithmetic of a step without its loop."""

    inner: object

    def loop(self, weights, noise):
        return None

    def project(self, *args):
        return self.inner.project(*args)

    def advance(self, *args):
        return self.inner.advance(*args)


def value_and_gradients(step, weights, states, mask, options):
    def summed(inputs, weights, states):
        outputs = recurrence._run_cell(
            step, inputs, states, weights, NOISE, mask, project_first=False, **options
        )
        return sum(
            (leaf * jnp.arange(1, leaf.size + 1).reshape(leaf.shape)).sum()
            for leaf in jax.tree.leaves(outputs)
        ), outputs

    run = jax.jit(jax.value_and_grad(summed, argnums=(0, 1, 2), has_aux=True))
    return run(INPUTS, weights, states)


# masked, and options of the loop
CASES = {
    "": (False, {}),
    "last": (False, {"sequences": False}),
    "reverse": (False, {"reverse": True}),
    "unroll": (False, {"unroll": True}),
    "masked": (True, {}),
    "masked, last": (True, {"sequences": False}),
    "masked, reverse, unroll": (True, {"reverse": True, "unroll": 2}),
    "masked, zero": (True, {"zero_masked": True}),
    "masked, zero, reverse, last": (
        True,
        {"zero_masked": True, "reverse": True, "sequences": False},
    ),
}


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("row", ROWS.values(), ids=list(ROWS))
def test_values_and_gradients_are_those_of_the_general_loop(row, case):
    masked, options = CASES[case]
    arguments = (row.weights(), FIRST[: row.states], MASK if masked else None, options)
    assert row.step.loop(row.weights(), NOISE) is not None
    whole = value_and_gradients(row.step, *arguments)
    parts = value_and_gradients(WithoutLoop(row.step), *arguments)
    assert jax.tree.structure(whole) == jax.tree.structure(parts)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=2e-5, atol=2e-4), whole, parts)


def test_a_gru_without_bias_is_the_general_one():
    row = ROWS["GRU"]
    arguments = (row.weights(use_bias=False), FIRST[:1], MASK, {})
    whole = value_and_gradients(row.step, *arguments)
    parts = value_and_gradients(WithoutLoop(row.step), *arguments)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=2e-5, atol=2e-4), whole, parts)


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("row", ROWS.values(), ids=list(ROWS))
def test_derivatives_of_both_modes_and_orders(row, masked):
    weights = row.weights()
    mask = MASK[:3, :, None] if masked else None

    def run(projected, recurrent, bias, states):
        weights = {"recurrent_kernel": recurrent, "bias": bias}
        loop = row.step.loop(weights, NOISE)
        return loop(projected, mask, states, sequences=masked, unroll=False)[1]

    projected = row.step.project(INPUTS[:3], weights, NOISE)
    arguments = (projected, weights["recurrent_kernel"], weights["bias"], FIRST[: row.states])
    check_grads(run, arguments, order=2, modes=["fwd", "rev"], rtol=2e-2, atol=2e-2)


@pytest.mark.parametrize("row", ROWS.values(), ids=list(ROWS))
def test_no_value_and_no_gradient_comes_from_a_masked_step(row):
    """As the general loop: what stands in the padding does not matter."""

    def score(inputs):
        last, outputs, _ = recurrence._run_cell(
            row.step, inputs, FIRST[: row.states], row.weights(), NOISE, MASK, project_first=False
        )
        return jnp.sum(outputs**2) + jnp.sum(last)

    value, gradient = jax.value_and_grad(score)(INPUTS)
    other, _ = jax.value_and_grad(score)(jnp.where(MASK[..., None], INPUTS, 1e3))
    assert value == other
    assert (np.asarray(gradient)[~MASK] == 0).all() and (np.asarray(gradient)[MASK] != 0).any()


@pytest.mark.parametrize(
    "layer, taken",
    [
        (layers.LSTM(2), True),
        (layers.GRU(2), True),
        (layers.SimpleRNN(2), True),
        (layers.SimpleRNN(2, activation="relu"), True),
        (layers.SimpleRNN(2, activation="elu"), False),
        (layers.LSTM(2, activation="relu"), False),
        (layers.LSTM(2, recurrent_activation="tanh"), False),
        (layers.GRU(2, activation="relu"), False),
        (layers.GRU(2, reset_after=False), False),
    ],
)
def test_steps_know_their_loops_without_noise_on_the_state(layer, taken):
    step = layer.cell.step()
    assert (step.loop({}, NOISE) is not None) == taken
    assert step.loop({}, {"inputs": None, "state": np.ones((2, 2))}) is None


@pytest.mark.parametrize("masked", [False, True])
def test_layers_take_them_masked_or_not(monkeypatch, masked):
    calls, real = [], lstm_loop.run
    monkeypatch.setattr(lstm_loop, "run", lambda *a: calls.append(1) or real(*a))
    drawn_fast = {"kernel_initializer": "zeros", "recurrent_initializer": "zeros"}
    options = {"go_backwards": True, "unroll": 3, "dropout": 0.5, **drawn_fast}
    mask = np.ones((2, 3), bool) if masked else None
    x = np.ones((2, 3, 4), "float32")
    jax.eval_shape(lambda x: layers.LSTM(2, **options)(x, mask=mask), x)
    assert len(calls) == 1
    jax.eval_shape(lambda x: layers.Bidirectional(layers.LSTM(2, **drawn_fast))(x, mask=mask), x)
    assert len(calls) == 3
