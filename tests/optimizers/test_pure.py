"""The pure form: any tree, any transformation of JAX, and Optax's protocol."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from fkeras import optimizers
from fkeras.core.values.variable import Variable
from fkeras.errors import UserInputError, UserTypeError
from fkeras.optimizers.parameter_info import ParameterInfo

RULES = [
    ("SGD", {"momentum": 0.5}),
    ("RMSprop", {"momentum": 0.5, "centered": True}),
    ("Adam", {"amsgrad": True}),
    ("AdamW", {}),
    ("Adamax", {}),
    ("Nadam", {}),
    ("Adagrad", {}),
    ("Adadelta", {}),
    ("Adafactor", {}),
    ("Ftrl", {}),
    ("Lion", {}),
    ("Lamb", {}),
    ("Muon", {}),
    ("ScheduleFreeAdamW", {}),
]
rng = np.random.default_rng(5)
PARAMS = {
    "dense": {"kernel": jnp.asarray(rng.normal(size=(2, 3)), jnp.float32)},
    "scale": jnp.float32(0.5),
    "stack": [jnp.asarray(rng.normal(size=(2, 2, 2)), jnp.float32)],
}
GRADS = [
    jax.tree.map(lambda p: jnp.asarray(rng.normal(size=p.shape), jnp.float32), PARAMS)
    for _ in range(3)
]


def make(row, **more):
    name, kwargs = row
    return getattr(optimizers, name)(**{"learning_rate": 0.05, **kwargs, **more})


def assert_close(tree, expected, rtol=1e-5):
    jax.tree.map(
        lambda a, b: np.testing.assert_allclose(a, b, rtol=rtol, atol=1e-6), tree, expected
    )


@pytest.mark.parametrize("row", RULES, ids=lambda row: row[0])
def test_a_scan_of_updates_equals_apply_and_to_optax(row):
    pure, facade, transformation = make(row), make(row), make(row).to_optax()
    stacked = jax.tree.map(lambda *leaves: jnp.stack(leaves), *GRADS)

    @jax.jit
    def run(params):
        def ours(carry, grads):
            return pure.update(grads, carry[1], carry[0]), None

        def theirs(carry, grads):
            updates, state = transformation.update(grads, carry[1], carry[0])
            return (optax.apply_updates(carry[0], updates), state), None

        (params_1, state_1), _ = jax.lax.scan(ours, (params, pure.init(params)), stacked)
        (params_2, state_2), _ = jax.lax.scan(
            theirs, (params, transformation.init(params)), stacked
        )
        return params_1, state_1, params_2, state_2

    params, state, through_optax, optax_state = run(PARAMS)
    # A difference and a sum round once more each.
    assert_close(through_optax, params, rtol=1e-4)
    assert_close(optax_state, state, rtol=1e-3)
    leaves, treedef = jax.tree.flatten(PARAMS)
    infos = [path for path, _ in jax.tree_util.tree_flatten_with_path(PARAMS)[0]]
    variables = [
        Variable(leaf, name=jax.tree_util.keystr(path, simple=True, separator="_"))
        for leaf, path in zip(leaves, infos)
    ]
    for grads in GRADS:
        facade.apply(jax.tree.leaves(grads), variables)
    assert_close(treedef.unflatten([v.value for v in variables]), params)
    packed = facade.pack([v.value for v in facade.variables], treedef.unflatten)
    assert jax.tree.structure(packed) == jax.tree.structure(state)
    assert_close(packed, state)


@pytest.mark.parametrize("row", RULES, ids=lambda row: row[0])
def test_empty_parameters_pass_and_the_others_move(row):
    params = {"empty": jnp.zeros((0, 3)), "full": jnp.ones(2)}
    optimizer = make(row, weight_decay=0.1)
    new, state = optimizer.update(
        {"empty": jnp.zeros((0, 3)), "full": jnp.ones(2)}, optimizer.init(params), params
    )
    assert new["empty"].shape == (0, 3) and np.isfinite(new["full"]).all()
    assert (new["full"] < 1).all() and int(state["iteration"]) == 1


@pytest.mark.parametrize("row", RULES, ids=lambda row: row[0])
def test_states_are_dicts_of_trees_like_the_parameters(row):
    optimizer = make(row, use_ema=True, gradient_accumulation_steps=2)
    state = optimizer.init(PARAMS)
    shapes = jax.eval_shape(optimizer.init, PARAMS)
    assert jax.tree.map(lambda x: (x.shape, x.dtype), state) == jax.tree.map(
        lambda x: (x.shape, x.dtype), shapes
    )
    assert {"iteration", "learning_rate", "average", "gradient_accumulator"} <= set(state)
    for key, value in state.items():
        if key not in ("iteration", "learning_rate", *optimizer.shared_keys):
            assert jax.tree.structure(value) == jax.tree.structure(PARAMS), key
    assert_close(state["average"], jax.tree.map(jnp.zeros_like, PARAMS))


@pytest.mark.parametrize("row", RULES, ids=lambda row: row[0])
def test_configs_go_round_and_make_the_same_numbers(row):
    optimizer = make(
        row, clipvalue=0.5, use_ema=True, ema_overwrite_frequency=2, gradient_accumulation_steps=2
    )
    config = optimizer.get_config()
    again = type(optimizer).from_config(config)
    assert again.get_config() == config and config["ema_overwrite_frequency"] == 2
    assert config["learning_rate"] == pytest.approx(0.05)
    ends = []
    for one in (optimizer, again):
        params, state = PARAMS, one.init(PARAMS)
        for grads in GRADS[:2]:
            params, state = one.update(grads, state, params)
        ends.append(params)
    jax.tree.map(np.testing.assert_array_equal, *ends)


def test_a_missing_gradient_leaves_its_parameter_and_slots_alone():
    optimizer = optimizers.Adam(0.1, weight_decay=0.5)
    params = {"a": jnp.ones(2), "b": jnp.ones(2)}
    new, state = optimizer.update({"a": None, "b": jnp.ones(2)}, optimizer.init(params), params)
    assert new["a"].tolist() == [1, 1] and new["b"][0] < 0.9
    assert state["momentum"]["a"].tolist() == [0, 0] and state["momentum"]["b"][0] > 0
    with pytest.raises(UserInputError, match="No gradients provided for any variable"):
        optimizer.update({"a": None, "b": None}, state, params)


def test_parameter_infos_carry_names_constraints_and_exclusions():
    params = [jnp.ones(2), jnp.ones(2)]
    infos = [
        ParameterInfo("a/kernel", "kernel", (2,), "float32", constraint=lambda w: w * 2),
        ParameterInfo("a/bias", "bias", (2,), "float32", decays=False),
    ]
    optimizer = optimizers.SGD(0.5, weight_decay=0.5)
    zeros = [jnp.zeros(2), jnp.zeros(2)]
    for keyword in ("parameter_infos", "leaves"):  # the second is the former name
        state = optimizer.init(params, **{keyword: infos})
        new, state = optimizer.update(zeros, state, params, **{keyword: infos})
        assert new[0].tolist() == [1.5, 1.5] and new[1].tolist() == [1, 1]
        assert optimizer.finalize(new, state, **{keyword: infos})[0].tolist() == [1.5, 1.5]
    masked, _ = optimizer.update(zeros, state, params, decay_mask=[False, True])
    assert masked[0].tolist() == [1, 1] and masked[1].tolist() == [0.75, 0.75]
    with pytest.raises(UserInputError, match="decay_mask and the parameters are different"):
        optimizer.update(zeros, state, params, decay_mask=[True])
    with pytest.raises(UserInputError, match="parameter_infos and the parameters are different"):
        optimizer.init(params, infos[:1])


def test_a_state_of_another_optimizer_is_told_by_its_keys():
    params = jnp.ones(2)
    adam, sgd = optimizers.Adam(), optimizers.SGD()
    with pytest.raises(UserInputError, match=r"Missing: \['momentum', 'velocity'\]"):
        adam.update(params, sgd.init(params), params)
    with pytest.raises(UserInputError, match=r"Not expected: \['momentum', 'velocity'\]"):
        sgd.update(params, adam.init(params), params)
    averaging = optimizers.SGD(use_ema=True)
    with pytest.raises(UserInputError, match=r"with other options. Missing: \['average'\]"):
        averaging.finalize(params, sgd.init(params))
    nadam = optimizers.Nadam()
    state = nadam.init(params)
    del state["u_product"]
    with pytest.raises(UserInputError, match="'u_product'"):
        nadam.update(params, state, params)
    scaled = optimizers.LossScaleOptimizer(sgd)
    state = scaled.init(params)
    del state["inner_optimizer"]
    with pytest.raises(UserInputError, match="'inner_optimizer'"):
        scaled.update(params, state, params)
    for state in (None, [], {"momentum": params}):
        with pytest.raises(UserTypeError, match="must be what `init` or `update` returned"):
            sgd.update(params, state, params)


def test_the_parameters_of_one_update_may_have_several_dtypes():
    params = {"half": jnp.ones(2, "bfloat16"), "full": jnp.ones(2)}
    optimizer = optimizers.Adam(0.25)
    state = optimizer.init(params)
    assert state["velocity"]["half"].dtype == "bfloat16"
    new, state = jax.jit(optimizer.update)(params, state, params)
    assert new["half"].dtype == "bfloat16" and new["full"].dtype == "float32"
    np.testing.assert_allclose(np.asarray(new["half"], "float32"), new["full"], rtol=1e-2)


def test_gradients_of_another_dtype_are_taken_as_they_are():
    params = jnp.ones(2)
    optimizer = optimizers.SGD(0.5)
    state = optimizer.init(params)
    for gradient in (np.ones(2, "int32"), np.ones(2, "float64"), jnp.ones(2, "bfloat16")):
        new, _ = optimizer.update(gradient, state, params)
        assert new.dtype == jnp.float32 and new.tolist() == [0.5, 0.5]


def test_to_optax_stands_in_a_chain_with_a_schedule_and_needs_the_parameters():
    transformation = optax.chain(
        optax.clip(0.5), optimizers.SGD(optax.linear_schedule(1.0, 0.0, 2)).to_optax()
    )
    params = jnp.zeros(1)
    state = transformation.init(params)
    for expected in (-0.5, -0.25, 0.0):
        updates, state = transformation.update(jnp.ones(1), state, params)
        assert updates.tolist() == [expected]
    with pytest.raises(UserInputError, match="needs the parameters"):
        optimizers.SGD().to_optax().update(jnp.ones(1), state)


def test_finalize_gives_the_averages_and_else_the_parameters():
    plain = optimizers.SGD(1.0)
    params = {"w": jnp.zeros(1)}
    assert plain.finalize(params, plain.init(params)) == params
    averaging = optimizers.SGD(1.0, use_ema=True, ema_momentum=0.75)
    state = averaging.init(params)
    for _ in range(2):
        params, state = averaging.update({"w": jnp.ones(1)}, state, params)
    # The average starts at -1, then 0.75 * -1 + 0.25 * -2.
    assert averaging.finalize(params, state)["w"].tolist() == [-1.25]


def test_half_precision_averages_come_back_in_the_parameters_dtype():
    params = jnp.ones(2, "float16")
    optimizer = optimizers.SGD(0.5, use_ema=True)
    _, state = optimizer.update(params, optimizer.init(params), params)
    assert optimizer.finalize(params, state).dtype == "float16"


@pytest.mark.parametrize("name", ["Adam", "Lamb", "RMSprop", "Muon"])
def test_second_derivatives_through_an_update_are_finite(name):
    optimizer = getattr(optimizers, name)(0.1, clipnorm=1.0)

    def loss_after(w):
        gradient = jnp.array([[1.0, 0.0], [0.0, 0.0]]) * w
        params = jnp.ones((2, 2))
        return optimizer.update(gradient, optimizer.init(params), params)[0].sum()

    assert np.isfinite(jax.grad(jax.grad(loss_after))(2.0))
