"""How many compilations a `fit` may take, and when they are told of."""

import types

import numpy as np
import pytest

from fkeras.errors import UserInputError
from fkeras.training.compile_watch import CompileWatch, shown_shapes

SHAPES = [((i, 2), np.dtype("float32")) for i in range(6)]


def watch(count, max_compiles=None):
    signatures = {"train": [(shape,) for shape in SHAPES[:count]]}
    executables = types.SimpleNamespace(signatures=signatures, compilations=count)
    return CompileWatch(executables, max_compiles), signatures["train"][:-1]


def test_one_compilation_too_many_is_an_error_that_shows_the_shapes():
    allowed, earlier = watch(2, max_compiles=2)
    allowed.on_new_shapes("train", earlier)
    refused, earlier = watch(3, max_compiles=2)
    with pytest.raises(UserInputError, match=r"max_compiles=2.*\[\(0, 2\)\], \[\(1, 2\)\]"):
        refused.on_new_shapes("train", earlier)


def test_many_shapes_are_told_of_once():
    few, earlier = watch(3)
    few.on_new_shapes("train", earlier)
    many, earlier = watch(5)
    with pytest.warns(UserWarning, match="this is number 5.*Pad the batches") as told:
        many.on_new_shapes("train", earlier)
        many.on_new_shapes("train", earlier)
    assert len(told) == 1


def test_only_the_last_shapes_are_shown():
    assert shown_shapes([(s,) for s in SHAPES]) == "[(2, 2)], [(3, 2)], [(4, 2)], [(5, 2)]"
    assert shown_shapes([(SHAPES[1], int)]) == "[(1, 2), 'int']"
