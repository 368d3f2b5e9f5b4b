"""The dict of arrays that a pure call takes and returns, against what the layer has."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from fkeras.core.values.variable_info import info_of
from fkeras.errors import UserInputError

if TYPE_CHECKING:
    from fkeras.layers.base.layer import Layer
    from fkeras.layers.base.tracking import Path, Structure
    from fkeras.types import Shape

    Variables = dict[str, dict[str, Any]]


_MOST_PROBLEMS = 12  # that an error names one by one


def groups_of(layer: Layer, variables: Any) -> Mapping[str, Any]:
    """`variables` as a mapping of "params" and "state", or an error that says what came."""
    if isinstance(variables, Mapping) and {"params"} <= set(variables) <= {"params", "state"}:
        for name, tree in variables.items():
            if not isinstance(tree, (Mapping, nnx.State)):
                raise UserInputError(
                    f"`variables[{name!r}]` of '{layer.name}' must be a dict of arrays by name, as "
                    f"`init` returns it. Received: {type(tree).__name__}"
                )
        return variables
    keys = sorted(variables) if isinstance(variables, Mapping) else type(variables).__name__
    raise UserInputError(
        f"`variables` of '{layer.name}' must be a dict with 'params' and 'state', as `init` "
        f"returns it. Received: {keys}"
    )


def as_dict(tree: Any) -> Any:
    """Nested dicts from what stands for them: a Flax FrozenDict, an `nnx.State`."""
    if isinstance(tree, nnx.Variable):
        return tree.get_value()
    if isinstance(tree, Mapping) and not isinstance(tree, dict) or isinstance(tree, nnx.State):
        return {name: as_dict(value) for name, value in tree.items()}
    return tree


def in_structure_of(received: Any, state: dict[str, Any]) -> Any:
    """The new state in the kind of mapping that came, so that a scan may carry it."""
    if type(received) is dict:
        return state
    return jax.tree.unflatten(jax.tree.structure(received), jax.tree.leaves(state))


def in_dtype_of(before: Any, after: Any) -> Any:
    """A state's new value in the dtype of the one that came."""
    dtype = getattr(before, "dtype", None)
    return after if dtype is None or after.dtype == dtype else after.astype(dtype)


def float_dtype_of(structure: Structure, values: Sequence[Any]) -> str | None:
    """The one float dtype that the given weights have, where it is not the one they were made
    with.
    """
    if all(_has_own_dtype(variable, x) for (_, variable), x in zip(structure.variables, values)):
        return None
    dtypes = set()
    for (_, variable), value in zip(structure.variables, values):
        dtype = getattr(value, "dtype", None)
        if dtype is not None and isinstance(variable, nnx.Param):
            if jnp.issubdtype(dtype, jnp.floating):
                dtypes.add(dtype.name)
    return dtypes.pop() if len(dtypes) == 1 else None


def _has_own_dtype(variable: nnx.Variable, value: Any) -> bool:
    """Whether a value has the dtype that its Variable was made with; state may have any."""
    if not isinstance(variable, nnx.Param):
        return True
    name = getattr(info_of(variable), "dtype", None)
    return name is None or getattr(value, "dtype", None) is _numpy_dtype(name)


@functools.cache
def _numpy_dtype(name: str) -> np.dtype:
    return jnp.dtype(name)


def gather(layer: Layer, structure: Structure, variables: Variables) -> list[Any]:
    """Values in the order of `structure.variables`.

    Raises:
        UserInputError: names all that is missing, surplus or of the wrong shape.
    """
    remaining = {("params", *p): v for p, v in _leaves_by_path(variables["params"]).items()}
    state = _leaves_by_path(variables.get("state", {}))
    remaining.update((("state", *path), value) for path, value in state.items())
    values, problems = [], []
    for path, variable in structure.variables:
        full_path = ("params" if isinstance(variable, nnx.Param) else "state", *path)
        shown = "/".join(full_path)
        expected = _shape_of(variable)
        if full_path not in remaining:
            problems.append(f"missing {shown} of shape {expected}")
            continue
        value = remaining.pop(full_path)
        if expected is not None and tuple(np.shape(value)) != expected:
            problems.append(
                f"{shown}: expected shape {expected}, received {tuple(np.shape(value))}"
            )
        values.append(value)
    for full_path, value in remaining.items():
        problems.append(f"unexpected {'/'.join(full_path)} of shape {tuple(np.shape(value))}")
    if problems:
        raise UserInputError(
            explain_problems(
                layer, problems, f"`{layer.name}.init(key, inputs)` gives a structure that fits."
            )
        )
    return values


def _leaves_by_path(tree: Mapping[str, Any], prefix: Path = ()) -> dict[Path, Any]:
    """Path -> leaf of nested dicts: `flax.traverse_util.flatten_dict` for what is called at each
    `apply`.
    """
    leaves: dict[Path, Any] = {}
    for name, value in tree.items():
        if isinstance(value, dict):
            leaves.update(_leaves_by_path(value, (*prefix, name)))
        else:
            leaves[(*prefix, name)] = value
    return leaves


def explain_problems(layer: Layer, problems: list[str], remedy: str) -> str:
    """The message for variables that do not fit: which, and what to do."""
    shown = "\n".join(f"  {problem}" for problem in problems[:_MOST_PROBLEMS])
    if len(problems) > _MOST_PROBLEMS:
        shown += f"\n  ... and {len(problems) - _MOST_PROBLEMS} more"
    return f"The variables do not fit '{layer.name}' ({type(layer).__name__}):\n{shown}\n{remedy}"


def _shape_of(variable: nnx.Variable) -> Shape | None:
    """A Variable's shape, also of a foreign module's; None where its value is no array."""
    info = info_of(variable)
    if hasattr(info, "shape"):
        return tuple(info.shape)
    value = variable.get_value()
    return tuple(value.shape) if hasattr(value, "shape") else None
