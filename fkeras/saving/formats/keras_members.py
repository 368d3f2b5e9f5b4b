"""What a `.keras` archive and its directory form consist of.

metadata.json      version, date; under "fkeras" what Keras has no place for
config.json        the architecture, with what `compile` was given
model.weights.h5   weights and the optimizer's state, as in a `.weights.h5`
assets/            other files of layers
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Collection, Iterator

from fkeras.errors import CorruptFileError
from fkeras.io.paths import parts_of, reason_to_refuse
from fkeras.saving.formats import guarded_hdf5, hdf5_stores, metadata
from fkeras.saving.formats.json_text import read_json
from fkeras.saving.formats.seal import check_seal
from fkeras.saving.keras2_config import is_of_keras2, modernize_model
from fkeras.saving.record import ModelRecord

METADATA = "metadata.json"
CONFIG = "config.json"
WEIGHTS = "model.weights.h5"
ASSETS = "assets/"


def members_of(record: ModelRecord) -> Iterator[tuple[str, bytes | memoryview]]:
    """(name, content) of all members that a record becomes."""
    yield METADATA, json.dumps(metadata.describe(record)).encode()
    yield CONFIG, json.dumps(record.config).encode()
    weights = io.BytesIO()
    with guarded_hdf5.import_h5py().File(weights, "w") as file:
        hdf5_stores.write_stores(file, record.stores)
    yield WEIGHTS, weights.getbuffer()
    for name, content in record.assets.items():
        yield ASSETS + name, content


def record_of(names: Collection[str], read: Callable[[str], bytes], shown: str) -> ModelRecord:
    """The record that members make up.

    Args:
        names: of the members that there are.
        read: function (name) -> content.
        shown: how messages name the whole.

    Raises:
        CorruptFileError: a member is missing or damaged.
        IncompatibleFileError: written by a newer release.
        UnsafeFileError: weights that reach out of their file.
    """
    for name in (METADATA, CONFIG, WEIGHTS):
        if name not in names:
            raise CorruptFileError(
                f"{shown} is not a whole model: the member '{name}' is missing. It holds "
                f"{sorted(names)[:8]}."
            )
    described = read_json(read(METADATA), f"{shown}, {METADATA}")
    own = metadata.own_part(described)
    version = described.get("keras_version")
    metadata.check_version(version, own, f"{shown}, {METADATA}")
    config = read_json(read(CONFIG), f"{shown}, {CONFIG}")
    of_keras2 = is_of_keras2(version)
    if of_keras2:
        config = modernize_model(config)
    weights = read(WEIGHTS)
    source = io.BytesIO(weights)
    check_seal(source, len(weights), f"{shown}, {WEIGHTS}")
    with guarded_hdf5.open_guarded(source, len(weights), f"{shown}, {WEIGHTS}") as file:
        stores = hdf5_stores.read_stores(file)
    return ModelRecord(
        {},
        stores=stores,
        config=config,
        metadata=described,
        of_keras2=of_keras2,
        lifetime=metadata.lifetime_of(own),
        generators=metadata.generators_of(own),
        **metadata.choices_of(own),
        assets={
            name.removeprefix(ASSETS): read(name)
            for name in names
            if name.startswith(ASSETS) and not name.endswith("/")
        },
    )


def is_member(name: str) -> bool:
    """Whether a model may have a member of this name, which somebody else chose."""
    if name in (METADATA, CONFIG, WEIGHTS):
        return True
    return (
        name.startswith(ASSETS)
        and reason_to_refuse(name) is None
        and "/".join(parts_of(name)) == name.rstrip("/")
    )
