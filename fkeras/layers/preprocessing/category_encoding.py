"""CategoryEncoding: ids of categories as vectors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Unpack

import jax
import jax.numpy as jnp
import numpy as np

from fkeras.core.symbolic.keras_tensor import KerasTensor
from fkeras.errors import UserInputError
from fkeras.layers.base import arguments
from fkeras.layers.base import context as contexts
from fkeras.layers.base.layer import Layer
from fkeras.layers.base.options import LayerOptions
from fkeras.layers.core.embedding import check_ids
from fkeras.layers.preprocessing import hot_encoding
from fkeras.ops.known_values import known_values

if TYPE_CHECKING:
    from fkeras.types import Shape, Tensor

_MODES = ("multi_hot", "one_hot", "count")


class CategoryEncoding(Layer):
    """Writes ids of categories as vectors, where the number of categories is known.

    Where it is not, `IntegerLookup` and `StringLookup` find out, and encode in the same ways.

    Args:
        num_tokens: number of categories, positive; ids are in [0, num_tokens).
        output_mode: 'multi_hot': for each sample one vector with 1 at every category that is in it;
            'one_hot': a vector for each id; 'count': for each sample how often each category is in
            it.
        sparse: whether to return a `jax.experimental.sparse.BCOO` array.

    Call arguments:
        inputs: ids, `(batch, ids)` or `(ids,)`; the last axis holds the ids of one sample.
        count_weights: array of the shape of `inputs`, what each id adds to its count. Only with
            'count'.

    Shape:
        `(..., ids)` -> `(..., num_tokens)`; with 'one_hot' `(..., ids, num_tokens)`, but
        `(..., 1)` -> `(..., num_tokens)`.

    Raises:
        UserInputError: an unknown mode, no `num_tokens`, `count_weights` in another mode, an id
            outside of [0, num_tokens) where its value is known (not under `jax.jit`, where it gives
            zeros).

    Examples:
        >>> import fkeras
        >>> fkeras.layers.CategoryEncoding(4, output_mode="one_hot")([3, 0]).tolist()
        [[0.0, 0.0, 0.0, 1.0], [1.0, 0.0, 0.0, 0.0]]
        >>> fkeras.layers.CategoryEncoding(3)([[0, 1], [2, 2]]).tolist()
        [[1.0, 1.0, 0.0], [0.0, 0.0, 1.0]]
    """

    def __init__(
        self,
        num_tokens: int | None = None,
        output_mode: str = "multi_hot",
        sparse: bool = False,
        **kwargs: Unpack[LayerOptions],
    ):
        super().__init__(**kwargs)
        if output_mode == "binary":  # of older scripts
            output_mode = "multi_hot"
        if output_mode not in _MODES:
            raise UserInputError(
                f"Unknown arg for output_mode: {output_mode}. CategoryEncoding expected one of "
                f"{', '.join(map(repr, _MODES))}."
            )
        if num_tokens is None:
            raise UserInputError(
                "num_tokens must be set to use this layer: how many categories there are. Where "
                "that is not known, IntegerLookup finds out."
            )
        num_tokens = arguments.whole(num_tokens)
        if not arguments.is_int(num_tokens) or num_tokens < 1:
            raise UserInputError(
                f"CategoryEncoding: `num_tokens` must be >= 1. Received: num_tokens={num_tokens!r}."
            )
        self.num_tokens = int(num_tokens)
        self.output_mode = output_mode
        self.sparse = sparse
        self.autocast = False  # of ids: in half precision many would be others
        self._allow_non_tensor_positional_args = True

    def call(self, inputs: Tensor, count_weights: Tensor | None = None) -> Tensor:
        if count_weights is not None:
            count_weights = self._checked_weights(inputs, count_weights)
        ids = jnp.asarray(inputs)
        values = known_values(ids)
        if values is not None:
            self.check_host_input(values)
        elif contexts.looked_up.value is not None:
            contexts.looked_up.value.append((self, ids))
        if not jnp.issubdtype(ids.dtype, jnp.integer):
            ids = ids.astype("int32")
        return hot_encoding.encode(
            ids,
            self.output_mode,
            self.num_tokens,
            self.compute_dtype,
            sparse=self.sparse,
            count_weights=count_weights,
        )

    def _checked_weights(self, inputs: Tensor, count_weights: Tensor) -> jax.Array:
        if self.output_mode != "count":
            raise UserInputError(
                "`count_weights` is not used when `output_mode` is not 'count'. CategoryEncoding "
                f"'{self.name}' has output_mode={self.output_mode!r}."
            )
        weights = jnp.asarray(count_weights, self.compute_dtype)
        if weights.shape != np.shape(inputs):
            raise UserInputError(
                f"CategoryEncoding '{self.name}' expected `count_weights` of the shape of its "
                f"inputs, {np.shape(inputs)}. Received: shape {weights.shape}."
            )
        return weights

    def check_host_input(self, ids: np.ndarray) -> None:
        """Raises where an array on the host has an id that is no category."""
        check_ids(ids, self.num_tokens, f"CategoryEncoding '{self.name}'", "num_tokens")

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return hot_encoding.encoded_shape(tuple(input_shape), self.output_mode, self.num_tokens)

    def compute_output_spec(
        self, inputs: KerasTensor, count_weights: KerasTensor | None = None
    ) -> KerasTensor:
        return KerasTensor(
            self.compute_output_shape(inputs.shape), dtype=self.compute_dtype, sparse=self.sparse
        )
