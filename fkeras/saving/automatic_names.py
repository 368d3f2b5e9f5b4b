"""Names that the library chose, with a counter that depends on what else a process has built.

A config gives every layer a name, and does not tell whose choice it was. Structural paths leave
such names out, so a file remembers which layers had them, and a model that is loaded has the paths,
the random keys and the weights' places of the first one. Between models that differ in such
counters only, paths are translated.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from fkeras.core.names import to_snake_case
from fkeras.layers.base import tracking
from fkeras.layers.base.attribute_scan import AttributeScan

if TYPE_CHECKING:
    from fkeras.models import Model

_COUNTER = re.compile(r"_\d+$")


def record_automatic(model: Model) -> tuple[bool, ...]:
    """Whether each layer below a model has a name that was chosen for it."""
    return tuple(layer._info.auto_named for _, layer in tracking.structure_of(model).layers)


def restore_automatic(model: Model, automatic: Sequence[bool] | None) -> None:
    """Gives the layers of a model that was made from a config what `record_automatic` returned."""
    layers = [layer for _, layer in tracking.structure_of(model).layers]
    if automatic is None or len(layers) != len(automatic):
        return
    for layer, flag in zip(layers, automatic):
        layer._info.auto_named = flag
    AttributeScan.renamings += 1


def guess_automatic(model: Model, fits: Callable[[], bool]) -> None:
    """Where a file does not tell: names that look as if they had been chosen were chosen, if the
    file's paths are those that the model then has.

    Args:
        model: made from a config.
        fits: whether the paths of the model, as it is at that moment, are those of the file.
    """
    if fits():
        return
    before = record_automatic(model)
    layers = [layer for _, layer in tracking.structure_of(model).layers]
    likely = [_COUNTER.sub("", v.name) == to_snake_case(type(v).__name__) for v in layers]
    for flags in (likely, before):
        for layer, flag in zip(layers, flags):
            layer._info.auto_named = flag
        AttributeScan.renamings += 1
        if fits():
            return


def translate(model: Model, known: Collection[str], paths: Iterable[str]) -> dict[str, str]:
    """Paths of another model of this kind, by those that they are in this one.

    Args:
        model: this one.
        known: paths in this one.
        paths: those of the other one, in its order.

    Returns:
        {path: path here}; all as they are, where they differ in more than counters.
    """
    paths = list(paths)
    unchanged = {path: path for path in paths}
    if set(known) == set(paths):
        return unchanged
    classes = {
        to_snake_case(type(layer).__name__)
        for layer in (model, *(layer for _, layer in tracking.structure_of(model).layers))
    }
    ours = {neutral: path for path, neutral in _without_counters(known, classes).items()}
    theirs = _without_counters(paths, classes)
    if set(ours) != set(theirs.values()) or len(ours) != len(theirs):
        return unchanged
    return {path: ours[neutral] for path, neutral in theirs.items()}


def _without_counters(paths: Iterable[str], classes: Collection[str]) -> dict[str, str]:
    """Each path with counters that run from 0 among the members of one place."""
    numbers: dict[tuple[str, str], list[str]] = {}  # (place, class) -> names met
    neutral = {}
    for path in paths:
        done: list[str] = []
        for part in path.split("/"):
            base = _COUNTER.sub("", part)
            if base in classes:
                met = numbers.setdefault(("/".join(done), base), [])
                if part not in met:
                    met.append(part)
                part = f"{base}_{met.index(part)}"
            done.append(part)
        neutral[path] = "/".join(done)
    return neutral


def translate_slot(name: str, translation: Mapping[str, str]) -> str:
    """The name of what an optimizer keeps for a weight, in whose path it ends."""
    for place in (match.end() for match in re.finditer("/", name)):
        path = name[place:]
        if path in translation:
            return name[:place] + translation[path]
    return name
