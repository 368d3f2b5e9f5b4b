"""Learning rate schedules against Keras, step by step."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from fkeras import optimizers
from fkeras.core.values.variable import Variable
from fkeras.errors import UnknownNameError, UserTypeError
from fkeras.optimizers import schedules

ROWS = [
    ("ExponentialDecay", {"initial_learning_rate": 0.1, "decay_steps": 7, "decay_rate": 0.9}),
    (
        "ExponentialDecay",
        {"initial_learning_rate": 0.1, "decay_steps": 7, "decay_rate": 0.5, "staircase": True},
    ),
    ("InverseTimeDecay", {"initial_learning_rate": 0.1, "decay_steps": 7, "decay_rate": 0.9}),
    (
        "InverseTimeDecay",
        {"initial_learning_rate": 0.1, "decay_steps": 7, "decay_rate": 0.5, "staircase": True},
    ),
    ("PolynomialDecay", {"initial_learning_rate": 0.1, "decay_steps": 20}),
    (
        "PolynomialDecay",
        {
            "initial_learning_rate": 0.1,
            "decay_steps": 9,
            "end_learning_rate": 0.01,
            "power": 0.5,
            "cycle": True,
        },
    ),
    ("PiecewiseConstantDecay", {"boundaries": [3, 10, 11], "values": [1.0, 0.5, 0.25, 0.125]}),
    ("PiecewiseConstantDecay", {"boundaries": [4.5], "values": [3.0, 0.5], "name": "mine"}),
    ("CosineDecay", {"initial_learning_rate": 0.1, "decay_steps": 20}),
    (
        "CosineDecay",
        {
            "initial_learning_rate": 0.01,
            "decay_steps": 20,
            "alpha": 0.2,
            "warmup_target": 0.3,
            "warmup_steps": 6,
        },
    ),
    ("CosineDecay", {"initial_learning_rate": 0.01, "decay_steps": 20, "warmup_target": 0.3}),
    ("CosineDecayRestarts", {"initial_learning_rate": 0.1, "first_decay_steps": 5}),
    (
        "CosineDecayRestarts",
        {
            "initial_learning_rate": 0.1,
            "first_decay_steps": 6,
            "t_mul": 1.0,
            "m_mul": 0.5,
            "alpha": 0.1,
        },
    ),
]
STEPS = np.arange(41, dtype="int32")


@pytest.mark.parametrize(("name", "kwargs"), ROWS)
def test_schedules_equal_keras_at_every_step(keras, name, kwargs):
    ours, theirs = (
        getattr(schedules, name)(**kwargs),
        getattr(keras.optimizers.schedules, name)(**kwargs),
    )
    got = jax.jit(jax.vmap(ours))(STEPS)
    assert got.dtype == jnp.float32
    np.testing.assert_allclose(got, jax.jit(jax.vmap(theirs))(STEPS), rtol=2e-5, atol=2e-7)
    for step in (
        5,
        np.int64(5),
        jnp.int32(5),
        Variable(5, dtype="int32", trainable=False),
        Variable(5.0),
    ):
        np.testing.assert_allclose(ours(step), got[5], rtol=1e-5)
    assert ours.get_config() == theirs.get_config()
    again = schedules.deserialize(schedules.serialize(ours))
    assert type(again) is type(ours) and again.get_config() == ours.get_config()
    assert schedules.serialize(ours) == keras.optimizers.schedules.serialize(theirs)


def test_whole_numbers_as_rates_are_no_whole_number_arithmetic():
    """Keras casts `decay_rate` to the integer type of `initial_learning_rate=1`: the rate is 0 from
    the first step on.
    """
    assert float(schedules.ExponentialDecay(1, 10, 0.5)(10)) == 0.5


def test_schedules_inside_an_update_see_the_iteration():
    optimizer = optimizers.SGD(schedules.PiecewiseConstantDecay([0, 1], [1.0, 0.5, 0.25]))
    params, state = jnp.zeros(1), optimizer.init(jnp.zeros(1))
    assert sorted(state) == ["iteration"]

    def body(carry, _):
        return optimizer.update(jnp.ones(1), carry[1], carry[0]), None

    (params, state), _ = jax.lax.scan(body, (params, state), None, length=3)
    assert params.tolist() == [-1.75]


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: schedules.ExponentialDecay(0.1, 0, 0.9), "`decay_steps` must be > 0"),
        (lambda: schedules.CosineDecayRestarts(0.1, -1), "`first_decay_steps` must be > 0"),
        (lambda: schedules.PiecewiseConstantDecay([1], [1.0]), "1 less than the length"),
        (lambda: schedules.PiecewiseConstantDecay([5, 3], [1.0, 2.0, 3.0]), "must increase"),
        (lambda: schedules.CosineDecay("0.1x", 3), "must be a number"),
        (lambda: schedules.ExponentialDecay(-0.1, 1, 0.9), "`initial_learning_rate` must be 0 or"),
        (lambda: schedules.CosineDecay(0.1, 3, warmup_target=-1), "`warmup_target` must be 0 or"),
        (lambda: schedules.CosineDecayRestarts(-0.1, 3), "initial_learning_rate=-0.1"),
        (lambda: schedules.InverseTimeDecay(float("nan"), 3, 1), "initial_learning_rate=nan"),
        (lambda: schedules.PolynomialDecay(0.1, 3, -0.1), "`end_learning_rate` must be 0 or more"),
        (lambda: schedules.PiecewiseConstantDecay([1], [1.0, -1.0]), "`values` must be 0 or more"),
    ],
)
def test_wrong_arguments_are_refused(make, words):
    with pytest.raises(ValueError, match=words):
        make()


def test_schedules_by_config():
    schedule = schedules.CosineDecay(0.1, 10)
    assert schedules.get(None) is None and schedules.get(schedule) is schedule
    assert (
        schedules.get({"class_name": "CosineDecay", "config": schedule.get_config()}).get_config()
        == schedule.get_config()
    )
    with pytest.raises(UnknownNameError, match="Did you mean 'CosineDecay'"):
        schedules.get("CosineDecy")
    with pytest.raises(UserTypeError, match="given as an object"):
        schedules.get("CosineDecay")

    class Own(schedules.LearningRateSchedule):
        def __call__(self, step):
            return 1.0 / (step + 1)

    optimizer = optimizers.SGD(Own())
    v = Variable([0.0])
    optimizer.apply([[1.0]], [v])
    optimizer.apply([[1.0]], [v])
    assert v.numpy().tolist() == [-1.5]
    with pytest.raises(NotImplementedError, match="get_config"):
        optimizer.get_config()
    with pytest.raises(NotImplementedError, match="__call__"):
        schedules.LearningRateSchedule()(0)
