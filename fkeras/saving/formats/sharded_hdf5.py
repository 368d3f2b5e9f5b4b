"""`.weights.json`: Keras 3's weights in several HDF5 files, with an index that names them.

    model.weights.json        which file holds which layer; sizes and checksums of the files
    model_00000.weights.h5    a part of what a `.weights.h5` holds
    model_00001.weights.h5    ...

A set is replaced as a whole, though it is several files: new parts get names that are free, then
the index is replaced in one step, then the parts of the earlier one go.
"""

from __future__ import annotations

import itertools
import json
import re
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from fkeras import io
from fkeras.errors import CorruptFileError, UnsafeFileError, UserInputError
from fkeras.io.paths import reason_to_refuse
from fkeras.saving.formats import hdf5, hdf5_stores, sharding
from fkeras.saving.formats.json_text import read_json
from fkeras.saving.formats.sealed_hdf5 import writing_sealed
from fkeras.saving.record import ModelRecord

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fkeras.saving.formats.sharding import WeightMap
    from fkeras.saving.stores import Store

DEFAULT_GIGABYTES = 5.0  # of a shard, where nobody says
_OWN = "fkeras"
_MAP = "weight_map"
_BEGINNING = 4096  # bytes that tell an index from other JSON
_MOST_INDEX = 1 << 28
_PIECE = 1 << 24


class ShardedWeights:
    """Keras 3's `.weights.json` with the files that it names.

    Args:
        most_gigabytes: size that no file exceeds, in units of 1024^3 bytes.

    Examples:
        >>> import fkeras, os
        >>> model = fkeras.Sequential([fkeras.Input((3,)), fkeras.layers.Dense(2)])
        >>> os.mkdir("sharded")
        >>> model.save_weights("sharded/model.weights.json", max_shard_size=24 / 1024**3)
        >>> sorted(os.listdir("sharded"))
        ['model.weights.json', 'model_00000.weights.h5', 'model_00001.weights.h5']
    """

    suffixes = (".weights.json",)
    layout: Literal["stores"] = "stores"
    holds_models = False
    holds_weights = True

    def __init__(self, most_gigabytes: float = DEFAULT_GIGABYTES) -> None:
        is_number = isinstance(most_gigabytes, (int, float)) and not isinstance(
            most_gigabytes, bool
        )
        if not is_number or not most_gigabytes > 0:
            raise UserInputError(
                "`max_shard_size` expected a number of gigabytes above 0. "
                f"Received: {most_gigabytes!r}"
            )
        self._most_gigabytes = most_gigabytes

    def is_saved_at(self, path: Path) -> bool:
        if not path.is_file():
            return False
        with open(path, "rb") as file:
            beginning = file.read(_BEGINNING)
        return beginning.lstrip().startswith(b"{") and f'"{_MAP}"'.encode() in beginning

    def write(self, record: ModelRecord, path: Path) -> None:
        shards = sharding.divide(record.stores or {}, self._most_gigabytes)
        places = [place for place, _ in zip(_free_places(path), shards)]
        earlier = _parts_in_place(path)
        written: list[Path] = []
        try:
            for place, stores in zip(places, shards):
                written.append(place)
                _write_part(place, stores)
            index = _index_of([place.name for place in places], shards, path.parent)
            with io.replacing_file(path) as temporary:
                temporary.write_text(json.dumps(index, indent=4), encoding="utf-8")
        except BaseException:
            _remove(written)
            raise
        _remove(earlier)
        first = _part(path, 0)
        if first in earlier:  # Keras opens it in any case
            _write_part(first, {})

    def read(self, path: Path) -> ModelRecord:
        shown = f"'{path}'"
        index = _read_index(path)
        weight_map = _map_of(index, shown)
        checksums = _checksums_of(index, shown)
        names = sorted({*checksums, *(name for names in weight_map.values() for name in names)})
        parts = {name: _read_part(path, name, shown, checksums) for name in names}
        found = sharding.map_weights(parts.items())
        if {place: sorted(names) for place, names in weight_map.items()} != found:
            differing = next(
                place
                for place in sorted({*weight_map, *found})
                if sorted(weight_map.get(place, ())) != found.get(place)
            )
            raise CorruptFileError(
                f"{shown} is damaged: it says that '{differing[:200]}' is in "
                f"{weight_map.get(differing)}; it is in {found.get(differing)}."
            )
        try:
            return ModelRecord({}, stores=sharding.join(parts.values()))
        except ValueError as error:
            raise CorruptFileError(f"{shown} is damaged: {error}.") from None


# -- the index ---------------------------------------------------------------------------------


def _index_of(
    names: list[str], shards: list[dict[str, Store]], folder: Path
) -> dict[str, dict[str, Any]]:
    total = sum(
        array.nbytes
        for shard in shards
        for store in shard.values()
        for array in store.values.values()
    )
    weight_map = sharding.map_weights(zip(names, shards))
    return {
        "metadata": {
            "total_size": total,
            _OWN: {name: _checksum(folder / name) for name in names},
        },
        # A name where there is one, a list where there are several, as Keras has it.
        _MAP: {
            place: names[0] if len(names) == 1 else names for place, names in weight_map.items()
        },
    }


def _read_index(path: Path) -> dict[str, Any]:
    size = path.stat().st_size
    if size > _MOST_INDEX:
        raise UnsafeFileError(f"'{path}' is refused: an index of {size} bytes. Models need less.")
    return read_json(path.read_bytes(), f"'{path}'")


def _map_of(index: dict[str, Any], shown: str) -> WeightMap:
    """Names of files by group.

    Raises:
        UnsafeFileError: the name of a file that is elsewhere.
        CorruptFileError: no map.
    """
    weight_map = index.get(_MAP)
    if not isinstance(weight_map, dict):
        raise CorruptFileError(f"{shown} is damaged: its '{_MAP}' is no JSON object.")
    found: WeightMap = {}
    for place, value in weight_map.items():
        names = value if isinstance(value, list) else [value]
        for name in names:
            _check_name(name, shown)
        found[place] = names
    return found


def _checksums_of(index: dict[str, Any], shown: str) -> Mapping[str, str]:
    """Of the parts, by name; empty where Keras wrote them."""
    metadata = index.get("metadata")
    own = metadata.get(_OWN) if isinstance(metadata, dict) else None
    checksums = own if isinstance(own, dict) else {}
    for name in checksums:
        _check_name(name, shown)
    return checksums


def _check_name(name: object, shown: str) -> None:
    if not isinstance(name, str) or not name:
        raise CorruptFileError(f"{shown} is damaged: {str(name)[:200]!r} is no name of a file.")
    if "/" in name or reason_to_refuse(name) is not None:
        raise UnsafeFileError(
            f"{shown} is refused: it names {name[:200]!r}, which is not beside it. Models do not "
            "need that: do not trust this file."
        )


# -- the parts ---------------------------------------------------------------------------------


def _base(path: Path) -> str:
    return path.name.removesuffix(".json").replace(".weights", "")


def _part(path: Path, number: int) -> Path:
    return path.with_name(f"{_base(path)}_{number:05}.weights.h5")


def _free_places(path: Path) -> Iterator[Path]:
    places = (_part(path, number) for number in itertools.count())
    return (place for place in places if not place.exists())


def _parts_in_place(path: Path) -> list[Path]:
    """The parts that the index at a path names, of those whose names it chose itself."""
    if not path.exists():
        return []
    try:
        weight_map = _map_of(_read_index(path), f"'{path}'")
    except (UserInputError, OSError):
        return []  # what is no index names nothing of ours
    names = {name for names in weight_map.values() for name in names}
    own = re.compile(re.escape(_base(path)) + r"_\d+\.weights\.h5")
    return [path.with_name(name) for name in names if own.fullmatch(name)]


def _write_part(place: Path, stores: Mapping[str, Store]) -> None:
    with io.replacing_file(place) as temporary, writing_sealed(temporary) as writer:
        hdf5_stores.write_stores(writer.file, stores, writer.create_dataset)


def _read_part(
    path: Path, name: str, shown: str, checksums: Mapping[str, str]
) -> Mapping[str, Store]:
    place = path.with_name(name)
    if place.is_symlink():
        raise UnsafeFileError(
            f"{shown} is refused: '{name[:200]}' is a link to somewhere else. Models need none."
        )
    if not place.is_file():
        raise CorruptFileError(
            f"{shown} is not whole: the file '{name[:200]}' that it names is missing."
        )
    if checksums and checksums.get(name) != _checksum(place):
        raise CorruptFileError(
            f"{shown} is damaged: '{name[:200]}' is not the file that was written with it."
        )
    return hdf5.read_stores_file(place)


def _checksum(place: Path) -> str:
    crc = 0
    with open(place, "rb") as file:
        while piece := file.read(_PIECE):
            crc = zlib.crc32(piece, crc)
    return f"{crc:08x}"


def _remove(places: list[Path]) -> None:
    for place in places:
        place.unlink(missing_ok=True)
