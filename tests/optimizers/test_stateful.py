"""Variables of an optimizer: the learning rate, making them, weights to and from files."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from fkeras import optimizers
from fkeras.constraints import MaxNorm
from fkeras.core.values.variable import Variable
from fkeras.errors import NotBuiltError, UserInputError, UserTypeError
from fkeras.optimizers import rates, schedules
from fkeras.optimizers.keras_style import is_keras_style

BUILTIN = [
    "SGD", "RMSprop", "Adam", "AdamW", "Adamax", "Nadam", "Adagrad", "Adadelta", "Adafactor",
    "Ftrl", "Lion", "Lamb", "Muon", "ScheduleFreeAdamW",
]  # fmt: skip


def two():
    return [
        Variable(np.ones((2, 3), "float32"), name="kernel"),
        Variable(np.ones(3, "float32"), name="bias"),
    ]


ONES = [np.ones((2, 3), "float32"), np.ones(3, "float32")]

# -- learning rates ------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "expected"),
    [(1, 1.0), (np.float64(0.5), 0.5), (jnp.float32(0.25), 0.25), (Variable(0.125), 0.125)],
)
def test_numbers_of_all_kinds_are_learning_rates(value, expected):
    assert rates.checked(value) == expected and type(rates.checked(value)) is float
    optimizer = optimizers.SGD(value)
    assert float(optimizer.learning_rate) == expected
    assert optimizer.get_config()["learning_rate"] == expected
    optimizer.learning_rate = 2.0
    optimizer.learning_rate = value
    assert float(optimizer.learning_rate) == expected and len(optimizer.variables) == 2


@pytest.mark.parametrize("value", [float("nan"), "0.1", True, None, [0.1], optimizers.SGD])
def test_what_is_no_learning_rate_is_refused_at_construction_and_assignment(value):
    with pytest.raises(ValueError, match="`learning_rate`"):
        optimizers.SGD(value)
    optimizer = optimizers.SGD(0.5)
    with pytest.raises(ValueError, match="`learning_rate`"):
        optimizer.learning_rate = value
    assert float(optimizer.learning_rate) == 0.5


def test_a_schedule_by_config_is_a_learning_rate():
    config = schedules.serialize(schedules.CosineDecay(0.5, 10))
    assert float(optimizers.SGD(config).learning_rate) == 0.5
    assert isinstance(rates.checked(config), schedules.CosineDecay)


@pytest.mark.parametrize(
    ("rate", "expected"),
    [
        (lambda: 0.5, 0.5),
        (lambda step: 0.25 * step, 0.5),
        (lambda step, factor=3: factor * step, 6.0),
        (lambda factor=0.5: factor, 0.5),  # all arguments have defaults: it is not the step
        (optax.constant_schedule(0.5), 0.5),
        (schedules.InverseTimeDecay(1.0, 1, 1.0), 1 / 3),
    ],
)
def test_callables_are_given_the_step_where_they_take_one(rate, expected):
    value = rates.at_step(rate, 2)
    assert value.dtype == "float32" and float(value) == pytest.approx(expected)


def test_a_schedule_and_a_number_change_places_before_building_and_after():
    optimizer = optimizers.SGD(schedules.ExponentialDecay(0.5, 1, 0.5))
    w = Variable([0.0])
    optimizer.apply([[1.0]], [w])
    optimizer.apply([[1.0]])
    assert w.numpy().tolist() == [-0.75] and len(optimizer.variables) == 1
    assert float(optimizer.learning_rate) == 0.125
    assert optimizer.with_current_rates({"iteration": 1}) == {"iteration": 1}
    other = optimizers.Adam(0.25)
    other.build(two())
    names_before = [v.name for v in other.variables]
    other.learning_rate = schedules.CosineDecay(0.25, 4)
    assert [v.name for v in other.variables] == [n for n in names_before if n != "learning_rate"]
    other.learning_rate = schedules.CosineDecay(0.5, 4)
    assert float(other.learning_rate) == 0.5
    for slot_key in ("momentum", "velocity"):
        assert [v.name for v in other._held_by_parameter(slot_key)] == [
            f"kernel_{slot_key}",
            f"bias_{slot_key}",
        ]


def test_a_traced_rate_can_be_assigned_in_a_pure_call():
    optimizer = optimizers.SGD(0.5)
    (w,) = variables = [Variable([1.0])]
    optimizer.build(variables)

    class Warm(optimizers.SGD):
        def apply(self, grads, trainable_variables=None):
            self.learning_rate = jnp.minimum(self.iterations.value + 1, 2) * 0.25
            super().apply(grads, trainable_variables)

    warm = Warm(0.0)
    warm.build(variables)
    own = [v.value for v in warm.variables]
    params = [w.value]
    step = jax.jit(warm.stateless_apply)
    for expected in (0.75, 0.25, -0.25):
        params, own = step(own, [jnp.ones(1)], params)
        assert params[0].tolist() == [expected]
    assert float(warm.learning_rate) == 0.0 and w.numpy().tolist() == [1]


# -- building ------------------------------------------------------------------


@pytest.mark.parametrize("name", BUILTIN)
def test_the_variables_of_every_optimizer_are_those_of_keras(keras, name):
    kwargs = {"use_ema": True, "gradient_accumulation_steps": 2, "name": "o"}
    ours, theirs = (getattr(room, name)(**kwargs) for room in (optimizers, keras.optimizers))
    ours.build(two())
    theirs.build([keras.Variable(v.numpy(), name=v.name) for v in two()])
    assert [(tuple(v.shape), v.dtype) for v in ours.variables] == [
        (tuple(v.shape), v.dtype) for v in theirs.variables
    ]
    if name not in ("Nadam", "Adafactor"):  # Keras names a part of theirs `variable` and `kernel`
        assert [v.path for v in ours.variables] == [v.path for v in theirs.variables]
    for v, w in zip(ours.variables, theirs.variables):
        np.testing.assert_array_equal(v.numpy(), w.value)


def test_variables_are_added_by_shape_by_reference_and_for_all_parameters():
    optimizer, (kernel, bias) = optimizers.SGD(0.1, name="mine"), two()
    counter = optimizer.add_variable((), "ones", "int32", name="counter")
    like = optimizer.add_variable_from_reference(kernel, name="trace", initializer="ones")
    assert (counter.path, counter.dtype, int(counter)) == ("mine/counter", "int32", 1)
    assert (like.path, like.shape) == ("mine/kernel_trace", (2, 3)) and like.numpy().all()
    assert optimizer.add_variable_from_reference(bias).name == "bias_var"
    bias.overwrite_with_gradient = True
    one = optimizer.add_optimizer_variables([kernel, bias], "m")
    first, second = optimizer.add_optimizer_variables([kernel, bias], ["a", "b"], ["zeros", "ones"])
    assert [None if v is None else v.name for v in one] == ["kernel_m", None]
    assert [None if v is None else v.name for v in first + second] == [
        "kernel_a",
        None,
        "kernel_b",
        None,
    ]
    assert second[0].numpy().all() and not first[0].numpy().any()
    assert all(any(v is own for own in optimizer.variables) for v in (counter, like, one[0]))
    assert not any(v.trainable for v in optimizer.variables)
    with pytest.raises(UserInputError, match="must match the number of provided initializers"):
        optimizer.add_optimizer_variables([kernel], ["a", "b"], ["zeros"])


def test_held_variables_are_found_by_parameter_and_by_name():
    optimizer, variables = optimizers.Nadam(), two()
    optimizer.build(variables)
    assert sorted(optimizer.held_variables(1)) == ["momentum", "velocity"]
    assert sorted(optimizer.held_variables(None)) == ["iteration", "learning_rate", "u_product"]
    assert optimizer.held_variables(0)["velocity"].name == "kernel_velocity"
    assert optimizer.bound_variables == variables == optimizer._trainable_variables
    with pytest.raises(UserInputError, match="Unknown variable"):
        optimizer._get_variable_index(Variable(1.0))


def test_momentums_are_listed_by_parameter():
    sgd, plain, muon = optimizers.SGD(momentum=0.5), optimizers.SGD(), optimizers.Muon()
    for optimizer in (sgd, plain, muon):
        optimizer.build(two())
    assert [v.name for v in sgd.momentums] == ["kernel_momentum", "bias_momentum"]
    assert plain.momentums == []
    assert [v.name for v in muon.momentums] == ["kernel_momentum", "bias_momentum"]
    assert [None if v is None else v.name for v in muon.adam_velocities] == [None, "bias_velocity"]
    assert [muon._should_use_adamw(v) for v in two()] == [False, True]


def test_which_of_two_rules_counts_is_decided_by_the_last_class():
    class Values(optimizers.Optimizer):
        def leaf_step(self, gradient, param, slots, learning_rate, info):
            return param - gradient, {}

    class ThenVariables(Values):
        def update_step(self, gradient, variable, learning_rate):
            variable.assign(variable.value - 2 * gradient)

    class ThenValues(ThenVariables):
        def leaf_step(self, gradient, param, slots, learning_rate, info):
            return param - 3 * gradient, {}

    for cls, expected in ((Values, False), (ThenVariables, True), (ThenValues, False)):
        assert is_keras_style(cls, optimizers.Optimizer) == expected
    for cls, end in ((Values, 0), (ThenVariables, -1), (ThenValues, -2)):
        w = Variable([1.0])
        cls(0.1).apply([[1.0]], [w])
        assert w.numpy().tolist() == [end]


def test_the_default_update_step_does_what_the_rule_says():
    for name in ("SGD", "Adam", "Nadam", "Lion"):
        by_step, by_apply = (getattr(optimizers, name)(0.1) for _ in range(2))
        (w, _), (v, _) = two(), two()
        by_step.build([w])
        by_step.update_step(ONES[0], w, 0.1)
        if name != "Nadam":  # its running product advances in `apply`
            by_apply.apply(ONES[:1], [v])
            np.testing.assert_allclose(w.numpy(), v.numpy(), rtol=1e-6)
        assert w.numpy().max() < 1 and int(by_step.iterations) == 0
    sgd, (w, _) = optimizers.SGD(), two()
    sgd.assign_sub(w, 0.5)
    sgd.assign_add(w, jnp.array([1.0, 2.0, 3.0]))
    assert w.numpy().tolist() == [[1.5, 2.5, 3.5]] * 2


def test_a_keras_style_optimizer_cannot_build_inside_jit_and_serves_its_shapes():
    class Plain(optimizers.Optimizer):
        def update_step(self, gradient, variable, learning_rate):
            self.assign_sub(variable, gradient * learning_rate)

    optimizer, params = Plain(0.5), {"w": jnp.ones(2)}
    with pytest.raises(UserInputError, match="once outside of jit"):
        jax.jit(optimizer.init)(params)
    state = optimizer.init(params)
    assert jax.jit(optimizer.init)(params)["variables"] == [] == state["variables"]
    new, _ = optimizer.update(params, state, params)
    assert new["w"].tolist() == [0.5, 0.5]
    with pytest.raises(UserInputError, match=r"built for parameters of shapes \[\(2,\)\]"):
        optimizer.init({"w": jnp.ones(3)})


# -- compiled steps ------------------------------------------------------------


def test_a_compiled_step_is_made_again_when_what_it_holds_changes():
    optimizer, (w, _) = optimizers.SGD(0.5), two()
    w.constraint = MaxNorm(10.0)
    optimizer.apply(ONES[:1], [w])
    first = optimizer._compiled_step
    optimizer.apply(ONES[:1])
    assert optimizer._compiled_step is first
    w.constraint.max_value = 0.0
    optimizer.apply(ONES[:1])
    assert optimizer._compiled_step is not first and not w.numpy().any()


def test_code_of_a_program_is_never_compiled_in():
    factor = [1.0]

    class Mine(optimizers.SGD):
        def leaf_step(self, gradient, param, slots, learning_rate, info):
            return param - factor[0] * gradient, {}

    w = Variable([4.0])
    optimizer = Mine(0.1)
    for factor[0], end in ((1.0, 3.0), (2.0, 1.0)):
        optimizer.apply([[1.0]], [w])
        assert w.numpy().tolist() == [end]
    assert optimizer._compiled_step is None
    plain, v = optimizers.SGD(1.0), Variable([4.0])
    v.constraint = lambda value: value * factor[0]
    plain.apply([[1.0]], [v])
    assert v.numpy().tolist() == [6.0] and plain._compiled_step is None


# -- weights and files ---------------------------------------------------------


@pytest.mark.parametrize("name", BUILTIN)
def test_saved_variables_go_on_as_if_nothing_had_happened(name):
    kwargs = {"learning_rate": 0.1, "use_ema": True}
    optimizer, variables = getattr(optimizers, name)(**kwargs), two()
    optimizer.apply(ONES, variables)
    store = {}
    optimizer.save_own_variables(store)
    assert list(store) == [str(i) for i in range(len(optimizer.variables))]
    again, others = getattr(optimizers, name)(**{**kwargs, "learning_rate": 0.9}), two()
    again.build(others)
    for v, w in zip(others, variables):
        v.assign(w.value)
    again.load_own_variables(store)
    for one, its in ((optimizer, variables), (again, others)):
        one.apply([g * 2 for g in ONES], its)
    for v, w in zip([*variables, *optimizer.variables], [*others, *again.variables]):
        np.testing.assert_array_equal(v.numpy(), w.numpy())


def test_set_weights_checks_all_before_it_sets_any():
    optimizer = optimizers.SGD(0.5, momentum=0.9)
    with pytest.raises(NotBuiltError, match="has not yet been built"):
        optimizer.set_weights([])
    optimizer.build(two())
    values = [v.numpy() + 1 for v in optimizer.variables]
    with pytest.raises(UserInputError, match="received 1 values for 4 variables"):
        optimizer.set_weights(values[:1])
    with pytest.raises(UserInputError, match=r"'sgd/bias_momentum' has shape \(3,\) not.*\(2,\)"):
        optimizer.set_weights([*values[:3], np.ones(2)])
    assert int(optimizer.iterations) == 0
    optimizer.set_weights([*values[:3], Variable(values[3])])
    assert int(optimizer.iterations) == 1 and float(optimizer.learning_rate) == 1.5
    assert optimizer.variables[3].numpy().tolist() == [1, 1, 1]


def test_a_store_of_another_length_is_left_alone_with_a_warning():
    optimizer = optimizers.Adam()
    optimizer.build(two())
    with pytest.warns(UserWarning, match="it has 6 variables whereas the saved.*has 1 variables"):
        optimizer.load_own_variables({"0": np.int32(7)})
    assert int(optimizer.iterations) == 0


def test_stateless_calls_need_a_built_optimizer_and_lists_of_its_lengths():
    optimizer = optimizers.SGD(0.5)
    with pytest.raises(NotBuiltError, match="To call `stateless_apply`, SGD must be built"):
        optimizer.stateless_apply([], ONES, ONES)
    optimizer.build(two())
    own = [v.value for v in optimizer.variables]
    with pytest.raises(UserInputError, match="`trainable_variables`.*received 1, expected 2"):
        optimizer.stateless_apply(own, ONES, ONES[:1])
    params, new = optimizer.stateless_apply(optimizer.variables, ONES, two())  # Variables, too
    assert params[1].tolist() == [0.5] * 3 and int(new[0]) == 1


def test_apply_gradients_returns_the_iterations():
    optimizer, (w, _) = optimizers.SGD(0.5), two()
    assert int(optimizer.apply_gradients(zip(ONES[:1], [w]))) == 1
    assert optimizer.apply_gradients([]) is optimizer.iterations


@pytest.mark.parametrize(
    ("config", "error", "words"),
    [
        ({"config": {}}, UserTypeError, "dict with 'class_name'"),
        ("adam", UserTypeError, "Received: 'adam'"),
        ({"class_name": "Adum", "config": {}}, ValueError, "Did you mean 'adam'"),
    ],
)
def test_configs_that_describe_no_optimizer_are_refused(config, error, words):
    with pytest.raises(error, match=words):
        optimizers.deserialize(config)


def test_a_programs_own_optimizer_is_found_before_the_builtin_of_its_name():
    class Adam(optimizers.SGD):
        pass

    config = {"class_name": "Adam", "config": {"learning_rate": 0.5}}
    found = optimizers.deserialize(config, custom_objects={"Adam": Adam})
    assert type(found) is Adam and float(found.learning_rate) == 0.5
    assert type(optimizers.deserialize(config)) is optimizers.Adam
    with pytest.raises(UserTypeError, match="Could not interpret optimizer identifier"):
        optimizers.get({"module": "keras.layers", "class_name": "ReLU", "config": {}})
