"""Attention and AdditiveAttention: attention without projections or heads."""

from __future__ import annotations

from typing import Literal, Unpack

import jax
import jax.numpy as jnp

from fkeras.core import broadcasting
from fkeras.core.randomness.key_scopes import LAYERS_STREAM
from fkeras.core.randomness.seed_generator import SeedGenerator
from fkeras.core.symbolic.keras_tensor import KerasTensor
from fkeras.core.values.masks import check_mask
from fkeras.core.values.variable import Variable
from fkeras.errors import UserInputError
from fkeras.layers.base.layer import Layer
from fkeras.layers.base.options import LayerOptions
from fkeras.layers.regularization.dropout import check_rate, drop
from fkeras.types import Config, SeedLike, Shape, Tensor, TensorLike


class Attention(Layer):
    """Dot-product attention from each position of a query to all of a value (Luong-style).

    Args:
        use_scale: whether a trained scalar multiplies the scores.
        score_mode: `'dot'` for `query . key`, `'concat'` for a trained scalar times the sum of
            `tanh(query + key)`.
        dropout: fraction of the weights to drop in training, in [0, 1].
        seed: int for the dropout; None for numbers that follow from the model's seed.

    Shape:
        a list of query `(batch, queries, features)`, value `(batch, keys, features)` and, if it is
        not the value, key `(batch, keys, features)` -> `(batch, queries, features)`.

    Call arguments:
        `inputs`: the list; `mask`: list of bool query mask `(batch, queries)`, where the output
        becomes 0, and value mask `(batch, keys)`, where nothing is looked at (None for either);
        `training`; `return_attention_scores`: whether the weights `(batch, queries, keys)` are
        returned too; `use_causal_mask`: whether query i sees keys 0 to i only.

    Raises:
        UserInputError: inputs or a mask that are not lists of 2 or 3.

    Examples:
        >>> import fkeras, jax.numpy as jnp
        >>> query, value = jnp.ones((2, 3, 4)), jnp.ones((2, 5, 4))
        >>> fkeras.layers.Attention()([query, value]).shape
        (2, 3, 4)
    """

    def __init__(
        self,
        use_scale: bool = False,
        score_mode: Literal["dot", "concat"] = "dot",
        dropout: float = 0.0,
        seed: SeedLike | None = None,
        **kwargs: Unpack[LayerOptions],
    ):
        super().__init__(**kwargs)
        check_rate(dropout, self, "dropout")
        if score_mode not in ("dot", "concat"):
            raise UserInputError(
                "Invalid value for argument score_mode. Expected one of {'dot', 'concat'}. "
                f"Received: score_mode={score_mode}"
            )
        self.use_scale = use_scale
        self.score_mode = score_mode
        self.dropout = dropout
        self.seed = seed
        self.supports_masking = True
        if dropout > 0:
            self.seed_generator = SeedGenerator(seed, stream=LAYERS_STREAM)

    def build(self, input_shape: list[Shape]) -> None:
        self._check(input_shape)
        self.scale = self.concat_score_weight = None
        if self.use_scale:
            self.scale = self._add_scale(input_shape)
        if self.score_mode == "concat":
            self.concat_score_weight = self.add_weight(
                name="concat_score_weight", shape=(), initializer="ones"
            )

    def _add_scale(self, input_shape: list[Shape]) -> Variable:
        return self.add_weight(name="scale", shape=(), initializer="ones")

    def _calculate_scores(self, query: Tensor, key: Tensor) -> Tensor:
        """(batch, queries, keys), before any mask; to override for another kind of score."""
        scale = 1 if self.scale is None else self.scale.value
        if self.score_mode == "dot":
            return query @ jnp.swapaxes(key, -2, -1) * scale
        sums = query[..., :, None, :] + key[..., None, :, :]  # (batch, queries, keys, features)
        return self.concat_score_weight.value * jnp.tanh(scale * sums).sum(axis=-1)

    def call(
        self,
        inputs: list[Tensor],
        mask: list[Tensor | None] | None = None,
        training: bool | None = False,
        return_attention_scores: bool = False,
        use_causal_mask: bool = False,
    ) -> Tensor | tuple[Tensor, Tensor]:
        self._check(inputs, mask)
        # Without a key, the value is its own.
        query, value, key = inputs if len(inputs) == 3 else (*inputs, inputs[1])
        query_mask, value_mask = (None, None) if mask is None else mask[:2]
        scores = self._calculate_scores(query, key)
        for whose, given, tensor in (("query", query_mask, query), ("value", value_mask, value)):
            if given is not None:
                check_mask(f"The {whose} mask of '{self.name}'", given, tensor.shape[:-1])
        visible = _visible_keys(scores.shape, value_mask, use_causal_mask)
        if visible is not None:
            # Subtracted, not replaced: a query that sees nothing keeps the distribution that it
            # would have without a mask.
            below_all = 65504.0 if scores.dtype == jnp.float16 else 1e9
            scores = jnp.where(visible, scores, scores - below_all)
        weights = jax.nn.softmax(scores, axis=-1)
        if training and self.dropout > 0:
            weights = drop(weights, self.dropout, None, self.seed_generator)
        outputs = weights @ value
        if query_mask is not None:
            # (batch, queries, 1): rows of padding become 0.
            query_mask = jnp.asarray(query_mask, bool)[..., None]
            outputs = jnp.where(query_mask, outputs, jnp.zeros((), outputs.dtype))
        return (outputs, weights) if return_attention_scores else outputs

    def compute_mask(
        self, inputs: list[Tensor], mask: list[Tensor | None] | None = None
    ) -> Tensor | None:
        self._check(inputs, mask)
        return None if mask is None or mask[0] is None else jnp.asarray(mask[0])

    def compute_output_shape(self, input_shape: list[Shape]) -> Shape:
        return (*input_shape[0][:-1], input_shape[1][-1])

    def compute_output_spec(
        self,
        inputs: list[KerasTensor],
        mask: list[KerasTensor | None] | None = None,
        return_attention_scores: bool = False,
        training: bool | None = None,
        use_causal_mask: bool = False,
    ) -> KerasTensor | tuple[KerasTensor, KerasTensor]:
        self._check(inputs, mask)
        shapes = [tuple(x.shape) for x in inputs]
        output = KerasTensor(self.compute_output_shape(shapes), dtype=self.compute_dtype)
        if not return_attention_scores:
            return output
        return output, KerasTensor((*shapes[0][:-1], shapes[-1][-2]), dtype=self.compute_dtype)

    def _check(
        self, inputs: list[TensorLike] | list[Shape], mask: list[TensorLike | None] | None = None
    ) -> None:
        """Raises where inputs (or their shapes) or masks are not lists of 2 or 3."""
        name = type(self).__name__
        if not isinstance(inputs, list):
            raise UserInputError(
                f"{name} layer must be called on a list of inputs, namely [query, value] or "
                f"[query, value, key]. Received: inputs={inputs}."
            )
        if not 2 <= len(inputs) <= 3:
            raise UserInputError(
                f"{name} layer accepts inputs list of length 2 or 3, namely [query, value] or "
                f"[query, value, key]. Received length: {len(inputs)}."
            )
        if mask is None:
            return
        if not isinstance(mask, list):
            raise UserInputError(
                f"{name} layer mask must be a list, namely [query_mask, value_mask]. Received: "
                f"mask={mask}."
            )
        if not 2 <= len(mask) <= 3:
            raise UserInputError(
                f"{name} layer accepts mask list of length 2 or 3. Received: inputs={inputs}, "
                f"mask={mask}."
            )


def _visible_keys(
    scores_shape: tuple[int, ...], value_mask: Tensor | None, use_causal_mask: bool
) -> Tensor | None:
    """Where a query may look: bool, broadcastable to (batch, queries, keys); None: anywhere."""
    visible = None if value_mask is None else jnp.asarray(value_mask, bool)[..., None, :]
    if not use_causal_mask:
        return visible
    causal = jnp.tril(jnp.ones((1, *scores_shape[-2:]), bool))
    return causal if visible is None else visible & causal


class AdditiveAttention(Attention):
    """Attention by `sum(scale * tanh(query + key))` (Bahdanau-style).

    Query and key are of the same size.

    Args:
        use_scale: whether a trained vector multiplies the tanh.
        dropout: fraction of the weights to drop in training, in [0, 1].

    Shape:
        As in `Attention`.

    Call arguments:
        As in `Attention`.

    Examples:
        >>> import fkeras, jax.numpy as jnp
        >>> query, value = jnp.ones((2, 3, 4)), jnp.ones((2, 5, 4))
        >>> fkeras.layers.AdditiveAttention()([query, value]).shape
        (2, 3, 4)
    """

    def __init__(
        self, use_scale: bool = True, dropout: float = 0.0, **kwargs: Unpack[LayerOptions]
    ):
        super().__init__(use_scale=use_scale, dropout=dropout, **kwargs)

    def _add_scale(self, input_shape: list[Shape]) -> Variable:
        return self.add_weight(
            name="scale", shape=(input_shape[0][-1],), initializer="glorot_uniform"
        )

    def _calculate_scores(self, query: Tensor, key: Tensor) -> Tensor:
        # (batch, queries, keys, features)
        summands = jnp.tanh(query[..., :, None, :] + key[..., None, :, :])
        if self.scale is not None:
            summands = broadcasting.multiply(summands, self.scale.value)
        return summands.sum(axis=-1)

    def get_config(self) -> Config:
        config = super().get_config()
        del config["score_mode"]
        return config
