"""Multi-head attention."""

import jax
import jax.numpy as jnp
import numpy as np

from fkeras import constraints, initializers, regularizers
from fkeras.core import seeds, settings
from fkeras.core.seed_generator import SeedGenerator
from fkeras.core.symbolic import KerasTensor
from fkeras.errors import UserInputError
from fkeras.layers.base.layer import Layer
from fkeras.layers.core.einsum_dense import EinsumDense

_LETTERS = "abcdefghijklmnop"


class MultiHeadAttention(Layer):
    """Scaled dot-product attention in several heads (Vaswani et al., 2017).

    Args:
        num_heads: heads. key_dim: size of a head for query and key. value_dim: for value; None for `key_dim`.
        dropout: fraction in [0, 1) of the attention weights that is dropped.
        use_bias: whether the projections have biases.
        output_shape: size (or sizes) of the output; None for the query's.
        attention_axes: axes over which attention goes; None for all but batch and features.
        flash_attention: whether a fused kernel must be used; None for where there is one.
        kernel_initializer and the like: of the projections. use_gate: not in this release. seed: for dropout.

    Shape:
        query `(batch, targets, features)`, value and key `(batch, sources, features)` -> `(batch, targets, features)`. Weights by name:
        query, key, value kernels `(features, heads, dim)`, attention_output kernel `(heads, dim, features)`.

    Examples:
        >>> import fkeras, numpy as np
        >>> x = np.ones((2, 5, 8), "float32")
        >>> fkeras.layers.MultiHeadAttention(num_heads=2, key_dim=4)(x, x).shape
        (2, 5, 8)
    """

    def __init__(self, num_heads, key_dim, value_dim=None, dropout=0.0, use_bias=True, output_shape=None, attention_axes=None,
                 flash_attention=None, kernel_initializer="glorot_uniform", bias_initializer="zeros", kernel_regularizer=None,
                 bias_regularizer=None, activity_regularizer=None, kernel_constraint=None, bias_constraint=None, use_gate=False, seed=None,
                 **kwargs):
        super().__init__(activity_regularizer=activity_regularizer, **kwargs)
        if use_gate:
            raise UserInputError("MultiHeadAttention: `use_gate=True` is not in this release.")
        if flash_attention and dropout > 0:
            raise UserInputError("Dropout is not supported when flash attention is enabled. Please set dropout to 0.0 to use flash attention.")
        self.num_heads, self.key_dim, self.value_dim = num_heads, key_dim, value_dim or key_dim
        self.dropout, self.use_bias, self.seed = dropout, use_bias, seed
        self.given_output_shape = (output_shape,) if isinstance(output_shape, int) else output_shape
        self.given_axes = (attention_axes,) if isinstance(attention_axes, int) else attention_axes
        self.flash_attention = flash_attention
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.bias_initializer = initializers.get(bias_initializer)
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.bias_regularizer = regularizers.get(bias_regularizer)
        self.kernel_constraint = constraints.get(kernel_constraint)
        self.bias_constraint = constraints.get(bias_constraint)
        self.supports_masking = True
        if dropout > 0:
            self.seed_generator = SeedGenerator(seed)

    def build(self, query_shape, value_shape, key_shape=None):
        key_shape = value_shape if key_shape is None else key_shape
        self._check_shapes(query_shape, value_shape, key_shape)
        rank = len(query_shape)
        axes = self.given_axes
        self.axes = tuple(range(1, rank - 1)) if axes is None else tuple(a % rank for a in axes)
        self.query = self._projection(rank, self.key_dim, "query")
        self.key = self._projection(rank, self.key_dim, "key")
        self.value = self._projection(rank, self.value_dim, "value")
        free = _LETTERS[:rank - 1]
        out = tuple(self.given_output_shape or (query_shape[-1],))
        letters = _LETTERS[rank + 1:rank + 1 + len(out)]
        self.attention_output = EinsumDense(f"{free}yz,yz{letters}->{free}{letters}", output_shape=(*([None] * (rank - 2)), *out),
                                            bias_axes=letters if self.use_bias else None, name="attention_output", **self._common())
        self.query.build(query_shape)
        self.value.build(value_shape)
        self.key.build(key_shape)
        self.attention_output.build((*query_shape[:-1], self.num_heads, self.value_dim))

    def _check_shapes(self, query, value, key):
        if tuple(key)[1:-1] != tuple(value)[1:-1]:
            raise UserInputError(f"MultiHeadAttention '{self.name}': all dimensions of `value` and `key`, except the last one, must be equal. "
                                 f"Received: value_shape={tuple(value)} and key_shape={tuple(key)}")

    def _common(self):
        renew = lambda i: type(i).from_config(i.get_config()) if hasattr(i, "get_config") else i
        return {"kernel_initializer": renew(self.kernel_initializer), "bias_initializer": renew(self.bias_initializer),
                "kernel_regularizer": self.kernel_regularizer, "bias_regularizer": self.bias_regularizer,
                "kernel_constraint": self.kernel_constraint, "bias_constraint": self.bias_constraint, "dtype": self.dtype_policy}

    def _projection(self, rank, size, name):
        free = _LETTERS[:rank - 1]
        return EinsumDense(f"{free}x,xyz->{free}yz", output_shape=(*([None] * (rank - 2)), self.num_heads, size),
                           bias_axes="yz" if self.use_bias else None, name=name, **self._common())

    def call(self, query, value, key=None, query_mask=None, value_mask=None, key_mask=None, attention_mask=None,
             return_attention_scores=False, training=None, use_causal_mask=False):
        key = value if key is None else key
        mask = self._mask(query, value, query_mask, value_mask, key_mask, attention_mask, use_causal_mask)
        q, k, v = self.query(query), self.key(key), self.value(value)
        dropped = bool(training) and self.dropout > 0
        if q.ndim == 4 and self.axes == (1,) and not dropped and not return_attention_scores and self._fused():
            bias = None if mask is None else mask[:, None] if mask.ndim == 3 else mask
            outputs, scores = jax.nn.dot_product_attention(q, k, v, mask=bias, scale=1 / np.sqrt(self.key_dim)), None
        else:
            outputs, scores = self._attend(q, k, v, mask, dropped)
        outputs = self.attention_output(outputs)
        return (outputs, scores) if return_attention_scores else outputs

    def _fused(self):
        flash = self.flash_attention if self.flash_attention is not None else settings.get("flash_attention")
        return jax.default_backend() == "gpu" and flash is not False

    def _attend(self, q, k, v, mask, dropped):
        """Attention over `self.axes`; the other axes between batch and heads go along."""
        rank, axes = q.ndim, self.axes
        count = len(axes)
        along = [i for i in range(1, rank - 2) if i not in axes]
        order = [0, *along, rank - 2, *axes, rank - 1]  # batch, other axes, heads, attention axes, size
        size = lambda x: int(np.prod([x.shape[a] for a in axes]))
        arrange = lambda x: x.transpose(order).reshape(*(x.shape[i] for i in order[:2 + len(along)]), size(x), x.shape[-1])
        qs, ks, vs = arrange(q * np.asarray(1 / np.sqrt(self.key_dim), q.dtype)), arrange(k), arrange(v)
        scores = jnp.einsum("...td,...sd->...ts", qs, ks)  # (batch, ..., heads, targets, sources)
        if mask is not None:
            mask = jnp.asarray(mask, bool)
            mask = mask.reshape(*mask.shape[:mask.ndim - 2 * count], size(q) if mask.shape[-2 * count] != 1 else 1, size(k))
            while mask.ndim < scores.ndim:
                mask = jnp.expand_dims(mask, -3)
            scores = jnp.where(mask, scores, jnp.asarray(-3e4 if scores.dtype == jnp.float16 else -1e9, scores.dtype))
        weights = jax.nn.softmax(scores, axis=-1)
        shown = weights
        if dropped:
            key = jax.random.wrap_key_data(seeds.draw_seed(self.seed_generator))
            weights = jnp.where(jax.random.bernoulli(key, 1 - self.dropout, weights.shape), weights / (1 - self.dropout), 0)
        outputs = jnp.einsum("...ts,...sd->...td", weights, vs)
        outputs = outputs.reshape(*outputs.shape[:2 + len(along)], *(q.shape[a] for a in axes), v.shape[-1])
        back = np.argsort(order)
        shown = shown.reshape(*shown.shape[:-2], *(q.shape[a] for a in axes), *(k.shape[a] for a in axes))
        return outputs.transpose(tuple(back)), shown

    def _mask(self, query, value, query_mask, value_mask, key_mask, attention_mask, use_causal_mask):
        """One boolean mask `(batch or 1, targets or 1, sources)`, or None: all that the caller and the inputs' masks leave out."""
        found = []
        if query_mask is not None:
            found.append(jnp.asarray(query_mask, bool)[..., None])
        for mask in (value_mask, key_mask):
            if mask is not None:
                found.append(jnp.asarray(mask, bool)[:, None, :])
        if use_causal_mask:
            found.append(jnp.tril(jnp.ones((1, query.shape[1], value.shape[1]), bool)))
        if attention_mask is not None:
            found.append(jnp.asarray(attention_mask, bool))
        mask = None
        for one in found:
            if mask is not None:
                while one.ndim < mask.ndim:
                    one = one[:, None]
                while mask.ndim < one.ndim:
                    mask = mask[:, None]
            mask = one if mask is None else mask & one
        return mask

    def compute_mask(self, query, mask=None):
        return mask if not isinstance(mask, (list, tuple)) else mask[0]

    def compute_output_shape(self, query_shape, value_shape, key_shape=None):
        self._check_shapes(query_shape, value_shape, value_shape if key_shape is None else key_shape)
        if query_shape[-1] is None:
            raise UserInputError(f"MultiHeadAttention '{self.name}': the last axis of `query` must be known. Received {tuple(query_shape)}")
        return (*query_shape[:-1], *(self.given_output_shape or (query_shape[-1],)))

    def compute_output_spec(self, query, value, key=None, query_mask=None, value_mask=None, key_mask=None, attention_mask=None,
                            return_attention_scores=False, training=None, use_causal_mask=False):
        key_shape = tuple(key.shape) if key is not None else None
        output = KerasTensor(self.compute_output_shape(tuple(query.shape), tuple(value.shape), key_shape), dtype=self.compute_dtype)
        if not return_attention_scores:
            return output
        axes = getattr(self, "axes", tuple(range(1, len(query.shape) - 1)))
        along = [query.shape[i] for i in range(1, len(query.shape) - 1) if i not in axes]
        shape = (query.shape[0], *along, self.num_heads, *(query.shape[a] for a in axes), *(value.shape[a] for a in axes))
        return output, KerasTensor(shape, dtype=self.compute_dtype)

    def get_config(self):
        return {**super().get_config(), "output_shape": self.given_output_shape, "attention_axes": self.given_axes}
