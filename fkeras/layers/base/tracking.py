"""What belongs to a layer: found by looking, whenever somebody asks.

Attributes are walked in the order of their assignment, through lists, tuples, dicts and foreign `flax.nnx` modules, so that sub-layers in
containers, nested or appended late, all count and no attribute assignment pays for tracking. The walk gives each thing its structural
path: attribute names (`encoder/kernel`), `blocks_0` for members of a list, and for the members of a Sequential or functional model their
own name, else class and position (`dense`, `dense_1`), never a name that depends on what else the process has built.
"""

from flax import nnx

from fkeras.core import lending, names
from fkeras.core.seed_generator import SeedGenerator
from fkeras.core.variable import Variable


class Structure:
    """Everything under one layer, each once, with its path as a tuple of names.

    Attributes:
        variables: list of (path, Variable): weights, in Keras's order (own before those of sub-layers, trainable before others).
        layers: list of (path, layer) without the root.
        generators: list of (path, SeedGenerator).
        metrics: list of metric objects.
        ordered: Variables and seed generators in Keras's order of `layer.variables`.
    """

    def __init__(self, root):
        self.variables: list = []
        self.layers: list = []
        self.generators: list = []
        self.metrics: list = []
        self.ordered: list = []
        self._seen: set[int] = set()
        self._visit_layer(root, ())

    def _new(self, obj) -> bool:
        if id(obj) in self._seen:
            return False
        self._seen.add(id(obj))
        return True

    def _visit_layer(self, layer, path):
        if not self._new(layer):
            return
        own: list = []  # (path, Variable, trainable)
        generators: list = []
        rest: list = []
        for name, child in direct_children(layer):
            where = (*path, name)
            if isinstance(child, nnx.Variable):
                own.append((where, child))
            elif isinstance(child, SeedGenerator):
                generators.append((where, child))
            else:
                rest.append((where, child))
        for wanted in (True, False):
            for where, variable in own:
                if isinstance(variable, nnx.Param) is wanted and self._new(variable):
                    self._add_variable(where, variable)
        for where, generator in generators:
            if self._new(generator):
                self.generators.append((where, generator))
                self.ordered.append(generator.state)
        for where, child in rest:
            if is_metric(child):
                if self._new(child):
                    self.metrics.append(child)
            elif hasattr(child, "_fk"):
                if id(child) not in self._seen:
                    self.layers.append((where, child))
                    self._visit_layer(child, where)
            else:
                self._visit_foreign(child, where)

    def _add_variable(self, path, variable):
        if not isinstance(variable, Variable):
            lending.adopt(variable, "/".join(path), isinstance(variable, nnx.Param))
        self.variables.append((path, variable))
        self.ordered.append(variable)

    def _visit_foreign(self, module, path):
        """A flax.nnx module, which may in turn hold fkeras layers."""
        for inner, value in nnx.iter_graph(module):
            where = (*path, *(str(p) for p in inner))
            if isinstance(value, nnx.Variable):
                if self._new(value):
                    self._add_variable(where, value)
            elif hasattr(value, "_fk") and id(value) not in self._seen:
                self.layers.append((where, value))
                self._visit_layer(value, where)


def is_metric(obj) -> bool:
    return hasattr(type(obj), "stateless_update_state")


_TRACKED, _SEQUENCE, _MAPPING, _OTHER = 1, 2, 3, 0
_kinds: dict[type, int] = {}


def _kind(value) -> int:
    """What a value is to the walk; remembered for each type, since NNX's instance checks are slow."""
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


def direct_children(layer) -> list:
    """(name, thing) for the Variables, generators, layers, modules and metrics that a layer holds itself, in order, each once."""
    found: list = []
    special = layer._fk_members() if hasattr(layer, "_fk_members") else None
    taken = set()
    if special is not None:
        for name, member in special:
            found.append((name, member))
            taken.add(id(member))
    for name, value in vars(layer).items():
        if name in _SKIPPED or _kind(value) == _OTHER:
            continue
        _collect(name.lstrip("_") or name, value, found, taken)
    return _unique_names(found)


# NNX's own, and what a model holds beside its structure.
_SKIPPED = frozenset(("_pytree__state", "_pytree__nodes", "_fk", "optimizer"))


def _collect(name, value, found, taken):
    kind = _kind(value)
    if kind == _TRACKED:
        if id(value) not in taken:
            taken.add(id(value))
            found.append((name, value))
    elif kind == _SEQUENCE:
        for i, item in enumerate(value):
            _collect(f"{name}_{i}", item, found, taken)
    elif kind == _MAPPING:
        for key, item in value.items():
            _collect(f"{name}_{key}", item, found, taken)


def _unique_names(found):
    used: set[str] = set()
    out = []
    for name, value in found:
        unique, i = name, 1
        while unique in used:
            unique, i = f"{name}_{i}", i + 1
        used.add(unique)
        out.append((unique, value))
    return out


def member_names(layers) -> list:
    """(name, layer) for the members of a Sequential or functional model: the given name, else class and position."""
    given = {layer.name for layer in layers if not layer._fk.auto_named}
    used, counts, out = set(given), {}, []
    for layer in layers:
        if not layer._fk.auto_named:
            out.append((layer.name, layer))
            continue
        base = names.to_snake_case(type(layer).__name__)
        while True:
            count = counts.get(base, 0)
            counts[base] = count + 1
            name = f"{base}_{count}" if count else base
            if name not in used:
                break
        used.add(name)
        out.append((name, layer))
    return out


def nest(pairs) -> dict:
    """A nested dict from (path, value) pairs."""
    out: dict = {}
    for path, value in pairs:
        at = out
        for name in path[:-1]:
            at = at.setdefault(name, {})
        at[path[-1]] = value
    return out


def flat(tree, prefix=()) -> dict:
    """(path tuple) -> leaf of a nested dict."""
    out: dict = {}
    for name, value in tree.items():
        if isinstance(value, dict):
            out.update(flat(value, (*prefix, name)))
        else:
            out[(*prefix, name)] = value
    return out
