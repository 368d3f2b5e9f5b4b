"""`ModelSharding`: a compiled model's values and batches on the devices of a distribution."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import jax

from fkeras.core import placement
from fkeras.core.values.variable import settle
from fkeras.core.values.variable_info import info_of
from fkeras.core.warn_once import warn_user
from fkeras.training import agreement

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from flax import nnx
    from jax.sharding import Sharding

    from fkeras.core.placement import Distribution
    from fkeras.layers.base.tracking import Structure
    from fkeras.optimizers import Optimizer
    from fkeras.training.variable_groups import VariableGroups
    from fkeras.types import PyTree


def shardings_of(
    groups: VariableGroups, distribution: Distribution, optimizer: Optimizer | None
) -> tuple[list[Sharding], ...]:
    """Where the values of a model's Variables lie, in the order of `groups.groups()`.

    What an optimizer keeps for a weight lies where the weight does; what else it keeps, on all
    devices.

    Raises:
        UserInputError: rules or layouts that do not fit the model.
    """
    _adopt(groups.structure, distribution)
    of_variable = distribution.variable_sharding
    trainable = [of_variable(v) for v in groups.trainable]
    pairs = [] if optimizer is None else optimizer.weights_of_slots()
    of_slots = {id(slot): of_variable(weight) for slot, weight in pairs}
    return (
        trainable,
        [of_variable(v) for v in groups.non_trainable],
        [of_slots.get(id(slot), distribution.replicated) for slot in groups.optimizer],
        [of_variable(v) for v in groups.metrics],
    )


def settle_weights(structure: Structure, distribution: Distribution) -> None:
    """Gives the weights of a model their places: what is not drawn yet will be drawn there.

    Raises:
        UserInputError: rules or layouts that do not fit the model.
    """
    _adopt(structure, distribution)
    for variable in _weights_of(structure):
        settle(variable, distribution.variable_sharding(variable))


def _adopt(structure: Structure, distribution: Distribution) -> None:
    paths = [layer.path for _, layer in structure.layers]
    distribution.adopt(_weights_of(structure), paths)


def _weights_of(structure: Structure) -> list[nnx.Variable]:
    return [v for _, v in structure.variables if info_of(v).kind == "weight"]


class ModelSharding:
    """Where values and batches of one model lie.

    The model's Variables move to their places when this is made.

    Args:
        groups: the model's Variables by role.
        distribution: over which devices, and how.
        optimizer: the model's, or None.

    Raises:
        UserInputError: rules or layouts that do not fit the model.
    """

    def __init__(
        self, groups: VariableGroups, distribution: Distribution, optimizer: Optimizer | None
    ) -> None:
        self.distribution = distribution
        self._has_warned = False  # of batches too small for the devices
        self._values = shardings_of(groups, distribution, optimizer)
        for variables, shardings in zip(groups.groups(), self._values):
            for variable, sharding in zip(variables, shardings):
                settle(variable, sharding)

    def constrain(
        self, values: Sequence[Sequence[jax.Array]], groups: Sequence[int]
    ) -> tuple[list[jax.Array], ...]:
        """New values of groups of Variables where the old ones lay, inside a trace.

        Args:
            values: lists of values.
            groups: the number of each list's group, in the order of `VariableGroups.groups`.
        """
        return tuple(
            placement.place_all(group, self._values[i]) for group, i in zip(values, groups)
        )

    def constrain_batch(self, batch: PyTree) -> PyTree:
        """A batch inside a trace, its rows dealt out."""
        return placement.constrain_batch(batch, self.distribution)

    def for_host(self, outputs: PyTree) -> PyTree:
        """Outputs as each process can read them, inside a trace."""
        if not agreement.is_needed():
            return outputs
        return jax.tree.map(lambda x: placement.place(x, self.distribution.replicated), outputs)

    def warn_of_small_batches(self, batch_size: int) -> None:
        """Says once that some devices will have nothing to do.

        Args:
            batch_size: rows of a full batch.
        """
        parts = self.distribution.num_model_replicas
        if batch_size < parts and not self._has_warned:
            self._has_warned = True
            warn_user(
                f"Batches of {batch_size} rows leave some of the {parts} devices without work. Use "
                f"`batch_size={parts}` or a multiple of it."
            )

    def fed(self, step: Callable[..., Any]) -> Callable[..., Any]:
        """A compiled step whose last argument is a batch from the host."""

        @functools.wraps(step)
        def run(*arguments: Any) -> Any:
            *others, batch = arguments
            return step(*others, self._place_batch(batch))

        return run

    def _place_batch(self, batch: PyTree) -> PyTree:
        return placement.place_batch(batch, self.distribution)
