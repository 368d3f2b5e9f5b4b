"""Gradients as they come, made arrays in the order of the parameters."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import jax
import jax.numpy as jnp

from fkeras.core.values import lending
from fkeras.core.warn_once import warn_user
from fkeras.errors import NotBuiltError, UserInputError

if TYPE_CHECKING:
    from flax import nnx

    from fkeras.optimizers.parameter_info import ParameterInfo
    from fkeras.optimizers.stateful import StatefulOptimizer
    from fkeras.types import ArrayLike


def dense_gradients(
    owner: str, grads: Sequence[ArrayLike | None], infos: Sequence[ParameterInfo]
) -> list[jax.Array | None]:
    """Gradients as arrays, sparse ones made dense, None kept.

    Args:
        owner: the optimizer's name, for the error.
        grads: one entry for each parameter.
        infos: the parameters.

    Raises:
        UserInputError: shapes or dtypes that cannot be gradients of these parameters; lists them
            all.
    """
    arrays: list[jax.Array | None] = []
    problems = []
    for gradient, info in zip(grads, infos, strict=True):
        if gradient is None:
            arrays.append(None)
            continue
        dtype = getattr(gradient, "dtype", None)
        if dtype in (bool, jax.dtypes.float0):
            problems.append(f"{info.path!r}: dtype {dtype} is no number")
            continue
        array = _as_dense(gradient)
        if array.shape != info.shape:
            problems.append(f"{info.path!r}: gradient {tuple(array.shape)}, parameter {info.shape}")
        is_inexact = jnp.issubdtype(array.dtype, jnp.inexact)
        arrays.append(array if is_inexact or info.overwrite else array.astype(info.dtype))
    if problems:
        raise UserInputError(
            f"{owner}: gradients must be numbers, of the shapes of their parameters. "
            + "; ".join(problems)
        )
    return arrays


def _as_dense(gradient: ArrayLike) -> jax.Array:
    if hasattr(gradient, "todense"):  # JAX's and SciPy's sparse matrices
        return jnp.asarray(gradient.todense())  # SciPy's is an `np.matrix`, whose `*` is another
    return jnp.asarray(getattr(gradient, "value", gradient))


def refuse_none_at_all(grads: Sequence[jax.Array | None]) -> None:
    """Raises where no parameter has a gradient."""
    if all(gradient is None for gradient in grads):
        raise UserInputError(
            "No gradients provided for any variable. Gradients are None where the loss does not "
            "depend on a variable."
        )


def aligned_gradients(
    optimizer: StatefulOptimizer,
    grads: Sequence[ArrayLike | None],
    trainable_variables: Iterable[nnx.Variable] | None,
) -> list[ArrayLike | None]:
    """Gradients in the order of the Variables that the optimizer was built for.

    None stands for those without a gradient. Builds the optimizer when needed.

    Args:
        optimizer: the optimizer.
        grads: list of gradients.
        trainable_variables: their Variables; None for all that the optimizer was built for.

    Raises:
        NotBuiltError: no Variables, and an optimizer that was not built.
        UserInputError: another number of gradients, or Variables that are unknown.
    """
    if trainable_variables is None:
        variables = _all_variables(optimizer, len(grads))
    else:
        variables = list(trainable_variables)
        if len(grads) != len(variables):
            raise UserInputError(
                f"{optimizer.name}: received {len(grads)} gradients for {len(variables)} variables."
            )
        if not optimizer.built:
            optimizer.build(variables)
    bound = optimizer.bound_variables
    positions = {id(variable): i for i, variable in enumerate(bound)}
    aligned: list[ArrayLike | None] = [None] * len(bound)
    for gradient, variable in zip(grads, variables):
        index = positions.get(id(variable))
        if index is None:
            index = optimizer._get_variable_index(variable)  # raises: it is unknown
        aligned[index] = gradient
    _warn_of_missing(grads, variables)
    return aligned


def _all_variables(optimizer: StatefulOptimizer, count: int) -> list[nnx.Variable]:
    """The Variables that the optimizer was built for, which must be as many as the gradients."""
    if not optimizer.built:
        raise NotBuiltError(
            "When passing `grads` without `variables`, the optimizer must already be built on a "
            "list of variables. Call `optimizer.build(trainable_variables)` first."
        )
    bound = optimizer.bound_variables
    if count != len(bound):
        raise UserInputError(
            "When passing `grads` as a list of gradient tensors, the gradients must match the "
            f"optimizer's variables one-to-one. Received a list of {count} gradients, but the "
            f"optimizer is tracking {len(bound)} trainable variables."
        )
    return bound


def _warn_of_missing(grads: Sequence[ArrayLike | None], variables: Sequence[nnx.Variable]) -> None:
    """Warns where some gradients are None; all None is an error elsewhere."""
    missing = [lending.path_of(v) for g, v in zip(grads, variables) if g is None]
    if missing and len(missing) < len(grads):
        warn_user(
            f"Gradients do not exist for variables {missing} when minimizing the loss. If using "
            "`model.compile()`, did you forget to provide a `loss` argument?"
        )
