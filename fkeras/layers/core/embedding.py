"""Embedding and ReversibleEmbedding: rows of a table."""

from __future__ import annotations

from typing import TYPE_CHECKING

import jax
import jax.numpy as jnp
import numpy as np

from fkeras import constraints, initializers, regularizers
from fkeras.core.symbolic.keras_tensor import KerasTensor
from fkeras.core.values import masks
from fkeras.errors import UserInputError, UserTypeError
from fkeras.layers.base import arguments
from fkeras.layers.base import context as contexts
from fkeras.layers.base.layer import Layer
from fkeras.layers.base.low_rank import LowRankAdaptable, adapted_weight
from fkeras.layers.quantized.layouts import SecondLayout, TableLayout
from fkeras.layers.quantized.products import MatrixProduct
from fkeras.layers.quantized.quantizable import Quantizable
from fkeras.layers.quantized.whole_numbers import Int4, Int8, look_up

if TYPE_CHECKING:
    from fkeras.layers.quantized.layouts import WeightLayout
    from fkeras.quantizers import QuantizationConfig
    from fkeras.types import ArrayLike, Config, DTypeLike, Identifier, Shape, Tensor

_PRODUCT = MatrixProduct()


def check_ids(
    ids: np.ndarray, input_dim: int, name: str = "Embedding", argument: str = "input_dim"
) -> None:
    """Raises if an id lies outside of [0, input_dim): names the id, its position, and the fix.

    Args:
        ids: array on the host, of whole numbers.
        input_dim: number of rows of the table.
        name: who looks the ids up, for the message.
        argument: what the number of rows is called there.

    Raises:
        UserInputError: an id is outside, a fraction, or NaN.
    """
    ids = np.asarray(ids)
    if ids.dtype.kind == "f":
        is_fraction = np.isfinite(ids) & (np.floor(ids) != ids)
        if is_fraction.any():
            position = tuple(int(i) for i in np.argwhere(is_fraction)[0])
            raise UserInputError(
                f"{name} looks ids up, which are whole numbers. Received: {ids[position]:g} at "
                f"position {position}. For quantities use a Dense layer; for ids that were scaled "
                "or averaged, the ids before that."
            )
    if ids.size == 0 or 0 <= ids.min() and ids.max() < input_dim:
        return
    outside = ~((ids >= 0) & (ids < input_dim))  # NaN is outside, too
    position = tuple(int(i) for i in np.argwhere(outside)[0])
    table_is_too_small = not ids[position] < 0 and np.isfinite(ids.max())
    if table_is_too_small:
        fix = f"Make {argument} at least {int(ids.max()) + 1}"
    else:
        fix = "Map the ids into that range"
    raise UserInputError(
        f"{name} has {argument}={input_dim}, so that ids must lie in [0, {input_dim}). Received: "
        f"id {ids[position]} at position {position} ({int(outside.sum())} of {outside.size} ids "
        f"are outside). {fix}."
    )


class Embedding(Quantizable, LowRankAdaptable, Layer):
    """A trained vector for each id: a row of a table.

    Args:
        input_dim: number of rows; ids are in [0, input_dim).
        output_dim: size of a row.
        embeddings_initializer: how the table starts.
        embeddings_regularizer: function of the table that adds to the loss.
        embeddings_constraint: function applied to the table after each update.
        mask_zero: whether id 0 is padding: it then makes the mask that recurrent layers, attention
            and losses follow.
        weights: the table to start from (or a list with it); None to draw it.
        lora_rank: rank of a low-rank update that is trained in place of the table, which is held
            fixed; None for none. `enable_lora(rank)` does it to a layer that has been trained.
        lora_alpha: the update is `lora_alpha / lora_rank * a @ b`; None for `lora_rank`.
        quantization_config: how the table is kept in few bits, where `dtype` is a quantized policy
            such as `'int8_from_float32'`; None for the policy's mode alone. `quantize(mode)` does
            it to a layer that has been trained.
        input_length: of older scripts, like `input_shape=(input_length,)`: what a Sequential
            model's input looks like.

    Shape:
        ids `(batch, ...)` of ints -> `(batch, ..., output_dim)`. Table `(input_dim, output_dim)`.

    Raises:
        UserInputError: an id outside of [0, input_dim), where ids are known: outside of `jit`, and
            in arrays on the host that are given to `fit`. Inside `jit` such an id, negative ones
            too, gives a row of NaN and no gradient, so that it cannot pass unseen. (Keras takes the
            last row for -1.)

    Examples:
        >>> import fkeras, jax, jax.numpy as jnp
        >>> layer = fkeras.layers.Embedding(10, 4, mask_zero=True)
        >>> y = layer(jnp.array([[3, 7, 0]]))
        >>> y.shape, y._keras_mask.tolist()
        ((1, 3, 4), [[True, True, False]])
    """

    embeddings = adapted_weight("embeddings")
    _adapted_name = "embeddings"
    _large_weights: tuple[str, ...] = ("embeddings",)
    _schemes = {"int8": Int8, "int4": Int4}

    def __init__(
        self,
        input_dim: int,
        output_dim: int,
        embeddings_initializer: Identifier = "uniform",
        embeddings_regularizer: Identifier | None = None,
        embeddings_constraint: Identifier | None = None,
        mask_zero: bool = False,
        weights: ArrayLike | None = None,
        lora_rank: int | None = None,
        lora_alpha: float | None = None,
        quantization_config: QuantizationConfig | None = None,
        **kwargs,
    ):
        for name, value in (("input_dim", input_dim), ("output_dim", output_dim)):
            if not arguments.is_int(value) or value <= 0:
                raise UserTypeError(
                    f"`{name}` must be a positive integer. Received: {name}={value} (of type "
                    f"{type(value).__name__})."
                )
        if "input_length" in kwargs:  # of older scripts: the shape of a Sequential model's input
            length = kwargs.pop("input_length")
            if not {"input_shape", "batch_input_shape"} & set(kwargs):
                kwargs["input_shape"] = (length,)
        super().__init__(**kwargs)
        self.input_dim = int(input_dim)
        self.output_dim = int(output_dim)
        self.embeddings_initializer = initializers.get(embeddings_initializer)
        self.embeddings_regularizer = regularizers.get(embeddings_regularizer)
        self.embeddings_constraint = constraints.get(embeddings_constraint)
        self.mask_zero = mask_zero
        self.supports_masking = bool(mask_zero)
        self.autocast = False  # of ids; the rows are cast when they have been looked up
        self._ask_for_quantization(quantization_config)
        if weights is not None:
            self.build()
            is_wrapped = isinstance(weights, list) and len(weights) == 1
            self.set_weights(weights if is_wrapped else [weights])
        self._ask_for_lora(lora_rank, lora_alpha)

    def build(self, input_shape: Shape | None = None) -> None:
        if self.built:  # by `weights`, before any input came
            return
        shape = (self.input_dim, self.output_dim)
        if self._quantized_build_keeps_weights(shape):
            self.embeddings = self.add_weight(
                name="embeddings",
                shape=shape,
                initializer=self.embeddings_initializer,
                regularizer=self.embeddings_regularizer,
                constraint=self.embeddings_constraint,
            )
        self._make_lora_asked_for()

    def build_from_config(self, config: Config | None) -> None:
        if config:  # built without a shape, perhaps: the table needs none
            self.build(config.get("input_shape"))

    def call(self, inputs: Tensor) -> Tensor:
        if hasattr(inputs, "todense"):
            inputs = inputs.todense()
        # A tracer has no values to look at: there an id outside gives a row of NaN, see below.
        if not isinstance(inputs, jax.core.Tracer):
            self.check_host_input(np.asarray(inputs))
        elif contexts.looked_up.value is not None:
            contexts.looked_up.value.append((self, inputs))
        ids = inputs if jnp.issubdtype(inputs.dtype, jnp.integer) else inputs.astype("int32")
        scheme = self._scheme()
        if scheme is None:
            rows = look_up(self._adapted_variable.value, ids)  # (batch, ..., output_dim)
        else:
            rows = scheme.rows(ids, self._kept_values(scheme), self.compute_dtype)
        if self.lora_enabled:
            a, b = self._adapters
            rows = rows + self._lora_scale * (look_up(a.value, ids) @ b.value)
        return rows.astype(self.compute_dtype)

    def quantized_build(
        self, embeddings_shape: Shape, mode: str, config: QuantizationConfig | None = None
    ) -> None:
        super().quantized_build(embeddings_shape, mode, config)

    def _layouts(self, shape: Shape) -> list[WeightLayout]:
        return [TableLayout("embeddings", shape)]

    def check_host_input(self, ids: np.ndarray) -> None:
        """Raises where an array on the host has an id outside of the table."""
        check_ids(ids, self.input_dim, f"Embedding '{self.name}'")

    def compute_mask(self, inputs: Tensor, mask: Tensor | None = None) -> Tensor | None:
        if not self.mask_zero:
            return None
        ids = inputs.todense() if hasattr(inputs, "todense") else inputs
        return jnp.not_equal(ids, 0)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return (*input_shape, self.output_dim)

    def compute_output_spec(self, inputs: KerasTensor) -> KerasTensor:
        return KerasTensor(
            self.compute_output_shape(inputs.shape),
            dtype=self.compute_dtype,
            ragged=getattr(inputs, "ragged", False),
        )

    def get_config(self) -> Config:
        config = super().get_config()
        config.pop("weights", None)
        return config


class ReversibleEmbedding(Embedding):
    """An `Embedding` that also projects back, from vectors to a score for each id.

    For language models: the same table reads words and predicts them.

    Args:
        input_dim: number of rows; ids are in [0, input_dim).
        output_dim: size of a row.
        tie_weights: whether the projection back is by the table's transpose; False for a weight of
            its own.
        embeddings_initializer, embeddings_regularizer, embeddings_constraint, mask_zero: see
            `Embedding`.
        reverse_dtype: dtype of the projection back; None for that of its operands.
        logit_soft_cap: None, or c > 0: scores become `c * tanh(scores / c)`.

    Shape:
        ids `(batch, ...)` -> `(batch, ..., output_dim)`; with `reverse=True`
        vectors `(batch, ..., output_dim)` -> scores `(batch, ..., input_dim)`.

    References:
        Press and Wolf, 2016, https://arxiv.org/abs/1608.05859

    Examples:
        >>> import fkeras, jax.numpy as jnp
        >>> layer = fkeras.layers.ReversibleEmbedding(10, 4)
        >>> layer(layer(jnp.array([[3, 7]])), reverse=True).shape
        (1, 2, 10)
    """

    _schemes = {"int8": Int8, "int4": Int4}

    def __init__(
        self,
        input_dim: int,
        output_dim: int,
        tie_weights: bool = True,
        embeddings_initializer: Identifier = "uniform",
        embeddings_regularizer: Identifier | None = None,
        embeddings_constraint: Identifier | None = None,
        mask_zero: bool = False,
        reverse_dtype: DTypeLike | None = None,
        logit_soft_cap: float | None = None,
        **kwargs,
    ):
        super().__init__(
            input_dim,
            output_dim,
            embeddings_initializer=embeddings_initializer,
            embeddings_regularizer=embeddings_regularizer,
            embeddings_constraint=embeddings_constraint,
            mask_zero=mask_zero,
            **kwargs,
        )
        self.tie_weights = tie_weights
        self.reverse_dtype = reverse_dtype
        self.logit_soft_cap = logit_soft_cap

    def build(self, input_shape: Shape | None = None) -> None:
        if self.built:
            return
        super().build(input_shape)
        if not self.tie_weights and not self._info.schemes:
            self.reverse_embeddings = self.add_weight(
                name="reverse_embeddings",
                shape=(self.output_dim, self.input_dim),
                initializer=self.embeddings_initializer,
            )

    def call(self, inputs: Tensor, reverse: bool = False) -> Tensor:
        if not reverse:
            outputs = super().call(inputs)
            if self.mask_zero:
                masks.set_mask(outputs, jnp.not_equal(inputs, 0))
            return outputs
        scores = self._project_back(inputs)  # (batch, ..., input_dim)
        if self.logit_soft_cap is None:
            return scores
        return self.logit_soft_cap * jnp.tanh(scores / self.logit_soft_cap)

    def _project_back(self, inputs: Tensor) -> Tensor:
        if self.reverse_dtype is not None:  # a wider one keeps rare words apart in half precision
            inputs = inputs.astype(self.reverse_dtype)
        scheme = self._scheme("embeddings" if self.tie_weights else "reverse_embeddings")
        if scheme is None or (self.tie_weights and self.lora_enabled):
            tied = self.tie_weights
            kernel = jnp.transpose(self.embeddings) if tied else self.reverse_embeddings.value
            return inputs @ kernel.astype(self.reverse_dtype or kernel.dtype)
        dtype = self.reverse_dtype or self.compute_dtype
        return scheme.multiply(_PRODUCT, inputs, self._kept_values(scheme), dtype)

    @property
    def _large_weights(self) -> tuple[str, ...]:
        return ("embeddings",) if self.tie_weights else ("embeddings", "reverse_embeddings")

    def _layouts(self, shape: Shape) -> list[WeightLayout]:
        layouts = super()._layouts(shape)
        if not self.tie_weights:
            layouts.append(SecondLayout("reverse_embeddings", shape[::-1]))
        return layouts

    def compute_mask(self, inputs: Tensor, mask: Tensor | None = None) -> Tensor | None:
        return None  # set in `call`, which knows the direction

    def compute_output_shape(self, input_shape: Shape, reverse: bool = False) -> Shape:
        return (*input_shape[:-1], self.input_dim) if reverse else (*input_shape, self.output_dim)

    def compute_output_spec(self, inputs: KerasTensor, reverse: bool = False) -> KerasTensor:
        return KerasTensor(
            self.compute_output_shape(inputs.shape, reverse), dtype=self.compute_dtype
        )
