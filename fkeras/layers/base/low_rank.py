"""Low-rank adaptation (LoRA): a large weight is held fixed, and a small update of it is trained.

The update of a weight `(..., outputs)` is `alpha / rank * a @ b`, with *adapters* `a` `(..., rank)`
and `b` `(rank, outputs)`. `b` starts at zero, so that nothing changes until it is trained. Where
the layer can, it multiplies its inputs by `a` and then by `b`: no gradient and no optimizer state
of the weight's size is ever made.

Files in Keras's layouts hold the sum, as Keras's do: a layer without adapters reads them. What goes
by structural path (Orbax directories, `.safetensors`) has weight and adapters apart.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp

from fkeras import initializers
from fkeras.core.values import lending, stacking
from fkeras.core.values.variable_info import info_of
from fkeras.errors import NotBuiltError, UserInputError
from fkeras.layers.base import arguments, building

if TYPE_CHECKING:
    from fkeras.core.values.variable import Variable
    from fkeras.types import ArrayLike, Config, Identifier, Tensor


def adapted_weight(name: str) -> Any:
    """A property for the weight that adapters are of.

    It reads as the Variable itself and, with adapters, as an array: the sum. The Variable alone is
    the attribute of the same name with an underscore.

    Args:
        name: of the weight.
    """
    attribute = f"_{name}"

    def read(layer: LowRankAdaptable) -> Variable | Tensor:
        if not layer.built and attribute not in vars(layer):
            raise _not_built(layer, name)
        if not layer.lora_enabled:
            return layer._unadapted()
        return layer._adapted_value().astype(layer.compute_dtype)

    def write(layer: LowRankAdaptable, value: Any) -> None:
        setattr(layer, attribute, value)

    return property(read, write, doc=f"`{name}` as it is used: with the update of the adapters.")


class LowRankAdaptable:
    """Mixed into layers of one large weight, before `Layer`.

    Attributes:
        lora_enabled: whether the layer has adapters.
        lora_rank: their rank, or None.
        lora_alpha: the update is `lora_alpha / lora_rank * a @ b`.
    """

    _adapted_name = "kernel"
    lora_enabled = False
    lora_rank: int | None = None
    lora_alpha: float | None = None

    # -- on and off --------------------------------------------------------------

    def _ask_for_lora(self, rank: int | None, alpha: float | None) -> None:
        """What the constructor was given; the adapters come when the layer has been built."""
        if rank is None and alpha is not None:
            raise UserInputError(
                f"{type(self).__name__} '{self.name}': `lora_alpha` scales the update of adapters, "
                f"and there are none without `lora_rank`. Received: lora_alpha={alpha!r}"
            )
        if rank is None:
            return
        self._refuse_unadaptable()
        self.lora_rank, self.lora_alpha = _checked(self, rank, alpha)
        if self.built:
            self._make_lora_asked_for()

    def _make_lora_asked_for(self) -> None:
        """Called at the end of `build`."""
        if self.lora_rank is not None and not self.lora_enabled:
            self._make_adapters("he_uniform", "zeros")

    def enable_lora(
        self,
        rank: int,
        lora_alpha: float | None = None,
        a_initializer: Identifier = "he_uniform",
        b_initializer: Identifier = "zeros",
    ) -> None:
        """Holds the layer's weight fixed, and adds a low-rank update that is trained in its place.

        A model that was compiled before is to be compiled again.

        Args:
            rank: of the update, at least 1. The fewer, the less there is to train.
            lora_alpha: strength of the update, which is `lora_alpha / rank * a @ b`; None for
                `rank`.
            a_initializer, b_initializer: how the adapters start. One of them must be zeros for the
                layer to compute what it did.

        Raises:
            UserInputError: the layer is not built, has adapters already, or constrains its weight.

        References:
            Hu et al., 2021, https://arxiv.org/abs/2106.09685
        """
        self._refuse_unadaptable()
        if not self.built:
            raise NotBuiltError(
                f"Cannot enable lora on a layer that isn't yet built: '{self.name}' "
                f"({type(self).__name__}). Call it on data or `build` it before, or give "
                "`lora_rank` to its constructor."
            )
        if self.lora_enabled:
            raise UserInputError(
                "lora is already enabled. This can only be done once per layer. Layer "
                f"'{self.name}' has adapters of rank {self.lora_rank}; `merge_lora()` adds them to "
                f"its {self._adapted_name} and makes room for others."
            )
        self.lora_rank, self.lora_alpha = _checked(self, rank, lora_alpha)
        self._make_adapters(a_initializer, b_initializer)

    def merge_lora(self) -> None:
        """Adds the update to the weight, which is trainable again, and removes the adapters.

        The layer computes what it did, up to rounding.

        Raises:
            UserInputError: the layer has no adapters.
        """
        if not self.lora_enabled:
            raise UserInputError(
                f"`merge_lora()`: layer '{self.name}' ({type(self).__name__}) has no adapters. "
                "`enable_lora(rank)` makes them."
            )
        weight = self._adapted_variable
        self._set_unadapted(self._adapted_value())
        for letter in "ab":
            delattr(self, f"lora_{self._adapted_name}_{letter}")
        info_of(weight).is_held_fixed = False
        self.lora_enabled = False
        self.lora_rank = self.lora_alpha = None

    def _why_not_adapted(self) -> str | None:
        """Why the layer cannot have adapters; None where it can."""
        name = f"{self._adapted_name}_constraint"
        if getattr(self, name) is None:
            return None
        kind = {"kernel": "kernel", "embeddings": "embedding"}[self._adapted_name]
        return (
            f"Lora is incompatible with {kind} constraints. In order to enable lora on this "
            f"layer, remove the `{name}` argument. Layer: '{self.name}' "
            f"({type(self).__name__}), {name}={getattr(self, name)!r}"
        )

    def _refuse_unadaptable(self) -> None:
        reason = self._why_not_adapted()
        if reason is not None:
            raise UserInputError(reason)

    def _make_adapters(self, a_initializer: Identifier, b_initializer: Identifier) -> None:
        """Makes the adapters, in float32 whatever the weight has: updates are small."""
        weight, name = self._adapted_variable, self._adapted_name
        *inputs, outputs = self._adapted_shape()
        with building.adding_weights(self):
            for letter, shape, initializer in (
                ("a", (*inputs, self.lora_rank), a_initializer),
                ("b", (self.lora_rank, outputs), b_initializer),
            ):
                adapter = self.add_weight(
                    name=f"lora_{name}_{letter}",
                    shape=shape,
                    initializer=initializers.get(initializer),
                    dtype="float32",
                    regularizer=getattr(self, f"{name}_regularizer"),
                )
                # Those of a layer that a `Repeat` repeats are stacks, as the weight is.
                stacking.stack_like(adapter, weight)
                setattr(self, f"lora_{name}_{letter}", adapter)
        info_of(weight).is_held_fixed = True
        self.lora_enabled = True

    # -- values ------------------------------------------------------------------

    @property
    def _adapted_variable(self) -> Variable:
        """The weight without the update."""
        variable = vars(self).get(f"_{self._adapted_name}")
        if variable is None:  # `call` was called without the layer
            raise _not_built(self, self._adapted_name)
        return variable

    def _adapted_shape(self) -> tuple[int, ...]:
        """The shape of the weight, of one block where several are stacked."""
        info = self._adapted_variable._meta
        return info.shape[len(info.blocks) :]

    @property
    def _adapters(self) -> tuple[Variable, Variable]:
        attributes = vars(self)
        name = self._adapted_name
        return attributes[f"lora_{name}_a"], attributes[f"lora_{name}_b"]

    @property
    def _lora_scale(self) -> float:
        return self.lora_alpha / self.lora_rank

    def _adapted_value(self) -> jax.Array:
        """The weight with the update, in the wider of their dtypes."""
        weight = self._adapted_variable
        a, b = self._adapters
        multiply = stacking.over_blocks(jnp.matmul, stacking.count_block_axes(weight))
        return self._unadapted_value() + self._lora_scale * multiply(a.value, b.value)

    def _unadapted(self) -> Variable | jax.Array:
        """The weight without the update as the property shows it."""
        return self._adapted_variable

    def _unadapted_value(self) -> jax.Array:
        """The weight without the update as floats."""
        return self._adapted_variable.value

    def _set_unadapted(self, value: jax.Array) -> None:
        """Sets the weight, from floats."""
        self._adapted_variable.assign(value)

    # -- configs and files -------------------------------------------------------

    def get_config(self) -> Config:
        config = super().get_config()
        for name in ("lora_rank", "lora_alpha"):
            config.pop(name, None)
            if self.lora_rank is not None:
                config[name] = getattr(self, name)
        return config

    def _own_variables(self) -> list[Variable]:
        own = super()._own_variables()
        if not self.lora_enabled:
            return own
        adapters = {id(adapter) for adapter in self._adapters}
        return [variable for variable in own if id(variable) not in adapters]

    def _values_for_files(self) -> list[Variable | jax.Array]:
        values = super()._values_for_files()
        if not self.lora_enabled:
            return values
        weight = self._adapted_variable
        with lending.autocast(None):
            merged = self._adapted_value().astype(weight.dtype)
        return [merged if value is weight else value for value in values]

    def _set_beside(self, variable: Variable) -> list[tuple[Variable, ArrayLike]]:
        """A weight from a file has its update in it. One adapter that is zero makes the update
        zero; both, as Keras has it, could not be trained any more.
        """
        if not self.lora_enabled or variable is not self._adapted_variable:
            return []
        b = self._adapters[1]
        return [(b, jnp.zeros(b._meta.shape, b._meta.dtype))]


def _not_built(layer: LowRankAdaptable, name: str) -> AttributeError:
    return AttributeError(
        f"You must build the layer before accessing `{name}`. Received: {layer!r}"
    )


def checked_rank(owner: Any, rank: int) -> int:
    """The rank as an int. Raises where it is none.

    Args:
        owner: the layer or model, for the message.
        rank: what the user gave.
    """
    if not arguments.is_int(rank) or rank < 1:
        raise UserInputError(
            f"{type(owner).__name__} '{owner.name}': the rank of adapters must be a positive "
            f"integer. Received: {rank!r}"
        )
    return int(rank)


def _checked(layer: Any, rank: int, alpha: float | None) -> tuple[int, float]:
    """Rank and alpha, if they are such."""
    rank = checked_rank(layer, rank)
    if alpha is None:
        return rank, rank
    is_number = isinstance(alpha, (int, float)) or getattr(alpha, "shape", None) == ()
    if isinstance(alpha, bool) or not is_number or not math.isfinite(alpha) or alpha == 0:
        raise UserInputError(
            f"{type(layer).__name__} '{layer.name}': `lora_alpha` must be a number other than "
            f"zero, such as {2 * rank}. Received: lora_alpha={alpha!r}"
        )
    return rank, alpha if isinstance(alpha, (int, float)) else float(alpha)
