"""`VariableGroups`: Variables of a compiled model by role, and their places in a `TrainState`."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import jax
import jax.numpy as jnp
from flax import nnx
from flax.traverse_util import flatten_dict, unflatten_dict

from fkeras.core.values import lending, stand_ins
from fkeras.errors import UserInputError
from fkeras.layers.base import pure, tracking, variables_tree
from fkeras.metrics.state_names import names_of_states
from fkeras.training import in_place_steps
from fkeras.training.state import TrainState

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fkeras.core.values.remat import RematScope
    from fkeras.core.values.variable import Variable
    from fkeras.metrics import Metric
    from fkeras.optimizers import Optimizer
    from fkeras.training.trainable import Trainable
    from fkeras.training.trainable_flags import TrainableFlags
    from fkeras.types import PyTree

ALL = TRAINABLE, OTHERS, SLOTS, METRICS = 0, 1, 2, 3  # places in `groups()` and `GroupValues`

# Values of (trainable, non-trainable, optimizer, metric) Variables.
GroupValues: TypeAlias = tuple[list[jax.Array], ...]
# Values of (trainable, non-trainable) Variables.
WeightValues: TypeAlias = tuple[list[jax.Array], list[jax.Array]]

_REMEDY = "`model.init_state(key, batch)` and `model.train_state()` give a state that fits."


class VariableGroups:
    """The four groups of Variables of a compiled model, in Keras's order.

    Args:
        model: a built, compiled model.
        flags: which of its weights are trained.
        unlisted_metrics: metrics of its steps that its `metrics` does not list.
        remat: what a training step computes again in its backward pass; None: nothing.

    Attributes:
        trainable: Variables that training changes by gradient.
        non_trainable: all others of the model, with the state of seed generators.
        optimizer: Variables of the optimizer.
        metrics: Variables of the metrics. metric_objects: the metrics they belong to.
        unlisted: the last of `metrics`: of those that the model's `metrics` does not list.
        kept_metrics: Variables of those metrics that the model and its layers hold.
        structure: of the model, as it was when this was made.
    """

    def __init__(
        self,
        model: Trainable,
        flags: TrainableFlags,
        unlisted_metrics: Sequence[Metric] = (),
        remat: RematScope | None = None,
    ) -> None:
        structure = tracking.structure_of(model)
        self._model = model
        self.structure = structure
        self.flags = flags
        self.remat = remat
        self.paths = {id(v): path for path, v in structure.variables}
        self.is_param = {id(v): isinstance(v, nnx.Param) for _, v in structure.variables}
        with flags.applied(model):
            self.trainable: list[Variable] = model.trainable_variables
            self.non_trainable: list[Variable] = model.non_trainable_variables
        self.optimizer: list[Variable] = in_place_steps.optimizer_variables_of(model)
        self.metric_objects = [*model.metrics, *unlisted_metrics]
        self.metrics: list[Variable] = [v for m in self.metric_objects for v in m.variables]
        self.unlisted: list[Variable] = [v for m in unlisted_metrics for v in m.variables]
        self.kept_metrics: list[Variable] = [v for m in structure.metrics for v in m.variables]
        self.key_paths = pure.paths_of(structure)

    def groups(self) -> tuple[list[Variable], ...]:
        """(trainable, non-trainable, optimizer, metric) Variables."""
        return self.trainable, self.non_trainable, self.optimizer, self.metrics

    def values(self) -> GroupValues:
        """The Variables' present values, in the four groups."""
        if not lending.is_open():  # as in `weights`
            return stand_ins.own_values(self.groups())
        with stand_ins.held_still(v for group in self.groups() for v in group):
            return tuple([v.value for v in group] for group in self.groups())

    def weights(self) -> WeightValues:
        """The present values of (trainable, non-trainable) Variables."""
        if lending.is_open():
            return [v.value for v in self.trainable], [v.value for v in self.non_trainable]
        # One row may be predicted in a hundred microseconds: the way past the scopes is shorter.
        return stand_ins.own_values((self.trainable, self.non_trainable))

    def predict_state(self) -> WeightValues:
        """The same, the metrics that `call` may update behind the non-trainable ones."""
        trainable, non_trainable = self.weights()
        if self.kept_metrics:
            non_trainable += [v.value for v in self.kept_metrics]
        return trainable, non_trainable

    def fresh_metrics(self, values: Sequence[jax.Array] | None = None) -> list[jax.Array]:
        """What the metric Variables are after a reset, without touching them.

        Args:
            values: those before, for metrics of users that reset in a way of their own; None for
                those of the Variables.
        """
        fresh: list[jax.Array] = []
        for metric in self.metric_objects:
            start, count = len(fresh), len(metric.variables)
            before = None if values is None else values[start : start + count]
            fresh += metric.stateless_reset_state(before)
        return fresh

    # -- TrainState <-> groups -------------------------------------------------

    def flatten(self, tree: PyTree) -> list[jax.Array]:
        """Values of a params-like tree (trainable ones only) in the order of `trainable`."""
        flat = flatten_dict(tree)
        return [flat[self.paths[id(v)]] for v in self.trainable]

    def _flatten_slots(self, tree: PyTree) -> list[jax.Array]:
        """The same for what an optimizer keeps for each parameter, of whatever origin."""
        tree = variables_tree.as_dict(tree)
        flat = flatten_dict(tree) if isinstance(tree, dict) else {}
        expected = {self.paths[id(v)] for v in self.trainable}
        if set(flat) != expected:
            missing = ["/".join(path) for path in sorted(expected - set(flat))]
            extra = ["/".join(path) for path in sorted(set(flat) - expected)]
            raise UserInputError(
                f"The optimizer's state is of other parameters than model '{self._model.name}' "
                f"trains. Missing: {missing or 'none'}. Not expected: {extra or 'none'}. "
                f"{_REMEDY}"
            )
        return self.flatten(tree)

    def unflatten(self, values: Sequence[jax.Array]) -> PyTree:
        """A params-like tree (trainable ones only) from values in the order of `trainable`."""
        return unflatten_dict(
            {self.paths[id(v)]: x for v, x in zip(self.trainable, values, strict=True)}
        )

    def trainable_tree(self, params: PyTree) -> PyTree:
        """The trainable part of a tree of params."""
        return self.unflatten(self.flatten(params))

    def metric_names(self) -> list[tuple[str, str]]:
        """(metric name, variable name) for each metric Variable, each pair once."""
        return names_of_states(self.metric_objects)

    def to_groups(self, state: TrainState, optimizer: Optimizer | None) -> GroupValues:
        """(trainable, non-trainable, optimizer, metric) values of a `TrainState`.

        Raises:
            UserInputError: a state of another model, optimizer or metrics: names what is missing,
                surplus or of another shape.
        """
        self._refuse_further_optimizers()
        trainable, non_trainable = self.to_weights(state)
        optimizer_values: list = []
        if optimizer is not None:
            optimizer_values = list(optimizer.unpack(state.opt_state, self._flatten_slots))
        elif state.opt_state:
            raise UserInputError(
                f"Model '{self._model.name}' was compiled without an optimizer; the TrainState has "
                f"an optimizer's state with {sorted(state.opt_state)}. {_REMEDY}"
            )
        return trainable, non_trainable, optimizer_values, self.to_metrics(state)

    def _refuse_further_optimizers(self) -> None:
        further = in_place_steps.further_optimizers(self._model)
        if further:
            raise UserInputError(
                f"A TrainState holds the state of one optimizer; model '{self._model.name}' has "
                f"{[optimizer.name for optimizer in further]} beside its own. `fit` and "
                "`train_on_batch` train it."
            )

    def to_weights(self, state: TrainState) -> WeightValues:
        """The first two of `to_groups`."""
        value_of = self._weights_of(state)
        non_trainable = []
        for variable in self.non_trainable:
            if id(variable) in value_of:
                non_trainable.append(value_of[id(variable)])
            else:  # a seed generator's own state: draws are keyed by the call instead
                non_trainable.append(stand_ins.own_value(variable))
        return [value_of[id(v)] for v in self.trainable], non_trainable

    def _weights_of(self, state: TrainState) -> dict[int, jax.Array]:
        """Values of the model's weights by the ids of their Variables."""
        try:
            trees = variables_tree.groups_of(self._model, state.variables)
            trees = {group: variables_tree.as_dict(tree) for group, tree in trees.items()}
            values = variables_tree.gather(self._model, self.structure, trees)
        except UserInputError as error:
            raise UserInputError(f"The TrainState does not fit the model. {error}") from None
        return {id(v): x for (_, v), x in zip(self.structure.variables, values)}

    def to_metrics(self, state: TrainState) -> list[jax.Array]:
        """The last of `to_groups`."""
        metrics, names = variables_tree.as_dict(state.metrics), self.metric_names()
        values = flatten_dict(metrics) if isinstance(metrics, dict) else {}
        missing = ["/".join(name) for name in names if name not in values]
        if missing:
            raise UserInputError(
                f"The TrainState has no values of the metrics {missing}: it was made before the "
                "model knew its targets. `model.reset_metrics(state)` adds them; "
                "`model.init_state(key, batch)` makes a complete state."
            )
        shapes = zip(names, self.metrics)
        wrong = [
            f"{'/'.join(name)}: expected shape {tuple(variable.shape)}, received "
            f"{jnp.shape(values[name])}"
            for name, variable in shapes
            if jnp.shape(values[name]) != tuple(variable.shape)
        ]
        wrong += [f"{'/'.join(name)}: not expected" for name in values if name not in names]
        if wrong:
            raise UserInputError(
                f"The TrainState's metrics do not fit model '{self._model.name}': "
                f"{'; '.join(wrong)}. {_REMEDY}"
            )
        return [values[name] for name in names]

    def to_state(
        self, values: GroupValues, optimizer: Optimizer | None, step: jax.Array, key: jax.Array
    ) -> TrainState:
        """A `TrainState` from the values of the four groups."""
        self._refuse_further_optimizers()
        trainable, non_trainable, optimizer_values, metrics = values
        weights = [*zip(self.trainable, trainable), *zip(self.non_trainable, non_trainable)]
        params, other = {}, {}
        for variable, value in weights:
            path = self.paths.get(id(variable))
            if path is not None:
                (params if self.is_param[id(variable)] else other)[path] = value
        opt_state = {}
        if optimizer is not None:
            opt_state = optimizer.pack(list(optimizer_values), self.unflatten)
        return TrainState(
            step=step,
            params=unflatten_dict(params),
            state=unflatten_dict(other),
            opt_state=opt_state,
            metrics=unflatten_dict(dict(zip(self.metric_names(), metrics))),
            key=key,
        )
