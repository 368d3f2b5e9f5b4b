"""Which arrays of a model go into which of several files, each of a limited size."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TypeAlias

from fkeras.errors import UserInputError
from fkeras.saving.stores import Store

WeightMap: TypeAlias = dict[str, list[str]]

_GIGABYTE = 1024**3


def divide(stores: Mapping[str, Store], most_gigabytes: float) -> list[dict[str, Store]]:
    """The stores in shards, in their order; one store may reach over several.

    Args:
        stores: of a model. Those without arrays are left out.
        most_gigabytes: size that no shard exceeds, in units of 1024^3 bytes.

    Raises:
        UserInputError: an array that is larger than a shard.

    Examples:
        >>> import numpy as np
        >>> from fkeras.saving.formats.sharding import divide
        >>> from fkeras.saving.stores import Store
        >>> dense = Store("dense", {"0": np.zeros((4, 8)), "1": np.zeros(8)})
        >>> [list(shard["dense"].values) for shard in divide({"dense": dense}, 256 / 1024**3)]
        [['0'], ['1']]
    """
    most = most_gigabytes * _GIGABYTE
    shards: list[dict[str, dict]] = [{}]
    filled = 0
    for path, store in stores.items():
        for key, array in store.values.items():
            if array.nbytes > most:
                raise UserInputError(
                    f"The size of '{path or store.name}', array {key}, is {array.nbytes} bytes, "
                    f"which exceeds the maximum shard size of {most:.0f} bytes. Pass a larger "
                    "`max_shard_size`, which counts gigabytes."
                )
            if filled + array.nbytes > most:
                shards.append({})
                filled = 0
            filled += array.nbytes
            shards[-1].setdefault(path, {})[key] = array
    return [
        {path: Store(stores[path].name, values) for path, values in shard.items()}
        for shard in shards
    ]


def map_weights(shards: Iterable[tuple[str, Mapping[str, Store]]]) -> WeightMap:
    """Which files hold the arrays of each store, under Keras's name of its group.

    Args:
        shards: (name of the file, its stores).
    """
    found: WeightMap = {}
    for name, stores in shards:
        for path, store in stores.items():
            if store.values:
                found.setdefault(f"/{path}/vars" if path else "/vars", []).append(name)
    return found


def join(shards: Iterable[Mapping[str, Store]]) -> dict[str, Store]:
    """The stores of all shards.

    Raises:
        ValueError: an array that two shards have.
    """
    joined: dict[str, Store] = {}
    for shard in shards:
        for path, store in shard.items():
            before = joined.get(path, Store(store.name, {}))
            twice = before.values.keys() & store.values.keys()
            if twice:
                raise ValueError(f"two files hold '{path}/vars/{min(twice)}'")
            joined[path] = Store(before.name or store.name, {**before.values, **store.values})
    return joined
