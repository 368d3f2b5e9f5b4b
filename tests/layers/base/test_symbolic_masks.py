"""`_keras_mask` of symbolic tensors: what a replay of the graph finds."""

import numpy as np
import pytest

import fkeras
from fkeras import layers, ops
from fkeras.layers.base.symbolic_masks import symbolic_mask_of

IDS = np.array([[1, 2, 0, 0], [3, 1, 2, 0]])


def embedded():
    inputs = fkeras.Input((None,), dtype="int32")
    return inputs, layers.Embedding(5, 2, mask_zero=True)(inputs)


def test_its_shape_is_that_of_the_mask():
    inputs, x = embedded()
    assert x._keras_mask.shape == (None, None) and x._keras_mask.dtype == "bool"
    assert x._keras_mask is x._keras_mask  # one tensor
    y = layers.LSTM(3, return_sequences=True)(x)
    assert y._keras_mask.shape == (None, None)
    assert layers.LSTM(3)(x)._keras_mask is None and inputs._keras_mask is None
    assert symbolic_mask_of(fkeras.KerasTensor((2, 3))) is None


def test_it_is_a_value_of_the_graph():
    inputs, x = embedded()
    lengths = ops.sum(ops.cast(x._keras_mask, "float32"), axis=1)
    means = layers.GlobalAveragePooling1D()(x, mask=x._keras_mask)
    model = fkeras.Model(inputs, [lengths, means])
    again = fkeras.Model.from_config(model.get_config())
    again.set_weights(model.get_weights())
    for either in (model, again, fkeras.models.clone_model(model)):
        assert either.predict(IDS, verbose=0)[0].tolist() == [2, 3]
    expected = fkeras.Model(inputs, layers.GlobalAveragePooling1D()(x))(IDS)
    np.testing.assert_allclose(again(IDS)[1], expected, rtol=1e-6)


def test_it_is_found_inside_of_models():
    inputs, x = embedded()
    inner = fkeras.Model(inputs, x)
    outer = fkeras.Input((4,), dtype="int32")
    assert inner(outer)._keras_mask.shape == (None, 4)


def test_setting_it_is_an_error():
    _, x = embedded()
    with pytest.raises(TypeError, match="cannot be set.*mask=mask"):
        x._keras_mask = x


def test_it_survives_another_dtype_policy():
    inputs, x = embedded()
    y = layers.LSTM(3, return_sequences=True, dtype="float16")(x)
    assert y._keras_mask.shape == (None, None)
