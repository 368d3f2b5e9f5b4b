"""Where Keras's files keep the arrays of a model: a *store* for each layer and optimizer.

A store's path is made of attribute names, and of class names with a counter inside of lists:
`layers/dense_1`, `encoder/blocks/container/dense`. It is found by walking over a model as Keras
does: attributes in the order of the alphabet, private ones last, each object where it is met first;
`layers` comes before all others in Sequential and functional models.
"""

from __future__ import annotations

import dataclasses
import tempfile
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from fkeras import io
from fkeras.core.names import to_snake_case
from fkeras.core.values.variable import Variable
from fkeras.layers import Layer
from fkeras.layers.base import tracking
from fkeras.optimizers import Optimizer
from fkeras.saving import blocks

if TYPE_CHECKING:
    from fkeras.models import Model

Owner: TypeAlias = "Layer | Optimizer | blocks.BlockLayer"

# What every layer has is not part of its structure.
_SKIPPED = frozenset((*dir(Layer), "_info", "_pytree__state", "_pytree__nodes"))
# fkeras's own names for what is in `layers` too, and more, which Keras does not know.
_SKIPPED_IN_STACKS = frozenset(("stack", "members"))
_SKIPPED_IN_OPTIMIZERS = frozenset(dir(Optimizer))


@dataclasses.dataclass(frozen=True)
class Store:
    """The arrays of one layer or optimizer.

    Attributes:
        name: the object's name; None where a file does not tell.
        values: its arrays by key: `"0"`, `"1"`, ... in Keras's order, or what a
            `save_own_variables` of the user's own chose.
    """

    name: str | None
    values: Mapping[str, np.ndarray]


def owners_by_path(model: Model, skipped: Collection[Layer] = ()) -> dict[str, Layer | Optimizer]:
    """What has a store in a file: the model itself under the empty path, and all below it.

    Args:
        model: a built model.
        skipped: what is left out, with all that is met below it only.

    Examples:
        >>> import fkeras
        >>> from fkeras.saving.stores import owners_by_path
        >>> stack = [fkeras.layers.Dense(2), fkeras.layers.Dense(2)]
        >>> list(owners_by_path(fkeras.Sequential([fkeras.Input((3,)), *stack])))
        ['', 'layers/dense', 'layers/dense_1']
    """
    walk = _Walk(skipped)
    walk.visit(model, "")
    return walk.found


def further_paths(model: Model) -> dict[str, str]:
    """Where a walk meets what it met before: by such a path, the one that counts.

    A property that gives what an attribute of another name holds is one; so is the `layers` of a
    model that keeps its layers under names of its own.
    """
    walk = _Walk(())
    walk.visit(model, "")
    return walk.further


def record_stores(
    model: Model, include_optimizer: bool = True, skipped: Collection[Layer] = ()
) -> dict[str, Store]:
    """All stores of a built model, but for layers that are skipped."""
    return {
        path: Store(owner.name, _values_of(owner, model))
        for path, owner in owners_by_path(model, skipped).items()
        if include_optimizer or not isinstance(owner, Optimizer)
    }


def record_assets(model: Model) -> dict[str, bytes]:
    """The files of layers that have a `save_assets`, by the path of the layer's store and name."""
    layers = (layer for _, layer in tracking.structure_of(model).layers)
    if not any(_saves_assets(layer) for layer in (model, *layers)):  # before a walk, which is slow
        return {}
    owners = {path: owner for path, owner in owners_by_path(model).items() if _saves_assets(owner)}
    with tempfile.TemporaryDirectory() as folder:
        for path, owner in owners.items():
            place = Path(folder, path)
            place.mkdir(parents=True, exist_ok=True)
            owner.save_assets(str(place))
        files = (path for path in sorted(Path(folder).rglob("*")) if path.is_file())
        return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def _saves_assets(owner: Owner) -> bool:
    # Not `hasattr`: a model looks among the names of older Keras for what it has not.
    return "save_assets" in vars(owner) or hasattr(type(owner), "save_assets")


def restore_assets(model: Model, assets: Mapping[str, bytes]) -> None:
    """Gives the files of a record to the layers that have a `load_assets`."""
    if not assets:
        return
    with tempfile.TemporaryDirectory() as folder:
        for name, content in assets.items():
            place = io.entry_path(name, folder)  # refuses names that would leave the folder
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(content)
        for path, owner in owners_by_path(model).items():
            if hasattr(owner, "load_assets") and Path(folder, path).is_dir():
                owner.load_assets(str(Path(folder, path)))


def to_numpy(value: Any) -> np.ndarray:
    """A value on the host: of a Variable, of one of a foreign module, or an array."""
    if isinstance(value, Variable) or not hasattr(value, "get_value"):
        return np.asarray(value)
    return np.asarray(value.get_value())


def _values_of(owner: Owner, model: Model) -> dict[str, np.ndarray]:
    if isinstance(owner, blocks.BlockLayer):
        return _numbered_values(owner.values_for_files())
    if type(owner).save_own_variables is Optimizer.save_own_variables:
        return _numbered_values(blocks.separate_states(model, owner))
    values: dict[str, Any] = {}
    owner.save_own_variables(values)
    return {str(key): to_numpy(value) for key, value in values.items()}


def _numbered_values(variables: Sequence[Any]) -> dict[str, np.ndarray]:
    return {str(i): to_numpy(variable) for i, variable in enumerate(variables)}


class _Walk:
    """Visits a model as Keras does.

    Attributes:
        found: layers and optimizers by the path where each is met first.
        further: other paths -> the first one.
    """

    def __init__(self, skipped: Collection[Layer]) -> None:
        self.found: dict[str, Owner] = {}
        self.further: dict[str, str] = {}
        self._skipped = {id(owner) for owner in skipped}
        self._first: dict[tuple[int, tuple[int, ...]], str] = {}

    def visit(self, owner: Any, path: str, block: tuple[int, ...] = ()) -> None:
        """Visits a layer or optimizer and all below it; the block's number inside of a `Repeat`."""
        if id(owner) in self._skipped:
            return
        first = self._first.setdefault((id(owner), block), path)
        if first != path:
            self.further[path] = first
            return
        if not block or not blocks.keeps_stacks(owner):
            self.found[path] = blocks.BlockLayer(owner, block) if block else owner
        elif not any(block):
            self.found[path] = owner
        for name, value in _attributes(owner):
            child_path = f"{path}/{name}" if path else name
            if blocks.is_separable(value):
                self._visit_container([value], child_path, block, set())
            elif isinstance(value, (Layer, Optimizer)):
                self.visit(value, child_path, block)
            elif isinstance(value, (list, tuple, dict)):
                self._visit_container(value, child_path, block, set())

    def _visit_container(
        self,
        container: Sequence[Any] | dict[Any, Any],
        path: str,
        block: tuple[int, ...],
        open_containers: set[int],
    ) -> None:
        if id(container) in open_containers:
            return
        open_containers.add(id(container))
        counts: dict[str, int] = {}
        for value in container.values() if isinstance(container, dict) else container:
            if blocks.is_separable(value):
                for i in range(value.n):
                    name = _numbered(to_snake_case(type(value.block).__name__), counts)
                    self.visit(value.block, f"{path}/{name}", (*block, i))
            elif isinstance(value, (Layer, Optimizer)):
                name = _numbered(to_snake_case(type(value).__name__), counts)
                self.visit(value, f"{path}/{name}", block)
            elif isinstance(value, (list, tuple, dict)):
                name = _numbered("container", counts)
                self._visit_container(value, f"{path}/{name}", block, open_containers)


def _numbered(name: str, counts: dict[str, int]) -> str:
    """The name, with a number from its second use on."""
    count = counts[name] = counts.get(name, -1) + 1
    return f"{name}_{count}" if count else name


def _attributes(owner: Layer | Optimizer) -> Iterator[tuple[str, Any]]:
    """(name, value) in Keras's order. Properties of the user's own count, as in Keras."""
    skipped = _SKIPPED_IN_OPTIMIZERS if isinstance(owner, Optimizer) else _SKIPPED
    # A Sequential or functional model; a `Repeat` has members too, whose stacks are its block's.
    if isinstance(owner, Layer) and owner._members() and hasattr(owner, "layers"):
        yield "layers", owner.layers
        skipped = skipped | _SKIPPED_IN_STACKS | _names_of_library(type(owner))
    names = (name for name in dir(owner) if name not in skipped and not name.startswith("__"))
    for name in sorted(names, key=lambda name: f"~{name}" if name.startswith("_") else name):
        try:
            value = getattr(owner, name)
        except Exception:  # a property that has nothing to give yet
            continue
        yield name, value


def _names_of_library(cls: type) -> set[str]:
    """Names that fkeras's own classes define, but for that of the optimizer."""
    own = (base for base in cls.__mro__ if base.__module__.startswith("fkeras."))
    return {name for base in own for name in vars(base)} - {"optimizer"}
