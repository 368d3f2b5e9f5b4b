"""`Repeat` against n separate blocks: values, gradients, draws, state, losses, masks."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import fkeras
from fkeras import layers

N = 3
KEY = jax.random.key(7)


class Separate(layers.Layer):
    """The blocks in a list: what `Repeat` stands for."""

    def __init__(self, blocks, **kwargs):
        super().__init__(**kwargs)
        self.blocks = blocks

    def call(self, x, *args, training=None, **kwargs):
        for block in self.blocks:
            x = block(x, *args, **kwargs)
        return x


@fkeras.saving.register_keras_serializable("repeat_tests")
class Transformer(layers.Layer):
    """Its children are built as they are called."""

    def __init__(self, rate=0.2, **kwargs):
        super().__init__(**kwargs)
        self.rate = rate
        self.supports_masking = True
        self.attention = layers.MultiHeadAttention(2, 2, dropout=rate)
        self.norm = layers.LayerNormalization()
        self.inner = fkeras.Sequential([layers.Dense(8, activation="gelu"), layers.Dense(4)])
        self.dropout = layers.Dropout(rate)

    def call(self, x, context=None, attention_mask=None, training=None):
        context = x if context is None else context
        x = x + self.attention(self.norm(x), context, attention_mask=attention_mask)
        return x + self.dropout(self.inner(x))


class Counting(layers.Layer):
    """State, losses and weights of its own, partly made in the constructor."""

    def __init__(self, **kwargs):
        super().__init__(activity_regularizer="l2", **kwargs)
        self.scale = self.add_weight(shape=(4,), initializer="uniform", regularizer="l1")

    def build(self, input_shape):
        self.calls = self.add_weight(shape=(), initializer="zeros", dtype="int32", trainable=False)
        self.mean = self.add_weight(shape=(4,), initializer="uniform", trainable=False)

    def call(self, x, training=None):
        if training:
            self.calls.assign_add(1)
            self.mean.assign(0.9 * self.mean + 0.1 * x.reshape(-1, 4).mean(0))
        self.add_loss(jnp.mean(x**2))
        return x * self.scale + self.mean


def functional_block():
    inputs = fkeras.Input((5, 4))
    x = layers.Dense(4, activation="tanh", kernel_initializer="orthogonal")(inputs)
    return fkeras.Model(inputs, layers.Add()([inputs, layers.Dropout(0.3)(x)]))


BLOCKS = {
    "dense": lambda: layers.Dense(4, activation="tanh"),
    "no weights": lambda: layers.GaussianNoise(0.3),
    "batch normalization": lambda: fkeras.Sequential(
        [layers.Dense(4, activation="relu"), layers.BatchNormalization(), layers.Dropout(0.5)]
    ),
    "seeded dropout": lambda: layers.Dropout(0.5, seed=3),
    "transformer": Transformer,
    "functional": functional_block,
    "recurrent": lambda: layers.LSTM(4, return_sequences=True, recurrent_dropout=0.2),
    "state and losses": Counting,
    "nested": lambda: layers.Repeat(
        fkeras.Sequential([Counting(), layers.Dense(4), layers.Dropout(0.4)]), 2
    ),
    "convolution": lambda: layers.Conv1D(4, 3, padding="same", kernel_regularizer="l2"),
    "rematerialised": lambda: layers.Repeat(Transformer(), 2, remat="dots_saveable"),
}


def both(name):
    make = BLOCKS[name]
    return layers.Repeat(make(), N), Separate([make() for _ in range(N)])


def stack_trees(trees):
    return jax.tree.map(lambda *xs: jnp.stack(xs), *trees)


def stacked(tree):
    """The tree of separate blocks as that of a `Repeat`; inner ones are stacked already."""
    return {"blocks": stack_trees([tree[f"blocks_{i}"] for i in range(N)])} if tree else {}


def assert_close(got, expected, tolerance=2e-5):
    assert jax.tree.structure(got) == jax.tree.structure(expected)
    for a, b in zip(jax.tree.leaves(got), jax.tree.leaves(expected)):
        np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance)


def inputs():
    return jax.random.normal(jax.random.key(1), (2, 5, 4))


@pytest.mark.parametrize("name", BLOCKS)
def test_init_draws_each_block_at_its_own_path(name):
    repeat, separate = both(name)
    variables, expected = (layer.init(KEY, inputs()) for layer in (repeat, separate))
    for group in ("params", "state"):
        want = stacked(expected[group])
        assert jax.tree.structure(variables[group]) == jax.tree.structure(want)
        for a, b in zip(jax.tree.leaves(variables[group]), jax.tree.leaves(want)):
            np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("jit", [False, True], ids=["eager", "jit"])
@pytest.mark.parametrize("name", BLOCKS)
def test_apply_and_gradients_are_those_of_separate_blocks(name, jit):
    repeat, separate = both(name)
    x = inputs()
    variables, expected = (layer.init(KEY, x) for layer in (repeat, separate))

    def run(layer):
        def loss(params, state, x):
            outputs, new_state, losses = layer.apply(
                {"params": params, "state": state}, x, training=True, rngs=KEY, return_losses=True
            )
            return jnp.sum(jnp.sin(outputs)) + sum(losses), (outputs, new_state, sum(losses))

        grad = jax.grad(loss, argnums=(0, 2), has_aux=True)
        return jax.jit(grad) if jit else grad

    (grads, of_x), (outputs, state, losses) = run(repeat)(*variables.values(), x)
    (want, want_of_x), (want_outputs, want_state, want_losses) = run(separate)(
        *expected.values(), x
    )
    assert_close(outputs, want_outputs)
    assert_close(of_x, want_of_x, 1e-4)
    assert_close(grads, stacked(want), 1e-4)
    assert_close(state, stacked(want_state))
    assert_close(losses, want_losses)


@pytest.mark.parametrize("name", BLOCKS)
def test_facade_holds_and_computes_as_separate_blocks(name):
    repeat, separate = both(name)
    x = inputs()
    repeat(x), separate(x)
    own, want = repeat.get_weights(), separate.get_weights()
    assert [w.shape for w in own] == [w.shape for w in want]
    assert len(repeat.trainable_weights) == len(separate.trainable_weights)
    assert repeat.count_params() == separate.count_params()
    values = [np.random.default_rng(i).uniform(0, 1, w.shape) for i, w in enumerate(want)]
    values = [v.astype(w.dtype) for v, w in zip(values, want)]
    repeat.set_weights(values), separate.set_weights(values)
    for a, b in zip(repeat.get_weights(), values):
        np.testing.assert_array_equal(a, b)
    assert_close(repeat(x), separate(x))
    assert_close(sum(repeat.losses), sum(separate.losses))
    if name in ("batch normalization", "state and losses", "nested"):
        # Two objects of the facade draw differently.
        for layer in (*repeat._flatten_layers(), *separate._flatten_layers()):
            if isinstance(layer, layers.Dropout):
                layer.rate = 0.0
        repeat(x, training=True), separate(x, training=True)
        assert_close(repeat.get_weights(), separate.get_weights())
        assert_close(repeat(x), separate(x))


# -- masks ---------------------------------------------------------------------


class MaskMaker(layers.Layer):
    """Puts a mask on its outputs, whatever came."""

    def compute_mask(self, inputs, mask=None):
        new = jnp.any(inputs > 0.3, axis=-1)
        return new if mask is None else mask & new

    def call(self, x):
        return x * 0.9


class MaskDropper(layers.Layer):
    """Knows nothing of masks, and so destroys them."""

    def call(self, x):
        return x + 1


class MaskReader(layers.Layer):
    """Computes with the mask, and passes it on."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.supports_masking = True

    def call(self, x, mask=None):
        return x if mask is None else x + mask[..., None].astype(x.dtype)


MASKED = {
    "passes": MaskReader,
    "transformer": Transformer,
    "recurrent": lambda: layers.GRU(4, return_sequences=True),
    "makes": lambda: fkeras.Sequential([MaskReader(), MaskMaker()]),
    "masking layer": lambda: fkeras.Sequential([layers.Masking(0.0), MaskReader()]),
}


@pytest.mark.parametrize("jit", [False, True], ids=["eager", "jit"])
@pytest.mark.parametrize("masked", [False, True], ids=["no mask", "mask"])
@pytest.mark.parametrize("name", MASKED)
def test_masks_go_from_block_to_block(name, masked, jit):
    repeat = layers.Repeat(MASKED[name](), N)
    separate = Separate([MASKED[name]() for _ in range(N)], name="separate")
    separate.supports_masking = True
    x = inputs().at[0, 3:].set(0)
    mask = jnp.array([[1, 1, 1, 0, 0], [1, 1, 0, 1, 0]], bool) if masked else None
    variables, expected = (layer.init(KEY, x) for layer in (repeat, separate))

    def run(layer):
        def call(variables, x, mask):
            return layer.apply(variables, x, mask=mask, return_mask=True)

        return jax.jit(call) if jit else call

    outputs, _, out_mask = run(repeat)(variables, x, mask)
    want, _, want_mask = run(separate)(expected, x, mask)
    assert_close(outputs, want)
    assert (out_mask is None) == (want_mask is None)
    if want_mask is not None:
        np.testing.assert_array_equal(out_mask, want_mask)


@pytest.mark.parametrize("jit", [False, True], ids=["eager", "jit"])
def test_a_block_that_destroys_masks_leaves_none(jit):
    repeat = layers.Repeat(MaskDropper(), N)
    call = lambda x, mask: repeat.apply({"params": {}}, x, mask=mask, return_mask=True)
    with pytest.warns(UserWarning, match="does not support masking"):
        outputs, _, mask = (jax.jit(call) if jit else call)(inputs(), jnp.ones((2, 5), bool))
    assert mask is None
    assert_close(outputs, inputs() + N)


def test_masks_of_the_facade_and_an_explicit_mask():
    embedding = layers.Embedding(5, 4, mask_zero=True)
    x = embedding(np.array([[1, 2, 0], [3, 0, 0]]))
    outputs = layers.Repeat(MaskReader(), N)(x)
    assert_close(outputs - x, np.broadcast_to([[[N], [N], [0]], [[N], [0], [0]]], (2, 3, 4)))
    np.testing.assert_array_equal(outputs._keras_mask, [[1, 1, 0], [1, 0, 0]])
    plain = jnp.zeros((2, 3, 4))
    outputs = layers.Repeat(MaskReader(), N)(plain, mask=jnp.array([[1, 0, 0], [1, 1, 1]], bool))
    assert_close(outputs[..., 0], np.array([[N, 0, 0], [N, N, N]]))


# -- arguments -----------------------------------------------------------------


@pytest.mark.parametrize("jit", [False, True], ids=["eager", "jit"])
@pytest.mark.parametrize("positional", [False, True])
def test_further_arguments_are_the_same_for_each_block(positional, jit):
    repeat, separate = both("transformer")
    x, context = inputs(), jax.random.normal(jax.random.key(5), (2, 3, 4))
    attention_mask = jnp.array([[[1, 1, 0]] * 5, [[1, 0, 1]] * 5], bool)

    def run(layer):
        def loss(variables, x, context):
            more = (context, attention_mask) if positional else ()
            named = {} if positional else {"context": context, "attention_mask": attention_mask}
            return jnp.sum(layer.apply(variables, x, *more, **named)[0] ** 2)

        variables = layer.init(KEY, x, context=context, attention_mask=attention_mask)
        grad = jax.value_and_grad(loss, argnums=(1, 2))
        return (jax.jit(grad) if jit else grad)(variables, x, context)

    assert_close(run(repeat), run(separate), 1e-4)


def test_several_tensors_go_through_together():
    class Swap(layers.Layer):
        def call(self, pair):
            return {"a": pair["b"] * 2, "b": pair["a"]}

    pair = {"a": jnp.ones((2, 3)), "b": jnp.zeros((2, 3))}
    outputs = jax.jit(lambda p: layers.Repeat(Swap(), 3)(p))(pair)
    assert_close(outputs, {"a": jnp.zeros((2, 3)), "b": jnp.full((2, 3), 2.0)})


def test_functional_sequential_and_subclassed_use():
    x = np.asarray(inputs())

    class Own(fkeras.Model):
        def __init__(self):
            super().__init__()
            self.body = layers.Repeat(Transformer(name="block"), N)

        def call(self, x):
            return self.body(x)

    tensor, context = fkeras.Input((5, 4)), fkeras.Input((3, 4))
    repeated = layers.Repeat(Transformer(name="block"), N)
    functional = fkeras.Model([tensor, context], repeated(tensor, context=context))
    sequential = fkeras.Sequential(
        [fkeras.Input((5, 4)), layers.Repeat(Transformer(name="block"), N)]
    )
    own = Own()
    own(x)
    sequential.set_weights(own.get_weights())
    functional.set_weights(own.get_weights())
    assert_close(sequential.predict(x, verbose=0), own(x), 1e-4)
    assert_close(functional([x, x[:, :3]]), repeated(x, x[:, :3]), 1e-4)
    assert repeated.compute_output_shape((None, 5, 4)) == (None, 5, 4)
    assert sequential.output_shape == (None, 5, 4)
    assert own.count_params() == sequential.count_params()
