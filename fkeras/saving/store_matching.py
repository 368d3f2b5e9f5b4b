"""Which array of Keras's stores goes into which Variable of a model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from fkeras.core.names import to_snake_case
from fkeras.layers import Layer
from fkeras.optimizers import Optimizer
from fkeras.saving.match import Match
from fkeras.saving.stores import Store, owners_by_path

if TYPE_CHECKING:
    from fkeras.models import Model
    from fkeras.saving.record import ModelRecord

_EMPTY = Store(None, {})


def match_stores(model: Model, record: ModelRecord, with_optimizer: bool) -> Match:
    """Pairs the arrays of stores with the Variables of a built model.

    Stores and layers of the same path belong together, as in Keras, whose paths know classes and
    positions but no names. Only where the user's names say that layers changed places do names
    count.

    Args:
        model: a built model.
        record: with stores.
        with_optimizer: whether the optimizer's state has to fit; it is left out otherwise.
    """
    match = Match()
    owners = owners_by_path(model)
    stores = _by_names_where_they_moved(owners, record.stores or {})
    for path, owner in owners.items():
        if isinstance(owner, Optimizer):
            if with_optimizer:
                _match_optimizer(match, path, owner, stores.get(path, _EMPTY))
            continue
        store = stores.get(path, _EMPTY)
        if type(owner).load_own_variables is Layer.load_own_variables:
            _match_layer(match, path, owner, store)
        else:
            match.hooks.append((path, owner, store.values))
    for path, store in stores.items():
        if path not in owners and not is_of_optimizer(path):
            for key, value in store.values.items():
                match.add_unused(f"{path}/vars/{key}", value, store.name)
    return match


def _match_layer(match: Match, path: str, layer: Layer, store: Store) -> None:
    own = layer._own_variables()
    keys = [str(i) for i in range(len(own))]
    for key, variable in zip(keys, own):
        shown = f"{path or layer.name}/{variable.name}"
        if path and layer.name != path.rpartition("/")[2]:
            shown = f"{shown} of layer '{layer.name}'"
        match.add(shown, variable, store.values.get(key))
    for key, value in store.values.items():
        if key not in keys:
            match.add_unused(f"{path}/vars/{key}", value, store.name)


def _match_optimizer(match: Match, path: str, optimizer: Optimizer, store: Store) -> None:
    own, values = optimizer.variables, store.values
    if not values:
        return
    if set(values) != {str(i) for i in range(len(own))}:
        match.problems[path] = (
            f"file {len(values)} arrays of state, model {len(own)} ({optimizer.name})"
        )
        return
    for i, variable in enumerate(own):
        match.add(f"{path}/{variable.path}", variable, values[str(i)])


def fits_optimizer(model: Model, record: ModelRecord) -> bool:
    """Whether the state of the optimizer in the stores is one of the model's as it is now."""
    match = Match()
    stores = record.stores or {}
    found = False
    for path, owner in owners_by_path(model).items():
        if isinstance(owner, Optimizer):
            found = found or bool(stores.get(path, _EMPTY).values)
            _match_optimizer(match, path, owner, stores.get(path, _EMPTY))
    return found and not match.problems


def holds_optimizer(record: ModelRecord) -> bool:
    """Whether there is any state of an optimizer."""
    return any(store.values for path, store in (record.stores or {}).items() if is_of_optimizer(path))


def is_of_optimizer(path: str) -> bool:
    """Whether a store is of an optimizer, or of one inside of it."""
    return "optimizer" in path.split("/")


def _by_names_where_they_moved(
    owners: Mapping[str, Layer | Optimizer], stores: Mapping[str, Store]
) -> Mapping[str, Store]:
    """The stores under the paths where the model has the layers of their names.

    Only where both have the same names below one path, none of them chosen by Keras, and in another
    order: then positions would give each layer the weights of another.
    """
    moved: dict[str, str] = {}  # path in the model -> path in the file
    for parent in {path.rpartition("/")[0] for path in owners}:
        named = {
            path: owner.name
            for path, owner in owners.items()
            if path.rpartition("/")[0] == parent and path in stores and isinstance(owner, Layer)
        }
        chosen = {path: name for path, name in named.items() if not _is_automatic(name, owners[path])}
        in_file = {stores[path].name: path for path in chosen}
        if len(in_file) == len(chosen) and set(in_file) == set(chosen.values()):
            moved.update(
                {path: in_file[name] for path, name in chosen.items() if in_file[name] != path}
            )
    if not moved:
        return stores
    result = dict(stores)
    for target, source in moved.items():
        for path in [p for p in result if p == target or p.startswith(f"{target}/")]:
            del result[path]
    for target, source in moved.items():
        for path, store in stores.items():
            if path == source or path.startswith(f"{source}/"):
                result[target + path.removeprefix(source)] = store
    return result


def _is_automatic(name: str, owner: object) -> bool:
    base, _, number = name.rpartition("_")
    kind = to_snake_case(type(owner).__name__)
    return name == kind or (base == kind and number.isdecimal())
