import pytest

import fkeras
from fkeras.core import settings
from fkeras.core.config import registry, scopes


def tables():
    return [set(table) for table in scopes.custom_object_tables()]


def test_the_innermost_scope_is_left_first_whatever_equals_what():
    a, b = {"f": len}, {"f": abs}
    look = lambda: registry.get_registered_object("f")
    with fkeras.saving.custom_object_scope(a):
        with fkeras.saving.custom_object_scope(b):
            with fkeras.saving.custom_object_scope(a):
                assert look() is len
            assert look() is abs, "A, B, A: on leaving the inner A, B counts"
        assert look() is len
    assert look() is None


def test_one_scope_may_be_entered_again_inside_itself():
    scope = fkeras.saving.CustomObjectScope({"f": len})
    with scope, fkeras.saving.custom_object_scope({"g": abs}), scope:
        assert tables() == [{"f"}, {"g"}, {"f"}]
    assert tables() == []


def test_a_scope_is_left_when_an_error_passes():
    with pytest.raises(KeyError), fkeras.saving.custom_object_scope({"f": len}):
        raise KeyError
    assert tables() == []


def test_changing_the_dict_afterwards_does_not_change_the_scope():
    names = {"f": len}
    with fkeras.saving.custom_object_scope(names):
        names["g"] = abs
        assert tables() == [{"f"}]
    with fkeras.saving.custom_object_scope(None):
        assert tables() == [set()]


@pytest.mark.parametrize("argument", [True, False, None])
@pytest.mark.parametrize("outer", [True, False, None])
@pytest.mark.parametrize("setting", [True, False])
def test_the_outermost_caller_decides_about_safe_mode(argument, outer, setting):
    settings.put("unsafe_deserialization", setting)
    expected = outer if outer is not None else argument is not False and not setting
    with scopes.SafeModeScope(outer):
        assert scopes.in_safe_mode(argument) is expected


def test_safe_mode_scopes_nest():
    with scopes.SafeModeScope(False):
        with scopes.SafeModeScope(True):
            assert scopes.in_safe_mode()
        assert not scopes.in_safe_mode()
    assert scopes.in_safe_mode()


def test_one_object_written_twice_is_read_as_one_object():
    layer = fkeras.layers.Dense(2)
    with scopes.ObjectSharingScope():
        configs = fkeras.saving.serialize_keras_object([layer, layer, fkeras.layers.Dense(2)])
    numbers = [config["shared_object_id"] for config in configs]
    assert numbers[0] == numbers[1] != numbers[2]
    with scopes.ObjectSharingScope(reads=True):
        first, second, third = fkeras.saving.deserialize_keras_object(configs)
    assert first is second and third is not first


def test_what_is_copied_while_a_file_is_read_is_shared_with_nothing():
    with scopes.ObjectSharingScope(reads=True):
        config = fkeras.saving.serialize_keras_object(fkeras.layers.Dense(2))
        copies = [fkeras.saving.deserialize_keras_object(config) for _ in range(2)]
    assert copies[0] is not copies[1] and scopes.read_objects() is None


def test_without_a_sharing_scope_each_config_is_an_object_of_its_own():
    layer = fkeras.layers.Dense(2)
    configs = fkeras.saving.serialize_keras_object([layer, layer])
    assert "shared_object_id" not in configs[0]
    first, second = fkeras.saving.deserialize_keras_object(configs)
    assert first is not second


def test_inner_sharing_scopes_are_the_outermost_one():
    with scopes.ObjectSharingScope() as outer:
        with scopes.ObjectSharingScope() as inner:
            assert inner is outer
        assert scopes.written_objects() is outer
    assert scopes.written_objects() is None
