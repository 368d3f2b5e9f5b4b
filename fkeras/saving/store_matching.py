"""Which array of Keras's stores goes into which Variable of a model."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from fkeras.layers import Layer
from fkeras.optimizers import Optimizer
from fkeras.saving.blocks import BlockLayer, separate_states
from fkeras.saving.match import Match, are_of_unbuilt_optimizer
from fkeras.saving.moved_layers import follow_names
from fkeras.saving.stores import Store, further_paths, owners_by_path

if TYPE_CHECKING:
    from flax import nnx

    from fkeras.models import Model
    from fkeras.saving.record import ModelRecord

_EMPTY = Store(None, {})


def match_stores(model: Model, record: ModelRecord, skipped: Collection[Layer] = ()) -> Match:
    """Pairs the arrays of stores with the Variables of a built model, but for those of optimizers.

    Stores and layers of the same path belong together, as in Keras, whose paths know classes and
    positions but no names. Only where the user's names say that layers changed places do names
    count.

    Args:
        model: a built model.
        record: with stores.
        skipped: layers that stay as they are, with what is below them.
    """
    match = Match()
    owners = owners_by_path(model)
    stores = _with_todays_names(owners, record.stores or {})
    stores = follow_names(owners, _under_first_paths(model, owners, stores))
    if skipped:
        kept = owners_by_path(model, skipped)
        passed_by = owners.keys() - kept.keys()
        stores = {path: store for path, store in stores.items() if path not in passed_by}
        owners = kept
    for path, owner in owners.items():
        if isinstance(owner, Optimizer):
            continue
        store = stores.get(path, _EMPTY)
        if isinstance(owner, BlockLayer):
            own = owner.own_variables()
            _match_layer(match, path, owner.layer, store, own, owner.set_beside)
        elif type(owner).load_own_variables is Layer.load_own_variables:
            own = owner._own_variables()
            _match_layer(match, path, owner, store, own, owner._set_beside)
        else:
            match.hooks.append((path, owner, store.values))
    for path, store in stores.items():
        # tf.keras kept the states of metrics, too.
        if path in owners or is_of_optimizer(path) or path.startswith("metrics/"):
            continue
        if _is_state(store):
            match.left_out.append(path)
        else:
            for key, value in store.values.items():
                match.add_unused(f"{path}/vars/{key}", value, store.name)
    return match


def match_optimizers(
    match: Match, model: Model, record: ModelRecord, with_others: bool = True
) -> None:
    """Adds the state of the model's optimizer, and of others that are attributes of it."""
    stores = record.stores or {}
    for path, owner in owners_by_path(model).items():
        if isinstance(owner, Optimizer) and (with_others or is_of_optimizer(path)):
            own = separate_states(model, owner)
            store = stores.get(path, _EMPTY)
            _match_optimizer(match, path, owner, own, store, record.of_keras2)


def _match_layer(
    match: Match,
    path: str,
    layer: Layer,
    store: Store,
    own: Sequence[nnx.Variable],
    set_beside: Callable[[nnx.Variable], list[tuple[nnx.Variable, Any]]],
) -> None:
    keys = [str(i) for i in range(len(own))]
    for key, variable in zip(keys, own):
        shown = f"{path or layer.name}/{variable.name}"
        if path and layer.name != path.rpartition("/")[2]:
            shown = f"{shown} of layer '{layer.name}'"
        value = store.values.get(key)
        value = None if value is None else layer._as_kept(variable, value)
        if match.add(shown, variable, value):
            match.pairs += set_beside(variable)
    for key, value in store.values.items():
        if key not in keys:
            match.add_unused(f"{path}/vars/{key}", value, store.name)


def _match_optimizer(
    match: Match,
    path: str,
    optimizer: Optimizer,
    own: list[nnx.Variable],
    store: Store,
    of_keras2: bool,
) -> None:
    values = store.values
    if not values:
        return
    if of_keras2:  # where the rate is no state, and slots that are never used are
        own = [variable for variable in own if variable.name != "learning_rate"]
        values = values if len(own) > 1 else {"0": values["0"]}
    if len(values) < len(own) and are_of_unbuilt_optimizer(values.values()):
        own = own[: len(values)]
    if set(values) != {str(i) for i in range(len(own))}:
        match.problems[path] = (
            f"file {len(values)} arrays of state, model {len(own)} ({optimizer.name})"
        )
        return
    for i, variable in enumerate(own):
        match.add(f"{path}/{variable.path}", variable, values[str(i)])


def _with_todays_names(
    owners: Mapping[str, object], stores: Mapping[str, Store]
) -> dict[str, Store]:
    """The stores, with what Keras 2 named by a private attribute under the public one of today."""
    private = {
        f"{folder}_{name}": path
        for path in owners
        for folder, name in [(path[: path.rfind("/") + 1], path.rpartition("/")[2])]
    }
    return {
        path if path in owners else private.get(path, path): store for path, store in stores.items()
    }


def _under_first_paths(
    model: Model, owners: Mapping[str, object], stores: dict[str, Store]
) -> dict[str, Store]:
    """The stores, with what is at a further path of a layer at the one that counts today.

    So a file fits that was made before an attribute got another name and a property the old one.
    """
    if owners.keys() <= stores.keys():
        return stores
    for further, first in further_paths(model).items():
        if not any(_is_below(path, first) for path in stores):
            stores = {
                first + path.removeprefix(further) if _is_below(path, further) else path: store
                for path, store in stores.items()
            }
    return stores


def _is_below(path: str, parent: str) -> bool:
    return path == parent or path.startswith(f"{parent}/")


def holds_optimizer(record: ModelRecord) -> bool:
    """Whether there is any state of an optimizer."""
    stores = record.stores or {}
    return any(
        _is_state(store) or (store.values and is_of_optimizer(path))
        for path, store in stores.items()
    )


def _is_state(store: Store) -> bool:
    """Whether arrays look like an optimizer's: its count and its rate come first."""
    count, rate = store.values.get("0"), store.values.get("1")
    if count is None or rate is None or count.shape or rate.shape:
        return False
    return count.dtype.kind in "iu" and rate.dtype.kind == "f"


def is_of_optimizer(path: str) -> bool:
    """Whether a store is of an optimizer, or of one inside of it."""
    return "optimizer" in path.split("/")
