"""Recurrent layers: against Keras under masks, directions, states; states that stay; noise; the
loop's own promises.
"""

import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import fkeras
from fkeras import layers
from fkeras.errors import PureCallError, UserInputError
from fkeras.layers.rnn import recurrence

BATCH, STEPS, FEATURES, UNITS = 3, 5, 4, 2
RNG = np.random.default_rng(0)
X = RNG.normal(size=(BATCH, STEPS, FEATURES)).astype("float32")
IMAGES = RNG.normal(size=(2, 3, 5, 4, 2)).astype("float32")
SIGNALS = RNG.normal(size=(2, 3, 6, 2)).astype("float32")
H, C = (RNG.normal(size=(BATCH, UNITS)).astype("float32") for _ in range(2))
MASK = np.array(
    [[1, 1, 1, 0, 0], [0, 1, 0, 1, 1], [0, 0, 0, 0, 0]], bool
)  # the last row is padding alone
ALL = {"return_sequences": True, "return_state": True}

# a layer from the module of layers; inputs; arguments of the call
ROWS = {
    "LSTM": (lambda L: L.LSTM(UNITS), X, {}),
    "LSTM masked": (lambda L: L.LSTM(UNITS, **ALL), X, {"mask": MASK}),
    "LSTM backwards from states": (
        lambda L: L.LSTM(UNITS, go_backwards=True, **ALL),
        X,
        {"mask": MASK, "initial_state": [H, C]},
    ),
    "LSTM otherwise": (
        lambda L: L.LSTM(
            UNITS, activation="relu", recurrent_activation="tanh", use_bias=False, unroll=True
        ),
        X,
        {"mask": MASK},
    ),
    "LSTM zero output": (
        lambda L: L.LSTM(UNITS, zero_output_for_mask=True, return_sequences=True),
        X,
        {"mask": MASK},
    ),
    "GRU": (lambda L: L.GRU(UNITS, return_state=True), X, {"initial_state": H}),
    "GRU masked": (lambda L: L.GRU(UNITS, **ALL), X, {"mask": MASK}),
    "GRU of the paper": (
        lambda L: L.GRU(UNITS, reset_after=False, return_sequences=True, go_backwards=True),
        X,
        {"mask": MASK},
    ),
    "GRU without bias": (lambda L: L.GRU(UNITS, use_bias=False, unroll=True), X, {}),
    "SimpleRNN": (lambda L: L.SimpleRNN(UNITS, **ALL), X, {"mask": MASK, "initial_state": [H]}),
    "SimpleRNN linear": (lambda L: L.SimpleRNN(UNITS, activation=None, go_backwards=True), X, {}),
    "RNN stacked": (lambda L: L.RNN([L.LSTMCell(3), L.GRUCell(UNITS)], **ALL), X, {"mask": MASK}),
    "RNN stacked backwards": (
        lambda L: L.RNN([L.SimpleRNNCell(3), L.LSTMCell(UNITS)], go_backwards=True),
        X,
        {},
    ),
    "RNN zero output": (
        lambda L: L.RNN(L.LSTMCell(UNITS), zero_output_for_mask=True),
        X,
        {"mask": MASK},
    ),
    "Bidirectional": (lambda L: L.Bidirectional(L.LSTM(UNITS)), X, {"mask": MASK}),
    "Bidirectional ave": (
        lambda L: L.Bidirectional(L.GRU(UNITS, return_sequences=True), merge_mode="ave"),
        X,
        {"mask": MASK},
    ),
    "Bidirectional mul": (
        lambda L: L.Bidirectional(L.SimpleRNN(UNITS, return_sequences=True), merge_mode="mul"),
        X,
        {},
    ),
    "Bidirectional None": (
        lambda L: L.Bidirectional(L.GRU(UNITS, **ALL), merge_mode=None),
        X,
        {"initial_state": [H, C]},
    ),
    "Bidirectional sum of two": (
        lambda L: L.Bidirectional(
            L.LSTM(UNITS, return_state=True),
            backward_layer=L.LSTM(UNITS, activation="relu", go_backwards=True, return_state=True),
            merge_mode="sum",
        ),
        X,
        {"initial_state": [H, C, C, H]},
    ),
    "ConvLSTM1D": (
        lambda L: L.ConvLSTM1D(2, 3, padding="same", dilation_rate=2, **ALL),
        SIGNALS,
        {},
    ),
    "ConvLSTM2D": (lambda L: L.ConvLSTM2D(2, (2, 3), strides=(1, 2)), IMAGES, {}),
    "ConvLSTM2D channels first": (
        lambda L: L.ConvLSTM2D(2, 2, data_format="channels_first", use_bias=True, **ALL),
        IMAGES.swapaxes(2, 4),
        {},
    ),
    "ConvLSTM3D": (
        lambda L: L.ConvLSTM3D(1, 2, go_backwards=True, use_bias=False),
        IMAGES[..., None],
        {},
    ),
    "TimeDistributed": (lambda L: L.TimeDistributed(L.Dense(3, activation="tanh")), X, {}),
    "TimeDistributed image": (lambda L: L.TimeDistributed(L.Conv2D(3, 2)), IMAGES, {}),
    "TimeDistributed state": (
        lambda L: L.TimeDistributed(L.BatchNormalization()),
        X,
        {"training": True},
    ),
    "TimeDistributed nested": (lambda L: L.TimeDistributed(L.LSTM(UNITS)), SIGNALS, {}),
}


def _config(layer):
    return json.loads(json.dumps(layers.serialize(layer)))


@pytest.mark.parametrize("name", ROWS)
def test_a_recurrent_layer_computes_what_kerass_computes(same_as_keras, name):
    make, x, call = ROWS[name]
    _, outputs = same_as_keras(make, x, **call)
    assert all(np.isfinite(y).all() for y in outputs)


@pytest.mark.parametrize("name", ROWS)
def test_configs_and_symbolic_shapes_are_kerass(keras, name):
    make, x, _ = ROWS[name]
    ours, theirs = make(layers), make(keras.layers)
    again = layers.deserialize(_config(ours))
    assert _config(again) == _config(ours)
    assert (
        _config(
            layers.deserialize(keras.layers.serialize(keras.layers.deserialize(_config(ours))))
        )["class_name"]
        == _config(ours)["class_name"]
    )
    steps = (
        None
        if "TimeDistributed" not in name
        and "unroll" not in str(_config(ours)["config"].get("unroll"))
        else x.shape[1]
    )
    outputs = jax.tree.leaves(
        again(fkeras.KerasTensor((None, steps, *x.shape[2:]))),
        is_leaf=lambda t: isinstance(t, fkeras.KerasTensor),
    )
    expected = theirs(keras.KerasTensor((None, steps, *x.shape[2:])))
    expected = jax.tree.leaves(expected, is_leaf=lambda t: isinstance(t, keras.KerasTensor))
    assert [(y.shape, y.dtype) for y in outputs] == [(y.shape, y.dtype) for y in expected]


def test_the_pure_form_is_the_objects_call():
    layer = layers.Bidirectional(layers.LSTM(UNITS, return_sequences=True))
    y = layer(X, mask=MASK)
    variables = layer.init(layer.build_key, X)
    np.testing.assert_allclose(jax.jit(layer.apply)(variables, X, mask=MASK)[0], y, rtol=1e-6)
    assert set(variables["params"]["forward_layer"]["cell"]) == {
        "kernel",
        "recurrent_kernel",
        "bias",
    }
    assert variables["state"] == {}


def test_forward_mode_and_second_derivatives_work():
    layer = layers.LSTM(UNITS)
    variables = layer.init(jax.random.key(0), X)
    score = lambda x: jnp.sum(layer.apply(variables, x)[0] ** 2)
    direction = jnp.ones_like(X)
    by_jvp = jax.jvp(score, (X,), (direction,))[1]
    np.testing.assert_allclose(by_jvp, jnp.vdot(jax.grad(score)(X), direction), rtol=1e-5)
    curvature = jax.jvp(jax.grad(score), (X,), (direction,))[1]
    assert np.isfinite(curvature).all() and float(jnp.abs(curvature).max()) > 0


@pytest.mark.parametrize(
    "make",
    [
        lambda: layers.LSTM(UNITS, return_sequences=True),
        lambda: layers.GRU(UNITS),
        lambda: layers.ConvLSTM1D(2, 2),
    ],
)
def test_projecting_all_steps_first_changes_nothing(make, monkeypatch):
    layer, x = make(), (SIGNALS if "Conv" in str(make().__class__) else X)
    expected = layer(x, training=True)
    variables = layer.init(layer.build_key, x)
    monkeypatch.setattr(recurrence.jax, "default_backend", lambda: "gpu")
    np.testing.assert_allclose(layer.apply(variables, x)[0], expected, rtol=1e-5, atol=1e-6)


def test_the_objects_call_compiles_once_whatever_the_weights(compilations):
    layer = layers.LSTM(UNITS, return_sequences=True)
    layer(X, mask=MASK)
    layer.set_weights([w + 1 for w in layer.get_weights()])
    with compilations() as programs:
        layer(X, mask=MASK)
    assert not programs


def test_mixed_precision_is_kerass(same_as_keras):
    same_as_keras(lambda L: L.LSTM(UNITS, dtype="mixed_bfloat16", **ALL), X, tolerance=0.1)
    layer = layers.RNN(layers.LSTMCell(UNITS, dtype="float32"), dtype="mixed_bfloat16")
    assert layer(X).dtype == jnp.bfloat16 and layer.cell.kernel.dtype == "float32"


# -- states --------------------------------------------------------------------


@pytest.mark.parametrize(
    "make",
    [
        lambda **k: layers.LSTM(UNITS, **k),
        lambda **k: layers.RNN([layers.GRUCell(3), layers.LSTMCell(UNITS)], **k),
    ],
)
def test_a_stateful_layer_goes_on_where_the_last_batch_ended(make):
    layer = make(stateful=True, return_state=True)
    layer(X)
    second = layer(X)
    plain = make(return_state=True)
    plain.build(X.shape)
    plain.set_weights(layer.get_weights())
    _, *states = plain(X)
    jax.tree.map(
        lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-5),
        second,
        plain(X, initial_state=states),
    )
    layer.reset_state()
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-5), layer(X), plain(X))


def test_passing_states_come_out_of_the_pure_form_and_are_no_weights():
    layer = layers.LSTM(UNITS, stateful=True)
    variables = layer.init(jax.random.key(0), X)
    first, state = jax.jit(layer.apply)(variables, X)
    assert float(jnp.abs(state["states_0"] - first).max()) == 0
    second, _ = layer.apply({**variables, "state": state}, X)
    assert float(jnp.abs(second - first).max()) > 1e-4
    assert [w.name for w in layer.weights] == ["kernel", "recurrent_kernel", "bias"]
    assert (
        float(jnp.abs(layer.states[0].value).max()) == 0
    )  # the object's own states did not change


def test_a_stateful_layer_needs_one_batch_size():
    with pytest.raises(UserInputError, match=r"batch size must be known.*Input\(batch_shape"):
        layers.LSTM(UNITS, stateful=True)(fkeras.Input((STEPS, FEATURES)))
    layer = layers.LSTM(UNITS, stateful=True)
    layer(X)
    with pytest.raises(
        UserInputError, match=f"Expected batch size: {BATCH}. Received batch size: 2"
    ):
        layer(X[:2])
    with pytest.raises(AttributeError, match="not `stateful`"):
        layers.Bidirectional(layers.LSTM(UNITS)).reset_state()


def test_states_go_from_an_encoder_to_a_decoder_in_a_graph():
    source, target = fkeras.Input((None, FEATURES)), fkeras.Input((None, 3))
    _, h, c = layers.LSTM(UNITS, return_state=True)(source)
    y = layers.LSTM(UNITS, return_sequences=True)(target, initial_state=[h, c])
    model = fkeras.Model([source, target], y)
    target_values = RNG.normal(size=(BATCH, 4, 3)).astype("float32")
    encoder, decoder = (layer for layer in model.layers if isinstance(layer, layers.LSTM))
    np.testing.assert_allclose(
        model([X, target_values]),
        decoder(target_values, initial_state=list(encoder(X)[1:])),
        rtol=1e-6,
    )


class Leaky(layers.Layer):
    """A cell that is no layer of the library, with a constant."""

    state_size = FEATURES

    def call(self, inputs, states, constants):
        y = constants * states[0] + inputs
        return 2 * y, [y]


def test_a_cell_of_ones_own_gets_constants_and_its_output_may_differ_from_its_state():
    outputs, state = layers.RNN(Leaky(), return_state=True)(X, constants=np.float32(0.5), mask=MASK)
    by_hand, last = np.zeros((BATCH, FEATURES), "float32"), np.zeros((BATCH, FEATURES), "float32")
    for t in range(STEPS):
        now = 0.5 * by_hand + X[:, t]
        last = np.where(
            MASK[:, t, None], 2 * now, by_hand
        )  # at a masked step: the first state, as in Keras
        by_hand = np.where(MASK[:, t, None], now, by_hand)
    np.testing.assert_allclose(outputs, last, rtol=1e-6)
    np.testing.assert_allclose(state, by_hand, rtol=1e-6)


def test_an_overridden_call_of_a_librarys_cell_is_respected():
    class Half(layers.GRUCell):
        def call(self, inputs, states, training=False):
            output, states = super().call(inputs, states, training=training)
            return output / 2, states

    layer = layers.RNN(Half(UNITS, dropout=0.5), return_sequences=True)
    layer.build(X.shape)
    plain = layers.GRU(UNITS, return_sequences=True)
    plain.build(X.shape)
    plain.set_weights(layer.get_weights())
    np.testing.assert_allclose(layer(X), plain(X) / 2, rtol=1e-5)
    assert np.isfinite(layer(X, training=True)).all()


# -- noise ---------------------------------------------------------------------


@pytest.mark.parametrize(
    "make",
    [
        lambda **k: layers.SimpleRNN(64, activation=None, use_bias=False, **k),
        lambda **k: layers.RNN([layers.LSTMCell(4, **k), layers.GRUCell(64, **k)]),
        lambda **k: layers.ConvLSTM2D(8, 1, **k),
    ],
)
def test_dropout_acts_in_training_alone_and_anew_at_each_call(make):
    layer, x = make(dropout=0.4, recurrent_dropout=0.3), IMAGES if "conv" in make().name else X
    variables = layer.init(jax.random.key(0), x)
    draw = jax.jit(lambda variables, key: layer.apply(variables, x, training=True, rngs=key)[0])
    first, again, other = (np.asarray(draw(variables, jax.random.key(seed))) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert np.isfinite(first).all() and np.abs(first - other).max() > 1e-3
    without = make()
    without.init(jax.random.key(0), x)
    np.testing.assert_allclose(
        layer.apply(variables, x)[0], without.apply(variables, x)[0], rtol=1e-6
    )
    with pytest.raises(PureCallError, match="given no key"):
        layer.apply(variables, x, training=True)


def test_the_objects_call_draws_the_next_numbers_each_time():
    layer = layers.SimpleRNN(8, dropout=0.5)
    assert float(jnp.abs(layer(X, training=True) - layer(X, training=True)).max()) > 1e-3


def test_dropout_of_inputs_is_the_same_at_all_steps_and_keeps_the_mean():
    layer = layers.SimpleRNN(
        1,
        activation=None,
        use_bias=False,
        dropout=0.5,
        return_sequences=True,
        kernel_initializer="ones",
        recurrent_initializer="zeros",
    )
    x = np.ones((2000, 4, 3), "float32")
    y = np.asarray(layer(x, training=True))[..., 0]
    np.testing.assert_array_equal(y, y[:, :1].repeat(4, axis=1))
    assert set(np.unique(y)) == {0.0, 2.0, 4.0, 6.0}
    assert abs(y.mean() - 3) < 0.2


def test_a_rate_of_one_drops_all_and_rates_outside_are_errors():
    layer = layers.GRU(UNITS, dropout=1.0, recurrent_dropout=1.0)
    layer.build(X.shape)
    gradient = jax.grad(
        lambda x: layer.stateless_call(
            [v.value for v in layer.trainable_variables],
            [v.value for v in layer.non_trainable_variables],
            x,
            training=True,
        )[0].sum()
    )(jnp.asarray(X))
    assert float(jnp.abs(gradient).max()) == 0
    for argument in ("dropout", "recurrent_dropout"):
        with pytest.raises(
            UserInputError,
            match=f"LSTMCell 'lstm_cell.*argument `{argument}`.*between 0 and 1. Received: "
            f"{argument}=2",
        ):
            layers.LSTM(UNITS, **{argument: 2})


# -- masks ---------------------------------------------------------------------


def test_padding_travels_from_an_embedding_through_recurrent_layers(keras):
    ids = np.array([[3, 1, 4, 0, 0], [2, 0, 0, 0, 0], [0, 0, 0, 0, 0]])

    def make(K):
        L = K.layers
        return K.Sequential(
            [
                K.Input((None,)),
                L.Embedding(6, 3, mask_zero=True),
                L.LSTM(4, return_sequences=True),
                L.Bidirectional(L.GRU(2)),
                L.Dense(1),
            ]
        )

    ours, theirs = make(fkeras), make(keras)
    weights = [
        np.random.default_rng(5).normal(size=w.shape).astype("float32") for w in theirs.weights
    ]
    ours.set_weights(weights)
    theirs.set_weights(weights)
    np.testing.assert_allclose(ours(ids), theirs(ids), rtol=1e-5, atol=1e-6)
    variables = ours.init(jax.random.key(0), ids)
    gradients = jax.grad(lambda v: jnp.sum(ours.apply(v, ids)[0] ** 2))(variables)
    assert all(np.isfinite(g).all() for g in jax.tree.leaves(gradients))
    shorter = np.array([[3, 1, 4], [2, 0, 0], [0, 0, 0]])  # padding changes nothing
    np.testing.assert_allclose(ours(shorter), ours(ids), rtol=1e-5, atol=1e-6)


def test_masked_images_are_skipped():  # Keras on JAX cannot
    layer = layers.ConvLSTM2D(2, 2, return_sequences=True)
    masked = layer(IMAGES, mask=np.array([[1, 1, 0], [1, 1, 0]], bool))
    np.testing.assert_allclose(masked[:, :2], layer(IMAGES[:, :2]), rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(masked[:, 2], masked[:, 1])


def test_an_output_carries_the_mask_of_its_steps():
    sequence = layers.Embedding(6, 3, mask_zero=True)(np.array([[3, 0]]))
    whole, h, _ = layers.LSTM(2, return_sequences=True, return_state=True)(sequence)
    assert whole._keras_mask.tolist() == [[True, False]] and getattr(h, "_keras_mask", None) is None
    both = layers.Bidirectional(layers.GRU(2, return_sequences=True), merge_mode=None)(sequence)
    assert [y._keras_mask.tolist() for y in both] == [[[True, False]]] * 2
    assert getattr(layers.LSTM(2)(sequence), "_keras_mask", None) is None


def test_a_sequence_without_steps_gives_the_first_state():
    np.testing.assert_array_equal(layers.LSTM(UNITS)(X[:, :0], initial_state=[H, C]), H)


# -- TimeDistributed -----------------------------------------------------------


def test_dropout_draws_anew_at_each_step():
    layer = layers.TimeDistributed(layers.Dropout(0.5))
    x = np.ones((50, 4, 8), "float32")
    for y in (
        layer(x, training=True),
        layer.apply(layer.init(jax.random.key(0), x), x, training=True, rngs=jax.random.key(1))[0],
    ):
        patterns = np.asarray(y).swapaxes(0, 1).reshape(4, -1)
        assert len(np.unique(patterns, axis=0)) == 4 and abs(patterns.mean() - 1) < 0.1
    assert float(jnp.abs(layer(x, training=True) - layer(x, training=True)).max()) > 0


def test_each_step_is_a_batch_of_its_own_and_its_losses_count():
    class Centered(layers.Layer):
        def call(self, x):
            self.add_loss(jnp.sum(x))
            return x - x.mean(axis=0)

    layer = layers.TimeDistributed(Centered())
    np.testing.assert_allclose(layer(X), X - X.mean(axis=0), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(layer.losses, [X.sum()], rtol=1e-4)
    np.testing.assert_allclose(
        layer.apply({"params": {}}, X, return_losses=True)[2], [X.sum()], rtol=1e-4
    )


# -- mistakes ------------------------------------------------------------------

MISTAKES = {
    "units": (lambda: layers.LSTM(0), "`units`, expected a positive integer, got 0"),
    "no cell": (lambda: layers.RNN(3), "must have a `call` method"),
    "no state size": (lambda: layers.RNN(layers.Dense(2)), "must have a `state_size`"),
    "empty stack": (lambda: layers.RNN([]), "`cells` is empty"),
    "one state of two": (
        lambda: layers.LSTM(2)(X, initial_state=[H]),
        r"Expected states of shapes \[\(3, 2\), \(3, 2\)\]. Received: \[\(3, 2\)\]",
    ),
    "a state of another size": (
        lambda: layers.GRU(3)(X, initial_state=H),
        r"Expected states of shapes \[\(3, 3\)\]. Received: \[\(3, 2\)\]",
    ),
    "a mask of other steps": (
        lambda: layers.GRU(3)(X, mask=MASK[:, :2]),
        r"shape \(batch, steps\) = \(3, 5\). Received: mask.shape=\(3, 2\)",
    ),
    "same direction": (
        lambda: layers.Bidirectional(layers.GRU(2), backward_layer=layers.GRU(2)),
        "different `go_backwards`",
    ),
    "unlike": (
        lambda: layers.Bidirectional(
            layers.GRU(2), backward_layer=layers.GRU(2, go_backwards=True, return_state=True)
        ),
        "return_state",
    ),
    "merge mode": (
        lambda: layers.Bidirectional(layers.GRU(2), merge_mode="max"),
        "Invalid merge mode. Received: max",
    ),
    "two-dimensional": (lambda: layers.LSTM(2)(X[0]), "expected ndim=3, found ndim=2"),
    "changing states": (
        lambda: layers.RNN(Growing())(X),
        r"states of the shapes that it was given. Given: \[\(3, 4\)\]. Returned: \[\(3, 8\)\]",
    ),
    "cudnn": (lambda: layers.LSTM(2, use_cudnn="yes"), "use_cudnn=yes"),
    "unknown spatial size": (
        lambda: layers.ConvLSTM1D(2, 2)(fkeras.Input((3, None, 2))),
        "static input shapes",
    ),
    "flat": (lambda: layers.TimeDistributed(layers.Dense(2))(X[0]), "at least 3 dimensions"),
}


class Growing(layers.Layer):
    state_size = FEATURES

    def call(self, inputs, states):
        return inputs, [jnp.concatenate([states[0], inputs], axis=-1)]


@pytest.mark.parametrize("name", MISTAKES)
def test_mistakes_are_named(name):
    make, message = MISTAKES[name]
    with pytest.raises(UserInputError, match=message):
        make()
