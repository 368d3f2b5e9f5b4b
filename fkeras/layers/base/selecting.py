"""Masks over `params`: which are trained, and which belong to a layer or a path."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from flax import nnx
from flax.traverse_util import unflatten_dict

from fkeras.errors import NotBuiltError, UserInputError, UserTypeError
from fkeras.tree import selection

if TYPE_CHECKING:
    from fkeras.layers.base.layer import Layer
    from fkeras.layers.base.tracking import Path

    Item = str | Layer | nnx.Variable | Callable[[str, nnx.Variable], bool]


def trainable_mask(layer: Layer) -> dict[str, Any]:
    """True for what training changes: see `Layer.trainable_mask`."""
    trained = {id(variable) for variable in layer.trainable_variables}
    return unflatten_dict({path: id(v) in trained for path, v in _params(layer, "trainable_mask")})


def params_mask(layer: Layer, where: Item | Sequence[Item]) -> dict[str, Any]:
    """True for what is meant: see `Layer.params_mask`."""
    params = _params(layer, "params_mask")
    items = list(where) if isinstance(where, (list, tuple)) else [where]
    chosen: set[int] = set()
    others = []  # patterns and functions
    for item in items:
        if isinstance(item, nnx.Variable):
            chosen.add(_known(layer, params, [item])[0])
        elif hasattr(item, "_info"):
            own = [v for _, v in item._structure().variables if isinstance(v, nnx.Param)]
            chosen.update(_known(layer, params, own))
        elif isinstance(item, str) or callable(item):
            others.append(item)
        else:
            raise UserTypeError(
                f"`{layer.name}.params_mask` takes layers, weights, paths such as 'encoder/*', "
                f"functions of path and weight, or a list of them. Received: {item!r}"
            )
    paths = ["/".join(path) for path, _ in params]
    for item in others:
        if isinstance(item, str) and not any(selection.fits(path, item) for path in paths):
            raise selection.no_path_fits(item, paths)
    return unflatten_dict(
        {
            path: id(variable) in chosen or selection.is_meant("/".join(path), variable, others)
            for path, variable in params
        }
    )


def _params(layer: Layer, method: str) -> list[tuple[Path, nnx.Variable]]:
    structure = layer._structure()
    if not layer.built:
        raise NotBuiltError(
            f"`{layer.name}.{method}()`: the layer has no params yet. Call it on data, "
            f"`{layer.name}.build(shape)`, or `{layer.name}.init(key, inputs)`."
        )
    return [(path, v) for path, v in structure.variables if isinstance(v, nnx.Param)]


def _known(
    layer: Layer, params: Sequence[tuple[Path, nnx.Variable]], own: Sequence[nnx.Variable]
) -> list[int]:
    """Ids of Variables, all of them among the layer's."""
    known = {id(variable) for _, variable in params}
    if not all(id(variable) in known for variable in own):
        raise UserInputError(
            f"`{layer.name}.params_mask`: it holds weights that '{layer.name}' does not have."
        )
    return [id(variable) for variable in own]
