"""What belongs to a layer: found by looking, whenever somebody asks.

Attributes are walked in the order of their assignment, through lists, tuples, dicts and foreign
`flax.nnx` modules, so that sub-layers in containers, nested or appended late, all count and no
attribute assignment pays for tracking. What was found is kept, with all that the walk looked at:
whoever asks again gets it as long as every layer and container still holds the same. The walk gives
each thing its structural path: attribute names (`encoder/kernel`), `blocks_0` for members of a
list, and for the members of a Sequential or functional model their own name, else class and
position (`dense`, `dense_1`), never a name that depends on what else the process has built.
"""

import operator

from flax import nnx

from fkeras.core import names
from fkeras.core.randomness.seed_generator import SeedGenerator
from fkeras.core.values import lending
from fkeras.core.values.variable import Variable


class Structure:
    """Everything under one layer, each once, with its path as a tuple of names.

    Attributes:
        variables: list of (path, Variable): weights, in Keras's order (own before those of
            sub-layers, trainable before others).
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
        self._looks: list[Look] = []
        self._foreign = False  # nobody can tell whether a foreign module has changed
        self._visit_layer(root, ())

    def still_holds(self) -> bool:
        """Whether a new walk would find the same."""
        if self._foreign:
            return False
        for look in self._looks:
            if not look.still_holds():
                return False
        return True

    def _new(self, obj) -> bool:
        if id(obj) in self._seen:
            return False
        self._seen.add(id(obj))
        return True

    def _visit_layer(self, layer, path):
        if not self._new(layer):
            return
        look = look_at(layer)
        self._looks.append(look)
        own: list = []  # (path, Variable, trainable)
        generators: list = []
        rest: list = []
        for name, child in look.children:
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
            elif hasattr(child, "_info"):
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
        self._foreign = True
        for inner, value in nnx.iter_graph(module):
            where = (*path, *(str(p) for p in inner))
            if isinstance(value, nnx.Variable):
                if self._new(value):
                    self._add_variable(where, value)
            elif hasattr(value, "_info") and id(value) not in self._seen:
                self.layers.append((where, value))
                self._visit_layer(value, where)


def is_metric(obj) -> bool:
    return hasattr(type(obj), "stateless_update_state")


_TRACKED, _SEQUENCE, _MAPPING, _OTHER = 1, 2, 3, 0
_kinds: dict[type, int] = {}


def _kind(value) -> int:
    """What a value is to the walk; remembered for each type, since NNX's instance checks are
    slow.
    """
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


def structure_of(layer) -> Structure:
    """The structure as it is now: what was found last, where nothing has changed since."""
    known = layer._info.structure
    if known is None or not known.still_holds():
        known = layer._info.structure = Structure(layer)
    return known


def direct_children(layer) -> list:
    """(name, thing) for the Variables, generators, layers, modules and metrics that a layer holds
    itself, in order, each once.
    """
    return look_at(layer).children


def look_at(layer) -> "Look":
    """What a layer holds itself: the last look, where it still holds."""
    look = layer._info.look
    if look is None or not look.still_holds():
        look = layer._info.look = Look(layer)
    return look


class Look:
    """What a layer was seen to hold itself, and what was looked at for it.

    Attributes:
        children: list of (name, thing).
    """

    renamed = 0  # how often any layer got another name: members of models go by their names

    __slots__ = ("_attributes", "_names", "_types", "_held", "_containers", "_renamed", "children")

    def __init__(self, layer):
        self._attributes = attributes = vars(layer)
        self._names, self._types, self._renamed = (
            list(attributes),
            list(map(type, attributes.values())),
            Look.renamed,
        )
        self._held, self._containers = [], []
        found: list = []
        taken = set()
        for name, member in layer._members():
            found.append((name, member))
            taken.add(id(member))
        for name, value in attributes.items():
            if name in _SKIPPED or _kind(value) == _OTHER:
                continue
            self._held.append((name, value))
            self._collect(name.lstrip("_") or name, value, found, taken)
        self.children = _unique_names(found)

    def still_holds(self) -> bool:
        """Whether another look would see the same. Costs a fifth of one."""
        attributes = self._attributes
        if (
            self._renamed != Look.renamed
            or self._names != list(attributes)
            or self._types != list(map(type, attributes.values()))
        ):
            return False
        for name, value in self._held:
            if attributes[name] is not value:
                return False
        for container, members in self._containers:
            now = _members(container)
            if len(now) != len(members) or not all(map(operator.is_, now, members)):
                return False
        return True

    def _collect(self, name, value, found, taken):
        kind = _kind(value)
        if kind == _TRACKED:
            if id(value) not in taken:
                taken.add(id(value))
                found.append((name, value))
        elif kind == _SEQUENCE:
            self._containers.append((value, _members(value)))
            for i, item in enumerate(value):
                self._collect(f"{name}_{i}", item, found, taken)
        elif kind == _MAPPING:
            self._containers.append((value, _members(value)))
            for key, item in value.items():
                self._collect(f"{name}_{key}", item, found, taken)


def _members(container) -> list:
    return [*container, *container.values()] if isinstance(container, dict) else list(container)


# NNX's own, and what a model holds beside its structure.
_SKIPPED = frozenset(("_pytree__state", "_pytree__nodes", "_info", "optimizer"))


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
    """(name, layer) for the members of a Sequential or functional model: the given name, else class
    and position.
    """
    given = {layer.name for layer in layers if not layer._info.auto_named}
    used, counts, out = set(given), {}, []
    for layer in layers:
        if not layer._info.auto_named:
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
