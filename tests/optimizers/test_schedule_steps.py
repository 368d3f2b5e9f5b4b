"""Schedules at the steps where something happens, and for steps of all kinds."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from fkeras import config, optimizers
from fkeras.core.values.variable import Variable
from fkeras.optimizers import schedules
from fkeras.optimizers.schedules.schedule import as_float, number, positive

# (schedule, {step: value}): the steps beside each boundary, by hand.
BOUNDARIES = [
    (
        lambda: schedules.PiecewiseConstantDecay([2, 4], [1.0, 0.5, 0.25]),
        {-1: 1.0, 0: 1.0, 2: 1.0, 3: 0.5, 4: 0.5, 5: 0.25, 10**6: 0.25},
    ),
    (
        lambda: schedules.PiecewiseConstantDecay([2.5], [3.0, 1.0]),
        {2: 3.0, 2.5: 3.0, 2.6: 1.0, 3: 1.0},
    ),
    (
        lambda: schedules.ExponentialDecay(1.0, 4, 0.5, staircase=True),
        {0: 1.0, 3: 1.0, 4: 0.5, 7: 0.5, 8: 0.25},
    ),
    (
        lambda: schedules.InverseTimeDecay(1.0, 4, 1.0, staircase=True),
        {0: 1.0, 3: 1.0, 4: 0.5, 8: 1 / 3},
    ),
    (
        lambda: schedules.PolynomialDecay(1.0, 4, end_learning_rate=0.0, power=2.0),
        {0: 1.0, 2: 0.25, 3: 0.0625, 4: 0.0, 5: 0.0},
    ),
    (
        lambda: schedules.PolynomialDecay(1.0, 4, end_learning_rate=0.0, cycle=True),
        {0: 1.0, 4: 0.0, 5: 0.375, 8: 0.0, 9: 0.25},
    ),
    (
        lambda: schedules.CosineDecay(1.0, 4, alpha=0.5),
        {0: 1.0, 2: 0.75, 4: 0.5, 5: 0.5},
    ),
    (
        lambda: schedules.CosineDecay(0.0, 4, warmup_target=1.0, warmup_steps=2),
        {0: 0.0, 1: 0.5, 2: 1.0, 4: 0.5, 6: 0.0, 7: 0.0},
    ),
    (
        # Without steps of warm-up the decay starts from the target at once.
        lambda: schedules.CosineDecay(0.25, 4, warmup_target=1.0),
        {0: 1.0, 2: 0.5, 4: 0.0},
    ),
    (
        lambda: schedules.CosineDecayRestarts(1.0, 2, t_mul=1.0, m_mul=0.5),
        {0: 1.0, 1: 0.5, 2: 0.5, 3: 0.25, 4: 0.25},
    ),
    (
        lambda: schedules.CosineDecayRestarts(1.0, 2, t_mul=2.0, alpha=0.5),
        {0: 1.0, 1: 0.75, 4: 0.75},
    ),
]
ALL = [make for make, _ in BOUNDARIES]


@pytest.mark.parametrize(("make", "values"), BOUNDARIES)
def test_values_beside_each_boundary(make, values):
    schedule = make()
    got = [float(schedule(step)) for step in values]
    np.testing.assert_allclose(got, list(values.values()), rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("make", ALL)
def test_steps_of_every_kind_give_one_value(make):
    schedule, step = make(), 3
    expected = float(schedule(step))
    kinds = [
        3.0,
        np.int64(3),
        np.float32(3),
        jnp.int32(3),
        jnp.uint8(3),
        jnp.bfloat16(3),
        Variable(3, dtype="int32", trainable=False),
    ]
    for kind in kinds:
        value = schedule(kind)
        assert value.shape == () and value.dtype == "float32"
        np.testing.assert_allclose(value, expected, rtol=1e-6)
    np.testing.assert_allclose(jax.jit(schedule)(3), expected, rtol=1e-5)
    steps = jnp.arange(4)
    np.testing.assert_allclose(jax.vmap(schedule)(steps)[3], expected, rtol=1e-5)


@pytest.mark.parametrize("make", ALL)
def test_schedules_never_leave_float32_under_half_precision_and_follow_float64(make):
    config.set_floatx("bfloat16")
    assert make()(1000).dtype == "float32"
    with jax.enable_x64(True):
        config.set_floatx("float64")
        assert make()(3).dtype == "float64"


@pytest.mark.parametrize("make", ALL)
def test_configs_are_plain_and_go_round(make):
    schedule = make()
    entry = schedules.serialize(schedule)
    assert entry["module"] == "keras.optimizers.schedules"
    again = schedules.deserialize(entry)
    assert type(again) is type(schedule) and again.get_config() == schedule.get_config()
    by_hand = {"class_name": type(schedule).__name__, "config": schedule.get_config()}
    assert float(schedules.get(by_hand)(3)) == float(schedule(3))


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (schedules.ExponentialDecay(0.1, 5, 0.5), optax.exponential_decay(0.1, 5, 0.5)),
        (schedules.CosineDecay(0.1, 8, alpha=0.1), optax.cosine_decay_schedule(0.1, 8, 0.1)),
        (
            schedules.PolynomialDecay(0.1, 8, 0.01, power=2.0),
            optax.polynomial_schedule(0.1, 0.01, 2.0, 8),
        ),
        (
            schedules.CosineDecay(0.01, 6, warmup_target=0.1, warmup_steps=4),
            optax.warmup_cosine_decay_schedule(0.01, 0.1, 4, 10),
        ),
    ],
)
def test_the_curves_are_optaxs(ours, theirs):
    steps = jnp.arange(12)
    np.testing.assert_allclose(jax.vmap(ours)(steps), jax.vmap(theirs)(steps), rtol=1e-5, atol=1e-8)


def test_schedules_are_optax_schedules_and_optimizers_take_optaxs():
    ours = schedules.PiecewiseConstantDecay([0], [1.0, 0.5])
    transformation = optax.sgd(ours)
    state = transformation.init(jnp.zeros(1))
    for expected in (-1.0, -0.5):
        updates, state = transformation.update(jnp.ones(1), state)
        assert updates.tolist() == [expected]
    optimizer = optimizers.SGD(optax.piecewise_constant_schedule(1.0, {1: 0.5}))
    params, state = jnp.zeros(1), optimizer.init(jnp.zeros(1))
    for _ in range(2):
        params, state = optimizer.update(jnp.ones(1), state, params)
    assert params.tolist() == [-1.5]


@pytest.mark.parametrize("name", ["SGD", "Adam", "Lion"])
def test_a_scheduled_rate_counts_single_steps_as_in_keras(keras, name):
    arguments = {"boundaries": [1, 3], "values": [0.5, 0.25, 0.125]}
    grads = [np.full(2, g, "float32") for g in (1.0, -0.5, 2.0, 1.0, 1.0)]
    for more in ({}, {"gradient_accumulation_steps": 2}):
        theirs = getattr(keras.optimizers, name)(
            keras.optimizers.schedules.PiecewiseConstantDecay(**arguments), **more
        )
        ours = getattr(optimizers, name)(schedules.PiecewiseConstantDecay(**arguments), **more)
        v, w = Variable([1.0, 1.0]), keras.Variable([1.0, 1.0])
        theirs.build([w])
        params, own = [w.value], [x.value for x in theirs.variables]
        for g in grads:
            ours.apply([g], [v])
            params, own = theirs.stateless_apply(own, [jnp.asarray(g)], params)
            np.testing.assert_allclose(v.numpy(), params[0], rtol=1e-5)


@pytest.mark.parametrize(
    ("value", "expected"),
    [(1, 1), (0.5, 0.5), (np.float32(0.5), 0.5), (jnp.float32(0.5), 0.5), (Variable(0.5), 0.5)],
)
def test_constants_of_a_schedule_are_plain_numbers(value, expected):
    assert number(value, "x") == expected and isinstance(
        number(value, "x"), (int, float, np.number)
    )


@pytest.mark.parametrize("value", [0, -1, float("nan"), "abc", None])
def test_counts_of_steps_are_above_zero(value):
    with pytest.raises(ValueError, match="Argument `steps` must be"):
        positive(value, "steps")


def test_a_base_schedule_has_neither_a_value_nor_a_subclasses_config():
    class Mine(schedules.LearningRateSchedule):
        def __init__(self, rate):
            self.rate = rate

        def __call__(self, step):
            return self.rate / (as_float(step) + 1)

        def get_config(self):
            return {"rate": self.rate}

    optimizer = optimizers.Adam(Mine(0.5))
    config = optimizer.get_config()
    again = optimizers.Adam.from_config(config, custom_objects={"Mine": Mine})
    assert float(again.learning_rate) == 0.5
    with pytest.raises(TypeError, match="not settable"):
        again.learning_rate = 0.1
    with pytest.raises(NotImplementedError, match="must override `__call__"):
        schedules.LearningRateSchedule()(1)
