"""Dot-product attention."""

from __future__ import annotations

import functools
from collections.abc import Callable

import jax
import jax.numpy as jnp

from fkeras.core import settings
from fkeras.core.contraction import einsum
from fkeras.core.symbolic.op import op
from fkeras.errors import UserInputError
from fkeras.ops.promotion import result_type
from fkeras.ops.tensors import as_array
from fkeras.types import Tensor, TensorLike


@op
def dot_product_attention(
    query: TensorLike,
    key: TensorLike,
    value: TensorLike,
    bias: TensorLike | None = None,
    mask: TensorLike | None = None,
    scale: float | None = None,
    is_causal: bool = False,
    flash_attention: bool | None = None,
    attn_logits_soft_cap: float | None = None,
) -> Tensor:
    """softmax(scale * query . key + bias) . value, over the keys' positions.

    Heads stand side by side.

    On NVIDIA GPUs, float16 and bfloat16 inputs go through cuDNN's flash attention where it takes
    them (`jax.nn.dot_product_attention`), which never writes the (queries, keys) matrix; everything
    else is compiled by XLA.

    Args:
        query: (batch, queries, heads, depth).
        key, value: (batch, keys, kv_heads, depth); `heads` is a multiple of `kv_heads`, and each of
            these serves several queries' heads.
        bias: added to the logits; broadcasts to (batch, heads, queries, keys).
        mask: bool, True where a query may look; broadcasts to (batch, heads, queries, keys).
        scale: of the logits; None means 1 / sqrt(depth).
        is_causal: whether query i sees keys 0 to i only.
        flash_attention: False for XLA; True for cuDNN or an error; None for cuDNN where it works,
            unless `fkeras.config.disable_flash_attention()` was called.
        attn_logits_soft_cap: None, or c > 0: logits become c * tanh(logits / c), before bias and
            mask. (Keras has this on TPUs only.)

    Returns:
        (batch, queries, heads, depth), of the common dtype of query, key and value.

    Examples:
        >>> from fkeras import ops
        >>> x = ops.ones((2, 5, 4, 8))
        >>> ops.dot_product_attention(x, x, x, is_causal=True).shape
        (2, 5, 4, 8)

    References:
        Vaswani et al., 2017, https://arxiv.org/abs/1706.03762; Dao, 2023,
            https://arxiv.org/abs/2307.08691
    """
    query, key, value = (as_array(x) for x in (query, key, value))
    if not query.ndim == key.ndim == value.ndim == 4:
        raise UserInputError(
            "`dot_product_attention` only supports 4D inputs (batch, positions, heads, depth). "
            f"Received: query.shape={query.shape}, key.shape={key.shape}, "
            f"value.shape={value.shape}."
        )
    dtype = result_type(query.dtype, key.dtype, value.dtype)
    query, key, value = (x.astype(dtype) for x in (query, key, value))
    bias = None if bias is None else as_array(bias).astype(dtype)
    mask = None if mask is None else as_array(mask).astype(bool)
    if flash_attention is None and settings.get("flash_attention") is False:
        flash_attention = False
    if attn_logits_soft_cap is not None:
        if flash_attention:
            raise UserInputError(
                "dot_product_attention: flash attention has no `attn_logits_soft_cap`. Leave "
                "flash_attention=None."
            )
        return _by_einsum(query, key, value, bias, mask, scale, is_causal, attn_logits_soft_cap)
    attend = functools.partial(
        jax.nn.dot_product_attention, bias=bias, mask=mask, scale=scale, is_causal=is_causal
    )
    if flash_attention or (
        flash_attention is None
        and jax.default_backend() == "gpu"
        and dtype in ("float16", "bfloat16")
    ):
        fused = functools.partial(attend, implementation="cudnn")
        if _can_fuse(fused, query, key, value, required=bool(flash_attention)):
            return fused(query, key, value)
    if jax.default_backend() == "cpu":  # the same numbers in about half the time, gradient included
        return _by_einsum(query, key, value, bias, mask, scale, is_causal)
    return attend(query, key, value, implementation="xla")


def _can_fuse(
    fused: Callable[..., jax.Array],
    query: jax.Array,
    key: jax.Array,
    value: jax.Array,
    required: bool,
) -> bool:
    """Whether cuDNN takes these arguments; where that is required, an error if not."""
    # JAX checks cuDNN, the device and the shapes when it traces; the gradient has narrower limits.
    try:
        jax.eval_shape(lambda *qkv: jax.vjp(fused, *qkv)[0], query, key, value)
    except Exception as error:  # of many types, by the check that failed
        if not required:
            return False
        raise UserInputError(
            f"Flash attention cannot be used for query.shape={query.shape}, "
            f"key.shape={key.shape}, dtype={query.dtype} on {jax.default_backend()}: {error} "
            "Pass flash_attention=None to use it only where it works."
        ) from error
    return True


def _by_einsum(
    query: jax.Array,
    key: jax.Array,
    value: jax.Array,
    bias: jax.Array | None,
    mask: jax.Array | None,
    scale: float | None,
    is_causal: bool,
    cap: float | None = None,
) -> jax.Array:
    """Attention as two matrix products, with the soft cap that `jax.nn` has not."""
    batch, queries, heads, depth = query.shape
    kv_heads = key.shape[2]
    if heads % kv_heads:
        raise UserInputError(
            f"dot_product_attention: {heads} query heads must be a multiple of {kv_heads} key and "
            "value heads."
        )
    if heads != kv_heads:
        key, value = (jnp.repeat(x, heads // kv_heads, axis=2) for x in (key, value))
    exact = jnp.promote_types(query.dtype, "float32")
    logits = einsum("bqhd,bkhd->bhqk", query, key, preferred_element_type=exact)
    logits = logits * (depth**-0.5 if scale is None else scale)  # (batch, heads, queries, keys)
    if cap is not None:
        logits = cap * jnp.tanh(logits / cap)
    if bias is not None:
        logits = logits + bias
    if is_causal:
        causal = jnp.tril(jnp.ones(logits.shape[-2:], bool))
        mask = causal if mask is None else causal & mask
    if mask is not None:
        # Not -inf: a row without any key would be NaN. JAX's own number.
        logits = jnp.where(mask, logits, -0.7 * jnp.finfo(logits.dtype).max)
    if value.dtype != logits.dtype:  # in half precision, what is rounded must be normalised before
        return einsum("bhqk,bkhd->bqhd", jax.nn.softmax(logits).astype(value.dtype), value)
    # Softmax whose division comes last, where there is one number for each query and depth instead
    # of each query and key.
    largest = jax.lax.stop_gradient(jnp.max(logits, axis=-1, keepdims=True))
    weights = jnp.exp(logits - largest)
    totals = jnp.sum(weights, axis=-1).transpose(0, 2, 1)[..., None]
    return einsum("bhqk,bkhd->bqhd", weights, value) / totals
