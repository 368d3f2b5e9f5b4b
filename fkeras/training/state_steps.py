"""Pure steps on a `TrainState`: training, evaluation, prediction, and what its metrics say.

A state's metrics run on from their last reset; the logs of a step are of its batch alone. Both come
from one run of the step, in which metrics, and nothing else, have two values: those that run on and
those of a fresh start. `vmap` over these two leaves all that does not depend on them as it is, so
that weights are computed once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import jax
import jax.numpy as jnp
from flax.traverse_util import unflatten_dict

from fkeras.core.values import lending
from fkeras.layers.base.variables_tree import in_structure_of
from fkeras.training import steps
from fkeras.training.state import check_state

if TYPE_CHECKING:
    from collections.abc import Callable

    from fkeras.training.compiled import Compiled
    from fkeras.training.state import TrainState
    from fkeras.training.trainable import Logs, Trainable, Values
    from fkeras.training.variable_groups import VariableGroups
    from fkeras.types import Nested, Tensor

    # (logs, values of the groups that a step returns)
    Results: TypeAlias = tuple[Logs, tuple[Values, ...]]


def train(
    model: Trainable, compiled: Compiled, groups: VariableGroups, state: TrainState, batch: Any
) -> tuple[TrainState, Logs]:
    """One training step: (new state, logs of the batch)."""
    check_state(state, "step")
    *others, metrics = groups.to_groups(state, model.optimizer)
    key, step = state.key, state.step

    def run(metrics: Values) -> Results:
        return steps.run_train(model, groups, (*others, metrics), key, step, batch)

    def run_ours(track: Callable) -> Results:
        with steps.traced_training(model, groups, key, step):
            return steps.train_step(model, compiled, (*others, metrics), batch, track)

    tracks_last = _tracks_last(compiled, groups, "train_step")
    logs, after = _run_twofold(groups, metrics, run, run_ours if tracks_last else None)
    new = groups.to_state(after, model.optimizer, step + 1, key)
    return _in_structure_of(state, new), logs


def test(
    model: Trainable, compiled: Compiled, groups: VariableGroups, state: TrainState, batch: Any
) -> tuple[TrainState, Logs]:
    """One evaluation step: (state with the batch counted in its metrics, logs of the batch)."""
    check_state(state, "test")
    weights, metrics = groups.to_weights(state), groups.to_metrics(state)
    key, step = state.key, state.step

    def run(metrics: Values) -> Results:
        return steps.run_test(model, groups, (*weights, metrics), key, step, batch)

    def run_ours(track: Callable) -> Results:
        with steps.traced_evaluation(model, groups, key, step):
            return steps.test_step(model, compiled, (*weights, metrics), batch, track)

    tracks_last = _tracks_last(compiled, groups, "test_step")
    logs, (trainable, non_trainable, metrics) = _run_twofold(
        groups, metrics, run, run_ours if tracks_last else None
    )
    new = groups.to_state((trainable, non_trainable, [], metrics), None, step, key)
    return _in_structure_of(state, new.replace(opt_state=state.opt_state)), logs


def predict(model: Trainable, groups: VariableGroups, state: TrainState, x: Any) -> Nested[Tensor]:
    """The outputs of one batch, in inference mode."""
    trainable, others = groups.to_weights(state)
    if groups.kept_metrics:  # which `call` may read
        value_of = {id(v): value for v, value in zip(groups.metrics, groups.to_metrics(state))}
        others += [value_of[id(variable)] for variable in groups.kept_metrics]
    outputs, _ = steps.run_predict(model, groups, (trainable, others), state.key, state.step, (x,))
    return outputs


def reset_metrics(groups: VariableGroups, state: TrainState) -> TrainState:
    """The state with its metrics at their start, also where it had no values of them yet."""
    check_state(state, "reset_metrics")
    fresh = unflatten_dict(dict(zip(groups.metric_names(), groups.fresh_metrics())))
    return state.replace(metrics=in_structure_of(state.metrics, fresh))


def running_logs(model: Trainable, groups: VariableGroups, state: TrainState) -> Logs:
    """What the metrics say of all batches since their last reset."""
    check_state(state, "running_logs")
    logs, _ = lending.call(model.get_metrics_result, groups.metrics, groups.to_metrics(state))
    return logs


def _tracks_last(compiled: Compiled, groups: VariableGroups, step: str) -> bool:
    """Whether metrics are touched by nothing but the last part of fkeras's own step."""
    users = compiled.overridden & {step, "compute_loss"}
    in_loss = [] if compiled.loss is None else compiled.loss.metrics
    return not (users or in_loss or groups.structure.metrics or groups.unlisted)


def _run_twofold(
    groups: VariableGroups,
    metrics: Values,
    run: Callable[[Values], Results],
    run_ours: Callable[[Callable], Results] | None,
) -> Results:
    """(logs of a fresh start, values with the metrics that run on).

    Args:
        groups: of the model.
        metrics: values that run on.
        run: the model's step as a function of metrics. All of it is traced for both values.
        run_ours: None, or fkeras's own step with another `track_metrics`: that part alone is.
    """
    if not metrics:
        return run(metrics)
    both = [
        jnp.stack([running, jnp.asarray(fresh, jnp.result_type(running))])
        for running, fresh in zip(metrics, groups.fresh_metrics(metrics), strict=True)
    ]
    if run_ours is None:
        logs, values = jax.vmap(run)(both)
        return _second(logs), _first(values)

    def track(model: Trainable, compiled: Compiled, _: Values, *seen: Any) -> tuple[Logs, Values]:
        return jax.vmap(lambda values: steps.track_metrics(model, compiled, values, *seen))(both)

    logs, (*others, tracked) = run_ours(track)
    return _second(logs), (*others, _first(tracked))


def _first(tree: Any) -> Any:
    return jax.tree.map(lambda x: x[0], tree)


def _second(tree: Any) -> Any:
    return jax.tree.map(lambda x: x[1], tree)


def _in_structure_of(received: TrainState, new: TrainState) -> TrainState:
    """The new state in the kinds of mappings that came, so that a scan may carry it."""
    return new.replace(
        **{
            name: in_structure_of(getattr(received, name), getattr(new, name))
            for name in ("params", "state", "metrics")
        }
    )
