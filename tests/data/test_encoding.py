import numpy as np
import pytest

from fkeras import ops
from fkeras.errors import UserInputError
from fkeras.utils import normalize, to_categorical

IDS = [
    ([0, 2, 1], None),
    (np.array([[1], [0]], "uint8"), 3),
    (np.array([1.0, 0.0]), None),
    (np.arange(6).reshape(2, 3), 7),
    (np.zeros((2, 3, 1), int), 1),
    (np.int64(2), 4),
    ([], 3),
]


@pytest.mark.parametrize("ids, num_classes", IDS)
def test_to_categorical_equals_keras(keras, ids, num_classes):
    ours, theirs = to_categorical(ids, num_classes), keras.utils.to_categorical(ids, num_classes)
    assert ours.dtype == theirs.dtype
    np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize(
    "ids, num_classes, message",
    [
        ([0, -1], None, "from -1 to 0"),
        ([0, 3], 3, r"must be in \[0, 3\)"),
        ([0.5, 1.0], None, "whole numbers"),
        ([np.nan], None, "whole numbers"),
    ],
)
def test_to_categorical_refuses_what_is_no_class_id(ids, num_classes, message):
    with pytest.raises(UserInputError, match=message):
        to_categorical(ids, num_classes)


def test_to_categorical_of_a_jax_array_infers_the_number_of_classes():
    np.testing.assert_array_equal(to_categorical(ops.array([2, 0])), [[0, 0, 1], [1, 0, 0]])


@pytest.mark.parametrize("order", [1, 2, 3, np.inf])
def test_normalize_equals_keras_on_numpy(keras, order):
    x = np.random.default_rng(0).normal(size=(3, 4))
    x[0] = x[:, 1] = 0
    expected = keras.utils.normalize(x, -1, order)
    np.testing.assert_allclose(normalize(x, -1, order), expected, rtol=1e-12)
    # Keras 3.15 cannot do axis 0.
    np.testing.assert_allclose(normalize(x.T, 0, order), expected.T, rtol=1e-12)
