"""Embedding: ids to vectors."""

import jax
import jax.numpy as jnp
import numpy as np

from fkeras import constraints, initializers, regularizers
from fkeras.errors import UserInputError
from fkeras.layers.base.layer import Layer


class Embedding(Layer):
    """Looks up a row of a table for each id.

    Args:
        input_dim: number of rows: ids are in [0, input_dim).
        output_dim: size of a row.
        embeddings_initializer, embeddings_regularizer, embeddings_constraint: of the table.
        mask_zero: whether id 0 is padding: it makes the mask that recurrent layers and attention follow.
        weights: a list with the table, to start from. lora_rank, lora_alpha, quantization_config: None; not in this release.

    Shape:
        ids `(batch, ...)` -> `(batch, ..., output_dim)`. Table `(input_dim, output_dim)`.

    Raises:
        UserInputError: an id outside of the table, where the ids are known (outside of `jit`, and for arrays given to `fit`). Inside `jit`
            such an id gives NaN, as in Keras on JAX.

    Examples:
        >>> import fkeras, numpy as np
        >>> fkeras.layers.Embedding(10, 4)(np.array([[1, 2, 3]])).shape
        (1, 3, 4)
    """

    def __init__(self, input_dim, output_dim, embeddings_initializer="uniform", embeddings_regularizer=None, embeddings_constraint=None,
                 mask_zero=False, weights=None, lora_rank=None, lora_alpha=None, quantization_config=None, **kwargs):
        kwargs.setdefault("input_shape", (kwargs.pop("input_length", None),)) if "input_length" in kwargs else None
        super().__init__(**kwargs)
        for name, value in (("lora_rank", lora_rank), ("quantization_config", quantization_config)):
            if value is not None:
                raise UserInputError(f"Embedding: `{name}` is not in this release. Received: {name}={value!r}")
        self.input_dim, self.output_dim = input_dim, output_dim
        self.embeddings_initializer = initializers.get(embeddings_initializer)
        self.embeddings_regularizer = regularizers.get(embeddings_regularizer)
        self.embeddings_constraint = constraints.get(embeddings_constraint)
        self.mask_zero = self.supports_masking = mask_zero
        self.autocast = False
        if weights is not None:
            self.build()
            self.set_weights(weights if isinstance(weights, list) and len(weights) == 1 else [weights])

    def build(self, input_shape=None):
        if hasattr(self, "embeddings"):
            return
        self.embeddings = self.add_weight(name="embeddings", shape=(self.input_dim, self.output_dim), initializer=self.embeddings_initializer,
                                          regularizer=self.embeddings_regularizer, constraint=self.embeddings_constraint)

    def call(self, inputs):
        ids = jnp.asarray(inputs)
        if not jnp.issubdtype(ids.dtype, jnp.integer):
            ids = ids.astype("int32")
        if not isinstance(ids, jax.core.Tracer):
            self.check_host_input(np.asarray(ids))
        return jnp.take(self.embeddings.value, ids, axis=0).astype(self.compute_dtype)

    def check_host_input(self, ids):
        """Raises where an array of ids has one outside of the table."""
        bad = (ids < 0) | (ids >= self.input_dim)
        if bad.any():
            where = tuple(int(i) for i in np.argwhere(bad)[0])
            raise UserInputError(f"Embedding '{self.name}' has input_dim={self.input_dim}: ids must lie in [0, {self.input_dim}). Received: "
                                 f"{ids[where]} at {where}. Make input_dim larger (number of ids + 1 with padding), or map the ids into range.")

    def compute_mask(self, inputs, mask=None):
        return jnp.not_equal(jnp.asarray(inputs), 0) if self.mask_zero else None

    def compute_output_shape(self, input_shape):
        return (*input_shape, self.output_dim)
