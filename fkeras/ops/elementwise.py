"""Functions of one array, value by value: the shape stays.

Float functions turn integers and bools into `floatx()`.
"""

from __future__ import annotations

import jax.numpy as jnp

from fkeras.core.settings import floatx
from fkeras.core.symbolic.op import op
from fkeras.errors import UserTypeError
from fkeras.ops import sparse as sparse_rules
from fkeras.ops.promotion import is_integral
from fkeras.ops.tensors import as_array, as_float, as_tensor
from fkeras.types import Tensor, TensorLike

zero_preserving = op(sparse=sparse_rules.zero_preserving)

# -- signs and rounding --------------------------------------------------------


@zero_preserving
def absolute(x: TensorLike) -> Tensor:
    """|x|; for complex `x` its modulus."""
    return jnp.absolute(as_tensor(x))


@zero_preserving
def abs(x: TensorLike) -> Tensor:
    """|x|: `absolute` by its short name."""
    return jnp.absolute(as_tensor(x))


@op
def fabs(x: TensorLike) -> Tensor:
    """|x| as a float; complex `x` is an error."""
    x = as_float(x)
    if x.dtype.kind == "c":
        raise UserTypeError(
            f"fabs does not support complex inputs; use `abs`. Received: x.dtype={x.dtype}."
        )
    return jnp.fabs(x)


@zero_preserving
def negative(x: TensorLike) -> Tensor:
    """-x."""
    return jnp.negative(as_tensor(x))


@zero_preserving
def sign(x: TensorLike) -> Tensor:
    """-1, 0 or 1 in the dtype of `x`."""
    return jnp.sign(as_tensor(x))


@op
def signbit(x: TensorLike) -> Tensor:
    """Whether the sign bit is set: True for -0.0 and negative numbers."""
    return jnp.signbit(as_tensor(x))


@op
def heaviside(x1: TensorLike, x2: TensorLike) -> Tensor:
    """0 where `x1` < 0, 1 where `x1` > 0 and `x2` where `x1` is 0; `x2` broadcasts against `x1`."""
    return jnp.heaviside(as_tensor(x1), as_tensor(x2))


@zero_preserving
def ceil(x: TensorLike) -> Tensor:
    """The smallest whole number >= x, as a float."""
    return jnp.ceil(as_float(x))


@zero_preserving
def floor(x: TensorLike) -> Tensor:
    """The largest whole number <= x, as a float."""
    return jnp.floor(as_float(x))


@op
def trunc(x: TensorLike) -> Tensor:
    """x without its fraction; integers and bools unchanged."""
    x = as_array(x)
    return x if is_integral(x.dtype) else jnp.trunc(x)


@zero_preserving
def round(x: TensorLike, decimals: int = 0) -> Tensor:
    """`x` rounded to `decimals` places, halves to even.

    Negative `decimals` round before the point.
    """
    x = as_array(x)
    if decimals < 0 and is_integral(x.dtype):  # jax.numpy cannot
        scale = 10**-decimals
        return (jnp.round(x.astype(floatx()) / scale) * scale).astype(x.dtype)
    return jnp.round(x, decimals=decimals)


@op
def clip(x: TensorLike, x_min: TensorLike | None, x_max: TensorLike | None) -> Tensor:
    """`x` limited to [x_min, x_max], which broadcast against it; bools become int32."""
    x = as_array(x)
    x = x.astype("int32") if x.dtype == bool else x  # as in Keras
    return jnp.clip(
        x, None if x_min is None else as_tensor(x_min), None if x_max is None else as_tensor(x_max)
    )


@op
def nan_to_num(
    x: TensorLike, nan: float = 0.0, posinf: float | None = None, neginf: float | None = None
) -> Tensor:
    """`x` with NaN, inf and -inf replaced.

    None for the infinities means the largest and smallest finite number.
    """
    return jnp.nan_to_num(as_tensor(x), nan=nan, posinf=posinf, neginf=neginf)


# -- powers, exponentials, logarithms ------------------------------------------


@zero_preserving
def square(x: TensorLike) -> Tensor:
    """x * x."""
    return jnp.square(as_tensor(x))


@zero_preserving
def sqrt(x: TensorLike) -> Tensor:
    """Square root; NaN for negative numbers."""
    return jnp.sqrt(as_float(x))


@op
def cbrt(x: TensorLike) -> Tensor:
    """Cube root, of negative numbers too."""
    return jnp.cbrt(as_float(x))


@op
def reciprocal(x: TensorLike) -> Tensor:
    """1 / x."""
    return jnp.reciprocal(as_tensor(x))


@op
def exp(x: TensorLike) -> Tensor:
    """e to the power x."""
    return jnp.exp(as_float(x))


@op
def exp2(x: TensorLike) -> Tensor:
    """2 to the power x."""
    return jnp.exp2(as_float(x))


@zero_preserving
def expm1(x: TensorLike) -> Tensor:
    """exp(x) - 1, exact near 0."""
    return jnp.expm1(as_float(x))


@op
def log(x: TensorLike) -> Tensor:
    """Natural logarithm; -inf at 0, NaN below."""
    return jnp.log(as_float(x))


@op
def log2(x: TensorLike) -> Tensor:
    """Logarithm to base 2."""
    return jnp.log2(as_float(x))


@op
def log10(x: TensorLike) -> Tensor:
    """Logarithm to base 10."""
    return jnp.log10(as_float(x))


@zero_preserving
def log1p(x: TensorLike) -> Tensor:
    """log(1 + x), exact near 0."""
    return jnp.log1p(as_float(x))


@op
def i0(x: TensorLike) -> Tensor:
    """Modified Bessel function of the first kind, order 0."""
    return jnp.i0(as_float(x))


@op
def sinc(x: TensorLike) -> Tensor:
    """sin(pi x) / (pi x), 1 at 0."""
    return jnp.sinc(as_float(x))


# -- trigonometry, in radians --------------------------------------------------


@zero_preserving
def sin(x: TensorLike) -> Tensor:
    """Sine of radians."""
    return jnp.sin(as_float(x))


@op
def cos(x: TensorLike) -> Tensor:
    """Cosine of radians."""
    return jnp.cos(as_float(x))


@zero_preserving
def tan(x: TensorLike) -> Tensor:
    """Tangent of radians."""
    return jnp.tan(as_float(x))


@zero_preserving
def arcsin(x: TensorLike) -> Tensor:
    """Inverse sine, in radians; NaN outside [-1, 1]."""
    return jnp.arcsin(as_float(x))


@op
def arccos(x: TensorLike) -> Tensor:
    """Inverse cosine, in radians; NaN outside [-1, 1]."""
    return jnp.arccos(as_float(x))


@zero_preserving
def arctan(x: TensorLike) -> Tensor:
    """Inverse tangent, in radians."""
    return jnp.arctan(as_float(x))


@zero_preserving
def sinh(x: TensorLike) -> Tensor:
    """Hyperbolic sine."""
    return jnp.sinh(as_float(x))


@op
def cosh(x: TensorLike) -> Tensor:
    """Hyperbolic cosine."""
    return jnp.cosh(as_float(x))


@zero_preserving
def tanh(x: TensorLike) -> Tensor:
    """Hyperbolic tangent."""
    return jnp.tanh(as_float(x))


@zero_preserving
def arcsinh(x: TensorLike) -> Tensor:
    """Inverse hyperbolic sine."""
    return jnp.arcsinh(as_float(x))


@op
def arccosh(x: TensorLike) -> Tensor:
    """Inverse hyperbolic cosine; NaN below 1."""
    return jnp.arccosh(as_float(x))


@zero_preserving
def arctanh(x: TensorLike) -> Tensor:
    """Inverse hyperbolic tangent; NaN outside [-1, 1]."""
    return jnp.arctanh(as_float(x))


@op
def deg2rad(x: TensorLike) -> Tensor:
    """Degrees to radians."""
    return jnp.deg2rad(as_float(x))


@op
def rad2deg(x: TensorLike) -> Tensor:
    """Radians to degrees."""
    return jnp.rad2deg(as_float(x))


# -- complex numbers -----------------------------------------------------------


@zero_preserving
def real(x: TensorLike) -> Tensor:
    """Real part; real `x` unchanged."""
    return jnp.real(as_tensor(x))


@zero_preserving
def imag(x: TensorLike) -> Tensor:
    """Imaginary part; zeros for real `x`."""
    return jnp.imag(as_tensor(x))


@zero_preserving
def conjugate(x: TensorLike) -> Tensor:
    """Complex conjugate; real `x` unchanged."""
    return jnp.conjugate(as_tensor(x))


@zero_preserving
def conj(x: TensorLike) -> Tensor:
    """Complex conjugate: `conjugate` by its short name."""
    return jnp.conjugate(as_tensor(x))


@op
def angle(x: TensorLike) -> Tensor:
    """The angle of complex numbers in radians; for real `x` 0, or pi where negative."""
    return jnp.angle(as_float(x))


# -- tests ---------------------------------------------------------------------


@op
def isfinite(x: TensorLike) -> Tensor:
    """Whether neither NaN nor infinite."""
    return jnp.isfinite(as_tensor(x))


@op
def isinf(x: TensorLike) -> Tensor:
    """Whether infinite, of either sign."""
    return jnp.isinf(as_tensor(x))


@op
def isnan(x: TensorLike) -> Tensor:
    """Whether NaN."""
    return jnp.isnan(as_tensor(x))


@op
def isneginf(x: TensorLike) -> Tensor:
    """Whether -inf."""
    return jnp.isneginf(as_tensor(x))


@op
def isposinf(x: TensorLike) -> Tensor:
    """Whether +inf."""
    return jnp.isposinf(as_tensor(x))


@op
def isreal(x: TensorLike) -> Tensor:
    """Whether the imaginary part is 0."""
    return jnp.isreal(as_tensor(x))


@op
def logical_not(x: TensorLike) -> Tensor:
    """Whether 0 (or False)."""
    return jnp.logical_not(as_tensor(x))


@op
def bitwise_not(x: TensorLike) -> Tensor:
    """All bits inverted; integers and bools only."""
    return jnp.bitwise_not(as_tensor(x))


@op
def bitwise_invert(x: TensorLike) -> Tensor:
    """All bits inverted: `bitwise_not` by its other name."""
    return jnp.bitwise_not(as_tensor(x))
