"""GPTQ and AWQ on models: which inputs are looked at, what becomes of the layers, and files."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import fkeras
from fkeras import layers
from fkeras.errors import UserInputError, UserTypeError
from fkeras.quantizers import awq, gptq

RNG = np.random.default_rng(0)
X = RNG.normal(size=(40, 5, 8)).astype("float32")
CONFIGS = {"gptq": fkeras.quantizers.GPTQConfig, "awq": fkeras.quantizers.AWQConfig}
BOTH = pytest.mark.parametrize("mode", CONFIGS)


def model_of(library=fkeras):
    """Two blocks, with a kernel of three axes that is summed over two of them."""
    L = library.layers
    fkeras.utils.set_random_seed(0)
    first = library.Sequential(
        [L.Dense(12, activation="relu"), L.EinsumDense("abc,cde->abde", (5, 2, 4), bias_axes="de")],
        name="first",
    )
    second = library.Sequential(
        [L.EinsumDense("abcd,cde->abe", (5, 8), bias_axes="e"), L.Dense(3)], name="second"
    )
    return library.Sequential([library.Input((5, 8)), first, second, L.Dense(2, name="head")])


def quantized(model, mode, dataset=(X,), **options):
    structure = {"pre_block_layers": [], "sequential_blocks": model.layers[:2]}
    options = {"group_size": 4, "quantization_layer_structure": structure, **options}
    config = CONFIGS[mode](list(dataset), None, **options)
    return model.quantize(config=config, verbose=False)


@BOTH
def test_outputs_stay_near_and_the_rest_of_the_model_is_left_alone(mode):
    model = model_of()
    expected = model.predict(X, verbose=0)
    report = quantized(model, mode)
    assert report.num_quantized == 4
    outputs = model.predict(X, verbose=0)
    assert np.mean((outputs - expected) ** 2) < 0.03 * np.mean(expected**2)
    assert model.get_layer("head").quantization_mode is None
    for layer in (layer for block in model.layers[:2] for layer in block.layers):
        assert layer.quantization_mode == mode and not hasattr(layer, "_kernel")
        assert layer.quantized_kernel.dtype == "uint8"
    pure, _ = jax.jit(model.apply)(model.get_variables(), X)
    np.testing.assert_allclose(pure, outputs, atol=1e-5)


@BOTH
def test_numbers_are_those_for_the_inputs_that_reach_each_layer(mode):
    model = model_of()
    first, second = (model.layers[i] for i in (0, 1))
    kernels = [np.asarray(layer.kernel) for layer in second.layers]
    quantized(model, mode)
    x = first(X)  # with numbers in its kernels, which the second block meets
    inputs = [x.reshape(-1, 8), None]
    by_hand = np.einsum("abcd,cde->abe", x, kernels[0]) + second.layers[0].bias.value
    inputs[1] = jnp.asarray(by_hand).reshape(-1, 8)
    for layer, kernel, rows in zip(second.layers, kernels, inputs):
        columns = kernel.reshape(8, -1).T
        config = layer.quantization_config
        if mode == "gptq":
            curvature = gptq.add_to_curvature(jnp.zeros((8, 8)), 0, rows)
            expected = gptq.quantize(columns, curvature, config)
        else:
            sizes = awq.add_to_magnitudes(jnp.zeros(8), 0, rows)
            expected = awq.quantize(columns, sizes, rows[:512], config)
            np.testing.assert_allclose(layer.awq_scales, expected.input_scales, rtol=1e-3)
        numbers = layer._info.schemes["kernel"].numbers(
            {"quantized_kernel": layer.quantized_kernel.value}
        )
        assert np.mean(np.asarray(numbers) == np.asarray(expected.numbers)) > 0.95
        np.testing.assert_allclose(layer.kernel_scale, expected.scale, rtol=1e-2)


@BOTH
def test_files_go_to_keras(keras, mode, tmp_path):
    model = model_of()
    quantized(model, mode)
    expected = model.predict(X, verbose=0)
    model.save(tmp_path / "mine.keras")
    np.testing.assert_allclose(
        fkeras.saving.load_model(tmp_path / "mine.keras").predict(X, verbose=0), expected, atol=1e-6
    )
    theirs = keras.saving.load_model(tmp_path / "mine.keras")
    np.testing.assert_allclose(theirs.predict(X, verbose=0), expected, rtol=1e-4, atol=1e-4)
    # Keras 3.15 leaves the zero points out of the files that it writes, and cannot read them.


def test_tokens_go_through_the_layers_before_the_blocks():
    embedding = layers.Embedding(20, 8)
    block = fkeras.Sequential([layers.Dense(8, activation=layers.ReLU())])
    model = fkeras.Sequential(
        [fkeras.Input((6,), dtype="int32"), embedding, block, layers.Dense(2)]
    )

    class WithStructure(fkeras.Model):
        def __init__(self):
            super().__init__()
            self.inner = model

        def call(self, x):
            return self.inner(x)

        def get_quantization_layer_structure(self, mode=None):
            return {"pre_block_layers": [embedding], "sequential_blocks": [block]}

    whole = WithStructure()
    whole(np.zeros((1, 6), "int32"))
    texts = ["abcabcdefg", "hijklmnopqrst"]
    config = fkeras.quantizers.GPTQConfig(
        texts,
        lambda text: [ord(c) - ord("a") for c in text],
        sequence_length=6,
        num_samples=4,
        group_size=-1,
    )
    assert whole.quantize("gptq", config=config, verbose=False).num_quantized == 1
    assert block.layers[0].is_gptq_calibrated
    assert np.isfinite(whole.predict(np.ones((2, 6), "int32"), verbose=0)).all()


def test_what_is_filtered_out_keeps_its_kernel():
    model = model_of()
    report = quantized_with_filter(model, lambda layer: isinstance(layer, layers.Dense))
    assert report.num_quantized == 2
    modes = [layer.quantization_mode for block in model.layers[:2] for layer in block.layers]
    assert modes == ["gptq", None, None, "gptq"]


def quantized_with_filter(model, filters):
    structure = {"sequential_blocks": model.layers[:2]}
    config = fkeras.quantizers.GPTQConfig([X], None, quantization_layer_structure=structure)
    return model.quantize(config=config, filters=filters, verbose=False)


def test_kernels_whose_columns_are_no_outputs_are_left_out():
    block = fkeras.Sequential([layers.EinsumDense("btd,ndh->btnh", (5, 2, 4)), layers.Flatten()])
    model = fkeras.Sequential([fkeras.Input((5, 8)), block])
    config = fkeras.quantizers.GPTQConfig(
        [X], None, quantization_layer_structure={"sequential_blocks": [block]}
    )
    with pytest.warns(UserWarning, match="einsum_dense"):
        report = model.quantize(config=config, verbose=False)
    assert report.num_quantized == 0
    with pytest.raises(NotImplementedError, match=r"summed over axes \(1,\)"):
        block.layers[0].quantize(config=config)


def untouched(model):
    return all(layer.quantization_mode is None for layer in model._flatten_layers())


@pytest.mark.parametrize(
    "options, error, message",
    [
        ({"dataset": []}, UserInputError, "Provided dataset is empty"),
        ({"dataset": ["text"]}, UserInputError, "needs a `tokenizer`"),
        (
            {"quantization_layer_structure": {"sequential_blocks": []}},
            UserInputError,
            "No sequential blocks found",
        ),
        (
            {"quantization_layer_structure": {"sequential_blocks": ["first"]}},
            UserTypeError,
            "holds 'first', which is no layer",
        ),
        ({"quantization_layer_structure": None}, UserInputError, "a valid quantization structure"),
    ],
    ids=["empty", "tokenizer", "blocks", "layer", "structure"],
)
@BOTH
def test_mistakes_leave_the_model_as_it_is(mode, options, error, message):
    model = model_of()
    with pytest.raises(error, match=message):
        quantized(model, mode, **options)
    assert untouched(model)


def test_layers_that_data_do_not_reach_are_named():
    class Idle(layers.Layer):
        def __init__(self):
            super().__init__()
            self.used, self.idle = layers.Dense(8), layers.Dense(8, name="idle")
            self.idle.build((None, 8))

        def call(self, x):
            return self.used(x)

    model = fkeras.Sequential([fkeras.Input((5, 8)), Idle()])
    config = fkeras.quantizers.GPTQConfig(
        [X], None, quantization_layer_structure={"sequential_blocks": model.layers}
    )
    with pytest.raises(UserInputError, match=r"does not call \[.*idle.*Leave them out"):
        model.quantize(config=config, verbose=False)


def test_layers_inside_of_traced_programs_are_named():
    class Mapped(layers.Layer):
        def __init__(self):
            super().__init__()
            self.dense = layers.Dense(8)

        def build(self, shape):
            self.dense.build(shape)

        def call(self, x):
            return jax.vmap(self.dense)(x)

    block = Mapped()
    model = fkeras.Sequential([fkeras.Input((5, 8)), block])
    config = fkeras.quantizers.GPTQConfig(
        [X], None, quantization_layer_structure={"sequential_blocks": [block]}
    )
    with pytest.raises(UserInputError, match="inside a program that JAX traces"):
        model.quantize(config=config, verbose=False)
