"""`PureTraining`: a model's training as pure functions of a `TrainState`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
from flax.traverse_util import unflatten_dict

from fkeras import distribution as distribution_module
from fkeras.core import tracebacks
from fkeras.core.randomness import keys
from fkeras.core.randomness.process_generator import RootKey
from fkeras.errors import NotBuiltError, UserInputError
from fkeras.training import expected_targets, first_batch, sharding, state_steps, steps
from fkeras.training.activation_checks import check_last_activations
from fkeras.training.loan import copy_tree
from fkeras.training.state import TrainState, as_step, check_state

if TYPE_CHECKING:
    from fkeras.training.compiled import Compiled
    from fkeras.training.trainable import Logs
    from fkeras.training.variable_groups import VariableGroups
    from fkeras.types import Nested, Tensor


class PureTraining:
    """`init_state`, `step`, `test`, and the way from and to the stateful model. `predict` and
    `reset_metrics` have a pure form too: with a `TrainState` first.
    """

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
        check_last_activations(self, self._compiled)
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

        The logs are of this batch alone, before the update. What `fit` shows, the running values
        since the last reset, is `running_logs(state)`.

        Args:
            state: from `init_state`, `train_state` or the step before.
            batch: `x`, `(x, y)` or `(x, y, sample_weight)`.

        Raises:
            UserInputError: a state of another model, optimizer or metrics.
        """
        groups = self._groups_for("step", batch)
        return state_steps.train(self, self._compiled, groups, state, batch)

    @tracebacks.filtered
    def test(self, state: TrainState, batch: Any) -> tuple[TrainState, Logs]:
        """One evaluation step on a `TrainState`: `(new state, logs)`, pure. Calls an overridden
        `test_step`.

        The logs are of this batch alone. The new state has the batch counted in its metrics, and
        `running_logs` tells what they say of all batches since `reset_metrics`.

        Args:
            state: from `init_state`, `train_state` or a step.
            batch: `x`, `(x, y)` or `(x, y, sample_weight)`.

        Raises:
            UserInputError: a state of another model or other metrics.

        Examples:
            >>> import fkeras, jax, numpy as np
            >>> model = fkeras.Sequential([fkeras.layers.Dense(1, kernel_initializer="zeros")])
            >>> model.compile("sgd", "mse")
            >>> x = np.ones((2, 3), "float32")
            >>> batches = [(x, np.full((2, 1), 1.0)), (x, np.full((2, 1), 3.0))]
            >>> state = model.init_state(jax.random.key(0), batches[0])
            >>> for batch in batches:
            ...     state, logs = model.test(state, batch)
            >>> float(logs["loss"]), float(model.running_logs(state)["loss"])
            (9.0, 5.0)
        """
        groups = self._groups_for("test", batch)
        return state_steps.test(self, self._compiled, groups, state, batch)

    @tracebacks.filtered
    def running_logs(self, state: TrainState) -> Logs:
        """What the metrics of a `TrainState` say of all batches since their last reset, pure.

        Args:
            state: from a step.
        """
        return state_steps.running_logs(self, self._own_groups("running_logs"), state)

    def _predict_purely(self, state: TrainState, x: Any) -> Nested[Tensor]:
        if x is None:
            raise UserInputError("`predict(state, x)`: no inputs were given beside the TrainState.")
        return state_steps.predict(self, self._groups_for("predict", (x,)), state, x)

    def _with_reset_metrics(self, state: TrainState) -> TrainState:
        return state_steps.reset_metrics(self._own_groups("reset_metrics"), state)

    @tracebacks.filtered
    def train_state(self) -> TrainState:
        """The facade's present state as a `TrainState`, to go on from in a hand-written loop.

        The model must be built. Before any data has been seen, the state lacks metrics whose kind
        depends on the targets ('accuracy' with a loss function of one's own): `reset_metrics` adds
        them later.

        Raises:
            UserInputError: the model is not built, or not compiled.
        """
        groups = self._own_groups("train_state")
        values = copy_tree(groups.values())  # so that the state can be donated
        count = as_step(self._compiled.progress.steps)
        return groups.to_state(values, self.optimizer, count, jnp.copy(self.build_key))

    @tracebacks.filtered
    def set_train_state(self, state: TrainState) -> None:
        """Takes all of a `TrainState` over into the facade: weights, optimizer state, metrics, step
        and key. `fit` goes on from it as `step` would.

        Raises:
            UserInputError: a state of another model, optimizer or metrics. Nothing is set then.
        """
        check_state(state, "set_train_state")
        groups = self._own_groups("set_train_state")
        key = RootKey.from_data(jax.random.key_data(keys.typed_key(state.key)))
        steps_taken = int(state.step)
        if not self._knows_metrics():  # those that are to come start anew
            known = {name for name, _ in groups.metric_names()}
            kept = {name: tree for name, tree in state.metrics.items() if name in known}
            state = state.replace(metrics=kept)
        # The state may be donated later: the Variables get copies.
        new_values = copy_tree(groups.to_groups(state, self.optimizer))
        for variables, values in zip(groups.groups(), new_values):
            for variable, value in zip(variables, values):
                variable.assign(value)
        self._compiled.progress.steps = steps_taken
        self._info.root_key = key

    def state_sharding(self, mesh: Any = None) -> TrainState:
        """Where the parts of a `TrainState` lie on many devices: a `TrainState` of JAX shardings,
        for `jax.jit(..., in_shardings=, out_shardings=)` and `jax.device_put`.

        Args:
            mesh: a `jax.sharding.Mesh` or `DeviceMesh` (all of the state on each device), a
                `Distribution`, or None for the one that counts here.

        Raises:
            UserInputError: there is none, or the model is not built and compiled.

        Examples:
            >>> import fkeras, jax, numpy as np
            >>> model = fkeras.Sequential([fkeras.Input((3,)), fkeras.layers.Dense(1)])
            >>> model.compile("adam", "mse")
            >>> mesh = jax.make_mesh((1,), ("batch",))
            >>> sharding = model.state_sharding(mesh)
            >>> batch = np.ones((8, 3), "float32"), np.ones((8, 1), "float32")
            >>> step = jax.jit(model.step, in_shardings=(sharding, None))
            >>> state, logs = step(jax.device_put(model.train_state(), sharding), batch)
            >>> int(state.step)
            1
        """
        chosen = distribution_module.as_distribution(mesh)
        groups = self._own_groups("state_sharding")
        shardings = sharding.shardings_of(groups, chosen, self.optimizer)
        return groups.to_state(shardings, self.optimizer, chosen.replicated, chosen.replicated)

    def _own_groups(self, caller: str) -> VariableGroups:
        """The model's Variables by role, with the slots that its optimizer will have."""
        self._compiled.require(caller)
        if not (self.built and self._compiled.all_built(self)):
            raise NotBuiltError(
                f"`{caller}`: model '{self.name}' is not built, so that it has no weights yet. "
                "Begin with `model.init_state(key, batch)`, or build it: "
                "`model.build((None, 4))` with the shape of your inputs."
            )
        self._compiled.build_optimizer(self)
        self._knows_metrics()
        return self._compiled.groups(self)

    def _knows_metrics(self) -> bool:
        return expected_targets.resolve(self, self._compiled)

    def _groups_for(self, caller: str, batch: Any) -> VariableGroups:
        """The model's Variables by role, built for such batches."""
        if caller != "predict":
            self._compiled.require(caller)
        first_batch.prepare(self, self._compiled, batch, caller)
        return self._compiled.groups(self)
