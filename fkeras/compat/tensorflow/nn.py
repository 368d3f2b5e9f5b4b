"""`tf.nn`: activations, losses of logits, normalization, dropout."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from fkeras.compat.tensorflow import arithmetic, arranging, picking, windows
from fkeras.compat.tensorflow.arithmetic import special
from fkeras.compat.tensorflow.calls import axis_of, shape_of, table, tensors
from fkeras.compat.tensorflow.random import NAMES as RANDOM
from fkeras.types import Axis, ShapeLike, Tensor, TensorLike


def _gelu(xp: ModuleType, features: Tensor, approximate: bool = False) -> Tensor:
    if approximate:
        inner = np.sqrt(2 / np.pi).astype(features.dtype) * (features + 0.044715 * features**3)
        return 0.5 * features * (1 + xp.tanh(inner))
    return 0.5 * features * (1 + special(xp, "erf", features * features.dtype.type(0.5**0.5)))


def _softmax(xp: ModuleType, logits: Tensor, axis: int | None = None) -> Tensor:
    if xp is jnp:
        return jax.nn.softmax(logits, axis=-1 if axis is None else axis)
    powers = np.exp(_shifted(xp, logits, axis))
    return powers / powers.sum(axis=-1 if axis is None else axis, keepdims=True)


def _log_softmax(xp: ModuleType, logits: Tensor, axis: int | None = None) -> Tensor:
    if xp is jnp:
        return jax.nn.log_softmax(logits, axis=-1 if axis is None else axis)
    shifted = _shifted(xp, logits, axis)
    total = np.exp(shifted).sum(axis=-1 if axis is None else axis, keepdims=True)
    return shifted - np.log(total)


def _shifted(xp: ModuleType, logits: Tensor, axis: int | None) -> Tensor:
    return logits - logits.max(axis=-1 if axis is None else axis, keepdims=True)


_SELU = 1.0507009873554805, 1.6732632423543772

ACTIVATIONS = {
    "crelu": lambda xp, features, axis=-1: xp.maximum(
        xp.concatenate([features, -features], axis=axis), 0
    ),
    "elu": lambda xp, features: xp.where(features > 0, features, xp.expm1(xp.minimum(features, 0))),
    "gelu": _gelu,
    "l2_loss": lambda xp, t: xp.sum(t * t) / 2,
    "leaky_relu": lambda xp, features, alpha=0.2: xp.where(
        features > 0, features, features * features.dtype.type(alpha)
    ),
    "log_softmax": _log_softmax,
    "relu": lambda xp, features: jax.nn.relu(features) if xp is jnp else np.maximum(features, 0),
    "relu6": lambda xp, features: xp.clip(features, 0, 6),
    "selu": lambda xp, features: (
        _SELU[0] * xp.where(features > 0, features, _SELU[1] * xp.expm1(xp.minimum(features, 0)))
    ),
    "silu": lambda xp, features, beta=1.0: (
        features * arithmetic.sigmoid(xp, features * features.dtype.type(beta))
    ),
    "softmax": _softmax,
    "zero_fraction": lambda xp, value: xp.mean((value == 0).astype("float32")),
}


@tensors(1)
def l2_normalize(
    xp: ModuleType,
    x: Tensor,
    axis: Axis | None = None,
    epsilon: float = 1e-12,
    dim: Axis | None = None,
) -> Tensor:
    """`x` over its length along an axis."""
    axis = axis_of(dim if axis is None else axis)
    squares = xp.sum(x * x, axis=axis, keepdims=True)
    return x / xp.sqrt(xp.maximum(squares, x.dtype.type(epsilon)))


@tensors(1)
def moments(
    xp: ModuleType, x: Tensor, axes: Axis, shift: Any = None, keepdims: bool = False
) -> tuple[Tensor, Tensor]:
    """Mean and variance over axes."""
    axes = axis_of(axes)
    return xp.mean(x, axis=axes, keepdims=keepdims), xp.var(x, axis=axes, keepdims=keepdims)


@tensors(3)
def batch_normalization(
    xp: ModuleType,
    x: Tensor,
    mean: Tensor,
    variance: Tensor,
    offset: TensorLike | None,
    scale: TensorLike | None,
    variance_epsilon: float,
) -> Tensor:
    """(x - mean) / sqrt(variance + epsilon) * scale + offset; None leaves one out."""
    factor = 1 / xp.sqrt(variance + variance_epsilon)
    factor = factor if scale is None else factor * xp.asarray(scale)
    shift = -mean * factor if offset is None else xp.asarray(offset) - mean * factor
    return (x * factor + shift).astype(x.dtype)


@tensors(1)
def local_response_normalization(
    xp: ModuleType,
    input: Tensor,
    depth_radius: int = 5,
    bias: float = 1.0,
    alpha: float = 1.0,
    beta: float = 0.5,
) -> Tensor:
    """Each channel over a power of the squares of its neighbours."""
    channels = input.shape[-1]
    near = np.abs(np.subtract.outer(np.arange(channels), np.arange(channels))) <= depth_radius
    squares = xp.matmul(input * input, near.astype(input.dtype))
    return input / (bias + alpha * squares) ** beta


@tensors(2)
def bias_add(xp: ModuleType, value: Tensor, bias: Tensor, data_format: str | None = None) -> Tensor:
    """`value` plus a number for each channel."""
    if data_format is not None and data_format.startswith("NC"):
        bias = bias.reshape(-1, *[1] * (value.ndim - 2))
    return value + bias


def dropout(
    x: TensorLike,
    rate: float,
    noise_shape: ShapeLike | None = None,
    seed: int | None = None,
    name: str | None = None,
) -> Tensor:
    """Elements set to 0 at random, the others scaled up; always, unless `rate` is 0."""
    if isinstance(rate, (int, float)) and rate == 0:
        return arranging.identity(x)
    noise = RANDOM["uniform"](shape_of(x) if noise_shape is None else noise_shape, seed=seed)
    return _drop(x, noise, rate)


@tensors(1)
def _drop(xp: ModuleType, x: Tensor, noise: Tensor, rate: float) -> Tensor:
    return xp.where(xp.asarray(noise) >= rate, x / (1 - rate), 0).astype(x.dtype)


# -- losses of logits: one for each element or row, not averaged -----------------------------------


@tensors(2)
def sigmoid_cross_entropy_with_logits(xp: ModuleType, labels: Tensor, logits: Tensor) -> Tensor:
    """The crossentropy of probabilities and logits, element by element."""
    return xp.maximum(logits, 0) - logits * labels + xp.log1p(xp.exp(-xp.abs(logits)))


@tensors(2)
def weighted_cross_entropy_with_logits(
    xp: ModuleType, labels: Tensor, logits: Tensor, pos_weight: TensorLike
) -> Tensor:
    """As `sigmoid_cross_entropy_with_logits`, with another weight for what is positive."""
    weight = 1 + (pos_weight - 1) * labels
    rest = xp.log1p(xp.exp(-xp.abs(logits))) + xp.maximum(-logits, 0)
    return (1 - labels) * logits + weight * rest


@tensors(2)
def softmax_cross_entropy_with_logits(
    xp: ModuleType, labels: Tensor, logits: Tensor, axis: int = -1
) -> Tensor:
    """The crossentropy of probabilities of classes and logits, without the axis of the classes."""
    return -xp.sum(labels * _log_softmax(xp, logits, axis), axis=axis)


@tensors(2)
def sparse_softmax_cross_entropy_with_logits(
    xp: ModuleType, labels: Tensor, logits: Tensor
) -> Tensor:
    """The crossentropy of class numbers and logits, without the axis of the classes."""
    scores = _log_softmax(xp, logits)
    return -xp.take_along_axis(scores, labels.astype(np.int32)[..., None], axis=-1)[..., 0]


@tensors(2)
def log_poisson_loss(
    xp: ModuleType, targets: Tensor, log_input: Tensor, compute_full_loss: bool = False
) -> Tensor:
    """exp(c) - c * targets; with Stirling's term where it is asked for."""
    loss = xp.exp(log_input) - log_input * targets
    if not compute_full_loss:
        return loss
    safe = xp.where(targets > 1, targets, 1)
    term = safe * xp.log(safe) - safe + 0.5 * xp.log(2 * np.float32(np.pi) * safe)
    return loss + xp.where(targets > 1, term, 0)


# -- over a batch ----------------------------------------------------------------------------------


@tensors(2)
def compute_average_loss(
    xp: ModuleType,
    per_example_loss: Tensor,
    sample_weight: Tensor | None = None,
    global_batch_size: TensorLike | None = None,
) -> Tensor:
    """The sum of the losses of rows over the global batch size; None for their number, since a step
    sees the whole batch.
    """
    losses = per_example_loss if sample_weight is None else per_example_loss * sample_weight
    rows = losses.shape[0] if global_batch_size is None else global_batch_size
    return xp.sum(losses) / xp.asarray(rows, losses.dtype)


@tensors(1)
def scale_regularization_loss(xp: ModuleType, regularization_loss: Tensor) -> Tensor:
    """The sum of losses of regularizers, each of which counts once: there is one replica."""
    return xp.sum(regularization_loss)


def embedding_lookup(
    params: TensorLike, ids: TensorLike, max_norm: float | None = None, name: str | None = None
) -> Tensor:
    """The rows of a table at the ids."""
    rows = picking.gather(params, ids)
    return rows if max_norm is None else arithmetic.clip_by_norm(rows, max_norm, axes=[-1])


NAMES = {
    **table(ACTIVATIONS),
    **windows.NAMES,
    **arranging.IN_NN,
    **{
        name: arithmetic.NAMES[name]
        for name in ("sigmoid", "softplus", "softsign", "tanh", "log_sigmoid")
    },
    "batch_normalization": batch_normalization,
    "bias_add": bias_add,
    "compute_average_loss": compute_average_loss,
    "dropout": dropout,
    "embedding_lookup": embedding_lookup,
    "in_top_k": picking.in_top_k,
    "l2_normalize": l2_normalize,
    "local_response_normalization": local_response_normalization,
    "log_poisson_loss": log_poisson_loss,
    "lrn": local_response_normalization,
    "moments": moments,
    "scale_regularization_loss": scale_regularization_loss,
    "sigmoid_cross_entropy_with_logits": sigmoid_cross_entropy_with_logits,
    "softmax_cross_entropy_with_logits": softmax_cross_entropy_with_logits,
    "sparse_softmax_cross_entropy_with_logits": sparse_softmax_cross_entropy_with_logits,
    "top_k": picking.top_k,
    "weighted_cross_entropy_with_logits": weighted_cross_entropy_with_logits,
}
NAMES["swish"] = NAMES["silu"]
