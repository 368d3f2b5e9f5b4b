"""Optimizers made of others: loss scaling, several optimizers, Optax transformations."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from fkeras import optimizers
from fkeras.core import names
from fkeras.core.values.variable import Variable
from fkeras.errors import TransformationMissingError, UserInputError, UserTypeError

PARAMS = {
    "body": {"kernel": jnp.array([[1.0, 2.0], [3.0, 4.0]])},
    "head": {"kernel": jnp.array([1.0, -1.0])},
}
GRADS = {
    "body": {"kernel": jnp.array([[1.0, -2.0], [0.5, 3.0]])},
    "head": {"kernel": jnp.array([2.0, 1.0])},
}


def variables_of(params):
    made = []
    for layer in params:
        with names.scope(layer):
            made.append(Variable(params[layer]["kernel"], name="kernel"))
    return made


def flatten(tree):
    return [tree["body"]["kernel"], tree["head"]["kernel"]]


def unflatten(values):
    return {"body": {"kernel": values[0]}, "head": {"kernel": values[1]}}


def choose(variable):
    return optimizers.SGD(0.5) if "head" in variable.path else optimizers.Adam(0.1)


COMPOSED = {
    "loss_scale": lambda: optimizers.LossScaleOptimizer(
        optimizers.Adam(0.1), initial_scale=4.0, dynamic_growth_steps=2
    ),
    "multi": lambda: optimizers.MultiOptimizer(
        optimizers.OptimizerMap(
            optimizers.Adam(0.1), {"head/.*": optimizers.SGD(0.5, momentum=0.9)}
        )
    ),
    "multi_function": lambda: optimizers.MultiOptimizer(choose, loss_scale_factor=2.0),
    "scaled_multi": lambda: optimizers.LossScaleOptimizer(COMPOSED["multi"]()),
    "optax": lambda: optimizers.get(optax.chain(optax.clip(1.0), optax.adam(0.1))),
    "scaled_optax": lambda: optimizers.LossScaleOptimizer(optax.adam(0.1)),
    "optax_in_multi": lambda: optimizers.MultiOptimizer(
        optimizers.OptimizerMap(optimizers.get(optax.adam(0.1)), {"head/.*": optimizers.SGD(0.5)})
    ),
}


@pytest.mark.parametrize("name", COMPOSED)
def test_both_faces_agree_and_states_convert(name):
    pure, facade, variables = COMPOSED[name](), COMPOSED[name](), variables_of(PARAMS)
    params, state = PARAMS, pure.init(PARAMS)
    update = jax.jit(pure.update)
    for _ in range(3):
        params, state = update(GRADS, state, params)
        facade.apply(flatten(GRADS), variables)
    for v, p in zip(variables, flatten(params)):
        np.testing.assert_allclose(v.numpy(), p, rtol=1e-6)
    values = [v.value for v in facade.variables]
    packed = facade.pack(values, unflatten)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-6), packed, state)
    for a, b in zip(facade.unpack(packed, flatten), values, strict=True):
        np.testing.assert_array_equal(a, b)
    more, _ = facade.update(GRADS, packed, params)
    facade.apply(flatten(GRADS))
    for v, p in zip(variables, flatten(more)):
        np.testing.assert_allclose(v.numpy(), p, rtol=1e-6)
    stateless, _ = facade.stateless_apply(
        [v.value for v in facade.variables], flatten(GRADS), [v.value for v in variables]
    )
    facade.apply(flatten(GRADS))
    np.testing.assert_allclose(variables[0].numpy(), stateless[0], rtol=1e-6)


def test_loss_scaling_follows_keras(keras):
    ours = optimizers.LossScaleOptimizer(
        optimizers.SGD(0.5, momentum=0.9), initial_scale=8.0, dynamic_growth_steps=2
    )
    theirs = keras.optimizers.LossScaleOptimizer(
        keras.optimizers.SGD(0.5, momentum=0.9), initial_scale=8.0, dynamic_growth_steps=2
    )
    mine, others = [Variable([1.0, 2.0])], [keras.Variable([1.0, 2.0])]
    ours.build(mine)
    theirs.build(others)
    assert float(ours.scale_loss(1.0)) == float(theirs.scale_loss(1.0)) == 8.0
    params, own = [v.value for v in others], [v.value for v in theirs.variables]
    for gradient in ([8.0, 16.0], [np.inf, 1.0], [np.nan, 1.0], [2.0, 2.0], [2.0, 4.0], [4.0, 4.0]):
        ours.apply([jnp.array(gradient)])
        params, own = theirs.stateless_apply(own, [jnp.array(gradient)], params)
        np.testing.assert_allclose(mine[0].numpy(), params[0], rtol=1e-6)
        for a, b in zip(ours.variables, own, strict=True):
            np.testing.assert_allclose(
                np.maximum(a.numpy(), 0) if a.name == "step_counter" else a.numpy(),
                b,
                rtol=1e-6,
                err_msg=a.path,
            )


def test_steps_skipped_in_a_row_are_counted():
    optimizer = optimizers.LossScaleOptimizer(optimizers.SGD(1.0), initial_scale=4.0)
    params = jnp.ones(2)
    state = optimizer.init(params)
    update = jax.jit(optimizer.update)
    counts = []
    for gradient in ([np.nan, 1], [np.inf, 1], [1, 1], [-np.inf, 0]):
        params, state = update(jnp.array(gradient), state, params)
        counts.append(int(state["step_counter"]))
    assert (
        counts == [-1, -2, 1, -1]
        and params.tolist() == [0, 0]
        and int(state["inner_optimizer"]["iteration"]) == 1
    )
    assert float(optimizer.scale_loss(3.0, state)) == 1.5
    v = Variable([1.0])
    for _ in range(3):
        optimizer.apply([np.array([np.nan], "float32")], [v])
    assert (
        optimizer.skipped_steps == 3
        and int(optimizer.iterations) == 0
        and v.numpy().tolist() == [1]
    )
    for _ in range(300):
        optimizer.apply([np.array([np.nan], "float32")])
    assert float(optimizer.dynamic_scale) > 0


def test_loss_scale_refuses_what_belongs_on_the_inner_optimizer():
    inner = optimizers.SGD(0.1, loss_scale_factor=3.0)
    optimizer = optimizers.LossScaleOptimizer(inner)
    assert inner.loss_scale_factor is None
    for kwargs, words in (
        ({"clipnorm": 1.0}, "on the `inner_optimizer`"),
        ({"foo": 1, "bar": 2}, "arguments: `foo`, `bar`"),
        ({"dynamic": False}, "loss_scale_factor"),
    ):
        with pytest.raises(ValueError, match=words):
            optimizers.LossScaleOptimizer(optimizers.SGD(), **kwargs)
    with pytest.raises(UserInputError, match="`initial_scale` must be above 0"):
        optimizers.LossScaleOptimizer(optimizers.SGD(), initial_scale=0)
    with pytest.raises(UserInputError, match="without dynamic loss scaling"):
        optimizers.LossScaleOptimizer(optimizer)
    optimizer.learning_rate = 0.5
    assert float(inner.learning_rate) == 0.5
    again = optimizers.get(optimizers.serialize(optimizer))
    assert again.get_config() == optimizer.get_config()


def test_multi_optimizer_reads_as_in_keras():
    chosen = optimizers.OptimizerMap(optimizers.Adam(name="rest"))
    chosen["head/.*"] = optimizers.SGD(0.5, name="head")
    optimizer = optimizers.MultiOptimizer(chosen)
    assert [o.name for o in optimizer.optimizers] == ["head", "rest"]
    with pytest.raises(AttributeError, match="cannot be accessed"):
        optimizer.learning_rate  # noqa: B018
    with pytest.raises(AttributeError, match="cannot be set"):
        optimizer.learning_rate = 1.0
    again = optimizers.get(optimizers.serialize(optimizer))
    assert again.get_config() == optimizer.get_config()
    chosen[".*kernel"] = optimizers.SGD()
    with pytest.raises(ValueError, match="Multiple optimizers assigned to variable head/kernel"):
        chosen["head/kernel"]
    for value, words in (
        (optimizers.LossScaleOptimizer(optimizers.SGD()), "cannot be LossScaleOptimizer"),
        (optimizer, "cannot be Multi"),
    ):
        with pytest.raises(ValueError, match=words):
            chosen["x"] = value
    with pytest.raises(ValueError, match="cannot be used inside an MultiOptimizer"):
        optimizers.MultiOptimizer(lambda variable: optimizer).build(variables_of(PARAMS))
    with pytest.raises(UserTypeError, match="must be an OptimizerMap"):
        optimizers.MultiOptimizer(optimizers.SGD())
    with pytest.raises(UserTypeError, match="default_optimizer"):
        optimizers.OptimizerMap("adam")


def test_multi_optimizer_keeps_averages_and_exclusions_of_each():
    averaging = optimizers.SGD(1.0, use_ema=True, ema_momentum=0.5, weight_decay=0.5)
    averaging.exclude_from_weight_decay(var_names=["kernel"])
    optimizer = optimizers.MultiOptimizer(
        optimizers.OptimizerMap(optimizers.SGD(1.0), {"head/.*": averaging})
    )
    variables = variables_of(PARAMS)
    for _ in range(2):
        optimizer.apply(flatten(GRADS), variables)
    assert variables[1].numpy().tolist() == [-3, -3]
    params, state = (
        unflatten([v.value for v in variables]),
        optimizer.pack([v.value for v in optimizer.variables], unflatten),
    )
    body = variables[0].numpy()
    optimizer.finalize_variable_values(variables)
    assert variables[1].numpy().tolist() == [-2, -2.5]
    kept = optimizer.finalize(params, state)
    np.testing.assert_array_equal(kept["head"]["kernel"], variables[1].numpy())
    np.testing.assert_array_equal(kept["body"]["kernel"], body)


def test_an_optax_transformation_sees_the_tree_it_was_meant_for():
    def no_decay_for_vectors(params):
        return jax.tree.map(lambda p: p.ndim > 1, params)

    transformation = optax.chain(
        optax.add_decayed_weights(0.1, mask=no_decay_for_vectors), optax.sgd(0.1, momentum=0.9)
    )
    optimizer = optimizers.OptaxOptimizer(transformation)
    params, state, theirs, their_state = (
        PARAMS,
        optimizer.init(PARAMS),
        PARAMS,
        transformation.init(PARAMS),
    )
    for _ in range(3):
        params, state = jax.jit(optimizer.update)(GRADS, state, params)
        updates, their_state = transformation.update(GRADS, their_state, theirs)
        theirs = optax.apply_updates(theirs, updates)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-6), params, theirs)
    variables = variables_of(PARAMS)
    for _ in range(3):
        optimizer.apply(flatten(GRADS), variables)
    for v, p in zip(variables, flatten(theirs)):
        np.testing.assert_allclose(v.numpy(), p, rtol=1e-6)
    packed = optimizer.pack([v.value for v in optimizer.variables], unflatten)
    assert jax.tree.structure(packed) == jax.tree.structure(state)
    with pytest.raises(AttributeError, match="inject_hyperparams"):
        optimizer.learning_rate  # noqa: B018
    config = optimizers.serialize(optimizer)
    assert config["config"] == {"transformation": None, "name": optimizer.name}
    with pytest.raises(TransformationMissingError, match="has to be given again"):
        optimizers.deserialize(config)
    for name in ("transformation", optimizer.name):
        again = optimizers.deserialize(config, custom_objects={name: transformation})
        assert again.transformation is transformation


def test_an_injected_learning_rate_can_be_assigned():
    optimizer, (v,) = (
        optimizers.get(optax.inject_hyperparams(optax.sgd)(learning_rate=0.5)),
        [Variable([1.0])],
    )
    optimizer.build([v])
    assert float(optimizer.learning_rate) == 0.5
    optimizer.apply([[1.0]])
    optimizer.learning_rate = 0.25
    optimizer.apply([[1.0]])
    assert v.numpy().tolist() == [0.25]
    state = optimizer.pack([x.value for x in optimizer.variables], list)
    optimizer.learning_rate = 2.0
    new, _ = optimizer.update([jnp.ones(1)], optimizer.with_current_rates(state), [v.value])
    assert new[0].tolist() == [-1.75]


def test_any_optimizer_is_an_optax_transformation():
    optimizer = optimizers.AdamW(0.1)
    transformation = optax.chain(optax.clip_by_global_norm(1.0), optimizer.to_optax())
    params, state = PARAMS, transformation.init(PARAMS)
    ours, own = PARAMS, optimizers.AdamW(0.1, global_clipnorm=1.0)
    own_state = own.init(PARAMS)
    for _ in range(3):
        updates, state = transformation.update(GRADS, state, params)
        params = optax.apply_updates(params, updates)
        ours, own_state = own.update(GRADS, own_state, ours)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-5), params, ours)
    with pytest.raises(UserInputError, match="needs the parameters"):
        transformation.update(GRADS, state)
