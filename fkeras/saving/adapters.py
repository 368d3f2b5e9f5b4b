"""Low-rank adapters by themselves, in a file of a thousandth of the model's size.

For each adapted layer the file has its two adapters and `lora_alpha`, under the layer's structural
path: `encoder/query/lora_kernel_a`. It is a `.safetensors` file; the rank is told by the shapes.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from fkeras.core.values import stacking, stand_ins
from fkeras.errors import IncompatibleFileError, UserInputError
from fkeras.layers.base import tracking
from fkeras.layers.base.low_rank import LowRankAdaptable
from fkeras.saving.formats.safetensors import SafetensorsFile
from fkeras.saving.match import listed
from fkeras.saving.record import ModelRecord

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fkeras.layers import Layer
    from fkeras.models import Model
    from fkeras.types import PathLike

_ALPHA = "lora_alpha"


class _Place(NamedTuple):
    """A layer that can have adapters, in one of the blocks where it is repeated."""

    layer: LowRankAdaptable
    block: tuple[int, ...]


def save_adapters(model: Model, filepath: PathLike) -> None:
    """Writes the adapters of a model's layers: see `Model.save_lora_weights`."""
    path = _checked_path(filepath, "save_lora_weights")
    places = {name: place for name, place in _places(model).items() if place.layer.lora_enabled}
    if not places:
        raise UserInputError(
            f"`save_lora_weights`: model '{model.name}' has no adapters. `enable_lora(rank)` makes "
            "them."
        )
    arrays: dict[str, np.ndarray] = {}
    with stand_ins.held_still([v for place in places.values() for v in place.layer._adapters]):
        for name, (layer, block) in places.items():
            for letter, adapter in zip("ab", layer._adapters):
                key = f"{name}/lora_{layer._adapted_name}_{letter}"
                arrays[key] = stacking.block_value(adapter, block).numpy()
            arrays[f"{name}/{_ALPHA}"] = np.asarray(layer.lora_alpha, "float64")
    SafetensorsFile().write(ModelRecord(arrays), path)


def load_adapters(model: Model, filepath: PathLike) -> None:
    """Takes adapters from a file, making those that are missing: see `Model.load_lora_weights`."""
    path = _checked_path(filepath, "load_lora_weights")
    if not path.exists():
        raise FileNotFoundError(f"`load_lora_weights`: there is no file '{filepath}'.")
    if not SafetensorsFile().is_saved_at(path):
        raise IncompatibleFileError(
            f"'{filepath}' is no file of adapters. `model.save_lora_weights(path)` writes one."
        )
    arrays = dict(SafetensorsFile().read(path).weights)
    places = _places(model)
    problems: dict[str, str] = {}
    found: dict[str, _Adapters] = {}
    for name, (layer, _) in places.items():
        adapters = _taken(arrays, name, layer)
        if adapters is not None:
            found[name] = adapters
            problem = adapters.unfit(layer)
        else:
            problem = "its adapters are not in the file" if layer.lora_enabled else None
        if problem is not None:
            problems[name] = problem
    problems |= {key: f"file {array.shape}, not in the model" for key, array in arrays.items()}
    problems = _differing_blocks(places, found) | problems
    if problems or not found:
        shown = listed(problems.items()) or "  no adapters"
        raise IncompatibleFileError(
            f"The adapters in '{filepath}' do not fit model '{model.name}':\n{shown}"
        )
    pairs: list[tuple[Any, np.ndarray]] = []
    for name, (a, b, alpha) in found.items():
        layer, block = places[name]
        if not layer.lora_enabled:
            layer.enable_lora(a.shape[-1], lora_alpha=alpha)
        layer.lora_alpha = alpha
        pairs += [
            (stacking.block_value(adapter, block), value)
            for adapter, value in zip(layer._adapters, (a, b))
        ]
    stacking.assign_all(pairs)


class _Adapters(NamedTuple):
    """What a file has for one layer."""

    a: np.ndarray
    b: np.ndarray
    alpha: float

    def unfit(self, layer: LowRankAdaptable) -> str | None:
        """Why they cannot be a layer's; None where they can."""
        *inputs, outputs = layer._adapted_shape()
        rank = self.a.shape[-1] if self.a.ndim else 0
        shapes = (*inputs, rank), (rank, outputs)
        if (self.a.shape, self.b.shape) != shapes or not rank:
            return f"file {self.a.shape} and {self.b.shape}, model {shapes[0]} and {shapes[1]}"
        if layer.lora_enabled and rank != layer.lora_rank:
            return f"file has rank {rank}, model {layer.lora_rank}: `merge_lora()` makes room"
        if not math.isfinite(self.alpha) or self.alpha == 0:
            return f"`{_ALPHA}` is {self.alpha}"
        return layer._why_not_adapted()


def _taken(arrays: dict[str, np.ndarray], name: str, layer: LowRankAdaptable) -> _Adapters | None:
    """A layer's adapters, which are taken out of the arrays; None where they are not all there."""
    stem = f"{name}/lora_{layer._adapted_name}"
    keys = (f"{stem}_a", f"{stem}_b", f"{name}/{_ALPHA}")
    if not all(key in arrays for key in keys) or arrays[keys[2]].shape != ():
        return None
    a, b, alpha = (arrays.pop(key) for key in keys)
    alpha = float(alpha)
    return _Adapters(a, b, int(alpha) if alpha.is_integer() else alpha)


def _differing_blocks(
    places: Mapping[str, _Place], found: Mapping[str, _Adapters]
) -> dict[str, str]:
    """Blocks of a `Repeat` have adapters of one rank and alpha, all of them or none."""
    first: dict[int, str] = {}
    problems: dict[str, str] = {}
    for name, place in places.items():
        other = first.setdefault(id(place.layer), name)
        mine, theirs = found.get(name), found.get(other)
        if (mine and (mine.a.shape, mine.alpha)) != (theirs and (theirs.a.shape, theirs.alpha)):
            problems[name] = f"rank or alpha differ from those of '{other}', which is repeated"
    return problems


def _places(model: Model) -> dict[str, _Place]:
    """Layers that can have adapters by structural path, those of a `Repeat` in each block."""
    entries: list[tuple[tracking.Path, Layer]] = [((), model)]
    entries += tracking.structure_of(model).layers
    places: dict[str, _Place] = {}
    for path, layer in entries:
        if not isinstance(layer, LowRankAdaptable) or not layer.built:
            continue
        blocks = np.ndindex(*layer._adapted_variable._meta.blocks)
        for block_path, block in zip(stacking.paths_of_blocks(path), blocks):
            places["/".join(block_path)] = _Place(layer, block)
    return places


def _checked_path(filepath: PathLike, method: str) -> Path:
    path = Path(filepath).expanduser().absolute()
    if path.suffix != ".safetensors":
        raise UserInputError(
            f"`{method}`: the file's name must end in '.safetensors'. Received: '{filepath}'"
        )
    return path
