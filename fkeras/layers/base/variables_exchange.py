"""Values between a layer and a dict of arrays: `get_variables`, `set_variables`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import jax.numpy as jnp

from fkeras.core.values.variable_info import info_of
from fkeras.errors import NotBuiltError, UserInputError
from fkeras.layers.base import building, pure_init
from fkeras.layers.base.variables_tree import as_dict, explain_problems, gather, groups_of

if TYPE_CHECKING:
    from flax import nnx

    from fkeras.layers.base.layer import Layer
    from fkeras.layers.base.variables_tree import Variables


def get_variables(layer: Layer) -> Variables:
    """The values that the layer has, as `init` returns its first ones: see
    `Layer.get_variables`.
    """
    structure = _built_structure(layer, "get_variables")
    with building.root_of_draws(layer):
        # Copies, so that a step that donates them leaves the layer's own.
        values = {path: jnp.copy(variable.get_value()) for path, variable in structure.variables}
    return pure_init.split(structure, values)


def set_variables(layer: Layer, variables: Variables) -> None:
    """Takes over the values of a dict as `init` returns it: see `Layer.set_variables`."""
    structure = _built_structure(layer, "set_variables")
    groups = {name: as_dict(tree) for name, tree in groups_of(layer, variables).items()}
    values = gather(layer, structure, groups)
    problems = []
    for (path, variable), value in zip(structure.variables, values):
        own, received = _dtype_of(variable), getattr(value, "dtype", None)
        if received is None:
            problems.append(f"{'/'.join(path)}: no array, but {value!r}")
        elif str(received) != own:
            problems.append(f"{'/'.join(path)}: expected {own}, received {received}")
    if problems:
        raise UserInputError(
            explain_problems(
                layer,
                problems,
                "Values of other dtypes can be computed with by `apply`, but not kept: cast them, "
                "as in `jax.tree.map(lambda a, b: a.astype(b.dtype), variables, "
                f"{layer.name}.get_variables())`.",
            )
        )
    # Copies, since the caller may donate its own later.
    copies = [jnp.copy(value) for value in values]
    for (_, variable), value in zip(structure.variables, copies):
        variable._raw_value = value


def _built_structure(layer: Layer, method: str) -> Any:
    layer._check_ready()
    structure = layer._structure()
    if not layer.built:
        raise NotBuiltError(
            f"`{layer.name}.{method}()`: the layer has no variables yet. Call it on data, "
            f"`{layer.name}.build(shape)`, or `{layer.name}.init(key, inputs)`, which makes them "
            "too."
        )
    return structure


def _dtype_of(variable: nnx.Variable) -> str:
    """The dtype of a Variable's value, also of a foreign module's."""
    dtype = getattr(info_of(variable), "dtype", None)
    return str(variable.get_value().dtype if dtype is None else dtype)
