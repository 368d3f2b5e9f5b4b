import numpy as np
import pytest

from fkeras import Variable


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("autocast", False),
        ("overwrite_with_gradient", True),
        ("layout", "rows"),
        ("initializer", abs),
    ],
)
def test_settings_can_be_changed(name, value):
    v = Variable(1.0)
    setattr(v, name, value)
    assert getattr(v, name) == value == getattr(v.handle, name)


def test_trainable_is_a_bool_and_regularizers_must_be_callable():
    v = Variable(1.0)
    v.trainable = 0
    assert v.trainable is False
    v.regularizer, v.constraint = abs, None
    assert v.regularizer is abs and v.constraint is None
    with pytest.raises(ValueError, match="`regularizer`. Expected a `Regularizer` or `None`"):
        v.regularizer = "l2"
    with pytest.raises(ValueError, match="`constraint`. Expected a `Constraint` or `None`"):
        v.constraint = 3


def test_properties_are_seen_by_tools():
    assert isinstance(Variable.autocast, property) and "compute dtype" in Variable.autocast.__doc__
    assert {"name", "path", "shape", "dtype", "trainable", "layout"} <= set(dir(Variable))


def test_it_is_the_variable_of_keras_in_what_it_says(keras):
    from keras import Variable as KerasVariable

    ours, theirs = Variable(np.ones((2, 3)), name="v"), KerasVariable(np.ones((2, 3)), name="v")
    for name in ("name", "path", "ndim", "trainable", "aggregation", "dtype"):
        assert getattr(ours, name) == getattr(theirs, name), name
    assert tuple(ours.shape) == tuple(theirs.shape)
