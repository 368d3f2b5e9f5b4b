"""Cells by themselves: one step, their states, their noise, and what they are made of."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from fkeras import layers
from fkeras.errors import UserInputError
from fkeras.layers.rnn.cell import RecurrentCell
from fkeras.layers.rnn.cell_step import Step, multiply_with_noise

from .reference import STEPS

RNG = np.random.default_rng(0)
X = RNG.normal(size=(3, 4)).astype("float32")
STATES = [RNG.normal(size=(3, 2)).astype("float32") for _ in range(2)]
CELLS = {name: getattr(layers, f"{name}Cell") for name in STEPS}


def built(name, **options):
    cell = CELLS[name](2, **options)
    cell.build((3, 4))
    weights = [RNG.normal(size=w.shape) for w in cell.weights]
    cell.set_weights(weights)
    return cell, weights


@pytest.mark.parametrize("name", CELLS)
def test_a_step_is_the_arithmetic_of_the_docstring(name):
    cell, weights = built(name)
    step, count = STEPS[name]
    expected, expected_states = step(X, STATES[:count], *weights)
    output, states = cell(X, STATES[:count])
    np.testing.assert_allclose(output, expected, rtol=1e-5, atol=1e-6)
    for state, expected_state in zip(states, expected_states, strict=True):
        np.testing.assert_allclose(state, expected_state, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", ["SimpleRNN", "GRU"])
def test_a_single_state_comes_back_as_it_was_given(name):
    cell, _ = built(name)
    output, state = cell(X, STATES[0])
    assert state.shape == output.shape == (3, 2)
    _, states = cell(X, (STATES[0],))
    assert isinstance(states, list)
    np.testing.assert_array_equal(states[0], state)


@pytest.mark.parametrize("name", CELLS)
def test_first_states_are_zeros_of_the_compute_dtype(name):
    cell = CELLS[name](np.int32(2), dtype="mixed_bfloat16")
    states = cell.get_initial_state(5)
    assert len(states) == STEPS[name][1]
    assert all(s.shape == (5, 2) and s.dtype == jnp.bfloat16 and not s.any() for s in states)
    assert type(cell.units) is int
    assert cell.output_size == 2


@pytest.mark.parametrize("name", CELLS)
def test_a_cell_is_made_again_from_its_config(name):
    cell = CELLS[name](3, activation="relu", dropout=0.5, bias_initializer="ones", seed=3)
    again = layers.deserialize(layers.serialize(cell))
    assert again.get_config() == cell.get_config()
    assert "implementation" not in cell.get_config()


@pytest.mark.parametrize("name", CELLS)
def test_a_cell_computes_and_learns_as_kerass_does(keras, name):
    cell, weights = built(name, bias_regularizer="l2")
    theirs = getattr(keras.layers, f"{name}Cell")(2)
    theirs.build((3, 4))
    theirs.set_weights(weights)
    states = STATES[: STEPS[name][1]]
    for ours, expected in zip(jax.tree.leaves(cell(X, states)), jax.tree.leaves(theirs(X, states))):
        np.testing.assert_allclose(ours, expected, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(cell.losses, [0.01 * np.sum(weights[2] ** 2)], rtol=1e-5)


def test_the_forget_gate_starts_open():
    cell = layers.LSTMCell(2)
    cell.build((1, 3))
    np.testing.assert_array_equal(cell.bias.value, [0, 0, 1, 1, 0, 0, 0, 0])
    closed = layers.LSTMCell(2, unit_forget_bias=False, bias_initializer="ones")
    closed.build((1, 3))
    assert (np.asarray(closed.bias.value) == 1).all()


@pytest.mark.parametrize("reset_after, shape", [(True, (2, 6)), (False, (6,))])
def test_the_bias_of_a_gru_has_a_row_for_the_state_where_that_is_added(reset_after, shape):
    cell = layers.GRUCell(2, reset_after=reset_after)
    cell.build((1, 3))
    assert cell.bias.shape == shape


# -- noise ---------------------------------------------------------------------


@pytest.mark.parametrize("leading", [(), (4,)])
def test_noise_multiplies_the_inputs_of_all_gates_or_of_each(leading):
    x = RNG.normal(size=(*leading, 3, 5))
    kernel = RNG.normal(size=(5, 6))
    noise = RNG.normal(size=(3, 3, 5))  # (gates, batch, features)
    np.testing.assert_allclose(multiply_with_noise(x, kernel, None), x @ kernel, rtol=1e-5)
    shared = multiply_with_noise(x, kernel, noise[0])
    np.testing.assert_allclose(shared, (x * noise[0]) @ kernel, rtol=1e-5, atol=1e-5)
    parts = [(x * n) @ k for n, k in zip(noise, np.split(kernel, 3, axis=1))]
    expected = np.concatenate(parts, axis=-1)
    by_gate = multiply_with_noise(x, kernel, noise)
    np.testing.assert_allclose(by_gate, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    "options, shapes",
    [
        ({}, (None, None)),
        ({"dropout": 0.5}, ((3, 4), None)),
        ({"recurrent_dropout": 0.5}, (None, (3, 3, 2))),
        ({"dropout": 0.5, "implementation": 1}, ((3, 3, 4), None)),
        ({"dropout": 0.5, "recurrent_dropout": 0.5}, ((3, 3, 4), (3, 3, 2))),
    ],
)
def test_each_gate_has_its_own_noise_where_the_state_is_dropped(options, shapes):
    cell = layers.GRUCell(2, **options)
    noise = cell.draw_noise(X, STATES[0], training=True)
    noise_shapes = tuple(None if x is None else x.shape for x in (noise["inputs"], noise["state"]))
    assert noise_shapes == shapes
    for factors in noise.values():
        assert factors is None or set(np.unique(factors)) <= {0.0, 2.0}
    assert set(cell.draw_noise(X, STATES[0], training=False).values()) == {None}


def test_gates_of_the_papers_gru_take_their_rows_of_the_noise():
    cell = layers.GRUCell(2, reset_after=False, recurrent_dropout=1.0)
    cell.build((3, 4))
    output, _ = cell(X, [STATES[0]], training=True)
    z, _, candidate = np.split(X @ np.asarray(cell.kernel.value), 3, axis=-1)  # no state is seen
    update = 1 / (1 + np.exp(-z))
    expected = update * STATES[0] + (1 - update) * np.tanh(candidate)
    np.testing.assert_allclose(output, expected, rtol=1e-5, atol=1e-6)


# -- what a subclass must say ----------------------------------------------------


def test_abstract_arithmetic_names_what_is_missing():
    class Mine(RecurrentCell):
        def __init__(self):
            names = ("kernel", "recurrent", "bias")
            roles = {
                f"{name}_{kind}": None
                for name in names
                for kind in ("initializer", "regularizer", "constraint")
            }
            super().__init__(2, use_bias=False, dropout=0, recurrent_dropout=0, seed=None, **roles)

    with pytest.raises(NotImplementedError, match=r"Mine must define `step\(\)`"):
        Mine().step()
    weights = noise = {}
    with pytest.raises(NotImplementedError, match="Step must define `project`"):
        Step().project(X, weights, noise)
    with pytest.raises(NotImplementedError, match="Step must define `advance`"):
        Step().advance(X, STATES, weights, noise)
    assert Step().loop(weights, noise) is None


def test_only_arithmetic_of_plain_functions_is_compiled_for_ever():
    assert layers.GRUCell(2).step().is_plain()
    assert layers.GRUCell(2, activation=jnp.tanh).step().is_plain()
    assert not layers.GRUCell(2, activation=lambda x: x).step().is_plain()
    assert not layers.GRUCell(2, activation=layers.PReLU()).step().is_plain()


@pytest.mark.parametrize("units", [0, -1, 1.5, True, [2]])
def test_units_must_be_a_positive_int(units):
    with pytest.raises(UserInputError, match="`units`, expected a positive integer, got"):
        layers.SimpleRNNCell(units)


@pytest.mark.parametrize("name", CELLS)
def test_masks_of_dropout_are_keras_s_in_form(keras, name):
    options = {"dropout": 0.5, "recurrent_dropout": 0.25}
    mine, theirs = CELLS[name](3, **options), getattr(keras.layers, f"{name}Cell")(3, **options)
    for method, x, kept in (
        ("get_dropout_mask", X, 2.0),
        ("get_recurrent_dropout_mask", STATES[0], 4 / 3),
    ):
        ours, expected = getattr(mine, method)(x), getattr(theirs, method)(x)
        assert isinstance(ours, list) == isinstance(expected, list)
        assert np.shape(ours) == np.shape(expected)
        values = np.unique(np.asarray(ours))
        assert np.all(np.isclose(values, 0) | np.isclose(values, kept))
        assert getattr(CELLS[name](3), method)(x) is None
    mine.reset_dropout_mask()
    mine.reset_recurrent_dropout_mask()
