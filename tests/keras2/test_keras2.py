"""The functions of Keras 2's backend, against NumPy."""

import jax
import numpy as np
import pytest

import fkeras
from fkeras import backend as K  # noqa: N812
from fkeras.errors import UserInputError

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
    def loss(y_pred):
        return K.mean(K.square(K.clip(y_pred, 0.0, 1.0) - K.sqrt(K.cast(one_hot, K.floatx()))))

    assert np.isfinite(jax.grad(loss)(p)).all()


ERRORS = [
    (lambda: K.batch_dot(x[0], x), "expected arrays of at least 2 axes"),
    (lambda: K.batch_dot(stack, stack, 0), "axis 0, the batch"),
    (lambda: K.batch_dot(stack, stack, (-3, 1)), "axis 0, the batch"),
    (lambda: K.bias_add(x, stack), "Unexpected bias dimensions 3"),
    (lambda: K.switch(stack > 0, x, x), "the condition has more axes"),
    (lambda: K.bias_add(stack, x[0], "channels"), "`data_format` argument must be one of"),
]


@pytest.mark.parametrize("use, message", ERRORS, ids=[message for _, message in ERRORS])
def test_wrong_arguments_are_explained(use, message):
    with pytest.raises(UserInputError, match=message):
        use()


@pytest.mark.parametrize("data_format, axes", [("channels_last", (1, 2, 3)), (None, (1, 2, 3))])
def test_volumes_are_padded_on_their_spatial_axes(data_format, axes):
    volume = np.ones((1, 2, 2, 2, 1), "float32")
    padded = np.asarray(K.spatial_3d_padding(volume, ((1, 0), (0, 1), (1, 1)), data_format))
    assert padded.shape == (1, 3, 3, 4, 1) and padded.sum() == 8


def test_gradients_stop():
    def loss(v):
        first, second = K.stop_gradient([v, 2 * v])
        return K.sum(first * second * v) + K.sum(K.stop_gradient(v))

    value = np.array([1.0, 2.0], "float32")
    np.testing.assert_allclose(jax.grad(loss)(value), 2 * value**2)


@pytest.mark.parametrize("flag", [True, False])
def test_a_scalar_condition_runs_one_branch_in_a_compiled_function(flag):
    choose = jax.jit(lambda flag: K.switch(flag, lambda: K.constant(1.0), lambda: K.constant(2.0)))
    assert float(choose(np.bool_(flag))) == (1.0 if flag else 2.0)


def test_symbolic_tensors_pass_through():
    inputs = fkeras.Input((3, 4))
    outputs = K.batch_dot(K.sqrt(inputs), K.permute_dimensions(inputs, (0, 2, 1)))
    assert outputs.shape == (None, 3, 3)
    model = fkeras.Model(inputs, K.clip(outputs, 0.0, 1.0))
    values = np.clip(np.sqrt(np.maximum(stack, 0)) @ stack.transpose(0, 2, 1), 0, 1)
    np.testing.assert_allclose(model(stack), values, rtol=1e-5, atol=1e-6)


def test_ctc_is_that_of_ops():
    random = np.random.default_rng(1)
    probabilities = random.dirichlet(np.ones(4), (2, 5)).astype("float32")
    labels = np.array([[0, 1], [2, 0]])
    cost = K.ctc_batch_cost(labels, probabilities, np.array([[5], [5]]), np.array([[2], [1]]))
    logits = np.log(probabilities + 1e-7)
    expected = fkeras.ops.ctc_loss(labels, logits, np.array([2, 1]), np.array([5, 5]), mask_index=3)
    assert cost.shape == (2, 1)
    np.testing.assert_allclose(np.asarray(cost)[:, 0], expected, rtol=1e-6)


def test_numpy_values_stay_numpy_in_floatx():
    assert isinstance(K.cast_to_floatx([1, 2]), np.ndarray)
    assert (
        K.cast_to_floatx(np.arange(2)).dtype == K.cast_to_floatx(K.constant(1)).dtype == "float32"
    )


def test_variables_of_random_numbers_follow_their_seed():
    first, second = (K.random_uniform_variable((3,), 0, 1, seed=4) for _ in range(2))
    np.testing.assert_array_equal(K.get_value(first), K.get_value(second))
    K.batch_set_value([(first, np.zeros(3)), (second, np.ones(3))])
    assert [v.tolist() for v in K.batch_get_value([first, second])] == [[0] * 3, [1] * 3]


def test_dropout_scales_what_is_left():
    dropped = np.asarray(K.dropout(np.ones(1000, "float32"), 0.25, seed=0))
    assert set(np.unique(dropped)) == {0, np.float32(1 / 0.75)}
    assert abs((dropped == 0).mean() - 0.25) < 0.05


def test_the_shape_of_a_symbolic_tensor_is_a_tuple_and_can_be_a_tensor():
    x = fkeras.Input((3, 4))
    assert K.shape(x) == (None, 3, 4) and K.int_shape(x)[1] == 3
    assert x.get_shape().as_list() == [None, 3, 4] and x.get_shape().ndims == 3
    count = K.prod(K.cast(K.shape(x), "float32"))
    assert float(K.function([x], [count])([np.zeros((2, 3, 4))])[0]) == 24.0
    assert K.cast(np.ones(2), "int32").dtype == "int32"
