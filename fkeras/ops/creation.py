"""New arrays: filled, counted, drawn along an axis. `dtype=None` means `floatx()` unless said
otherwise.
"""

import jax.numpy as jnp

from fkeras.core.dtypes import standardize_dtype
from fkeras.core.settings import floatx
from fkeras.core.symbolic.op import op
from fkeras.errors import UserInputError, UserTypeError
from fkeras.ops.promotion import result_type
from fkeras.ops.tensors import as_array, as_tensor, optional_dtype

# -- filled --------------------------------------------------------------------


def zeros(shape, dtype=None):
    """Zeros of `shape`."""
    return jnp.zeros(shape, dtype=standardize_dtype(dtype))


def ones(shape, dtype=None):
    """Ones of `shape`."""
    return jnp.ones(shape, dtype=standardize_dtype(dtype))


def empty(shape, dtype=None):
    """An array of `shape` whose values do not matter: zeros, under JAX."""
    return jnp.empty(shape, dtype=standardize_dtype(dtype))


@op
def full(shape, fill_value, dtype=None):
    """`fill_value`, which broadcasts, everywhere in `shape`."""
    return jnp.full(shape, as_tensor(fill_value), dtype=standardize_dtype(dtype))


@op
def zeros_like(x, dtype=None):
    """Zeros of the shape of `x`, and of its dtype for None."""
    return jnp.zeros_like(as_tensor(x), dtype=optional_dtype(dtype))


@op
def ones_like(x, dtype=None):
    """Ones of the shape of `x`, and of its dtype for None."""
    return jnp.ones_like(as_tensor(x), dtype=optional_dtype(dtype))


@op
def empty_like(x, dtype=None):
    """An array like `x` whose values do not matter: zeros, under JAX."""
    return jnp.empty_like(as_tensor(x), dtype=optional_dtype(dtype))


@op
def full_like(x, fill_value, dtype=None):
    """`fill_value` everywhere in the shape of `x`, and in its dtype for None."""
    return jnp.full_like(as_tensor(x), as_tensor(fill_value), dtype=optional_dtype(dtype))


# -- counted -------------------------------------------------------------------


@op
def arange(start, stop=None, step=None, dtype=None):
    """`start`, `start + step`, ... below `stop`; one argument alone is `stop`, from 0.

    Args:
        start, stop, step: numbers; None: see above, and 1.
        dtype: None: the promoted dtype of the numbers, int32 for Python ints.

    Examples:
        >>> import fkeras
        >>> fkeras.ops.arange(5)
        Array([0, 1, 2, 3, 4], dtype=int32)
    """
    if dtype is None:
        dtype = result_type(
            *(getattr(x, "dtype", type(x)) for x in (start, stop, step) if x is not None)
        )
    return jnp.arange(start, stop, step=step, dtype=standardize_dtype(dtype))


@op
def linspace(start, stop, num=50, endpoint=True, retstep=False, dtype=None, axis=0):
    """`num` evenly spaced numbers from `start` to `stop`, which broadcast, along a new axis.

    Args:
        start, stop: numbers or arrays.
        num: how many.
        endpoint: whether `stop` is the last one.
        retstep: whether to return the spacing too: (numbers, step).
        dtype: None: a float dtype.
        axis: where the new axis goes.
    """
    dtype = optional_dtype(dtype)
    return jnp.linspace(
        as_tensor(start),
        as_tensor(stop),
        num=num,
        endpoint=endpoint,
        retstep=retstep,
        dtype=dtype,
        axis=axis,
    )


@op
def logspace(start, stop, num=50, endpoint=True, base=10, dtype=None, axis=0):
    """`base` to the powers that `linspace` gives."""
    dtype = optional_dtype(dtype)
    return jnp.logspace(
        as_tensor(start),
        as_tensor(stop),
        num=num,
        endpoint=endpoint,
        base=base,
        dtype=dtype,
        axis=axis,
    )


@op
def geomspace(start, stop, num=50, endpoint=True, dtype=None, axis=0):
    """`num` numbers from `start` to `stop` with equal ratios, along a new axis: see `linspace`."""
    return jnp.geomspace(
        as_tensor(start),
        as_tensor(stop),
        num=num,
        endpoint=endpoint,
        dtype=optional_dtype(dtype),
        axis=axis,
    )


@op
def meshgrid(*x, indexing="xy"):
    """The coordinates of all grid points, as a list of one array for each 1-D argument.

    Args:
        *x: 1-D arrays of sizes n1, n2, ...
        indexing: 'ij': results of shape (n1, n2, ...); 'xy': of shape (n2, n1, ...).
    """
    if indexing not in ("xy", "ij"):
        raise UserInputError(
            f"Valid values for `indexing` are 'xy' and 'ij'. Received: {indexing!r}."
        )
    return list(jnp.meshgrid(*(as_array(part).ravel() for part in x), indexing=indexing))


# -- matrices ------------------------------------------------------------------


def _refuse_float(name, value):
    if isinstance(value, float) or "float" in str(getattr(value, "dtype", "")):
        raise UserTypeError(f"Argument `{name}` must be an integer. Received: {name}={value}.")


def eye(N, M=None, k=0, dtype=None):
    """Ones on the k-th diagonal (above the main one for k > 0), zeros elsewhere; shape (N, M), M =
    N for None.
    """
    _refuse_float("N", N)
    _refuse_float("M", M)
    return jnp.eye(N, M=M, k=k, dtype=standardize_dtype(dtype))


def identity(n, dtype=None):
    """The identity matrix of shape (n, n)."""
    return jnp.identity(n, dtype=standardize_dtype(dtype))


def tri(N, M=None, k=0, dtype=None):
    """Ones on and below the k-th diagonal, zeros above; shape (N, M), M = N for None."""
    return jnp.tri(N, M=M, k=k, dtype=standardize_dtype(dtype))


@op
def tril(x, k=0):
    """`x` (..., m, n) with zeros above the k-th diagonal."""
    return jnp.tril(as_array(x), k=k)


@op
def triu(x, k=0):
    """`x` (..., m, n) with zeros below the k-th diagonal."""
    return jnp.triu(as_array(x), k=k)


@op
def vander(x, N=None, increasing=False):
    """The powers N-1, ..., 1, 0 of a 1-D `x` as columns, shape (len(x), N); N = len(x) for None."""
    x = as_array(x)
    if x.ndim != 1:
        raise UserInputError(
            f"vander: input tensor must be 1-dimensional. Received: shape {tuple(x.shape)}."
        )
    if N is not None and not isinstance(N, int):
        raise UserTypeError(f"Argument `N` must be of type `int`. Received: N={N!r}.")
    if N is not None and N < 0:
        raise UserInputError(f"Argument `N` must be nonnegative. Received: N={N}.")
    if not isinstance(increasing, bool):
        raise UserTypeError(
            f"Argument `increasing` must be of type `bool`. Received: increasing={increasing!r}."
        )
    return jnp.vander(x, N=N, increasing=increasing)


# -- windows of x points, as floatx --------------------------------------------


@op
def bartlett(x):
    """The Bartlett (triangular) window of `x` points, shape (x,)."""
    return jnp.bartlett(_points(x)).astype(floatx())


@op
def blackman(x):
    """The Blackman window of `x` points, shape (x,)."""
    return jnp.blackman(_points(x)).astype(floatx())


@op
def hamming(x):
    """The Hamming window of `x` points, shape (x,)."""
    return jnp.hamming(_points(x)).astype(floatx())


@op
def hanning(x):
    """The Hann window of `x` points, shape (x,)."""
    return jnp.hanning(_points(x)).astype(floatx())


@op
def kaiser(x, beta):
    """The Kaiser window of `x` points and shape parameter `beta`, shape (x,)."""
    return jnp.kaiser(_points(x), as_tensor(beta)).astype(floatx())


def _points(x):
    return int(x)
