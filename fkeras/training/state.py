"""`TrainState`: all that training changes, as one pytree; and its translation to the four lists of
Keras's step contract.
"""

import dataclasses
import operator
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx

from fkeras.core.values import lending, stand_ins
from fkeras.errors import UserInputError
from fkeras.layers.base import pure, tracking


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class TrainState:
    """Everything that a training step reads and returns.

    A pytree: jit it, donate it, vmap it over an ensemble, scan over it, shard it, save it.

    Attributes:
        step: int32 scalar, steps taken over the model's lifetime.
        params: weights made to be trained, `variables["params"]`.
        state: other weights (moving means and the like), `variables["state"]`.
        opt_state: the optimizer's state, as `optimizer.init(params)` returns it.
        metrics: values of the metrics since the last reset, by metric and variable name.
        key: PRNG key; each step draws from (key, step).
    """

    step: Any
    params: Any
    state: Any
    opt_state: Any
    metrics: Any
    key: Any

    @property
    def variables(self) -> dict:
        """`{"params", "state"}`, as `model.apply` takes them."""
        return {"params": self.params, "state": self.state}

    def replace(self, **changes) -> "TrainState":
        """A copy with some fields replaced."""
        return dataclasses.replace(self, **changes)


class Lists:
    """The four lists of Variables of a compiled model, in Keras's order, with their places in a
    `TrainState`.

    Attributes:
        trainable, rest: Variables that training changes by gradient, and all others (with the state
            of seed generators).
        optimizer, metrics: Variables of the optimizer and of the metrics.
    """

    def __init__(self, model):
        structure = model._structure()
        self.paths = {id(v): path for path, v in structure.variables}
        self.is_param = {id(v): isinstance(v, nnx.Param) for _, v in structure.variables}
        self.structure = structure
        self.trainable = model.trainable_variables
        self.rest = model.non_trainable_variables
        self.optimizer = list(model.optimizer.variables) if model.optimizer is not None else []
        self.metric_objects = model.metrics
        self.metrics = [v for m in self.metric_objects for v in m.variables]
        self.key_paths = pure.paths_of(structure)

    def groups(self):
        return self.trainable, self.rest, self.optimizer, self.metrics

    def values(self) -> tuple:
        """The Variables' present values, in the four groups."""
        return tuple([v.value for v in group] for group in self.groups())

    def weights(self) -> tuple:
        """The present values of (trainable, rest)."""
        value = operator.attrgetter("value") if lending.is_open() else stand_ins.own_value
        return list(map(value, self.trainable)), list(map(value, self.rest))

    # -- TrainState <-> lists --------------------------------------------------

    def flatten(self, tree) -> list:
        """Values of a params-like tree (trainable ones only) in the order of `trainable`."""
        flat = tracking.flat(tree)
        return [flat[self.paths[id(v)]] for v in self.trainable]

    def unflatten(self, values) -> dict:
        """A params-like tree (trainable ones only) from values in the order of `trainable`."""
        return tracking.nest(
            (self.paths[id(v)], x) for v, x in zip(self.trainable, values, strict=True)
        )

    def trainable_tree(self, params) -> dict:
        return self.unflatten(self.flatten(params))

    def metric_names(self):
        """(metric name, variable name) for each metric Variable, each pair once."""
        names, used = [], set()
        for metric in self.metric_objects:
            for variable in metric.variables:
                name, i = metric.name, 1
                while (name, variable.name) in used:
                    name, i = f"{metric.name}_{i}", i + 1
                used.add((name, variable.name))
                names.append((name, variable.name))
        return names

    def to_lists(self, state, optimizer):
        """(trainable, rest, optimizer, metrics) from a TrainState."""
        params, other = tracking.flat(state.params), tracking.flat(state.state)
        trainable = [params[self.paths[id(v)]] for v in self.trainable]
        rest = []
        for v in self.rest:
            path = self.paths.get(id(v))
            if path is None:  # a seed generator's own state: draws are keyed by the call instead
                rest.append(stand_ins.private_value(v))
            else:
                rest.append((params if self.is_param[id(v)] else other)[path])
        metrics = tracking.flat(state.metrics)
        values = optimizer.unpack(state.opt_state, self.flatten) if optimizer is not None else []
        return trainable, rest, list(values), [metrics[name] for name in self.metric_names()]

    def to_state(self, lists, optimizer, step, key) -> TrainState:
        """A TrainState from the four lists."""
        trainable, rest, opt_values, metrics = lists
        placed = [
            (v, x)
            for v, x in (*zip(self.trainable, trainable), *zip(self.rest, rest))
            if id(v) in self.paths
        ]
        return TrainState(
            step=step,
            params=tracking.nest((self.paths[id(v)], x) for v, x in placed if self.is_param[id(v)]),
            state=tracking.nest(
                (self.paths[id(v)], x) for v, x in placed if not self.is_param[id(v)]
            ),
            opt_state=optimizer.pack(list(opt_values), self.unflatten)
            if optimizer is not None
            else {},
            metrics=tracking.nest(zip(self.metric_names(), metrics)),
            key=key,
        )


def zeroed_metrics(lists: Lists) -> list:
    """What the metric Variables are after a reset, without touching them."""
    values = []
    for metric in lists.metric_objects:
        values += list(metric.stateless_reset_state())
    return values


def check_state(state) -> None:
    if not isinstance(state, TrainState):
        raise UserInputError(
            "`step` takes a TrainState first, as `model.init_state(key, batch)` returns it. "
            f"Received: {type(state).__name__}"
        )


def as_step(value):
    return jnp.asarray(value, jnp.int32)
