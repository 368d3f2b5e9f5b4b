import pytest

import fkeras
from fkeras.errors import UnknownNameError, UserInputError

legacy = fkeras.utils.legacy


def double(x):
    return 2 * x


@pytest.mark.parametrize(
    "make",
    [
        lambda k: None,
        lambda k: k.regularizers.L2(0.5),
        lambda k: k.initializers.TruncatedNormal(stddev=0.5, seed=1),
        lambda k: k.activations.relu,
    ],
)
def test_objects_as_keras_writes_them(keras, make):
    ours = legacy.serialize_keras_object(make(fkeras))
    assert ours == keras.utils.legacy.serialize_keras_object(make(keras))


def test_objects_inside_of_objects_are_written_too():
    config = legacy.serialize_keras_object(fkeras.layers.Dense(2, activation=double))
    assert config["class_name"] == "Dense" and config["config"]["units"] == 2
    with pytest.raises(UserInputError, match="get_config"):
        legacy.serialize_keras_object(3)


@pytest.mark.parametrize(
    "identifier, expected",
    [
        (None, type(None)),
        ("Zeros", fkeras.initializers.Zeros),
        ({"class_name": "Zeros", "config": {}}, fkeras.initializers.Zeros),
        ({"class_name": "Mine", "config": {}}, fkeras.initializers.Ones),
        ("Mine", fkeras.initializers.Ones),
    ],
)
def test_names_are_looked_for_in_what_was_given(identifier, expected):
    found = legacy.deserialize_keras_object(
        identifier, vars(fkeras.initializers), {"Mine": fkeras.initializers.Ones}
    )
    assert type(found) is expected


def test_functions_are_what_they_are():
    assert legacy.deserialize_keras_object(double) is double
    assert legacy.deserialize_keras_object("double", globals()) is double
    with pytest.raises(UnknownNameError, match="Unknown rule 'doubble'. Did you mean 'double'"):
        legacy.deserialize_keras_object("doubble", globals(), printable_module_name="rule")
    with pytest.raises(UserInputError, match="Could not interpret"):
        legacy.deserialize_keras_object(3)
