"""Layers, losses, metrics, optimizers and steps where JAX was told to be strict: nothing relies on
axes that are put before others by themselves, or on a dtype that is promoted to another.
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import fkeras
from fkeras import layers, losses, metrics, optimizers
from tests.layers import test_contract as of_layers
from tests.losses import test_contract as of_losses
from tests.metrics import test_contract as of_metrics
from tests.optimizers import test_contract as of_optimizers

pytestmark = pytest.mark.parametrize(
    "strict",
    [
        lambda: jax.numpy_rank_promotion("raise"),
        lambda: jax.numpy_dtype_promotion("strict"),
    ],
    ids=["ranks", "dtypes"],
)

S = np.ones((2, 6, 4), "float32")
IMAGES = np.ones((2, 4, 4, 3), "float32")
FILMS = np.ones((2, 3, 4, 4, 2), "float32")
MASK = np.array([[1, 1, 1, 1, 0, 0], [1, 1, 0, 0, 0, 0]], bool)
IDS = np.array([[1, 2, 0]])


def _cells():
    return layers.StackedRNNCells([layers.LSTMCell(2), layers.GRUCell(2), layers.SimpleRNNCell(2)])


# How to make a layer that the contract's table has not, inputs, arguments of the call.
MORE_LAYERS = [
    (lambda: layers.Attention(use_scale=True, dropout=0.1), [[S, S]], {}),
    (layers.Attention, [[S, S]], {"mask": [MASK, MASK]}),
    (lambda: layers.Attention(score_mode="concat"), [[S, S]], {"use_causal_mask": True}),
    (lambda: layers.AdditiveAttention(dropout=0.1), [[S, S]], {"mask": [MASK, MASK]}),
    (lambda: layers.AdditiveAttention(use_scale=False), [[S, S]], {}),
    (
        lambda: layers.MultiHeadAttention(2, 3, dropout=0.1),
        [S, S],
        {"attention_mask": np.ones((2, 6, 6), bool)},
    ),
    (
        lambda: layers.MultiHeadAttention(2, 3, attention_axes=(1, 2)),
        [IMAGES, IMAGES],
        {},
    ),
    (
        lambda: layers.GroupQueryAttention(3, 4, 2),
        [S, S],
        {"query_mask": MASK, "use_causal_mask": True},
    ),
    (lambda: layers.Embedding(5, 3, mask_zero=True), [IDS], {}),
    (lambda: layers.ReversibleEmbedding(5, 4), [S], {"reverse": True}),
    (layers.Masking, [S], {}),
    (lambda: layers.SimpleRNN(3, dropout=0.1, recurrent_dropout=0.1), [S], {"mask": MASK}),
    (lambda: layers.LSTM(3, dropout=0.1, recurrent_dropout=0.1), [S], {"mask": MASK}),
    (
        lambda: layers.LSTM(3, return_sequences=True, zero_output_for_mask=True, unroll=True),
        [S],
        {"mask": MASK},
    ),
    (lambda: layers.LSTM(3), [S], {}),
    (lambda: layers.GRU(3, dropout=0.1, recurrent_dropout=0.1), [S], {"mask": MASK}),
    (lambda: layers.GRU(3, reset_after=False, stateful=True), [S], {}),
    (lambda: layers.ConvLSTM1D(2, 2, dropout=0.1, recurrent_dropout=0.1), [IMAGES], {}),
    (lambda: layers.ConvLSTM2D(2, 2), [FILMS], {"mask": np.ones((2, 3), bool)}),
    (lambda: layers.ConvLSTM2D(2, 2, data_format="channels_first"), [FILMS], {}),
    (lambda: layers.RNN(_cells()), [S], {"mask": MASK}),
    (lambda: layers.Bidirectional(layers.LSTM(2)), [S], {"mask": MASK}),
    (lambda: layers.Bidirectional(layers.GRU(2), merge_mode="sum"), [S], {}),
    (lambda: layers.TimeDistributed(layers.Dense(2)), [S], {"mask": MASK}),
    (lambda: layers.TimeDistributed(layers.BatchNormalization()), [S], {}),
    (lambda: layers.TimeDistributed(layers.Dropout(0.3)), [S], {}),
    (lambda: layers.SpectralNormalization(layers.Conv1D(3, 2)), [S], {}),
    (
        lambda: layers.Dense(
            2,
            kernel_regularizer="orthogonal_regularizer",
            activity_regularizer="l1",
            bias_regularizer="l2",
        ),
        [S[0]],
        {},
    ),
]


def _from_contract(row):
    cls, options, shapes, call = row
    return lambda: getattr(layers, cls)(**options), [of_layers._inputs(shapes)], call


ALL_LAYERS = [*map(_from_contract, of_layers.ROWS), *MORE_LAYERS]


@pytest.mark.parametrize("row", ALL_LAYERS, ids=lambda row: type(row[0]()).__name__)
def test_a_layer_is_built_and_differentiated(strict, row):
    make, inputs, call = row
    layer = make()
    call = {k: v for k, v in call.items() if k != "training"}

    def score(params, variables, key):
        outputs, state, added = layer.apply(
            {**variables, "params": params},
            *inputs,
            training=True,
            rngs=key,
            return_losses=True,
            **call,
        )
        return sum(map(jnp.sum, jax.tree.leaves((outputs, added)))), state

    def run(key):
        variables = layer.init(key, *inputs, **call)
        return jax.value_and_grad(score, has_aux=True)(variables["params"], variables, key)

    with strict():
        (_, state), gradients = jax.eval_shape(run, jax.random.key(0))
        resting = jax.eval_shape(
            lambda: layer.apply(layer.init(jax.random.key(0)), *inputs, **call)
        )
    for before, after in zip(jax.tree.leaves(state), jax.tree.leaves(resting[1])):
        assert (before.shape, before.dtype) == (after.shape, after.dtype)
    assert all(g.shape is not None for g in jax.tree.leaves(gradients))


@pytest.mark.parametrize(
    ("cls", "function", "options", "y_true", "y_pred"), of_losses.ROWS, ids=of_losses.NAMES
)
def test_a_loss_is_differentiated(strict, cls, function, options, y_true, y_pred):
    loss = getattr(losses, cls)(**options)
    examples = jax.eval_shape(lambda: getattr(losses, function)(y_true, y_pred, **options))
    weights = np.ones(examples.shape[:1], "float32")
    with strict():
        plain = jax.eval_shape(jax.value_and_grad(lambda p: loss(y_true, p)), y_pred)
        weighted = jax.eval_shape(
            jax.value_and_grad(lambda p: loss(y_true, p, sample_weight=weights)), y_pred
        )
    assert plain[1].shape == weighted[1].shape == y_pred.shape


@pytest.mark.parametrize(
    ("cls", "options", "y_true", "y_pred", "weights"), of_metrics.ROWS, ids=of_metrics.NAMES
)
def test_a_metric_counts(strict, cls, options, y_true, y_pred, weights):
    metric = getattr(metrics, cls)(**options)

    def run(first, second):
        state = metric.stateless_update_state(metric.stateless_reset_state(), *first)
        return metric.stateless_result(metric.stateless_update_state(state, *second))

    batches = list(of_metrics.batches(y_true, y_pred, weights))
    if not metric.variables:
        metric.update_state(*batches[0])  # those whose shapes the first batch decides
    with strict():
        assert jax.eval_shape(run, *batches).shape is not None


@pytest.mark.parametrize(
    ("name", "options"), of_optimizers.ROWS, ids=map(of_optimizers.identity, of_optimizers.ROWS)
)
def test_an_optimizer_updates(strict, name, options):
    optimizer = getattr(optimizers, name)(**options)
    params = {"a": jnp.ones((3, 2)), "b": jnp.ones(2), "c": jnp.ones((2, 2, 3, 4))}
    with strict():
        updated, _ = jax.eval_shape(lambda p: optimizer.update(p, optimizer.init(p), p), params)
    assert {k: v.shape for k, v in updated.items()} == {k: v.shape for k, v in params.items()}


Y = np.array([[0.0], [1.0], [1.0], [0.0]], "float32")
TARGETS = {
    "mse": (Y, None, ["mae"]),
    "binary_crossentropy": (Y, "sigmoid", ["accuracy", "auc"]),
    "sparse_categorical_crossentropy": (Y[:, 0].astype("int32"), "softmax", ["accuracy"]),
}


@pytest.mark.parametrize("loss", TARGETS)
def test_a_model_is_trained(strict, loss):
    y, activation, names = TARGETS[loss]
    model = fkeras.Sequential(
        [
            fkeras.Input((4,)),
            layers.Dense(3, activity_regularizer="l2"),
            layers.BatchNormalization(),
            layers.Dropout(0.1),
            layers.Dense(2 if y.ndim == 1 else 1, activation=activation),
        ]
    )
    model.compile("adam", loss, metrics=names, weighted_metrics=names[:1])
    batch = (np.ones((4, 4), "float32"), y, np.ones(4, "float32"))
    with strict():
        state = jax.eval_shape(lambda key: model.init_state(key, batch), jax.random.key(0))
        new, logs = jax.eval_shape(model.step, state, batch)
    assert jax.tree.structure(new) == jax.tree.structure(state)
    assert "loss" in logs
