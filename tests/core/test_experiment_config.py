import json

import pytest

from fkeras.errors import UserInputError
from fkeras.utils import Config


def test_entries_are_attributes_and_items():
    config = Config(a=1)
    config.b, config["c"] = 2, 3
    assert (config.a, config["b"], config.c, len(config), "b" in config, config.get("x", 9)) == (
        1,
        2,
        3,
        3,
        True,
        9,
    )
    del config["a"], config.b
    assert json.loads(config.to_json()) == config.as_dict() == {"c": 3}
    assert list(config) == ["c"]


def test_a_frozen_config_refuses_every_change():
    config = Config(a=1)
    config.freeze()
    changes = [
        lambda: config.update(a=2),
        lambda: config.pop("a"),
        lambda: config.__setitem__("a", 2),
        lambda: setattr(config, "a", 2),
        lambda: config.__delitem__("a"),
        lambda: delattr(config, "a"),
    ]
    for change in changes:
        with pytest.raises(UserInputError, match="frozen"):
            change()
    config.unfreeze()
    config.a = 2
    assert config.a == 2 and not config.frozen


def test_a_misspelt_entry_is_named():
    with pytest.raises(AttributeError, match="Did you mean 'learning_rate'"):
        _ = Config(learning_rate=1).learning_rat
