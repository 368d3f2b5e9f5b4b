"""`init` and `apply`: a layer as pure functions of a dict of arrays.

`variables` is `{"params": {...}, "state": {...}}`, nested by structural path. `apply` lends the
arrays to the layer's own Variables for the length of the call (`fkeras.core.values.lending`) and
returns what the state became.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from flax.traverse_util import flatten_dict, unflatten_dict

from fkeras.core.nested import flatten, map_structure
from fkeras.core.randomness import first_values, seeds
from fkeras.core.symbolic.argument_kinds import any_symbolic
from fkeras.core.symbolic.keras_tensor import KerasTensor
from fkeras.core.values import lending
from fkeras.core.values.variable_info import info_of
from fkeras.errors import NotBuiltError, UserInputError
from fkeras.layers.base import context as contexts
from fkeras.layers.base import signature

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from fkeras.layers.base.layer import Layer
    from fkeras.layers.base.tracking import Path, Structure
    from fkeras.types import ArrayLike, Shape

    Variables = dict[str, dict[str, Any]]
    Rngs = jax.Array | Mapping[str, jax.Array] | None

_MOST_PROBLEMS = 12  # that an error names one by one


# -- init ----------------------------------------------------------------------


def init(
    layer: Layer, key: jax.Array, inputs: Sequence[Any], named_inputs: Mapping[str, Any]
) -> Variables:
    """The layer's variables, drawn from a key: see `Layer.init`."""
    if not hasattr(key, "dtype"):
        raise UserInputError(
            f"`init` takes a JAX key first, such as `jax.random.key(0)`. Received: {key!r}"
        )
    build_abstractly(layer, inputs, named_inputs)
    structure = layer._structure()
    rows: list[tuple] = []
    drawn_paths: list[Path] = []
    values: dict[Path, Any] = {}
    for path, variable in structure.variables:
        info = info_of(variable)
        if info.initializer is None:  # made from a value, or a foreign module's
            values[path] = variable.get_value()
        else:
            drawn_paths.append(path)
            rows.append((info.initializer, "/".join(path), info.shape, info.dtype))
    values.update(zip(drawn_paths, first_values.draw_all(key, rows)))
    return split(structure, values)


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
        if layer.built and layer.weights:
            return
        raise NotBuiltError(
            f"Layer '{layer.name}' ({type(layer).__name__}) is not built: `init` needs inputs or "
            "their shapes, such as `init(key, (32, 4))`."
        )
    args = [_abstract(x) for x in inputs]
    kwargs = {name: _abstract(x) for name, x in named_inputs.items()}
    # Adopts the Variables of foreign modules before anything is traced through them.
    layer._structure()
    if any_symbolic(*args, *kwargs.values()):
        nodes = list(layer._info.nodes)
        try:
            layer(*args, **kwargs)
        finally:
            layer._info.nodes[:] = nodes  # the call was for shapes only
        return

    structs = [x for x in flatten([args, kwargs]) if isinstance(x, jax.ShapeDtypeStruct)]

    def run(arrays: list[jax.Array]) -> tuple[()]:
        array_of = {id(struct): array for struct, array in zip(structs, arrays)}

        def with_arrays(tree: Any) -> Any:
            return map_structure(lambda x: array_of.get(id(x), x), tree)

        with contexts.opened(contexts.CallContext(layer, losses=[])):
            lending.call_abstractly(layer, *with_arrays(args), **with_arrays(kwargs))
        return ()

    jax.eval_shape(run, structs)


def _abstract(x: Any) -> Any:
    """Arrays, structs and plain shapes as `ShapeDtypeStruct`s, through nested structures; anything
    else as it is. A tuple of ints is a shape; one with None in it becomes a KerasTensor.
    """
    if x is None or isinstance(x, (KerasTensor, bool, int, float, str)):
        return x
    if isinstance(x, dict):
        return {key: _abstract(value) for key, value in x.items()}
    if isinstance(x, tuple) and hasattr(x, "_fields"):
        return type(x)(*(_abstract(value) for value in x))
    if isinstance(x, tuple) and x and all(_is_size(d) for d in x):
        if any(d is None for d in x):
            return KerasTensor(x)
        return jax.ShapeDtypeStruct(tuple(int(d) for d in x), jnp.float32)
    if isinstance(x, (list, tuple)):
        return type(x)(_abstract(value) for value in x)
    if hasattr(x, "shape") and hasattr(x, "dtype"):
        return jax.ShapeDtypeStruct(tuple(x.shape), jax.dtypes.canonicalize_dtype(x.dtype))
    return x


def _is_size(d: Any) -> bool:
    return d is None or (isinstance(d, (int, np.integer)) and not isinstance(d, bool))


# -- apply ---------------------------------------------------------------------


def apply(
    layer: Layer,
    variables: Variables,
    inputs: Sequence[Any],
    named_inputs: Mapping[str, Any],
    *,
    training: bool | None,
    rngs: Rngs,
) -> tuple[Any, dict[str, Any], list[jax.Array]]:
    """(outputs, new state, losses) of a call with `variables` lent: see `Layer.apply`."""
    layer._check_ready()
    structure = layer._structure()
    if not layer.built or not structure.variables and not layer._info.called:
        build_abstractly(layer, inputs, named_inputs)
        structure = layer._structure()
    values = gather(layer, structure, variables)
    outputs, after, losses = call_with(
        layer, structure, values, inputs, named_inputs, training=training, key=key_of(rngs)
    )
    state = {
        path: value
        for (path, variable), value in zip(structure.variables, after)
        if not isinstance(variable, nnx.Param)
    }
    return outputs, unflatten_dict(state), losses


def call_with(
    layer: Layer,
    structure: Structure,
    values: Sequence[ArrayLike],
    inputs: Sequence[Any],
    named_inputs: Mapping[str, Any],
    *,
    training: bool | None,
    key: jax.Array | None,
    step: ArrayLike | None = None,
) -> tuple[Any, list[Any], list[jax.Array]]:
    """The call with values lent in the order of `structure.variables`.

    Returns:
        The outputs, the values afterwards in the same order, and the losses.
    """
    named_inputs = dict(named_inputs)
    if training is not None and signature.of(layer).has_training:
        named_inputs["training"] = training

    def run() -> tuple[Any, list[jax.Array]]:
        context = contexts.CallContext(layer, losses=[])
        context.training = training
        with contexts.opened(context), seeds.scope(key, paths_of(structure), step):
            outputs = layer(*inputs, **named_inputs)
            return outputs, layer.losses

    variables = [variable for _, variable in structure.variables]
    (outputs, losses), after = lending.call(
        run, variables, values, caller=f"`{layer.name}.apply`", strict=True
    )
    return outputs, after, losses


def gather(layer: Layer, structure: Structure, variables: Variables) -> list[Any]:
    """Values in the order of `structure.variables`.

    Raises:
        UserInputError: names all that is missing, surplus or of the wrong shape.
    """
    if not isinstance(variables, dict) or not {"params"} <= set(variables) <= {"params", "state"}:
        keys = sorted(variables) if isinstance(variables, dict) else type(variables).__name__
        raise UserInputError(
            f"`variables` of '{layer.name}' must be a dict with 'params' and 'state', as `init` "
            f"returns it. Received: {keys}"
        )
    remaining = {("params", *p): v for p, v in flatten_dict(variables["params"]).items()}
    state = flatten_dict(variables.get("state", {}))
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
        if expected is not None and tuple(jnp.shape(value)) != expected:
            problems.append(
                f"{shown}: expected shape {expected}, received {tuple(jnp.shape(value))}"
            )
        values.append(value)
    for full_path, value in remaining.items():
        problems.append(f"unexpected {'/'.join(full_path)} of shape {tuple(jnp.shape(value))}")
    if problems:
        raise UserInputError(_explain_problems(layer, problems))
    return values


def _explain_problems(layer: Layer, problems: list[str]) -> str:
    shown = "\n".join(f"  {problem}" for problem in problems[:_MOST_PROBLEMS])
    if len(problems) > _MOST_PROBLEMS:
        shown += f"\n  ... and {len(problems) - _MOST_PROBLEMS} more"
    return (
        f"The variables do not fit '{layer.name}' ({type(layer).__name__}):\n{shown}\n"
        f"`{layer.name}.init(key, inputs)` gives a structure that fits."
    )


def _shape_of(variable: nnx.Variable) -> Shape | None:
    """A Variable's shape, also of a foreign module's; None where its value is no array."""
    info = info_of(variable)
    if hasattr(info, "shape"):
        return tuple(info.shape)
    value = variable.get_value()
    return tuple(value.shape) if hasattr(value, "shape") else None


def key_of(rngs: Rngs) -> jax.Array | None:
    """A key from a key, a dict of keys, or None."""
    if isinstance(rngs, dict):
        for name in ("default", "dropout", *rngs):
            if name in rngs:
                return rngs[name]
        return None
    return rngs


def paths_of(structure: Structure) -> dict[int, str]:
    """Structural paths of layers and seed generators by their ids, for the keys of a call."""
    return {id(x): "/".join(path) for path, x in (*structure.layers, *structure.generators)}


# -- Keras's protocol ------------------------------------------------------------


def stateless_call(
    layer: Layer,
    trainable_variables: Sequence[ArrayLike],
    non_trainable_variables: Sequence[ArrayLike],
    args: Sequence[Any],
    kwargs: Mapping[str, Any],
    return_losses: bool,
) -> tuple[Any, ...]:
    """Lists of values in, outputs and the new non-trainable values out. Seed generators advance
    their own state.
    """
    if not layer.built:
        raise NotBuiltError(
            f"To call stateless_call, {type(layer).__name__} '{layer.name}' must be built (i.e. "
            "its variables must have been already created). You can build it by calling it on "
            "some data."
        )
    own_trainable, own_others = layer.trainable_variables, layer.non_trainable_variables
    _check_count(layer, "trainable_variables", own_trainable, trainable_variables)
    _check_count(layer, "non_trainable_variables", own_others, non_trainable_variables)
    values = [
        v.value if isinstance(v, nnx.Variable) and hasattr(v, "value") else v
        for v in (*trainable_variables, *non_trainable_variables)
    ]

    def run() -> tuple[Any, list[jax.Array] | None]:
        context = contexts.CallContext(layer, losses=[])
        with contexts.opened(context):
            outputs = layer(*args, **kwargs)
            return outputs, (layer.losses if return_losses else None)

    (outputs, losses), after = lending.call(
        run, [*own_trainable, *own_others], values, caller=f"`{layer.name}.stateless_call`"
    )
    others = after[len(own_trainable) :]
    return (outputs, others, losses) if return_losses else (outputs, others)


def _check_count(
    layer: Layer, argument: str, own: Sequence[Any], received: Sequence[ArrayLike]
) -> None:
    if len(own) != len(received):
        raise UserInputError(
            f"Argument `{argument}` must be a list of tensors corresponding 1:1 to "
            f"{type(layer).__name__}().{argument}. Received list with length {len(received)}, but "
            f"expected {len(own)} variables."
        )
