"""`ops.numpy` against Keras, a table of calls: values and dtypes for floats, bfloat16 and integers,
static shapes, gradients, jit.
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from fkeras import ops
from fkeras.core.symbolic.keras_tensor import KerasTensor

_rng = np.random.default_rng(0)
X = _rng.uniform(0.1, 0.9, (2, 3)).astype("float32")  # inside every function's domain
Y = _rng.uniform(0.1, 0.9, (2, 3)).astype("float32")
S = (_rng.normal(size=(2, 3)) * 2).astype("float32")  # of both signs
ROW = _rng.uniform(0.1, 0.9, (3,)).astype("float32")
CUBE = _rng.normal(size=(2, 3, 4)).astype("float32")
SQUARE = _rng.normal(size=(2, 3, 3)).astype("float32")
NAN = np.where(np.arange(6).reshape(2, 3) == 4, np.nan, S).astype("float32")
INF = np.array([1.0, np.inf, -np.inf, np.nan, -0.0, 0.0], "float32")
I = np.array([[1, 5, 2], [3, 0, 7]], "int32")
J = np.array([[2, 1, 0], [1, 0, 2]], "int32")
B = np.array([[True, False, True], [False, False, True]])
C = (X + 1j * S).astype("complex64")

FLOAT_FUNCTIONS = (
    "arccos arcsin arctan arctanh cbrt ceil cos cosh deg2rad exp exp2 expm1 fabs floor i0 log "
    "log10 log1p log2 rad2deg reciprocal sin sinc sinh sqrt tan tanh arcsinh"
).split()
SIGNED_FUNCTIONS = (
    "abs absolute negative sign square trunc round copy conj conjugate real imag angle signbit "
    "isreal logical_not"
).split()
FLOATS_OF_TWO = (
    "add subtract multiply divide true_divide divide_no_nan maximum minimum fmax fmin arctan2 "
    "hypot logaddexp logaddexp2 power mod fmod floor_divide"
).split()
COMPARISONS = (
    "equal not_equal greater greater_equal less less_equal logical_and logical_or logical_xor "
    "isclose allclose heaviside"
).split()
BITS = "bitwise_and bitwise_or bitwise_xor".split()
SHIFTS = "left_shift right_shift bitwise_left_shift bitwise_right_shift gcd lcm".split()
REDUCTIONS = "sum prod max min amax amin ptp mean var std all any median count_nonzero".split()
NAN_REDUCTIONS = "nansum nanprod nanmax nanmin nanmean nanvar nanstd nanmedian".split()

ROWS = [
    *((name, (X,), {}) for name in FLOAT_FUNCTIONS),
    ("arccosh", (X + 1,), {}),
    *((name, (S,), {}) for name in SIGNED_FUNCTIONS),
    *((name, (C,), {}) for name in "real imag conj angle abs exp sin".split()),
    *(
        (name, (INF,), {})
        for name in "isfinite isinf isnan isneginf isposinf nan_to_num signbit".split()
    ),
    ("nan_to_num", (INF, 1.0, 2.0, 3.0), {}),
    ("round", (S, 1), {}),
    ("round", (S, -1), {}),
    ("clip", (S, -1, 1.5), {}),
    ("clip", (B, 0, 1), {}),
    *((name, (S, Y), {}) for name in FLOATS_OF_TWO if name != "power"),
    *((name, (S, ROW), {}) for name in ("add", "maximum", "divide", "arctan2")),
    *((name, (S, 2), {}) for name in ("add", "multiply", "divide", "floor_divide", "power")),
    *((name, (S, 2.5), {}) for name in ("add", "subtract", "mod", "maximum")),
    ("power", (X, S), {}),
    ("divide_no_nan", (S, np.array([1.0, 0.0, 2.0], "float32")), {}),
    *((name, (S, Y), {}) for name in COMPARISONS),
    *((name, (I, J), {}) for name in BITS + SHIFTS),
    *((name, (B, ~B), {}) for name in BITS),
    ("bitwise_not", (I,), {}),
    ("bitwise_invert", (B,), {}),
    ("ldexp", (S, I), {}),
    ("nextafter", (S, Y), {}),
    # products
    ("matmul", (S, CUBE), {}),
    ("matmul", (CUBE, ROW[:1].repeat(4)), {}),
    ("matmul", (I.astype("int8"), J.T.astype("int8")), {}),
    ("dot", (S, CUBE), {}),
    ("dot", (S, 2.0), {}),
    ("inner", (S, X), {}),
    ("vdot", (S, X), {}),
    ("outer", (S, ROW), {}),
    ("kron", (S, X), {}),
    ("tensordot", (CUBE, CUBE, ((0, 1), (0, 1))), {}),
    ("tensordot", (CUBE, SQUARE, ((1, 0), (2, 0))), {}),
    ("tensordot", (S, ROW, 1), {}),
    ("cross", (S, X), {}),
    ("cross", (S[:, :2], X[:, :2]), {}),
    ("cross", (S[:, :2], X), {}),
    ("cross", (SQUARE, SQUARE[::-1]), {"axisa": 1, "axisb": 2, "axisc": 0}),
    ("einsum", ("bij,bjk->bki", SQUARE, CUBE), {}),
    ("einsum", ("...j->j...", CUBE), {}),
    ("slogdet", (SQUARE,), {}),
    ("trace", (SQUARE, 1, 1, 2), {}),
    # reductions
    *((name, (S,), {}) for name in REDUCTIONS),
    *((name, (CUBE, -1), {}) for name in REDUCTIONS),
    *((name, (CUBE, [0, 2]), {"keepdims": True}) for name in REDUCTIONS if name != "count_nonzero"),
    *((name, (NAN,), {"axis": 1}) for name in NAN_REDUCTIONS),
    *((name, (NAN, (0, 1), True), {}) for name in NAN_REDUCTIONS),
    ("max", (S,), {"axis": 0, "initial": 1.0}),
    ("min", (S,), {"axis": 0, "initial": 0.0}),
    ("prod", (S, 0), {"dtype": "float32"}),
    *(
        (name, (S, axis), {})
        for name in ("cumsum", "cumprod", "nancumsum", "nancumprod")
        for axis in (None, -1)
    ),
    ("cumsum", (S, 0), {"dtype": "int32"}),
    *(
        (name, (S, axis), {"keepdims": True})
        for name in ("argmax", "argmin", "nanargmax", "nanargmin")
        for axis in (None, 1)
    ),
    ("average", (S,), {"axis": 1, "weights": ROW}),
    ("average", (S,), {"weights": X}),
    ("quantile", (CUBE, 0.3), {"axis": 1}),
    ("quantile", (CUBE, [0.2, 0.7]), {"axis": (0, 1), "keepdims": True}),
    ("quantile", (S, 0.4), {"method": "nearest"}),
    ("percentile", (CUBE, 30.0), {"axis": -1}),
    ("nanquantile", (NAN, 0.3), {"axis": 1}),
    ("nanpercentile", (NAN, 30.0), {}),
    ("corrcoef", (S,), {}),
    ("correlate", (ROW, ROW[:2]), {"mode": "same"}),
    ("trapezoid", (S,), {"dx": 0.5}),
    ("trapezoid", (S, X), {"axis": 0}),
    ("diff", (CUBE,), {"n": 2, "axis": 1}),
    ("histogram", (ROW,), {"bins": 4, "range": (0.0, 1.0)}),
    # shapes
    ("reshape", (CUBE, (3, -1)), {}),
    ("reshape", (CUBE, -1), {}),
    ("ravel", (CUBE,), {}),
    ("expand_dims", (S, (0, -1)), {}),
    ("squeeze", (CUBE[:, :1],), {}),
    ("squeeze", (CUBE[:, :1, :1], (1, -1)), {}),
    ("broadcast_to", (S, (4, 2, 3)), {}),
    ("transpose", (CUBE,), {}),
    ("transpose", (CUBE, (2, 0, 1)), {}),
    ("swapaxes", (CUBE, 0, -1), {}),
    ("moveaxis", (CUBE, (0, 1), (-1, 0)), {}),
    ("flip", (CUBE,), {"axis": 1}),
    ("flip", (S,), {}),
    ("fliplr", (S,), {}),
    ("flipud", (S,), {}),
    ("rot90", (CUBE, 3, (1, 2)), {}),
    ("roll", (S, 2), {}),
    ("roll", (S, (1, -1), (0, 1)), {}),
    ("repeat", (S, 2), {"axis": 1}),
    ("tile", (S, (2, 1, 3)), {}),
    ("pad", (S, ((1, 0), (2, 3))), {}),
    ("pad", (S, 1), {"mode": "reflect"}),
    ("pad", (S, (1, 2)), {"constant_values": 3}),
    # joining and splitting
    ("concatenate", ([S, X],), {"axis": -1}),
    ("stack", ([S, X],), {"axis": 1}),
    ("append", (S, X), {}),
    ("append", (S, X), {"axis": 0}),
    *((name, ([S, X],), {}) for name in ("hstack", "vstack", "dstack")),
    ("split", (CUBE, 2), {"axis": -1}),
    ("split", (CUBE, [1, 3]), {"axis": 2}),
    ("array_split", (CUBE, 3), {"axis": 2}),
    ("hsplit", (CUBE, 3), {}),
    ("vsplit", (CUBE, 2), {}),
    ("dsplit", (CUBE, 2), {}),
    # indexing
    ("take", (CUBE, np.array([[0, 2], [-1, 1]], "int32")), {"axis": 1}),
    ("take", (CUBE, 5), {}),
    ("take_along_axis", (S, J), {"axis": 1}),
    ("get_item", (CUBE, (slice(None), -1, None, slice(1, 3))), {}),
    ("get_item", (CUBE, (Ellipsis, 2)), {}),
    ("where", (B, S, X), {}),
    ("where", (B, S, 0.0), {}),
    ("select", ([B, ~B], [S, X]), {}),
    ("diag", (ROW, 1), {}),
    ("diag", (S, -1), {}),
    ("diagflat", (S,), {}),
    ("diagonal", (SQUARE, 1, 1, 2), {}),
    ("tril", (SQUARE, -1), {}),
    ("triu", (SQUARE,), {}),
    ("vander", (ROW, 4), {"increasing": True}),
    ("unravel_index", (I, (2, 4)), {}),
    # order
    ("sort", (CUBE,), {"axis": 1}),
    ("argsort", (CUBE,), {}),
    ("argpartition", (S, 1), {}),
    ("searchsorted", (np.sort(ROW), S), {"side": "right"}),
    ("digitize", (S, np.array([-1.0, 0.0, 1.0], "float32")), {}),
    ("isin", (I, [1, 7]), {}),
    ("isin", (I, J), {"invert": True}),
    ("unique", (I,), {"size": 7, "fill_value": -1, "return_counts": True}),
    # creation
    ("zeros_like", (S,), {}),
    ("ones_like", (S,), {"dtype": "int32"}),
    ("empty_like", (S,), {}),
    ("full_like", (S, 2), {}),
    ("full", ((2, 2), 3.5), {}),
    ("linspace", (S, X, 4), {"axis": 1}),
    ("linspace", (0, 1), {"num": 5, "endpoint": False}),
    ("linspace", (0.0, 1.0), {"num": 3, "retstep": True}),
    ("logspace", (0, 2), {"num": 3, "base": 2}),
    ("geomspace", (1.0, 8.0), {"num": 4}),
    ("arange", (5,), {}),
    ("arange", (1, 4, 0.5), {}),
    ("arange", (3,), {"dtype": "bfloat16"}),
    ("meshgrid", (ROW, ROW[:2]), {}),
    ("meshgrid", (ROW, ROW[:2]), {"indexing": "ij"}),
    *(
        (name, (5,), {})
        for name in (
            "bartlett",
            "blackman",
            "hamming",
            "hanning",
            "identity",
            "eye",
            "zeros",
            "ones",
            "tri",
        )
    ),
    ("kaiser", (5, 3.0), {}),
    ("eye", (2, 3, 1), {"dtype": "int32"}),
    ("tri", (2, 3, -1), {}),
    ("zeros", ((2, 0),), {"dtype": "bool"}),
    ("array", ([[1, 2], [3, 4]],), {"dtype": "bfloat16"}),
    ("view", (S,), {"dtype": "int32"}),
    ("size", (S,), {}),
    ("ndim", (S,), {}),
]
IDS = [f"{i}-{name}" for i, (name, _, _) in enumerate(ROWS)]

# What depends on values cannot be traced; what has no float result has no gradient.
UNTRACED = [
    ("nonzero", (I,), {}),
    ("where", (B,), {}),
    ("unique", (I,), {"return_inverse": True, "return_index": True}),
    ("unique", (J,), {"axis": 0}),
    ("bincount", (I,), {"minlength": 8}),
    ("bincount", (I.ravel(),), {"weights": X.ravel()}),
]
STATIC = "size ndim".split()
NO_GRADIENT = set(
    "argmax argmin nanargmax nanargmin argsort argpartition searchsorted digitize isin unique "
    "histogram nextafter heaviside ldexp view unravel_index sign signbit trunc round ceil floor "
    "fmod mod floor_divide arange angle".split()
)
FLOATS_ONLY = set("nextafter view histogram heaviside i0 nan_to_num slogdet".split())


def leaves(x):
    return [y for part in x for y in leaves(part)] if isinstance(x, (list, tuple)) else [x]


def cast(args, change):
    """The arguments with every float array changed."""
    if isinstance(args, (list, tuple)):
        return type(args)(cast(a, change) for a in args)
    return change(args) if isinstance(args, np.ndarray) and args.dtype == "float32" else args


def assert_same(mine, theirs, rtol=1e-6):
    mine, theirs = leaves(mine), leaves(theirs)
    assert len(mine) == len(theirs)
    for a, b in zip(mine, theirs, strict=True):
        a, b = np.asarray(a), np.asarray(b)
        assert a.dtype == b.dtype
        assert a.shape == b.shape
        wide = np.complex128 if a.dtype.kind == "c" else np.float64
        np.testing.assert_allclose(a.astype(wide), b.astype(wide), rtol=rtol, atol=1e-6)


@pytest.mark.parametrize(
    ("name", "args", "kwargs"), ROWS + UNTRACED, ids=IDS + [f"host-{r[0]}" for r in UNTRACED]
)
def test_values_and_dtypes_equal_keras(keras, name, args, kwargs):
    mine, theirs = getattr(ops, name), getattr(keras.ops, name)
    assert_same(mine(*args, **kwargs), theirs(*args, **kwargs))
    if name in FLOATS_ONLY:
        return
    to_bfloat16 = lambda a: a.astype(jnp.bfloat16)
    to_int = lambda a: (np.nan_to_num(a, posinf=1, neginf=-1) * 4).astype("int32")
    for change, rtol in ((to_bfloat16, 1e-2), (to_int, 1e-6)):
        changed = cast(args, change)
        if any(a is not b for a, b in zip(leaves(changed), leaves(args), strict=True)):
            assert_same(mine(*changed, **kwargs), theirs(*changed, **kwargs), rtol)


def arrays_in(args):
    return [a for a in leaves(args) if isinstance(a, np.ndarray)]


def with_arrays(args, new):
    """The arguments with the arrays, in order, replaced by the values of an iterator."""
    if isinstance(args, (list, tuple)):
        return type(args)(with_arrays(a, new) for a in args)
    return next(new) if isinstance(args, np.ndarray) else args


def test_jit_gives_what_eager_calls_give():
    rows = [r for r in ROWS if r[0] not in STATIC]

    @jax.jit
    def compiled(arrays):
        return [
            getattr(ops, n)(*with_arrays(args, iter(a)), **kwargs)
            for (n, args, kwargs), a in zip(rows, arrays, strict=True)
        ]

    for row, out in zip(rows, compiled([arrays_in(args) for _, args, _ in rows]), strict=True):
        name, args, kwargs = row
        for a, b in zip(leaves(out), leaves(getattr(ops, name)(*args, **kwargs)), strict=True):
            assert a.dtype == b.dtype, name
            np.testing.assert_allclose(
                np.asarray(a), np.asarray(b), rtol=1e-5, atol=1e-6, err_msg=name
            )


def test_gradients_equal_keras(keras):
    rows = [
        r
        for r in ROWS
        if r[0] not in NO_GRADIENT and arrays_in(r[1]) and arrays_in(r[1])[0].dtype == "float32"
    ]

    def gradients(namespace):
        def total(firsts):
            out = 0.0
            for (name, args, kwargs), first in zip(rows, firsts, strict=True):
                values = leaves(
                    getattr(namespace, name)(
                        *with_arrays(args, iter([first, *arrays_in(args)[1:]])), **kwargs
                    )
                )
                for x in values:
                    if hasattr(x, "dtype") and jnp.issubdtype(x.dtype, jnp.floating):
                        out += jnp.sum(x * jnp.cos(jnp.arange(x.size)).reshape(x.shape))
            return out

        return jax.jit(jax.grad(total))([arrays_in(args)[0] for _, args, _ in rows])

    assert len(rows) > 130
    for (name, _, _), mine, theirs in zip(rows, gradients(ops), gradients(keras.ops), strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-4, atol=1e-5, err_msg=name)
        assert name in ("divide_no_nan", "logical_not") or np.isfinite(mine).any(), name


def specs(x):
    return [(tuple(t.shape), str(t.dtype)) for t in leaves(x)]


def computed_specs(name, args, kwargs, arrays):
    """Shapes and dtypes of the call on arrays of these (shape, dtype), without the op's own rules
    for KerasTensors.
    """
    structs = [jax.ShapeDtypeStruct(shape, dtype) for shape, dtype in arrays]
    return specs(
        jax.eval_shape(
            lambda given: getattr(ops, name)(*with_arrays(args, iter(given)), **kwargs), structs
        )
    )


TENSOR_ROWS = [row for row in ROWS if arrays_in(row[1]) and row[0] not in STATIC]


@pytest.mark.parametrize(
    ("name", "args", "kwargs"), TENSOR_ROWS, ids=[f"{i}-{r[0]}" for i, r in enumerate(TENSOR_ROWS)]
)
def test_symbolic_shapes_are_those_computed(name, args, kwargs):
    """At known sizes; and with axis 0 unknown nothing is promised that one of two sizes breaks."""
    arrays = arrays_in(args)
    call = lambda tensors: getattr(ops, name)(*with_arrays(args, iter(tensors)), **kwargs)

    symbolic = call([KerasTensor(a.shape, a.dtype) for a in arrays])
    computed = computed_specs(name, args, kwargs, [(a.shape, a.dtype) for a in arrays])
    assert all(isinstance(t, KerasTensor) for t in leaves(symbolic))
    assert specs(symbolic) == computed

    if arrays[0].ndim < 2:
        return
    unknown = [(None, *a.shape[1:]) if a.ndim == arrays[0].ndim else a.shape for a in arrays]
    symbolic = call([KerasTensor(shape, a.dtype) for shape, a in zip(unknown, arrays, strict=True)])
    options = [computed]
    try:
        larger = [
            (tuple(4 if d is None else d for d in shape), a.dtype)
            for shape, a in zip(unknown, arrays, strict=True)
        ]
        options.append(computed_specs(name, args, kwargs, larger))
    except ValueError:  # a row that allows one size only
        pass
    for out in options:
        for spec, (shape, _) in zip(leaves(symbolic), out, strict=True):
            assert len(spec.shape) == len(shape)
            assert all(m is None or m == n for m, n in zip(spec.shape, shape, strict=True)), (
                spec.shape,
                shape,
            )
