import numpy as np
import pytest

import fkeras
from fkeras import layers
from fkeras.errors import UserInputError


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
def test_numbers_for_each_channel_are_kerass(keras, data_format):
    shape = (2, 4, 5, 3) if data_format == "channels_last" else (2, 3, 4, 5)
    images = np.random.default_rng(0).integers(0, 255, shape).astype("uint8")
    options = {"scale": [0.5, 1.0, 2.0], "offset": 0.1}
    try:
        for package in (fkeras, keras):
            package.config.set_image_data_format(data_format)
        rescaled = layers.Rescaling(**options)(images)
        expected = keras.layers.Rescaling(**options)(images)
    finally:
        for package in (fkeras, keras):
            package.config.set_image_data_format("channels_last")
    np.testing.assert_allclose(rescaled, expected, rtol=1e-6)


@pytest.mark.parametrize("scale", [2, 1 / 255, np.float32(0.5), np.array([1.0, 2.0, 3.0])], ids=str)
def test_configs_go_to_keras_and_back(keras, scale):
    layer = layers.Rescaling(scale, offset=np.array(0.5))
    images = np.ones((1, 2, 2, 3))
    for reader in (layers.Rescaling, keras.layers.Rescaling):
        again = reader.from_config(layer.get_config())
        np.testing.assert_allclose(again(images), layer(images), rtol=1e-6)
    theirs = keras.layers.Rescaling(scale, offset=np.array(0.5)).get_config()
    np.testing.assert_allclose(layers.Rescaling.from_config(theirs)(images), layer(images))


def test_integer_dtypes_are_refused_where_they_would_cut():
    assert layers.Rescaling(2, dtype="uint8")(np.array([1, 3], "uint8")).tolist() == [2, 6]
    with pytest.raises(UserInputError, match="'it'.*fractions would be cut.*float"):
        layers.Rescaling(1 / 255, dtype="uint8", name="it")
