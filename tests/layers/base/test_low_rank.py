"""Low-rank adaptation: numbers and gradients as Keras's, files both ways, and nothing of it left
after a merge.
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import fkeras
from fkeras import layers
from fkeras.errors import NotBuiltError, UserInputError

RNG = np.random.default_rng(0)
X = RNG.normal(size=(4, 6)).astype("float32")
STEPS = RNG.normal(size=(4, 5, 6)).astype("float32")
IDS = np.array([[1, 3, 0], [2, 2, 4]], "int32")

# class, options, input
ROWS = {
    "dense": ("Dense", {"units": 5}, X),
    "einsum_dense": (
        "EinsumDense",
        {"equation": "abc,cde->abde", "output_shape": (5, 3, 2)},
        STEPS,
    ),
    "einsum_dense_summing_last": (
        "EinsumDense",
        {"equation": "abc,dc->abd", "output_shape": (5, 3)},
        STEPS,
    ),
    "embedding": ("Embedding", {"input_dim": 7, "output_dim": 4}, IDS),
    "conv1d": ("Conv1D", {"filters": 4, "kernel_size": 3, "groups": 2}, STEPS),
}
ALL = pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)


def adapted(library, row, **options):
    """A built layer of either library with adapters of rank 2, all weights set to drawn values."""
    name, arguments, x = row
    layer = getattr(library.layers, name)(**arguments, name="layer", **options)
    layer.build(x.shape)
    layer.enable_lora(2, lora_alpha=3.0)
    numbers = np.random.default_rng(1)
    layer.set_weights([numbers.normal(size=w.shape).astype("float32") for w in layer.weights])
    return layer


@ALL
def test_values_and_gradients_are_those_of_keras(keras, row):
    mine, theirs, x = adapted(fkeras, row), adapted(keras, row), row[2]
    assert [w.name for w in mine.weights] == [w.name for w in theirs.weights]
    assert [w.name for w in mine.trainable_weights] == [w.name for w in theirs.trainable_weights]
    expected = np.asarray(theirs(x))
    np.testing.assert_allclose(mine(x), expected, rtol=1e-5, atol=1e-5)

    def their_loss(trained):
        fixed = [v.value for v in theirs.non_trainable_variables]
        return jnp.sum(jnp.square(theirs.stateless_call(trained, fixed, x)[0]))

    def my_loss(variables):
        return jnp.sum(jnp.square(mine.apply(variables, x)[0]))

    gradients = jax.grad(my_loss)(mine.get_variables())["params"]
    for variable, gradient in zip(
        theirs.trainable_variables,
        jax.grad(their_loss)([v.value for v in theirs.trainable_variables]),
    ):
        np.testing.assert_allclose(gradients[variable.name], gradient, rtol=1e-4, atol=1e-3)


@ALL
def test_the_weight_reads_as_the_sum(row):
    layer = adapted(fkeras, row)
    weight, *_ = layer.get_weights()
    a, b = layer.get_weights()[-2:]
    name = "embeddings" if row[0] == "Embedding" else "kernel"
    np.testing.assert_allclose(getattr(layer, name), weight + 1.5 * a @ b, rtol=1e-5, atol=1e-5)


@ALL
def test_a_merged_layer_computes_the_same_and_trains_its_weight(row):
    layer, x = adapted(fkeras, row), row[2]
    before = np.asarray(layer(x))
    layer.merge_lora()
    np.testing.assert_allclose(layer(x), before, rtol=1e-5, atol=1e-5)
    assert not layer.lora_enabled and layer.trainable_weights == layer.weights
    assert "lora_rank" not in layer.get_config()
    layer.enable_lora(1)
    np.testing.assert_allclose(layer(x), before, rtol=1e-5, atol=1e-5)


@ALL
@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # in Keras
def test_files_hold_the_sum_and_go_to_keras_and_back(keras, row, tmp_path):
    x, name = row[2], row[0]

    def model_of(library, layer):
        return library.Sequential([library.Input(x.shape[1:], dtype=x.dtype.name), layer])

    mine, theirs = model_of(fkeras, adapted(fkeras, row)), model_of(keras, adapted(keras, row))
    expected = np.asarray(mine(x))
    mine.save_weights(tmp_path / "mine.weights.h5")
    theirs.save_weights(tmp_path / "theirs.weights.h5")
    for library, file in ((keras, "mine.weights.h5"), (fkeras, "theirs.weights.h5")):
        plain = getattr(library.layers, name)(**row[1], name="layer")
        for layer in (adapted(library, row), plain):
            model = model_of(library, layer)
            model.load_weights(tmp_path / file)
            np.testing.assert_allclose(model(x), expected, rtol=1e-5, atol=1e-5)
    mine.save(tmp_path / "mine.keras")
    theirs.save(tmp_path / "theirs.keras")
    loaded = fkeras.saving.load_model(tmp_path / "theirs.keras")
    for model in (loaded, keras.saving.load_model(tmp_path / "mine.keras")):
        layer = model.layers[-1]
        assert layer.lora_enabled and layer.lora_rank == 2
        np.testing.assert_allclose(model(x), expected, rtol=1e-5, atol=1e-5)
    # What was loaded can be trained on. (Keras makes both adapters zero, and all gradients.)
    a, b = loaded.get_weights()[-2:]
    assert not b.any() and a.any() and loaded.layers[-1].lora_alpha == 3.0


def test_a_directory_keeps_adapters_apart(tmp_path):
    model = fkeras.Sequential([fkeras.Input((6,)), adapted(fkeras, ROWS["dense"])])
    model.save(tmp_path / "model")
    for mine, loaded in zip(
        model.get_weights(), fkeras.saving.load_model(tmp_path / "model").get_weights()
    ):
        np.testing.assert_array_equal(mine, loaded)


def test_a_file_is_taken_whole_or_not_at_all(tmp_path):
    model = fkeras.Sequential([fkeras.Input((6,)), layers.Dense(3)])
    model.save_weights(tmp_path / "other.weights.h5")
    mine = fkeras.Sequential([fkeras.Input((6,)), adapted(fkeras, ROWS["dense"])])
    before = mine.get_weights()
    with pytest.raises(ValueError, match=r"kernel.*file \(6, 3\), model \(6, 5\)"):
        mine.load_weights(tmp_path / "other.weights.h5")
    for old, new in zip(before, mine.get_weights()):
        np.testing.assert_array_equal(old, new)


def test_adapters_are_made_by_the_constructor_too():
    layer = layers.Dense(5, lora_rank=2, lora_alpha=1)
    variables = layer.init(jax.random.key(0), (4, 6))
    assert jax.tree.map(jnp.shape, variables["params"]) == {
        "kernel": (6, 5),
        "bias": (5,),
        "lora_kernel_a": (6, 2),
        "lora_kernel_b": (2, 5),
    }
    assert layer.trainable_mask() == {
        "kernel": False,
        "bias": True,
        "lora_kernel_a": True,
        "lora_kernel_b": True,
    }
    plain = {"kernel": variables["params"]["kernel"], "bias": variables["params"]["bias"]}
    expected, _ = layers.Dense(5).apply({"params": plain, "state": {}}, X)
    np.testing.assert_array_equal(layer.apply(variables, X)[0], expected)
    config = layer.get_config()
    assert (config["lora_rank"], config["lora_alpha"]) == (2, 1)
    assert layers.Dense.from_config(config).lora_rank == 2
    assert "lora_rank" not in layers.Dense(5).get_config()
    table = RNG.normal(size=(7, 4)).astype("float32")
    embedding = layers.Embedding(7, 4, weights=table, lora_rank=1)
    np.testing.assert_array_equal(embedding(IDS), table[IDS])


def test_training_moves_adapters_and_leaves_the_weight():
    y = RNG.normal(size=(4, 5)).astype("float32")
    model = fkeras.Sequential([fkeras.Input((6,)), layers.Dense(5)])
    model.compile("adam", "mse")
    layer = model.layers[0]
    layer.enable_lora(2)  # counts at once, although flags count from `compile` on
    before = model.get_weights()
    model.fit(X, y, epochs=2, verbose=0)
    changed = [not np.array_equal(a, b) for a, b in zip(before, model.get_weights())]
    assert changed == [False, True, True, True]
    assert len(model.optimizer.variables) == 2 + 2 * 3
    outputs = model.predict(X, verbose=0)
    layer.merge_lora()
    np.testing.assert_allclose(model.predict(X, verbose=0), outputs, atol=1e-5)
    with pytest.raises(UserInputError, match="was built for 3 variables; the model now trains 2"):
        model.fit(X, y, verbose=0)
    model.compile("adam", "mse")
    before = model.get_weights()
    model.fit(X, y, verbose=0)
    assert not any(np.array_equal(a, b) for a, b in zip(before, model.get_weights()))
    layer.enable_lora(2)
    with pytest.raises(UserInputError, match="was built for 2 variables; the model now trains 3"):
        model.fit(X, y, verbose=0)


def test_a_model_that_is_made_trainable_keeps_adapted_weights_fixed():
    model = fkeras.Sequential([fkeras.Input((6,)), adapted(fkeras, ROWS["dense"])])
    model.trainable = False
    assert model.trainable_weights == []
    model.trainable = True
    assert [w.name for w in model.trainable_weights] == ["bias", "lora_kernel_a", "lora_kernel_b"]
    model.layers[0]._adapted_variable.trainable = True  # said of it by itself
    assert len(model.trainable_weights) == 4


def test_half_precision_computes_in_it_and_keeps_adapters_wide(keras):
    mine = adapted(fkeras, ROWS["dense"], dtype="mixed_bfloat16")
    theirs = adapted(keras, ROWS["dense"], dtype="mixed_bfloat16")
    y, expected = mine(X), np.asarray(theirs(X), "float32")
    assert y.dtype == "bfloat16" and mine.kernel.dtype == "bfloat16"
    np.testing.assert_allclose(np.asarray(y, "float32"), expected, rtol=0.1, atol=0.2)
    half = adapted(fkeras, ROWS["dense"], dtype="bfloat16")
    assert [w.dtype for w in half.weights] == ["bfloat16", "bfloat16", "float32", "float32"]
    store = {}
    mine.save_own_variables(store)  # Keras rounds the sum to the dtype of arithmetic
    assert store["0"].dtype == "float32" and list(store) == ["0", "1"]


def test_regularizers_are_of_what_is_trained(keras):
    options = {"kernel_regularizer": "l2"}
    mine = adapted(fkeras, ROWS["dense"], **options)
    theirs = adapted(keras, ROWS["dense"], **options)
    np.testing.assert_allclose(mine.losses, [float(x) for x in theirs.losses], rtol=1e-5)


def test_a_repeated_block_has_adapters_for_each_of_its_blocks(tmp_path):
    def model_with(rank):
        block = layers.Dense(6, name="dense", lora_rank=rank)
        return fkeras.Sequential([fkeras.Input((6,)), layers.Repeat(block, 3)])

    model = model_with(None)
    model.layers[0].block.enable_lora(2)
    shapes = jax.tree.map(jnp.shape, model.get_variables()["params"]["repeat"]["blocks"])
    assert shapes == {
        "kernel": (3, 6, 6),
        "bias": (3, 6),
        "lora_kernel_a": (3, 6, 2),
        "lora_kernel_b": (3, 2, 6),
    }
    a = np.asarray(model.layers[0].block.lora_kernel_a.value)
    assert not np.array_equal(a[0], a[1])  # each block draws its own
    model.set_weights([RNG.normal(size=w.shape).astype("float32") / 3 for w in model.weights])
    expected = model.predict(X, verbose=0)
    model.save(tmp_path / "repeated.keras")
    loaded = fkeras.saving.load_model(tmp_path / "repeated.keras")
    np.testing.assert_allclose(loaded.predict(X, verbose=0), expected, rtol=1e-4, atol=1e-4)
    assert not np.asarray(loaded.layers[0].block.lora_kernel_b.value).any()
    asked = model_with(2)
    asked.load_weights(tmp_path / "repeated.keras")
    np.testing.assert_allclose(asked.predict(X, verbose=0), expected, rtol=1e-4, atol=1e-4)
    model.layers[0].block.merge_lora()
    np.testing.assert_allclose(model.predict(X, verbose=0), expected, rtol=1e-4, atol=1e-4)


def test_paths_of_adapters_begin_as_that_of_the_weight():
    class Mine(fkeras.Model):
        def __init__(self):
            super().__init__(name="mine")
            self.dense = layers.Dense(3, name="dense")

        def build(self, input_shape):
            self.dense.build(input_shape)

        def call(self, x):
            return self.dense(x)

    model = Mine()
    model.build((None, 6))
    model.dense.enable_lora(2)
    assert model.dense.lora_kernel_a.path == "mine/dense/lora_kernel_a"


def test_mistakes_are_named():
    with pytest.raises(UserInputError, match="incompatible with kernel constraints"):
        layers.Dense(2, kernel_constraint="max_norm", lora_rank=2)
    with pytest.raises(UserInputError, match="incompatible with embedding constraints"):
        layers.Embedding(2, 2, embeddings_constraint="max_norm").enable_lora(1)
    with pytest.raises(NotBuiltError, match="on a layer that isn't yet built: 'dense"):
        layers.Dense(2).enable_lora(2)
    layer = adapted(fkeras, ROWS["dense"])
    with pytest.raises(UserInputError, match="lora is already enabled.*rank 2"):
        layer.enable_lora(2)
    with pytest.raises(UserInputError, match="has no adapters"):
        layers.Dense(2).merge_lora()
    with pytest.raises(AttributeError, match="must build the layer before accessing `kernel`"):
        _ = layers.Dense(2).kernel
    for rank in (0, 1.5, "2", True):
        with pytest.raises(UserInputError, match="rank of adapters must be a positive integer"):
            layers.Dense(2, lora_rank=rank)
    for alpha in (0, "1", float("nan")):
        with pytest.raises(UserInputError, match="`lora_alpha` must be a number other than zero"):
            layers.Dense(2, lora_rank=2, lora_alpha=alpha)
