"""Functions of single elements: `tf.add`, `tf.math.sigmoid`, `tf.clip_by_value` and the like."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from fkeras.compat.tensorflow.calls import axis_of, table, tensors
from fkeras.types import ArrayLike, Axis, Tensor, TensorLike


def special(xp: ModuleType, name: str, *args: TensorLike) -> Tensor:
    """A function that SciPy and `jax.scipy` have in `special` under one name."""
    if xp is jnp:
        return getattr(jax.scipy.special, name)(*args)
    import scipy.special

    dtype = np.result_type(*args)
    return np.asarray(getattr(scipy.special, name)(*args)).astype(dtype)


def sigmoid(xp: ModuleType, x: Tensor) -> Tensor:
    """1 / (1 + exp(-x)), without overflow."""
    return jax.nn.sigmoid(x) if xp is jnp else special(np, "expit", x)


def softplus(xp: ModuleType, x: Tensor) -> Tensor:
    """log(1 + exp(x)), without overflow."""
    return xp.logaddexp(x, xp.zeros((), x.dtype))


def _divide(xp: ModuleType, x: Tensor, y: Tensor) -> Tensor:
    """x / y; integers of at most 16 bits become float32, wider ones float64."""
    if xp is np and x.dtype.kind in "iu" and x.dtype.itemsize <= 2:
        return np.divide(x, y, dtype=np.float32)
    return xp.true_divide(x, y)


def _without_nan(xp: ModuleType, x: Tensor, y: Tensor) -> Tensor:
    """x / y, and 0 where y is."""
    is_zero = y == 0
    return xp.where(is_zero, xp.zeros((), x.dtype), x / xp.where(is_zero, 1, y))


def _truncated(xp: ModuleType, x: Tensor, y: Tensor) -> Tensor:
    """x / y towards zero, in the dtype of x."""
    if x.dtype.kind not in "iu":
        return xp.trunc(x / y)
    return (xp.sign(x) * xp.sign(y) * (xp.abs(x) // xp.abs(y))).astype(x.dtype)


def _floor_divide(xp: ModuleType, x: Tensor, y: Tensor) -> Tensor:
    """The floor of x / y as it was rounded: 4 / 0.1 is 40, where Python's `//` says 39."""
    return xp.floor_divide(x, y) if x.dtype.kind in "iu" else xp.floor(x / y)


def _zero_where(xp: ModuleType, is_zero: Tensor, value: Tensor) -> Tensor:
    return xp.where(is_zero, xp.zeros((), value.dtype), value)


def _safe(xp: ModuleType, is_zero: Tensor, y: Tensor) -> Tensor:
    """y, and 1 where the product does not need it, so that gradients stay finite."""
    return xp.where(is_zero, xp.ones((), y.dtype), y)


ELEMENT = {
    "abs": lambda xp, x: xp.abs(x),
    "acos": lambda xp, x: xp.arccos(x),
    "acosh": lambda xp, x: xp.arccosh(x),
    "angle": lambda xp, input: xp.angle(input),
    "asin": lambda xp, x: xp.arcsin(x),
    "asinh": lambda xp, x: xp.arcsinh(x),
    "atan": lambda xp, x: xp.arctan(x),
    "atanh": lambda xp, x: xp.arctanh(x),
    "ceil": lambda xp, x: xp.ceil(x),
    "conj": lambda xp, x: xp.conj(x),
    "cos": lambda xp, x: xp.cos(x),
    "cosh": lambda xp, x: xp.cosh(x),
    "digamma": lambda xp, x: special(xp, "digamma", x),
    "erf": lambda xp, x: special(xp, "erf", x),
    "erfc": lambda xp, x: special(xp, "erfc", x),
    "erfinv": lambda xp, x: special(xp, "erfinv", x),
    "exp": lambda xp, x: xp.exp(x),
    "expm1": lambda xp, x: xp.expm1(x),
    "floor": lambda xp, x: xp.floor(x),
    "imag": lambda xp, input: xp.imag(input),
    "is_finite": lambda xp, x: xp.isfinite(x),
    "is_inf": lambda xp, x: xp.isinf(x),
    "is_nan": lambda xp, x: xp.isnan(x),
    "lgamma": lambda xp, x: special(xp, "gammaln", x),
    "log": lambda xp, x: xp.log(x),
    "log1p": lambda xp, x: xp.log1p(x),
    "log_sigmoid": lambda xp, x: -softplus(xp, -x),
    "logical_not": lambda xp, x: xp.logical_not(x),
    "ndtri": lambda xp, x: special(xp, "ndtri", x),
    "negative": lambda xp, x: -x,
    "real": lambda xp, input: xp.real(input),
    "reciprocal": lambda xp, x: 1 / x,
    "reciprocal_no_nan": lambda xp, x: _without_nan(xp, xp.ones((), x.dtype), x),
    "rint": lambda xp, x: xp.rint(x),
    "round": lambda xp, x: x if x.dtype.kind in "iu" else xp.rint(x),
    "rsqrt": lambda xp, x: jax.lax.rsqrt(x) if xp is jnp else 1 / np.sqrt(x),
    "sigmoid": sigmoid,
    "sign": lambda xp, x: xp.sign(x),
    "sin": lambda xp, x: xp.sin(x),
    "sinh": lambda xp, x: xp.sinh(x),
    "softplus": lambda xp, features: softplus(xp, features),
    "softsign": lambda xp, features: features / (1 + xp.abs(features)),
    "sqrt": lambda xp, x: xp.sqrt(x),
    "square": lambda xp, x: xp.square(x),
    "tan": lambda xp, x: xp.tan(x),
    "tanh": lambda xp, x: xp.tanh(x),
}
PAIR = {
    "add": lambda xp, x, y: xp.add(x, y),
    "atan2": lambda xp, y, x: xp.arctan2(y, x),
    "divide": _divide,
    "divide_no_nan": lambda xp, x, y: _without_nan(xp, x, y),
    "equal": lambda xp, x, y: xp.equal(x, y),
    "floordiv": _floor_divide,
    "floormod": lambda xp, x, y: xp.mod(x, y),
    "greater": lambda xp, x, y: xp.greater(x, y),
    "greater_equal": lambda xp, x, y: xp.greater_equal(x, y),
    "igamma": lambda xp, a, x: special(xp, "gammainc", a, x),
    "igammac": lambda xp, a, x: special(xp, "gammaincc", a, x),
    "less": lambda xp, x, y: xp.less(x, y),
    "less_equal": lambda xp, x, y: xp.less_equal(x, y),
    "logical_and": lambda xp, x, y: xp.logical_and(x, y),
    "logical_or": lambda xp, x, y: xp.logical_or(x, y),
    "logical_xor": lambda xp, x, y: xp.logical_xor(x, y),
    "maximum": lambda xp, x, y: xp.maximum(x, y),
    "minimum": lambda xp, x, y: xp.minimum(x, y),
    "multiply": lambda xp, x, y: xp.multiply(x, y),
    "multiply_no_nan": lambda xp, x, y: _zero_where(xp, y == 0, x * y),
    "nextafter": lambda xp, x1, x2: xp.nextafter(x1, x2),
    "not_equal": lambda xp, x, y: xp.not_equal(x, y),
    "pow": lambda xp, x, y: xp.power(x, y),
    "squared_difference": lambda xp, x, y: xp.square(x - y),
    "subtract": lambda xp, x, y: xp.subtract(x, y),
    "truncatediv": _truncated,
    "truncatemod": lambda xp, x, y: xp.fmod(x, y),
    "xdivy": lambda xp, x, y: _zero_where(xp, x == 0, x / _safe(xp, x == 0, y)),
    "xlog1py": lambda xp, x, y: _zero_where(xp, x == 0, x * xp.log1p(_safe(xp, x == 0, y))),
    "xlogy": lambda xp, x, y: _zero_where(xp, x == 0, x * xp.log(_safe(xp, x == 0, y))),
}
BITS = {
    "bitwise_and": lambda xp, x, y: xp.bitwise_and(x, y),
    "bitwise_or": lambda xp, x, y: xp.bitwise_or(x, y),
    "bitwise_xor": lambda xp, x, y: xp.bitwise_xor(x, y),
    "left_shift": lambda xp, x, y: xp.left_shift(x, y),
    "right_shift": lambda xp, x, y: xp.right_shift(x, y),
}


@tensors(3)
def clip_by_value(
    xp: ModuleType, t: Tensor, clip_value_min: TensorLike, clip_value_max: TensorLike
) -> Tensor:
    """`t` with all elements in a range."""
    return xp.minimum(xp.maximum(t, clip_value_min), clip_value_max)


@tensors(1)
def clip_by_norm(xp: ModuleType, t: Tensor, clip_norm: float, axes: Axis | None = None) -> Tensor:
    """`t`, made shorter where its length over `axes` is above `clip_norm`."""
    squares = xp.sum(t * t, axis=axis_of(axes), keepdims=True)
    is_positive = squares > 0
    length = xp.where(is_positive, xp.sqrt(xp.where(is_positive, squares, 1)), squares)
    return (t * clip_norm / xp.maximum(length, clip_norm)).astype(t.dtype)


@tensors(None)
def global_norm(xp: ModuleType, t_list: list[Tensor]) -> Tensor:
    """The length of all arrays together."""
    return xp.sqrt(sum(xp.sum(t * t) for t in t_list))


def clip_by_global_norm(
    t_list: list[TensorLike],
    clip_norm: float,
    use_norm: ArrayLike | None = None,
    name: str | None = None,
) -> tuple[list[Any], Tensor]:
    """All arrays, made shorter by one factor where they are longer together than `clip_norm`, and
    their length.
    """
    present = [t for t in t_list if t is not None]
    length = global_norm(present) if use_norm is None else use_norm
    factor = clip_norm * NAMES["minimum"](1.0 / length, 1.0 / clip_norm)
    return [None if t is None else NAMES["multiply"](t, factor) for t in t_list], length


@tensors(None)
def add_n(xp: ModuleType, inputs: list[Tensor]) -> Tensor:
    """The sum of the arrays, element by element."""
    total = inputs[0]
    for x in inputs[1:]:
        total = total + x
    return total


def scalar_mul(scalar: float, x: TensorLike, name: str | None = None) -> Tensor:
    """`x` times a number."""
    return NAMES["multiply"](x, scalar)


def polyval(coeffs: list[TensorLike], x: TensorLike, name: str | None = None) -> Tensor:
    """The polynomial with these coefficients, highest power first, at x."""
    value = NAMES["multiply"](x, 0)
    for coefficient in coeffs:
        value = NAMES["add"](NAMES["multiply"](value, x), coefficient)
    return value


NAMES = {
    **table(ELEMENT, 1),
    **table(PAIR, 2),
    "add_n": add_n,
    "clip_by_global_norm": clip_by_global_norm,
    "clip_by_norm": clip_by_norm,
    "clip_by_value": clip_by_value,
    "polyval": polyval,
    "scalar_mul": scalar_mul,
}
NAMES.update(
    accumulate_n=add_n,
    mod=NAMES["floormod"],
    truediv=NAMES["divide"],
)
BITWISE = {**table(BITS, 2), "invert": table({"invert": lambda xp, x: xp.invert(x)})["invert"]}
