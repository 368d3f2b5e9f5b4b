import pytest

from fkeras import errors


@pytest.mark.parametrize(
    ("cls", "bases"),
    [
        (errors.UserInputError, (ValueError,)),
        (errors.UserTypeError, (ValueError, TypeError)),
        (errors.UnknownNameError, (ValueError,)),
        (errors.NotBuiltError, (ValueError,)),
        (errors.PureCallError, (ValueError, RuntimeError)),
    ],
)
def test_code_that_catches_keras_errors_catches_these(cls, bases):
    for base in bases:
        with pytest.raises(base):
            raise cls("text")


@pytest.mark.parametrize(
    ("name", "names", "expected"),
    [
        ("adamm", ["adam", "sgd", "adamw"], ["adam", "adamw"]),
        ("DENSE", ["Dense", "Conv"], ["Dense"]),
        ("x", ["adam"], []),
        ("x", [], []),
        (3, ["adam"], []),
    ],
)
def test_the_nearest_names_come_first(name, names, expected):
    assert errors.nearest(name, names) == expected


def test_an_unknown_name_is_met_with_the_nearest_or_with_all():
    error = errors.unknown_name("optimizer", "adm", ["adam", "sgd"])
    assert isinstance(error, errors.UnknownNameError)
    assert str(error) == "Unknown optimizer 'adm'. Did you mean 'adam'?"
    many = errors.unknown_name("thing", "zzz", [f"name{i:02}" for i in range(20)])
    assert "Known: name00, name01" in str(many) and "name11, ..." in str(many)
    assert "custom_object_scope" in str(many)
