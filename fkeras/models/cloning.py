"""`clone_model`: the same architecture with new weights."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from fkeras.core.config import scopes
from fkeras.core.nested import flatten
from fkeras.errors import UserInputError
from fkeras.layers.core.input_layer import InputLayer
from fkeras.models import symbolic_losses
from fkeras.models.functional import Functional
from fkeras.models.input_structure import pack_like
from fkeras.models.sequential import Sequential
from fkeras.saving import automatic_names

if TYPE_CHECKING:
    from fkeras.core.symbolic.keras_tensor import KerasTensor
    from fkeras.layers import Layer
    from fkeras.models.model import Model
    from fkeras.types import Nested

    CloneLayer = Callable[[Layer], Layer]


def clone_model(
    model: Model,
    input_tensors: Nested[KerasTensor] | None = None,
    clone_function: CloneLayer | None = None,
    call_function: Callable[..., Any] | None = None,
    recursive: bool = False,
    **kwargs: Any,
) -> Model:
    """A model with layers made anew from their configs: new weights, the same architecture,
    compiled the same way. Functions and Optax transformations are those of the model.

    Args:
        model: functional, Sequential, or a subclass with a config.
        input_tensors: KerasTensors to build the clone on; None for new inputs.
        clone_function: function (layer) -> layer; None for `layer.from_config(layer.get_config())`.
            Functional and Sequential only.
        call_function: function (layer, *args, **kwargs) -> outputs that stands for the call of each
            cloned layer (functional only).
        recursive: whether inner models are cloned layer by layer too (with `clone_function`).
        **kwargs: `cache`, which Keras takes and which changes nothing here.

    Raises:
        UserInputError: for arguments that the kind of model does not take.

    Examples:
        >>> import fkeras
        >>> model = fkeras.Sequential([fkeras.Input((3,)), fkeras.layers.Dense(2)])
        >>> fkeras.models.clone_model(model).count_params()
        8
    """
    kwargs.pop("cache", None)
    if kwargs:
        raise UserInputError(f"Unexpected keyword argument(s): {tuple(kwargs)}")
    with scopes.in_memory():
        clone = _clone(model, input_tensors, clone_function, call_function, recursive)
        config = model.get_compile_config() if model.compiled else None
        if config is not None and not clone.compiled:
            clone.compile_from_config(config)
    return clone


def _clone(model, input_tensors, clone_function, call_function, recursive):
    clone_layer = _layer_cloner(clone_function, recursive)
    if isinstance(model, Sequential):
        if call_function is not None:
            raise UserInputError(
                "`call_function` argument is not supported with Sequential models. In a Sequential "
                "model, layers aren't called at model-construction time (they're merely listed). "
                "Use `call_function` with Functional models only. Received model of type "
                f"Sequential: {model}"
            )
        return _clone_sequential(model, input_tensors, clone_layer)
    if isinstance(model, Functional):
        return _clone_functional(model, input_tensors, clone_layer, call_function)
    if clone_function is not None or input_tensors is not None:
        raise UserInputError(
            "Arguments `clone_function` and `input_tensors` are only supported for Sequential "
            f"models or Functional models. Received model of type '{type(model).__name__}', with "
            f"clone_function={clone_function} and input_tensors={input_tensors}"
        )
    return _from_config(model)


def _from_config(layer):
    clone = type(layer).from_config(layer.get_config())
    automatic_names.copy_automatic(layer, clone)
    return clone


def _layer_cloner(clone_function: CloneLayer | None, recursive: bool) -> CloneLayer:
    def clone_layer(layer):
        if recursive and isinstance(layer, (Functional, Sequential)):
            return clone_model(layer, clone_function=clone_function, recursive=True)
        if isinstance(layer, InputLayer):
            return layer
        if clone_function is not None:
            return clone_function(layer)
        return _from_config(layer)

    return clone_layer


def _clone_sequential(model, input_tensors, clone_layer):
    clone = Sequential(name=model.name, trainable=model.trainable)
    if input_tensors is not None:
        tensors = flatten(input_tensors)
        if len(tensors) != 1:
            raise UserInputError(
                f"Argument `input_tensors` must contain a single tensor. Received: {input_tensors}"
            )
        clone.add(InputLayer(input_tensor=tensors[0]), rebuild=False)
    elif model.stack and isinstance(model.stack[0], InputLayer):
        first = model.stack[0]
        clone.add(
            InputLayer(batch_shape=first.batch_shape, dtype=first.dtype, name=first.name),
            rebuild=False,
        )
    for layer in model.layers:
        clone.add(clone_layer(layer), rebuild=False)
    clone._maybe_rebuild()
    return clone


def _clone_functional(model, input_tensors, clone_layer, call_function):
    """Replays the graph on new inputs, each layer's clone in its place."""
    clones = {
        id(member): member if isinstance(member, InputLayer) else clone_layer(member)
        for member in model.members
    }
    tensors = _new_inputs(model) if input_tensors is None else flatten(input_tensors)
    if len(tensors) != len(model.inputs):
        raise UserInputError(
            f"`input_tensors` must hold {len(model.inputs)} tensors, one for each input. Received "
            f"{len(tensors)}."
        )

    def call_of(operation):
        clone = clones.get(id(operation))
        if clone is None:  # a function
            return operation
        if call_function is None:
            return clone
        return lambda *args, **kwargs: call_function(clone, *args, **kwargs)

    values = model._plan.replay(tensors, model._operations(), call=call_of)
    outputs, added = values[: len(model.outputs)], values[len(model.outputs) :]
    inputs = input_tensors
    if inputs is None:
        inputs = pack_like(model.input, tensors)
    cls = type(model) if model._is_plain() else Functional
    clone = cls(inputs, pack_like(model.output, outputs), name=model.name)
    if added:
        symbolic_losses.copy(clone, model, added)
    return clone


def _new_inputs(model: Functional) -> list[KerasTensor]:
    """New symbolic inputs like those of the model, under the names of their layers."""
    input_layers = [member for member in model.members if isinstance(member, InputLayer)]
    by_name = {layer.name: layer for layer in input_layers}
    # Where an input has another name than its layer, it goes by its place.
    by_place = input_layers if len(input_layers) == len(model.inputs) else model.inputs
    tensors = []
    for declared, fallback in zip(model.inputs, by_place):
        layer = by_name.get(declared.name, fallback)
        new_layer = InputLayer(
            batch_shape=declared.shape,
            dtype=declared.dtype,
            sparse=declared.sparse,
            name=layer.name if isinstance(layer, InputLayer) else declared.name,
            optional=getattr(layer, "optional", False),
        )
        tensors.append(new_layer.output)
    return tensors
