"""How Keras's own checkpoints name arrays: by the names of layers, and for an optimizer by those of
the weights, joined. What stands in front of a name depends on where a layer was built: `model/a` in
a call of the model, `a` in a model that was loaded. So names belong together if one ends in the
other.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from fkeras.core.names import to_snake_case
from fkeras.core.values.variable_info import info_of
from fkeras.layers.base import tracking

if TYPE_CHECKING:
    from flax import nnx

    from fkeras.models import Model

_COUNTER = re.compile(r"_\d+$")


def weights_by_name(model: Model) -> dict[str, nnx.Variable]:
    """A model's weights by the names of the layers that they are in: `block/dense_1/kernel`."""
    structure = tracking.structure_of(model)
    layers = dict(structure.layers)
    weights = {}
    for path, variable in structure.separate:
        places = [path[: end + 1] for end in range(len(path) - 1)]
        names = [layers[place].name for place in places if place in layers]
        info = info_of(variable)
        own = path[-1] if info is None else info.path.rpartition("/")[2]
        weights["/".join([*names, own])] = variable
    return weights


def translate(model: Model, known: Iterable[str], names: Iterable[str]) -> dict[str, str]:
    """Names of a checkpoint by those of a model; all as they are, where some have no partner.

    Args:
        model: whose weights are known.
        known: their names.
        names: those of the checkpoint.
    """
    names = list(names)
    layers = (model, *(layer for _, layer in tracking.structure_of(model).layers))
    classes = {to_snake_case(type(layer).__name__) for layer in layers}
    # First as they are, then without the counters of names that nobody chose.
    for simplify in (lambda parts: parts, lambda parts: _without_counters(parts, classes)):
        found = _pair(_by_parts(known, simplify), _by_parts(names, simplify))
        if found is not None:
            return found
    return {name: name for name in names}


def slots_by_weight(names: Iterable[str], weights: Mapping[str, str]) -> list[str]:
    """`adam/model_dense_kernel_momentum` as `adam/momentum/model/dense/kernel`.

    Args:
        names: of what an optimizer keeps.
        weights: {name of a weight in such a name: name that is wanted}.

    Examples:
        >>> slots_by_weight(["adam/a_b_momentum", "adam/iteration"], {"a/b": "a/b"})
        ['adam/momentum/a/b', 'adam/iteration']
    """
    wanted = {name.replace("/", "_"): new for name, new in weights.items()}
    result = []
    for name in names:
        optimizer, _, slot = name.rpartition("/")
        ends = (match.start() for match in reversed(list(re.finditer("_", slot))))
        end = next((end for end in ends if slot[:end] in wanted), None)
        if end is not None:
            name = f"{optimizer}/{slot[end + 1 :]}/{wanted[slot[:end]]}"
        result.append(name)
    return result


def _by_parts(
    names: Iterable[str], simplify: Callable[[list[str]], list[str]]
) -> list[tuple[tuple[str, ...], str]]:
    return [(tuple(simplify(name.split("/"))), name) for name in names]


def _without_counters(parts: Sequence[str], classes: Collection[str]) -> list[str]:
    bases = [_COUNTER.sub("", part) for part in parts]
    return [base if base in classes else part for base, part in zip(bases, parts)]


def _pair(
    ours: Iterable[tuple[tuple[str, ...], str]], theirs: Iterable[tuple[tuple[str, ...], str]]
) -> dict[str, str] | None:
    """{name there: name here}, where each has one partner; None where that is not so.

    Those that have the most in common belong together; among equals, their counters decide.
    """
    ours, theirs = sorted(ours, key=_in_order), sorted(theirs, key=_in_order)
    whole: dict[tuple[str, ...], list[str]] = {}
    ends: dict[tuple[str, ...], list[str]] = {}
    for parts, name in ours:
        whole.setdefault(parts, []).append(name)
        for start in range(1, len(parts)):
            ends.setdefault(parts[start:], []).append(name)
    candidates: list[tuple[int, str, str]] = []  # (how much they share, name there, name here)
    for parts, name in theirs:
        candidates += [(len(parts), name, own) for own in ends.get(parts, ())]
        for start in range(len(parts)):
            shared = whole.get(parts[start:], ())
            candidates += [(len(parts) - start, name, own) for own in shared]
    found: dict[str, str] = {}
    taken: set[str] = set()
    for _, name, own in sorted(candidates, key=lambda candidate: -candidate[0]):
        if name not in found and own not in taken:
            found[name] = own
            taken.add(own)
    return found if len(found) == len(ours) == len(theirs) else None


def _in_order(entry: tuple[tuple[str, ...], str]) -> list[list[tuple[int, str]]]:
    """Sorts `dense_2` before `dense_10`."""
    return [
        [(int(piece), "") if piece.isdecimal() else (-1, piece) for piece in re.split("_", part)]
        for part in entry[1].split("/")
    ]
