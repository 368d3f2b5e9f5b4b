"""`PureTraining`: a model's training as pure functions of a `TrainState`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import jax.numpy as jnp
from flax.traverse_util import unflatten_dict

from fkeras.core import tracebacks
from fkeras.training import first_batch, steps
from fkeras.training.loan import copy_tree
from fkeras.training.state import TrainState, as_step

if TYPE_CHECKING:
    import jax

    from fkeras.training.compiled import Compiled
    from fkeras.training.trainable import Logs


class PureTraining:
    """`init_state` and `step`, and the way from and to the stateful model."""

    _compiled: Compiled

    @tracebacks.filtered
    def init_state(self, key: jax.Array, batch: Any) -> TrainState:
        """The `TrainState` to begin training with: a pure function of a key.

        Args:
            key: JAX PRNG key. `model.build_key` gives the weights that the facade has.
            batch: one batch `(x, y)`, arrays or `ShapeDtypeStruct`s: only shapes count.

        Examples:
            >>> import fkeras, jax, numpy as np
            >>> model = fkeras.Sequential([fkeras.layers.Dense(1)])
            >>> model.compile("sgd", "mse")
            >>> batch = np.ones((8, 3), "float32"), np.ones((8, 1), "float32")
            >>> state = model.init_state(jax.random.key(0), batch)
            >>> state, logs = jax.jit(model.step)(state, batch)
            >>> int(state.step), sorted(logs)
            (1, ['loss'])
        """
        groups = self._groups_for("init_state", batch)
        variables = self.init(key, *([] if self.built else [steps.unpack(batch)[0]]))
        opt_state = {}
        if self.optimizer is not None:
            opt_state = self.optimizer.init(
                groups.trainable_tree(variables["params"]),
                leaves=groups.unflatten(self.optimizer.leaves_of(groups.trainable)),
            )
        return TrainState(
            step=as_step(0),
            params=variables["params"],
            state=variables["state"],
            opt_state=opt_state,
            metrics=unflatten_dict(dict(zip(groups.metric_names(), groups.fresh_metrics()))),
            key=jnp.copy(key),  # a donated state must not take the caller's key with it
        )

    @tracebacks.filtered
    def step(self, state: TrainState, batch: Any) -> tuple[TrainState, Logs]:
        """One training step on a `TrainState`: `(new state, logs)`, pure. Calls an overridden
        `train_step`.

        Works under `jit` (donate the state), `vmap` (an ensemble), `scan` (many steps), sharding.
        In a hand-written loop it gives the weights that `fit` gives, bit for bit (single steps,
        CPU). A step of a built model writes nothing to the model: threads may trace it at once.

        Args:
            state: from `init_state`, `train_state` or the step before.
            batch: `x`, `(x, y)` or `(x, y, sample_weight)`.
        """
        return steps.step(self, self._groups_for("step", batch), state, batch)

    def train_state(self) -> TrainState:
        """The facade's present state as a `TrainState`, to go on from in a hand-written loop."""
        groups = self._own_groups("train_state")
        values = copy_tree(groups.values())  # so that the state can be donated
        count = as_step(self._compiled.progress.steps)
        return groups.to_state(values, self.optimizer, count, jnp.copy(self.build_key))

    @tracebacks.filtered
    def set_train_state(self, state: TrainState) -> None:
        """Takes the weights, optimizer state, metrics and step of a `TrainState` over into the
        facade.
        """
        groups = self._own_groups("set_train_state")
        # The state may be donated later: the Variables get copies.
        new_values = copy_tree(groups.to_groups(state, self.optimizer))
        for variables, values in zip(groups.groups(), new_values):
            for variable, value in zip(variables, values):
                variable.assign(value)
        self._compiled.progress.steps = int(state.step)

    def _own_groups(self, caller):
        """The model's Variables by role, with the slots that its optimizer will have."""
        self._compiled.require(caller)
        if self.built:
            self._compiled.build_optimizer(self)
        return self._compiled.groups(self)

    def _groups_for(self, caller, batch):
        """The model's Variables by role, built for such batches."""
        self._compiled.require(caller)
        first_batch.prepare(self, self._compiled, batch)
        return self._compiled.groups(self)
