"""The array functions of Keras 2's backend (`K.mean`, `K.clip`, `K.dot`, ...), for losses and
layers in older scripts.

Arguments and results are those of Keras 2 where they differ from `fkeras.ops`: axes that default to
the last, `sqrt` that clips at zero, `hard_sigmoid` with slope 0.2. Convolutions, pooling and `rnn`
are not here: layers and `fkeras.ops` have them.
"""

import math

import numpy as np

from fkeras import ops, random
from fkeras.core.settings import epsilon, floatx, image_data_format, standardize_data_format
from fkeras.core.values.variable import Variable
from fkeras.errors import UserInputError
from fkeras.ops import abs as abs
from fkeras.ops import all as all
from fkeras.ops import any as any
from fkeras.ops import cast as cast
from fkeras.ops import cos as cos
from fkeras.ops import equal as equal
from fkeras.ops import exp as exp
from fkeras.ops import greater as greater
from fkeras.ops import greater_equal as greater_equal
from fkeras.ops import less as less
from fkeras.ops import less_equal as less_equal
from fkeras.ops import log as log
from fkeras.ops import max as max
from fkeras.ops import maximum as maximum
from fkeras.ops import mean as mean
from fkeras.ops import min as min
from fkeras.ops import minimum as minimum
from fkeras.ops import ndim as ndim
from fkeras.ops import not_equal as not_equal
from fkeras.ops import ones_like as ones_like
from fkeras.ops import prod as prod
from fkeras.ops import reshape as reshape
from fkeras.ops import round as round
from fkeras.ops import shape as shape
from fkeras.ops import sigmoid as sigmoid
from fkeras.ops import sign as sign
from fkeras.ops import sin as sin
from fkeras.ops import softmax as softmax
from fkeras.ops import softplus as softplus
from fkeras.ops import softsign as softsign
from fkeras.ops import sparse as _sparse
from fkeras.ops import square as square
from fkeras.ops import squeeze as squeeze
from fkeras.ops import stack as stack
from fkeras.ops import std as std
from fkeras.ops import sum as sum
from fkeras.ops import tanh as tanh
from fkeras.ops import tile as tile
from fkeras.ops import transpose as transpose
from fkeras.ops import var as var
from fkeras.ops import zeros_like as zeros_like

int_shape = shape
permute_dimensions = transpose
pow = ops.power
reverse = ops.flip
is_sparse = _sparse.is_sparse
to_dense = _sparse.dense


# -- arithmetic with other defaults than in ops --------------------------------


def argmax(x, axis=-1):
    """The index of the largest value along one axis, the last by default; int32."""
    return ops.argmax(x, axis)


def argmin(x, axis=-1):
    """The index of the smallest value along one axis, the last by default; int32."""
    return ops.argmin(x, axis)


def cumsum(x, axis=0):
    """Running sums along one axis, the first by default."""
    return ops.cumsum(x, axis)


def cumprod(x, axis=0):
    """Running products along one axis, the first by default."""
    return ops.cumprod(x, axis)


def clip(x, min_value, max_value):
    """`x` limited to [min_value, max_value]; None for no limit. Where the limits cross, `min_value`
    counts.
    """
    if (
        min_value is not None
        and max_value is not None
        and isinstance(min_value, int | float)
        and isinstance(max_value, int | float)
    ):
        max_value = min_value if max_value < min_value else max_value
    return ops.clip(
        x, -np.inf if min_value is None else min_value, np.inf if max_value is None else max_value
    )


def sqrt(x):
    """The square root; 0 for negative numbers."""
    return ops.sqrt(ops.maximum(x, 0.0))


def relu(x, alpha=0.0, max_value=None, threshold=0.0):
    """`x` above `threshold`, at most `max_value`; `alpha * (x - threshold)` below."""
    below = alpha * (x - threshold)
    above = x if max_value is None else ops.minimum(x, max_value)
    return ops.where(ops.greater(x, threshold), above, below)


def elu(x, alpha=1.0):
    """`x` where positive, `alpha * (exp(x) - 1)` elsewhere."""
    return ops.elu(x, alpha)


def hard_sigmoid(x):
    """`0.2 * x + 0.5` limited to [0, 1], as in Keras 2. `fkeras.ops.hard_sigmoid` has slope 1/6."""
    return ops.clip(x * 0.2 + 0.5, 0.0, 1.0)


def l2_normalize(x, axis=None):
    """`x` divided by its Euclidean norm over `axis`; None for the norm of all of it."""
    total = ops.sum(ops.square(x), axis, keepdims=True)
    return x * ops.rsqrt(ops.maximum(total, 1e-12))


def in_top_k(predictions, targets, k):
    """Whether each target is among the `k` largest of its row of predictions: (batch, classes),
    (batch,) -> (batch,) bool.
    """
    return ops.in_top_k(targets, predictions, k)


# -- shapes --------------------------------------------------------------------


def concatenate(tensors, axis=-1):
    """Arrays joined along one axis, the last by default."""
    return ops.concatenate(tensors, axis)


def expand_dims(x, axis=-1):
    """`x` with an axis of length 1 added, at the end by default."""
    return ops.expand_dims(x, axis)


def flatten(x):
    """`x` as one axis, the batch included."""
    return ops.reshape(x, (-1,))


def batch_flatten(x):
    """(batch, ...) -> (batch, features)"""
    return ops.reshape(x, (-1, math.prod(x.shape[1:])))


def repeat(x, n):
    """(batch, features) -> (batch, n, features)"""
    return ops.repeat(ops.expand_dims(x, 1), n, axis=1)


def repeat_elements(x, rep, axis):
    """Each element along one axis `rep` times in a row."""
    return ops.repeat(x, rep, axis=axis)


def gather(reference, indices):
    """Rows of `reference` by their indices."""
    return ops.take(reference, indices, axis=0)


def one_hot(indices, num_classes):
    """(...,) ints -> (..., num_classes) floats."""
    return ops.one_hot(indices, num_classes)


def temporal_padding(x, padding=(1, 1)):
    """Zeros before and after the steps of (batch, steps, features)."""
    return ops.pad(x, ((0, 0), tuple(padding), (0, 0)))


def spatial_2d_padding(x, padding=((1, 1), (1, 1)), data_format=None):
    """Zeros around the rows and columns of images."""
    return _pad_spatial(x, padding, data_format)


def spatial_3d_padding(x, padding=((1, 1), (1, 1), (1, 1)), data_format=None):
    """Zeros around the three spatial axes of volumes."""
    return _pad_spatial(x, padding, data_format)


def _pad_spatial(x, padding, data_format):
    around = [tuple(p) for p in padding]
    last = standardize_data_format(data_format) == "channels_last"
    return ops.pad(x, [(0, 0), *around, (0, 0)] if last else [(0, 0), (0, 0), *around])


def bias_add(x, bias, data_format=None):
    """`x` plus a bias of shape (channels,), or of the shape of one sample with the channels
    last.
    """
    if len(bias.shape) not in (1, len(x.shape) - 1):
        raise UserInputError(
            f"Unexpected bias dimensions {len(bias.shape)}. Expected it to be 1 or "
            f"{len(x.shape) - 1} dimensions"
        )
    if (
        image_data_format() if data_format is None else standardize_data_format(data_format)
    ) == "channels_first":
        if len(bias.shape) == 1:
            bias = ops.reshape(bias, (-1, *[1] * (len(x.shape) - 2)))
        else:
            bias = ops.moveaxis(bias, -1, 0)
    return x + bias


# -- products ------------------------------------------------------------------


def dot(x, y):
    """The matrix product; beyond two axes, sums over the last of `x` and the last but one of
    `y`.
    """
    return ops.dot(x, y)


def batch_dot(x, y, axes=None):
    """Dot products sample by sample.

    Args:
        x, y: arrays of at least two axes, the first of which is the batch.
        axes: an int for both or a pair, the axes to sum over; None for the last of `x` and the last
            but one of `y` (the last, if it has two axes).

    Returns:
        (batch, the rest of `x`, the rest of `y`); (batch, 1) where both are two-dimensional.
    """
    nx, ny = len(x.shape), len(y.shape)
    if nx < 2 or ny < 2:
        raise UserInputError(
            f"batch_dot: expected arrays of at least 2 axes. Received shapes {x.shape} and "
            f"{y.shape}."
        )
    if axes is None:
        axes = (nx - 1, ny - 1 if ny == 2 else ny - 2)
    ax, ay = (axes, axes) if isinstance(axes, int) else axes
    ax, ay = ax % nx, ay % ny
    if 0 in (ax, ay):
        raise UserInputError(
            "Cannot perform batch_dot over axis 0, the batch. Add one with K.expand_dims(x, 0) if "
            "there is none."
        )
    letters = "abcdefghijklmnopqrstuvw"
    of_x = ["z", *letters[: nx - 1]]
    of_y = ["z", *letters[nx - 1 : nx + ny - 2]]
    of_x[ax] = of_y[ay] = "y"
    rest = [c for c in of_x[1:] + of_y[1:] if c != "y"]
    product = ops.einsum(f"{''.join(of_x)},{''.join(of_y)}->z{''.join(rest)}", x, y)
    return product if rest else ops.expand_dims(product, -1)


# -- losses, one value a sample or pixel ---------------------------------------


def binary_crossentropy(target, output, from_logits=False):
    """Elementwise, of probabilities or logits; the shape of `output`."""
    return ops.binary_crossentropy(target, output, from_logits=from_logits)


def categorical_crossentropy(target, output, from_logits=False, axis=-1):
    """Of one-hot targets; one value for each distribution along `axis`."""
    return ops.categorical_crossentropy(target, output, from_logits=from_logits, axis=axis)


def sparse_categorical_crossentropy(target, output, from_logits=False, axis=-1):
    """Of integer targets; one value for each distribution along `axis`."""
    return ops.sparse_categorical_crossentropy(target, output, from_logits=from_logits, axis=axis)


def ctc_batch_cost(y_true, y_pred, input_length, label_length):
    """CTC loss of softmax outputs.

    Args:
        y_true: (batch, labels) ints.
        y_pred: (batch, steps, classes) probabilities; the last class is the blank.
        input_length, label_length: (batch, 1) ints.

    Returns:
        (batch, 1)
    """
    lengths = [ops.cast(ops.reshape(n, (-1,)), "int32") for n in (label_length, input_length)]
    blank = y_pred.shape[-1] - 1
    return ops.expand_dims(
        ops.ctc_loss(
            ops.cast(y_true, "int32"), ops.log(y_pred + epsilon()), *lengths, mask_index=blank
        ),
        1,
    )


# -- choices and gradients -----------------------------------------------------


def switch(condition, then_expression, else_expression):
    """One of two arrays, or of two functions without arguments, by a condition.

    Args:
        condition: a scalar, or an array whose axes are the first of the expressions' (one choice
            for each element).
    """
    if len(condition.shape) == 0:
        branches = [
            e if callable(e) else (lambda e=e: e) for e in (then_expression, else_expression)
        ]
        return ops.cond(ops.cast(condition, "bool"), *branches)
    yes, no = (e() if callable(e) else e for e in (then_expression, else_expression))
    missing = len(yes.shape) - len(condition.shape)
    if missing < 0:
        raise UserInputError(
            f"switch: the condition has more axes than the expressions: {condition.shape} and "
            f"{yes.shape}."
        )
    return ops.where(
        ops.reshape(ops.cast(condition, "bool"), (*condition.shape, *[1] * missing)), yes, no
    )


def stop_gradient(variables):
    """An array, or each of a list, as constants for gradients."""
    return (
        [ops.stop_gradient(v) for v in variables]
        if isinstance(variables, list | tuple)
        else ops.stop_gradient(variables)
    )


def map_fn(fn, elems, name=None, dtype=None):
    """`fn` of each element along the first axis, stacked."""
    return ops.map(fn, elems)


# -- values and variables ------------------------------------------------------


def variable(value, dtype=None, name=None, constraint=None):
    """A `fkeras.Variable` with a value; `floatx()` by default."""
    return Variable(
        ops.convert_to_tensor(value, dtype or floatx()),
        dtype=dtype or floatx(),
        name=name,
        constraint=constraint,
    )


def constant(value, dtype=None, shape=None, name=None):
    """An array of a value, spread over a shape if one is given; `floatx()` by default."""
    made = ops.convert_to_tensor(value, dtype or floatx())
    return made if shape is None else ops.broadcast_to(made, shape)


def zeros(shape, dtype=None, name=None):
    """A variable of zeros; `floatx()` by default."""
    return variable(ops.zeros(shape, dtype or floatx()), dtype, name)


def ones(shape, dtype=None, name=None):
    """A variable of ones; `floatx()` by default."""
    return variable(ops.ones(shape, dtype or floatx()), dtype, name)


def eye(size, dtype=None, name=None):
    """The identity matrix as a variable; `floatx()` by default."""
    return variable(ops.eye(size, dtype=dtype or floatx()), dtype, name)


def arange(start, stop=None, step=1, dtype="int32"):
    """Numbers from `start` (0 if only one is given) up to, without, `stop`."""
    return ops.arange(start, stop, step, dtype=dtype)


def dtype(x):
    """The name of an array's dtype."""
    return ops.dtype(x)


def cast_to_floatx(x):
    """`x` in the default float dtype; NumPy values stay NumPy."""
    return (
        np.asarray(x, floatx())
        if isinstance(x, np.ndarray | list | tuple | int | float)
        else ops.cast(x, floatx())
    )


def count_params(x):
    """The number of elements."""
    return math.prod(x.shape)


def get_value(x):
    """An array or variable as NumPy."""
    return ops.convert_to_numpy(x)


def eval(x):
    """An array or variable as NumPy."""
    return ops.convert_to_numpy(x)


def batch_get_value(tensors):
    """Arrays or variables as NumPy, one for each."""
    return [ops.convert_to_numpy(x) for x in tensors]


def set_value(x, value):
    """Gives a variable a new value of the same shape."""
    x.assign(value)


def batch_set_value(tuples):
    """Gives variables new values: pairs (variable, value)."""
    for x, value in tuples:
        x.assign(value)


def update(x, new_x):
    """Gives a variable a new value."""
    return x.assign(new_x)


def update_add(x, increment):
    """Adds to a variable."""
    return x.assign_add(increment)


def update_sub(x, decrement):
    """Subtracts from a variable."""
    return x.assign_sub(decrement)


def moving_average_update(x, value, momentum):
    """Moves a variable towards a value: `momentum * x + (1 - momentum) * value`."""
    return x.assign(x * momentum + ops.cast(value, x.dtype) * (1 - momentum))


# -- random numbers: seed None takes the layer's or the process's --------------


def random_normal(shape, mean=0.0, stddev=1.0, dtype=None, seed=None):
    """Normally distributed numbers."""
    return random.normal(shape, mean, stddev, dtype=dtype, seed=seed)


def truncated_normal(shape, mean=0.0, stddev=1.0, dtype=None, seed=None):
    """Normally distributed numbers within two standard deviations."""
    return random.truncated_normal(shape, mean, stddev, dtype=dtype, seed=seed)


def random_uniform(shape, minval=0.0, maxval=1.0, dtype=None, seed=None):
    """Numbers evenly distributed over [minval, maxval)."""
    return random.uniform(shape, minval, maxval, dtype=dtype, seed=seed)


def random_bernoulli(shape, p=0.0, dtype=None, seed=None):
    """1 with probability `p`, else 0."""
    return ops.cast(random.uniform(shape, dtype="float32", seed=seed) < p, dtype or floatx())


def random_normal_variable(shape, mean, scale, dtype=None, name=None, seed=None):
    """A variable of normally distributed numbers."""
    return variable(random_normal(shape, mean, scale, dtype, seed), dtype, name)


def random_uniform_variable(shape, low, high, dtype=None, name=None, seed=None):
    """A variable of evenly distributed numbers."""
    return variable(random_uniform(shape, low, high, dtype, seed), dtype, name)


def dropout(x, level, noise_shape=None, seed=None):
    """`x` with a fraction `level` in [0, 1) of its elements set to 0 and the others scaled up."""
    return random.dropout(x, level, noise_shape=noise_shape, seed=seed)
