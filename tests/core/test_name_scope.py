"""Name scopes make the paths of variables."""

import threading

import numpy as np
import pytest

import fkeras
from fkeras.core.names import current_path
from fkeras.errors import UserInputError


def test_name_scopes_nest_deduplicate_and_override():
    scope = fkeras.name_scope
    with scope("outer"), scope("inner"):
        assert current_path() == "outer/inner"
        assert fkeras.Variable(np.zeros(2), name="v").path == "outer/inner/v"
        with scope("leaf", override_parent="/a/b"):
            assert current_path() == "a/b/leaf"
    with (
        scope("x", caller=1),
        scope("x", caller=1),
        scope("x", caller=2),
        scope("x", caller=2, deduplicate=False),
    ):
        assert current_path() == "x/x/x"
    assert current_path() == ""


@pytest.mark.parametrize("name", ["a/b", 3, None])
def test_a_name_is_one_part_of_a_path(name):
    with pytest.raises(UserInputError, match="must be a string and cannot contain"):
        fkeras.name_scope(name)


def test_a_name_scope_closes_after_an_error():
    with pytest.raises(KeyError), fkeras.name_scope("broken"):
        raise KeyError
    assert current_path() == ""


def test_one_scope_can_be_entered_in_itself():
    scope = fkeras.name_scope("a")
    with scope as outer, scope:
        assert outer is scope and current_path() == "a/a"
    assert current_path() == ""


def test_the_outer_scope_counts_again_after_an_override():
    caller = object()
    with fkeras.name_scope("a", caller=caller):
        with fkeras.name_scope("b", override_parent=""):
            assert current_path() == "b"
        with fkeras.name_scope("a", caller=caller):
            assert current_path() == "a"


def test_scopes_belong_to_their_thread():
    paths = []
    with fkeras.name_scope("here"):
        thread = threading.Thread(target=lambda: paths.append(current_path()))
        thread.start()
        thread.join()
    assert paths == [""]


def test_layers_made_in_a_scope_have_it_in_their_paths():
    with fkeras.name_scope("encoder"):
        layer = fkeras.layers.Dense(1, name="out")
        layer.build((None, 2))
    assert layer.kernel.path == "encoder/out/kernel"
