"""What there was around sessions does nothing, and says so; settings have former names."""

import pytest

import fkeras
from fkeras import backend as K  # noqa: N812
from fkeras.errors import UserInputError


@pytest.mark.parametrize(
    "call",
    [
        lambda: K.set_session(None),
        lambda: K.manual_variable_initialization(True),
        lambda: K.set_learning_phase(1),
    ],
)
def test_it_has_no_effect_and_says_so(call):
    with pytest.warns(UserWarning, match="no effect|does not reach"):
        assert call() is None
    K.set_learning_phase(0)


def test_a_session_can_be_opened_and_closed_and_runs_nothing():
    with pytest.warns(UserWarning, match="no sessions"):
        K.get_session.cache_clear()
        session = K.get_session()
    with session as inner:
        assert inner is session and session.run([]) is None
        with pytest.raises(UserInputError, match="K.function"):
            session.run("loss")
    session.close()


def test_former_names_of_settings():
    assert K.image_dim_ordering() == "tf"
    K.set_image_dim_ordering("th")
    assert fkeras.config.image_data_format() == "channels_first"
    K.set_image_dim_ordering("tf")
    assert fkeras.config.image_data_format() == "channels_last"
    with pytest.raises(UserInputError, match="'caffe'"):
        K.set_image_dim_ordering("caffe")


def test_what_a_thing_is():
    assert K.is_tensor(K.constant(1.0)) and not K.is_tensor(1.0)
    assert K.is_variable(K.variable(1.0)) and not K.is_variable(K.constant(1.0))
    assert K.get_variable_shape(K.zeros((2, 3))) == (2, 3)
    assert K.is_placeholder(K.placeholder((None, 2))) and not K.is_placeholder(K.constant(1.0))
    assert K.placeholder(ndim=3).shape == (None, None, None)
    with pytest.raises(UserInputError, match="`shape` or `ndim`"):
        K.placeholder()
    K.reset_uids()
    assert fkeras.layers.Dense(1).name == "dense"
