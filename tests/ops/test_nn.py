"""`ops.nn` against Keras, row by row, and what Keras cannot vouch for."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from fkeras import ops
from fkeras.core.symbolic.keras_tensor import KerasTensor
from fkeras.errors import UserInputError

rng = np.random.default_rng(0)


def normal(*shape):
    return rng.normal(size=shape).astype("float32")


def positive(*shape):
    return rng.uniform(0.1, 1.0, shape).astype("float32")


def ids(high, *shape):
    return rng.integers(0, high, shape).astype("int32")


X = normal(2, 3, 4) * 3
PROBABILITIES = positive(3, 5)
TARGETS = np.eye(5, dtype="float32")[[1, 0, 4]]
SIGNAL, IMAGES, VOLUMES = normal(2, 9, 3), normal(2, 7, 8, 3), normal(2, 5, 6, 4, 2)
FIRST = {"data_format": "channels_first"}

# (op, arguments, options of `contract` and keyword arguments)
ELEMENTWISE = (
    "relu relu6 sigmoid sparse_sigmoid softplus softsign soft_shrink sparse_plus silu swish "
    "squareplus log_sigmoid leaky_relu hard_sigmoid hard_silu hard_swish elu selu gelu celu glu "
    "tanh_shrink hard_tanh hard_shrink softmax log_softmax"
).split()
ROWS = [(f"nn.{name}", (X,), {}) for name in ELEMENTWISE] + [
    ("softmax", (X,), {"axis": 1}),
    ("softmax", (X,), {"axis": (0, 2)}),
    ("softmax", (X,), {"axis": None, "batch": ()}),
    ("log_softmax", (X,), {"axis": (1, 2)}),
    ("glu", (normal(2, 4, 3),), {"axis": 1}),
    ("gelu", (X,), {"approximate": False}),
    ("elu", (X,), {"alpha": 0.3}),
    ("leaky_relu", (X,), {"negative_slope": 0.7}),
    ("threshold", (X, 0.5, -2.0), {}),
    ("sparsemax", (np.array([[-0.5, 0.0, 3.0], [4.0, 1.0, 0.0]], "float32"),), {}),
    ("polar", (positive(3), normal(3)), {"grad": (), "low": False, "batch": ()}),
    # pooling
    ("max_pool", (SIGNAL, 2, 2), {}),  # Keras 3.15 fails without strides
    ("max_pool", (IMAGES, (3, 2)), {"strides": 2, "padding": "same"}),
    ("max_pool", (IMAGES, 2), {"strides": (1, 3), **FIRST}),
    ("max_pool", (VOLUMES, 2), {"strides": 1}),
    ("average_pool", (SIGNAL, 4), {"strides": 2}),
    ("average_pool", (IMAGES, (3, 2)), {"strides": 2, "padding": "same"}),
    ("average_pool", (IMAGES, 3), {"strides": 3, "padding": "same", **FIRST}),
    ("adaptive_average_pool", (SIGNAL, (4,)), {"batch": ()}),
    ("adaptive_average_pool", (IMAGES, (3, 5)), {"batch": ()}),
    ("adaptive_average_pool", (VOLUMES, (2, 4, 3)), {"batch": (), **FIRST}),
    ("adaptive_max_pool", (SIGNAL, (4,)), {"batch": (), **FIRST}),
    ("adaptive_max_pool", (IMAGES, (3, 5)), {"batch": ()}),
    # convolution
    ("conv", (SIGNAL, normal(3, 3, 4)), {"grad": (0, 1), "padding": "same"}),
    ("conv", (IMAGES, normal(3, 2, 3, 4)), {"grad": (0, 1), "strides": 2}),
    ("conv", (IMAGES, normal(3, 2, 3, 4)), {"dilation_rate": (1, 2), "padding": "same"}),
    (
        "conv",
        (normal(2, 4, 7, 8), normal(3, 3, 2, 6)),
        {"strides": (2, 1), "batch": (), **FIRST},
    ),  # two groups
    ("conv", (VOLUMES, normal(2, 3, 1, 2, 4)), {"grad": (0, 1)}),
    ("conv", (ids(5, 2, 9, 3), normal(3, 3, 4)), {"grad": (1,)}),
    (
        "depthwise_conv",
        (IMAGES, normal(3, 2, 3, 2)),
        {"grad": (0, 1), "strides": 2, "padding": "same"},
    ),
    ("depthwise_conv", (SIGNAL, normal(3, 3, 1)), {"dilation_rate": 2}),
    (
        "separable_conv",
        (IMAGES, normal(3, 3, 3, 2), normal(1, 1, 6, 5)),
        {"grad": (0, 1, 2), "strides": 2},
    ),
    ("conv_transpose", (SIGNAL, normal(4, 5, 3), 3), {"grad": (0, 1)}),
    ("conv_transpose", (SIGNAL, normal(3, 5, 3), 2), {"padding": "same", "output_padding": 0}),
    ("conv_transpose", (IMAGES, normal(2, 3, 4, 3), (3, 2)), {"padding": "same", "grad": (0, 1)}),
    ("conv_transpose", (normal(2, 3, 5, 4), normal(2, 3, 4, 3), 2), {"padding": "same", **FIRST}),
    ("conv_transpose", (IMAGES, normal(3, 2, 4, 3), 3), {"output_padding": (1, 2)}),
    ("conv_transpose", (IMAGES, normal(2, 3, 4, 3), 1), {"dilation_rate": 2, "padding": "same"}),
    # blocks
    ("unfold", (normal(2, 3, 5, 6), (2, 3)), {"stride": (1, 2), "padding": (1, 0), "rtol": 1e-6}),
    ("unfold", (normal(2, 3, 7, 6), 2), {"dilation": 2}),
    ("fold", (normal(2, 12, 6), (3, 4), 2), {"grad": (0,), "low": False}),
    (
        "fold",
        (normal(2, 12, 9), (5, 5), (2, 2)),
        {"stride": 2, "padding": 1, "dilation": 1, "low": False},
    ),
    ("depth_to_space", (normal(2, 3, 4, 8), 2), {}),
    ("depth_to_space", (normal(2, 8, 3, 4), 2), FIRST),
    ("space_to_depth", (normal(2, 6, 4, 3), 2), {}),
    ("space_to_depth", (normal(2, 3, 6, 4), 2), FIRST),
    # encodings
    ("one_hot", (ids(5, 2, 3) - 1, 4), {"grad": ()}),
    ("one_hot", (ids(5, 2, 3), 5), {"grad": (), "axis": 1, "dtype": "int32"}),
    ("multi_hot", (ids(5, 2, 3), 5), {"grad": ()}),
    ("multi_hot", (ids(5, 4), 5), {"grad": (), "dtype": "bool", "batch": ()}),
    # crossentropies
    ("binary_crossentropy", (positive(3, 4), positive(3, 4)), {"grad": (0, 1), "batch": (0, 1)}),
    (
        "binary_crossentropy",
        (np.array([0.0, 1.0], "float32"), np.array([0.0, 0.0], "float32")),
        {"batch": ()},
    ),  # clipped
    (
        "binary_crossentropy",
        (positive(3, 4), normal(3, 4) * 5),
        {"grad": (0, 1), "from_logits": True, "batch": (0, 1)},
    ),
    ("categorical_crossentropy", (TARGETS, PROBABILITIES), {"grad": (0, 1), "batch": (0, 1)}),
    (
        "categorical_crossentropy",
        (TARGETS, PROBABILITIES * TARGETS),
        {"grad": (), "batch": (0, 1)},
    ),  # clipped
    (
        "categorical_crossentropy",
        (TARGETS, normal(3, 5) * 5),
        {"grad": (1,), "from_logits": True, "batch": (0, 1)},
    ),
    (
        "sparse_categorical_crossentropy",
        (ids(5, 3), PROBABILITIES),
        {"grad": (1,), "batch": (0, 1)},
    ),
    (
        "sparse_categorical_crossentropy",
        (ids(5, 3, 1), normal(3, 5)),
        {"grad": (1,), "from_logits": True, "batch": (0, 1)},
    ),
    # normalization
    ("moments", (X, [0, 1]), {"batch": ()}),
    ("moments", (X, 2), {"keepdims": True, "batch": ()}),
    ("batch_normalization", (X, normal(4), positive(4), -1), {"grad": (0, 1, 2), "batch": ()}),
    (
        "batch_normalization",
        (X, normal(3), positive(3), 1, normal(3), positive(3), 1e-2),
        {"grad": (0, 4, 5)},
    ),
    ("normalize", (X,), {}),
    ("normalize", (X,), {"axis": (0, 1), "order": 2}),
    ("normalize", (X,), {"order": 3, "low": False}),
    ("rms_normalization", (X, normal(4)), {"grad": (0, 1)}),
    ("rms_normalization", (X,), {"axis": (1, 2), "epsilon": 0.1}),
    ("layer_normalization", (X, normal(4), normal(4)), {"grad": (0, 1, 2)}),
    (
        "layer_normalization",
        (X, normal(3, 4), None),
        {"axis": (1, 2), "epsilon": 0.1, "grad": (0, 1)},
    ),
    ("layer_normalization", (X,), {"axis": 1}),
    # attention: (batch, positions, heads, depth)
    (
        "dot_product_attention",
        (normal(2, 5, 4, 6), normal(2, 7, 4, 6), normal(2, 7, 4, 6)),
        {"grad": (0, 1, 2), "batch": (0, 1, 2)},
    ),
    (
        "dot_product_attention",
        (normal(2, 5, 4, 6), normal(2, 7, 2, 6), normal(2, 7, 2, 6)),
        {"scale": 0.3, "is_causal": True, "batch": ()},
    ),
    (
        "dot_product_attention",
        (
            normal(2, 5, 4, 6),
            normal(2, 7, 4, 6),
            normal(2, 7, 4, 6),
            normal(2, 4, 5, 7),
            ids(2, 2, 1, 5, 7) > 0,
        ),
        {"grad": (0, 3), "batch": ()},
    ),
    # CTC
    (
        "ctc_loss",
        (ids(3, 2, 3) + 1, normal(2, 6, 4), np.array([3, 2]), np.array([6, 5])),
        {"grad": (1,), "batch": ()},
    ),
    ("ctc_decode", (normal(2, 6, 4), np.array([6, 4])), {"grad": (), "batch": ()}),
    (
        "ctc_decode",
        (normal(2, 6, 4), np.array([6, 4]), "greedy"),
        {"grad": (), "batch": (), "merge_repeated": False, "mask_index": None},
    ),
    (
        "ctc_decode",
        (normal(2, 6, 4), np.array([6, 4]), "beam_search", 5, 3),
        {"grad": (), "batch": (), "low": False},
    ),
    ("psnr", (positive(3, 4), positive(3, 4), 1.0), {"grad": (0, 1), "batch": ()}),
]


@pytest.mark.filterwarnings("ignore:You are using a softmax over axis")
@pytest.mark.parametrize(
    ("name", "args", "options"), ROWS, ids=[f"{i}-{r[0]}" for i, r in enumerate(ROWS)]
)
def test_an_op_equals_keras(contract, name, args, options):
    contract(name, *args, **options)


# -- errors say what was expected, what came and what to do --------------------

ERRORS = [
    (lambda: ops.glu(X[..., :3]), r"axis -1 .* must be even.*\(2, 3, 3\)"),
    (lambda: ops.softmax(X, axis=3), "axis 3 is out of bounds"),
    (lambda: ops.max_pool(IMAGES, (2, 2, 2)), "`pool_size` must be an int or 2 ints"),
    (lambda: ops.max_pool(IMAGES, 2, padding="full"), "Invalid padding 'full'"),
    (lambda: ops.max_pool(X[0], 2), "rank 3 or more"),
    (lambda: ops.conv(IMAGES, normal(3, 3, 5, 4)), "input channels=3, kernel input channels=5"),
    (lambda: ops.conv(IMAGES, normal(3, 5, 4)), "of the same rank"),
    (
        lambda: ops.conv(normal(2, 5, 5, 4), normal(3, 3, 2, 3)),
        "2 groups .* must divide the kernel's 3 filters",
    ),
    (lambda: ops.conv(IMAGES, normal(9, 9, 3, 4)), "empty output.*padding='same'"),
    (
        lambda: ops.depthwise_conv(IMAGES, normal(3, 3, 1, 4)),
        "must match the kernel's input channels",
    ),
    (
        lambda: ops.conv_transpose(IMAGES, normal(3, 3, 3, 4)),
        "must match the kernel's input channels",
    ),
    (lambda: ops.unfold(X, 2), "must be a 4D tensor"),
    (lambda: ops.fold(normal(2, 12, 5), (3, 4), 2), "make 6 windows.*so 5"),
    (lambda: ops.fold(normal(2, 11, 6), (3, 4), 2), "divisible by the kernel's 4 positions"),
    (lambda: ops.depth_to_space(normal(2, 3, 4, 6), 2), r"divisible by block_size\*\*2"),
    (lambda: ops.space_to_depth(normal(2, 3, 4, 6), 2), r"Height \(3\) must be divisible"),
    (lambda: ops.one_hot([1, 2], 3, axis=2), "axis must be -1 or between 0 and 1"),
    (lambda: ops.multi_hot([1, 2]), "`num_classes` must be specified"),
    (
        lambda: ops.categorical_crossentropy([1, 2, 0], PROBABILITIES),
        "use `sparse_categorical_crossentropy`",
    ),
    (
        lambda: ops.sparse_categorical_crossentropy(TARGETS, PROBABILITIES),
        "use `categorical_crossentropy`",
    ),
    (
        lambda: ops.sparse_categorical_crossentropy([0, 5, 1], PROBABILITIES),
        r"must lie in \[0, 5\).*Received 5 at index \(1,\)",
    ),
    (lambda: ops.sparse_categorical_crossentropy([1, 5, 2], PROBABILITIES), "look one-based"),
    (lambda: ops.sparse_categorical_crossentropy([0, -1, 1], PROBABILITIES), "Received -1"),
    (
        lambda: ops.batch_normalization(X, normal(3), normal(4), -1),
        r"`mean` must be a vector.*\(4,\).*\(3,\)",
    ),
    (lambda: ops.normalize(X, order=2.5), "`order` must be an int >= 1"),
    (lambda: ops.layer_normalization(X, normal(3, 4)), "one axis for each of axis"),
    (lambda: ops.layer_normalization(X, eps=1), r"unexpected arguments \['eps'\]"),
    (lambda: ops.dot_product_attention(X, X, X), "only supports 4D inputs"),
    (
        lambda: ops.ctc_loss(ids(3, 2, 3), normal(3, 6, 4), [3, 3], [6, 6]),
        "must have the same first dimension",
    ),
    (lambda: ops.ctc_decode(normal(2, 6, 4), [6, 6], "viterbi"), "Invalid strategy viterbi"),
    (
        lambda: ops.ctc_decode(normal(2, 6, 4), [6, 6], "beam_search", 3, 4),
        "top_paths=4 cannot exceed beam_width=3",
    ),
    (lambda: ops.psnr(X, X[0], 1.0), "must match for PSNR"),
]


@pytest.mark.parametrize(("call", "words"), ERRORS, ids=range(len(ERRORS)))
def test_a_wrong_argument_is_explained(call, words):
    with pytest.raises(UserInputError, match=words):
        call()


def test_synchronized_moments_are_those_of_all_shares():
    x = np.random.default_rng(0).normal(3.0, 2.0, size=(8, 5)).astype("float32")
    mean, variance = ops.moments(x, 0, synchronized=True)
    np.testing.assert_allclose(mean, x.mean(0), rtol=1e-5)
    np.testing.assert_allclose(variance, x.var(0), rtol=1e-5)
    shares = x.reshape(2, 2, 2, 5)
    found = jax.vmap(
        jax.vmap(lambda share: ops.moments(share, 0, synchronized=True), axis_name="columns"),
        axis_name="rows",
    )(shares)
    for value, expected in zip(found, (x.mean(0), x.var(0))):
        np.testing.assert_allclose(value, np.broadcast_to(expected, (2, 2, 5)), rtol=1e-5)
    alone = jax.vmap(lambda share: ops.moments(share, 0)[0], axis_name="rows")(x.reshape(4, 2, 5))
    np.testing.assert_allclose(alone, x.reshape(4, 2, 5).mean(1), rtol=1e-5)


def test_softmax_over_an_axis_of_size_one_warns():
    with pytest.warns(UserWarning, match="use a sigmoid"):
        ops.softmax([[1.0], [2.0]])


# -- where Keras is no oracle --------------------------------------------------


def test_sparsemax_is_the_nearest_point_of_the_simplex():
    x = normal(50, 4)
    p = np.asarray(ops.sparsemax(x))
    np.testing.assert_allclose(p.sum(-1), 1, rtol=1e-5)
    assert (p >= 0).all() and (p == 0).any()
    others = rng.dirichlet(np.ones(4), 400)  # no other point is nearer
    distance = ((x[:, None] - others) ** 2).sum(-1).min(-1)
    assert (((x - p) ** 2).sum(-1) <= distance + 1e-6).all()


def test_one_hot_of_an_id_out_of_range_is_zero():
    np.testing.assert_array_equal(ops.one_hot([-1, 3, 1], 3), [[0, 0, 0], [0, 0, 0], [0, 1, 0]])


@pytest.mark.parametrize(
    ("op", "x", "axis"),
    [
        (ops.one_hot, [[1, -1], [4, 2]], 1),
        (ops.one_hot, [1, 2], -1),
        (ops.multi_hot, [[1, 1], [0, 3]], -1),
    ],
)
def test_sparse_encodings_equal_dense_ones(op, x, axis):
    sparse = op(x, 4, axis=axis, sparse=True)
    np.testing.assert_array_equal(sparse.todense(), op(x, 4, axis=axis))
    assert op(KerasTensor((None, 2), "int32"), 4, sparse=True).sparse


def test_an_unknown_class_id_inside_jit_costs_nothing():
    loss = jax.jit(ops.sparse_categorical_crossentropy)(np.array([1, 9]), PROBABILITIES[:2])
    assert loss[0] > 0 and loss[1] == 0


def test_fold_multiplies_unfold_by_the_cover_of_windows():
    x = normal(1, 2, 4, 4)
    counts = ops.fold(ops.unfold(np.ones_like(x), 2), (4, 4), 2)
    np.testing.assert_array_equal(
        counts[0, 0], [[1, 2, 2, 1], [2, 4, 4, 2], [2, 4, 4, 2], [1, 2, 2, 1]]
    )
    np.testing.assert_allclose(ops.fold(ops.unfold(x, 2), (4, 4), 2), x * counts, rtol=1e-6)


def test_infinity_stays_in_its_window_of_an_adaptive_pool():
    x = np.array([np.inf, 1.0, 2.0, 3.0], "float32").reshape(1, 4, 1)
    np.testing.assert_array_equal(ops.adaptive_average_pool(x, 2)[0, :, 0], [np.inf, 2.5])
    assert ops.adaptive_max_pool(KerasTensor((None, None, 3)), 2).shape == (None, 2, 3)


def test_pooling_strides_are_the_window_by_default():
    np.testing.assert_array_equal(
        ops.max_pool(IMAGES, (3, 2)), ops.max_pool(IMAGES, (3, 2), (3, 2))
    )
    np.testing.assert_array_equal(ops.average_pool(IMAGES, 2), ops.average_pool(IMAGES, 2, 2))


def test_max_pool_takes_integers():
    np.testing.assert_array_equal(
        ops.max_pool(np.array([[[-5], [-7], [-9]]]), 2, 1, "same")[0, :, 0], [-5, -7, -9]
    )


def test_bfloat16_moments_are_not_cut_to_the_range_of_float16():
    x = jnp.array([0.0, 1e6], "bfloat16")
    assert ops.moments(x, 0)[1] > 2e11
    assert ops.moments(jnp.array([0.0, 6e4], "float16"), 0)[1] == 65504


def test_layer_normalization_takes_axes_in_any_order():
    gamma = normal(4, 3)
    expected = ops.layer_normalization(X, gamma.T, axis=(1, 2))
    np.testing.assert_allclose(ops.layer_normalization(X, gamma, axis=(2, 1)), expected, rtol=1e-6)


def test_the_deprecated_rms_scaling_equals_keras(keras):
    with pytest.warns(UserWarning, match="deprecated"):
        mine = ops.layer_normalization(X, normal(4) * 0 + 2, rms_scaling=True)
    with pytest.warns(UserWarning, match="deprecated"):
        theirs = keras.ops.layer_normalization(X, normal(4) * 0 + 2, rms_scaling=True)
    np.testing.assert_allclose(mine, theirs, rtol=1e-5)


def test_unknown_channels_are_what_the_kernel_wants():
    x = KerasTensor((2, 9, None))
    assert ops.conv(x, normal(3, 5, 4)).shape == (2, 7, 4)
    assert ops.depthwise_conv(x, normal(3, 5, 2), padding="same", strides=2).shape == (2, 5, 10)
    assert ops.conv_transpose(x, normal(3, 5, 4)).shape == (2, 11, 5)


def test_a_soft_cap_bounds_the_logits():
    q, k, v = normal(2, 3, 4, 6) * 9, normal(2, 5, 2, 6) * 9, normal(2, 5, 2, 6)
    mask, cap = ids(2, 2, 1, 3, 5) > 0, 4.0
    logits = np.einsum("bqhd,bkhd->bhqk", q, np.repeat(k, 2, 2)) / np.sqrt(6)
    logits = np.where(mask, cap * np.tanh(logits / cap), -1e30)
    weights = np.exp(logits - logits.max(-1, keepdims=True))
    expected = np.einsum(
        "bhqk,bkhd->bqhd", weights / weights.sum(-1, keepdims=True), np.repeat(v, 2, 2)
    )
    np.testing.assert_allclose(
        ops.dot_product_attention(q, k, v, mask=mask, attn_logits_soft_cap=cap),
        expected,
        rtol=2e-5,
        atol=2e-5,
    )
    far = ops.dot_product_attention(q, k, v, mask=mask, is_causal=True, attn_logits_soft_cap=1e6)
    np.testing.assert_allclose(
        far, ops.dot_product_attention(q, k, v, mask=mask, is_causal=True), rtol=2e-4, atol=2e-4
    )


@pytest.mark.skipif(jax.default_backend() == "gpu", reason="flash attention may work there")
def test_flash_attention_that_cannot_be_had_is_an_error():
    q = normal(2, 3, 4, 8).astype("float16")
    with pytest.raises(
        UserInputError,
        match="Flash attention cannot be used for query.shape=.*flash_attention=None",
    ):
        ops.dot_product_attention(q, q, q, flash_attention=True)


def test_attention_on_a_gpu_falls_back_on_xla_where_cudnn_cannot(monkeypatch):
    q = normal(2, 3, 4, 8).astype("float16")
    expected = ops.dot_product_attention(q, q, q, flash_attention=False)
    monkeypatch.setattr(jax, "default_backend", lambda: "gpu")
    np.testing.assert_array_equal(ops.dot_product_attention(q, q, q), expected)


def _all_labelings(log_p, blank):
    """log P of every label sequence, by enumeration of all alignments."""
    steps, classes = log_p.shape
    found = {}
    for path in itertools.product(range(classes), repeat=steps):
        labels = tuple(k for k, _ in itertools.groupby(path) if k != blank)
        found[labels] = np.logaddexp(
            found.get(labels, -np.inf), sum(log_p[t, k] for t, k in enumerate(path))
        )
    return found


@pytest.mark.parametrize("blank", [0, 2])
def test_a_wide_beam_finds_the_exact_probabilities(blank):
    x = normal(2, 4, 3)
    paths, scores = ops.ctc_decode(
        x, [4, 4], "beam_search", beam_width=64, top_paths=5, mask_index=blank
    )
    for i in range(2):
        exact = _all_labelings(np.asarray(jax.nn.log_softmax(x[i])), blank)
        best = sorted(exact, key=exact.get, reverse=True)[:5]
        np.testing.assert_allclose(scores[i], [exact[b] for b in best], rtol=1e-4)
        assert [tuple(int(k) for k in p if k >= 0) for p in paths[:, i]] == best


def test_ctc_loss_sums_over_all_alignments():
    x = normal(1, 4, 3)
    exact = _all_labelings(np.asarray(jax.nn.log_softmax(x[0])), 0)
    for labels in [(1,), (2, 1), (1, 1)]:
        loss = ops.ctc_loss(np.array([labels]), x, np.array([len(labels)]), np.array([4]))
        np.testing.assert_allclose(loss, [-exact[labels]], rtol=1e-4)
