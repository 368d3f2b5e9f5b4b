"""Optimizers on Variables, as Keras scripts use them."""

import copy
import pickle

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from fkeras import optimizers
from fkeras.core import names
from fkeras.core.values.variable import Variable
from fkeras.errors import UnknownNameError, UserInputError, UserTypeError


def two():
    return [
        Variable(np.ones((3, 2), "float32"), name="kernel"),
        Variable(np.ones(2, "float32"), name="bias"),
    ]


ONES = [np.ones((3, 2), "float32"), np.ones(2, "float32")]


class Custom(optimizers.Optimizer):
    """Momentum, written as for Keras."""

    def __init__(self, learning_rate=0.1, momentum=0.9, **kwargs):
        super().__init__(learning_rate=learning_rate, **kwargs)
        self.momentum = momentum
        self.total = Variable(0.0, trainable=False, name="total")

    def build(self, variables):
        if self.built:
            return
        super().build(variables)
        self.momentums = []
        for v in variables:
            self.momentums.append(self.add_variable_from_reference(v, name="momentum"))

    def update_step(self, gradient, variable, learning_rate):
        m = self.momentums[self._get_variable_index(variable)]
        self.assign(m, m.value * self.momentum - gradient * learning_rate)
        self.assign_add(variable, m)
        self.assign_add(
            self.total,
            jnp.sum(gradient) * (self.iterations + 1.0)
            if not self.gradient_accumulation_steps
            else 0.0,
        )


def test_the_list_of_variables_has_keras_order_and_names(keras):
    for name, kwargs in [
        ("Adam", {"amsgrad": True, "use_ema": True, "gradient_accumulation_steps": 2}),
        ("RMSprop", {"momentum": 0.1}),
        ("Muon", {}),
        ("SGD", {"learning_rate": 0.1}),
        ("Adadelta", {}),
        ("Ftrl", {}),
    ]:
        ours, theirs = (
            getattr(optimizers, name)(name="o", **kwargs),
            getattr(keras.optimizers, name)(name="o", **kwargs),
        )
        ours.build(two())
        theirs.build([keras.Variable(v.numpy(), name=v.name) for v in two()])
        assert [(v.path, v.shape, v.dtype) for v in ours.variables] == [
            (v.path, v.shape, v.dtype) for v in theirs.variables
        ]
        assert not any(v.trainable for v in ours.variables)


@pytest.mark.filterwarnings("ignore:__array__ implementation")  # Keras's
def test_saved_variables_load_into_keras_and_back(keras):
    for name in ("Adam", "Nadam", "Adafactor", "ScheduleFreeAdamW"):
        ours, variables = getattr(optimizers, name)(0.1), two()
        ours.apply(ONES, variables)
        store = {}
        ours.save_own_variables(store)
        theirs = getattr(keras.optimizers, name)(0.5)
        theirs.build([keras.Variable(v.numpy(), name=v.name) for v in variables])
        theirs.load_own_variables(store)
        again = getattr(optimizers, name)(0.5)
        again.build(two())
        back = {}
        theirs.save_own_variables(back)
        again.load_own_variables(back)
        for a, b in zip(ours.variables, again.variables):
            np.testing.assert_array_equal(a.numpy(), b.numpy())
    with pytest.warns(UserWarning, match="Skipping variable loading for optimizer"):
        optimizers.SGD().load_own_variables(back)


def test_the_learning_rate_reads_as_a_number_and_can_be_assigned_without_recompiling(compilations):
    optimizer, (w, b) = optimizers.SGD(0.5), two()
    assert float(optimizer.learning_rate) == 0.5
    optimizer.apply(ONES, [w, b])
    compiled = optimizer._compiled_step.run
    with compilations() as found:
        optimizer.learning_rate = 0.25
        optimizer.apply(ONES)
        optimizer.learning_rate.assign(0.125)
        optimizer.apply(ONES)
    assert b.numpy().tolist() == [0.125, 0.125]
    assert not found and optimizer._compiled_step.run is compiled
    state = optimizer.init([w.value])
    optimizer.learning_rate = 2.0
    assert float(optimizer.with_current_rates(state)["learning_rate"]) == 2.0


def test_constants_that_change_are_not_remembered_from_an_earlier_step():
    optimizer, (w, b) = optimizers.SGD(1.0, momentum=0.0), two()
    optimizer.apply(ONES, [w, b])
    optimizer.weight_decay = 0.5
    b.assign([1.0, 1.0])
    optimizer.apply(ONES)
    assert b.numpy().tolist() == [-0.5, -0.5]


def test_a_schedule_or_callable_takes_the_place_of_the_learning_rate_variable():
    optimizer = optimizers.Adam(0.001)
    assert len(optimizer.variables) == 2
    optimizer.learning_rate = optimizers.schedules.PolynomialDecay(optimizer.learning_rate, 4)
    assert len(optimizer.variables) == 1 and float(optimizer.learning_rate) == pytest.approx(0.001)
    with pytest.raises(TypeError, match="not settable"):
        optimizer.learning_rate = 0.1
    rates = iter([0.5, 0.25])
    for rate, ends in (
        (lambda: next(rates), 0.25),
        (optax.linear_schedule(1.0, 0.0, 4), -0.75),
        (lambda: 0.5, 0.0),
    ):
        optimizer, (w, b) = optimizers.SGD(rate), two()
        optimizer.apply(ONES, [w, b])
        optimizer.apply(ONES)
        assert b.numpy().tolist() == [ends, ends]
    optimizer.learning_rate = 0.125
    assert len(optimizer.variables) == 2 and optimizer.variables[1] is optimizer.learning_rate
    optimizer.apply(ONES)
    assert b.numpy().tolist() == [-0.125, -0.125]
    for bad in ("fast", float("nan"), None, [0.1, 0.2], True):
        with pytest.raises(ValueError, match="learning_rate"):
            optimizers.SGD(bad)


def test_apply_works_on_some_of_the_variables_and_warns_of_missing_gradients():
    optimizer, (w, b) = optimizers.SGD(1.0), two()
    optimizer.build([w, b])
    optimizer.apply([ONES[1]], [b])
    assert w.numpy().sum() == 6 and b.numpy().tolist() == [0, 0] and int(optimizer.iterations) == 1
    with pytest.warns(UserWarning, match=r"Gradients do not exist for variables \['kernel'\]"):
        optimizer.apply_gradients([(None, w), (ONES[1], b)])
    with pytest.raises(ValueError, match="No gradients provided for any variable"):
        optimizer.apply([None, None])
    assert optimizer.apply([]) is None and int(optimizer.iterations) == 2


@pytest.mark.parametrize(
    ("kwargs", "words"),
    [
        (
            {"clipnorm": 1.0, "clipvalue": 1.0},
            "Only one of `clipnorm`, `clipvalue` and `global_clipnorm`",
        ),
        ({"clipnorm": -1.0}, "clipnorm"),
        ({"gradient_accumulation_steps": 1}, ">= 2"),
        ({"use_ema": True, "ema_momentum": 2.0}, "range"),
        ({"weight_decay": "a"}, "weight_decay"),
        ({"use_ema": True, "ema_overwrite_frequency": 0.5}, "integer >= 1"),
        ({"lrr": 0.1}, "not recognized"),
        ({"momentum": 2.0}, "between"),
    ],
)
def test_wrong_arguments_are_refused_at_construction(kwargs, words):
    with pytest.raises(ValueError, match=words):
        optimizers.SGD(**kwargs)


def test_wrong_gradients_are_named_all_at_once():
    optimizer, variables = optimizers.Adam(), two()
    with pytest.raises(
        UserInputError,
        match=r"'kernel': gradient \(2,\), parameter \(3, 2\); "
        r"'bias': gradient \(3, 2\), parameter \(2,\)",
    ):
        optimizer.apply(ONES[::-1], variables)
    with pytest.raises(UserInputError, match="no number"):
        optimizer.apply([np.ones((3, 2), bool), np.zeros(2, jax.dtypes.float0)])
    with pytest.raises(UserInputError, match="3 gradients for 2"):
        optimizer.apply([*ONES, ONES[0]], variables)
    with pytest.raises(UserInputError, match="list of 1 gradients"):
        optimizer.apply(ONES[:1])
    with pytest.raises(UserInputError, match="Unknown variable"):
        optimizer.apply(ONES, two())
    with pytest.raises(UserInputError, match="must already be built"):
        optimizers.SGD().apply(ONES)
    with pytest.raises(UserInputError, match="received 3, expected 6"):
        optimizer.stateless_apply([1, 2, 3], ONES, ONES)


def test_one_optimizer_serves_one_model():
    optimizer, variables = optimizers.Adam(), two()
    optimizer.build(variables)
    optimizer.build(variables)
    with pytest.raises(
        UserInputError,
        match=r"Adam 'adam' is already bound to the variables kernel, bias.*make a new one",
    ):
        optimizer.build(two())


def test_excluded_variables_do_not_decay():
    by_name, by_list, (w, b) = (
        optimizers.SGD(1.0, weight_decay=0.5),
        optimizers.SGD(1.0, weight_decay=0.5),
        two(),
    )
    by_name.exclude_from_weight_decay(var_names=["^bi"])
    by_list.exclude_from_weight_decay(var_list=[w])
    zeros = [np.zeros_like(g) for g in ONES]
    by_name.apply(zeros, [w, b])
    assert w.numpy()[0, 0] == 0.5 and b.numpy()[0] == 1.0
    by_list.apply(zeros, [w, b])
    assert w.numpy()[0, 0] == 0.5 and b.numpy()[0] == 0.5
    with pytest.raises(ValueError, match="before the optimizer is built"):
        by_list.exclude_from_weight_decay(var_names=["x"])
    params, optimizer = (
        {"kernel": jnp.ones(2), "bias": jnp.ones(2)},
        optimizers.SGD(1.0, weight_decay=0.5),
    )
    optimizer.exclude_from_weight_decay(var_names=["bias"])
    nothing = jax.tree.map(jnp.zeros_like, params)
    new, _ = optimizer.update(nothing, optimizer.init(params), params)
    assert new["bias"][0] == 1 and new["kernel"][0] == 0.5
    new, _ = optimizer.update(
        nothing, optimizer.init(params), params, decay_mask={"kernel": False, "bias": True}
    )
    assert new["bias"][0] == 0.5 and new["kernel"][0] == 1


def test_constraints_and_variables_that_take_their_gradient(keras):
    for kwargs in ({}, {"gradient_accumulation_steps": 2}, {"use_ema": True}):
        ours, theirs = [
            [kind(x.copy(), name=n) for x, n in zip(ONES, "ab")]
            for kind in (Variable, keras.Variable)
        ]
        for v in (ours[0], theirs[0]):
            v.constraint = lambda x: x / 2
        for v in (ours[1], theirs[1]):
            v.overwrite_with_gradient = True
        a, b = optimizers.Adam(0.1, **kwargs), keras.optimizers.Adam(0.1, **kwargs)
        for factor in (1.0, 3.0, 2.0):
            grads = [g * factor for g in ONES]
            a.apply(grads, ours)
            b.apply([jnp.asarray(g) for g in grads], theirs)
            for x, y in zip([*ours, *a.variables], [*theirs, *b.variables], strict=True):
                np.testing.assert_allclose(x.numpy(), y.value, rtol=1e-6)
    pure = optimizers.Adam(0.1, use_ema=True)
    pure.build(ours)
    params, state = [v.value for v in ours], pure.pack([v.value for v in pure.variables], list)
    new, state = pure.update(ONES, state, params, leaves=pure.leaves_of(ours))
    assert new[1].tolist() == [1, 1] and np.allclose(
        new[0], (np.asarray(params[0]) - 0.1) / 2, atol=1e-5
    )
    kept = pure.finalize(new, state, leaves=pure.leaves_of(ours))
    assert kept[1].tolist() == [1, 1] and np.allclose(
        kept[0], np.asarray(params[0]) - 0.1, atol=1e-5
    )


def test_averages_take_the_place_of_variables_at_the_end():
    optimizer, variables = optimizers.SGD(1.0, use_ema=True, ema_momentum=0.5), two()
    for _ in range(2):
        optimizer.apply(ONES, variables)
    assert variables[1].numpy().tolist() == [-1, -1]
    params, state = (
        [v.value for v in variables],
        optimizer.pack([v.value for v in optimizer.variables], list),
    )
    optimizer.finalize_variable_values(variables)
    assert (
        variables[1].numpy().tolist()
        == [-0.5, -0.5]
        == optimizer.finalize(params, state)[1].tolist()
    )


def test_stateless_apply_leaves_the_object_alone():
    optimizer, variables = optimizers.Adam(0.1), two()
    optimizer.build(variables)
    own = [v.value for v in optimizer.variables]
    params, new = jax.jit(optimizer.stateless_apply)(own, ONES, [v.value for v in variables])
    assert variables[0].numpy().sum() == 6 and int(optimizer.iterations) == 0
    optimizer.apply(ONES)
    for v, p in zip([*variables, *optimizer.variables], [*params, *new], strict=True):
        np.testing.assert_array_equal(v.numpy(), p)


@pytest.mark.parametrize(
    "kwargs",
    [
        {},
        {"weight_decay": 0.1, "clipnorm": 0.5, "use_ema": True},
        {"gradient_accumulation_steps": 2},
    ],
)
def test_optimizers_written_for_keras_are_pure_too(keras, kwargs):
    class Theirs(keras.optimizers.Optimizer):
        def __init__(self, learning_rate=0.1, momentum=0.9, **kwargs):
            super().__init__(learning_rate=learning_rate, **kwargs)
            self.momentum = momentum

        def build(self, variables):
            super().build(variables)
            self.momentums = [
                self.add_variable_from_reference(v, name="momentum") for v in variables
            ]

        def update_step(self, gradient, variable, learning_rate):
            m = self.momentums[self._get_variable_index(variable)]
            self.assign(m, m.value * self.momentum - gradient * learning_rate)
            self.assign_add(variable, m)

    ours, theirs = Custom(**kwargs), Theirs(**kwargs)
    variables, others = two(), [keras.Variable(v.numpy(), name=v.name) for v in two()]
    pure, params = Custom(**kwargs), {"bias": jnp.ones(2), "kernel": jnp.ones((3, 2))}
    state = pure.init(params)
    update = jax.jit(pure.update)
    for factor in (1.0, -2.0, 0.5):
        ours.apply([g * factor for g in ONES], variables)
        theirs.apply([jnp.asarray(g * factor) for g in ONES], others)
        params, state = update(
            {"kernel": ONES[0] * factor, "bias": ONES[1] * factor}, state, params
        )
        for a, b, c in zip(variables, others, (params["kernel"], params["bias"])):
            np.testing.assert_allclose(a.numpy(), b.value, rtol=1e-6)
            np.testing.assert_allclose(a.numpy(), c, rtol=1e-6)
    assert {"iteration", "learning_rate", "variables"} <= set(state)
    assert float(pure.total.value) == 0.0  # the object itself was only lent to
    if not kwargs:
        assert float(ours.total.value) == 8 * (1 - 2 * 2 + 0.5 * 3) == float(state["variables"][0])
    assert [v.name for v in ours.variables if v.name == "total"] == ["total"]
    assert Custom.from_config(ours.get_config()).get_config() == ours.get_config()


def test_an_overridden_apply_or_update_step_counts_in_the_pure_form():
    class Centred(optimizers.Adam):
        def apply(self, grads, trainable_variables=None):
            super().apply([g - jnp.mean(g) for g in grads], trainable_variables)

    class Doubled(optimizers.SGD):
        def update_step(self, gradient, variable, learning_rate):
            super().update_step(gradient * 2, variable, learning_rate)

    params = [jnp.ones((3, 2)), jnp.ones(2)]
    for optimizer, end in ((Centred(0.1), 1.0), (Doubled(0.25, momentum=0.5), 0.5)):
        new, state = jax.jit(optimizer.update)(ONES, optimizer.init(params), params)
        assert new[1].tolist() == [end, end] and int(state["iteration"]) == 1
        variables = two()
        fresh = type(optimizer).from_config(optimizer.get_config())
        fresh.apply(ONES, variables)
        assert variables[1].numpy().tolist() == [end, end]


def test_a_rule_of_ones_own_needs_one_method():
    class Signs(optimizers.Optimizer):
        def leaf_step(self, gradient, param, slots, learning_rate, leaf):
            return param - learning_rate * jnp.sign(gradient), {}

    variables = two()
    Signs(0.5).apply(ONES, variables)
    assert variables[1].numpy().tolist() == [0.5, 0.5]
    with pytest.raises(NotImplementedError, match="leaf_step"):
        optimizers.Optimizer(0.1).apply(ONES, two())


def test_super_init_must_come_first():
    class Forgetful(optimizers.Optimizer):
        def __init__(self):
            self.x = 1

    with pytest.raises(RuntimeError, match="forgot to call"):
        Forgetful()


@pytest.mark.filterwarnings("ignore:__array__ implementation")  # Keras's
def test_configs_go_round_also_through_keras(keras):
    for name, cls in vars(optimizers).items():
        if (
            isinstance(cls, type)
            and name in dir(keras.optimizers)
            and name not in ("Optimizer", "OptimizerMap", "MultiOptimizer", "LossScaleOptimizer")
        ):
            optimizer = cls(
                learning_rate=0.25, weight_decay=0.5, clipnorm=2.0, use_ema=True, name="mine"
            )
            config = optimizers.serialize(optimizer)
            assert config["module"] == "keras.optimizers" and config["class_name"] == name
            again = optimizers.deserialize(config)
            assert type(again) is cls and again.get_config() == optimizer.get_config()
            theirs = keras.saving.deserialize_keras_object(
                config
            )  # keras.optimizers.deserialize does not know Lamb
            assert theirs.get_config() == optimizer.get_config()
            assert (
                optimizers.get(keras.optimizers.serialize(theirs)).get_config()
                == optimizer.get_config()
            )
    optimizer = optimizers.Adam(optimizers.schedules.CosineDecay(0.5, 10))
    again = optimizers.get(optimizers.serialize(optimizer))
    assert float(again.learning_rate) == 0.5 and again.get_config() == optimizer.get_config()


def test_names_are_found_in_any_case_and_misspelt_ones_get_a_hint():
    assert type(optimizers.get("ADAM")) is type(optimizers.get("Adam")) is optimizers.Adam
    assert optimizers.get(None) is None
    with pytest.raises(UnknownNameError, match="Unknown optimizer 'adamm'. Did you mean 'adam'"):
        optimizers.get("adamm")
    with pytest.raises(UserTypeError, match=r"write Adam\(\) instead of Adam"):
        optimizers.get(optimizers.Adam)
    with pytest.raises(UserTypeError, match="Could not interpret"):
        optimizers.get(3)
    with pytest.raises(ImportError, match="InverseTimeDecay"):
        optimizers.legacy.Adam(decay=1e-3)
    names.reset()
    assert [optimizers.AdamW().name, optimizers.AdamW().name, optimizers.SGD().name] == [
        "adam_w",
        "adam_w_1",
        "sgd",
    ]


def test_copies_and_pickles_go_on_alike():
    optimizer, variables = optimizers.Adam(0.1), two()
    optimizer.exclude_from_weight_decay(var_list=[variables[0]])
    optimizer.apply(ONES, variables)
    for made, its in (
        copy.deepcopy((optimizer, variables)),
        pickle.loads(pickle.dumps((optimizer, variables))),
    ):
        made.set_weights(optimizer.variables)
        before = [v.numpy() for v in variables]
        made.apply(ONES, its)
        assert all(np.array_equal(v.numpy(), b) for v, b in zip(variables, before))
        assert its[0].numpy()[0, 0] < before[0][0, 0]


def test_sparse_gradients_count_as_dense_ones():
    from jax.experimental import sparse

    gradient = sparse.BCOO((jnp.ones((2, 2)), jnp.array([[0], [2]])), shape=(3, 2))
    for optimizer in (
        optimizers.Adam(0.5, clipnorm=1.0),
        optimizers.LossScaleOptimizer(optimizers.SGD(0.5)),
    ):
        (w, _), (other, _) = two(), two()
        optimizer.build([w])
        params, _ = optimizer.stateless_apply(
            [v.value for v in optimizer.variables], [gradient], [w.value]
        )
        dense = type(optimizer).from_config(optimizer.get_config())
        dense.apply([gradient.todense()], [other])
        np.testing.assert_array_equal(params[0], other.numpy())
        new, _ = dense.update({"w": gradient}, dense.init({"w": w.value}), {"w": w.value})
        np.testing.assert_array_equal(new["w"], other.numpy())


def test_structures_that_differ_are_named_by_path():
    optimizer, params = optimizers.Adam(), {"dense": {"kernel": jnp.ones(2), "bias": jnp.ones(2)}}
    state = optimizer.init(params)
    with pytest.raises(
        UserInputError, match=r"Missing: \['dense/bias'\]. Not expected: \['dense/bais'\]"
    ):
        optimizer.update({"dense": {"kernel": jnp.ones(2), "bais": jnp.ones(2)}}, state, params)
    with pytest.raises(UserInputError, match=r"opt_state\['momentum'\]"):
        optimizer.update(params, optimizer.init([jnp.ones(2)]), params)
    with pytest.raises(UserInputError, match=r"'dense/bias': gradient \(3,\), parameter \(2,\)"):
        optimizer.update({"dense": {"kernel": jnp.ones(2), "bias": jnp.ones(3)}}, state, params)
    with pytest.raises(UserTypeError, match="must be what `init`"):
        optimizer.update(params, [1, 2], params)
    new, _ = optimizer.update({"dense": {"kernel": None, "bias": jnp.ones(2)}}, state, params)
    assert new["dense"]["kernel"].tolist() == [1, 1] and new["dense"]["bias"][0] < 1
    with pytest.raises(UserInputError, match="another kind"):
        optimizers.Adam(optimizers.schedules.CosineDecay(0.1, 10)).update(params, state, params)


def test_rules_that_depend_on_names_take_them_from_the_variables():
    variables = two()
    optimizer = optimizers.Muon(exclude_layers=["^kernel$"])
    optimizer.build(variables)
    params = {"0": variables[0].value, "1": variables[1].value}
    leaves = dict(zip("01", optimizer.leaves_of(variables)))
    state = optimizer.init(params, leaves=leaves)
    new, state = optimizer.update({"0": ONES[0], "1": ONES[1]}, state, params, leaves=leaves)
    optimizer.apply(ONES)
    for v, value in zip(
        optimizer.variables,
        optimizer.unpack(state, lambda tree: [tree["0"], tree["1"]]),
        strict=True,
    ):
        np.testing.assert_allclose(v.numpy(), value, rtol=1e-6)
    np.testing.assert_allclose(variables[0].numpy(), new["0"], rtol=1e-6)
    with pytest.raises(
        UserInputError, match=r"has shape \(\) where 'muon/kernel_velocity' has \(3, 2\)"
    ):
        optimizer.unpack(optimizer.init(params), lambda tree: [tree["0"], tree["1"]])


def test_double_precision_stays_double():
    with jax.enable_x64(True):
        params = {"w": jnp.ones(2, "float64")}
        for name in ("Adam", "Nadam", "Adafactor", "SGD"):
            optimizer = getattr(optimizers, name)(0.1, use_ema=True, gradient_accumulation_steps=2)
            state = optimizer.init(params)
            kinds = jax.tree.map(lambda x: x.dtype, (params, state))
            for _ in range(2):
                params, state = jax.jit(optimizer.update)({"w": jnp.full(2, 0.3)}, state, params)
            assert jax.tree.map(lambda x: x.dtype, (params, state)) == kinds
