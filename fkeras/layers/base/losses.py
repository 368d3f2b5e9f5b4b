"""`AddedLosses`: the part of a layer that collects what it adds to the loss."""

from __future__ import annotations

from typing import TYPE_CHECKING

import jax.numpy as jnp

from fkeras.core.nested import flatten
from fkeras.errors import UserInputError
from fkeras.layers.base import context as contexts
from fkeras.layers.base import signature

if TYPE_CHECKING:
    from collections.abc import Callable

    import jax

    from fkeras.types import ArrayLike, Nested, Tensor


class AddedLosses:
    """Scalars that `call`, activity regularizers and weight regularizers add to the loss."""

    def add_loss(self, loss: Nested[ArrayLike | Callable[[], ArrayLike]]) -> None:
        """Adds a scalar (or several) to the loss of the model; for use inside `call`.

        Args:
            loss: scalars, or functions without arguments that return scalars.

        Raises:
            UserInputError: a value is not a scalar.
        """
        for value in flatten(loss):
            value = value() if callable(value) and not signature.is_tensor(value) else value
            if jnp.ndim(value) != 0:
                raise UserInputError(
                    f"`add_loss()` in layer '{self.name}' can only be called with scalars. "
                    f"Received shape {jnp.shape(value)}: reduce it first, for example with "
                    "`fkeras.ops.mean`."
                )
            context = contexts.current()
            if context is not None and context.losses is not None:
                context.losses.append((self, value))
            else:
                self._info.losses.append(value)

    @property
    def losses(self) -> list[Tensor]:
        """One scalar for each `add_loss` of the last call, each activity regularizer and each
        weight regularizer.
        """
        context = contexts.current()
        family = self._flatten_layers()
        if context is not None and context.losses is not None:
            ids = {id(layer) for layer in family}
            added = [value for layer, value in context.losses if id(layer) in ids]
        else:
            added = [value for layer in family for value in layer._info.losses]
        return [*added, *self._get_regularization_losses()]

    def _get_regularization_losses(self) -> list[jax.Array]:
        return [
            variable.regularizer(variable.value)
            for variable in self.trainable_weights
            if getattr(variable, "regularizer", None) is not None
        ]

    def _add_activity_losses(self, outputs: Nested[jax.Array]) -> None:
        """The activity regularizer's value for each output, per example: of the same strength for
        any batch size.
        """
        for output in flatten(outputs):
            value = self._info.activity_regularizer(output)
            self.add_loss(value / max(output.shape[0], 1) if output.ndim else value)
