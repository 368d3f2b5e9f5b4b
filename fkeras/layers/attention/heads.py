"""What the attention layers with several heads share: the mask that a query looks through, and
attention between projected heads.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Sequence

import jax.numpy as jnp

from fkeras import constraints, initializers, ops, regularizers
from fkeras.core.symbolic.keras_tensor import KerasTensor
from fkeras.core.values import masks
from fkeras.errors import UserInputError
from fkeras.layers.activations.softmax import Softmax
from fkeras.layers.base.layer import Layer
from fkeras.layers.core.einsum_dense import EinsumDense
from fkeras.layers.regularization.dropout import Dropout, check_rate
from fkeras.types import Config, Identifier, SeedLike, Shape, Tensor


class HeadedAttention(Layer):
    """The base of `MultiHeadAttention` and `GroupedQueryAttention`.

    Subclasses may override `_compute_attention`, which attends between projected heads.
    """

    def __init__(
        self,
        *,
        dropout: float,
        use_bias: bool,
        sliding_window: int | None,
        flash_attention: bool | None,
        kernel_initializer: Identifier | None,
        bias_initializer: Identifier | None,
        kernel_regularizer: Identifier | None,
        bias_regularizer: Identifier | None,
        activity_regularizer: Identifier | None,
        kernel_constraint: Identifier | None,
        bias_constraint: Identifier | None,
        use_gate: bool,
        seed: SeedLike | None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        check_rate(dropout, self, "dropout")
        if sliding_window is not None:
            check_positive("sliding_window", sliding_window, "`None` or a positive integer")
        self.dropout, self.use_bias, self.sliding_window, self.use_gate, self.seed = (
            dropout,
            use_bias,
            sliding_window,
            use_gate,
            seed,
        )
        self._flash_attention = flash_attention
        if self._flash_attention and dropout > 0:
            raise UserInputError(
                "Dropout is not supported when flash attention is enabled. Please set dropout to "
                "0.0 to use flash attention."
            )
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.bias_initializer = initializers.get(bias_initializer)
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.bias_regularizer = regularizers.get(bias_regularizer)
        self.kernel_constraint = constraints.get(kernel_constraint)
        self.bias_constraint = constraints.get(bias_constraint)
        self._activity_regularizer = regularizers.get(activity_regularizer)
        self.supports_masking = True

    # -- parts -----------------------------------------------------------------

    def _project(
        self,
        equation,
        output_shape: int | Sequence[int] | None,
        bias_axes,
        name: str | None,
        activation: Identifier | None = None,
    ) -> EinsumDense:
        """A projection with the layer's settings. Each has its own initializer: one object with a
        seed would draw the same for all.
        """
        return EinsumDense(
            equation,
            output_shape=output_shape,
            bias_axes=bias_axes if self.use_bias else None,
            activation=activation,
            name=name,
            kernel_initializer=_renewed(self.kernel_initializer),
            bias_initializer=_renewed(self.bias_initializer),
            kernel_regularizer=self.kernel_regularizer,
            bias_regularizer=self.bias_regularizer,
            activity_regularizer=self._activity_regularizer,
            kernel_constraint=self.kernel_constraint,
            bias_constraint=self.bias_constraint,
            dtype=self.dtype_policy,
        )

    def _make_softmax_and_dropout(self, axis) -> None:
        self._softmax = Softmax(axis=axis, dtype=self.dtype_policy)
        self._dropout_layer = Dropout(self.dropout, dtype=self.dtype_policy, seed=self.seed)

    # -- masks -----------------------------------------------------------------

    def _compute_attention_mask(
        self,
        query: Tensor,
        value: Tensor,
        query_mask: Tensor | None = None,
        value_mask: Tensor | None = None,
        key_mask: Tensor | None = None,
        attention_mask: Tensor | None = None,
        use_causal_mask: bool = False,
    ):
        """All masks as one: bool, broadcastable to (batch, queries, keys), or None."""
        found = [] if query_mask is None else [jnp.asarray(query_mask, bool)[..., None]]
        found += [
            jnp.asarray(mask, bool)[..., None, :]
            for mask in (value_mask, key_mask)
            if mask is not None
        ]
        if use_causal_mask:
            found.append(self._compute_causal_mask(query, value))
        if self.sliding_window is not None:
            found.append(self._compute_sliding_window_mask(query, value))
        combined = None
        for mask in found:
            combined = mask if combined is None else combined & mask
        if attention_mask is None:
            return combined
        attention_mask = jnp.asarray(attention_mask, bool)
        if combined is None:
            return attention_mask
        while combined.ndim < attention_mask.ndim:  # the given one has an axis for heads
            combined = jnp.expand_dims(combined, -3)
        return attention_mask & combined

    def _compute_causal_mask(self, query: Tensor, value: Tensor = None):
        """(1, queries, keys): query i sees keys 0 to i."""
        return jnp.tril(
            jnp.ones((1, query.shape[1], (query if value is None else value).shape[1]), bool)
        )

    def _compute_sliding_window_mask(self, query: Tensor, value: Tensor = None):
        """(1, queries, keys): query i sees keys that are less than `sliding_window` positions away,
        on either side.
        """
        rows, columns = (
            jnp.arange(query.shape[1]),
            jnp.arange((query if value is None else value).shape[1]),
        )
        return (jnp.abs(rows[:, None] - columns) < self.sliding_window)[None]

    # -- attention -------------------------------------------------------------

    def _attend(
        self,
        query: Tensor,
        key: Tensor | None,
        value: Tensor,
        attention_mask: Tensor | None,
        training: bool | None,
        return_attention_scores: bool,
        use_causal_mask: bool,
        *,
        scale,
        equations,
        attention_axes: int | Sequence[int] | None,
    ):
        """(output, scores) of projected heads; the scores are None where they are not asked for.

        `equations`: einsum equations for key and query to scores, and for scores and value to
        output.
        """
        if self._flash_attention and return_attention_scores:
            raise UserInputError(
                "Returning attention scores is not supported when flash attention is enabled. "
                "Please disable flash attention to access attention scores."
            )
        # A row without any key is the mean of all values in the fused form, and 0 with dropout: as
        # in Keras.
        unmasked_inference = not training and attention_mask is None
        if (
            query.ndim == 4
            and attention_axes == 1
            and not return_attention_scores
            and (self.dropout == 0 or unmasked_inference)
        ):
            mask = (
                None
                if attention_mask is None
                else _with_heads(jnp.asarray(attention_mask, bool), 4, attention_axes)
            )
            output = ops.dot_product_attention(
                query,
                key,
                value,
                mask=mask,
                scale=scale,
                is_causal=use_causal_mask,
                flash_attention=self._flash_attention,
            )
            return output, None
        if use_causal_mask:
            causal = self._compute_causal_mask(query, value)
            attention_mask = (
                causal if attention_mask is None else jnp.asarray(attention_mask, bool) & causal
            )
        repeats = query.shape[-2] // key.shape[-2]
        if repeats > 1:
            key, value = (jnp.repeat(x, repeats, axis=-2) for x in (key, value))
        scores = jnp.einsum(equations[0], key, query * jnp.asarray(scale, query.dtype))
        if attention_mask is not None:
            attention_mask = _with_heads(attention_mask, scores.ndim, attention_axes)
        scores = self._softmax(scores, mask=attention_mask)
        kept = self._dropout_layer(scores, training=training) if self.dropout > 0 else scores
        return jnp.einsum(equations[1], kept, value), scores

    def _finish(
        self, outputs, scores, gate, query_mask: Tensor | None, return_attention_scores: bool
    ):
        outputs = self._output_dense(outputs if gate is None else outputs * gate)
        if query_mask is not None:
            masks.set_mask(outputs, query_mask)
        return (outputs, scores) if return_attention_scores else outputs

    def compute_output_spec(
        self,
        query: Tensor,
        value: Tensor,
        key: Tensor | None = None,
        query_mask: Tensor | None = None,
        value_mask: Tensor | None = None,
        key_mask: Tensor | None = None,
        attention_mask: Tensor | None = None,
        return_attention_scores: bool = False,
        training: bool | None = None,
        use_causal_mask: bool = False,
    ):
        query_shape, value_shape = tuple(query.shape), tuple(value.shape)
        shape = self.compute_output_shape(
            query_shape, value_shape, value_shape if key is None else tuple(key.shape)
        )
        output = KerasTensor(shape, dtype=self.compute_dtype)
        if not return_attention_scores:
            return output
        return output, KerasTensor(
            self._scores_shape(query_shape, value_shape), dtype=self.compute_dtype
        )

    def get_config(self) -> Config:
        config = {
            **super().get_config(),
            "activity_regularizer": regularizers.serialize(self._activity_regularizer),
        }
        del config["flash_attention"]
        return config


def check_positive(name: str | None, value: Tensor, expected="a positive integer"):
    if not isinstance(value, int) or isinstance(value, bool) or value <= 0:
        raise UserInputError(
            f"Received an invalid value for argument `{name}`: `{name}` must be {expected}. "
            f"Received: {name}={value}"
        )


def check_value_and_key(value_shape: Shape, key_shape: Shape | None):
    if tuple(value_shape[1:-1]) != tuple(key_shape[1:-1]):
        raise UserInputError(
            "All dimensions of `value` and `key`, except the last one, must be equal. Received: "
            f"value_shape={tuple(value_shape)} and key_shape={tuple(key_shape)}"
        )


def scale_of(size) -> float:
    return 1.0 / math.sqrt(float(size))


@contextlib.contextmanager
def without_masks(*tensors):
    """Inside, the tensors carry no masks: they are taken account of here, not in the
    projections.
    """
    carried = [(tensor, masks.get_mask(tensor)) for tensor in tensors]
    for tensor, _ in carried:
        masks.set_mask(tensor, None)
    try:
        yield
    finally:
        for tensor, mask in carried:
            if mask is not None:
                masks.set_mask(tensor, mask)


def _with_heads(mask: Tensor | None, ndim, attention_axes: int | Sequence[int] | None):
    """A mask with axes of size 1 in front of its query and key axes, up to rank `ndim`."""
    while mask.ndim < ndim:
        mask = jnp.expand_dims(mask, -2 * attention_axes - 1)
    return mask


def _renewed(initializer):
    return (
        type(initializer).from_config(initializer.get_config())
        if hasattr(initializer, "get_config")
        else initializer
    )
