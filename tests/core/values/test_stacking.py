import copy
import pickle

import jax.numpy as jnp
import numpy as np
import pytest

import fkeras
from fkeras.core.values import stacking, stand_ins
from fkeras.core.values.stacking import StackedName
from fkeras.errors import UserInputError


def stacked_variable(count=3):
    variable = fkeras.Variable(jnp.arange(2.0), name="w")
    stacking.stack(variable, count, "body/block")
    return variable


def test_a_stacked_name_is_a_name_that_knows_how_many():
    name = StackedName("blocks", 2)
    assert name == "blocks" and {name: 1} == {"blocks": 1}
    assert [name.of_block(i) for i in range(name.count)] == ["blocks_0", "blocks_1"]
    for other in (copy.deepcopy(name), pickle.loads(pickle.dumps(name))):
        assert other == name and other.count == 2


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (("a", "b"), ["a/b"]),
        (("a", StackedName("s", 2), "b"), ["a/s_0/b", "a/s_1/b"]),
        (
            (StackedName("s", 2), StackedName("t", 2)),
            ["s_0/t_0", "s_0/t_1", "s_1/t_0", "s_1/t_1"],
        ),
    ],
)
def test_paths_of_blocks(path, expected):
    assert ["/".join(p) for p in stacking.paths_of_blocks(path)] == expected
    assert 2 ** stacking.depth_of(path) == len(expected)


def test_separated_entries_come_block_by_block():
    s, t = StackedName("s", 2), StackedName("t", 2)
    entries = [(("x",), 0), (("s", "a"), 1), ((s, "a"), 2), ((s, t, "b"), 3), ((s, "c"), 4)]
    separate = stacking.separated(entries, lambda thing, index: (thing, index))
    assert [("/".join(path), thing) for path, thing in separate] == [
        ("x", (0, ())),
        ("s/a", (1, ())),
        ("s_0/a", (2, (0,))),
        ("s_0/t_0/b", (3, (0, 0))),
        ("s_0/t_1/b", (3, (0, 1))),
        ("s_0/c", (4, (0,))),
        ("s_1/a", (2, (1,))),
        ("s_1/t_0/b", (3, (1, 0))),
        ("s_1/t_1/b", (3, (1, 1))),
        ("s_1/c", (4, (1,))),
    ]


def test_a_value_is_that_of_each_block_unless_there_are_several():
    variable = stacked_variable()
    assert variable.shape == (3, 2) and variable._meta.blocks == (3,)
    np.testing.assert_array_equal(variable, [[0, 1]] * 3)
    stacking.stack(variable, 2, "outer", [jnp.zeros((3, 2)), jnp.ones((3, 2))])
    assert variable.shape == (2, 3, 2) and variable._meta.blocks == (2, 3)
    assert stacking.count_block_axes(variable) == 2
    assert float(variable.value[1].min()) == 1


def test_what_is_not_drawn_is_drawn_for_each_block():
    variable = fkeras.Variable("glorot_uniform", shape=(4, 4), name="w")
    stacking.stack(variable, 2, "block")
    assert stand_ins.is_stand_in(stand_ins.private_value(variable))
    first, second = variable.value
    assert variable.value.shape == (2, 4, 4) and not np.array_equal(first, second)
    assert abs(float(jnp.max(first))) <= (6 / 8) ** 0.5  # the fans are those of one block


def test_shares_read_and_write_the_stack():
    variable = stacked_variable()
    share = stacking.block_value(variable, (1,))
    assert share is stacking.block_value(variable, (1,))
    assert stacking.stack_of(share) is variable and stacking.stack_of(variable) is variable
    assert stacking.block_value(variable, ()) is variable
    assert (share.shape, share.ndim, share.size, share.dtype) == ((2,), 1, 2, "float32")
    assert share.trainable and share.name == "w"
    share.assign_add([1.0, 1.0])
    np.testing.assert_array_equal(variable, [[0, 1], [1, 2], [0, 1]])
    with pytest.raises(UserInputError, match="must match"):
        share.assign(jnp.zeros(3))
    with pytest.raises(UserInputError, match="together"):
        share.trainable = False
    share.trainable = True  # it is so already
    for other in (copy.deepcopy(share), copy.copy(variable)):
        assert isinstance(other, fkeras.Variable)


def test_a_copy_of_a_stack_has_shares_of_its_own():
    variable = stacked_variable()
    share = stacking.block_value(variable, (0,))
    duplicate = copy.deepcopy(variable)
    assert duplicate._meta.blocks == (3,)
    stacking.block_value(duplicate, (0,)).assign([5.0, 5.0])
    np.testing.assert_array_equal(share, [0, 1])


def test_many_shares_are_assigned_together():
    variable, single = stacked_variable(), fkeras.Variable(0.0)
    shares = [stacking.block_value(variable, (i,)) for i in range(3)]
    stacking.assign_all([(single, 2.0), (shares[2], [7, 7])])
    np.testing.assert_array_equal(variable, [[0, 1], [0, 1], [7, 7]])
    stacking.assign_all(zip(shares, np.arange(6.0).reshape(3, 2)))
    np.testing.assert_array_equal(variable, [[0, 1], [2, 3], [4, 5]])
    assert float(single) == 2 and variable.dtype == "float32"


def test_a_function_over_blocks():
    double = stacking.over_blocks(lambda x: x * jnp.sum(x), 1)
    np.testing.assert_array_equal(double(jnp.array([[1.0, 2], [3, 4]])), [[3, 6], [21, 28]])
    assert stacking.over_blocks(double, 0) is double
