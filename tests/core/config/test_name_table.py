import pytest

import fkeras
from fkeras.core.config import registry
from fkeras.core.config.name_table import NameTable
from fkeras.errors import UnknownNameError, UserTypeError


class BigThing:
    def __init__(self, size=1):
        self.size = size

    def __call__(self):
        return self.size

    def get_config(self):
        return {"size": self.size}

    @classmethod
    def from_config(cls, config):
        return cls(**config)


def small(x):
    return x


@pytest.fixture
def table(monkeypatch):
    monkeypatch.setattr(registry, "_builtins", dict(registry._builtins))
    monkeypatch.setattr(registry, "_homes_of_builtins", dict(registry._homes_of_builtins))
    return NameTable("thing", "keras.things", [BigThing, small], {"bt": BigThing})


@pytest.mark.parametrize("name", ["BigThing", "big_thing", "bt"])
def test_a_class_is_found_by_all_its_names_and_made(table, name):
    assert isinstance(table.get(name), BigThing)
    assert isinstance(table.deserialize(name), BigThing)


def test_functions_classes_objects_and_none(table):
    assert table.get("small") is small and table.get(small) is small
    assert isinstance(table.get(BigThing), BigThing) and table.get(None) is None
    thing = BigThing(3)
    assert table.get(thing) is thing


def test_a_config_is_read_under_its_own_or_a_further_name(table):
    assert table.get(fkeras.saving.serialize_keras_object(BigThing(5))).size == 5
    assert table.get({"class_name": "big_thing", "config": {"size": 6}}).size == 6
    assert table.get({"class_name": "function", "config": "small"}) is small


def test_the_programs_names_come_first(table):
    with fkeras.saving.custom_object_scope({"small": len}):
        assert table.get("small") is len
    assert table.deserialize("small", {"small": abs}) is abs


def test_unknown_names_and_other_types_are_errors(table):
    with pytest.raises(UnknownNameError, match="Unknown thing 'bigthin'. Did you mean 'BigThing'"):
        table.get("bigthin")
    with pytest.raises(UserTypeError, match="Could not interpret thing identifier: 3"):
        table.get(3)


def test_its_objects_are_builtins(table):
    assert registry.home_of(BigThing) == "keras.things"
