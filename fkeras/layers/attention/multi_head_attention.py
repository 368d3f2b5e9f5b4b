"""MultiHeadAttention."""

from __future__ import annotations

import string
from collections.abc import Sequence

from fkeras.errors import UserInputError
from fkeras.layers.attention.heads import (
    HeadedAttention,
    check_positive,
    check_value_and_key,
    scale_of,
    without_masks,
)
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
        attention_axes: axes that attention runs over; None for all but batch and features.
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
            `(batch, queries, features)`. Kernels of query, key
        and value `(features, heads, size)`, of the output `(heads, size, features)`.

    Call arguments:
        `query`, `value`, `key` (None for `value`); `query_mask`, `value_mask`, `key_mask`: bool
        `(batch, positions)`, by default the masks that the inputs carry; `attention_mask`: bool
        `(batch, queries, keys)` or `(batch, heads, queries, keys)`, True where a query may look;
        `return_attention_scores`: whether the weights `(batch, heads, queries, keys)` are returned
            too; `training`;
        `use_causal_mask`: whether query i sees keys 0 to i only. All masks count together.

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
        **kwargs,
    ):
        check_positive("num_heads", num_heads)
        check_positive("key_dim", key_dim)
        if value_dim is not None:
            check_positive("value_dim", value_dim, "a positive integer or `None`")
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
        self.num_heads, self.key_dim, self.value_dim = num_heads, key_dim, value_dim or key_dim
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
        rank = len(value_shape) + 1  # with the axis of heads
        axes = range(1, rank - 2) if self.attention_axes is None else self.attention_axes
        self._axes = tuple(axis if axis >= 0 else rank - 1 + axis for axis in axes)
        scores_rank, self._equations = _attention_equations(rank, self._axes)
        self._make_softmax_and_dropout(tuple(range(scores_rank - len(self._axes), scores_rank)))
        self.output_dense = self._project_out(query_shape)

    def _project_in(self, shape, size, name: str | None, activation: Identifier | None = None):
        free, (features, heads, dim) = _letters(len(shape) - 1, 3)
        made = self._project(
            f"{free}{features},{features}{heads}{dim}->{free}{heads}{dim}",
            (*[None] * (len(free) - 1), self.num_heads, size),
            heads + dim,
            name,
            activation,
        )
        made.build(shape)
        return made

    def _project_out(self, query_shape: Shape):
        sizes = self._output_shape or (query_shape[-1],)
        free, rest = _letters(len(query_shape) - 1, 2 + len(sizes))
        heads, out = rest[:2], rest[2:]
        made = self._project(
            f"{free}{heads},{heads}{out}->{free}{out}",
            (*[None] * (len(free) - 1), *sizes),
            out,
            "attention_output",
        )
        made.build((*query_shape[:-1], self.num_heads, self.value_dim))
        return made

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
    ) -> Tensor:
        key = value if key is None else key
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

    def _attention_is_overridden(self):
        """An override may take no `use_causal_mask`: it gets the causal mask as an array."""
        return type(self)._compute_attention is not MultiHeadAttention._compute_attention

    def _compute_attention(
        self,
        query: Tensor,
        key: Tensor | None,
        value: Tensor,
        attention_mask: Tensor | None = None,
        training: bool | None = None,
        return_attention_scores: bool = False,
        use_causal_mask: bool = False,
    ):
        """Attention between projected heads `(batch, positions, heads, size)`; to override for
        another kind.

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
            attention_axes=len(self._axes),
        )

    def compute_output_shape(
        self, query_shape: Shape, value_shape: Shape, key_shape: Shape | None = None
    ) -> Shape:
        check_value_and_key(value_shape, value_shape if key_shape is None else key_shape)
        return (*query_shape[:-1], *(self._output_shape or (query_shape[-1],)))

    def _scores_shape(self, query_shape: Shape, value_shape: Shape):
        free = [size for i, size in enumerate(query_shape[1:-1], 1) if i not in self._axes]
        return (
            query_shape[0],
            *free,
            self.num_heads,
            *(query_shape[i] for i in self._axes),
            *(value_shape[i] for i in self._axes),
        )

    def get_config(self) -> Config:
        return {**super().get_config(), "output_shape": self._output_shape}


def _as_tuple(name: str | None, value: Tensor, expected):
    if value is None or isinstance(value, int):
        return value if value is None else (value,)
    if not isinstance(value, (list, tuple)) or not all(isinstance(v, int) for v in value):
        raise UserInputError(
            f"Invalid `{name}`: {value}. When specified, the `{name}` should be of {expected}. "
            f"Received: {name}={value}"
        )
    return tuple(value) or None


def _letters(free, others):
    return string.ascii_lowercase[:free], string.ascii_lowercase[free : free + others]


def _attention_equations(rank: int, axes):
    """The rank of the scores, and einsum equations (key, query -> scores) and (scores, value ->
    output).

    Heads are (batch, ..., heads, size); scores are (batch, axes without attention, heads, queries'
    axes, keys' axes).
    """
    target = string.ascii_lowercase[:rank]
    fresh = iter(string.ascii_lowercase[rank:])
    source = "".join(next(fresh) if i in axes else letter for i, letter in enumerate(target))
    free = "".join(letter for i, letter in enumerate(target[:-1]) if i not in axes)
    scores = free + "".join(target[i] for i in axes) + "".join(source[i] for i in axes)
    return len(scores), (f"{source},{target}->{scores}", f"{scores},{source}->{target}")


def _under(name: str | None):
    return property(
        lambda self: getattr(self, name),
        doc=f"`{name}`, under the name that subclasses written for Keras use.",
    )


for _name in (
    "query_dense",
    "key_dense",
    "value_dense",
    "output_dense",
    "num_heads",
    "key_dim",
    "value_dim",
    "dropout",
    "use_bias",
    "kernel_initializer",
    "bias_initializer",
):
    setattr(MultiHeadAttention, f"_{_name}", _under(_name))
