"""`model.quantize`: which layers, what is told, what goes on afterwards, and files."""

import numpy as np
import pytest

import fkeras
from fkeras import layers, quantizers

rng = np.random.default_rng(0)
X = rng.normal(size=(16, 8)).astype("float32")
Y = rng.normal(size=(16, 3)).astype("float32")
IDS = rng.integers(0, 7, (4, 5))


def small(compiled=False):
    model = fkeras.Sequential(
        [
            fkeras.Input((8,)),
            layers.Dense(6, name="first"),
            layers.ReLU(name="relu"),
            layers.Dense(3, name="second"),
        ]
    )
    if compiled:
        model.compile("adam", "mse")
    return model


def of_text(module, attention=True):
    """A model with each kind of layer that can be quantized, of ours or of Keras's."""
    ids = module.Input((5,), dtype="int32")
    x = module.layers.Embedding(7, 8, name="embedding")(ids)
    if attention:
        x = module.layers.MultiHeadAttention(2, 4, name="attention")(x, x)
    x = module.layers.ReLU()(x)
    x = module.layers.EinsumDense("btd,df->btf", (None, 6), bias_axes="f", name="einsum")(x)
    x = module.layers.Dense(3, name="head")(x)
    return module.Model(ids, x)


def quietly(model, *args, **kwargs):
    with pytest.warns(UserWarning, match="do not support quantization"):
        return model.quantize(*args, verbose=False, **kwargs)


def test_all_layers_with_large_weights_are_quantized_and_the_others_are_told_of(capsys):
    model = small()
    before = model.predict(X, verbose=0)
    with pytest.warns(UserWarning, match=r"1 layer\(s\) were skipped.*relu'") as warned:
        report = model.quantize("int8")
    assert len(warned) == 1 and warned[0].filename == __file__
    assert [(path.split("/")[-1], mode) for path, mode, _ in report.quantized] == [
        ("first", "int8"),
        ("second", "int8"),
    ]
    assert "Quantization report (mode='int8')" in capsys.readouterr().out
    np.testing.assert_allclose(model.predict(X, verbose=0), before, atol=0.1)
    assert not np.array_equal(model.predict(X, verbose=0), before)
    text = model.quantization_summary(verbose=False)
    assert "weight store : int8 (48 bytes)" in text and "(4.00x smaller)" in text
    assert quietly(model, "int8").num_quantized == 0


@pytest.mark.parametrize(
    "filters", ["first", ["fir.t", "none"], lambda layer: layer.name == "first"]
)
def test_filters_choose_layers(filters):
    model = small()
    report = model.quantize("int8", filters=filters, verbose=False)
    assert report.num_quantized == 1
    assert [layer.quantization_mode for layer in model.layers] == ["int8", None, None]


def test_layers_of_models_inside_are_quantized_once():
    inner = fkeras.Sequential([layers.Dense(4, name="inside")])
    inputs = fkeras.Input((8,))
    model = fkeras.Model(inputs, inner(inputs))
    report = model.quantize("int4", verbose=False)
    assert report.num_quantized == 1 and inner.layers[0].quantization_mode == "int4"


class OfTheUsersOwn(layers.Layer):
    def build(self, input_shape):
        self.w = self.add_weight(shape=(input_shape[-1], 3))

    def call(self, x):
        return x @ self.w

    def quantize(self, mode=None, type_check=True, config=None):
        raise AttributeError(f"no {mode} here")


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: small().quantize("int7"), "Invalid quantization mode"),
        (lambda: small().quantize("int8", other=3), "Unrecognized keyword arguments"),
        (lambda: small().quantize("int8", filters=3), "`filters` argument must be"),
        (
            lambda: small().quantize("int4", config=quantizers.Int8QuantizationConfig()),
            "Contradictory arguments",
        ),
        (lambda: fkeras.Sequential([layers.Dense(3)]).quantize("int8"), "isn't yet built"),
        (
            lambda: fkeras.Sequential([fkeras.Input((3,)), OfTheUsersOwn()]).quantize("int8"),
            "no int8 here",
        ),
    ],
)
def test_what_cannot_be_is_refused(call, message):
    with pytest.raises((ValueError, AttributeError), match=message):
        call()


def test_a_wrong_call_changes_nothing():
    model = small()
    with pytest.raises(ValueError, match="Contradictory"):
        model.quantize("float8", config=quantizers.Int8QuantizationConfig())
    assert all(layer.quantization_mode is None for layer in model.layers)
    assert "No quantized layers found" in model.quantization_summary(verbose=False)


# -- training ----------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["int8", "float8"])
def test_a_compiled_model_goes_on_after_it(mode):
    model = small(compiled=True)
    model.fit(X, Y, epochs=1, verbose=0)
    quietly(model, mode)
    loss = model.evaluate(X, Y, verbose=0)
    history = model.fit(X, Y, epochs=3, verbose=0)
    np.testing.assert_allclose(history.history["loss"][0], loss, rtol=0.2)
    assert history.history["loss"][-1] < history.history["loss"][0]
    layer = model.layers[0]
    if mode == "float8":
        np.testing.assert_allclose(layer.inputs_amax_history.numpy()[0], np.abs(X).max(), rtol=1e-5)
        assert float(layer.inputs_scale.value) == pytest.approx(np.abs(X).max() / 448, rel=1e-4)


def test_float8_training_is_that_of_keras(keras):
    def run(module):
        model = module.Sequential([module.Input((8,)), module.layers.Dense(3)])
        model.set_weights([np.linspace(-1, 1, 24, dtype="f").reshape(8, 3), np.zeros(3, "f")])
        model.layers[0].quantize("float8")
        model.compile(module.optimizers.Adam(0.05), "mse")
        losses = model.fit(X, Y, batch_size=8, epochs=3, shuffle=False, verbose=0)
        return losses.history["loss"], [np.asarray(w.value) for w in model.weights]

    ours, theirs = run(fkeras), run(keras)
    np.testing.assert_allclose(ours[0], theirs[0], rtol=1e-4)
    for a, b in zip(ours[1], theirs[1]):
        np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-4)


def test_scales_of_float8_are_kept_from_loss_scaling_and_clipping():
    model = fkeras.Sequential([fkeras.Input((8,)), layers.Dense(3, dtype="mixed_float16")])
    model.layers[0].quantize("float8")
    optimizer = fkeras.optimizers.LossScaleOptimizer(fkeras.optimizers.SGD(0.01, clipnorm=1e-3))
    model.compile(optimizer, "mse")
    model.fit(X, Y, batch_size=16, epochs=2, shuffle=False, verbose=0)
    layer = model.layers[0]
    half = X.astype("float16").astype("float32")
    np.testing.assert_allclose(layer.inputs_amax_history.numpy()[0], np.abs(half).max(), rtol=1e-3)
    np.testing.assert_allclose(layer.inputs_scale.numpy(), np.abs(half).max() / 448, rtol=1e-3)


def test_adapters_of_a_model_in_few_bits_are_trained():
    model = small(compiled=True)
    quietly(model, "int8")
    model.layers[0].enable_lora(2)
    model.compile(fkeras.optimizers.Adam(0.05), "mse")
    kernel = model.layers[0]._kernel.numpy()
    losses = model.fit(X, Y, epochs=8, verbose=0).history["loss"]
    assert losses[-1] < losses[0]
    np.testing.assert_array_equal(model.layers[0]._kernel.numpy(), kernel)


def test_a_model_gives_adapters_to_the_layers_that_can_have_them():
    model = small()
    model.quantize("ternary", filters="first", verbose=False)
    model.quantize("int8", filters="second", verbose=False)
    assert model.enable_lora(2) == ["second"]
    with pytest.raises(ValueError, match="lora is not supported with quantization mode 'ternary'"):
        model.enable_lora(2, where="first")


def blocks(stacked):
    """Three blocks in a `Repeat`, or in a list, with the same weights."""
    made = [
        fkeras.Sequential([layers.Dense(8, activation="tanh"), layers.Dense(8)], name=f"block_{i}")
        for i in range(3)
    ]
    model = fkeras.Sequential(
        [fkeras.Input((8,)), *([layers.Repeat(made[0], 3)] if stacked else made)]
    )
    model.set_weights(
        [np.random.default_rng(i).normal(size=w.shape) for i, w in enumerate(model.weights)]
    )
    return model


@pytest.mark.parametrize("mode", ["int8", "int4", "float8", "ternary"])
def test_blocks_of_a_repeat_are_quantized_one_by_one(mode, tmp_path):
    stacked, separate = blocks(True), blocks(False)
    for model in (stacked, separate):
        model.quantize(mode, verbose=False)
    expected = separate.predict(X, verbose=0)
    np.testing.assert_allclose(stacked.predict(X, verbose=0), expected, rtol=1e-4, atol=1e-4)
    assert len(stacked.weights) == len(separate.weights)
    layer, first = stacked.layers[0].block.layers[0], separate.layers[0].layers[0]
    np.testing.assert_array_equal(np.asarray(layer.kernel)[0], first.kernel)
    stacked.save(tmp_path / "stacked.keras")
    loaded = fkeras.saving.load_model(tmp_path / "stacked.keras")
    np.testing.assert_array_equal(loaded.predict(X, verbose=0), stacked.predict(X, verbose=0))


def test_adapters_beside_quantized_blocks_are_kept_in_files(tmp_path):
    stacked, separate = blocks(True), blocks(False)
    for model in (stacked, separate):
        model.quantize("int8", verbose=False)
        model.enable_lora(2)
        for layer in model._flatten_layers():
            if getattr(layer, "lora_enabled", False):
                b = layer.lora_kernel_b
                b.assign(np.full(b.shape, 0.1))
                a = layer.lora_kernel_a
                a.assign(np.full(a.shape, 0.1))
    expected = separate.predict(X, verbose=0)
    np.testing.assert_allclose(stacked.predict(X, verbose=0), expected, rtol=1e-4, atol=1e-4)
    for name, model in (("stacked", stacked), ("separate", separate)):
        model.save_weights(tmp_path / f"{name}.weights.h5")
    reader = blocks(False)
    reader.quantize("int8", verbose=False)
    outputs = []
    for name in ("stacked", "separate"):
        reader.load_weights(tmp_path / f"{name}.weights.h5")
        outputs.append(reader.predict(X, verbose=0))
    np.testing.assert_allclose(*outputs, rtol=1e-5, atol=1e-5)


def test_blocks_of_a_repeat_are_not_calibrated():
    model = fkeras.Sequential([fkeras.Input((8,)), layers.Repeat(layers.Dense(8), 2)])
    config = quantizers.GPTQConfig(None, None, group_size=4)
    with pytest.raises(ValueError, match="is repeated by a `Repeat`"):
        model.layers[0].block.quantize("gptq", config=config)


# -- files -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", [".keras", ""])
@pytest.mark.parametrize("mode", ["int8", "int4", "float8"])
def test_a_quantized_model_is_loaded_as_it_was(tmp_path, mode, suffix):
    model = of_text(fkeras)
    model.compile("adam", "mse")
    model.fit(IDS, np.zeros((4, 5, 3)), verbose=0)
    quietly(model, mode)
    expected = model.predict(IDS, verbose=0)
    model.save(tmp_path / f"model{suffix}")
    loaded = fkeras.saving.load_model(tmp_path / f"model{suffix}")
    np.testing.assert_array_equal(loaded.predict(IDS, verbose=0), expected)
    assert loaded.get_layer("head").quantization_mode == mode
    loaded.fit(IDS, np.zeros((4, 5, 3)), verbose=0)


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
@pytest.mark.parametrize("mode", ["int8", "int4", "float8"])
def test_files_of_quantized_models_travel_to_keras_and_back(keras, tmp_path, mode):
    ours = of_text(fkeras, attention=False)
    quietly(ours, mode)
    expected = ours.predict(IDS, verbose=0)
    ours.save(tmp_path / "ours.keras")
    ours.save_weights(tmp_path / "ours.weights.h5")
    theirs = keras.saving.load_model(tmp_path / "ours.keras")
    tolerance = {"rtol": 1e-3, "atol": 1e-4} if mode != "float8" else {"atol": 0.02}
    np.testing.assert_allclose(theirs.predict(IDS, verbose=0), expected, **tolerance)
    theirs.save(tmp_path / "theirs.keras")
    theirs.save_weights(tmp_path / "theirs.weights.h5")
    again = fkeras.saving.load_model(tmp_path / "theirs.keras")
    np.testing.assert_array_equal(again.predict(IDS, verbose=0), expected)
    for weights in ("ours.weights.h5", "theirs.weights.h5"):
        fresh = of_text(fkeras, attention=False)
        quietly(fresh, mode)
        fresh.load_weights(tmp_path / weights)
        np.testing.assert_array_equal(fresh.predict(IDS, verbose=0), expected)


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
@pytest.mark.parametrize("mode", ["int8", "int4"])
def test_keras_reads_layers_inside_of_others_which_it_cannot_write(keras, tmp_path, mode):
    ours = of_text(fkeras)
    quietly(ours, mode)
    ours.save(tmp_path / "ours.keras")
    theirs = keras.saving.load_model(tmp_path / "ours.keras")
    expected = ours.predict(IDS, verbose=0)
    np.testing.assert_allclose(theirs.predict(IDS, verbose=0), expected, rtol=1e-3, atol=1e-4)


def test_weights_of_floats_do_not_fit_a_quantized_model(tmp_path):
    model = small()
    model.save_weights(tmp_path / "w.weights.h5")
    quietly(model, "int8")
    before = [w.numpy() for w in model.weights]
    with pytest.raises(ValueError):
        model.load_weights(tmp_path / "w.weights.h5")
    for variable, value in zip(model.weights, before):
        np.testing.assert_array_equal(variable.numpy(), value)
