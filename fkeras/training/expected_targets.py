"""What a compiled model's losses and metrics are about, before any data has been seen.

Losses say what targets they expect. From these and the shapes of the outputs follows which metric
'accuracy' means, so that a built model has a complete state right after `compile`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import jax

from fkeras.core.nested import flatten, map_structure
from fkeras.errors import UserInputError
from fkeras.losses.expectation import expectation_of
from fkeras.training import first_batch
from fkeras.training.compiled_loss import BY_SHAPE as LOSSES_BY_SHAPE
from fkeras.training.compiled_metrics import BY_SHAPE as METRICS_BY_SHAPE

if TYPE_CHECKING:
    from collections.abc import Collection

    from fkeras.training.compiled import Compiled
    from fkeras.training.compiled_loss import CompiledLoss
    from fkeras.training.trainable import Trainable
    from fkeras.types import Nested


def resolve(model: Trainable, compiled: Compiled) -> bool:
    """Finds out which loss and metric belongs to which output, where targets need not be seen.

    Args:
        model: a built, compiled model.
        compiled: what `compile` chose for it.

    Returns:
        Whether all is known now.
    """
    waiting = [
        part for part in (compiled.loss, compiled.metrics) if part is not None and not part.built
    ]
    if not waiting:
        return True
    # A user's own `compute_loss` may hand them anything.
    if "compute_loss" in compiled.overridden or _asks(compiled.loss, LOSSES_BY_SHAPE):
        return False
    outputs = _output_specs(model, compiled)
    if outputs is None:
        return False
    if compiled.loss is not None and not compiled.loss.built:
        compiled.loss.build(outputs, outputs)  # no loss by name depends on the targets' shapes
    if compiled.metrics is None or compiled.metrics.built:
        return True
    targets = _targets(compiled.loss, outputs)
    if None in targets:
        if _asks(compiled.metrics, METRICS_BY_SHAPE):
            return False
        pairs = zip(targets, flatten(outputs))
        targets = [output if target is None else target for target, output in pairs]
    compiled.metrics.build(targets if len(targets) > 1 else targets[0], outputs)
    return True


def _asks(part: Any, names: Collection[str]) -> bool:
    """Whether a choice is one of those that shapes decide on."""
    choices = [] if part is None else [*flatten(part.argument)]
    choices += flatten(getattr(part, "weighted_argument", None))
    return any(isinstance(choice, str) and choice.lower() in names for choice in choices)


def _output_specs(model: Trainable, compiled: Compiled) -> Nested[jax.ShapeDtypeStruct] | None:
    """Shapes of the outputs with batches of one; None where they are not known."""
    try:
        return map_structure(_struct, model.output)
    except (AttributeError, UserInputError):  # no graph of layers
        shape = (model.get_build_config() or {}).get("input_shape")
    if not isinstance(shape, (tuple, list)) or not all(d is None or type(d) is int for d in shape):
        return None
    inputs = jax.ShapeDtypeStruct([1 if d is None else d for d in shape], "float32")
    return first_batch.output_specs(model, compiled, inputs)[0]


def _struct(tensor: Any) -> jax.ShapeDtypeStruct:
    return jax.ShapeDtypeStruct([1 if d is None else d for d in tensor.shape], tensor.dtype)


def _targets(
    loss: CompiledLoss | None, outputs: Nested[jax.ShapeDtypeStruct]
) -> list[jax.ShapeDtypeStruct | None]:
    """For each output the targets that its loss expects; None where it does not say."""
    targets: list[jax.ShapeDtypeStruct | None] = [None] * len(flatten(outputs))
    for term in [] if loss is None else loss.terms or []:
        output = flatten(outputs)[term.output]
        expectation = expectation_of(term.loss)
        if expectation is None or expectation.targets == "label_sequences":
            continue
        targets[term.output] = output
        if expectation.targets == "class_ids":
            targets[term.output] = jax.ShapeDtypeStruct(output.shape[:-1], "int32")
    return targets
