"""Layers that compute with NumPy on the host."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import fkeras
from fkeras.errors import UserInputError
from fkeras.layers.preprocessing.host_layer import HostLayer


class Lengths(HostLayer):
    """The lengths of strings; of ints, their digits."""

    def __init__(self, **kwargs):
        super().__init__(**{"dtype": "int32", **kwargs})

    def call(self, inputs):
        assert isinstance(inputs, np.ndarray)
        # Streams give texts as bytes.
        length = lambda x: len(x if isinstance(x, bytes) else str(x))
        return np.vectorize(length, otypes=[np.int32])(inputs)


class Both(HostLayer):
    """Two columns as one."""

    def call(self, inputs):
        first, second = inputs
        return np.char.add(first.astype(str), second.astype(str))

    def compute_output_shape(self, input_shape):
        return input_shape[0]


@pytest.mark.parametrize(
    ("inputs", "expected"),
    [
        (["a", "bcd"], [1, 3]),
        (("a", "bcd"), [1, 3]),
        ([["a", "bcd"], ["", "ef"]], [[1, 3], [0, 2]]),
        ("abc", 3),
        (np.array(["a", "bcd"]), [1, 3]),
        (np.array([["a"], ["bcd"]], object), [[1], [3]]),
        (np.array([7, 700]), [1, 3]),
        ([7, 700], [1, 3]),
        (7, 1),
        (jnp.array([7, 700]), [1, 3]),
    ],
    ids=[
        "list", "tuple", "rows", "one string", "strings", "objects", "ints", "list of ints",
        "one int", "JAX ints",
    ],
)  # fmt: skip
def test_whatever_holds_strings_or_ints_becomes_a_numpy_array(inputs, expected):
    output = Lengths()(inputs)
    assert type(output) is np.ndarray or isinstance(output, np.integer)
    assert output.tolist() == expected


def test_columns_of_a_frame_are_taken():
    pd = pytest.importorskip("pandas")
    assert Lengths()(pd.Series(["a", "bcd"])).tolist() == [1, 3]


def test_several_inputs_stay_a_structure():
    output = Both()((np.array(["a", "b"]), np.array([1, 2])))
    assert output.tolist() == ["a1", "b2"]


def test_a_long_string_does_not_make_all_others_as_long():
    seen = []

    class Look(HostLayer):
        def call(self, inputs):
            seen.append(inputs.dtype)
            return inputs

    Look()(["a", "b" * 1000])
    assert seen == [np.dtype(object)]


def test_symbolic_strings_have_a_shape_and_no_values():
    text = fkeras.Input((4,), dtype="string")
    assert text.dtype == "string"
    ids = Lengths()(text)
    assert (ids.shape, ids.dtype) == ((None, 4), "int32")


def test_the_pure_face_computes_on_the_host():
    layer = Lengths()
    variables = layer.init(jax.random.key(0), np.array(["a"]))
    assert variables == {"params": {}, "state": {}}
    outputs, state = layer.apply(variables, np.array(["a", "bcd"]))
    assert (outputs.tolist(), state) == ([1, 3], {})


def test_a_trace_is_refused_by_name():
    layer = Lengths(name="lengths")
    with pytest.raises(
        UserInputError, match=r"'lengths' \(Lengths\).*int32\[2\].*model\.host\(x\)"
    ):
        jax.jit(layer)(jnp.array([1, 2]))


def test_floats_of_jax_are_refused_by_name():
    with pytest.raises(UserInputError, match=r"'lengths' \(Lengths\).*float32"):
        Lengths(name="lengths")(jnp.ones(2))


def test_rows_of_different_lengths_are_refused_by_name():
    with pytest.raises(UserInputError, match="'lengths'.*different lengths"):
        Lengths(name="lengths")([[1, 2], [3]])


def test_a_config_makes_an_equal_layer():
    layer = Lengths(name="lengths")
    assert Lengths.from_config(layer.get_config()).get_config() == layer.get_config()
