"""The activation functions. Most are `fkeras.ops` under a second name, as objects of their own so
that configs name them alike.
"""

import jax
import jax.numpy as jnp

from fkeras import ops
from fkeras.core.symbolic.op import op
from fkeras.ops.tensors import as_array


@op
def relu(x, negative_slope=0.0, max_value=None, threshold=0.0):
    """x above `threshold`, else 0.

    Args:
        x: any shape.
        negative_slope: below the threshold: `negative_slope * (x - threshold)`.
        max_value: the largest output; None: no bound.
        threshold: where the positive part starts.

    Examples:
        >>> import fkeras
        >>> fkeras.activations.relu([-10.0, 5.0, 20.0], negative_slope=0.1, max_value=10.0)
        Array([-1.,  5., 10.], dtype=float32)
    """
    x = as_array(x)
    if negative_slope and not threshold and max_value is None:
        return jax.nn.leaky_relu(x, negative_slope)
    if threshold:
        positive = jnp.where(x <= threshold, 0, x)
    else:
        positive = ops.relu6(x) if max_value == 6 else ops.relu(x)
    if max_value is not None and (threshold or max_value != 6):
        positive = jnp.clip(positive, 0, max_value)
    return positive - negative_slope * ops.relu(threshold - x) if negative_slope else positive


def leaky_relu(x, negative_slope=0.2):
    """x where x >= 0, else negative_slope * x."""
    return ops.leaky_relu(x, negative_slope)


def relu6(x):
    """x clipped to [0, 6]."""
    return ops.relu6(x)


def softmax(x, axis=-1):
    """exp(x) / sum(exp(x)) along `axis` (an int, a tuple, or None for all)."""
    return ops.softmax(x, axis)


def log_softmax(x, axis=-1):
    """log(softmax(x)) along `axis` (an int, a tuple, or None for all)."""
    return ops.log_softmax(x, axis)


def sparsemax(x, axis=-1):
    """The point of the probability simplex nearest to x along `axis`: like softmax, with exact
    zeros.
    """
    return ops.sparsemax(x, axis)


def elu(x, alpha=1.0):
    """x where x > 0, else alpha * (exp(x) - 1)."""
    return ops.elu(x, alpha)


def celu(x, alpha=1.0):
    """max(x, 0) + min(0, alpha * (exp(x / alpha) - 1))."""
    return ops.celu(x, alpha)


def selu(x):
    """`elu` with the two constants that keep mean 0 and variance 1."""
    return ops.selu(x)


def gelu(x, approximate=False):
    """x * Phi(x), Phi the normal distribution; `approximate` takes the tanh formula, else erf."""
    return ops.gelu(x, approximate)


def glu(x, axis=-1):
    """First half of x along `axis` times the sigmoid of the second half; that axis is halved."""
    return ops.glu(x, axis)


def silu(x):
    """x * sigmoid(x), also called swish."""
    return ops.silu(x)


def hard_silu(x):
    """x * hard_sigmoid(x), also called hard_swish."""
    return ops.hard_silu(x)


@op
def mish(x):
    """x * tanh(softplus(x)) (Misra, 2019)."""
    return jax.nn.mish(as_array(x))


def sigmoid(x):
    """1 / (1 + exp(-x)), in (0, 1)."""
    return ops.sigmoid(x)


def log_sigmoid(x):
    """log(sigmoid(x)), without overflow."""
    return ops.log_sigmoid(x)


def hard_sigmoid(x):
    """relu6(x + 3) / 6."""
    return ops.hard_sigmoid(x)


def sparse_sigmoid(x):
    """0 below -1, 1 above 1, and the straight line (x + 1) / 2 between."""
    return ops.sparse_sigmoid(x)


def tanh(x):
    """(exp(x) - exp(-x)) / (exp(x) + exp(-x)), in (-1, 1)."""
    return ops.tanh(x)


def hard_tanh(x):
    """x clipped to [-1, 1]."""
    return ops.hard_tanh(x)


def tanh_shrink(x):
    """x - tanh(x)."""
    return ops.tanh_shrink(x)


def soft_shrink(x, threshold=0.5):
    """Moves x by `threshold` towards 0; 0 where |x| <= threshold."""
    return ops.soft_shrink(x, threshold)


def hard_shrink(x, threshold=0.5):
    """x where |x| > threshold, else 0."""
    return ops.hard_shrink(x, threshold)


def threshold(x, threshold, default_value):
    """x where x > threshold, else `default_value`."""
    return ops.threshold(x, threshold, default_value)


def softplus(x):
    """log(1 + exp(x)), without overflow."""
    return ops.softplus(x)


def sparse_plus(x):
    """0 below -1, x above 1, and the parabola (x + 1)^2 / 4 between."""
    return ops.sparse_plus(x)


def squareplus(x, b=4):
    """(x + sqrt(x^2 + b)) / 2, a smooth `relu`."""
    return ops.squareplus(x, b)


def softsign(x):
    """x / (1 + |x|), in (-1, 1)."""
    return ops.softsign(x)


def exponential(x):
    """exp(x)."""
    return ops.exp(x)


def linear(x):
    """x itself."""
    return x
