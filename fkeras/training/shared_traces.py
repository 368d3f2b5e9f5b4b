"""A model that is like ones before it takes over their programs without being traced.

`shared_programs` compiles equal programs once; only a trace can tell that they are equal, and it
is most of what is left then. This table tells beforehand, from all that a trace would read: the
model and what `compile` chose, attribute by attribute (`core.likeness`), the settings of fkeras and
of JAX, fkeras's own modules, shapes and dtypes of the arguments. Where any of it is the user's own
code there is no key, and nothing is shared.

The first model pays nothing for it. The second one that calls a program on such arguments leaves
what it compiled, if being traced left no mark on it: no warning, no Variable from outside, no
attribute that changed. From the third on it is taken over.

The table holds executables and numbers, no model, weights or data.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import TYPE_CHECKING, Any, TypeVar

import jax
import numpy as np

from fkeras.core import jax_private, likeness, names, scoped, settings, shared_programs, warn_once
from fkeras.layers.base import learning_phase, tracking

if TYPE_CHECKING:
    from fkeras.layers import Layer
    from fkeras.training.executables import Executables

T = TypeVar("T")

_entries = shared_programs.Table(128)
_calls = shared_programs.Table(256)  # what was called once, by whom: an id that nobody follows


class TakenOver:
    """A program that another model left, called as this one's own would be.

    Args:
        compiled: what it left. constants: the static arguments that it was compiled for.
        own: this model's program, for arguments of other kinds.
    """

    def __init__(self, compiled: Any, constants: tuple[Any, ...], own: Callable) -> None:
        self._compiled = compiled
        self._constants = constants
        self._own = own

    def __call__(self, *args: Any) -> Any:
        count = len(args) - len(self._constants)
        if args[count:] == self._constants:
            try:
                return self._compiled(*args[:count])
            except TypeError:  # other shapes, dtypes or structures; nothing was run
                pass
        return self._own(*args)


def program(
    executables: Executables, name: str, own: Any, args: tuple[Any, ...], statics: int
) -> Callable:
    """What to call for a program of a model from its first call on.

    Args:
        executables: of the model.
        name: of the program. own: the jitted function.
        args: of the call. statics: how many of them, at the end, are static.
    """

    def compile() -> Any:
        return own.trace(*args).lower().compile()

    compiled = once(executables, name, args, compile)
    if compiled is None:
        return own
    return TakenOver(compiled, args[len(args) - statics :], own)


def once(
    executables: Executables, name: str, args: tuple[Any, ...], compute: Callable[[], T]
) -> T | None:
    """What a model like this one computed for a name and arguments, else what is computed now.

    Returns:
        None where nothing can be shared, or nobody has asked yet: nothing was computed then.
    """
    if executables.eager or executables.distribution is not None or scoped.is_anything_open():
        return None
    call = name, *_kinds_of(args), jax_private.trace_settings()
    first = _calls.get(call)
    if first is None:
        _calls.put(call, id(executables))
    if first is None or first == id(executables):
        return None
    key = _key(executables, args)
    if key is None:
        return None
    entry = _entries.get((call, key))
    if entry is not None and not shared_programs.is_checked():
        return entry[0]
    warnings = warn_once.asked()
    computed = compute()
    if warn_once.asked() == warnings and _key(executables, args) == key:
        if entry is not None:
            _check(entry[0], computed)
        _entries.put((call, key), (computed,))
    return computed


def _kinds_of(args) -> tuple[Hashable, ...]:
    """The structure of arguments, and what the compiler sees of each leaf."""
    leaves, structure = jax.tree.flatten(args)
    return structure, *map(_kind_of, leaves)


def _kind_of(leaf) -> Hashable:
    if isinstance(leaf, jax.Array):
        return leaf.shape, leaf.dtype, getattr(leaf, "weak_type", None), leaf.sharding
    if isinstance(leaf, (np.ndarray, np.generic, jax.ShapeDtypeStruct)):
        return leaf.shape, leaf.dtype
    return type(leaf), leaf


def _key(executables: Executables, args: tuple[Any, ...]) -> Hashable:
    """All that a trace of the model would read; None where something of it is the user's."""
    modules = likeness.library()
    model, groups = executables.model, executables.groups
    if modules is None or executables.reads_outside():
        return None
    known = {
        id(variable): (place, index)
        for place, group in enumerate(groups.groups())
        for index, variable in enumerate(group)
    }
    own = likeness.likeness(
        model,
        [jax_private.metadata(v) for group in groups.groups() for v in group],
        groups.flags.in_order(),
        groups.remat,
        list(groups.key_paths.values()),
        list(groups.paths.values()),
        known=known,
        renamed={} if executables.goes_by_name or _holds_dict(args) else _automatic_names(model),
    )
    if own is None:
        return None
    return own, modules, settings.everything(), learning_phase.learning_phase()


def _automatic_names(model) -> dict[str, str]:
    """The names that fkeras chose, in order. Nothing is found by them where inputs are no dict and
    there is one output.
    """
    layers: list[Layer] = [model, *(layer for _, layer in tracking.structure_of(model).layers)]
    return {
        layer.name: f"<{place}>" for place, layer in enumerate(layers) if _has_automatic_name(layer)
    }


def _has_automatic_name(layer) -> bool:
    name = layer.name.removeprefix("forward_").removeprefix("backward_")
    return layer._info.auto_named or names.is_automatic(name, type(layer).__name__)


def _holds_dict(tree) -> bool:
    if isinstance(tree, (list, tuple)):
        return any(map(_holds_dict, tree))
    return isinstance(tree, dict)


def _check(kept: Any, computed: Any) -> None:
    """For `shared_programs.checked`: both must be one executable, which equal programs share."""
    if isinstance(kept, jax.stages.Compiled):
        same = kept.runtime_executable() is computed.runtime_executable()
    else:
        same = kept == computed
    if not same:
        raise shared_programs.WrongSharingError("Two models of one key have different programs.")
