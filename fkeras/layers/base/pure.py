"""`init` and `apply`: a layer as pure functions of a dict of arrays.

`variables` is `{"params": {...}, "state": {...}}`, nested by structural path. `apply` lends the
arrays to the layer's own Variables for the length of the call (`fkeras.core.values.lending`) and
returns what the state became.
"""

from __future__ import annotations

import dataclasses
import functools
import inspect
import operator
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from flax.traverse_util import flatten_dict, unflatten_dict

from fkeras.core.nested import flatten, map_structure
from fkeras.core.randomness import first_values, seeds
from fkeras.core.symbolic.argument_kinds import any_symbolic
from fkeras.core.symbolic.keras_tensor import KerasTensor
from fkeras.core.values import lending, masks
from fkeras.core.values.variable_info import info_of
from fkeras.errors import NotBuiltError, UserInputError
from fkeras.layers.base import building, input_conversion, signature
from fkeras.layers.base import context as contexts
from fkeras.layers.base.capture import Capture

if TYPE_CHECKING:
    from fkeras.layers.base.layer import Layer
    from fkeras.layers.base.tracking import Path, Structure
    from fkeras.types import ArrayLike, Shape

    Variables = dict[str, dict[str, Any]]
    Method = str | Layer | Callable[..., Any]
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
    key = seeds.typed_key(key)
    with building.undone_on_error(layer):
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
        if layer.built:
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


class PureCall(NamedTuple):
    """What a pure call returned.

    Attributes:
        outputs: of the call.
        values: of the layer's Variables afterwards, in the order of `structure.variables`.
        losses: what layers added, and regularizers' values.
        masks: of the outputs, in their structure; None for each output without one.
    """

    outputs: Any
    values: list[Any]
    losses: list[jax.Array]
    masks: Any


@dataclasses.dataclass
class CallOptions:
    """How a pure call is made.

    Attributes:
        training: None for the layer's default (inference).
        key: what draws are keyed by; None: drawing is an error.
        step: lifetime step, where there is one.
        method: what is called instead of the layer: see `Layer.apply`.
        mask: of the first input, or None.
        capture: collects intermediate outputs, or None.
    """

    training: bool | None = None
    key: jax.Array | None = None
    step: ArrayLike | None = None
    method: Method | None = None
    mask: Any = None
    capture: Capture | None = None


def apply(
    layer: Layer,
    variables: Variables,
    inputs: Sequence[Any],
    named_inputs: Mapping[str, Any],
    options: CallOptions,
    capture: str | Sequence[str] | None,
) -> tuple[PureCall, dict[str, Any]]:
    """(result of a call with `variables` lent, new state): see `Layer.apply`."""
    layer._check_ready()
    structure = layer._structure()
    if not layer.built or not structure.variables and not layer._info.called:
        build_abstractly(layer, inputs, named_inputs)
        structure = layer._structure()
    received = variables
    variables = {group: _as_dict(tree) for group, tree in _groups_of(layer, variables).items()}
    values = gather(layer, structure, variables)
    if capture is not None:
        options.capture = Capture(capture, paths_of(structure))
    inputs, named_inputs = map_structure(_without_mask, (list(inputs), dict(named_inputs)))
    result = call_with(layer, structure, values, inputs, named_inputs, options)
    state = {
        path: _in_dtype_of(before, after)
        for (path, variable), before, after in zip(structure.variables, values, result.values)
        if not isinstance(variable, nnx.Param)
    }
    return result, _in_structure_of(received.get("state", {}), unflatten_dict(state))


def _groups_of(layer: Layer, variables: Any) -> Mapping[str, Any]:
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


def _as_dict(tree: Any) -> Any:
    """Nested dicts from what stands for them: a Flax FrozenDict, an `nnx.State`."""
    if isinstance(tree, nnx.Variable):
        return tree.get_value()
    if isinstance(tree, Mapping) and not isinstance(tree, dict) or isinstance(tree, nnx.State):
        return {name: _as_dict(value) for name, value in tree.items()}
    return tree


def _in_structure_of(received: Any, state: dict[str, Any]) -> Any:
    """The new state in the kind of mapping that came, so that a scan may carry it."""
    if type(received) is dict:
        return state
    return jax.tree.unflatten(jax.tree.structure(received), jax.tree.leaves(state))


def _in_dtype_of(before: Any, after: Any) -> Any:
    """A state's new value in the dtype of the one that came."""
    dtype = getattr(before, "dtype", None)
    return after if dtype is None or after.dtype == dtype else after.astype(dtype)


def call_with(
    layer: Layer,
    structure: Structure,
    values: Sequence[ArrayLike],
    inputs: Sequence[Any],
    named_inputs: Mapping[str, Any],
    options: CallOptions,
) -> PureCall:
    """The call with values lent in the order of `structure.variables`."""
    call = _callable_of(layer, options.method)
    named_inputs = dict(named_inputs)
    if options.training is not None and "training" in call.parameters:
        named_inputs["training"] = options.training
    if options.mask is not None:
        inputs = _with_mask(layer, inputs, options.mask)

    def run() -> tuple[Any, list[jax.Array], Any]:
        context = contexts.CallContext(layer, losses=[])
        context.training = options.training
        context.float_dtype = _float_dtype(structure, values)
        context.capture = options.capture
        keys = seeds.scope(
            options.key, paths_of(structure), options.step, on_deep_draw=context.mark_drawn
        )
        if options.mask is not None:
            context.note_masks()
        with contexts.opened(context), keys:
            outputs = call.function(*inputs, **named_inputs)
            masks_of_outputs = map_structure(masks.get_mask, outputs)
            for output in flatten(outputs):
                masks.set_mask(output, None)
            return outputs, layer.losses, masks_of_outputs

    variables = [variable for _, variable in structure.variables]
    (outputs, losses, masks_of_outputs), after = lending.call(
        run,
        variables,
        values,
        caller=f"`{layer.name}.apply`",
        strict=True,
        constants=contexts.constants_of(
            layer, options.key, options.training, options.mask, lending.autocast_dtype()
        ),
    )
    return PureCall(outputs, after, losses, masks_of_outputs)


class _Callable(NamedTuple):
    function: Callable[..., Any]
    parameters: Collection[str]


def _callable_of(layer: Layer, method: Method | None) -> _Callable:
    """What `method` names: the layer itself, one of its methods, a layer below it, or a function
    that takes the layer first.
    """
    if method is None:
        return _Callable(layer, signature.of(layer).parameters)
    if isinstance(method, str):
        owner, _, name = method.rpartition(".")
        obj = operator.attrgetter(owner)(layer) if owner else layer
        found = getattr(obj, name, None)
        if not callable(found):
            raise UserInputError(
                f"`apply(..., method={method!r})`: layer '{layer.name}' "
                f"({type(layer).__name__}) has no such method or sub-layer."
            )
        return _callable_of(layer, found)
    if hasattr(method, "_info"):
        return _Callable(method, signature.of(method).parameters)
    if getattr(method, "__self__", None) is None:  # a function, or a method taken from the class
        method = functools.partial(method, layer)
    return _Callable(_as_call(layer, method), inspect.signature(method).parameters)


def _as_call(layer: Layer, method: Callable[..., Any]) -> Callable[..., Any]:
    """A method run as `call` is: its inputs converted, its own weights read in the compute
    dtype.
    """
    info = layer._info

    def run(*args: Any, **kwargs: Any) -> Any:
        if info.convert_inputs:
            args, kwargs = input_conversion.convert_inputs(
                layer.dtype_policy, layer.compute_dtype, info.autocast, args, kwargs
            )
        policy = layer.dtype_policy
        is_cast = info.autocast and policy.compute_dtype != policy.variable_dtype
        with lending.autocast(policy.compute_dtype if is_cast else None):
            return method(*args, **kwargs)

    return run


def _float_dtype(structure: Structure, values: Sequence[Any]) -> str | None:
    """The one float dtype that the given weights have, where it is not the one they were made
    with.
    """
    dtypes = set()
    usual = True
    for (_, variable), value in zip(structure.variables, values):
        dtype = getattr(value, "dtype", None)
        if dtype is None or not isinstance(variable, nnx.Param):
            continue
        if jnp.issubdtype(dtype, jnp.floating):
            dtypes.add(dtype.name)
            usual = usual and dtype == getattr(info_of(variable), "dtype", dtype)
    return None if usual or len(dtypes) != 1 else dtypes.pop()


def _without_mask(x: Any) -> Any:
    """A tensor that carries no hidden mask: masks come to a pure call by `mask=` alone."""
    if signature.is_tensor(x) and masks.get_mask(x) is not None:
        return jnp.copy(x)
    return x


def _with_mask(layer: Layer, inputs: Sequence[Any], mask: Any) -> list[Any]:
    """The inputs with `mask` on the first, for the layer and all below it."""
    if not inputs:
        raise UserInputError(f"`{layer.name}.apply(mask=...)`: there is no input for the mask.")
    first = flatten(inputs[0])
    given = flatten(mask) if isinstance(mask, (list, tuple, dict)) else [mask] * len(first)
    if len(given) != len(first):
        raise UserInputError(
            f"`{layer.name}.apply(mask=...)`: {len(first)} inputs, but {len(given)} masks."
        )
    of_input = {id(x): m for x, m in zip(first, given)}

    def attach(x: Any) -> Any:
        masked = jnp.copy(x)
        masks.set_mask(masked, jnp.asarray(of_input[id(x)], bool))
        return masked

    return [map_structure(attach, inputs[0]), *inputs[1:]]


def gather(layer: Layer, structure: Structure, variables: Variables) -> list[Any]:
    """Values in the order of `structure.variables`.

    Raises:
        UserInputError: names all that is missing, surplus or of the wrong shape.
    """
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
        context.note_masks_on([args, kwargs])
        with contexts.opened(context), seeds.watched(context.mark_drawn):
            outputs = layer(*args, **kwargs)
            return outputs, (layer.losses if return_losses else None)

    (outputs, losses), after = lending.call(
        run,
        [*own_trainable, *own_others],
        values,
        caller=f"`{layer.name}.stateless_call`",
        constants=contexts.constants_of(layer, kwargs.get("training"), lending.autocast_dtype()),
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
