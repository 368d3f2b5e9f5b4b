import jax
import numpy as np
import pytest

from fkeras.data.smart_resize import smart_resize
from fkeras.errors import UserInputError

X = np.random.default_rng(1).uniform(size=(2, 9, 14, 3)).astype("float32")


@pytest.mark.parametrize("size", [(20, 4), (4, 20)])
@pytest.mark.parametrize("is_batch", [True, False])
def test_what_does_not_fit_is_cut_off(keras, size, is_batch):
    theirs = keras.preprocessing.image.smart_resize
    x = X if is_batch else X[0]
    result = smart_resize(x, size, "nearest")
    assert isinstance(result, np.ndarray)
    np.testing.assert_allclose(result, theirs(x, size, "nearest"), atol=1e-5)
    first = np.moveaxis(x, -1, -3)
    result = smart_resize(jax.numpy.asarray(first), size, data_format="channels_first")
    assert isinstance(result, jax.Array)
    np.testing.assert_allclose(np.moveaxis(result, -3, -1), smart_resize(x, size), atol=1e-6)


@pytest.mark.parametrize(
    "arguments, said",
    [
        ((X, (3,)), "tuple of 2 integers"),
        ((X[0, 0], (3, 3)), "incorrect rank"),
        ((X, (3, 3), "cubic"), "interpolation"),
    ],
)
def test_wrong_arguments(arguments, said):
    with pytest.raises(UserInputError, match=said):
        smart_resize(*arguments)
    with pytest.raises(TypeError, match="unexpected keyword"):
        smart_resize(X, (3, 3), backend=None)
