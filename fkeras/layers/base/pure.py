"""`apply` and Keras's `stateless_call`: a layer as pure functions of a dict of arrays.

`variables` is `{"params": {...}, "state": {...}}`, nested by structural path. `apply` lends the
arrays to the layer's own Variables for the length of the call (`fkeras.core.values.lending`) and
returns what the state became.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import jax
import jax.numpy as jnp
from flax import nnx
from flax.traverse_util import unflatten_dict

from fkeras.core.nested import flatten, map_structure
from fkeras.core.randomness import key_scopes, keys
from fkeras.core.values import lending, masks
from fkeras.errors import NotBuiltError, UserInputError
from fkeras.layers.base import building, signature
from fkeras.layers.base import context as contexts
from fkeras.layers.base.call_target import find_target
from fkeras.layers.base.capture import Capture
from fkeras.layers.base.pure_init import build_abstractly
from fkeras.layers.base.variables_tree import (
    as_dict,
    float_dtype_of,
    gather,
    groups_of,
    in_dtype_of,
    in_structure_of,
)

if TYPE_CHECKING:
    from fkeras.layers.base.call_target import Method
    from fkeras.layers.base.layer import Layer
    from fkeras.layers.base.tracking import Structure
    from fkeras.layers.base.variables_tree import Variables
    from fkeras.types import ArrayLike

    Rngs = jax.Array | Mapping[str, jax.Array] | None


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
        key: what draws are keyed by, or a key for each stream; None: drawing is an error.
        step: lifetime step, where there is one.
        method: what is called instead of the layer: see `Layer.apply`.
        mask: of the first input, or None.
        capture: collects intermediate outputs, or None.
        with_losses: whether losses are asked for; regularizers compute theirs only then.
    """

    training: bool | None = None
    key: Rngs = None
    step: ArrayLike | None = None
    method: Method | None = None
    mask: Any = None
    capture: Capture | None = None
    with_losses: bool = True


# Keywords of `Layer.apply` that are no inputs.
_OPTIONS = ("rngs", "method", "mask", "capture", "return_losses", "return_mask")


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
    if named_inputs and options.method is None:
        signature.of(layer).refuse_unknown(named_inputs, layer, _OPTIONS)
    structure = layer._structure()
    if not layer.built or not structure.variables and not layer._info.called:
        with building.undone_on_error(layer):
            build_abstractly(layer, inputs, named_inputs)
        structure = layer._structure()
    received = variables
    variables = {group: as_dict(tree) for group, tree in groups_of(layer, variables).items()}
    values = gather(layer, structure, variables)
    if capture is not None:
        options.capture = Capture(capture, paths_of(structure))
    inputs, named_inputs = map_structure(_without_mask, (list(inputs), dict(named_inputs)))
    result = call_with(layer, structure, values, inputs, named_inputs, options)
    state = {
        path: in_dtype_of(before, after)
        for (path, variable), before, after in zip(structure.variables, values, result.values)
        if not isinstance(variable, nnx.Param)
    }
    return result, in_structure_of(received.get("state", {}), unflatten_dict(state))


def call_with(
    layer: Layer,
    structure: Structure,
    values: Sequence[ArrayLike],
    inputs: Sequence[Any],
    named_inputs: Mapping[str, Any],
    options: CallOptions,
) -> PureCall:
    """The call with values lent in the order of `structure.variables`."""
    call = find_target(layer, options.method)
    named_inputs = dict(named_inputs)
    if options.training is not None and "training" in call.parameters:
        named_inputs["training"] = options.training
    if options.mask is not None:
        inputs = _with_mask(layer, inputs, options.mask)

    def run() -> tuple[Any, list[jax.Array], Any]:
        context = contexts.CallContext(layer, losses=[])
        context.training = options.training
        context.float_dtype = float_dtype_of(structure, values)
        context.capture = options.capture
        draws = key_scopes.scope(
            options.key, paths_of(structure), options.step, on_deep_draw=context.mark_drawn
        )
        if options.mask is not None:
            context.note_masks()
        with contexts.opened(context), draws:
            outputs = call.function(*inputs, **named_inputs)
            masks_of_outputs = map_structure(masks.get_mask, outputs)
            for output in flatten(outputs):
                masks.set_mask(output, None)
            losses = layer.losses if options.with_losses else []
            return outputs, losses, masks_of_outputs

    variables = [variable for _, variable in structure.variables]
    (outputs, losses, masks_of_outputs), after = lending.call(
        run,
        variables,
        values,
        caller=f"`{layer.name}.apply`",
        strict=True,
        constants=contexts.constants_of(
            layer,
            structure,
            *_parts_of(options.key),
            options.training,
            options.mask,
            lending.autocast_dtype(),
        ),
    )
    return PureCall(outputs, after, losses, masks_of_outputs)


def _parts_of(rngs: Rngs) -> tuple[Any, ...]:
    """Names and keys one by one: what travels beside the arguments is compared by identity."""
    return (*rngs, *rngs.values()) if isinstance(rngs, Mapping) else (rngs,)


def _without_mask(x: Any) -> Any:
    """A tensor that carries no hidden mask: masks come to a pure call by `mask=` alone."""
    has_mask = masks.get_mask(x) is not None and signature.is_tensor(x)
    return jnp.copy(x) if has_mask else x


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


def keys_of(rngs: Rngs) -> Rngs:
    """A call's key, or its keys by the names of their streams; None for none."""
    if not isinstance(rngs, Mapping):
        return rngs
    for name, key in rngs.items():
        try:
            keys.typed_key(key)
        except UserInputError as error:
            raise UserInputError(f"`rngs[{name!r}]`: {error}") from error
    return rngs or None


def paths_of(structure: Structure) -> dict[int, str]:
    """Structural paths of layers and seed generators by their ids, for the keys of a call."""
    return {id(x): "/".join(path) for path, x in (*structure.layers, *structure.generators)}


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
        with contexts.opened(context), key_scopes.watched(context.mark_drawn):
            outputs = layer(*args, **kwargs)
            return outputs, (layer.losses if return_losses else None)

    (outputs, losses), after = lending.call(
        run,
        [*own_trainable, *own_others],
        values,
        caller=f"`{layer.name}.stateless_call`",
        constants=contexts.constants_of(
            layer, layer._structure(), kwargs.get("training"), lending.autocast_dtype()
        ),
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
