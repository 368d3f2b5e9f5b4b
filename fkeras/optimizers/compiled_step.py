"""The compiled step behind `apply` on plain values."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import jax

from fkeras.constraints import Constraint
from fkeras.core.config import registry
from fkeras.core.values.variable import Variable
from fkeras.errors import UserInputError
from fkeras.optimizers.schedules.schedule import LearningRateSchedule
from fkeras.optimizers.state import OptimizerState

if TYPE_CHECKING:
    from fkeras.optimizers.parameter_info import ParameterInfo
    from fkeras.optimizers.stateful import StatefulOptimizer
    from fkeras.types import ArrayLike

Stepped: TypeAlias = tuple[list[jax.Array], OptimizerState]


class CompiledStep(NamedTuple):
    """A jitted step, and all that it holds as constants."""

    constants: tuple[str, str]
    run: Callable[..., Stepped]


def run_step(
    optimizer: StatefulOptimizer,
    grads: Sequence[ArrayLike | None],
    params: Sequence[jax.Array],
    state: OptimizerState,
    arguments: Mapping[str, Any],
) -> Stepped:
    """One step: compiled where all is plain values and only fkeras's own code takes part.

    Args:
        optimizer: of the step.
        grads, params, state: of the step.
        arguments: what an Optax transformation asks for; functions may be among them.
    """
    if arguments and not optimizer.takes_loss:
        raise UserInputError(
            f"{optimizer!r} takes gradients and variables only. Received: {sorted(arguments)}"
        )
    infos = optimizer.parameter_infos_of(optimizer.bound_variables)
    leaves = jax.tree.leaves((grads, params, state))
    is_traced = any(isinstance(leaf, jax.core.Tracer) for leaf in leaves)
    if arguments or is_traced or not optimizer._can_compile(infos):
        return optimizer._step(grads, params, state, infos, **arguments)
    # All that the program will hold as constants. When one changes, it is made again.
    constants = repr([_constants_of(info) for info in infos]), optimizer._constants()
    compiled = optimizer._compiled_step
    if compiled is None or compiled.constants != constants:
        # One program at a time: constants change seldom, and old ones are not wanted again.
        run = jax.jit(lambda g, p, s: optimizer._step(g, p, s, infos))
        compiled = CompiledStep(constants, run)
        object.__setattr__(optimizer, "_compiled_step", compiled)
    return compiled.run(grads, params, state)


def _constants_of(info: ParameterInfo) -> tuple:
    """All of a parameter that a compiled step depends on. Plain values, whose `repr` says all."""
    constraint, constants = info.constraint, None
    if isinstance(constraint, Constraint):
        # With its config, since its attributes may be assigned.
        constants = id(constraint), type(constraint).__name__, constraint.get_config()
    plain = info.path, info.shape, info.blocks, info.dtype, info.overwrite, info.decays
    return *plain, constants


def has_only_builtin_parts(optimizer: StatefulOptimizer, infos: Sequence[ParameterInfo]) -> bool:
    """Whether no code of the program takes part in a step, which might read what changes."""
    rate = optimizer._learning_rate
    return (
        registry.is_builtin(type(optimizer))
        and (isinstance(rate, Variable) or registry.is_builtin(type(rate)))
        and has_only_builtin_constraints(infos)
    )


def has_only_builtin_constraints(infos: Sequence[ParameterInfo]) -> bool:
    """The same for the constraints alone."""
    return all(
        info.constraint is None or registry.is_builtin(type(info.constraint)) for info in infos
    )


def constants_of_optimizer(optimizer: StatefulOptimizer) -> str:
    """All of an optimizer that a compiled step holds as constants."""
    public = {
        name: value
        for name, value in vars(optimizer).items()
        if not name.startswith("_") and not isinstance(value, (Variable, list))
    }
    rate = optimizer._learning_rate
    return repr((public, rate.get_config() if isinstance(rate, LearningRateSchedule) else None))
