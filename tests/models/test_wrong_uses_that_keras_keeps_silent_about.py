"""Wrong uses that are legal calls: one warning, or an error that names the fix, where Keras trains
on without a word.
"""

import copy
import warnings

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import fkeras
from fkeras import layers
from fkeras.errors import PureCallError, UserInputError

X = np.random.default_rng(0).normal(size=(32, 4)).astype("float32")
IDS = np.random.default_rng(1).integers(0, 3, 32)


def classifier(units, activation, loss):
    model = fkeras.Sequential([layers.Input((4,)), layers.Dense(units, activation=activation)])
    model.compile("sgd", loss)
    return model


def test_a_loss_on_probabilities_behind_a_linear_layer_warns():
    with pytest.warns(
        UserWarning, match="expects probabilities, but the model ends with a linear layer"
    ):
        classifier(1, None, "binary_crossentropy").fit(X, (IDS > 1).astype("float32"), verbose=0)


def test_a_loss_on_logits_behind_a_softmax_warns():
    loss = fkeras.losses.SparseCategoricalCrossentropy(from_logits=True)
    with pytest.warns(
        UserWarning, match="from_logits=True, but the model ends with activation='softmax'"
    ):
        classifier(3, "softmax", loss).fit(X, IDS, verbose=0)


def test_a_loss_dict_that_leaves_an_output_out_is_an_error_unless_it_says_so():
    inputs = layers.Input((4,))
    model = fkeras.Model(
        inputs, [layers.Dense(1, name="a")(inputs), layers.Dense(1, name="b")(inputs)]
    )
    targets = {"a": X[:, :1], "b": X[:, 1:2]}
    model.compile("sgd", {"a": "mse"})
    with pytest.raises(UserInputError, match=r"no entry for the outputs \['b'\]"):
        model.fit(X, targets, verbose=0)
    model.compile("sgd", {"a": "mse", "b": None})
    assert "loss" in model.fit(X, targets, verbose=0).history


class Careless(fkeras.Model):
    """A layer, or a model of layers, that is made in `call` and forgotten."""

    def __init__(self, make=lambda: layers.Dense(3)):
        super().__init__()
        self.make = make

    def call(self, x):
        return self.make()(x)


class CarelessLayer(layers.Layer):
    def call(self, x):
        return layers.Dense(3)(x)


class Pair(layers.Layer):
    def __init__(self):
        super().__init__()
        self.dense = layers.Dense(3)

    def call(self, x):
        return self.dense(x)


@pytest.mark.parametrize(
    "make",
    [
        Careless,
        lambda: Careless(Pair),
        lambda: Careless(lambda: fkeras.Sequential([layers.Dense(3)])),
        lambda: Careless(CarelessLayer),
        lambda: fkeras.Sequential([CarelessLayer()]),
        lambda: fkeras.Sequential([layers.Lambda(lambda x: layers.Dense(3)(x))]),
    ],
)
@pytest.mark.parametrize(
    "use",
    [
        lambda m: m.fit(X, X[:, :3], verbose=0),
        lambda m: m.predict(X, verbose=0),
        lambda m: m(X),
        lambda m: m.apply(m.init(jax.random.key(0), X), X),
    ],
)
def test_a_layer_made_in_call_is_an_error(make, use):  # B106
    model = make()
    model.compile("sgd", "mse")
    with pytest.raises(PureCallError, match="made inside the `call` of .*not kept.*`__init__`"):
        use(model)


class InBuild(layers.Layer):
    def build(self, shape):
        inputs = fkeras.Input(shape[1:])
        self.graph = fkeras.Model(inputs, Pair()(inputs))

    def call(self, x):
        return layers.Dropout(0.5)(self.graph(layers.add([x, x])))


@pytest.mark.parametrize("make", [InBuild, lambda: fkeras.Sequential([InBuild()])])
def test_layers_that_are_made_late_and_kept_are_fine(make):
    layer = make()
    np.testing.assert_array_equal(layer(X), layer(X))
    assert len(layer.weights) == 2


class ForgetfulModel(fkeras.Model):
    def __init__(self):
        self.units = 1

    def call(self, x):
        return x


class ForgetfulLayer(layers.Layer):
    def __init__(self):
        self.dense = layers.Dense(1)

    def call(self, x):
        return self.dense(x)


@pytest.mark.parametrize(
    "use",
    [
        lambda: ForgetfulModel().compile("sgd", "mse"),
        lambda: ForgetfulModel()(X),
        lambda: ForgetfulLayer()(X),
        lambda: fkeras.Sequential([layers.Input((4,)), ForgetfulLayer()]),
    ],
)
def test_a_constructor_that_forgets_its_base_is_named(use):  # B107
    with pytest.raises(
        RuntimeError,
        match=r"In layer 'Forgetful(Model|Layer)', you forgot to call `super\(\).__init__\(\)`",
    ):
        use()


def test_batch_normalization_over_one_example_warns():  # B118
    model = fkeras.Sequential([layers.Input((4,)), layers.BatchNormalization(), layers.Dense(1)])
    model.compile("sgd", "mse")
    with pytest.warns(UserWarning, match="BatchNormalization"):
        model.fit(X[:2], X[:2, :1], batch_size=1, verbose=0)


def test_steps_that_loss_scaling_skips_are_reported():  # B122
    fkeras.config.set_dtype_policy("mixed_float16")
    model = fkeras.Sequential([layers.Input((4,)), layers.Dense(1)])
    model.compile("sgd", "mse")
    before = model.get_weights()
    with pytest.warns(UserWarning, match="Loss scaling has skipped the last 4 steps in a row"):
        model.fit(X[:, :4] * 1e4, X[:, :1] * 1e6, batch_size=8, verbose=0)
    for a, b in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_skipped_steps_are_reported_once_a_fit():  # B122
    fkeras.config.set_dtype_policy("mixed_float16")
    model = fkeras.Sequential([layers.Input((4,)), layers.Dense(1)])
    model.compile("sgd", "mse")
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        model.fit(X * 1e4, X[:, :1] * 1e6, batch_size=8, epochs=2, verbose=0)
    assert [str(w.message).startswith("Loss scaling has skipped") for w in told] == [True]


class Counter(layers.Layer):
    count = 0

    def call(self, x):
        self.count += 1
        return x * self.count


def test_an_attribute_set_in_call_is_told_once_a_fit():  # B109
    model = fkeras.Sequential([layers.Input((4,)), Counter(), layers.Dense(1)])
    model.compile("sgd", "mse")
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        model.fit(X, X[:, :1], epochs=3, batch_size=12, validation_data=(X, X[:, :1]), verbose=0)
    assert len(told) == 1 and "sets its attribute 'count' inside `call` while JAX traces it" in str(
        told[0].message
    )


def test_an_attribute_set_in_call_works_where_nothing_is_traced():  # B109; warnings are errors
    model = fkeras.Sequential([layers.Input((4,)), Counter(), layers.Dense(1)])
    model.compile("sgd", "mse", run_eagerly=True)
    model.fit(X, X[:, :1], verbose=0)


@pytest.mark.parametrize(
    "use",
    [jnp.exp, lambda x: jnp.add(jnp.ones(4), x), jnp.asarray, lambda x: jnp.concatenate([x, x])],
)
def test_a_jax_function_of_a_symbolic_tensor_is_our_error(use):  # B104
    with pytest.raises(
        UserInputError, match="is symbolic.*jax.numpy function.*`fkeras.ops`.*Lambda"
    ):
        use(fkeras.Input((4,)))


def regressor(optimizer):
    model = fkeras.Sequential([layers.Input((4,)), layers.Dense(3), layers.Dense(1)])
    model.compile(optimizer, "mse")
    return model


@pytest.mark.parametrize(
    "train",
    [
        lambda m: m.fit(X, X[:, :1], verbose=0),
        lambda m: m.train_on_batch(X, X[:, :1]),
        lambda m: m.warmup(X, X[:, :1]),
        lambda m: m.init_state(m.build_key, (X, X[:, :1])),
    ],
)
def test_an_optimizer_that_has_trained_another_model_is_an_error(train):  # B131
    optimizer = fkeras.optimizers.Adam(0.5)
    first, second = regressor(optimizer), regressor(optimizer)
    first.fit(X, 100 * X[:, :1], verbose=0)
    before = second.get_weights()
    with pytest.raises(
        UserInputError,
        match="'adam'.*already belongs to another model's variables.*Pass a new "
        "optimizer.*Adam.from_config",
    ):
        train(second)
    for a, b in zip(before, second.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    assert np.isfinite(second.evaluate(X, X[:, :1], verbose=0))  # needs no optimizer
    second.compile(fkeras.optimizers.Adam.from_config(optimizer.get_config()), "mse")
    train(second)


# B131; Keras raises as well
def test_an_optimizer_is_an_error_where_the_model_trains_other_weights_than_before():
    optimizer = fkeras.optimizers.Adam()
    model = regressor(optimizer)
    model.fit(X, X[:, :1], verbose=0)
    model.layers[0].trainable = False
    model.compile(optimizer, "mse")
    with pytest.raises(
        UserInputError,
        match="was built for 4 variables; the model now trains 2.*Pass a new optimizer",
    ):
        model.fit(X, X[:, :1], verbose=0)
    model.compile(fkeras.optimizers.Adam(), "mse")
    model.fit(X, X[:, :1], verbose=0)


def test_an_optimizer_may_be_kept_where_the_weights_are_the_same():  # B131
    optimizer = fkeras.optimizers.Adam()
    model = regressor(optimizer)
    model.fit(X, X[:, :1], verbose=0)
    model.compile(optimizer, "mae")
    model.fit(X, X[:, :1], verbose=0)
    same_layers = fkeras.Sequential([layers.Input((4,)), *model.layers])
    same_layers.compile(optimizer, "mse")
    same_layers.fit(X, X[:, :1], verbose=0)
    copied = copy.deepcopy(model)
    copied.fit(X, X[:, :1], verbose=0)
    model.layers[0].trainable = False  # acts at the next `compile`
    with pytest.warns(UserWarning, match="changed after"):
        model.fit(X, X[:, :1], verbose=0)
    assert (int(optimizer.iterations.value), int(copied.optimizer.iterations.value)) == (4, 4)


def test_a_step_of_ones_own_may_train_some_of_the_weights():  # B131
    class HeadOnly(fkeras.Sequential):
        def train_step(self, state, data):
            trainable, rest, optimizer, metrics = state
            return {"loss": jnp.zeros(())}, (trainable, rest, optimizer, metrics)

    model, optimizer = (
        HeadOnly([layers.Input((4,)), layers.Dense(3), layers.Dense(1)]),
        fkeras.optimizers.Adam(),
    )
    optimizer.build(model.layers[-1].trainable_variables)
    model.compile(optimizer, "mse")
    assert model.fit(X, X[:, :1], verbose=0).history["loss"] == [0.0]


def test_ids_outside_of_an_embedding_are_named_before_anything_is_trained():  # B095
    model = fkeras.Sequential([layers.Embedding(5, 2), layers.Flatten(), layers.Dense(1)])
    model.compile("sgd", "mse")
    with pytest.raises(UserInputError, match=r"input_dim=5.*id 7 at position \(0, 1\)"):
        model.fit(np.array([[1, 7]]), np.array([1.0]), verbose=0)


TOKENS = np.array([[1, 2, 0, 0], [3, 4, 1, 0]] * 4)


def test_a_mask_that_pooling_has_used_up_excuses_no_label():
    embedding, head = layers.Embedding(5, 3, mask_zero=True), layers.Dense(2, activation="softmax")
    model = fkeras.Sequential([embedding, layers.GlobalAveragePooling1D(), head])
    model.compile("sgd", "sparse_categorical_crossentropy")
    for labels, message in (([0, 2] * 4, "2 in row 1"), ([0, -1] * 4, "-1 in row 1")):
        with pytest.raises(UserInputError, match=rf"class ids must lie in \[0, 2\).*{message}"):
            model.fit(TOKENS, np.array(labels), verbose=0)
    assert np.isfinite(model.fit(TOKENS, np.array([0, 1] * 4), verbose=0).history["loss"][0])


def test_labels_at_masked_steps_may_be_anything():
    embedding, head = layers.Embedding(5, 3, mask_zero=True), layers.Dense(2, activation="softmax")
    model = fkeras.Sequential([embedding, layers.LSTM(3, return_sequences=True), head])
    model.compile(fkeras.optimizers.SGD(0.0), "sparse_categorical_crossentropy")
    labels = np.where(TOKENS == 0, -1, TOKENS % 2)
    expected = model.evaluate(TOKENS, np.maximum(labels, 0), verbose=0)
    assert model.fit(TOKENS, labels, verbose=0).history["loss"] == [pytest.approx(expected)]
    assert model.evaluate(TOKENS, labels, verbose=0) == pytest.approx(expected)
