"""A row for each constraint: values, dtypes and configs are Keras's."""

import jax.numpy as jnp
import numpy as np
import pytest

import fkeras
from fkeras import constraints

W = np.random.RandomState(0).normal(size=(3, 2, 4)).astype("float32") * 2
W[:, 0, 0] = 0.0
ROWS = [
    ("Constraint", {}),
    ("NonNeg", {}),
    ("UnitNorm", {}),
    ("UnitNorm", {"axis": [0, 1]}),
    ("MaxNorm", {}),
    ("MaxNorm", {"max_value": 0.7, "axis": -1}),
    ("MinMaxNorm", {}),
    ("MinMaxNorm", {"min_value": 1.5, "max_value": 2.0, "rate": 0.3, "axis": 1}),
]


@pytest.mark.parametrize("name, arguments", ROWS)
def test_values_and_configs_are_kerass(name, arguments, keras):
    ours, theirs = (getattr(room, name)(**arguments) for room in (constraints, keras.constraints))
    for dtype, tolerance in (("float32", 1e-6), ("bfloat16", 2e-2)):
        w = jnp.asarray(W, dtype)
        got = ours(w)
        assert got.dtype == dtype
        np.testing.assert_allclose(
            np.asarray(got, "float32"),
            np.asarray(theirs(w), "float32"),
            rtol=tolerance,
            atol=tolerance,
        )
    np.testing.assert_allclose(
        ours(fkeras.Variable(W)), theirs(jnp.asarray(W)), rtol=1e-6, atol=1e-6
    )
    config = constraints.serialize(ours)
    assert config == keras.constraints.serialize(theirs)
    for again in (constraints.deserialize(config), constraints.get(config)):
        assert type(again) is type(ours) and again.get_config() == ours.get_config()


def test_every_name_of_keras_finds_the_class_of_keras(keras):
    from keras.src.constraints import ALL_OBJECTS_DICT

    for name, cls in ALL_OBJECTS_DICT.items():
        assert type(constraints.get(name)).__name__ == cls.__name__
    assert isinstance(constraints.get(constraints.NonNeg), constraints.NonNeg)
    assert constraints.get(None) is None and constraints.get(jnp.abs) is jnp.abs


def test_a_registered_constraint_is_found_by_name():
    @fkeras.saving.register_keras_serializable("mine")
    class Halved(constraints.Constraint):
        def __call__(self, w):
            return w / 2

    assert isinstance(constraints.get("mine>Halved"), Halved)
    assert isinstance(constraints.get(constraints.serialize(Halved())), Halved)


@pytest.mark.parametrize(
    "call, message",
    [
        (
            lambda: constraints.get("max_nrom"),
            "Unknown constraint 'max_nrom'. Did you mean 'max_norm'",
        ),
        (lambda: constraints.get(3), "Could not interpret constraint identifier: 3"),
    ],
)
def test_what_cannot_be_right_is_said(call, message):
    with pytest.raises(ValueError, match=message):
        call()
