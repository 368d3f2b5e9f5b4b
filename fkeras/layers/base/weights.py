"""`Weights`: the part of a layer that answers what belongs to it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from flax import nnx

from fkeras.core import tracebacks
from fkeras.core.values import stacking, stand_ins
from fkeras.core.values.trainable_scope import is_trainable
from fkeras.core.values.variable import Variable
from fkeras.core.values.variable_info import info_of
from fkeras.core.warn_once import warn_user
from fkeras.errors import NotBuiltError, UserInputError
from fkeras.layers.base import tracking

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fkeras.layers.base.layer import Layer
    from fkeras.types import ArrayLike


class Weights:
    """Variables, weights and sub-layers of a layer, found by `tracking`."""

    def _structure(self) -> tracking.Structure:
        return tracking.structure_of(self)

    @property
    def variables(self) -> list[Variable]:
        """All Variables: weights and the state of seed generators. Those of metrics are in
        `metrics_variables`.
        """
        return list(self._structure().ordered)

    @property
    def weights(self) -> list[Variable]:
        """The Variables that make up the layer: own first, then those of sub-layers, in the order
        in which they were made.

        Passing states (of a `stateful` RNN) are in `variables` and in what `init` returns, but not
        here and not in files. What `variables` has as the stack of a `Repeat` is here the weights
        of its blocks, one by one.
        """
        return [v for _, v in self._structure().separate if info_of(v).kind == "weight"]

    @property
    def trainable_variables(self) -> list[Variable]:
        """Variables that training changes. Empty where `trainable` is False."""
        return [v for v in self.variables if _is_trainable(v)] if self.trainable else []

    @property
    def non_trainable_variables(self) -> list[Variable]:
        """All Variables that training does not change, with the state of seed generators."""
        if not self.trainable:
            return self.variables
        return [v for v in self.variables if not _is_trainable(v)]

    @property
    def trainable_weights(self) -> list[Variable]:
        """Those of `weights` that training changes. Empty where `trainable` is False."""
        return [v for v in self.weights if _is_trainable(v)] if self.trainable else []

    @trainable_weights.setter
    def trainable_weights(self, value: list[Variable]) -> None:
        warn_user(
            f"Layer '{self.name}': `trainable_weights` was assigned, as in Keras 1. Weights count "
            "by themselves where they are kept as attributes; `add_weight` makes them."
        )
        self.listed_weights = list(value)

    @property
    def non_trainable_weights(self) -> list[Variable]:
        """Those of `weights` that training does not change."""
        if not self.trainable:
            return self.weights
        return [v for v in self.weights if not _is_trainable(v)]

    @property
    def metrics(self) -> list[Any]:  # not of Metric: overrides return lists of their own kinds
        """Metric objects kept by this layer and its sub-layers."""
        return list(self._structure().metrics)

    @property
    def metrics_variables(self) -> list[Variable]:
        """The Variables of `metrics`."""
        return [variable for metric in self.metrics for variable in metric.variables]

    def _flatten_layers(self, include_self: bool = True, recursive: bool = True) -> list[Layer]:
        layers = [self] if include_self else []
        if recursive:
            return layers + [layer for _, layer in self._structure().layers]
        children = tracking.direct_children(self)
        return layers + [child for _, child in children if isinstance(child, Weights)]

    @property
    def _layers(self) -> list[Layer]:
        """Sub-layers that the layer holds itself, under Keras's name."""
        return self._flatten_layers(include_self=False, recursive=False)

    def get_weights(self) -> list[np.ndarray]:
        """The values of `weights` as a list of NumPy arrays. During a `fit`, in another thread too,
        all are of one step.
        """
        weights = self.weights
        with stand_ins.held_still(map(stacking.stack_of, weights)):
            return [_to_numpy(variable) for variable in weights]

    @tracebacks.filtered
    def set_weights(self, weights: Sequence[ArrayLike]) -> None:
        """Sets the values of `weights` from a list of arrays in the same order. All are checked
        before any is set.

        Raises:
            UserInputError: another number of arrays, or one of another shape.
        """
        own = self.weights
        if len(own) != len(weights):
            raise UserInputError(
                f"You called `set_weights(weights)` on layer '{self.name}' with a weight list of "
                f"length {len(weights)}, but the layer was expecting {len(own)} weights."
            )
        for variable, value in zip(own, weights):
            if tuple(np.shape(value)) != tuple(variable.shape):
                raise UserInputError(
                    f"Layer {self.name} weight shape {tuple(variable.shape)} is not compatible "
                    f"with provided weight shape {tuple(np.shape(value))} (weight {variable.path})."
                )
        stacking.assign_all(zip(own, weights))

    def count_params(self) -> int:
        """Number of scalars in `weights`.

        Raises:
            NotBuiltError: (a ValueError) before the layer is built.
        """
        if not self.built:
            raise NotBuiltError(
                f"You tried to call `count_params` on layer '{self.name}', but the layer isn't "
                "built. You can build it manually via: `layer.build(input_shape)`."
            )
        return sum(int(np.prod(v.shape, dtype=np.int64)) for v in self.weights)


def _is_trainable(variable: nnx.Variable) -> bool:
    return isinstance(variable, nnx.Param) and is_trainable(info_of(variable))


def _to_numpy(variable: nnx.Variable) -> np.ndarray:
    """A Variable's value on the host; `get_value` for one of a foreign module."""
    if isinstance(variable, Variable):
        return variable.numpy()
    return np.asarray(variable.get_value())
