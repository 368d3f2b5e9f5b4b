"""The tables of contents: which names there are, and what their signatures say."""

import inspect

import pytest

from fkeras import ops, random, tree

ROOMS = {
    "ops": ops,
    "ops.nn": ops.nn,
    "ops.numpy": ops.numpy,
    "ops.image": ops.image,
    "ops.linalg": ops.linalg,
    "random": random,
    "tree": tree,
}
OURS_ALONE = {("ops", "top_k"): ["is_stable"]}  # arguments that Keras has not


def functions(module):
    return {
        name: function
        for name, function in vars(module).items()
        if inspect.isroutine(function)
        and not name.startswith("_")
        and "keras" in function.__module__  # not what the module imports from elsewhere
    }


@pytest.mark.parametrize("room", ROOMS)
def test_every_function_of_keras_is_there_with_its_arguments(keras, room):
    theirs = keras
    for part in room.split("."):
        theirs = getattr(theirs, part)
    assert len(functions(theirs)) > 5
    for name, function in functions(theirs).items():
        ours = list(inspect.signature(getattr(ROOMS[room], name)).parameters.values())
        extra = OURS_ALONE.get((room, name), [])
        expected = inspect.signature(function).parameters.values()
        assert [(p.name, p.kind, p.default) for p in ours if p.name not in extra] == [
            (p.name, p.kind, p.default) for p in expected
        ], name


def test_an_op_in_a_namespace_is_the_op_at_the_top():
    for module in (ops.nn, ops.numpy):
        for name, function in functions(module).items():
            assert getattr(ops, name) is function, name


@pytest.mark.parametrize("room", ROOMS)
def test_every_argument_and_result_has_a_type(room):
    for name, function in functions(ROOMS[room]).items():
        signature = inspect.signature(function)
        assert signature.return_annotation is not inspect.Signature.empty, name
        for parameter in signature.parameters.values():
            if parameter.kind not in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
                assert parameter.annotation is not parameter.empty, (name, parameter)
