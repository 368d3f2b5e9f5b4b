"""Optimizers that a program writes as for Keras: `build` makes Variables,
`update_step(gradient, variable, learning_rate)` assigns.

Their pure form lends values to those Variables for the length of a step.
"""

import jax

from fkeras.core.values import lending
from fkeras.core.values.variable import Variable
from fkeras.errors import UserInputError
from fkeras.optimizers.arithmetic import wide
from fkeras.optimizers.leaves import Leaf
from fkeras.optimizers.update_step import decayed


def is_keras_style(cls, base) -> bool:
    """Whether the update rule of a class is an `update_step` on Variables rather than a `leaf_step`
    on values.
    """
    for part in cls.__mro__:
        if part is base:
            return False
        if "update_step" in part.__dict__:
            return True
        if "leaf_step" in part.__dict__:
            return False
    return False


def apply_update_steps(optimizer, grads: dict, params, state, leaves, learning_rate):
    """`optimizer.update_step` for each gradient (by index), as a function of values."""
    check_bound(optimizer, leaves)
    params = list(params)
    for i in grads:
        params[i] = decayed(optimizer, wide(params[i]), leaves[i], learning_rate).astype(
            params[i].dtype
        )
    trained, own = optimizer.bound_variables, optimizer.variables

    def steps():
        for i, gradient in grads.items():
            optimizer.update_step(gradient, trained[i], learning_rate)

    _, after = lending.call(
        steps,
        trained + own,
        params + optimizer.list_state(state),
        caller=f"{type(optimizer).__name__}.update_step",
    )
    return after[: len(trained)], optimizer.dict_state(after[len(trained) :])


def check_bound(optimizer, leaves) -> None:
    """Raises when the optimizer's Variables are for other parameters than these."""
    bound = [tuple(v.shape) for v in optimizer.bound_variables]
    if bound != [leaf.shape for leaf in leaves]:
        raise UserInputError(
            f"{type(optimizer).__name__} {optimizer.name!r} was built for parameters of shapes "
            f"{bound}, and was given {[leaf.shape for leaf in leaves]}. Make a new optimizer for "
            "these."
        )


def build_for(optimizer, params: list, leaves: list[Leaf]) -> None:
    """Builds on stand-ins for plain arrays, so that `build` has Variables to look at."""
    if any(isinstance(p, jax.core.Tracer) or isinstance(p, jax.ShapeDtypeStruct) for p in params):
        raise UserInputError(
            f"{type(optimizer).__name__} makes its state in `build(variables)`, which needs "
            "values. Call `optimizer.build(variables)` or `optimizer.init(params)` once outside "
            "of jit."
        )
    optimizer.build(
        [
            Variable(p, name=leaf.path.replace("/", "_") or "param")
            for p, leaf in zip(params, leaves)
        ]
    )
