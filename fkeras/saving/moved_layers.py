"""Layers that changed places between a file and a model, told by the names that users gave them.

Keras's paths know classes and positions only. Two Dense layers of one shape that changed places
would each get the other's weights, and nothing would say so.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from fkeras.core.names import is_automatic
from fkeras.saving.blocks import BlockLayer

if TYPE_CHECKING:
    from fkeras.saving.stores import Owner, Store

    Owners = Mapping[str, Owner]


def follow_names(owners: Owners, stores: Mapping[str, Store]) -> Mapping[str, Store]:
    """The stores under the paths where the model has the layers of their names.

    Only where both have the same names below one path, none of them chosen by Keras, and in another
    order; all else is as it was.

    Args:
        owners: what has a store in the model, by path.
        stores: those of a file.
    """
    moved: dict[str, str] = {}
    for siblings in _siblings(path for path in owners if path in stores):
        moved.update(_find_moved(siblings, owners, stores))
    if not moved:
        return stores
    staying = {
        path: store
        for path, store in stores.items()
        if not any(_is_below(path, target) for target in moved)
    }
    arrived = {
        target + path.removeprefix(source): store
        for target, source in moved.items()
        for path, store in stores.items()
        if _is_below(path, source)
    }
    return {**staying, **arrived}


def _find_moved(siblings: list[str], owners: Owners, stores: Mapping[str, Store]) -> dict[str, str]:
    """By path in the model, the path in the file of the layer of that name."""
    chosen = {path: owners[path].name for path in siblings if not _is_automatic(owners[path])}
    in_file = {stores[path].name: path for path in chosen}
    if len(in_file) != len(chosen) or set(in_file) != set(chosen.values()):
        return {}
    return {path: in_file[name] for path, name in chosen.items() if in_file[name] != path}


def _siblings(paths: Iterable[str]) -> Iterable[list[str]]:
    by_parent: dict[str, list[str]] = {}
    for path in paths:
        by_parent.setdefault(path.rpartition("/")[0], []).append(path)
    return by_parent.values()


def _is_below(path: str, parent: str) -> bool:
    return path == parent or path.startswith(f"{parent}/")


def _is_automatic(owner: Owner) -> bool:
    """Whether a name may be Keras's own: the class's, with a number or without."""
    layer = owner.layer if isinstance(owner, BlockLayer) else owner
    return is_automatic(layer.name, type(layer).__name__)
