"""The loop over time, against a Python loop."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from fkeras.errors import UserInputError
from fkeras.layers.rnn import recurrence

RNG = np.random.default_rng(0)
TIME, BATCH, SIZE = 4, 3, 2
X = RNG.normal(size=(TIME, BATCH, SIZE)).astype("float32")
FIRST = {"sum": np.ones((BATCH, SIZE), "float32"), "steps": np.zeros((BATCH,), "float32")}
MASK = RNG.random((TIME, BATCH)) > 0.4


def step(x, states):
    """A running sum and a count, in a dict; the output is their product."""
    new = {"sum": states["sum"] / 2 + x, "steps": states["steps"] + 1}
    return new["sum"] * new["steps"][:, None], new


def by_hand(mask, reverse, zero_masked):
    states, outputs, order = FIRST, [None] * TIME, range(TIME)
    for t in reversed(order) if reverse else order:
        output, new = step(X[t], states)
        counts = mask[t][:, None]
        masked = np.zeros_like(output) if zero_masked else states["sum"]
        outputs[t] = np.where(counts, output, masked)
        states = {
            "sum": np.where(counts, new["sum"], states["sum"]),
            "steps": np.where(mask[t], new["steps"], states["steps"]),
        }
    return np.stack(outputs), states


@pytest.mark.parametrize("unroll", [False, True])
@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("zero_masked", [False, True])
def test_states_of_any_structure_run_over_masked_steps(reverse, zero_masked, unroll):
    options = {"reverse": reverse, "zero_masked": zero_masked, "unroll": unroll}
    last, outputs, states = recurrence.run(
        step, X, FIRST, MASK, previous_outputs=lambda states: [states["sum"]], **options
    )
    expected, expected_states = by_hand(MASK, reverse, zero_masked)
    np.testing.assert_allclose(outputs, expected, rtol=1e-5)
    np.testing.assert_allclose(last, expected[0 if reverse else -1], rtol=1e-5)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-5), states, expected_states)


def test_without_a_mask_all_steps_count():
    _, outputs, _ = recurrence.run(step, X, FIRST)
    expected, _ = by_hand(np.ones((TIME, BATCH), bool), False, False)
    np.testing.assert_allclose(outputs, expected, rtol=1e-5)


def test_without_steps_the_first_state_is_the_output():
    add = lambda x, states: (states[0] + x, [states[0] + x])
    first = [jnp.ones((BATCH, SIZE))]
    for sequences in (True, False):
        last, outputs, states = recurrence.run(add, X[:0], first, MASK[:0], sequences=sequences)
        np.testing.assert_array_equal(last, first[0])
        np.testing.assert_array_equal(states[0], first[0])
        assert outputs is None or outputs.shape == (0, BATCH, SIZE)


def test_states_keep_their_dtype_and_must_keep_their_shape():
    first = [jnp.ones((BATCH, SIZE), "bfloat16")]
    widen = lambda x, states: (states[0], [states[0].astype("float32") + x])
    _, _, states = recurrence.run(widen, X, first)
    assert states[0].dtype == jnp.bfloat16
    grow = lambda x, states: (x, [jnp.concatenate([states[0], x])])
    message = r"Given: \[\(3, 2\)\]. Returned: \[\(6, 2\)\]"
    with pytest.raises(UserInputError, match=message):
        recurrence.run(grow, X, first)


def test_a_loop_in_a_program_stores_the_gates_and_nothing_else_that_is_elementwise():
    from fkeras import layers

    layer = layers.GRU(SIZE, reset_after=False)  # without a loop of its own
    layer.build((BATCH, TIME, SIZE))
    variables = layer.init(jax.random.key(0), (BATCH, TIME, SIZE))
    x = np.swapaxes(X, 0, 1)
    score = lambda params: jnp.sum(layer.apply({"params": params}, x)[0])
    text = str(jax.make_jaxpr(jax.grad(score))(variables["params"]))
    assert recurrence._STORED_NAME in text and "remat" in text


@pytest.mark.parametrize(
    "function, is_plain",
    [
        (jnp.tanh, True),
        (jax.nn.sigmoid, True),
        (recurrence.is_plain_function, True),  # of this library
        (np.tanh, False),
        (lambda x: x, False),
        (jax.jit(jnp.sin), False),
    ],
)
def test_functions_known_to_depend_on_their_arguments_alone(function, is_plain):
    assert recurrence.is_plain_function(function) == is_plain
