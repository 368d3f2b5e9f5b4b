"""StackedRNNCells, Bidirectional and TimeDistributed: each is what its parts give."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import fkeras
from fkeras import layers
from fkeras.errors import UserInputError

RNG = np.random.default_rng(0)
X = RNG.normal(size=(3, 5, 4)).astype("float32")
MASK = np.array([[1, 1, 1, 0, 0], [0, 1, 0, 1, 1], [0, 0, 0, 0, 0]], bool)
NEAR = {"rtol": 1e-5, "atol": 1e-6}


# -- cells ---------------------------------------------------------------------


class Sum:
    """A cell that is no layer: nothing to build, no `training`, no states of its own."""

    state_size = np.int64(4)

    def call(self, inputs, states):
        return inputs + states[0], [inputs + states[0]]


class Moments(layers.Layer):
    """A cell of two states of different shapes, with an output of another size."""

    state_size = [4, (2, 2)]
    output_size = 2

    def call(self, inputs, states):
        total = states[0] + inputs
        corner = states[1] + inputs[:, :2, None] * inputs[:, None, :2]
        return corner[:, 0], [total, corner]


def test_a_cell_that_is_no_layer_runs_over_a_sequence():
    layer = layers.RNN(Sum(), return_sequences=True, return_state=True)
    outputs, state = layer(X)
    np.testing.assert_allclose(outputs, np.cumsum(X, axis=1), **NEAR)
    np.testing.assert_allclose(state, X.sum(axis=1), **NEAR)
    assert layer.single_state
    assert layer.compute_output_shape((None, 5, 4)) == ((None, 5, 4), (None, 4))


def test_states_may_be_of_several_shapes_and_the_output_of_another():
    output, total, corner = layers.RNN(Moments(), return_state=True)(X)
    np.testing.assert_allclose(total, X.sum(axis=1), **NEAR)
    expected = np.einsum("bti,btj->bij", X[..., :2], X[..., :2])
    np.testing.assert_allclose(corner, expected, **NEAR)
    np.testing.assert_allclose(output, expected[:, 0], **NEAR)


def test_stacked_cells_are_their_layers_one_after_the_other():
    cells = [layers.GRUCell(3), layers.LSTMCell(2)]
    stack = layers.RNN(cells, return_sequences=True, return_state=True)
    outputs, gru_state, lstm_states = stack(X, mask=MASK)
    gru = layers.RNN(cells[0], return_sequences=True, return_state=True)
    lstm = layers.RNN(cells[1], return_sequences=True, return_state=True)
    inner, expected_gru_state = gru(X, mask=MASK)
    expected, *expected_lstm_states = lstm(inner, mask=MASK)
    np.testing.assert_allclose(outputs, expected, **NEAR)
    for state, wanted in zip(
        (*gru_state, *lstm_states), (expected_gru_state, *expected_lstm_states), strict=True
    ):
        np.testing.assert_allclose(state, wanted, **NEAR)


def test_a_stack_with_a_cell_of_ones_own_goes_step_by_step():
    stack = layers.StackedRNNCells([Sum(), layers.GRUCell(2)])
    assert stack.state_size == [4, 2] and stack.output_size == 2
    first = stack.get_initial_state(3)
    assert first[0].shape == (3, 4) and first[1][0].shape == (3, 2)
    outputs = layers.RNN(stack, return_sequences=True)(X)
    expected = layers.RNN(stack.cells[1], return_sequences=True)(np.cumsum(X, axis=1))
    np.testing.assert_allclose(outputs, expected, **NEAR)
    np.testing.assert_allclose(stack(X[:, 0], first)[0], outputs[:, 0], **NEAR)


def test_first_states_of_stacked_cells_are_given_in_a_list_or_in_lists():
    layer = layers.RNN([layers.GRUCell(2), layers.LSTMCell(2)])
    a, b, c = RNG.normal(size=(3, 3, 2)).astype("float32")
    together = layer(X, initial_state=[a, b, c])
    np.testing.assert_array_equal(layer(X, initial_state=[[a], [b, c]]), together)
    assert float(jnp.abs(layer(X) - together).max()) > 1e-3


class TwoSums(layers.Layer):
    """A cell of two inputs, two states and two outputs, of different shapes."""

    state_size = [4, (2, 3)]
    output_size = [4, (2, 3)]

    def build(self, input_shape):
        assert [shape[1:] for shape in input_shape] == [(4,), (2, 3)]

    def call(self, inputs, states):
        new = [state + x for state, x in zip(states, inputs, strict=True)]
        return tuple(new), new


@pytest.mark.parametrize("backwards", [False, True])
def test_sequences_and_outputs_may_be_several_arrays(backwards):
    pair = (X, RNG.normal(size=(*X.shape[:2], 2, 3)).astype("float32"))
    inputs = tuple(fkeras.Input((None, *x.shape[2:])) for x in pair)
    layer = layers.RNN(TwoSums(), return_sequences=True, return_state=True, go_backwards=backwards)
    symbolic = layer(inputs)
    sums = [np.cumsum(x[:, ::-1] if backwards else x, axis=1) for x in pair]
    outputs, *states = fkeras.Model(inputs, symbolic).predict(pair, verbose=0)
    assert [x.shape for x in symbolic[0]] == [(None, None, 4), (None, None, 2, 3)]
    assert [x.shape for x in symbolic[1:]] == [(None, 4), (None, 2, 3)]
    for output, state, expected in zip(outputs, states, sums, strict=True):
        np.testing.assert_allclose(output, expected, **NEAR)
        np.testing.assert_allclose(state, expected[:, -1], **NEAR)
    if not backwards:
        # a masked step repeats the outputs of the step before
        last = layers.RNN(TwoSums())(pair, mask=MASK)
        for output, x in zip(last, pair, strict=True):
            counts = MASK.reshape(*MASK.shape, *(1,) * (x.ndim - 2))
            np.testing.assert_allclose(output, (x * counts).sum(axis=1), **NEAR)


def test_a_wrong_state_size_of_a_cell_is_named():
    cell = Moments()
    cell.state_size = "4"
    with pytest.raises(UserInputError, match="state_size must be an integer"):
        layers.RNN(cell)


# -- both directions ---------------------------------------------------------------

MERGES = {
    "concat": lambda a, b: np.concatenate([a, b], axis=-1),
    "sum": lambda a, b: a + b,
    "ave": lambda a, b: (a + b) / 2,
    "mul": lambda a, b: a * b,
}


@pytest.mark.parametrize("merge_mode", MERGES)
def test_both_directions_are_merged_at_the_same_steps(merge_mode):
    layer = layers.Bidirectional(layers.GRU(2, return_sequences=True), merge_mode=merge_mode)
    outputs = layer(X, mask=MASK)
    forward = layer.forward_layer(X, mask=MASK)
    backward = layer.backward_layer(X, mask=MASK)[:, ::-1]
    expected = MERGES[merge_mode](np.asarray(forward), np.asarray(backward))
    np.testing.assert_allclose(outputs, expected, **NEAR)
    assert not np.asarray(outputs)[~MASK].any()  # masked steps are 0
    assert layer.compute_output_shape((3, 5, 4)) == expected.shape
    assert layer.supports_masking


def test_unmerged_directions_come_with_their_states_and_masks():
    layer = layers.Bidirectional(
        layers.LSTM(2, return_sequences=True, return_state=True), merge_mode=None
    )
    outputs = layer(X, mask=MASK)
    assert len(outputs) == 6
    shapes = [tuple(y.shape) for y in outputs]
    assert shapes == [tuple(s) for s in layer.compute_output_shape(X.shape)]
    masks = layer.compute_mask(X, MASK)
    assert [mask is MASK for mask in masks] == [True, True, False, False, False, False]


def test_halves_of_states_and_weights_go_to_the_directions():
    plain = layers.Bidirectional(layers.GRU(2))
    plain.build(X.shape)
    weights = [RNG.normal(size=w.shape).astype("float32") for w in plain.weights]
    layer = layers.Bidirectional(layers.GRU(2), weights=weights)
    a, b = RNG.normal(size=(2, 3, 2)).astype("float32")
    outputs = layer(X, initial_state=[a, b])
    np.testing.assert_array_equal(layer.backward_layer.cell.kernel.value, weights[3])
    np.testing.assert_allclose(outputs[:, :2], layer.forward_layer(X, initial_state=a), **NEAR)
    np.testing.assert_allclose(outputs[:, 2:], layer.backward_layer(X, initial_state=b), **NEAR)
    assert "weights" not in layer.get_config()


def test_both_directions_of_a_stateful_layer_go_on_and_start_anew():
    layer = layers.Bidirectional(layers.GRU(2, stateful=True))
    first, second = layer(X), layer(X)
    assert len(layer.states) == 2 and float(jnp.abs(first - second).max()) > 1e-3
    layer.reset_states()
    np.testing.assert_allclose(layer(X), first, **NEAR)
    assert layers.Bidirectional(layers.GRU(2)).states is None


def test_both_directions_are_made_again_from_their_configs():
    layer = layers.Bidirectional(
        layers.LSTM(2, return_sequences=True, name="mine"),
        merge_mode="sum",
        backward_layer=layers.GRU(2, return_sequences=True, go_backwards=True),
    )
    again = layers.deserialize(layers.serialize(layer))
    assert again.get_config() == layer.get_config()
    assert type(again.backward_layer) is layers.GRU
    assert again.forward_layer.name == "forward_mine"
    assert layers.Bidirectional(layers.LSTM(2, use_cudnn=False)).backward_layer.use_cudnn is False


def test_what_is_no_layer_has_no_directions():
    with pytest.raises(UserInputError, match="`layer` must be a layer. Received: layer=3"):
        layers.Bidirectional(3)
    with pytest.raises(UserInputError, match="`backward_layer` must be a layer"):
        layers.Bidirectional(layers.GRU(2), backward_layer="GRU")


# -- each step by itself -------------------------------------------------------


def test_a_layer_at_each_step_is_the_layer_of_each_step():
    layer = layers.TimeDistributed(layers.Dense(3))
    outputs = layer(X)
    np.testing.assert_allclose(outputs, layer.layer(X), **NEAR)
    variables = layer.init(layer.build_key, X)
    apply = jax.jit(lambda variables, x: layer.apply(variables, x)[0])
    np.testing.assert_allclose(apply(variables, X), outputs, **NEAR)
    gradient = jax.grad(lambda v: jnp.sum(layer.apply(v, X)[0]))(variables)
    np.testing.assert_allclose(gradient["params"]["layer"]["bias"], [15, 15, 15], rtol=1e-6)


def test_masks_pass_through_a_layer_at_each_step(keras):
    ids = np.array([[3, 1, 0, 0], [2, 0, 0, 0]])

    def make(package):
        names = package.layers
        stack = [
            names.Embedding(4, 3, mask_zero=True),
            names.TimeDistributed(names.Dense(2)),
            names.LSTM(2),
        ]
        return package.Sequential([package.Input((4,)), *stack])

    ours, theirs = make(fkeras), make(keras)
    weights = [RNG.normal(size=w.shape).astype("float32") for w in theirs.weights]
    ours.set_weights(weights)
    theirs.set_weights(weights)
    np.testing.assert_allclose(ours(ids), theirs(ids), **NEAR)
    assert ours.layers[1].supports_masking


class Pick(layers.Layer):
    """Outputs in a dict, of a mask of its step."""

    def __init__(self):
        super().__init__()
        self.supports_masking = True

    def call(self, x, mask=None):
        return {"kept": jnp.where(mask[..., None], x, 0), "all": (x, x[:, :1])}

    def compute_output_shape(self, shape):
        return {"kept": shape, "all": (shape, (shape[0], 1))}


def test_outputs_may_be_nested_and_each_step_gets_its_mask():
    layer = layers.TimeDistributed(Pick())
    outputs = layer(X, mask=MASK)
    np.testing.assert_array_equal(outputs["kept"], np.where(MASK[..., None], X, 0))
    np.testing.assert_array_equal(outputs["all"][1], X[..., :1])
    shapes = layer.compute_output_shape((None, 5, 4))
    assert shapes == {"kept": (None, 5, 4), "all": ((None, 5, 4), (None, 5, 1))}


def test_a_layer_with_state_sees_one_step_after_the_other():
    layer = layers.TimeDistributed(layers.BatchNormalization(momentum=0.5))
    outputs = layer(X, training=True)
    mean = np.zeros(4)
    for step in range(5):
        mean = 0.5 * mean + 0.5 * X[:, step].mean(axis=0)
    np.testing.assert_allclose(layer.layer.moving_mean.value, mean, **NEAR)
    np.testing.assert_allclose(np.mean(outputs, axis=0), np.zeros((5, 4)), atol=1e-5)


@pytest.mark.parametrize(
    "mask, message",
    [
        (MASK[:, 0], "must be at least 2D.*it has 1 dimension"),
        (MASK[:, :2], r"has a shape \(3, 2\) that is incompatible with the input shape"),
        (MASK[:2], "Expected mask shape prefix"),
    ],
)
def test_masks_that_do_not_begin_with_batch_and_steps_are_named(mask, message):
    with pytest.raises(UserInputError, match=message):
        layers.TimeDistributed(layers.Dense(2))(X, mask=mask)


def test_what_is_no_layer_is_not_distributed():
    with pytest.raises(UserInputError, match="`layer` must be a layer. Received: 3"):
        layers.TimeDistributed(3)
