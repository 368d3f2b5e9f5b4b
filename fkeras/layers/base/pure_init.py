"""`init`: a layer's variables as a pure function of a key, and abstract building."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from flax.traverse_util import unflatten_dict

from fkeras.core.nested import flatten, map_structure
from fkeras.core.randomness import first_values, keys
from fkeras.core.symbolic.argument_kinds import any_symbolic
from fkeras.core.symbolic.keras_tensor import KerasTensor
from fkeras.core.values import lending, stacking
from fkeras.core.values.variable_info import AdoptedInfo, info_of
from fkeras.core.warn_once import warn_user
from fkeras.errors import NotBuiltError, UserInputError
from fkeras.layers.base import building, running_blocks
from fkeras.layers.base import context as contexts

if TYPE_CHECKING:
    from fkeras.layers.base.layer import Layer
    from fkeras.layers.base.tracking import Path, Structure
    from fkeras.layers.base.variables_tree import Variables
    from fkeras.types import PyTree


def init(
    layer: Layer, key: jax.Array, inputs: Sequence[Any], named_inputs: Mapping[str, Any]
) -> Variables:
    """The layer's variables, drawn from a key: see `Layer.init`."""
    if not hasattr(key, "dtype"):
        raise UserInputError(
            f"`init` takes a JAX key first, such as `jax.random.key(0)`. Received: {key!r}"
        )
    key = keys.typed_key(key)
    running_blocks.check(layer)
    with building.undone_on_error(layer):
        build_abstractly(layer, inputs, named_inputs)
    structure = layer._structure()
    if layer._info.root_key is None or key is not layer.build_key:
        _warn_of_values_that_stay(layer, structure)
    rows: list[tuple] = []
    values: dict[Path, Any] = {}
    places: list[tuple[Path, Any, int]] = []  # of what is drawn, with its number of rows
    for path, variable in structure.variables:
        info = info_of(variable)
        if info.initializer is None:  # made from a value, or a foreign module's
            values[path] = variable.get_value()
            continue
        shape = info.shape[len(info.blocks) :]
        paths = stacking.paths_of_blocks(path)
        rows += [(info.initializer, "/".join(p), shape, info.dtype) for p in paths]
        places.append((path, info, len(paths)))
    drawn = iter(first_values.draw_all(key, rows))
    for path, info, count in places:
        own = list(itertools.islice(drawn, count))
        values[path] = first_values.stacked(own, info.shape) if info.blocks else own[0]
    return split(structure, values)


def _warn_of_values_that_stay(layer: Layer, structure: Structure) -> None:
    """A module of NNX that was made outside has drawn its weights: no key changes them."""
    foreign = [
        "/".join(path)
        for path, variable in structure.variables
        if isinstance(variable, nnx.Param)
        and isinstance(info_of(variable), AdoptedInfo)
        and info_of(variable).initializer is None
    ]
    if foreign:
        more = f" and {len(foreign) - 3} more" if len(foreign) > 3 else ""
        warn_user(
            f"`{layer.name}.init(key)`: {', '.join(foreign[:3])}{more} belong to a flax.nnx module "
            "that was made with values, which stay as they are, whatever the key. To have them "
            "drawn from the key, give FlaxLayer a function that makes the module: "
            "`FlaxLayer(lambda rngs: nnx.Linear(4, 2, rngs=rngs))`."
        )


def split(structure: Structure, values: Mapping[Path, Any]) -> Variables:
    """`{"params", "state"}` from values by path."""
    params, state = {}, {}
    for path, variable in structure.variables:
        group = params if isinstance(variable, nnx.Param) else state
        group[path] = values[path]
    return {"params": unflatten_dict(params), "state": unflatten_dict(state)}


def build_abstractly(layer: Layer, inputs: Sequence[Any], named_inputs: Mapping[str, Any]) -> None:
    """Makes all Variables (shapes only) by one abstract evaluation of the call. Fits weights that
    are there already, or raises.
    """
    if not inputs and not named_inputs:
        if layer.built:
            return
        raise NotBuiltError(
            f"Layer '{layer.name}' ({type(layer).__name__}) is not built: `init` needs inputs or "
            "their shapes, such as `init(key, (32, 4))`."
        )
    if layer.runs_on_host:
        return  # it has no Variables, and NumPy cannot be evaluated abstractly
    args = [abstract(x) for x in inputs]
    kwargs = {name: abstract(x) for name, x in named_inputs.items()}
    # Adopts the Variables of foreign modules before anything is traced through them.
    layer._structure()
    if any_symbolic(*args, *kwargs.values()):
        nodes = list(layer._info.nodes)
        try:
            layer(*args, **kwargs)
        finally:
            layer._info.nodes[:] = nodes  # the call was for shapes only
        return

    def run(args: list[Any], kwargs: dict[str, Any]) -> tuple[()]:
        with contexts.opened(contexts.CallContext(layer, losses=[])):
            lending.call_abstractly(layer, *args, **kwargs)
        return ()

    evaluate(run, args, kwargs)


def evaluate(function: Callable[..., PyTree], *args: Any) -> PyTree:
    """`jax.eval_shape`, of arguments in which anything may stand beside `ShapeDtypeStruct`s."""
    structs = [x for x in flatten(args) if isinstance(x, jax.ShapeDtypeStruct)]

    def run(arrays: list[jax.Array]) -> PyTree:
        array_of = {id(struct): array for struct, array in zip(structs, arrays)}
        return function(*(map_structure(lambda x: array_of.get(id(x), x), arg) for arg in args))

    return jax.eval_shape(run, structs)


def abstract(x: Any) -> Any:
    """Arrays, structs and plain shapes as `ShapeDtypeStruct`s, through nested structures; anything
    else as it is. A tuple of ints is a shape; one with None in it becomes a KerasTensor.
    """
    if _stays(x):
        return x
    if isinstance(x, dict):
        return {key: abstract(value) for key, value in x.items()}
    if isinstance(x, tuple) and hasattr(x, "_fields"):
        return type(x)(*(abstract(value) for value in x))
    if isinstance(x, tuple) and x and all(_is_size(d) for d in x):
        if any(d is None for d in x):
            return KerasTensor(x)
        return jax.ShapeDtypeStruct(tuple(int(d) for d in x), jnp.float32)
    if isinstance(x, (list, tuple)):
        return type(x)(abstract(value) for value in x)
    if hasattr(x, "shape") and hasattr(x, "dtype"):
        return jax.ShapeDtypeStruct(tuple(x.shape), jax.dtypes.canonicalize_dtype(x.dtype))
    return x


def _stays(x: Any) -> bool:
    """Whether a value is no array of numbers: strings stay on the host."""
    if isinstance(x, np.ndarray):
        return x.dtype.kind in "OUS"
    return x is None or isinstance(x, (KerasTensor, bool, int, float, str))


def _is_size(d: Any) -> bool:
    return d is None or (isinstance(d, (int, np.integer)) and not isinstance(d, bool))
