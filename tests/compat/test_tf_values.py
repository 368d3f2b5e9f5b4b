"""`tf.*` against what TensorFlow itself gave for the same calls, which `data/tf_values.json` holds:
values, shapes and dtypes.
"""

import importlib.util
import json
import pathlib
import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import fkeras
from fkeras.compat import standins

HERE = pathlib.Path(__file__).parent
VALUES = json.loads((HERE / "data" / "tf_values.json").read_text())
tf = standins.tensorflow

_spec = importlib.util.spec_from_file_location("tf_calls", HERE / "tf_calls.py")
tf_calls = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(tf_calls)


def differs(found, wanted, rtol=2e-5):
    """What is wrong with a result; None where it is TensorFlow's."""
    if isinstance(found, list) or isinstance(wanted, list):
        if not (isinstance(found, list) and isinstance(wanted, list) and len(found) == len(wanted)):
            return "another structure"
        parts = (differs(f, w, rtol) for f, w in zip(found, wanted))
        return next((part for part in parts if part), None)
    if (found["dtype"], found["shape"]) != (wanted["dtype"], wanted["shape"]):
        return f"{found['dtype']} {found['shape']}, not {wanted['dtype']} {wanted['shape']}"
    if found["dtype"].startswith(("float", "complex")):
        same = np.allclose(found["values"], wanted["values"], rtol=rtol, atol=2e-6, equal_nan=True)
    else:
        same = found["values"] == wanted["values"]
    return None if same else f"{found['values']}, not {wanted['values']}"


@pytest.mark.parametrize("group", tf_calls.GROUPS)
def test_values_shapes_and_dtypes_on_the_host_are_those_of_tensorflow(group):
    wrong = {}
    for call in tf_calls.calls(group):
        try:
            problem = differs(tf_calls.describe(tf_calls.run(call, tf)), VALUES[call])
        except Exception as error:
            problem = f"{type(error).__name__}: {error}"
        if problem:
            wrong[call] = problem
    assert not wrong


def test_every_call_has_a_value_and_every_value_a_call():
    calls = [call for group in tf_calls.GROUPS for call in tf_calls.calls(group)]
    assert len(calls) == len(set(calls))
    assert {*calls, "__version__"} == set(VALUES)


# What needs values while a program is made: how many elements there will be, bytes of files, ...
# (And a negative number as uint8, which XLA cuts to 0.)
ON_THE_HOST = (
    "boolean_mask tf.where(b) segment_ histogram encode_ decode_ draw_bounding bitcast random_ "
    "dtypes.cast(f"
).split()
INPUT_NAMES = [
    name for name, value in tf_calls.INPUTS.items() if value.dtype not in (np.float64, np.int64)
]


def traceable(call):
    """Whether a call has an array of INPUTS and needs no values while it is traced."""
    names = set(re.findall(r"\b[a-z_]+\b", call)) & set(INPUT_NAMES)
    is_of_text = "object" in json.dumps(VALUES[call])
    return bool(names) and not is_of_text and not any(part in call for part in ON_THE_HOST)


def narrow(value):
    """A description with JAX's 32 bits in place of 64."""
    if isinstance(value, list):
        return [narrow(part) for part in value]
    dtype = value["dtype"].replace("int64", "int32").replace("float64", "float32")
    return {**value, "dtype": dtype}


@pytest.mark.parametrize("group", ["core", "arithmetic", "nn", "images"])
def test_values_inside_of_a_program_are_the_same(group):
    calls = [call for call in tf_calls.calls(group) if traceable(call)]
    assert len(calls) > 20
    inputs = {name: tf_calls.INPUTS[name] for name in INPUT_NAMES}

    @jax.jit
    def program(arrays):
        names = {"tf": tf, "np": np, **tf_calls.INPUTS, **arrays}
        results = []
        for call in calls:
            try:
                results.append(eval(call, names))
            except Exception as error:
                raise AssertionError(f"{call}: {error}") from error
        return jax.tree.map(jnp.asarray, results)

    wrong = {}
    for call, result in zip(calls, program(inputs)):
        problem = differs(narrow(tf_calls.describe(result)), narrow(VALUES[call]), rtol=2e-4)
        if problem:
            wrong[call] = problem
    assert not wrong


def test_functions_on_keras_tensors_are_recorded():
    x = fkeras.Input((3,))
    parts = tf.split(tf.nn.relu(x), 3, axis=1)
    y = tf.concat([tf.reduce_mean(x, axis=1, keepdims=True), parts[0] * 2.0], axis=-1)
    y = tf.reshape(tf.expand_dims(y, 1), [-1, tf.shape(y)[1]])
    model = fkeras.Model(x, tf.constant([1.0, 10.0]) * y)
    row = np.array([[-1.0, 2.0, 5.0], [3.0, 0.0, 0.0]], np.float32)
    np.testing.assert_allclose(model.predict(row, verbose=0), [[2, 0], [1, 60]], rtol=1e-6)


def test_a_functional_model_of_them_is_saved_with_their_meaning(tmp_path):
    x = fkeras.Input((2, 3))
    y = tf.cast(tf.argmax(x, axis=1), tf.float32) + tf.reduce_sum(x, axis=[1])
    model = fkeras.Model(x, tf.pad(tf.concat([y, tf.nn.leaky_relu(y)], -1), [[0, 0], [1, 0]]))
    row = np.array([[[1.0, -2.0, 3.0], [4.0, -5.0, 0.0]]], np.float32)
    expected = model(row)
    np.testing.assert_allclose(expected, [[0, 6, -7, 3, 6, -1.4, 3]], rtol=1e-6)
    model.save(tmp_path / "model.keras")
    again = fkeras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(again(row), expected)


def test_every_function_has_a_name_of_its_own_in_configs():
    from fkeras.core.config import registry

    named = registry.builtins_of("tensorflow")
    assert len(named) > 250
    assert all(function.config_name == name for name, function in named.items())


DRAWS = {
    "normal": lambda: tf.random.normal((400,), 2.0, 0.5),
    "truncated_normal": lambda: tf.random.truncated_normal((400,), 2.0, 0.5),
    "uniform": lambda: tf.random.uniform((400,), 1.0, 3.0),
    "integers": lambda: tf.random.uniform((400,), 1, 4, tf.int32),
    "shuffle": lambda: tf.random.shuffle(tf.range(400)),
    "categorical": lambda: tf.random.categorical([[0.0, 0.0, -50.0]], 400),
    "gamma": lambda: tf.random.gamma((400,), 4.0, 2.0),
    "poisson": lambda: tf.random.poisson((400,), 2.0),
}
MEANS = {"shuffle": 199.5, "categorical": 0.5}


@pytest.mark.parametrize("name", DRAWS)
def test_random_numbers_follow_from_the_seed_and_have_their_mean(name):
    def draw():
        fkeras.utils.set_random_seed(3)
        return np.asarray(DRAWS[name]()), np.asarray(DRAWS[name]())

    (first, second), (again, _) = draw(), draw()
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, second)
    assert abs(first.mean() - MEANS.get(name, 2.0)) < 0.15


def test_random_numbers_inside_of_a_model_come_from_its_key():
    class Noise(fkeras.layers.Layer):
        def call(self, x):
            return x + tf.random.normal(tf.shape(x)) + tf.random.uniform(tf.shape(x), seed=1)

    layer, x = Noise(), np.zeros((4,), np.float32)
    run = jax.jit(lambda key: layer.apply({"params": {}, "state": {}}, x, rngs=key)[0])
    first, second = run(jax.random.key(0)), run(jax.random.key(1))
    np.testing.assert_array_equal(first, run(jax.random.key(0)))
    assert (first != second).all() and len(set(first.tolist())) == 4


def test_assertions_name_the_values():
    for wrong in (
        lambda: tf.debugging.assert_equal([1, 2], [1, 3]),
        lambda: tf.debugging.assert_greater(1, 2, message="a"),
        lambda: tf.debugging.assert_positive([1, 0]),
        lambda: tf.debugging.assert_shapes([(tf.zeros((2, 3)), ("N", "N"))]),
        lambda: tf.debugging.assert_rank(tf.zeros((2,)), 2),
        lambda: tf.debugging.assert_type(1, tf.float32),
        lambda: tf.debugging.check_numerics([np.nan], "n"),
        lambda: tf.Assert(False, ["data"]),
        lambda: tf.ensure_shape([1], (2,)),
        lambda: tf.constant([1.5], tf.int32),
        lambda: tf.gather([1, 2], [5]),
        lambda: tf.split([1, 2, 3], 2),
        lambda: tf.image.resize(np.zeros((3, 3)), (2, 2)),
        lambda: tf.image.decode_image(b"nothing"),
        lambda: tf.zeros((None, 2)),
    ):
        with pytest.raises(tf.errors.InvalidArgumentError):
            wrong()
    tf.debugging.assert_near(1.0, 1.0 + 1e-7)
    tf.debugging.assert_shapes([(tf.zeros((2, 3)), ("N", 3)), (tf.zeros((2,)), ("N",))])


def test_a_loss_in_tf_form_is_the_same_program():
    x = jnp.ones((4, 3))
    in_tf = jax.make_jaxpr(lambda t, p: tf.reduce_mean(tf.square(t - p)))(x, x)
    in_ops = jax.make_jaxpr(lambda t, p: fkeras.ops.mean(fkeras.ops.square(t - p)))(x, x)
    assert str(in_tf) == str(in_ops)
