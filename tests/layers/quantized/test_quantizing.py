"""Quantizing a layer: by call, by policy, with adapters, in pure calls, and what is refused."""

import copy
import pickle

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import fkeras
from fkeras import layers, quantizers
from tests.layers.quantized.cases import LAYERS, kept, normal

DENSE_MODES = ["int8", "int4", "float8", "ternary"]
X = normal(4, 12)


def made(case, **options):
    name, arguments, x = LAYERS[case]
    layer = getattr(layers, name)(**arguments, **options)
    layer.build(x.shape)
    return layer, x


def dense(units=5, **options):
    layer = layers.Dense(units, **options)
    layer.build((None, 12))
    return layer


# -- what becomes of the weights ------------------------------------------------------------------


@pytest.mark.parametrize(
    "mode, dtype, shape, error",
    [
        ("int8", "int8", (12, 5), 0.05),
        ("int4", "int8", (12, 3), 0.4),
        ("ternary", "uint8", (3, 5), 2.0),
        ("float8", "float32", (12, 5), 0.3),
    ],
)
def test_a_kernel_takes_fewer_bytes_and_the_layer_computes_nearly_the_same(
    mode, dtype, shape, error
):
    layer = dense()
    before = layer(X)
    layer.quantize(mode)
    weights = {w.path.split("/")[1]: w for w in layer.weights}
    assert (weights["kernel"].dtype, weights["kernel"].shape) == (dtype, shape)
    assert weights["kernel"].trainable is (mode == "float8")
    assert 0 < np.abs(layer(X) - before).max() < error
    assert layer.dtype_policy.quantization_mode == mode


def test_ternary_kernels_are_signs_times_a_scale():
    layer = dense(use_bias=False)
    kernel = layer.kernel.numpy()
    layer.quantize("ternary")
    mean = np.abs(kernel).mean()
    signs = np.sign(kernel) * (np.abs(kernel) > mean / 2)
    np.testing.assert_array_equal(layer.kernel, signs)
    np.testing.assert_allclose(layer(X), X @ signs * mean, rtol=1e-5, atol=1e-5)
    gradient = jax.grad(lambda x: layer(x).sum())(X)
    np.testing.assert_allclose(gradient[0], signs.sum(axis=1) * mean, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("equation", ["...d,df->...f", "bd...,df->bf..."])
def test_equations_with_dots_are_quantized(equation):
    shape = (2, 3, 4, 12) if equation.startswith("...") else (2, 12, 3, 4)
    layer = layers.EinsumDense(equation, 5)
    x = normal(*shape)
    before = layer(x)
    for mode in ("int8", "int4"):
        other = copy.deepcopy(layer)
        other.quantize(mode)
        assert np.abs(other(x) - before).max() < {"int8": 0.1, "int4": 0.6}[mode]


@pytest.mark.parametrize("case", ["Embedding", "tied", "not tied"])
@pytest.mark.parametrize("mode", ["int8", "int4"])
def test_ids_that_a_quantized_table_has_not_are_seen(case, mode):
    layer, _ = made(case)
    layer.quantize(mode)
    with pytest.raises(ValueError, match="id 6 at position"):
        layer(np.array([[1, 6]]))
    rows = jax.jit(lambda ids: layer(ids))(np.array([[1, 6]]))
    assert np.isnan(rows[0, 1]).all() and np.isfinite(rows[0, 0]).all()


# -- by policy ----------------------------------------------------------------------------------


@pytest.mark.parametrize("policy", ["int8", "int4/5", "int4/-1", "int4", "float8", "ternary"])
def test_a_layer_of_a_quantized_dtype_has_the_weights_of_a_quantized_one(policy):
    layer = layers.Dense(5, dtype=f"{policy}_from_float32")
    assert layer(X).shape == (4, 5)
    mode = policy.split("/")[0]
    other = dense()
    if mode != "int4":
        other.quantize(mode)
    else:
        size = {"int4/5": 5}.get(policy, -1)
        other.quantize(config=quantizers.Int4QuantizationConfig(block_size=size))
    shapes = [{k: (v.dtype, v.shape) for k, v in kept(one).items()} for one in (layer, other)]
    assert shapes[0] == shapes[1]
    variables = layer.init(jax.random.key(0), (4, 12))
    assert jax.tree.map(jnp.shape, variables) == jax.tree.map(
        jnp.shape, other.init(jax.random.key(0), (4, 12))
    )


def test_gptq_policies_say_how_many_bits_and_groups_there_are():
    layer = dense(dtype="gptq/2/4_from_float32")
    assert layer.quantized_kernel.shape == (2, 12) and layer.kernel_scale.shape == (5, 3)
    assert layer.is_gptq_calibrated and not layer.is_awq_calibrated
    layer = dense(dtype="awq/4/-1_from_float32")
    assert layer.quantized_kernel.shape == (3, 12) and layer.kernel_scale.shape == (5, 1)
    assert layer.awq_scales.shape == (12,)


def test_numbers_of_two_bits_are_read_packed_or_one_by_one():
    layer = dense(dtype="gptq/2/4_from_float32")
    numbers = np.random.default_rng(0).integers(0, 4, (5, 12)).astype("uint8")
    packed = sum(np.pad(numbers, [(0, 3), (0, 0)])[i::4].astype(int) << 2 * i for i in range(4))
    bias = np.zeros(5, "float32")
    others = [np.ones((5, 3), "float32"), np.ones((5, 3), "uint8"), np.zeros(12, "float32")]
    for in_file in (numbers, packed.astype("uint8")):  # of Keras 3.15 and of 3.16
        store = dict(zip("01234", [bias, in_file, *others]))
        layer.load_own_variables(store)
        np.testing.assert_array_equal(layer.quantized_kernel, packed)
        layer.quantized_kernel.assign(np.zeros_like(packed))


def test_setting_the_policy_of_a_built_layer_quantizes_it():
    for policy, count in (("int8", 3), ("int4/5", 5), ("int4", 5), ("float8", 8)):
        layer = dense()
        layer.dtype_policy = f"{policy}_from_float32"
        assert len(layer.weights) == count and layer.dtype_policy.name == f"{policy}_from_float32"
    assert layer.inputs_amax_history.shape == (1024,)
    layer = dense()
    layer.dtype_policy = fkeras.dtype_policies.QuantizedFloat8DTypePolicy(
        "float8", "float32", amax_history_length=3
    )
    assert layer.inputs_amax_history.shape == (3,)
    layer = dense()
    with pytest.raises(ValueError, match="Implicitly enabling GPTQ quantization.*not supported"):
        layer.dtype_policy = "gptq/4/-1_from_float32"
    assert layer.dtype_policy.name == "float32" and layer(X).shape == (4, 5)


def test_layers_without_large_weights_take_a_quantized_policy():
    layer = layers.ReLU(dtype="int8_from_float32")
    np.testing.assert_array_equal(layer(X), np.maximum(X, 0))


def test_a_map_of_policies_quantizes_what_is_below():
    policies = fkeras.dtype_policies.DTypePolicyMap()
    policies["mha/query"] = fkeras.dtype_policies.get("int8_from_float32")
    layer = layers.MultiHeadAttention(2, 3, dtype=policies, name="mha")
    x = normal(2, 3, 8)
    assert layer(x, x).shape == (2, 3, 8)
    modes = {inner.name: inner.quantization_mode for inner in layer._flatten_layers()}
    assert modes["query"] == "int8" and modes["key"] is None
    key = next(inner for inner in layer._flatten_layers() if inner.name == "key")
    key.quantize("int8")
    assert policies["mha/key"].name == "int8_from_float32"


# -- pure calls -----------------------------------------------------------------------------------


@pytest.mark.parametrize("case", ["Dense", "query", "not tied"])
@pytest.mark.parametrize("mode", ["int8", "int4"])
def test_pure_calls_jit_and_vmap_compute_what_the_layer_does(case, mode):
    layer, x = made(case)
    layer.quantize(mode)
    names = [w.path.split("/")[1] for w in layer.weights]
    values = dict(zip(names, (w.value for w in layer.weights)))
    params = {n: v for n, v in values.items() if n == "bias"}
    state = {n: v for n, v in values.items() if n != "bias"}
    variables = {"params": params, "state": state}
    expected = layer(x)
    outputs, after = jax.jit(lambda v, x: layer.apply(v, x))(variables, x)
    np.testing.assert_allclose(outputs, expected, rtol=1e-5, atol=1e-5)
    jax.tree.map(np.testing.assert_array_equal, after, state)
    mapped = jax.vmap(lambda x: layer.apply(variables, x[None])[0][0])(jnp.asarray(x))
    np.testing.assert_allclose(mapped, expected, rtol=1e-4, atol=1e-4)
    scale = next(name for name in names if name.endswith("_scale"))
    other = {"params": params, "state": {**state, scale: state[scale] / 2}}
    assert not np.allclose(layer.apply(other, x)[0], expected, atol=1e-3)


def test_float8_leaves_scales_alone_where_it_does_not_train():
    layer = dense()
    layer.quantize("float8")
    np.testing.assert_array_equal(layer(X, training=True), layer(X, training=False))

    def loss(params, training):
        return layer.apply({"params": params, "state": {}}, X, training=training)[0].sum()

    params = {w.path.split("/")[1]: w.value for w in layer.trainable_weights}
    still = jax.grad(loss)(params, False)
    moved = jax.grad(loss)(params, True)
    assert float(still["inputs_scale"]) == 1.0
    np.testing.assert_allclose(moved["inputs_amax_history"][0], np.abs(X).max())
    np.testing.assert_array_equal(still["inputs_amax_history"], np.zeros(1024))


# -- with adapters ---------------------------------------------------------------------------------


@pytest.mark.parametrize("case", ["Dense", "query", "axes inside", "Embedding", "tied"])
@pytest.mark.parametrize("mode", ["int8", "int4"])
@pytest.mark.parametrize("first", ["quantize", "enable_lora"])
def test_adapters_go_beside_few_bits(case, mode, first):
    layer, x = made(case)
    steps = {"quantize": lambda: layer.quantize(mode), "enable_lora": lambda: layer.enable_lora(2)}
    steps.pop(first)()
    before = layer(x)
    next(iter(steps.values()))()
    if first == "quantize":
        np.testing.assert_allclose(layer(x), before, rtol=1e-5, atol=1e-5)
    for adapter in layer._adapters:
        adapter.assign(0.3 * normal(*adapter.shape))
    after = layer(x)
    assert np.abs(after - before).max() > 0.05
    trained = {w.path.split("/")[1] for w in layer.trainable_weights}
    assert {name for name in trained if name != "bias"} == {
        f"lora_{layer._adapted_name}_{letter}" for letter in "ab"
    }
    # Files have the sum in few bits.
    store = kept(layer)
    plain, _ = made(case)
    plain.quantize(mode)
    plain.load_own_variables(store)
    tolerance = {"int8": 0.1, "int4": 1.0}[mode]
    np.testing.assert_allclose(plain(x), after, atol=tolerance)
    if case != "tied":
        layer.merge_lora()
        np.testing.assert_allclose(layer(x), plain(x), rtol=1e-4, atol=1e-4)


def test_modes_that_do_not_go_with_adapters_say_so():
    for mode in ("float8", "ternary"):
        layer = dense()
        layer.enable_lora(2)
        with pytest.raises(ValueError, match=f"mode '{mode}' does not go with low-rank adapters"):
            layer.quantize(mode)
        assert layer.quantization_mode is None and len(layer.weights) == 4
        layer = dense()
        layer.quantize(mode)
        with pytest.raises(ValueError, match="lora is not supported with quantization mode"):
            layer.enable_lora(2)
        with pytest.raises(ValueError, match="does not go with low-rank adapters"):
            layers.Dense(3, lora_rank=2, dtype=f"{mode}_from_float32").build((None, 12))


# -- copies and configs ----------------------------------------------------------------------------


@pytest.mark.parametrize("mode", DENSE_MODES)
def test_copies_and_pickles_compute_the_same(mode):
    layer = dense()
    layer.quantize(mode)
    for other in (copy.deepcopy(layer), pickle.loads(pickle.dumps(layer))):
        np.testing.assert_array_equal(other(X), layer(X))
    fresh = pickle.loads(pickle.dumps(layers.Dense(5, dtype=f"{mode}_from_float32")))
    assert fresh(X).shape == (4, 5)


def test_configs_have_the_quantizers():
    config = quantizers.Int8QuantizationConfig(
        quantizers.AbsMaxQuantizer(axis=0, value_range=(-7, 7)), activation_quantizer=None
    )
    layer = dense()
    layer.quantize("int8", config)  # by position, as calls of Keras's wrapper may be
    assert np.abs(layer.kernel.numpy()).max() == 7 and layer.inputs_quantizer is None
    other = layers.Dense.from_config(layer.get_config())
    assert other.quantization_config.weight_quantizer.value_range == (-7, 7)
    assert other.get_config() == layer.get_config()
    other.build((None, 12))
    assert other.inputs_quantizer is None and other.dtype_policy.name == "int8_from_float32"


def test_a_quantizer_of_the_users_own_is_used():
    class Thirds(quantizers.Quantizer):
        def __call__(self, x, to_numpy=False):
            return jnp.round(x * 3).astype("int8"), jnp.full((1, x.shape[1]), 3.0)

    class TooFew(quantizers.Quantizer):
        def __call__(self, x, to_numpy=False):
            return jnp.round(x).astype("int8"), jnp.ones((1, 1))

    layer = dense()
    kernel = layer.kernel.numpy()
    layer.quantize(config=quantizers.Int8QuantizationConfig(Thirds(), None))
    np.testing.assert_array_equal(layer.kernel.numpy(), np.round(kernel * 3))
    np.testing.assert_allclose(layer(X), X @ np.round(kernel * 3) / 3, rtol=1e-4, atol=1e-5)
    layer = dense()
    with pytest.raises(ValueError, match="expected one number for each of 5 columns"):
        layer.quantize(config=quantizers.Int8QuantizationConfig(TooFew(), None))
    assert layer.quantization_mode is None and layer(X).shape == (4, 5)


def test_names_in_files_are_those_of_the_modes():
    spec = layers.Dense(3).variable_serialization_spec
    assert spec[None] == ["kernel", "bias"]
    assert spec["int4"] == ["kernel", "bias", "kernel_scale", "kernel_zero", "g_idx"]
    assert spec["gptq"][:2] == ["bias", "quantized_kernel"] and spec["awq"][-2] == "awq_scales"
    assert layers.ReversibleEmbedding(3, 4, tie_weights=False).variable_serialization_spec[
        "int4"
    ] == [
        "embeddings",
        "embeddings_scale",
        "embeddings_zero",
        "g_idx",
        "reverse_embeddings",
        "reverse_embeddings_scale",
        "reverse_embeddings_zero",
    ]


# -- what is refused -------------------------------------------------------------------------------


class OwnDense(layers.Dense):
    pass


def quantized():
    layer = dense()
    layer.quantize("int8")
    return layer


def of_embedding():
    layer, _ = made("Embedding")
    return layer


def waiting():
    layer = dense()
    layer.quantize("gptq", config=quantizers.GPTQConfig(None, None, group_size=4))
    return layer


def own(**options):
    layer = OwnDense(3, **options)
    layer.build((None, 12))
    return layer


@pytest.mark.parametrize(
    "call, kind, message",
    [
        (lambda: layers.Dense(3).quantize("int8"), ValueError, "isn't yet built.*'dense'"),
        (lambda: quantized().quantize("int4"), ValueError, "already quantized with.*int8_from"),
        (lambda: dense().quantize("int7"), ValueError, "Invalid quantization mode"),
        (lambda: dense().quantize(), ValueError, "either `mode` or `config`"),
        (lambda: dense().quantize("gptq"), ValueError, "must pass a `GPTQConfig`"),
        (lambda: dense(dtype="float16").quantize("int8"), ValueError, "compute_dtype='float16'"),
        (
            lambda: own().quantize("int8"),
            NotImplementedError,
            "OwnDense does not have a `quantize`",
        ),
        (lambda: of_embedding().quantize("float8"), NotImplementedError, "Invalid quantization"),
        (lambda: dense().quantized_build((2, 3), "int7"), NotImplementedError, "Invalid quant"),
        (lambda: dense().quantized_call(X), NotImplementedError, "Invalid quantization mode"),
        (lambda: layers.Flatten().quantized_build((2, 3), "int8"), NotImplementedError, "Flatten"),
        (lambda: layers.Flatten().quantized_call(X), NotImplementedError, "Flatten"),
        (lambda: waiting().save_own_variables({}), ValueError, "never been calibrated"),
        (
            lambda: layers.Dense(3, dtype="gptq_from_float32").build((None, 3)),
            ValueError,
            "gptq/<weight_bits>/<group_size>",
        ),
    ],
)
def test_what_cannot_be_is_refused(call, kind, message):
    with pytest.raises(kind, match=message):
        call()


def test_a_layer_of_the_users_own_class_is_quantized_where_asked():
    layer = own()
    layer.quantize("int8", type_check=False)
    assert layer.kernel.dtype == "int8" and layer.quantized_call(X).shape == (4, 3)


def test_a_layer_that_waits_for_data_computes_with_floats():
    layer = waiting()
    assert not layer.is_gptq_calibrated and layer.kernel.dtype == "float32"
    np.testing.assert_allclose(layer(X), X @ layer.kernel.numpy(), rtol=1e-5, atol=1e-5)
    numbers = np.random.default_rng(0).integers(0, 16, (5, 12)).astype("uint8")
    scheme = layer._info.schemes["kernel"]
    groups = np.repeat(np.arange(3.0), 4)
    layer._take_calibrated(
        {
            "quantized_kernel": scheme.packed(numbers),
            "kernel_zero": np.full((5, 3), 8, "uint8"),
            "g_idx": groups,
        }
    )
    assert layer.is_gptq_calibrated
    np.testing.assert_array_equal(layer.kernel, numbers)
    np.testing.assert_allclose(layer(X), X @ (numbers.T - 8.0), rtol=1e-4, atol=1e-4)
    assert sorted(kept(layer)) == ["0", "1", "2", "3", "4"]


def test_to_say_that_a_layer_is_calibrated_lets_the_floats_go():
    layer = waiting()
    with pytest.raises(ValueError, match="cannot be said to be calibrated by AWQ"):
        layer.is_awq_calibrated = True
    layer.is_gptq_calibrated = True
    assert layer.kernel.shape == (5, 12)
    with pytest.raises(ValueError, match="cannot be said to be not calibrated"):
        layer.is_gptq_calibrated = False


# -- TernaryDense ----------------------------------------------------------------------------------


@pytest.mark.parametrize("threshold", [None, 0.1, 0.0])
def test_ternary_dense_multiplies_by_signs_and_trains_the_floats(threshold):
    layer = layers.TernaryDense(5, threshold=threshold, activation="tanh", bias_initializer="ones")
    layer.build((None, 12))
    kernel = layer.kernel.numpy()
    scale = np.abs(kernel).mean() if threshold is None else 1.0
    limit = scale / 2 if threshold is None else threshold
    signs = np.sign(kernel) * (np.abs(kernel) > limit)
    expected = np.tanh(X @ signs * scale + 1)
    np.testing.assert_allclose(layer(X), expected, rtol=1e-4, atol=1e-5)
    variables = {"params": {"kernel": kernel, "bias": np.ones(5, "float32")}, "state": {}}
    gradient = jax.grad(lambda v: layer.apply(v, X)[0].sum())(variables)["params"]["kernel"]
    through_rounding = scale * X.T @ (1 - expected**2)
    if threshold is None:  # the scale is the kernel's too
        by_scale = ((1 - expected**2) * (X @ signs)).sum()
        through_rounding = through_rounding + by_scale * np.sign(kernel) / kernel.size
    np.testing.assert_allclose(gradient, through_rounding, rtol=1e-3, atol=1e-4)
    layer.quantize()
    np.testing.assert_allclose(layer(X), expected, rtol=1e-4, atol=1e-5)
    other = layers.TernaryDense.from_config(layer.get_config())
    other.build((None, 12))
    other.load_own_variables(kept(layer))
    np.testing.assert_array_equal(other(X), layer(X))


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"units": 0}, "positive integer"),
        ({"units": 3, "threshold": -1.0}, "non-negative"),
        ({"units": 3, "threshold": "much"}, "expected a non-negative float or None"),
    ],
)
def test_ternary_dense_refuses_what_cannot_be(arguments, message):
    with pytest.raises(ValueError, match=message):
        layers.TernaryDense(**arguments)


def test_ternary_dense_has_one_mode():
    layer = layers.TernaryDense(3)
    layer.build((None, 12))
    with pytest.raises(NotImplementedError, match="Expected one of .'ternary',. for layer Ternary"):
        layer.quantize("int8")
    assert layer.compute_output_shape((None, 7, 12)) == (None, 7, 3)
