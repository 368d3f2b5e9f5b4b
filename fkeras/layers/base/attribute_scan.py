"""What a layer holds itself, and whether it still does.

The attributes are read in the order of their assignment, through lists, tuples, sets and dicts. A
scan keeps what it found with all that it looked at: as long as every attribute and container holds
the same things, another scan would find the same, and comparing costs a fifth of scanning.
"""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any

from flax import nnx

from fkeras.core.randomness.seed_generator import SeedGenerator

if TYPE_CHECKING:
    from collections.abc import Iterable

    from fkeras.layers.base.layer import Layer

# NNX's own, and what a model holds beside its structure.
_SKIPPED = frozenset(("_pytree__state", "_pytree__nodes", "_info", "optimizer"))

# What a value is to a scan.
_OTHER, _TRACKED, _SEQUENCE, _MAPPING = range(4)
_kinds: dict[type, int] = {}


class AttributeScan:
    """One look at the attributes of a layer.

    Attributes:
        children: list of (name, thing) for the Variables, seed generators, layers, foreign modules
            and metrics that were found, in order, each once.
    """

    renamings = 0  # of any layer: members of models go by their names, so a scan ends with each

    __slots__ = (
        "_attributes",
        "_names",
        "_types",
        "_values",
        "_containers",
        "_renamings",
        "children",
    )

    def __init__(self, layer: Layer) -> None:
        attributes = vars(layer)
        self._attributes = attributes
        self._names = list(attributes)
        self._types = list(map(type, attributes.values()))
        self._renamings = AttributeScan.renamings
        self._values: list[tuple[str, Any]] = []  # attributes that matter
        self._containers: list[tuple[Any, list]] = []  # with what they held
        children = list(layer._members())
        seen = {id(member) for _, member in children}
        for name, value in attributes.items():
            if name in _SKIPPED or _kind_of(value) == _OTHER:
                continue
            self._values.append((name, value))
            self._collect(name.lstrip("_") or name, value, children, seen)
        self.children = _unique_names(children)

    def is_current(self) -> bool:
        """Whether another scan would find the same."""
        return all_current((self,))

    def _collect(self, name: str, value: Any, children: list, seen: set[int]) -> None:
        """Adds what is to be tracked in one value, however deep in containers."""
        kind = _kind_of(value)
        if kind == _TRACKED:
            if id(value) not in seen:
                seen.add(id(value))
                children.append((name, value))
        elif kind != _OTHER and id(value) in seen:
            return  # a container that was looked through, or holds itself
        elif kind == _SEQUENCE:
            seen.add(id(value))
            self._containers.append((value, _members_of(value)))
            for i, item in enumerate(value):
                self._collect(f"{name}_{i}", item, children, seen)
        elif kind == _MAPPING:
            seen.add(id(value))
            self._containers.append((value, _members_of(value)))
            for key, item in value.items():
                self._collect(f"{name}_{key}", item, children, seen)


def all_current(scans: Iterable[AttributeScan]) -> bool:
    """Whether other scans would find the same. One loop over all: each call for a row or a batch
    asks for all layers of a model.
    """
    renamings = AttributeScan.renamings
    for scan in scans:
        attributes = scan._attributes
        if (
            scan._renamings != renamings
            or scan._names != list(attributes)
            or scan._types != list(map(type, attributes.values()))
        ):
            return False
        for name, value in scan._values:
            if attributes[name] is not value:
                return False
        for container, members in scan._containers:
            present = list(container) if type(container) is list else _members_of(container)
            if len(present) != len(members) or not all(map(operator.is_, present, members)):
                return False
    return True


def scan(layer: Layer) -> AttributeScan:
    """What a layer holds itself: the last scan, where it is still current."""
    last = layer._info.attribute_scan
    if last is None or not last.is_current():
        last = layer._info.attribute_scan = AttributeScan(layer)
    return last


def is_metric(obj: Any) -> bool:
    """Whether a thing is a metric, told by its pure form: layers stand below metrics."""
    return hasattr(type(obj), "stateless_update_state")


def _kind_of(value: Any) -> int:
    """What a value is to a scan; remembered for each type, since NNX's instance checks are slow."""
    cls = type(value)
    kind = _kinds.get(cls)
    if kind is None:
        if isinstance(value, (nnx.Variable, SeedGenerator, nnx.Module)) or is_metric(value):
            kind = _TRACKED
        elif isinstance(value, (list, tuple, set, frozenset)):
            kind = _SEQUENCE
        else:
            kind = _MAPPING if isinstance(value, dict) else _OTHER
        _kinds[cls] = kind
    return kind


def _members_of(container: Any) -> list:
    """What a container holds: the keys of a dict too, since they are part of paths."""
    return [*container, *container.values()] if isinstance(container, dict) else list(container)


def _unique_names(children: list[tuple[str, Any]]) -> list[tuple[str, Any]]:
    """The same with a number behind each name that stands there already."""
    used: set[str] = set()
    renamed = []
    for name, value in children:
        unique, i = name, 1
        while unique in used:
            unique, i = f"{name}_{i}", i + 1
        used.add(unique)
        renamed.append((unique, value))
    return renamed
