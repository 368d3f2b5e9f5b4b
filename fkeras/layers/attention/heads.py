"""What attention layers with several heads share: masks, and attention between projected heads."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Unpack

import jax.numpy as jnp
import numpy as np

from fkeras import constraints, initializers, ops, regularizers
from fkeras.core.contraction import einsum
from fkeras.core.symbolic.keras_tensor import KerasTensor
from fkeras.core.values import masks
from fkeras.errors import UserInputError
from fkeras.layers.activations.softmax import Softmax
from fkeras.layers.attention.masks import combine_masks, expand_mask
from fkeras.layers.base.layer import Layer
from fkeras.layers.base.options import CommonOptions
from fkeras.layers.core.einsum_dense import EinsumDense
from fkeras.layers.regularization.dropout import Dropout, check_rate
from fkeras.types import Config, Identifier, SeedLike, Shape, Tensor


class HeadedAttention(Layer):
    """The base of `MultiHeadAttention` and `GroupedQueryAttention`.

    Subclasses may override `_compute_attention`, which attends between projected heads.
    """

    _attended_axes: tuple[int, ...] = (1,)  # of the inputs: where their positions are

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
        **kwargs: Unpack[CommonOptions],
    ):
        super().__init__(**kwargs)
        check_rate(dropout, self, "dropout")
        if sliding_window is not None:
            sliding_window = checked_positive(
                "sliding_window", sliding_window, "`None` or a positive integer"
            )
        self.dropout = dropout
        self.use_bias = use_bias
        self.sliding_window = sliding_window
        self.use_gate = use_gate
        self.seed = seed
        # Not in the config, and Keras's is not either: it is about a machine, not about a model.
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
        equation: str,
        output_shape: Shape,
        bias_axes: str,
        name: str,
        activation: Identifier | None = None,
    ) -> EinsumDense:
        """A projection with the layer's settings.

        Each has its own initializer: one object with a seed would draw the same for all.
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
            dtype=self._info.dtype_policy,  # a map of policies is that of the layers below, too
        )

    def _make_softmax_and_dropout(self, axis: int | tuple[int, ...]) -> None:
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
    ) -> Tensor | None:
        """All masks as one: bool, broadcastable to (batch, queries, keys), or None."""
        parts = []
        if use_causal_mask:
            parts.append(self._compute_causal_mask(query, value))
        if self.sliding_window is not None:
            parts.append(self._compute_sliding_window_mask(query, value))
        masks_of_keys = (value_mask, key_mask)
        axis_count = len(self._attended_axes)
        return combine_masks(query_mask, masks_of_keys, attention_mask, parts, axis_count)

    def _compute_causal_mask(self, query: Tensor, value: Tensor | None = None) -> Tensor:
        """(1, queries, keys): query i sees keys 0 to i."""
        queries, keys = self._count_positions("use_causal_mask", query, value)
        return jnp.tril(jnp.ones((1, queries, keys), bool))

    def _compute_sliding_window_mask(self, query: Tensor, value: Tensor | None = None) -> Tensor:
        """(1, queries, keys): a query sees keys less than `sliding_window` positions away."""
        queries, keys = self._count_positions("sliding_window", query, value)
        # Both ways: together with a causal mask it is the window of Mistral and the like.
        distances = jnp.abs(jnp.arange(queries)[:, None] - jnp.arange(keys)[None])
        return (distances < self.sliding_window)[None]

    def _count_positions(
        self, argument: str, query: Tensor, value: Tensor | None
    ) -> tuple[int, int]:
        """How many positions query and value have on the one axis that attention runs over."""
        if len(self._attended_axes) != 1:
            raise UserInputError(
                f"{type(self).__name__} '{self.name}': `{argument}` needs an order of positions, "
                "which attention over several axes at once has not. Received: axes of attention="
                f"{self._attended_axes}. Give `attention_axes` one axis."
            )
        (axis,) = self._attended_axes
        return query.shape[axis], (query if value is None else value).shape[axis]

    # -- attention -------------------------------------------------------------

    def _attend(
        self,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        attention_mask: Tensor | None,
        training: bool | None,
        return_attention_scores: bool,
        use_causal_mask: bool,
        *,
        scale: float,
        equations: tuple[str, str],
    ) -> tuple[Tensor, Tensor | None]:
        """Attention between projected heads.

        Args:
            query, key, value: (batch, positions, heads, size).
            attention_mask: bool, with or without an axis for heads, True where a query may look.
            training: whether there is dropout.
            return_attention_scores: whether the weights are wanted.
            use_causal_mask: whether query i sees keys 0 to i only.
            scale: of the scores.
            equations: einsum equations for key and query to scores, and for scores and value to
                output.

        Returns:
            The output, and the weights after the softmax where they are wanted or were needed, else
            None.
        """
        if self._flash_attention and return_attention_scores:
            raise UserInputError(
                "Returning attention scores is not supported when flash attention is enabled. "
                "Please disable flash attention to access attention scores."
            )
        # A row without any key is the mean of all values in the fused form, and 0 with dropout: as
        # in Keras.
        is_dropout_free = self.dropout == 0 or not training and attention_mask is None
        # The fused form writes no scores, so it can neither return nor drop them.
        if query.ndim == 4 and not return_attention_scores and is_dropout_free:
            if attention_mask is not None:
                attention_mask = self._with_axis_of_heads(attention_mask, query.ndim)
            output = ops.dot_product_attention(
                query,
                key,
                value,
                mask=attention_mask,
                scale=scale,
                is_causal=use_causal_mask,
                flash_attention=self._flash_attention,
            )
            return output, None
        if use_causal_mask:
            causal = self._compute_causal_mask(query, value)
            if attention_mask is not None:
                causal = jnp.asarray(attention_mask, bool) & causal
            attention_mask = causal
        repeats = query.shape[-2] // key.shape[-2]
        if repeats > 1:  # several heads of the query share one of key and value
            key = jnp.repeat(key, repeats, axis=-2)
            value = jnp.repeat(value, repeats, axis=-2)
        scores = einsum(equations[0], key, query * jnp.asarray(scale, query.dtype))
        if attention_mask is not None:
            attention_mask = self._with_axis_of_heads(attention_mask, scores.ndim)
        scores = self._softmax(scores, mask=attention_mask)
        dropped = self._dropout_layer(scores, training=training) if self.dropout > 0 else scores
        return einsum(equations[1], dropped, value), scores

    def _with_axis_of_heads(self, mask: Tensor, ndim: int) -> Tensor:
        """A mask with axes of size 1 in front of its queries and keys, up to rank `ndim`."""
        mask = jnp.asarray(mask, bool)
        return expand_mask(mask, -2 * len(self._attended_axes) - 1, ndim - mask.ndim)

    def _finish(
        self,
        outputs: Tensor,
        scores: Tensor | None,
        gate: Tensor | None,
        query_mask: Tensor | None,
        return_attention_scores: bool,
    ) -> Tensor | tuple[Tensor, Tensor | None]:
        """What `call` returns, from the heads' outputs; the query's mask goes on."""
        outputs = self._output_dense(outputs if gate is None else outputs * gate)
        if query_mask is not None:
            masks.set_mask(outputs, query_mask)
        return (outputs, scores) if return_attention_scores else outputs

    # -- shapes and config -----------------------------------------------------

    def _scores_shape(self, query_shape: Shape, value_shape: Shape) -> Shape:
        raise NotImplementedError(f"{type(self).__name__} must define `_scores_shape`.")

    def compute_output_spec(
        self,
        query: KerasTensor,
        value: KerasTensor,
        key: KerasTensor | None = None,
        query_mask: KerasTensor | None = None,
        value_mask: KerasTensor | None = None,
        key_mask: KerasTensor | None = None,
        attention_mask: KerasTensor | None = None,
        return_attention_scores: bool = False,
        training: bool | None = None,
        use_causal_mask: bool = False,
    ) -> KerasTensor | tuple[KerasTensor, KerasTensor]:
        query_shape, value_shape = tuple(query.shape), tuple(value.shape)
        key_shape = value_shape if key is None else tuple(key.shape)
        shape = self.compute_output_shape(query_shape, value_shape, key_shape)
        output = KerasTensor(shape, dtype=self.compute_dtype)
        if not return_attention_scores:
            return output
        scores_shape = self._scores_shape(query_shape, value_shape)
        return output, KerasTensor(scores_shape, dtype=self.compute_dtype)

    def get_config(self) -> Config:
        config = {
            **super().get_config(),
            "activity_regularizer": regularizers.serialize(self._activity_regularizer),
        }
        del config["flash_attention"]
        return config


def checked_positive(name: str, value: int, expected: str = "a positive integer") -> int:
    """`value` as an int, if it is a positive one."""
    is_int = isinstance(value, (int, np.integer)) and not isinstance(value, bool)
    if not is_int or value <= 0:
        raise UserInputError(
            f"Received an invalid value for argument `{name}`: `{name}` must be {expected}. "
            f"Received: {name}={value}"
        )
    return int(value)


def check_value_and_key(value_shape: Shape, key_shape: Shape) -> None:
    """Raises where value and key differ in more than their last axes."""
    if tuple(value_shape[1:-1]) != tuple(key_shape[1:-1]):
        raise UserInputError(
            "All dimensions of `value` and `key`, except the last one, must be equal. Received: "
            f"value_shape={tuple(value_shape)} and key_shape={tuple(key_shape)}"
        )


def scale_of(size: int) -> float:
    """What keeps the variance of a dot product of vectors of this size at 1."""
    return 1.0 / math.sqrt(float(size))


def _renewed(initializer: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """Another initializer of the same settings; a plain function is what it is."""
    if not hasattr(initializer, "get_config"):
        return initializer
    return type(initializer).from_config(initializer.get_config())
