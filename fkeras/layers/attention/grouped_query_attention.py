"""GroupedQueryAttention: several heads of the query share one of key and value."""

from __future__ import annotations

from typing import Unpack

from fkeras.errors import UserInputError
from fkeras.layers.attention.heads import (
    HeadedAttention,
    check_value_and_key,
    checked_positive,
    scale_of,
)
from fkeras.layers.attention.masks import without_masks
from fkeras.layers.base.options import CommonOptions
from fkeras.layers.core.einsum_dense import EinsumDense
from fkeras.types import Identifier, SeedLike, Shape, Tensor


class GroupedQueryAttention(HeadedAttention):
    """Attention in heads of which several share their key and value.

    Exported as `GroupQueryAttention`, too, as Keras has it.

    One key and value head for all is multi-query attention; as many as query heads is
    `MultiHeadAttention`.

    Args:
        head_dim: size of a head.
        num_query_heads: number of heads of the query: a multiple of the next.
        num_key_value_heads: number of heads of key and value.
        dropout: fraction of the attention weights to drop in training, in [0, 1].
        use_bias: whether the projections have biases.
        sliding_window: None, or how many positions away a query sees at most, itself counted: a
            band around the diagonal.
        flash_attention: True for the fused GPU kernel or an error, False to refuse it; None for it
            where it works.
        kernel_initializer, bias_initializer: how the weights start.
        kernel_regularizer, bias_regularizer: functions of the weights that add to the loss.
        activity_regularizer: function of the projections' outputs that adds to the loss.
        kernel_constraint, bias_constraint: functions applied to the weights after each update.
        use_gate: whether a sigmoid of a projection of the query multiplies the heads' outputs.
        seed: int for the dropout; None for numbers that follow from the model's seed.

    Shape:
        query `(batch, queries, features)`, value and key `(batch, keys, features)` ->
        `(batch, queries, features)`.

    Call arguments:
        As in `MultiHeadAttention`.

    References:
        Ainslie et al., 2023, https://arxiv.org/abs/2305.13245

    Examples:
        >>> import fkeras, jax.numpy as jnp
        >>> sizes = {"head_dim": 4, "num_query_heads": 4, "num_key_value_heads": 2}
        >>> layer = fkeras.layers.GroupQueryAttention(**sizes)
        >>> x = jnp.ones((3, 5, 8))
        >>> layer(x, x).shape
        (3, 5, 8)
    """

    _exported_as = "GroupQueryAttention"  # in configs, as in Keras

    def __init__(
        self,
        head_dim: int,
        num_query_heads: int,
        num_key_value_heads: int,
        dropout: float = 0.0,
        use_bias: bool = True,
        sliding_window: int | None = None,
        flash_attention: bool | None = None,
        kernel_initializer: Identifier | None = "glorot_uniform",
        bias_initializer: Identifier | None = "zeros",
        kernel_regularizer: Identifier | None = None,
        bias_regularizer: Identifier | None = None,
        activity_regularizer: Identifier | None = None,
        kernel_constraint: Identifier | None = None,
        bias_constraint: Identifier | None = None,
        use_gate: bool = False,
        seed: SeedLike | None = None,
        **kwargs: Unpack[CommonOptions],
    ):
        head_dim = checked_positive("head_dim", head_dim)
        num_query_heads = checked_positive("num_query_heads", num_query_heads)
        num_key_value_heads = checked_positive("num_key_value_heads", num_key_value_heads)
        if num_query_heads % num_key_value_heads:
            raise UserInputError(
                "`num_query_heads` must be divisible by `num_key_value_heads`. Received: "
                f"num_query_heads={num_query_heads}, num_key_value_heads={num_key_value_heads}"
            )
        super().__init__(
            dropout=dropout,
            use_bias=use_bias,
            sliding_window=sliding_window,
            flash_attention=flash_attention,
            kernel_initializer=kernel_initializer,
            bias_initializer=bias_initializer,
            kernel_regularizer=kernel_regularizer,
            bias_regularizer=bias_regularizer,
            activity_regularizer=activity_regularizer,
            kernel_constraint=kernel_constraint,
            bias_constraint=bias_constraint,
            use_gate=use_gate,
            seed=seed,
            **kwargs,
        )
        # Keras counts the output twice: here, and in the last projection.
        self.activity_regularizer = self._activity_regularizer  # of the layer's output, too
        self.head_dim = head_dim
        self.num_query_heads = num_query_heads
        self.num_key_value_heads = num_key_value_heads

    def build(self, query_shape: Shape, value_shape: Shape, key_shape: Shape | None = None) -> None:
        key_shape = value_shape if key_shape is None else key_shape
        self._query_dense = self._project_in(query_shape, self.num_query_heads, "query")
        self._key_dense = self._project_in(key_shape, self.num_key_value_heads, "key")
        if self.use_gate:
            self._gate_dense = self._project_in(
                query_shape, self.num_query_heads, "gate", activation="sigmoid"
            )
        self._value_dense = self._project_in(value_shape, self.num_key_value_heads, "value")
        self._make_softmax_and_dropout(-1)
        self._output_dense = self._project(
            "bquh,uhm->bqm", (None, query_shape[-1]), "m", "attention_output"
        )
        self._output_dense.build((*query_shape[:-1], self.num_query_heads, self.head_dim))

    def _project_in(
        self, shape: Shape, heads: int, name: str, activation: Identifier | None = None
    ) -> EinsumDense:
        """The projection of an input of `shape` to heads."""
        projection = self._project(
            "bpm,muh->bpuh", (None, heads, self.head_dim), "uh", name, activation
        )
        projection.build(shape)
        return projection

    def call(
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
    ) -> Tensor | tuple[Tensor, Tensor | None]:
        key = value if key is None else key
        attention_mask = self._compute_attention_mask(
            query,
            value,
            query_mask=query_mask,
            value_mask=value_mask,
            key_mask=key_mask,
            attention_mask=attention_mask,
        )
        # Alone, the causal mask needs no array: the fused kernel has it built in.
        if use_causal_mask and (attention_mask is not None or self._attention_is_overridden()):
            causal = self._compute_causal_mask(query, value)
            attention_mask = causal if attention_mask is None else attention_mask & causal
            use_causal_mask = False
        with without_masks(query, value, key):
            gate = self._gate_dense(query) if self.use_gate else None
            projected = self._query_dense(query), self._key_dense(key), self._value_dense(value)
        options = {}  # those that an override of `_compute_attention` need not know of
        if return_attention_scores:
            options["return_attention_scores"] = True
        if use_causal_mask:
            options["use_causal_mask"] = True
        outputs, scores = self._compute_attention(
            *projected, attention_mask=attention_mask, training=training, **options
        )
        return self._finish(outputs, scores, gate, query_mask, return_attention_scores)

    def _attention_is_overridden(self) -> bool:
        """An override may take no `use_causal_mask`: it gets the causal mask as an array."""
        return type(self)._compute_attention is not GroupedQueryAttention._compute_attention

    def _compute_attention(
        self,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        attention_mask: Tensor | None = None,
        training: bool | None = None,
        use_causal_mask: bool = False,
        return_attention_scores: bool = False,
    ) -> tuple[Tensor, Tensor | None]:
        """Attention between projected heads, to override for another kind.

        Args:
            query, key, value: `(batch, positions, heads, size)`.
            attention_mask: bool, True where a query may look; None for everywhere.
            training: whether there is dropout.
            use_causal_mask: whether query i sees keys 0 to i only.
            return_attention_scores: whether the scores are wanted.

        Returns:
            (output, scores or None)
        """
        return self._attend(
            query,
            key,
            value,
            attention_mask,
            training,
            return_attention_scores,
            use_causal_mask,
            scale=scale_of(self.head_dim),
            equations=("bkuh,bquh->buqk", "buqk,bkuh->bquh"),
        )

    def compute_output_shape(
        self, query_shape: Shape, value_shape: Shape, key_shape: Shape | None = None
    ) -> Shape:
        if query_shape[-1] != value_shape[-1]:
            raise UserInputError(
                "The last dimension of `query_shape` and `value_shape` must be equal, but are "
                f"{query_shape[-1]}, {value_shape[-1]}. Received: query_shape={query_shape}, "
                f"value_shape={value_shape}"
            )
        check_value_and_key(value_shape, value_shape if key_shape is None else key_shape)
        return tuple(query_shape)

    def _scores_shape(self, query_shape: Shape, value_shape: Shape) -> Shape:
        return (query_shape[0], self.num_query_heads, query_shape[1], value_shape[1])
