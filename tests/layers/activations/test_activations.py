"""Activation layers: formulas written out, dtypes, learned slopes, softmax over axes and masks."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.special

import fkeras
from fkeras import layers

rng = np.random.default_rng(0)
X = np.array([[-3.0, -0.5, 0.0, 0.25, 0.5, 2.0, 7.0]], "float32")


@pytest.mark.parametrize(
    ("layer", "expected"),
    [
        (layers.ReLU(), np.maximum(X, 0)),
        (layers.ReLU(max_value=0.0), np.zeros_like(X)),
        (layers.ReLU(max_value=6), np.clip(X, 0, 6)),
        (layers.ReLU(negative_slope=0.1), np.where(X >= 0, X, 0.1 * X)),
        (layers.ReLU(threshold=0.5), np.where(X > 0.5, X, 0)),
        (layers.ReLU(6, 0.5, 1.0), np.where(X >= 1, np.minimum(X, 6), 0.5 * (X - 1))),
        (layers.LeakyReLU(), np.where(X >= 0, X, 0.3 * X)),
        (layers.LeakyReLU(0.0), np.maximum(X, 0)),
        (layers.ELU(), np.where(X > 0, X, np.expm1(X))),
        (layers.ELU(0.0), np.maximum(X, 0)),
        (layers.Softmax(), scipy.special.softmax(X, -1)),
        (layers.Activation("sigmoid"), scipy.special.expit(X)),
        (layers.Activation(None), X),
        (layers.Activation(np.square), X**2),
    ],
)
def test_a_formula_is_what_is_computed(layer, expected):
    np.testing.assert_allclose(layer(X), expected, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("name", ["ReLU", "LeakyReLU", "ELU", "PReLU", "Softmax"])
@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "int32"])
def test_dtypes_come_out_as_in_keras(keras, name, dtype):
    values = np.array([[-2, 0, 3]])
    if dtype == "int32":
        x, policy = values.astype("int32"), None
    else:
        x, policy = values.astype("float32"), dtype
    ours = getattr(layers, name)(dtype=policy)(x)
    theirs = getattr(keras.layers, name)(dtype=policy)(x)
    assert str(ours.dtype) == str(theirs.dtype)
    np.testing.assert_allclose(
        np.asarray(ours, "float32"), np.asarray(theirs, "float32"), rtol=1e-2, atol=1e-3
    )


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: layers.ReLU(max_value=-1.0), "max_value of a ReLU layer cannot be a negative"),
        (lambda: layers.ReLU(negative_slope=-1.0), "negative_slope of a ReLU layer cannot be None"),
        (lambda: layers.ReLU(threshold=None), "threshold of a ReLU layer cannot be None"),
        (lambda: layers.LeakyReLU(None), "Leaky ReLU layer cannot be None or negative"),
        (lambda: layers.LeakyReLU(-0.1), "negative_slope=-0.1"),
        (lambda: layers.Activation("rellu"), "rellu"),
        (lambda: layers.PReLU(shared_axes=[0]).build((2, 3)), r"axes from 1 to 1 .*\(2, 3\)"),
        (lambda: layers.PReLU(shared_axes=[-1]).build((2, 3)), "`shared_axes` must be axes"),
    ],
)
def test_mistakes_are_named(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_leaky_relu_takes_its_older_name_of_the_slope():
    with pytest.warns(UserWarning, match="`alpha` is deprecated"):
        layer = layers.LeakyReLU(alpha=0.5)
    assert layer.get_config()["negative_slope"] == 0.5
    np.testing.assert_array_equal(layer(-np.ones((1, 2), "float32")), [[-0.5, -0.5]])


@pytest.mark.parametrize(
    ("shared", "shape", "alpha"),
    [
        (None, (2, 3), (3,)),
        (None, (2, 3, 4), (3, 4)),
        (1, (2, 3, 4), (1, 4)),
        ([1, 2], (2, 3, 4, 5), (1, 1, 5)),
        ((1, 2, 3), (2, 3, 4, 5), (1, 1, 1)),
        (None, (2,), ()),
    ],
)
def test_prelu_learns_a_slope_where_axes_are_not_shared(shared, shape, alpha):
    layer = layers.PReLU(alpha_initializer=fkeras.initializers.Constant(0.25), shared_axes=shared)
    x = rng.normal(size=shape).astype("float32")
    np.testing.assert_allclose(layer(x), np.where(x > 0, x, 0.25 * x), rtol=1e-6)
    assert layer.alpha.shape == alpha
    variables = layer.init(jax.random.key(0), x)
    gradient = jax.grad(lambda v: layer.apply(v, x)[0].sum())(variables)["params"]["alpha"]
    axes = tuple(i for i in range(x.ndim) if i == 0 or alpha[i - 1] == 1)
    expected = np.minimum(x, 0).sum(axes, keepdims=True)[0]
    np.testing.assert_allclose(gradient, expected.reshape(alpha), rtol=1e-5, atol=1e-5)


def test_prelu_takes_images_of_any_size_where_it_shares_their_positions():
    layer = layers.PReLU(shared_axes=[1, 2])
    assert layer(fkeras.KerasTensor((None, None, None, 3))).shape == (None, None, None, 3)
    assert layer(np.ones((1, 2, 5, 3), "float32")).shape == (1, 2, 5, 3)
    with pytest.raises(ValueError, match="expected axis 3 of input shape to have value 3"):
        layer(np.ones((1, 2, 5, 4), "float32"))


@pytest.mark.parametrize("axis", [0, 1, -1, (1, 2), [0, 2], (0, 1, 2)])
def test_softmax_sums_to_1_over_its_axes(axis):
    x = rng.normal(size=(2, 3, 4)).astype("float32")
    axes = tuple(axis) if isinstance(axis, list) else axis
    y = layers.Softmax(axis)(x)
    np.testing.assert_allclose(y, scipy.special.softmax(x, axes), rtol=1e-5)
    mask = rng.random(x.shape) > 0.4
    masked = np.asarray(layers.Softmax(axis)(x, mask=jnp.asarray(mask)))
    weights = np.where(mask, np.exp(x), 0)
    total = weights.sum(axes, keepdims=True)
    expected = np.divide(weights, total, out=np.zeros_like(weights), where=total > 0)
    np.testing.assert_allclose(masked, expected, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("scale", [1e4, -1e4])
@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16"])
def test_softmax_neither_overflows_nor_underflows_to_nan(scale, dtype):
    x = scale * np.array([[1.0, 0.5, 0.0]], "float32")
    y = layers.Softmax(dtype=dtype)(x)
    assert np.isfinite(np.asarray(y, "float32")).all()
    assert float(np.asarray(y, "float32").sum()) == pytest.approx(1)


def test_softmax_broadcasts_a_mask_over_heads():
    scores = rng.normal(size=(2, 3, 4, 4)).astype("float32")  # (batch, heads, queries, keys)
    keys = jnp.array([[1, 1, 0, 0], [1, 0, 0, 0]], bool)[:, None, None, :]
    y = np.asarray(layers.Softmax()(scores, mask=keys))
    assert (y[0, ..., 2:] == 0).all() and (y[1, ..., 0] == 1).all()
    np.testing.assert_allclose(y.sum(-1), np.ones((2, 3, 4)), rtol=1e-6)
