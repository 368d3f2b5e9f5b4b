"""The functions of Keras 2's backend, against NumPy."""

import numpy as np
import pytest

import fkeras
from fkeras import backend as K  # noqa: N812

rng = np.random.default_rng(0)
x = rng.normal(size=(3, 4)).astype("float32")
stack = rng.normal(size=(2, 3, 4)).astype("float32")
p = np.array([[0.2, 0.5, 0.3], [0.1, 0.1, 0.8]], "float32")
one_hot = np.array([[0, 1, 0], [1, 0, 0]], "float32")

ROWS = {
    "argmax": (lambda: K.argmax(x), lambda: x.argmax(-1)),
    "argmin": (lambda: K.argmin(x), lambda: x.argmin(-1)),
    "cumsum": (lambda: K.cumsum(x), lambda: x.cumsum(0)),
    "cumprod": (lambda: K.cumprod(x), lambda: x.cumprod(0)),
    "clip": (lambda: K.clip(x, 0.1, None), lambda: np.maximum(x, 0.1)),
    "clip crossed": (lambda: K.clip(x, 0.5, 0.1), lambda: np.full_like(x, 0.5)),
    "sqrt": (lambda: K.sqrt(x), lambda: np.sqrt(np.maximum(x, 0))),
    "relu": (lambda: K.relu(x), lambda: np.maximum(x, 0)),
    "relu with all": (
        lambda: K.relu(x, 0.1, 0.5, 0.2),
        lambda: np.where(x > 0.2, np.minimum(x, 0.5), 0.1 * (x - 0.2)),
    ),
    "elu": (lambda: K.elu(x, 2.0), lambda: np.where(x > 0, x, 2 * np.expm1(x))),
    "hard_sigmoid": (lambda: K.hard_sigmoid(x), lambda: np.clip(0.2 * x + 0.5, 0, 1)),
    "l2_normalize": (
        lambda: K.l2_normalize(x, 1),
        lambda: x / np.linalg.norm(x, axis=1, keepdims=True),
    ),
    "in_top_k": (lambda: K.in_top_k(p, np.array([2, 0]), 2), lambda: [True, True]),
    "concatenate": (lambda: K.concatenate([x, x]), lambda: np.concatenate([x, x], -1)),
    "expand_dims": (lambda: K.expand_dims(x), lambda: x[..., None]),
    "flatten": (lambda: K.flatten(x), lambda: x.ravel()),
    "batch_flatten": (lambda: K.batch_flatten(stack), lambda: stack.reshape(2, 12)),
    "permute_dimensions": (
        lambda: K.permute_dimensions(stack, (0, 2, 1)),
        lambda: stack.transpose(0, 2, 1),
    ),
    "pow": (lambda: K.pow(x, 2), lambda: x**2),
    "repeat": (lambda: K.repeat(x, 2), lambda: np.stack([x, x], 1)),
    "repeat_elements": (lambda: K.repeat_elements(x, 2, 0), lambda: np.repeat(x, 2, 0)),
    "reverse": (lambda: K.reverse(x, 1), lambda: x[:, ::-1]),
    "gather": (lambda: K.gather(x, np.array([2, 0])), lambda: x[[2, 0]]),
    "temporal_padding": (
        lambda: K.temporal_padding(stack, (1, 2)),
        lambda: np.pad(stack, ((0, 0), (1, 2), (0, 0))),
    ),
    "spatial_2d_padding": (
        lambda: K.spatial_2d_padding(stack[None], ((1, 0), (0, 2)), "channels_first"),
        lambda: np.pad(stack[None], ((0, 0), (0, 0), (1, 0), (0, 2))),
    ),
    "bias_add": (lambda: K.bias_add(stack, x[0]), lambda: stack + x[0]),
    "bias_add channels first": (
        lambda: K.bias_add(stack, x[:, 0], "channels_first"),
        lambda: stack + x[:, :1],
    ),
    "dot": (lambda: K.dot(stack, x.T), lambda: stack @ x.T),
    "batch_dot": (
        lambda: K.batch_dot(stack, stack, (2, 2)),
        lambda: stack @ stack.transpose(0, 2, 1),
    ),
    "batch_dot of rows": (lambda: K.batch_dot(x, x, 1), lambda: (x * x).sum(1, keepdims=True)),
    "batch_dot of a row and a matrix": (
        lambda: K.batch_dot(stack[:, 0], stack.transpose(0, 2, 1)),
        lambda: np.einsum("bk,bnk->bn", stack[:, 0], stack),
    ),
    "categorical_crossentropy": (
        lambda: K.categorical_crossentropy(one_hot, p),
        lambda: [-np.log(0.5), -np.log(0.1)],
    ),
    "sparse_categorical_crossentropy": (
        lambda: K.sparse_categorical_crossentropy(np.array([1, 0]), p),
        lambda: [-np.log(0.5), -np.log(0.1)],
    ),
    "binary_crossentropy": (
        lambda: K.binary_crossentropy(one_hot, p),
        lambda: -np.log(np.where(one_hot == 1, p, 1 - p)),
    ),
    "switch": (lambda: K.switch(x[:, 0] > 0, x, -x), lambda: np.where(x[:, :1] > 0, x, -x)),
    "switch of functions": (lambda: K.switch(np.bool_(False), lambda: x, lambda: -x), lambda: -x),
    "map_fn": (lambda: K.map_fn(lambda row: row.sum(), x), lambda: x.sum(1)),
    "constant": (lambda: K.constant(2, shape=(2, 2)), lambda: np.full((2, 2), 2.0, "float32")),
    "eye": (lambda: K.get_value(K.eye(2)), lambda: np.eye(2, dtype="float32")),
    "arange": (lambda: K.arange(3), lambda: np.arange(3, dtype="int32")),
    "mean": (lambda: K.mean(x > 0, axis=0), lambda: (x > 0).mean(0).astype("float32")),
}


@pytest.mark.parametrize("ours, expected", ROWS.values(), ids=ROWS)
def test_function_equals_numpy(ours, expected):
    ours, expected = np.asarray(ours()), np.asarray(expected())
    assert ours.shape == expected.shape
    np.testing.assert_allclose(ours, expected, rtol=1e-5, atol=1e-6)


def test_variables_are_made_read_and_updated():
    v = K.variable([1.0, 2.0])
    K.set_value(v, [3.0, 4.0])
    K.update_add(v, [1.0, 1.0])
    K.moving_average_update(v, K.zeros((2,)), 0.5)
    np.testing.assert_allclose(K.get_value(v), [2.0, 2.5])
    assert (K.dtype(v), K.int_shape(v), K.ndim(v), K.count_params(v)) == ("float32", (2,), 1, 2)


@pytest.mark.parametrize(
    "name, arguments, mean, deviation",
    [
        ("random_normal", (2.0, 3.0), 2.0, 3.0),
        ("random_uniform", (1.0, 3.0), 2.0, 2 / 12**0.5),
        ("random_bernoulli", (0.25,), 0.25, (0.25 * 0.75) ** 0.5),
    ],
)
def test_random_numbers_have_their_distribution(name, arguments, mean, deviation):
    drawn = np.asarray(getattr(K, name)((4000,), *arguments))
    assert abs(drawn.mean() - mean) < 0.1 * deviation
    assert abs(drawn.std() - deviation) < 0.1 * deviation


def test_a_loss_written_with_the_backend_has_gradients():
    import jax

    def loss(y_pred):
        return K.mean(K.square(K.clip(y_pred, 0.0, 1.0) - K.sqrt(K.cast(one_hot, K.floatx()))))

    assert np.isfinite(jax.grad(loss)(p)).all()


def test_what_is_not_there_names_where_to_look():
    with pytest.raises(
        AttributeError, match="`fkeras.backend` has no 'rnn'. Look for it in `fkeras.ops`"
    ):
        _ = fkeras.backend.rnn
