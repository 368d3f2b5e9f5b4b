"""MultiHeadAttention."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Unpack

import numpy as np

from fkeras.errors import UserInputError
from fkeras.layers.attention.equations import attention_equations, letters
from fkeras.layers.attention.heads import (
    HeadedAttention,
    check_value_and_key,
    checked_positive,
    scale_of,
)
from fkeras.layers.attention.masks import without_masks
from fkeras.layers.base.options import CommonOptions
from fkeras.layers.core.einsum_dense import EinsumDense
from fkeras.types import Config, Identifier, SeedLike, Shape, Tensor


class MultiHeadAttention(HeadedAttention):
    """Scaled dot-product attention in several heads side by side.

    Query, value and key are projected, each head looks from every position of the query to all
    positions of value and key that the masks leave, and the heads' outputs are projected to the
    layer's output. With query, value and key the same array it is self-attention.

    Args:
        num_heads: number of heads.
        key_dim: size of a head's query and key.
        value_dim: size of a head's value; None for `key_dim`.
        dropout: fraction of the attention weights to drop in training, in [0, 1].
        use_bias: whether the projections have biases.
        output_shape: sizes of the output's last axes (an int or a tuple); None for the query's last
            axis.
        attention_axes: axes that attention runs over, between batch and features; None for all of
            them. With several, there is no `sliding_window` and no causal mask.
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
        `(batch, queries, features)`. Kernels of query, key and value `(features, heads, size)`, of
        the output `(heads, size, features)`.

    Call arguments:
        `query`, `value`, `key` (None for `value`); `query_mask`, `value_mask`, `key_mask`: bool
        `(batch, positions)`, by default the masks that the inputs carry; `attention_mask`: bool
        `(batch, queries, keys)` or `(batch, heads, queries, keys)`, True where a query may look;
        `return_attention_scores`: whether the weights `(batch, heads, queries, keys)` are returned
        too; `training`; `use_causal_mask`: whether query i sees keys 0 to i only. All masks count
        together.

    Raises:
        UserInputError: sizes that are not positive, dropout together with flash attention, shapes
            that do not fit.

    References:
        Vaswani et al., 2017, https://arxiv.org/abs/1706.03762

    Examples:
        >>> import fkeras, jax, jax.numpy as jnp
        >>> layer = fkeras.layers.MultiHeadAttention(num_heads=2, key_dim=4)
        >>> x = jnp.ones((3, 5, 8))
        >>> layer(x, x, use_causal_mask=True).shape
        (3, 5, 8)
        >>> jax.tree.map(jnp.shape, layer.init(jax.random.key(0), x, x)["params"]["query_dense"])
        {'bias': (2, 4), 'kernel': (8, 2, 4)}
    """

    def __init__(
        self,
        num_heads: int,
        key_dim: int,
        value_dim: int | None = None,
        dropout: float = 0.0,
        use_bias: bool = True,
        output_shape: int | Sequence[int] | None = None,
        attention_axes: int | Sequence[int] | None = None,
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
        num_heads = checked_positive("num_heads", num_heads)
        key_dim = checked_positive("key_dim", key_dim)
        if value_dim is not None:
            value_dim = checked_positive("value_dim", value_dim, "a positive integer or `None`")
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
        self.num_heads = num_heads
        self.key_dim = key_dim
        self.value_dim = value_dim or key_dim
        self._output_shape = _as_tuple("output_shape", output_shape, "type tuple, list, or int")
        self.attention_axes = _as_tuple("attention_axes", attention_axes, "an int, list, or tuple")

    def build(self, query_shape: Shape, value_shape: Shape, key_shape: Shape | None = None) -> None:
        key_shape = value_shape if key_shape is None else key_shape
        check_value_and_key(value_shape, key_shape)
        for name, shape in (("query", query_shape), ("value", value_shape), ("key", key_shape)):
            if shape[-1] is None:
                raise UserInputError(
                    f"MultiHeadAttention '{self.name}': the last axis of `{name}` must be known. "
                    f"Received: {tuple(shape)}"
                )
        self.query_dense = self._project_in(query_shape, self.key_dim, "query")
        self.key_dense = self._project_in(key_shape, self.key_dim, "key")
        if self.use_gate:
            self._gate_dense = self._project_in(
                query_shape, self.value_dim, "gate", activation="sigmoid"
            )
        self.value_dense = self._project_in(value_shape, self.value_dim, "value")
        self._attended_axes = self._find_attended_axes(len(value_shape))
        # Projected inputs have one more axis, that of heads.
        scores_rank, self._equations = attention_equations(
            len(value_shape) + 1, self._attended_axes
        )
        key_axes = range(scores_rank - len(self._attended_axes), scores_rank)
        self._make_softmax_and_dropout(tuple(key_axes))
        self.output_dense = self._project_out(query_shape)

    def _find_attended_axes(self, rank: int) -> tuple[int, ...]:
        """`attention_axes` of inputs of a rank, none of them negative."""
        axes = range(1, rank - 1) if self.attention_axes is None else self.attention_axes
        attended = tuple(axis if axis >= 0 else rank + axis for axis in axes)
        if rank < 3:
            raise UserInputError(
                f"MultiHeadAttention '{self.name}' takes inputs of rank 3 or more (batch, "
                f"positions, features). Received: inputs of rank {rank}"
            )
        if not all(0 < axis < rank - 1 for axis in attended) or len(set(attended)) < len(attended):
            raise UserInputError(
                f"MultiHeadAttention '{self.name}': `attention_axes` must be different axes "
                f"between the batch and the features, 1 to {rank - 2}. Received: "
                f"attention_axes={self.attention_axes}"
            )
        return attended

    def _project_in(
        self, shape: Shape, size: int, name: str, activation: Identifier | None = None
    ) -> EinsumDense:
        """The projection of an input of `shape` to heads of a size."""
        # For inputs (batch, positions, features): abc,cde->abde.
        free, (features, heads, dim) = letters(len(shape) - 1, 3)
        projection = self._project(
            f"{free}{features},{features}{heads}{dim}->{free}{heads}{dim}",
            (*[None] * (len(free) - 1), self.num_heads, size),
            heads + dim,
            name,
            activation,
        )
        projection.build(shape)
        return projection

    def _project_out(self, query_shape: Shape) -> EinsumDense:
        """The projection of the heads' outputs to those of the layer."""
        sizes = self._output_shape or (query_shape[-1],)
        free, others = letters(len(query_shape) - 1, 2 + len(sizes))
        heads, outputs = others[:2], others[2:]
        projection = self._project(
            f"{free}{heads},{heads}{outputs}->{free}{outputs}",
            (*[None] * (len(free) - 1), *sizes),
            outputs,
            "attention_output",
        )
        projection.build((*query_shape[:-1], self.num_heads, self.value_dim))
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
        # A causal mask alone needs no array: the fused kernel has it built in.
        causal_only = (
            use_causal_mask
            and self.sliding_window is None
            and all(mask is None for mask in (query_mask, value_mask, key_mask, attention_mask))
            and not self._attention_is_overridden()
        )
        if not causal_only:
            attention_mask = self._compute_attention_mask(
                query,
                value,
                query_mask=query_mask,
                value_mask=value_mask,
                key_mask=key_mask,
                attention_mask=attention_mask,
                use_causal_mask=use_causal_mask,
            )
        with without_masks(query, value, key):
            gate = self._gate_dense(query) if self.use_gate else None
            projected = self.query_dense(query), self.key_dense(key), self.value_dense(value)
        outputs, scores = self._compute_attention(
            *projected,
            attention_mask,
            training,
            return_attention_scores,
            **({"use_causal_mask": True} if causal_only else {}),
        )
        return self._finish(outputs, scores, gate, query_mask, return_attention_scores)

    def _attention_is_overridden(self) -> bool:
        """An override may take no `use_causal_mask`: it gets the causal mask as an array."""
        return type(self)._compute_attention is not MultiHeadAttention._compute_attention

    def _compute_attention(
        self,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        attention_mask: Tensor | None = None,
        training: bool | None = None,
        return_attention_scores: bool = False,
        use_causal_mask: bool = False,
    ) -> tuple[Tensor, Tensor | None]:
        """Attention between projected heads, to override for another kind.

        Args:
            query, key, value: `(batch, positions, heads, size)`.
            attention_mask: bool, True where a query may look; None for everywhere.
            training: whether there is dropout.
            return_attention_scores: whether the scores are wanted.
            use_causal_mask: whether query i sees keys 0 to i only.

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
            scale=scale_of(self.key_dim),
            equations=self._equations,
        )

    def compute_output_shape(
        self, query_shape: Shape, value_shape: Shape, key_shape: Shape | None = None
    ) -> Shape:
        check_value_and_key(value_shape, value_shape if key_shape is None else key_shape)
        return (*query_shape[:-1], *(self._output_shape or (query_shape[-1],)))

    def _scores_shape(self, query_shape: Shape, value_shape: Shape) -> Shape:
        axes = self._attended_axes
        free = [size for i, size in enumerate(query_shape[1:-1], 1) if i not in axes]
        queries = [query_shape[axis] for axis in axes]
        keys = [value_shape[axis] for axis in axes]
        return (query_shape[0], *free, self.num_heads, *queries, *keys)

    def get_config(self) -> Config:
        return {**super().get_config(), "output_shape": self._output_shape}

    # -- names that subclasses written for Keras use ---------------------------

    @property
    def _query_dense(self) -> EinsumDense:
        return self.query_dense

    @property
    def _key_dense(self) -> EinsumDense:
        return self.key_dense

    @property
    def _value_dense(self) -> EinsumDense:
        return self.value_dense

    @property
    def _output_dense(self) -> EinsumDense:
        return self.output_dense

    @property
    def _num_heads(self) -> int:
        return self.num_heads

    @property
    def _key_dim(self) -> int:
        return self.key_dim

    @property
    def _value_dim(self) -> int:
        return self.value_dim

    @property
    def _dropout(self) -> float:
        return self.dropout

    @property
    def _use_bias(self) -> bool:
        return self.use_bias

    @property
    def _kernel_initializer(self) -> Callable[..., Tensor]:
        return self.kernel_initializer

    @property
    def _bias_initializer(self) -> Callable[..., Tensor]:
        return self.bias_initializer


def _as_tuple(
    name: str, value: int | Sequence[int] | None, expected: str
) -> tuple[int, ...] | None:
    """One int or several as a tuple; None for None or no ints."""
    if value is None:
        return None
    values = (value,) if isinstance(value, (int, np.integer)) else value
    is_sequence = isinstance(values, (list, tuple))
    if not is_sequence or not all(isinstance(size, (int, np.integer)) for size in values):
        raise UserInputError(
            f"Invalid `{name}`: {value}. When specified, the `{name}` should be of {expected}. "
            f"Received: {name}={value}"
        )
    return tuple(int(size) for size in values) or None
