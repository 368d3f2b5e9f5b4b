"""Which target and which choice belongs to which output."""

import numpy as np
import pytest

from fkeras.errors import UserInputError
from fkeras.training.outputs import OutputNames

A, B, C = (np.full(1, i) for i in range(3))
SINGLE = OutputNames(A, ["out"])
PAIR = OutputNames([A, B], ["a", "b"])
UNNAMED = OutputNames([A, B])
BY_KEY = OutputNames({"y": A, "x": {"u": B, "v": C}}, ["p", "q", "r"])


def test_names_are_the_models_or_the_keys_with_their_paths():
    assert (PAIR.names, PAIR.shown(), PAIR.single) == (["a", "b"], ["a", "b"], False)
    assert (UNNAMED.names, UNNAMED.shown()) == ([None, None], [0, 1])
    assert BY_KEY.names == ["x/u", "x/v", "y"] and BY_KEY.layer_names == ["p", "q", "r"]
    assert SINGLE.single and len(BY_KEY) == 3
    assert OutputNames([A, B], ["only"]).names == [None, None]  # not this model's


@pytest.mark.parametrize(
    ("outputs", "choice", "expected"),
    [
        (PAIR, "mse", ["mse", "mse"]),
        (PAIR, ["mse", "mae"], ["mse", "mae"]),
        (PAIR, {"b": "mae"}, [None, "mae"]),
        (PAIR, {"b": ["mae", "mse"]}, [None, ["mae", "mse"]]),  # a list is one output's entry
        (BY_KEY, {"y": "mse", "x": {"v": "mae"}}, [None, "mae", "mse"]),
        (BY_KEY, {"q": "mae"}, [None, "mae", None]),  # by the layer's name
        (SINGLE, None, [None]),
    ],
)
def test_a_choice_is_spread_over_the_outputs(outputs, choice, expected):
    assert outputs.spread(choice, "loss") == expected


def test_a_default_stands_where_a_dict_is_silent():
    assert PAIR.spread({"a": "mse"}, "loss", default="none") == ["mse", "none"]


@pytest.mark.parametrize(
    ("choice", "words"),
    [
        ({"aa": "mse"}, r"key 'aa' does not correspond .* Did you mean 'a'\?"),
        (["mse"], r"`loss` has 1 entries, but the model has 2 outputs: \['a', 'b'\]"),
    ],
)
def test_a_choice_that_fits_no_output_is_refused(choice, words):
    with pytest.raises(UserInputError, match=words):
        PAIR.spread(choice, "loss")


@pytest.mark.parametrize(
    ("outputs", "y", "needed", "expected"),
    [
        (SINGLE, A, None, [0]),
        (SINGLE, [A], None, [0]),
        (SINGLE, {"anything": A}, None, [0]),
        (PAIR, None, None, [None, None]),
        (PAIR, [A, B], None, [0, 1]),
        (PAIR, {"b": B, "a": A}, None, [0, 1]),
        (PAIR, [B], [False, True], [None, 1]),  # only outputs with a loss are given targets
        (PAIR, {"b": B}, [False, True], [None, 1]),
        (BY_KEY, {"y": A, "x": {"u": B, "v": C}}, None, [1, 2, 0]),
        (BY_KEY, {"r": A}, [False, False, True], [None, None, 0]),
    ],
)
def test_targets_find_their_outputs(outputs, y, needed, expected):
    targets = outputs.targets(y, "y", needed)
    assert [t if t is None else int(t[0]) for t in targets] == expected


@pytest.mark.parametrize(
    ("y", "words"),
    [
        ([A, B, C], "`y` has 3 entries, the model has 2 outputs"),
        ({"a": A, "bb": B}, r"`y` has keys \['a', 'bb'\]; the outputs are \['a', 'b'\]"),
    ],
)
def test_targets_of_another_structure_are_refused(y, words):
    with pytest.raises(UserInputError, match=words):
        PAIR.targets(y, "y")


def test_a_surplus_key_is_told_where_nothing_is_missing():
    with pytest.warns(UserWarning, match=r"keys \['more'\] of `y` are ignored.*\['a', 'b'\]"):
        assert PAIR.targets({"a": A, "b": B, "more": C}, "y") == [A, B]


def test_outputs_come_in_the_order_of_sorted_keys_and_none_keeps_its_place():
    outputs = OutputNames({"b": [B, None], "a": (A,)})
    assert outputs.names == ["a/0", "b/0", "b/1"]
    assert outputs.predictions({"b": [B, None], "a": (A,)}) == [A, B, None]
