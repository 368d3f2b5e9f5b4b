"""The parts of an optimizer by themselves: infos, slots, typed states, trees, gradients."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from fkeras import optimizers
from fkeras.core import names
from fkeras.core.config import registry
from fkeras.core.values.variable import Variable
from fkeras.errors import UserInputError
from fkeras.optimizers import rule
from fkeras.optimizers.gradients import dense_gradients, refuse_none_at_all
from fkeras.optimizers.parameter_info import (
    ParameterInfo,
    own_name,
    parameter_info_of,
    parameter_infos_of_tree,
    read_value,
    write_value,
)
from fkeras.optimizers.slot_spec import SlotSpec
from fkeras.optimizers.state import OptimizerState, slot_lists, to_trees
from fkeras.optimizers.trees import flatten_like

KERNEL = ParameterInfo("dense/kernel", "kernel", (2, 3), "float32")
BIAS = ParameterInfo("dense/bias", "bias", (3,), "bfloat16")
SCALE = ParameterInfo("float8/scale", "scale", (), "float32", overwrite=True)

# -- infos ---------------------------------------------------------------------


def test_the_former_public_names_are_the_same_classes():
    assert optimizers.Leaf is optimizers.ParameterInfo is ParameterInfo
    assert optimizers.Slot is optimizers.SlotSpec is SlotSpec


def test_the_info_of_a_variable_has_its_name_constraint_and_flag():
    with names.scope("dense"):
        v = Variable(np.ones((2, 3), "float32"), name="kernel", dtype="bfloat16")
    v.constraint = abs
    info = parameter_info_of(v, decays=False)
    assert info == ParameterInfo("dense/kernel", "kernel", (2, 3), "bfloat16", False, False, abs)
    assert info.ndim == 2
    v.overwrite_with_gradient = True
    assert parameter_info_of(v).overwrite and parameter_info_of(v).decays


def test_a_foreign_variable_has_an_info_and_can_be_read_and_written():
    v = nnx.Param(jnp.ones((2, 3), "float16"))
    info = parameter_info_of(v)
    assert (info.shape, info.dtype, info.name) == ((2, 3), "float16", "Param")
    write_value(v, np.zeros((2, 3), "float32"))
    assert read_value(v).dtype == "float16" and not read_value(v).any()


def test_infos_of_a_tree_take_their_names_from_its_keys():
    infos = parameter_infos_of_tree({"dense": {"kernel": np.ones((2, 3)), "bias": [1.0, 2]}})
    assert [(i.path, i.name, i.shape) for i in infos] == [
        ("dense/bias/0", "0", ()),
        ("dense/bias/1", "1", ()),
        ("dense/kernel", "kernel", (2, 3)),
    ]
    assert [i.path for i in parameter_infos_of_tree(jnp.ones(2))] == [""]
    assert own_name("a/b/c") == "c" and own_name("c") == "c"


def test_switching_decay_keeps_all_else():
    assert KERNEL.with_decay(True) is KERNEL and KERNEL.with_decay(np.bool_(True)) is KERNEL
    without = KERNEL.with_decay(False)
    assert not without.decays and without.with_decay(True) == KERNEL


# -- slots ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        (SlotSpec((2,), "float32"), np.zeros(2, "float32")),
        (SlotSpec((2,), "float32", 0.5), np.full(2, 0.5, "float32")),
        (SlotSpec((), "int32", 3), np.int32(3)),
        (SlotSpec((2,), "float32", lambda p: p + 1), np.full(2, 8.0, "float32")),
        (SlotSpec((3, 1), "bfloat16", 1.0), np.ones((3, 1), jnp.bfloat16)),
    ],
)
def test_slots_start_as_their_spec_says(spec, expected):
    value = spec.first_value(jnp.full(2, 7.0))
    assert value.dtype == expected.dtype
    np.testing.assert_array_equal(value, expected)


def test_a_slot_like_a_parameter_has_its_shape_and_dtype():
    assert SlotSpec.like(BIAS) == SlotSpec((3,), "bfloat16", 0.0)
    assert SlotSpec.like(KERNEL, 0.5).first_value(None).shape == (2, 3)


def test_a_rule_lists_its_slots_in_groups_and_none_for_overwritten_parameters():
    class Two(rule.UpdateRule):
        def slot_groups(self):
            return [("a", "b"), ("c",)]

        def slot_for(self, key, info):
            return None if key == "b" and info.name == "bias" else super().slot_for(key, info)

    rows = Two().slot_rows([KERNEL, SCALE, BIAS])
    assert [row[:2] for row in rows] == [("a", 0), ("b", 0), ("a", 2), ("c", 0), ("c", 2)]
    assert rows[2].spec == SlotSpec((3,), "bfloat16") and Two().slot_keys() == ["a", "b", "c"]


def test_a_rule_without_arithmetic_says_what_is_missing():
    base = rule.UpdateRule()
    assert base.slot_groups() == [] and base.shared_slots([]) == {}
    assert base.step_scalars(0.5, 1, {}) == 0.5 and base.decay_rate(KERNEL) is None
    assert base.advance_shared({"x": 1}, 1) == {"x": 1}
    with pytest.raises(NotImplementedError, match="UpdateRule defines neither `leaf_step`"):
        base.leaf_step(None, None, {}, None, KERNEL)


def test_a_slot_that_is_not_kept_is_not_given_to_the_rule():
    seen = {}

    class Picky(optimizers.Optimizer):
        def slot_groups(self):
            return [("momentum",)]

        def slot_for(self, key, info):
            return super().slot_for(key, info) if info.ndim else None

        def leaf_step(self, gradient, param, slots, learning_rate, info):
            seen[info.name] = sorted(slots)
            return param - learning_rate * gradient, {k: v + 1 for k, v in slots.items()}

    params = {"vector": jnp.ones(2), "number": jnp.float32(1)}
    optimizer = Picky(0.5)
    new, state = optimizer.update(params, optimizer.init(params), params)
    assert seen == {"vector": ["momentum"], "number": []}
    assert state["momentum"]["vector"].tolist() == [1, 1]
    assert state["momentum"]["number"].shape == () and float(new["number"]) == 0.5


# -- typed states --------------------------------------------------------------


def test_a_typed_state_is_a_pytree_and_shows_as_a_dict_of_trees():
    state = OptimizerState(
        iteration=jnp.int32(2),
        learning_rate=jnp.float32(0.1),
        shared={"product": jnp.float32(3)},
        slots={"momentum": [jnp.ones(2), None]},
    )
    doubled = jax.tree.map(lambda x: 2 * x, state)
    assert int(doubled.iteration) == 4 and doubled.slots["momentum"][1] is None
    tree = to_trees(state, lambda values: dict(zip("ab", values)))
    assert list(tree) == ["iteration", "learning_rate", "product", "momentum"]
    assert tree["momentum"]["a"].tolist() == [1, 1]
    # Where nothing is kept, 0-d zeros.
    assert tree["momentum"]["b"].shape == () and float(tree["momentum"]["b"]) == 0
    assert "learning_rate" not in to_trees(state.replace(learning_rate=None), list)
    assert to_trees(state.replace(variables=[]), list)["variables"] == []


def test_copies_of_a_state_do_not_share_what_is_filled():
    state = OptimizerState(jnp.int32(0), slots=slot_lists(["momentum"], 2))
    copy = state.replace(iteration=jnp.int32(1))
    copy.slots["momentum"][0] = jnp.ones(1)
    copy.shared["product"] = jnp.ones(())
    assert state.slots == {"momentum": [None, None]} and state.shared == {}


def test_rows_find_their_values():
    state = OptimizerState(
        1, 0.5, {"product": 2}, {"momentum": [3, 4]}, variables=[5, 6], transformation=None
    )
    rows = [
        ("iteration", None),
        ("learning_rate", None),
        ("product", None),
        ("momentum", 1),
        ("variables", 0),
    ]
    assert [state.value_at(*row) for row in rows] == [1, 0.5, 2, 4, 5]


# -- trees ---------------------------------------------------------------------


def test_flattening_keeps_none_and_names_what_differs():
    treedef = jax.tree.structure({"a": 1, "b": {"c": 2}})
    assert flatten_like(treedef, {"a": None, "b": {"c": [1]}}, "x") == [None, [1]]
    for tree, words in (
        ({"a": 1}, r"x and the parameters.*Missing: \['b/c'\]. Not expected: none"),
        ({"a": 1, "b": {"c": 2}, "d": 3}, r"Missing: none. Not expected: \['d'\]"),
        ({"a": 1, "b": 5}, r"Missing: \['b/c'\]. Not expected: \['b'\]"),
        (nnx.State({"a": 1, "b": {"c": 2}}), "The paths agree, the containers do not"),
    ):
        with pytest.raises(UserInputError, match=words):
            flatten_like(treedef, tree, "x")


# -- gradients -----------------------------------------------------------------


def test_gradients_become_arrays_of_their_parameters():
    from jax.experimental.sparse import BCOO
    from scipy.sparse import csr_matrix

    info = ParameterInfo("w", "w", (2, 2), "float32")
    dense = np.array([[0, 1], [2, 0]], "float32")
    for gradient in (
        dense,
        dense.tolist(),
        Variable(dense),
        BCOO.fromdense(jnp.asarray(dense)),
        csr_matrix(dense),
    ):
        (array,) = dense_gradients("sgd", [gradient], [info])
        assert isinstance(array, jax.Array)
        np.testing.assert_array_equal(array, dense)
    ints, nothing = dense_gradients("sgd", [dense.astype(int), None], [info, info])
    assert ints.dtype == "float32" and nothing is None


def test_gradients_that_are_no_numbers_or_do_not_fit_are_all_named():
    grads = [np.ones((2, 3), bool), np.ones(2), np.zeros((), jax.dtypes.float0)]
    with pytest.raises(UserInputError) as caught:
        dense_gradients("adam", grads, [KERNEL, BIAS, SCALE])
    for words in (
        "adam: gradients must be numbers",
        "'dense/kernel': dtype bool is no number",
        "'dense/bias': gradient (2,), parameter (3,)",
        "'float8/scale': dtype [('float0', 'V')] is no number",
    ):
        assert words in str(caught.value)


def test_only_all_missing_gradients_are_an_error():
    refuse_none_at_all([None, jnp.ones(1)])
    with pytest.raises(UserInputError, match="No gradients provided"):
        refuse_none_at_all([None, None])


def test_overwritten_parameters_take_integers_as_they_come():
    info = ParameterInfo("s", "s", (2,), "float32", overwrite=True)
    (array,) = dense_gradients("sgd", [np.array([1, 2], "int32")], [info])
    assert array.dtype == "int32"


def test_accumulated_overwrites_keep_the_largest_value():
    infos = [ParameterInfo("s", "s", (2,), "float32", overwrite=True)]
    optimizer = optimizers.SGD(0.1, gradient_accumulation_steps=2)
    params = [jnp.zeros(2)]
    state = optimizer.init(params, infos)
    for gradient, expected in (([3.0, 1.0], [0, 0]), ([2.0, 5.0], [3, 5]), ([1.0, 1.0], [3, 5])):
        params, state = optimizer.update(
            [jnp.array(gradient)], state, params, parameter_infos=infos
        )
        assert params[0].tolist() == expected


def test_an_optimizer_by_name_loads_no_other_room(monkeypatch):
    def refuse(*args):
        raise AssertionError("all rooms are searched")

    monkeypatch.setattr(registry, "find", refuse)
    for name, cls in (("adam", optimizers.Adam), ("sgd", optimizers.SGD)):
        assert type(optimizers.get(name)) is cls


@pytest.mark.parametrize("fill", [0.0, 0.1])
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_a_slot_begins_the_same_wherever_it_is_filled(fill, dtype):
    spec = SlotSpec((3, 2), dtype, fill)
    expected = jnp.full((3, 2), fill, dtype)
    placed = jax.device_put(jnp.ones((3, 2)), jax.devices()[0])
    for param in (None, jnp.ones((3, 2)), placed):
        value = spec.first_value(param)
        assert value.dtype == expected.dtype
        assert value.committed == (param is placed)
        np.testing.assert_array_equal(value, expected)
