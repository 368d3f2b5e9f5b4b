"""Models made from symbolic graphs."""

import jax
import numpy as np
import pytest

import fkeras
from fkeras import layers, ops
from fkeras.errors import UserInputError

X = np.random.default_rng(0).normal(size=(6, 4)).astype("float32")


@pytest.fixture
def two_inputs():
    a, b = fkeras.Input((4,), name="a"), fkeras.Input((4,), name="b")
    return fkeras.Model(
        {"a": a, "b": b},
        {"sum": layers.Add(name="add")([a, b]), "left": layers.Dense(2, name="left")(a)},
    )


def test_a_graph_computes_what_its_layers_compute():
    x = fkeras.Input((4,))
    first, second = layers.Dense(3, activation="relu"), layers.Dense(2)
    model = fkeras.Model(x, second(first(x)))
    np.testing.assert_allclose(model(X), second(first(X)), rtol=1e-6)
    assert (
        model.input_shape == (None, 4)
        and model.output_shape == (None, 2)
        and model.count_params() == 23
    )


def test_operators_and_ops_on_tensors_become_part_of_the_model():
    x = fkeras.Input((4,))
    model = fkeras.Model(x, ops.relu(x * 2 + 1) - x[:, ::-1])
    np.testing.assert_allclose(model(X), np.maximum(X * 2 + 1, 0) - X[:, ::-1], rtol=1e-6)


def test_only_the_layers_between_inputs_and_outputs_belong_to_the_model():
    x = fkeras.Input((4,))
    hidden = layers.Dense(3, name="hidden")(x)
    layers.Dense(9, name="elsewhere")(hidden)
    model = fkeras.Model(x, layers.Dense(2, name="head")(hidden))
    assert [layer.name for layer in model.layers][1:] == ["hidden", "head"]


def test_a_model_cut_out_of_a_graph_shares_its_layers():
    x = fkeras.Input((4,))
    hidden = layers.Dense(3, name="hidden")(x)
    model = fkeras.Model(x, layers.Dense(2)(hidden))
    features = fkeras.Model(model.inputs, model.get_layer("hidden").output)
    np.testing.assert_array_equal(features(X), model.get_layer("hidden")(X))
    head = fkeras.Model(hidden, model.output)
    np.testing.assert_allclose(head(features(X)), model(X), rtol=1e-6)


def test_a_model_is_a_layer_in_another_model():
    x = fkeras.Input((4,))
    inner = fkeras.Model(x, layers.Dense(3)(x), name="inner")
    y = fkeras.Input((4,))
    outer = fkeras.Model(y, layers.Concatenate()([inner(y), inner(-y)]))
    np.testing.assert_allclose(outer(X), np.concatenate([inner(X), inner(-X)], axis=1), rtol=1e-6)
    assert len(outer.weights) == 2


def test_inputs_and_outputs_keep_their_structure(two_inputs):
    result = two_inputs({"a": X, "b": X + 1})
    assert sorted(result) == ["left", "sum"]
    np.testing.assert_allclose(result["sum"], 2 * X + 1, rtol=1e-6)
    with pytest.raises(ValueError, match=r"Expected: \{'a'.*\n?.*Received: \["):
        two_inputs([X, X + 1])


def test_layers_with_lists_of_tensors_and_call_arguments_replay_as_recorded():
    x = fkeras.Input((3, 4))
    merged = layers.Concatenate(axis=1)([x, x])
    model = fkeras.Model(x, ops.mean(merged, axis=1, keepdims=True))
    batch = X.reshape(2, 3, 4)
    np.testing.assert_allclose(model(batch), batch.mean(axis=1, keepdims=True), rtol=1e-5)


def test_training_reaches_dropout_in_inner_models():
    x = fkeras.Input((4,))
    inner = fkeras.Model(x, layers.Dropout(0.5)(x))
    y = fkeras.Input((4,))
    model = fkeras.Model(y, inner(y))
    np.testing.assert_array_equal(model(X), X)
    assert np.any(np.asarray(model(X, training=True)) == 0)


def test_a_missing_last_axis_of_one_is_put_right():
    x = fkeras.Input((1,))
    model = fkeras.Model(x, x * 2)
    assert model(X[:, 0]).shape == (6, 1)
    y = fkeras.Input(())
    assert fkeras.Model(y, y * 2)(X[:, :1]).shape == (6,)
    pictures = np.ones((2, 3, 5, 1), "float32")
    grey = fkeras.Input((3, 5))
    assert fkeras.Model(grey, grey * 2)(pictures).shape == (2, 3, 5)
    z = fkeras.Input((4,))
    with pytest.raises(UserInputError, match=r"found shape=\(6, 4, 1\).*x\[..., 0\]"):
        fkeras.Model(z, z * 2)(X[..., None])


def test_numbers_are_those_of_keras(keras):
    def build(library):
        x = library.Input((4,))
        h = library.layers.Dense(5, activation="tanh")(x)
        h = library.layers.Concatenate()([h, x])
        return library.Model(x, [library.layers.Dense(2)(h), library.ops.sum(h, axis=1)])

    ours, theirs = build(fkeras), build(keras)
    ours.set_weights([np.asarray(w.value) for w in theirs.weights])
    for a, b in zip(ours.predict(X, verbose=0), theirs.predict(X, verbose=0)):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)


def test_a_graph_goes_through_its_config():
    x = fkeras.Input((4,), name="x")
    shared = layers.Dense(4, name="shared")
    h = shared(x)
    model = fkeras.Model(x, [shared(h) + 1.0, layers.Concatenate(name="both")([h, x])], name="m")
    again = fkeras.Model.from_config(model.get_config())
    again.set_weights(model.get_weights())
    assert again.name == "m" and [
        layer.name for layer in again.layers if layer in again.layers
    ] == [layer.name for layer in model.layers]
    for a, b in zip(again(X), model(X)):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize(
    "structure",
    [
        lambda wide, narrow: [{"b": wide, "a": narrow}],  # not in the order of the keys
        lambda wide, narrow: {"b": [wide, narrow]},
        lambda wide, narrow: (wide, {"z": {"y": narrow}}),
    ],
)
def test_nested_outputs_go_through_the_config(structure):
    x = fkeras.Input((4,))
    model = fkeras.Model(x, structure(layers.Dense(3)(x), layers.Dense(2)(x)))
    again = fkeras.Model.from_config(model.get_config())
    assert again.output_shape == model.output_shape


def test_a_subclass_may_call_the_functional_constructor():
    class Mine(fkeras.Model):
        def __init__(self, units):
            x = fkeras.Input((4,))
            super().__init__(x, layers.Dense(units)(x))
            self.units = units

        def twice(self, x):
            return self(x) * 2

    model = Mine(3)
    assert isinstance(model, Mine) and model.units == 3
    np.testing.assert_allclose(model.twice(X), 2 * model(X), rtol=1e-6)


def test_the_pure_form_gives_the_same_numbers_under_jit_and_vmap(two_inputs):
    inputs = {"a": X, "b": -X}
    variables = two_inputs.init(jax.random.key(0))
    out, _ = jax.jit(two_inputs.apply)(variables, inputs)
    members = jax.vmap(lambda key: two_inputs.init(key))(jax.random.split(jax.random.key(1), 3))
    many = jax.vmap(lambda v: two_inputs.apply(v, inputs)[0]["left"])(members)
    np.testing.assert_allclose(
        out["left"], X @ np.asarray(variables["params"]["left"]["kernel"]), rtol=1e-5, atol=1e-6
    )
    assert many.shape == (3, 6, 2) and float(np.max(np.abs(many[0] - many[1]))) > 1e-3


BAD = [
    ("an array for an input", lambda x: fkeras.Model(inputs=X, outputs=x), "KerasTensor"),
    ("the same input twice", lambda x: fkeras.Model([x, x], x), "duplicate"),
    (
        "B100 two layers of one name",
        lambda x: fkeras.Model(x, layers.Dense(1, name="d")(layers.Dense(1, name="d")(x))),
        '"d" is used 2 times',
    ),
    (
        "B101 an output of another graph",
        lambda x: fkeras.Model(x, layers.Dense(1)(fkeras.Input((2,), name="other"))),
        "depend on the input 'other'.*not among `inputs`",
    ),
    ("B103 a function of NumPy", lambda x: np.exp(x), "is symbolic.*`fkeras.ops`.*Lambda"),
    (
        "B103 a NumPy array and a symbolic tensor",
        lambda x: np.add(X, x),
        "is symbolic.*`fkeras.ops`.*Lambda",
    ),
    ("B103 a symbolic tensor as an array", lambda x: np.asarray(x), "is symbolic"),
    (
        "an unknown layer",
        lambda x: fkeras.Model(x, layers.Dense(1, name="hidden")(x)).get_layer("hiden"),
        "Did you mean 'hidden'",
    ),
    (
        "a wrong width",
        lambda x: fkeras.Model(x, layers.Dense(1)(x))(X[:, :3]),
        r"expected shape=\(None, 4\), found shape=\(6, 3\)",
    ),
    (
        "a list of the wrong length",
        lambda x: fkeras.Model([x, fkeras.Input((4,))], x)([X]),
        "(?i)2|structure",
    ),
]


@pytest.mark.parametrize(("what", "make", "message"), BAD, ids=[row[0] for row in BAD])
def test_a_wrong_graph_is_a_clear_error(what, make, message):
    with pytest.raises(ValueError, match=message):
        make(fkeras.Input((4,)))


@pytest.mark.parametrize("wrap", [lambda y: [y], lambda y: (y,)], ids=["list", "tuple"])
def test_an_only_output_in_a_list_comes_out_by_itself(wrap):
    x = np.ones((4, 3), "float32")
    inputs = fkeras.Input((3,))
    outputs = layers.Dense(2, name="head")(inputs)
    model, bare = fkeras.Model([inputs], wrap(outputs)), fkeras.Model(inputs, outputs)
    expected = bare.predict(x, verbose=0)
    for made in (
        model,
        fkeras.models.clone_model(model),
        fkeras.Model.from_config(model.get_config()),
    ):
        made.set_weights(model.get_weights())
        assert made.output_shape == (None, 2) and made.compute_output_shape((4, 3)) == (4, 2)
        for y in (made(x), made([x]), made.predict(x, verbose=0), made.predict_on_batch(x)):
            np.testing.assert_allclose(y, expected, rtol=1e-6)
    outer = fkeras.Model(inputs, layers.Dense(1)(model(inputs)))
    assert outer(x).shape == (4, 1)
    for loss, y in (
        ("mse", expected),
        (["mse"], [expected]),
        ({"head": "mse"}, {"head": expected}),
    ):
        model.compile("sgd", loss)
        assert model.evaluate(x, y, verbose=0) < 1e-9


def test_complex_numbers_do_not_lose_a_part():
    x = np.ones((2, 3), "complex64")
    inputs = fkeras.Input((3,))
    with pytest.raises(UserInputError, match="declared to be of dtype float32.*complex"):
        fkeras.Model(inputs, layers.Dense(1)(inputs)).predict(x, verbose=0)
    inputs = fkeras.Input((3,), dtype="complex64")
    model = fkeras.Model(inputs, fkeras.ops.abs(inputs))
    np.testing.assert_allclose(model.predict(x * 1j, verbose=0), np.ones((2, 3)))
