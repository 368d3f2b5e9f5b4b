"""An optimizer's Variables to and from lists and files."""

from __future__ import annotations

from collections.abc import Iterable, MutableMapping, Sequence
from typing import TYPE_CHECKING, Any

import jax.numpy as jnp

from fkeras.core.warn_once import warn_user
from fkeras.errors import NotBuiltError, UserInputError
from fkeras.optimizers.learning_rate import RatedOptimizer

if TYPE_CHECKING:
    from flax import nnx

    from fkeras.types import ArrayLike


class SavableOptimizer(RatedOptimizer):
    """`set_weights`, and what files of weights call."""

    def build(self, variables: Iterable[nnx.Variable]) -> None:
        super().build(variables)
        awaited, self.__dict__["_awaited"] = self._awaited, []
        if awaited:
            self.set_weights(awaited)

    def await_weights(self, weights: Sequence[ArrayLike]) -> None:
        """Sets those of `variables` that are there now, and all of them when it is built.

        Args:
            weights: values, in the order of `variables`.
        """
        for variable, value in zip(self.variables, weights):
            variable.assign(value)
        self.__dict__["_awaited"] = list(weights)

    def set_weights(self, weights: Sequence[ArrayLike]) -> None:
        """Sets all of `variables`.

        Args:
            weights: values, in the order of `variables`.

        Raises:
            NotBuiltError: before `build`.
            UserInputError: another number of values, or other shapes. Nothing is set then.
        """
        if not self.built:
            raise NotBuiltError(
                "You are calling `set_weights()` on an optimizer that has not yet been built. "
                "Please call `optimizer.build(trainable_variables)` to create the optimizer "
                "weights before calling `set_weights()`."
            )
        own = self.variables
        if len(own) != len(weights):
            raise UserInputError(
                f"{self.name}: `set_weights` received {len(weights)} values for {len(own)} "
                "variables."
            )
        for variable, value in zip(own, weights):
            shape = tuple(jnp.shape(getattr(value, "value", value)))
            if tuple(variable.shape) != shape:
                raise UserInputError(
                    f"Optimizer variable {variable.path!r} has shape {tuple(variable.shape)} not "
                    f"compatible with provided weight shape {shape}."
                )
        for variable, value in zip(own, weights):
            variable.assign(value)

    def save_own_variables(self, store: MutableMapping[str, Any]) -> None:
        """Puts the values of `variables` into a dict-like store, under `'0'`, `'1'`, ..."""
        for i, variable in enumerate(self.variables):
            store[str(i)] = variable.numpy()

    def load_own_variables(self, store: MutableMapping[str, Any]) -> None:
        """Sets `variables` from a store; warns and leaves them when their number differs."""
        own = self.variables
        if len(store.keys()) != len(own):
            hint = " This is likely because the optimizer has not been called/built yet."
            warn_user(
                f"Skipping variable loading for optimizer '{self.name}', because it has {len(own)} "
                f"variables whereas the saved optimizer has {len(store.keys())} variables."
                + ("" if own else hint)
            )
            return
        for i, variable in enumerate(own):
            variable.assign(store[str(i)])
