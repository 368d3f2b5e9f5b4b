"""What belongs to a layer: found by looking at its attributes, not by intercepting assignments.

Sub-layers in containers, nested or appended late, all count, and an assignment costs nothing. The
structure that was found is kept, and holds as long as the scan of every layer in it is current (see
`attribute_scan`). The walk gives each thing its structural path: attribute names
(`encoder/kernel`), `blocks_0` for members of a list, and for the members of a Sequential or
functional model their own name, else class and position (`dense`, `dense_1`), never a name that
depends on what else the process has built.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flax import nnx

from fkeras.core import names
from fkeras.core.randomness.seed_generator import SeedGenerator
from fkeras.core.values import adoption, stacking
from fkeras.core.values.variable import Variable
from fkeras.layers.base import attribute_scan
from fkeras.layers.base.attribute_scan import AttributeScan

if TYPE_CHECKING:
    from collections.abc import Iterable

    from fkeras.layers.base.layer import Layer
    from fkeras.metrics import Metric

    Path = tuple[str, ...]


class Structure:
    """Everything under one layer, each once, with its path as a tuple of names.

    Attributes:
        variables: list of (path, Variable): weights, in Keras's order (own before those of
            sub-layers, trainable before others).
        layers: list of (path, layer) without the root.
        generators: list of (path, SeedGenerator).
        metrics: list of metric objects.
        has_host_layers: whether one of the layers runs on the host.
        ordered: Variables and seed generators in Keras's order of `layer.variables`.
    """

    def __init__(self, root: Layer) -> None:
        self.variables: list[tuple[Path, Variable]] = []
        self.layers: list[tuple[Path, Layer]] = []
        self.generators: list[tuple[Path, SeedGenerator]] = []
        self.metrics: list[Metric] = []
        self.ordered: list[Variable] = []
        self._seen: set[int] = set()
        self._scans: list[AttributeScan] = []
        self._has_foreign = False  # a foreign module does not tell whether it has changed
        self._visit_layer(root, ())
        self.has_host_layers = any(layer.runs_on_host for _, layer in self.layers)
        self._separate: list[tuple[Path, Variable]] | None = None

    @property
    def separate(self) -> list[tuple[Path, Variable]]:
        """`variables` with the shares of block 0, of block 1, ... in the place of stacks."""
        if self._separate is None:
            self._separate = stacking.separated(self.variables, stacking.block_value)
        return self._separate

    def is_current(self) -> bool:
        """Whether a new walk would find the same."""
        return not self._has_foreign and attribute_scan.all_current(self._scans)

    def _is_new(self, obj: Any) -> bool:
        if id(obj) in self._seen:
            return False
        self._seen.add(id(obj))
        return True

    def _visit_layer(self, layer: Layer, path: Path) -> None:
        """Adds a layer's own Variables and generators, then what is below it, in Keras's order."""
        if not self._is_new(layer):
            return
        scan = attribute_scan.scan(layer)
        self._scans.append(scan)
        variables: list[tuple[Path, nnx.Variable]] = []
        generators: list[tuple[Path, SeedGenerator]] = []
        others: list[tuple[Path, Any]] = []
        for name, child in scan.children:
            if isinstance(child, nnx.Variable):
                variables.append(((*path, name), child))
            elif isinstance(child, SeedGenerator):
                generators.append(((*path, name), child))
            else:
                others.append(((*path, name), child))
        # A stable sort: trainable ones first, each group in the order of assignment.
        variables.sort(key=lambda entry: not isinstance(entry[1], nnx.Param))
        for child_path, variable in variables:
            if self._is_new(variable):
                self._add_variable(child_path, variable)
        for child_path, generator in generators:
            if self._is_new(generator):
                self.generators.append((child_path, generator))
                self.ordered.append(generator.state)
        for child_path, child in others:
            self._visit_other(child, child_path)

    def _visit_other(self, child: Any, path: Path) -> None:
        """Adds a metric, a sub-layer or a foreign module."""
        if attribute_scan.is_metric(child):
            if self._is_new(child):
                self.metrics.append(child)
        elif hasattr(child, "_info"):
            self._add_layer(path, child)
        else:
            self._visit_foreign(child, path)

    def _add_layer(self, path: Path, layer: Layer) -> None:
        if id(layer) not in self._seen:
            self.layers.append((path, layer))
            self._visit_layer(layer, path)

    def _add_variable(self, path: Path, variable: nnx.Variable) -> None:
        if not isinstance(variable, Variable):
            adoption.adopt(variable, "/".join(path), isinstance(variable, nnx.Param))
        self.variables.append((path, variable))
        self.ordered.append(variable)

    def _visit_foreign(self, module: nnx.Module, path: Path) -> None:
        """Adds what a flax.nnx module holds, which may in turn hold fkeras layers."""
        self._has_foreign = True
        for inner, value in nnx.iter_graph(module):
            child_path = (*path, *(str(part) for part in inner))
            if isinstance(value, nnx.Variable):
                if self._is_new(value):
                    self._add_variable(child_path, value)
            elif hasattr(value, "_info"):
                self._add_layer(child_path, value)


def structure_of(layer: Layer) -> Structure:
    """The structure as it is now: the last one, where nothing has changed since."""
    last = layer._info.structure
    if last is None or not last.is_current():
        last = layer._info.structure = Structure(layer)
    return last


def paths_by_id(structure: Structure) -> dict[int, Path]:
    """Structural paths by the ids of the Variables: their places in a pure call's `variables`."""
    return {id(variable): path for path, variable in structure.variables}


def direct_children(layer: Layer) -> list[tuple[str, Any]]:
    """(name, thing) for the Variables, generators, layers, modules and metrics that a layer holds
    itself, in order, each once.
    """
    return attribute_scan.scan(layer).children


def member_names(layers: Iterable[Layer]) -> list[tuple[str, Layer]]:
    """(name, layer) for the members of a Sequential or functional model: the given name, else class
    and position.
    """
    layers = list(layers)
    used = {layer.name for layer in layers if not layer._info.auto_named}
    counts: dict[str, int] = {}
    named = []
    for layer in layers:
        name = layer.name
        if layer._info.auto_named:
            name = _first_free_name(names.to_snake_case(type(layer).__name__), counts, used)
            used.add(name)
        named.append((name, layer))
    return named


def _first_free_name(base: str, counts: dict[str, int], used: set[str]) -> str:
    """`base`, `base_1`, ... : the next one that is not used."""
    while True:
        count = counts.get(base, 0)
        counts[base] = count + 1
        name = f"{base}_{count}" if count else base
        if name not in used:
            return name
