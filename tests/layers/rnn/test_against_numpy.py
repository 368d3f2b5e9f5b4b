"""Recurrent layers with all their options, against the same arithmetic in NumPy."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import fkeras
from fkeras import layers

from .reference import STEPS, run

RNG = np.random.default_rng(0)
BATCH, TIME, FEATURES, UNITS = 3, 5, 4, 2
X = RNG.normal(size=(BATCH, TIME, FEATURES)).astype("float32")
STATES = [RNG.normal(size=(BATCH, UNITS)).astype("float32") for _ in range(2)]
MASK = np.array([[1, 1, 1, 0, 0], [0, 1, 0, 1, 1], [0, 0, 0, 0, 0]], bool)
ALL = {"return_sequences": True, "return_state": True}
NEAR = {"rtol": 1e-5, "atol": 1e-6}


def built(name, **options):
    """A layer with weights that are not zero anywhere, and these weights."""
    layer = getattr(layers, name)(UNITS, **options)
    layer.build((BATCH, TIME, FEATURES))
    weights = [RNG.normal(size=w.shape) for w in layer.weights]
    layer.set_weights(weights)
    return layer, weights


# go_backwards, zero_output_for_mask, unroll
LOOPS = [(False, False, False), (True, False, True), (False, True, 2), (True, True, False)]


@pytest.mark.parametrize("go_backwards, zero_output_for_mask, unroll", LOOPS)
@pytest.mark.parametrize("name", STEPS)
def test_masked_sequences(name, go_backwards, zero_output_for_mask, unroll):
    options = {"go_backwards": go_backwards, "zero_output_for_mask": zero_output_for_mask}
    layer, weights = built(name, unroll=unroll, **options, **ALL)
    states = STATES[: STEPS[name][1]]
    outputs, *last = layer(X, initial_state=states, mask=MASK)
    expected, expected_last = run(name, X, weights, states, MASK, **options)
    np.testing.assert_allclose(outputs, expected, **NEAR)
    for state, expected_state in zip(last, expected_last, strict=True):
        np.testing.assert_allclose(state, expected_state, **NEAR)


# masked, go_backwards, zero_output_for_mask
ENDS = [(False, False, False), (False, True, True), (True, True, False), (True, False, True)]


@pytest.mark.parametrize("masked, go_backwards, zero_output_for_mask", ENDS)
@pytest.mark.parametrize("name", STEPS)
def test_the_last_output_alone(name, masked, go_backwards, zero_output_for_mask):
    options = {"go_backwards": go_backwards, "zero_output_for_mask": zero_output_for_mask}
    layer, weights = built(name, **options)
    mask = MASK if masked else None
    expected, _ = run(name, X, weights, mask=mask, **options)
    np.testing.assert_allclose(layer(X, mask=mask), expected[:, -1], **NEAR)


@pytest.mark.parametrize("name", STEPS)
def test_stateful_layers_go_on_under_masks_and_start_anew_after_a_reset(name):
    layer, weights = built(name, stateful=True, return_sequences=True)
    first, states = run(name, X, weights, mask=MASK)
    second, _ = run(name, X, weights, states, MASK[::-1])
    np.testing.assert_allclose(layer(X, mask=MASK), first, **NEAR)
    np.testing.assert_allclose(layer(X, mask=MASK[::-1]), second, **NEAR)
    layer.reset_states()
    np.testing.assert_allclose(layer(X, mask=MASK), first, **NEAR)


@pytest.mark.parametrize("name", STEPS)
def test_the_gradient_of_a_masked_loop_is_that_of_differences(name):
    layer, weights = built(name)
    layer.set_weights(weights)
    direction = RNG.normal(size=X.shape).astype("float32")
    slope = jax.jvp(lambda x: jnp.sum(layer(x, mask=MASK) ** 2), (X,), (direction,))[1]
    gradient = jax.grad(lambda x: jnp.sum(layer(x, mask=MASK) ** 2))(jnp.asarray(X))

    def score(t):
        outputs, _ = run(name, X + t * direction.astype("float64"), weights, mask=MASK)
        return np.sum(outputs[:, -1] ** 2)

    expected = (score(1e-4) - score(-1e-4)) / 2e-4
    np.testing.assert_allclose(slope, expected, rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(np.vdot(gradient, direction), expected, rtol=1e-3, atol=1e-4)
    assert (np.asarray(gradient)[~MASK] == 0).all()  # a masked step has no influence


@pytest.mark.parametrize("name", STEPS)
def test_the_pure_form_maps_over_weights(name):
    layer, weights = built(name, return_sequences=True)
    names = [variable.name for variable in layer.weights]
    twice = {"cell": {n: jnp.stack([w, w / 2]).astype("float32") for n, w in zip(names, weights)}}
    apply = lambda params: layer.apply({"params": params}, X, mask=MASK)[0]
    both = jax.jit(jax.vmap(apply))(twice)
    for outputs, scale in zip(both, (1, 0.5)):
        expected, _ = run(name, X, [scale * w for w in weights], mask=MASK)
        np.testing.assert_allclose(outputs, expected, **NEAR)


@pytest.mark.parametrize("name", STEPS)
@pytest.mark.parametrize("dtype", ["mixed_bfloat16", "float16"])
def test_half_precision_stays_near_and_its_states_are_of_the_compute_dtype(name, dtype):
    layer, weights = built(name, dtype=dtype, stateful=True, **ALL)
    outputs, *states = layer(X, mask=MASK)
    expected, _ = run(name, X, weights, mask=MASK)
    compute_dtype = dtype.removeprefix("mixed_")
    assert {str(y.dtype) for y in (outputs, *states)} == {compute_dtype}
    assert {v.dtype for v in layer.states} == {layer.variable_dtype}
    np.testing.assert_allclose(np.asarray(outputs, "float32"), expected, atol=0.1)


@pytest.mark.parametrize("name", STEPS)
def test_ints_are_cast_and_masks_may_be_numbers_or_of_more_axes(name):
    layer, weights = built(name)
    ids = (3 * X).astype("int32")
    expected, _ = run(name, ids, weights, mask=MASK)
    for mask in (MASK, MASK.astype("int32"), MASK[..., None], np.stack([MASK, ~MASK & MASK], -1)):
        np.testing.assert_allclose(layer(ids, mask=mask), expected[:, -1], **NEAR)


@pytest.mark.parametrize("name", STEPS)
@pytest.mark.parametrize("batch, steps", [(1, 1), (0, 3), (2, 0)])
def test_small_and_empty_sequences(name, batch, steps):
    layer, weights = built(name, **ALL)
    x = X[:batch, :steps]
    outputs, *states = layer(x)
    assert outputs.shape == (batch, steps, UNITS)
    assert all(state.shape == (batch, UNITS) for state in states)
    if steps:
        np.testing.assert_allclose(outputs, run(name, x, weights)[0], **NEAR)
    else:
        assert not np.any(states)


@pytest.mark.parametrize("name", STEPS)
def test_configs_hold_all_settings_and_numpys_numbers_as_pythons(name):
    settings = {
        "activation": "relu",
        "use_bias": False,
        "kernel_initializer": "ones",
        "recurrent_regularizer": "l2",
        "bias_constraint": "non_neg",
        "dropout": 0.25,
        "recurrent_dropout": 0.5,
        "return_sequences": True,
        "go_backwards": True,
        "stateful": True,
        "unroll": True,
        "seed": 7,
        "name": "mine",
    }
    layer = getattr(layers, name)(np.int64(3), **settings)
    again = layers.deserialize(layers.serialize(layer))
    assert type(again) is type(layer) and again.get_config() == layer.get_config()
    for setting, value in settings.items():
        if isinstance(value, (bool, int, float)) or setting == "name":
            assert getattr(again, setting) == value
    assert type(layer.units) is int and layer.cell.state_size in (3, [3, 3])
    assert again.activation is fkeras.activations.relu
    assert again.compute_output_shape((2, None, 4)) == (2, None, 3)


def test_settings_of_a_layer_are_those_of_its_cell():
    layer = layers.GRU(UNITS, reset_after=False)
    layer.recurrent_activation = fkeras.activations.hard_sigmoid
    assert layer.cell.recurrent_activation is fkeras.activations.hard_sigmoid
    assert layer.reset_after is layer.cell.reset_after is False
    assert isinstance(layers.GRU.units, type(layers.LSTM.units))


def test_states_before_the_first_batch_are_none_and_a_reset_does_nothing():
    for layer in (layers.LSTM(UNITS), layers.LSTM(UNITS, stateful=True)):
        assert layer.states is None
        layer.reset_state()
        assert layer.states is None


def test_masks_carried_by_inputs_go_on_to_sequences_alone():
    x = jnp.asarray(X)
    x._keras_mask = MASK
    for return_sequences in (True, False):
        layer = layers.GRU(UNITS, return_sequences=return_sequences)
        assert layer.supports_masking
        assert (getattr(layer(x), "_keras_mask", None) is not None) == return_sequences


def test_symbolic_states_have_the_shapes_of_the_arrays():
    sequence = fkeras.Input((None, FEATURES))
    outputs, h, c = layers.LSTM(UNITS, **ALL)(sequence)
    assert [t.shape for t in (outputs, h, c)] == [
        (None, None, UNITS),
        (None, UNITS),
        (None, UNITS),
    ]


MISTAKES = {
    "units as text": (lambda: layers.GRU("3"), "`units`, expected a positive integer, got 3"),
    "units as bool": (lambda: layers.SimpleRNN(True), "expected a positive integer, got True"),
    "units as float": (lambda: layers.LSTM(2.0), "expected a positive integer, got 2.0"),
    "a rate": (lambda: layers.GRU(2, dropout=-0.1), "`dropout`.*between 0 and 1"),
    "states of another batch": (
        lambda: layers.GRU(UNITS)(X, initial_state=STATES[0][:1]),
        r"Expected states of shapes \[\(3, 2\)\]. Received: \[\(1, 2\)\]",
    ),
    "a mask without steps": (
        lambda: layers.GRU(UNITS)(X, mask=MASK[:, 0]),
        r"must be of shape \(batch, steps\) = \(3, 5\). Received: mask.shape=\(3,\)",
    ),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_mistakes_are_named(name):
    make, message = MISTAKES[name]
    with pytest.raises(fkeras.errors.UserInputError, match=message):
        make()
