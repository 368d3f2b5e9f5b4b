"""`tensor_parallel`: rules that cut the layers of a transformer, or of any model, over an axis."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fkeras import layers
from fkeras.core.values.variable_info import info_of
from fkeras.distribution.layout import LayoutMap
from fkeras.errors import UserInputError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fkeras.core.values.variable import Variable
    from fkeras.distribution.mesh import DeviceMesh

_PROJECTIONS = ("query", "key", "value")  # (features, heads, head size)


def tensor_parallel(
    model: layers.Layer, device_mesh: DeviceMesh, axis_name: str | None = None
) -> LayoutMap:
    """Rules for `ModelParallel` that cut a model's weights so that layers follow each other with
    little communication.

    Attention is cut by heads. A `Dense` layer that widens is cut by its outputs, one that narrows
    by its inputs: the pair in a transformer's feed-forward part then needs one reduction. An
    `Embedding` is cut by features. What does not divide evenly stays whole. The numbers are the
    same for any choice of rules; these are a start that may be changed.

    Args:
        model: a built model.
        device_mesh: with an axis to cut along.
        axis_name: that axis; None for the last one of the mesh.

    Returns:
        A `LayoutMap` with one rule a weight that is cut.

    Raises:
        UserInputError: the model has no weights yet, the mesh has no such axis, or nothing divides.

    Examples:
        >>> import fkeras
        >>> model = fkeras.Sequential(
        ...     [fkeras.Input((4,)), fkeras.layers.Dense(8, name="up")], name="net"
        ... )
        >>> names = ["batch", "model"]
        >>> mesh = fkeras.distribution.DeviceMesh((1, 1), names, ["cpu:0"])
        >>> rules = fkeras.distribution.tensor_parallel(model, mesh)
        >>> {path: layout.axes for path, layout in rules.items()}
        {'net/up/kernel': (None, 'model'), 'net/up/bias': ('model',)}
    """
    axis = axis_name or device_mesh.axis_names[-1]
    if axis not in device_mesh.axis_names:
        raise UserInputError(f"The mesh {device_mesh} has no axis {axis!r}.")
    parts = device_mesh.axis_size(axis)
    rules = LayoutMap(device_mesh)
    for layer in model._flatten_layers():
        for path, shape, position in _cuts_of(layer):
            if shape[position] % parts == 0 and path not in rules:
                axes: list[str | None] = [None] * len(shape)
                axes[position] = axis
                rules[path] = tuple(axes)
    if not len(rules):
        raise UserInputError(
            f"No weight of '{model.name}' is cut: it is not built yet, has no layer of a kind that "
            f"is known here, or no axis divides by the {parts} devices along {axis!r}."
        )
    return rules


def _cuts_of(layer: layers.Layer) -> Iterator[tuple[str, tuple[int, ...], int]]:
    """(path, shape, axis to cut) of a layer's own weights."""
    if not layer.built:
        return
    if isinstance(layer, (layers.MultiHeadAttention, layers.GroupedQueryAttention)):
        yield from _cuts_of_attention(layer)
    elif isinstance(layer, layers.Embedding):
        yield layer.embeddings.path, _own_shape(layer.embeddings), 1
    elif type(layer) is layers.Dense:
        inputs, outputs = shape = _own_shape(layer.kernel)
        widens = outputs >= inputs
        yield layer.kernel.path, shape, 1 if widens else 0
        if widens and layer.bias is not None:
            yield layer.bias.path, _own_shape(layer.bias), 0


def _own_shape(variable: Variable) -> tuple[int, ...]:
    """The shape of a weight; of a stack of blocks that of one of them."""
    info = info_of(variable)
    return tuple(info.shape[len(info.blocks) :])


def _cuts_of_attention(layer: layers.Layer) -> Iterator[tuple[str, tuple[int, ...], int]]:
    for variable in layer.weights:
        *_, owner, kind = variable.path.split("/")
        if owner in _PROJECTIONS:  # kernel (features, heads, size), bias (heads, size)
            yield variable.path, _own_shape(variable), 1 if kind == "kernel" else 0
        elif owner == "attention_output" and kind == "kernel":  # (heads, size, features)
            yield variable.path, _own_shape(variable), 0
