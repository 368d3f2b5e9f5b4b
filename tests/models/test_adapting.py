"""Adapters for the layers of a whole model: which layers get them, what is trained, files of
adapters alone.
"""

import numpy as np
import pytest

import fkeras
from fkeras import layers
from fkeras.errors import IncompatibleFileError, NotBuiltError, UserInputError, UserTypeError

RNG = np.random.default_rng(0)
X = RNG.normal(size=(4, 3, 4)).astype("float32")
Y = RNG.normal(size=(4, 3, 2)).astype("float32")


class Block(layers.Layer):
    """Attention, with a weight of its own."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.attention = layers.MultiHeadAttention(2, 2)
        self.scale = self.add_weight(shape=(), initializer="ones", name="scale")

    def call(self, x):
        return x + self.scale * self.attention(x, x)


def model_of():
    fkeras.utils.set_random_seed(0)
    return fkeras.Sequential(
        [
            fkeras.Input((3, 4)),
            Block(name="block"),
            layers.LayerNormalization(name="norm"),
            layers.Dense(2, name="head"),
        ]
    )


def with_drawn_adapters(**options):
    model = model_of()
    model.enable_lora(2, **options)
    for variable in model.trainable_variables:
        variable.assign(RNG.normal(size=variable.shape))
    return model


def trained(model):
    return [v.path.removeprefix("sequential/") for v in model.trainable_variables]


@pytest.mark.parametrize(
    "where, expected",
    [
        (None, {"key", "query", "value", "attention_output", "head"}),
        ("*/query_dense", {"query"}),
        (["*/query_dense", "*/value_dense"], {"query", "value"}),
        ("block", {"key", "query", "value", "attention_output"}),
        (lambda path, layer: isinstance(layer, layers.Dense), {"head"}),
        (["head", lambda path, layer: path.endswith("key_dense")], {"head", "key"}),
    ],
    ids=["all", "pattern", "patterns", "subtree", "function", "both"],
)
def test_layers_are_chosen_by_path_layer_or_function(where, expected):
    model = model_of()
    before = np.asarray(model(X))
    paths = model.enable_lora(2, where=where, lora_alpha=4)
    adapted = [layer for layer in model._flatten_layers() if getattr(layer, "lora_enabled", False)]
    assert {layer.name for layer in adapted} == expected and len(paths) == len(expected)
    assert {(layer.lora_rank, layer.lora_alpha) for layer in adapted} == {(2, 4)}
    np.testing.assert_allclose(model(X), before, rtol=1e-5, atol=1e-6)


def test_a_layer_stands_for_what_is_below_it():
    model = model_of()
    assert model.enable_lora(1, where=model.layers[0].attention._query_dense) == [
        "block/attention/query_dense"
    ]


def test_all_else_is_frozen_unless_it_is_to_be_trained_too():
    model = model_of()
    model.enable_lora(2, where="*/query_dense")
    names = [v.name for v in model.trainable_variables]
    assert names == ["lora_kernel_a", "lora_kernel_b"]
    assert not model.get_layer("head").trainable and model.get_layer("block").trainable
    model.get_layer("head").trainable = True
    assert trained(model)[-2:] == ["head/kernel", "head/bias"]
    other = model_of()
    other.enable_lora(2, where="*/query_dense", freeze=False)
    assert len(other.trainable_variables) == len(model_of().trainable_variables) + 1


def test_flags_count_at_once_in_a_compiled_model():
    model = model_of()
    model.compile("adam", "mse")
    model.enable_lora(2, where="*/query_dense")
    before = {v.path: np.asarray(v) for v in model.variables}
    model.fit(X, Y, verbose=0, epochs=2)
    changed = {v.path for v in model.variables if not np.array_equal(before[v.path], v)}
    assert changed == {v.path for v in model.trainable_variables} and len(changed) == 2
    expected = model.predict(X, verbose=0)
    model.merge_lora()
    np.testing.assert_allclose(model.predict(X, verbose=0), expected, rtol=1e-5, atol=1e-5)
    with pytest.raises(UserInputError, match="Pass a new optimizer to `compile"):
        model.fit(X, Y, verbose=0)
    model.trainable = True
    assert len(model.trainable_variables) == len(model_of().trainable_variables)


def test_adapters_go_by_themselves_to_a_model_of_the_same_weights(tmp_path):
    pytest.importorskip("safetensors")
    model = with_drawn_adapters(where=["*/query_dense", "head"], lora_alpha=0.3)
    expected = np.asarray(model(X))
    model.save_lora_weights(tmp_path / "adapters.safetensors")
    plain = model_of()
    plain.set_weights(
        [v for v, w in zip(model.get_weights(), model.weights) if "lora" not in w.name]
    )
    plain.load_lora_weights(tmp_path / "adapters.safetensors")
    np.testing.assert_array_equal(plain(X), expected)
    assert plain.get_layer("head").lora_alpha == 0.3
    plain.merge_lora()
    np.testing.assert_allclose(plain(X), expected, rtol=1e-4, atol=1e-4)
    model.load_lora_weights(tmp_path / "adapters.safetensors")  # there are some already
    np.testing.assert_array_equal(model(X), expected)


def test_adapters_of_repeated_blocks_go_to_separate_layers(tmp_path):
    pytest.importorskip("safetensors")
    repeated = fkeras.Sequential(
        [fkeras.Input((4,)), layers.Repeat(layers.Dense(4, name="dense"), 2, name="stack")]
    )
    assert repeated.enable_lora(1) == ["stack/blocks"]
    for variable in repeated.trainable_variables:
        variable.assign(RNG.normal(size=variable.shape))
    repeated.save_lora_weights(tmp_path / "adapters.safetensors")
    fkeras.utils.set_random_seed(1)
    again = fkeras.models.clone_model(repeated)
    again.set_weights(repeated.get_weights())
    expected = np.asarray(repeated(X[:, 0]))
    for layer in again._flatten_layers():
        if getattr(layer, "lora_enabled", False):
            layer.lora_kernel_b.assign(layer.lora_kernel_b.value * 0)
    again.load_lora_weights(tmp_path / "adapters.safetensors")
    np.testing.assert_array_equal(again(X[:, 0]), expected)


def test_what_does_not_fit_is_listed_before_anything_is_set(tmp_path):
    pytest.importorskip("safetensors")
    with_drawn_adapters(where=["*/query_dense", "head"]).save_lora_weights(
        tmp_path / "adapters.safetensors"
    )
    other = fkeras.Sequential([fkeras.Input((3, 4)), layers.Dense(3, name="head")])
    with pytest.raises(IncompatibleFileError) as caught:
        other.load_lora_weights(tmp_path / "adapters.safetensors")
    text = str(caught.value)
    assert "head: file (4, 2) and (2, 2), model (4, 2) and (2, 3)" in text
    assert "block/attention/query_dense/lora_kernel_a" in text and "not in the model" in text
    assert not other.layers[0].lora_enabled
    ranked = model_of()
    ranked.enable_lora(3, where="head")
    ranked.get_layer("norm").trainable = True
    with pytest.raises(IncompatibleFileError, match="head: file has rank 2, model 3"):
        ranked.load_lora_weights(tmp_path / "adapters.safetensors")
    wider = model_of()
    wider.enable_lora(2)
    with pytest.raises(IncompatibleFileError, match="key_dense: its adapters are not in the file"):
        wider.load_lora_weights(tmp_path / "adapters.safetensors")
    wider.save_weights(tmp_path / "weights.safetensors")
    with pytest.raises(IncompatibleFileError, match="not in the model"):
        model_of().load_lora_weights(tmp_path / "weights.safetensors")


def test_mistakes_are_named(tmp_path):
    model = model_of()
    with pytest.raises(NotBuiltError, match="has no weights yet"):
        fkeras.Sequential([layers.Dense(2)]).enable_lora(2)
    with pytest.raises(UserInputError, match="No path fits 'encoder.*There are: .*'head'"):
        model.enable_lora(2, where="encoder/*")
    with pytest.raises(UserInputError, match="has no layer that adapters can be made for by where"):
        model.enable_lora(2, where=lambda path, layer: False)
    with pytest.raises(UserInputError, match="has no layer 'norm' that adapters can be made for"):
        model.enable_lora(2, where=model.get_layer("norm"))
    with pytest.raises(UserTypeError, match="takes paths such as 'encoder.*Received: 3"):
        model.enable_lora(2, where=3)
    with pytest.raises(UserInputError, match="rank of adapters must be a positive integer"):
        model.enable_lora(0)
    for method in (model.merge_lora, lambda: model.save_lora_weights(tmp_path / "a.safetensors")):
        with pytest.raises(UserInputError, match="has no adapters"):
            method()
    with pytest.raises(UserInputError, match="must end in '.safetensors'"):
        model.load_lora_weights(tmp_path / "adapters.h5")
    with pytest.raises(FileNotFoundError, match="there is no file"):
        model.load_lora_weights(tmp_path / "a.safetensors")
    (tmp_path / "a.safetensors").write_text("nothing of the kind")
    with pytest.raises(IncompatibleFileError, match="is no file of adapters"):
        model.load_lora_weights(tmp_path / "a.safetensors")
    model.enable_lora(2, where="head")
    with pytest.raises(UserInputError, match="'head' of 'sequential.*already enabled, with rank 2"):
        model.enable_lora(2)
    assert trained(model) == ["head/lora_kernel_a", "head/lora_kernel_b"]
