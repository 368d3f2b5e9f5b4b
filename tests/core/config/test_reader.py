import pytest

import fkeras
from fkeras.errors import UnknownNameError, UserTypeError

deserialize = fkeras.saving.deserialize_keras_object


@pytest.mark.parametrize(
    ("config", "error", "message"),
    [
        (object(), UserTypeError, "Could not parse config"),
        ({"class_name": ["Dense"], "config": {}}, UserTypeError, "Could not parse config"),
        ({"class_name": "function", "config": {"a": 1}}, UserTypeError, "Could not parse config"),
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
