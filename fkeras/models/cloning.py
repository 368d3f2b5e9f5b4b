"""`clone_model`: the same architecture with new weights."""

from fkeras.core.nested import flatten
from fkeras.errors import UserInputError
from fkeras.layers.core.input_layer import InputLayer
from fkeras.models.functional import Functional, pack_like
from fkeras.models.sequential import Sequential


def clone_model(
    model, input_tensors=None, clone_function=None, call_function=None, recursive=False, **kwargs
):
    """A model with layers made anew from their configs: new weights, the same architecture,
    compiled the same way.

    Args:
        model: functional, Sequential, or a subclass with a config.
        input_tensors: KerasTensors to build the clone on; None for new inputs.
        clone_function: function (layer) -> layer; None for `layer.from_config(layer.get_config())`.
            Functional and Sequential only.
        call_function: function (layer, *args, **kwargs) -> outputs that stands for the call of each
            cloned layer (functional only).
        recursive: whether inner models are cloned layer by layer too (with `clone_function`).

    Examples:
        >>> import fkeras
        >>> model = fkeras.Sequential([fkeras.Input((3,)), fkeras.layers.Dense(2)])
        >>> fkeras.models.clone_model(model).count_params()
        8
    """
    made = _clone(model, input_tensors, clone_function, call_function, recursive, kwargs)
    config = model.get_compile_config() if model.compiled else None
    if config is not None and not made.compiled:
        made.compile_from_config(config)
    return made


def _clone(model, input_tensors, clone_function, call_function, recursive, kwargs):
    cache = kwargs.pop("cache", None)
    if kwargs:
        raise UserInputError(f"Unexpected keyword argument(s): {tuple(kwargs)}")
    if isinstance(model, Sequential) and call_function is None:
        return _clone_sequential(model, input_tensors, _cloner(clone_function, recursive), cache)
    if isinstance(model, Sequential):
        raise UserInputError(
            "`call_function` argument is not supported with Sequential models. In a Sequential "
            "model, layers aren't called at model-construction time (they're merely listed). Use "
            "`call_function` with Functional models only. Received model of type Sequential: "
            f"{model}"
        )
    if isinstance(model, Functional):
        return _clone_functional(
            model, input_tensors, _cloner(clone_function, recursive), call_function
        )
    if clone_function is not None or input_tensors is not None:
        raise UserInputError(
            "Arguments `clone_function` and `input_tensors` are only supported for Sequential "
            f"models or Functional models. Received model of type '{type(model).__name__}', with "
            f"clone_function={clone_function} and input_tensors={input_tensors}"
        )
    return type(model).from_config(model.get_config())


def _cloner(clone_function, recursive):
    def clone(layer):
        if recursive and isinstance(layer, (Functional, Sequential)):
            return clone_model(layer, clone_function=clone_function, recursive=True)
        if isinstance(layer, InputLayer):
            return layer
        if clone_function is not None:
            return clone_function(layer)
        return type(layer).from_config(layer.get_config())

    return clone


def _clone_sequential(model, input_tensors, clone, cache):
    made = Sequential(name=model.name, trainable=model.trainable)
    if input_tensors is not None:
        tensors = flatten(input_tensors)
        if len(tensors) != 1:
            raise UserInputError(
                f"Argument `input_tensors` must contain a single tensor. Received: {input_tensors}"
            )
        made.add(InputLayer(input_tensor=tensors[0]), rebuild=False)
    elif model.stack and isinstance(model.stack[0], InputLayer):
        first = model.stack[0]
        made.add(
            InputLayer(batch_shape=first.batch_shape, dtype=first.dtype, name=first.name),
            rebuild=False,
        )
    for layer in model.layers:
        made.add(clone(layer), rebuild=False)
    made._maybe_rebuild()
    return made


def _clone_functional(model, input_tensors, clone, call_function):
    known = {id(m): (m if isinstance(m, InputLayer) else clone(m)) for m in model.members}
    if input_tensors is None:
        sources = [m for m in model.members if isinstance(m, InputLayer)]
        by_name = {m.name: m for m in sources}
        tensors = []
        for wanted, fallback in zip(
            model.inputs, sources if len(sources) == len(model.inputs) else model.inputs
        ):
            layer = by_name.get(wanted.name, fallback)
            name = layer.name if isinstance(layer, InputLayer) else wanted.name
            tensors.append(
                InputLayer(
                    batch_shape=wanted.shape,
                    dtype=wanted.dtype,
                    sparse=wanted.sparse,
                    name=name,
                    optional=getattr(layer, "optional", False),
                ).output
            )
    else:
        tensors = flatten(input_tensors)
        if len(tensors) != len(model.inputs):
            raise UserInputError(
                f"`input_tensors` must hold {len(model.inputs)} tensors, one for each input. "
                f"Received {len(tensors)}."
            )

    def call(operation):
        operation = known.get(id(operation), operation)
        if call_function is not None and id(operation) in {id(v) for v in known.values()}:
            return lambda *args, **kwargs: call_function(operation, *args, **kwargs)
        return operation

    outputs = model._plan.replay(tensors, model._operations(), call=call)
    inputs = pack_like(model._symbols.inputs, tensors) if input_tensors is None else input_tensors
    cls = type(model) if model._is_plain() else Functional
    return cls(inputs, pack_like(model._symbols.outputs, outputs), name=model.name)
