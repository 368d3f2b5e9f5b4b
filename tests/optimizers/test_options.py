"""The options that all optimizers share, on every rule, against Keras and by hand."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import fkeras
from fkeras import optimizers
from fkeras.core.values.variable import Variable
from fkeras.errors import UserInputError

NAMES = ("kernel", "bias", "scale")
rng = np.random.default_rng(3)
START = [
    rng.normal(size=(2, 3)).astype("float32"),
    rng.normal(size=(3,)).astype("float32"),
    np.float32(0.7),  # a scalar
]
# The second step has a gradient of zeros.
GRADS = [[rng.normal(size=np.shape(p)).astype("float32") for p in START] for _ in range(5)]
GRADS[1] = [np.zeros_like(g) for g in GRADS[1]]

# Each rule once, with options that act together.
ACCUMULATED = {"gradient_accumulation_steps": 2, "use_ema": True, "ema_momentum": 0.6}
OVERWRITTEN = {"use_ema": True, "ema_momentum": 0.5, "ema_overwrite_frequency": 3}
ROWS = [
    ("SGD", {"momentum": 0.9, "nesterov": True, **ACCUMULATED, "clipnorm": 0.2}),
    ("SGD", {"clipvalue": 0.1, "weight_decay": 0.1, **OVERWRITTEN}),
    ("RMSprop", {"centered": True, "weight_decay": 0.2, **ACCUMULATED}),
    ("RMSprop", {"momentum": 0.5, "global_clipnorm": 0.3, **OVERWRITTEN}),
    ("Adam", {"amsgrad": True, "clipvalue": 0.3, **ACCUMULATED}),
    ("Adam", {"loss_scale_factor": 4.0, "weight_decay": 0.3, **OVERWRITTEN}),
    ("AdamW", {"weight_decay": 0.5, "clipnorm": 0.1, **ACCUMULATED}),
    ("Adamax", {"weight_decay": 0.5, "global_clipnorm": 0.1, **ACCUMULATED}),
    ("Nadam", {"weight_decay": 0.5, "clipvalue": 0.1, **OVERWRITTEN}),
    ("Adagrad", {"clipnorm": 0.5, **ACCUMULATED}),
    ("Adadelta", {"global_clipnorm": 0.5, "weight_decay": 0.5, **OVERWRITTEN}),
    ("Adafactor", {"clipnorm": 0.5, "weight_decay": 0.1, **OVERWRITTEN}),
    ("Ftrl", {"clipvalue": 0.5, "weight_decay": 0.1, **ACCUMULATED}),
    ("Lion", {"clipnorm": 0.5, "weight_decay": 0.1, **ACCUMULATED}),
    ("Lamb", {"loss_scale_factor": 2.0, "weight_decay": 0.1, **OVERWRITTEN}),
    ("Muon", {"global_clipnorm": 0.5, "adam_weight_decay": 0.2, **OVERWRITTEN}),
    ("ScheduleFreeAdamW", {"warmup_steps": 2, "clipnorm": 0.4, **OVERWRITTEN}),
]


def label(row):
    return row[0] + "-" + ",".join(row[1])


def variables_like_start(kind):
    return [kind(p, name=name) for p, name in zip(START, NAMES)]


def run_keras(keras, optimizer, steps=GRADS):
    """Values of the parameters and the optimizer's variables after each step."""
    variables = variables_like_start(keras.Variable)
    optimizer.build(variables)
    step = jax.jit(optimizer.stateless_apply)
    params, own = [v.value for v in variables], [v.value for v in optimizer.variables]
    trail = []
    for grads in steps:
        params, own = step(own, grads, params)
        trail.append((params, own))
    return trail


@pytest.mark.filterwarnings("ignore:__array__ implementation")  # Keras's
@pytest.mark.parametrize("row", ROWS, ids=label)
def test_options_act_together_as_in_keras(keras, row):
    name, kwargs = row
    kwargs = {"learning_rate": 0.05, **kwargs}
    trail = run_keras(keras, getattr(keras.optimizers, name)(**kwargs))
    ours, variables = getattr(optimizers, name)(**kwargs), variables_like_start(Variable)
    for grads, (params, own) in zip(GRADS, trail):
        ours.apply(grads, variables)
        for v, expected in zip(variables, params):
            np.testing.assert_allclose(v.numpy(), expected, rtol=3e-5, atol=3e-6)
        for v, expected in zip(ours.variables, own, strict=True):
            np.testing.assert_allclose(v.numpy(), expected, rtol=3e-5, atol=3e-6, err_msg=v.path)
    ours.finalize_variable_values(variables)
    averages = ours._model_variables_moving_average
    for v, average in zip(variables, averages):
        np.testing.assert_array_equal(v.numpy(), average.numpy())


@pytest.mark.parametrize("name", ["SGD", "Adam", "AdamW", "Adafactor", "Lion", "Muon"])
def test_excluded_names_do_not_decay_as_in_keras(keras, name):
    # Muon's own decay is off for `bias`; its Adam has another option.
    kwargs = {"learning_rate": 0.1, "weight_decay": 0.5}
    if name == "Muon":
        kwargs["adam_weight_decay"] = 0.25
    theirs, ours = (getattr(room.optimizers, name)(**kwargs) for room in (keras, fkeras))
    for optimizer in (theirs, ours):
        optimizer.exclude_from_weight_decay(var_names=["bias", "^sc"])
    trail = run_keras(keras, theirs, GRADS[:2])
    variables = variables_like_start(Variable)
    for grads in GRADS[:2]:
        ours.apply(grads, variables)
    for v, expected in zip(variables, trail[-1][0]):
        np.testing.assert_allclose(v.numpy(), expected, rtol=3e-5, atol=3e-6)


@functools.cache
def after_two_steps(name):
    """With the plain options: what those that change nothing must give."""
    optimizer, variables = getattr(optimizers, name)(0.05), variables_like_start(Variable)
    for grads in GRADS[::2][:2]:
        optimizer.apply(grads, variables)
    return [v.numpy() for v in variables]


@pytest.mark.parametrize(
    "kwargs",
    [
        {"clipnorm": 0.0},  # 0 is no clipping, as in Keras
        {"clipvalue": 1e6},
        {"clipnorm": 1e6},
        {"global_clipnorm": 1e6},
        {"loss_scale_factor": 1.0},
        {"use_ema": True},
        {"ema_momentum": 7.0},  # not looked at without use_ema
    ],
    ids=str,
)
def test_options_that_do_nothing_leave_the_numbers_alone(kwargs):
    for name in ("SGD", "Adam"):
        optimizer, variables = getattr(optimizers, name)(0.05, **kwargs), None
        variables = variables_like_start(Variable)
        for grads in GRADS[::2][:2]:
            optimizer.apply(grads, variables)
        for v, expected in zip(variables, after_two_steps(name)):
            np.testing.assert_allclose(v.numpy(), expected, rtol=1e-6)


def test_accumulated_steps_are_one_step_of_their_mean():
    whole, parts = optimizers.Adam(0.1), optimizers.Adam(0.1, gradient_accumulation_steps=3)
    expected, variables = variables_like_start(Variable), variables_like_start(Variable)
    for grads in GRADS[:3]:
        before = [v.numpy() for v in variables]
        parts.apply(grads, variables)
        if grads is not GRADS[2]:
            for v, value in zip(variables, before):
                np.testing.assert_array_equal(v.numpy(), value)
    whole.apply([np.mean(group, axis=0) for group in zip(*GRADS[:3])], expected)
    for v, w in zip(variables, expected):
        np.testing.assert_allclose(v.numpy(), w.numpy(), rtol=1e-6)
    assert int(parts.iterations) == 1 and int(parts._iterations) == 3
    sums = parts._held_by_parameter("gradient_accumulator")
    assert all(not np.any(s.numpy()) for s in sums)


def test_the_order_is_scale_clip_decay_rule_average_by_hand():
    optimizer = optimizers.SGD(
        0.5, loss_scale_factor=4.0, clipvalue=1.0, weight_decay=0.25, use_ema=True, ema_momentum=0.5
    )
    state = optimizer.init(jnp.array([8.0]))
    assert float(optimizer.scale_loss(3.0)) == 12.0
    params, state = optimizer.update(jnp.array([40.0]), state, jnp.array([8.0]))
    # 40 / 4 = 10, clipped 1; 8 - 8 * 0.25 * 0.5 = 7; 7 - 0.5 * 1 = 6.5; the average starts there.
    assert params.tolist() == [6.5] and state["average"].tolist() == [6.5]
    params, state = optimizer.update(jnp.array([2.0]), state, params)
    # 2 / 4 = 0.5; 6.5 - 6.5 * 0.125 = 5.6875; - 0.25 = 5.4375; the average in the middle.
    assert params.tolist() == [5.4375] and state["average"].tolist() == [5.96875]


def test_clipping_by_the_global_norm_reaches_over_parameters():
    optimizer = optimizers.SGD(1.0, global_clipnorm=1.0)
    params = {"a": jnp.zeros(1), "b": jnp.zeros(1)}
    grads = {"a": jnp.array([3.0]), "b": jnp.array([4.0])}
    params, _ = optimizer.update(grads, optimizer.init(params), params)
    np.testing.assert_allclose([params["a"][0], params["b"][0]], [-0.6, -0.8], rtol=1e-6)
    one_by_one = optimizers.SGD(1.0, clipnorm=1.0)
    params, _ = one_by_one.update(
        grads, one_by_one.init(params), jax.tree.map(jnp.zeros_like, grads)
    )
    np.testing.assert_allclose([params["a"][0], params["b"][0]], [-1, -1], rtol=1e-6)


def test_an_infinite_gradient_spoils_all_that_share_its_norm():
    optimizer = optimizers.SGD(1.0, global_clipnorm=1.0)
    params = {"a": jnp.zeros(1), "b": jnp.zeros(1)}
    grads = {"a": jnp.array([jnp.inf]), "b": jnp.array([1.0])}
    params, _ = optimizer.update(grads, optimizer.init(params), params)
    assert np.isnan(params["a"]).all() and np.isnan(params["b"]).all()


@pytest.mark.parametrize(
    ("kwargs", "words"),
    [
        ({"clipvalue": float("nan")}, "`clipvalue` must be None or a number >= 0"),
        ({"global_clipnorm": True}, "`global_clipnorm` must be None or a number >= 0"),
        ({"loss_scale_factor": -2.0}, "loss_scale_factor=-2.0"),
        ({"loss_scale_factor": 0}, "`loss_scale_factor` must be a number, above 0"),
        ({"weight_decay": -0.1}, "weight_decay=-0.1"),
        ({"clipnorm": 1.0, "global_clipnorm": 1.0}, "clipvalue=None, global_clipnorm=1.0"),
        ({"gradient_accumulation_steps": 2.0}, "integer >= 2"),
        ({"gradient_accumulation_steps": -3}, "gradient_accumulation_steps=-3"),
        ({"use_ema": True, "ema_momentum": -0.1}, r"range \[0, 1\]. Received: ema_momentum=-0.1"),
        ({"use_ema": True, "ema_overwrite_frequency": -1}, "ema_overwrite_frequency=-1"),
        ({"unheard_of": 1}, "not recognized: {'unheard_of': 1}"),
    ],
)
@pytest.mark.parametrize("name", ["SGD", "Muon"])
def test_options_out_of_range_are_refused_by_name(name, kwargs, words):
    with pytest.raises(UserInputError, match=words):
        getattr(optimizers, name)(**kwargs)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: optimizers.AdamW(weight_decay=None), "`weight_decay` must be a float"),
        (lambda: optimizers.Lion(beta_1=0.0), r"`beta_1` must be in the \[0, 1\] range"),
        (lambda: optimizers.Lion(beta_1=1.5), "beta_1=1.5"),
        (lambda: optimizers.Ftrl(learning_rate_power=0.5), "needs to be negative or zero"),
        (lambda: optimizers.Ftrl(initial_accumulator_value=-1.0), "positive or zero.*-1.0"),
        (lambda: optimizers.Ftrl(l1_regularization_strength=-1.0), "l1_regularization_strength"),
        (lambda: optimizers.Ftrl(l2_shrinkage_regularization_strength=-1.0), "l2_shrinkage"),
        (lambda: optimizers.SGD(momentum=True), "momentum=True"),
        (lambda: optimizers.SGD(momentum="0.9"), "momentum='0.9'"),
        (lambda: optimizers.SGD(momentum=float("nan")), "momentum=nan"),
        (lambda: optimizers.Adam(beta_1=1.0), r"`beta_1` must be a number, \[0, 1\)"),
        (lambda: optimizers.AdamW(beta_2=-0.1), "beta_2=-0.1"),
        (lambda: optimizers.Adamax(beta_1="0.9"), "beta_1='0.9'"),
        (lambda: optimizers.Nadam(beta_2=float("nan")), "beta_2=nan"),
        (lambda: optimizers.Lamb(beta_1=2), "beta_1=2"),
        (lambda: optimizers.Lion(beta_2=1.0), "beta_2=1.0"),
        (lambda: optimizers.ScheduleFreeAdamW(beta_2=1.5), "beta_2=1.5"),
        (lambda: optimizers.RMSprop(rho=1.5), "rho=1.5"),
        (lambda: optimizers.Adadelta(rho=-1), "rho=-1"),
        (lambda: optimizers.Adam(epsilon=-1e-7), "`epsilon` must be a number, 0 or more"),
        (lambda: optimizers.Adagrad(initial_accumulator_value=-0.1), "value=-0.1"),
        (lambda: optimizers.Adafactor(epsilon_1=-1.0), "epsilon_1=-1.0"),
    ],
)
def test_a_rules_own_arguments_out_of_range_are_refused(make, words):
    with pytest.raises(UserInputError, match=words):
        make()


@pytest.mark.parametrize("rate", [-0.1, np.float32(-1), float("inf"), jnp.float32(-0.1)])
@pytest.mark.parametrize("name", sorted({name for name, _ in ROWS}))
def test_a_learning_rate_below_zero_is_refused(name, rate):
    with pytest.raises(UserInputError, match="`learning_rate` (must be 0 or more|should be a)"):
        getattr(optimizers, name)(learning_rate=rate)


@pytest.mark.parametrize(
    "make",
    [
        lambda: optimizers.SGD(0.1),
        lambda: optimizers.LossScaleOptimizer(optimizers.SGD(0.1)),
        lambda: optimizers.get(optax.inject_hyperparams(optax.sgd)(learning_rate=0.1)),
    ],
)
def test_a_learning_rate_below_zero_cannot_be_assigned(make):
    optimizer = make()
    optimizer.build([Variable([1.0])])
    with pytest.raises(UserInputError, match="`learning_rate` must be 0 or more.*-0.5"):
        optimizer.learning_rate = -0.5
    optimizer.learning_rate = 0.0  # nothing is learnt for a while
    assert float(optimizer.learning_rate) == 0.0


def test_hyperparameters_may_be_arrays():
    params = {"w": jnp.ones(2)}

    def first_step(beta):
        optimizer = optimizers.Adam(0.1, beta_1=beta)
        return optimizer.update(params, optimizer.init(params), params)[0]["w"][0]

    assert np.allclose(jax.vmap(first_step)(jnp.array([0.5, 0.9])), 0.9, atol=1e-5)


@pytest.mark.parametrize("rate", [-0.5, float("nan"), float("inf"), np.float32(-1), "fast"])
def test_a_variable_of_a_learning_rate_refuses_what_the_constructor_does(rate):
    for optimizer in (
        optimizers.SGD(0.1),
        optimizers.LossScaleOptimizer(optimizers.Adam(0.1)),
    ):
        with pytest.raises(UserInputError, match="`learning_rate` (must be 0 or more|should be)"):
            optimizer.learning_rate.assign(rate)
        assert float(optimizer.learning_rate) == pytest.approx(0.1)
        optimizer.learning_rate.assign(np.float32(0.25))
        assert float(optimizer.learning_rate) == 0.25
