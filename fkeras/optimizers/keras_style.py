"""Optimizers that a program writes as for Keras.

`build` makes Variables, `update_step(gradient, variable, learning_rate)` assigns. Their pure form
lends values to those Variables for the length of a step.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import jax

from fkeras.core.values import lending
from fkeras.core.values.variable import Variable
from fkeras.errors import UserInputError
from fkeras.optimizers.arithmetic import at_least_float32
from fkeras.optimizers.update_step import decayed

if TYPE_CHECKING:
    from fkeras.optimizers.optimizer import Optimizer
    from fkeras.optimizers.parameter_info import ParameterInfo
    from fkeras.optimizers.state import OptimizerState
    from fkeras.optimizers.update_step import Gradients


def is_keras_style(cls: type, base: type) -> bool:
    """Whether the rule of a class is an `update_step` on Variables, not a `leaf_step` on values.

    Args:
        cls: a class of optimizers. The one of the two that is defined last counts.
        base: `Optimizer`, which defines both.
    """
    for part in cls.__mro__:
        if part is base:
            return False
        if "update_step" in part.__dict__:
            return True
        if "leaf_step" in part.__dict__:
            return False
    return False


def apply_update_steps(
    optimizer: Optimizer,
    grads: Gradients,
    params: Sequence[jax.Array],
    state: OptimizerState,
    infos: Sequence[ParameterInfo],
    learning_rate: jax.Array,
) -> tuple[list[jax.Array], OptimizerState]:
    """`optimizer.update_step` for each gradient (by index), as a function of values."""
    check_built_for(optimizer, infos)
    params = list(params)
    for i in grads:
        param = decayed(optimizer, at_least_float32(params[i]), infos[i], learning_rate)
        params[i] = param.astype(params[i].dtype)
    trained, own = optimizer.bound_variables, optimizer.variables

    def steps() -> None:
        for i, gradient in grads.items():
            if infos[i].blocks:
                _update_blocks(optimizer, gradient, trained[i], own, learning_rate, infos[i])
            else:
                optimizer.update_step(gradient, trained[i], learning_rate)

    _, after = lending.call(
        steps,
        trained + own,
        params + optimizer._values_of_state(state),
        caller=f"{type(optimizer).__name__}.update_step",
    )
    return after[: len(trained)], optimizer._state_from_values(after[len(trained) :])


def _update_blocks(
    optimizer: Optimizer,
    gradient: jax.Array,
    variable: Variable,
    own: Sequence[Variable],
    learning_rate: jax.Array,
    info: ParameterInfo,
) -> None:
    """`update_step` for each block of a stack by itself: within it, the parameter and what is kept
    of its kind read as those of one block.
    """
    # What `add_variable_from_reference` made for a stack is one too.
    stacks = [variable, *(v for v in own if v._meta.blocks == info.blocks)]
    values = [v.value for v in stacks]

    def one_block(gradient: jax.Array, values: list[jax.Array]) -> list[jax.Array]:
        def step() -> None:
            optimizer.update_step(gradient, variable, learning_rate)

        return lending.call(step, stacks, values)[1]

    after = info.over_blocks(one_block)(gradient, values)
    for stacked, value in zip(stacks, after):
        stacked.assign(value)


def check_built_for(optimizer: Optimizer, infos: Sequence[ParameterInfo]) -> None:
    """Raises when the optimizer's Variables are for other parameters than these."""
    expected = [tuple(variable.shape) for variable in optimizer.bound_variables]
    received = [info.shape for info in infos]
    if expected != received:
        raise UserInputError(
            f"{type(optimizer).__name__} {optimizer.name!r} was built for parameters of shapes "
            f"{expected}, and was given {received}. Make a new optimizer for these."
        )


def build_for(
    optimizer: Optimizer, params: Sequence[jax.Array], infos: Sequence[ParameterInfo]
) -> None:
    """Builds on stand-ins for plain arrays, so that `build` has Variables to look at."""
    if any(isinstance(param, (jax.core.Tracer, jax.ShapeDtypeStruct)) for param in params):
        raise UserInputError(
            f"{type(optimizer).__name__} makes its state in `build(variables)`, which needs "
            "values. Call `optimizer.build(variables)` or `optimizer.init(params)` once outside "
            "of jit."
        )
    optimizer.build(
        [
            Variable(param, name=info.path.replace("/", "_") or "param")
            for param, info in zip(params, infos)
        ]
    )
