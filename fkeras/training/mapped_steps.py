"""Training steps in the manner of `jax.pmap`: each device runs the whole step on its rows, and
gradients, loss and metrics meet in a mean or a sum.

The usual way, one program for all rows that the compiler cuts, is the same for every model. This
one is so only where rows do not meet; what would give other numbers is refused before the first
step.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
from jax.sharding import PartitionSpec

from fkeras import layers
from fkeras.core import placement
from fkeras.core.config import registry
from fkeras.core.values import lending
from fkeras.core.values.variable_info import info_of
from fkeras.errors import UserInputError
from fkeras.training import fused_loops, steps

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fkeras.core.placement import Distribution
    from fkeras.training.compiled import Compiled
    from fkeras.training.trainable import Logs, Trainable
    from fkeras.training.variable_groups import GroupValues, VariableGroups


def run_train(
    distribution: Distribution,
    model: Trainable,
    groups: VariableGroups,
    values: GroupValues,
    key: jax.Array,
    step: jax.Array,
    batch: Any,
) -> tuple[Logs, GroupValues]:
    """One training step, mapped over the devices: (logs, values).

    Args:
        distribution: rows are dealt out over its batch axis.
        model: checked by `check_mappable`. groups: its Variables by role.
        values, key, step: as for `steps.run_train`.
        batch: as many rows for each device.
    """
    axis = distribution.batch_axis

    def body(values: GroupValues, batch: Any) -> GroupValues:
        own_key = jax.random.fold_in(key, jax.lax.axis_index(axis))
        with placement.mapped_over(axis):
            _, new = steps.run_train(model, groups, values, own_key, step, batch)
        new = fused_loops.like(new, values)
        _check_unchanged(model, groups, values[1], new[1])
        metrics = [
            before + jax.lax.psum(after - before, axis)
            for before, after in zip(values[3], new[3], strict=True)
        ]
        return new[0], list(values[1]), new[2], metrics

    rows = jax.tree.map(lambda x: PartitionSpec(axis) if jnp.ndim(x) else PartitionSpec(), batch)
    new = jax.shard_map(
        body,
        mesh=distribution.replicated.mesh,
        in_specs=(PartitionSpec(), rows),
        out_specs=PartitionSpec(),
        check_vma=False,  # means and sums are written out, as under `pmap`
    )(values, batch)
    logs, _ = lending.call(model.get_metrics_result, groups.metrics, new[3])
    return logs, new


def check_mappable(model: Trainable, compiled: Compiled) -> None:
    """Whether mapped steps of a model give the numbers of one device.

    Raises:
        UserInputError: what does not, and what to use instead.
    """
    reasons = list(_reasons_against(model, compiled))
    if reasons:
        raise UserInputError(
            f"Model '{model.name}' cannot be trained with `DataParallel(strategy='pmap')`: "
            f"{'; '.join(reasons)}. Its numbers would depend on how rows are dealt out. Use "
            "`DataParallel()`, which computes each batch as a whole."
        )


def _reasons_against(model: Trainable, compiled: Compiled) -> Iterator[str]:
    if compiled.overridden:
        yield f"it overrides {', '.join(sorted(compiled.overridden))}"
    for layer in model._flatten_layers():
        if isinstance(layer, layers.BatchNormalization):
            yield f"layer '{layer.name}' takes statistics of the whole batch"
        if getattr(layer, "mask_zero", False) or isinstance(layer, layers.Masking):
            yield f"layer '{layer.name}' makes masks, by whose size the loss is divided"
    for term in () if compiled.loss is None else compiled.loss.terms or ():
        reduction = getattr(term.loss, "reduction", None)
        if reduction not in ("sum_over_batch_size", "mean"):
            yield f"the loss {term.loss!r} reduces by {reduction!r}, which is no mean over rows"
    for metric in (m for group in model.metrics for m in (group, *getattr(group, "metrics", ()))):
        if not registry.is_builtin(type(metric)) and not hasattr(metric, "metrics"):
            yield f"the metric '{metric.name}' is not known to add up"


def _check_unchanged(
    model: Trainable, groups: VariableGroups, before: list[Any], after: list[Any]
) -> None:
    changed = [
        variable.path
        for variable, old, new in zip(groups.non_trainable, before, after)
        if new is not old and info_of(variable).kind == "weight"
    ]
    if changed:
        raise UserInputError(
            f"Model '{model.name}' writes the state {changed} while it is trained, which "
            "`DataParallel(strategy='pmap')` cannot bring together. Use `DataParallel()`."
        )
