"""Whether an optimizer belongs to the model that is to be trained with it."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING

from fkeras.core.warn_once import warn_user
from fkeras.errors import UserInputError
from fkeras.layers.base import tracking
from fkeras.optimizers import OptaxOptimizer

if TYPE_CHECKING:
    from fkeras.core.values.variable import Variable
    from fkeras.layers.base.tracking import Structure
    from fkeras.optimizers import Optimizer
    from fkeras.training.compiled import Compiled
    from fkeras.training.trainable import Trainable


# Optimizer -> the models that were compiled with it.
_models: weakref.WeakKeyDictionary[Optimizer, list[weakref.ref]] = weakref.WeakKeyDictionary()


def own_optimizer(model: Trainable, optimizer: Optimizer | None) -> Optimizer | None:
    """The optimizer that a model is compiled with: the one given, or a copy without state where
    another model was compiled with it that has layers in common and trains other weights.

    So it is with a discriminator and the GAN around it, which scripts of tf.keras 2 compile with
    one object: there, it kept its state for each weight. Models that have nothing in common share
    no optimizer: `check_optimizer` says so.

    Args:
        model: the model that is compiled. optimizer: what `compile` was given.
    """
    if optimizer is None or isinstance(optimizer, OptaxOptimizer):
        return optimizer
    others = [ref() for ref in _models.get(optimizer, ())]
    for other in others:
        if other is None or other is model or not _layers_of(model) & _layers_of(other):
            continue
        if not _trains_the_same(model, other, optimizer):
            warn_user(
                f"The optimizer '{optimizer.name}' was compiled into model '{other.name}' too, "
                f"which has layers in common with model '{model.name}': this one gets a copy, "
                "with a state and a learning rate of its own (`model.optimizer`)."
            )
            return type(optimizer).from_config(optimizer.get_config())
    alive = [weakref.ref(other) for other in others if other is not None and other is not model]
    _models[optimizer] = [*alive, weakref.ref(model)]
    return optimizer


def _trains_the_same(model: Trainable, other: Trainable, optimizer: Optimizer) -> bool:
    """Whether the optimizer's state for another model fits this one as it is."""
    trained = list(optimizer.bound_variables) or other.trainable_variables
    return [id(v) for v in trained] == [id(v) for v in model.trainable_variables]


def _layers_of(model: Trainable) -> set[int]:
    return {id(layer) for _, layer in tracking.structure_of(model).layers}


def check_optimizer(
    model: Trainable, compiled: Compiled, caller: str, structure: Structure
) -> None:
    """Refuses an optimizer that was built for other Variables.

    It keeps moments for the Variables it was built for; others of the same shapes would be trained
    with them silently.

    Args:
        model: a built model.
        compiled: what `compile` chose for it.
        caller: the method that the user called, for the message.
        structure: the model's, as it is now.

    Raises:
        UserInputError: says whose the optimizer is, and what to pass in its place.
    """
    optimizer = compiled.optimizer
    if compiled.owner == (optimizer, structure):
        return
    built_for: list[Variable] = list(optimizer.bound_variables)
    own = {id(v) for v in structure.ordered}
    if "train_step" in compiled.overridden:  # such a step may train some of them
        fits = not built_for or any(id(v) in own for v in built_for)
    else:
        with compiled.flags.applied(model):
            fits = [id(v) for v in built_for] == [id(v) for v in model.trainable_variables]
    if not fits:
        raise UserInputError(_message(model, compiled, caller, built_for, own))
    compiled.owner = (optimizer, structure)


def _message(model, compiled, caller, built_for, own) -> str:
    kind, name = type(compiled.optimizer).__name__, compiled.optimizer.name
    if built_for and not any(id(v) in own for v in built_for):
        paths = ", ".join(v.path for v in built_for[:3]) + (", ..." if len(built_for) > 3 else "")
        reason = f"already belongs to another model's variables ({paths})"
    else:
        with compiled.flags.applied(model):
            count = len(model.trainable_variables)
        reason = (
            f"was built for {len(built_for)} variables; the model now trains {count}, or others: "
            "layers were frozen, unfrozen or replaced since"
        )
    return (
        f"`{caller}`: the optimizer {kind} {name!r} of model '{model.name}' {reason}. What it has "
        "gathered does not fit. Pass a new optimizer to `compile()`, for example "
        f"`{kind}.from_config(optimizer.get_config())`."
    )
