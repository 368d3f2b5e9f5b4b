import pytest

import fkeras
from fkeras.errors import UnknownNameError, UserInputError, UserTypeError

deserialize = fkeras.saving.deserialize_keras_object


def named(name, registered_name="function"):
    """A function as Keras's files name it."""
    return {
        "module": "builtins",
        "class_name": "function",
        "config": name,
        "registered_name": registered_name,
    }


@pytest.mark.parametrize(
    ("config", "error", "message"),
    [
        (object(), UserTypeError, "Could not parse config"),
        ({"class_name": ["Dense"], "config": {}}, UserTypeError, "Could not parse config"),
        ({"class_name": "function", "config": {"a": 1}}, UserTypeError, "to be a non-null str"),
        ({"class_name": "Dens", "config": {}}, UnknownNameError, "Did you mean 'Dense'"),
        (
            {"class_name": "Mine", "config": {}, "module": "my.code"},
            UnknownNameError,
            r"module 'my.code'\). Pass it: custom_objects=\{'Mine': Mine\}",
        ),
        (
            {"class_name": "Dense", "config": {"unit": 2}, "module": "keras.layers"},
            UserTypeError,
            r"(?s)Dense could not be made from its config.*\['unit'\]",
        ),
        ({"class_name": "Bare", "config": {}}, UserTypeError, "no `from_config` class method"),
        (named("relu", registered_name="mine"), UserInputError, "resolved to a Keras built-in"),
        (named("eval"), UnknownNameError, "Unknown function 'eval'"),
        (named("os>system"), UnknownNameError, "Unknown function 'os>system'"),
    ],
)
def test_a_config_that_cannot_be_read_says_why(config, error, message):
    class Bare:
        pass

    with pytest.raises(error, match=message):
        deserialize(config, custom_objects={"Bare": Bare})


def test_plain_structures_hold_what_they_held():
    assert deserialize({"a": [1, "two"], "b": (None, 2.5)}) == {"a": [1, "two"], "b": (None, 2.5)}
    assert deserialize("relu") == "relu", "a string is a string"
    assert deserialize("relu", {"relu": 5}) == 5, "unless the caller gives it a meaning"
    assert deserialize(len) is len


def test_a_factory_under_a_class_name_is_handed_on_as_it_is():
    def factory():
        return 3

    assert deserialize({"class_name": "F", "config": {}}, {"F": factory}) is factory


FUNCTIONS = [
    ("mean_squared_error", fkeras.losses.mean_squared_error),
    ("kl_divergence", fkeras.losses.kl_divergence),
    ("relu", fkeras.activations.relu),
]


@pytest.mark.parametrize("name, function", FUNCTIONS)
@pytest.mark.parametrize("registered_name", ["function", None, "own"])
def test_functions_without_a_module_are_found_as_keras_names_them(name, function, registered_name):
    written = name if registered_name == "own" else registered_name
    assert deserialize(named(name, registered_name=written)) is function


def test_functions_of_the_program_are_found_with_their_package_and_without():
    @fkeras.saving.register_keras_serializable("tests.reader")
    def triple(x):
        return 3 * x

    assert deserialize(fkeras.saving.serialize_keras_object(triple)) is triple
    for name in ("triple", "tests.reader>triple"):
        assert deserialize(named(name)) is triple


@pytest.mark.parametrize("module, name", [("losses", "mean_squared_error"), ("ops", "relu")])
def test_keras_and_fkeras_read_each_others_functions(keras, module, name):
    ours, theirs = (getattr(getattr(K, module), name) for K in (fkeras, keras))
    assert deserialize(keras.saving.serialize_keras_object(theirs)).__name__ == name
    config = fkeras.saving.serialize_keras_object(ours)
    assert keras.saving.deserialize_keras_object(config).__name__ == name
    assert deserialize(config).__name__ == name
