"""What surrounds a layer's `build`: its record, and where the first values of weights come from."""

import contextlib
import functools

from fkeras.core import names
from fkeras.core.randomness import first_values, seeds
from fkeras.core.values import lending
from fkeras.core.values.variable import on_creation
from fkeras.layers.base import signature


class ByName:
    def __init__(self, shapes):
        self.shapes = shapes


def recorded(build):
    """`build` as everybody may call it: in the layer's name scope, with its shapes remembered and
    weights that no attribute holds kept.
    """

    @functools.wraps(build)
    def wrapper(self, *args, **kwargs):
        info = self._info
        if info.building:  # super().build()
            build(self, *args, **kwargs)
            return
        made: list = []
        info.building = True
        in_own_scope = (
            contextlib.nullcontext() if info.name_scope_is_open else names.scope(info.name)
        )
        try:
            with in_own_scope, on_creation(made.append), lending.autocast(None):
                info.path = names.current_path() or info.name
                build(self, *args, **kwargs)
        finally:
            info.building = False
        info.built = True
        info.build_shapes = shapes_given(build, args, kwargs)
        held = {id(v) for _, v in self._structure().variables}
        lost = [v for v in made if id(v) not in held and v._meta.kind == "weight"]
        if lost:
            self.unnamed_weights = [*getattr(self, "unnamed_weights", ()), *lost]
        if info.initial_weights is not None:
            weights, info.initial_weights = info.initial_weights, None
            self.set_weights(weights)

    return wrapper


@contextlib.contextmanager
def open_name_scope(layer):
    """Inside, the layer's name scope is open: its `build` opens no second one."""
    layer._info.name_scope_is_open = True
    try:
        yield
    finally:
        layer._info.name_scope_is_open = False


def shapes_given(build, args, kwargs):
    names_ = signature.parameter_names(build)
    given = {**dict(zip(names_, args)), **kwargs}
    if len(names_) <= 1:
        return {"input_shape": next(iter(given.values()), None)}
    return given


@contextlib.contextmanager
def root_of_draws(root):
    """Inside, weights that need a first value are drawn as parts of `root`."""
    with first_values.placing(lambda: place(root)):
        yield


def place(root) -> None:
    """Gives every weight under `root` that has no value yet its origin: the root's key and the
    weight's path.
    """
    info = root._info
    if info.root_key is None:
        info.root_key = seeds.next_root_key()
    for path, variable in root._structure().variables:
        if isinstance(lending.private_value(variable), lending.NotDrawnYet):
            variable._meta.origin.place(info.root_key, "/".join(path))
