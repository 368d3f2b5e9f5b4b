import jax.numpy as jnp
import numpy as np
import pytest

import fkeras
from fkeras import config
from fkeras.core import settings


@pytest.mark.parametrize("dtype", settings.FLOAT_TYPES[:3])
def test_floatx_is_what_variables_and_layers_are_made_in(dtype):
    config.set_floatx(dtype)
    assert config.floatx() == dtype
    assert fkeras.Variable(1.0).dtype == dtype
    layer = fkeras.layers.Dense(2)
    layer.build((None, 3))
    assert layer.kernel.dtype == dtype == layer.compute_dtype


@pytest.mark.parametrize("dtype", ["float8", "int32", None, 32])
def test_a_floatx_that_is_no_float_is_an_error(dtype):
    with pytest.raises(ValueError, match="Unknown `floatx` value"):
        config.set_floatx(dtype)


def test_epsilon_is_what_losses_keep_logarithms_finite_with():
    loss = lambda: float(fkeras.losses.binary_crossentropy(jnp.ones((1,)), jnp.zeros((1,))))
    assert config.epsilon() == 1e-7
    np.testing.assert_allclose(loss(), -np.log(1e-7), rtol=1e-4)
    config.set_epsilon(1e-3)
    np.testing.assert_allclose(loss(), -np.log(1e-3), rtol=1e-4)


def test_the_image_format_decides_which_axis_holds_channels():
    config.set_image_data_format("channels_first")
    assert config.image_data_format() == "channels_first"
    layer = fkeras.layers.GlobalAveragePooling2D()
    assert layer.compute_output_shape((None, 3, 8, 8)) == (None, 3)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, "channels_last"),
        ("channels_first", "channels_first"),
        ("CHANNELS_LAST", "channels_last"),
    ],
)
def test_data_formats_in_any_case_and_none(value, expected):
    assert settings.standardize_data_format(value) == expected


@pytest.mark.parametrize("value", ["last", "", 3])
def test_an_unknown_data_format_is_an_error(value):
    with pytest.raises(ValueError, match="`data_format` argument must be one of"):
        settings.standardize_data_format(value)
    with pytest.raises(ValueError, match="`data_format`"):
        settings.set_image_data_format(value)
