"""What the public namespaces say of names that they do not have, and what `dir()` shows of them.

A name that is missing is either not there yet (`not_there_yet`), or misspelt. Both are said where
it is read (`fkeras.layers.Dens`) and where it is imported (`from fkeras.layers import Dens`), since
Python drops the words of the former on its way to the latter.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from fkeras.core import former_names, not_there_yet

if TYPE_CHECKING:
    from collections.abc import Iterable

_PACKAGE = "fkeras"


def of(
    module_name: str, submodules: Sequence[str] = ()
) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """`__getattr__` and `__dir__` of a namespace, to be assigned at the end of its module.

    Args:
        module_name: the module's `__name__`.
        submodules: names of modules that belong to the namespace, such as `schedules`.
    """
    module = sys.modules[module_name]

    def names() -> list[str]:
        return sorted(
            name
            for name, value in vars(module).items()
            if not name.startswith("_") and (name in submodules or _is_own(value))
        )

    def missing(name: str) -> Any:
        former = former_names.find(module_name.removeprefix(f"{_PACKAGE}."), name)
        if former is not None:
            return former
        raise AttributeError(describe_missing(module_name, name, names))

    return missing, names


def describe_missing(module_name: str, name: str, names: Callable[[], Iterable[str]]) -> str:
    """What to say of a name that a module does not have.

    Args:
        module_name: such as 'fkeras.layers'. name: what was asked for.
        names: gives the names that the module has.
    """
    plain = f"module {module_name!r} has no attribute {name!r}"
    if name.startswith("_"):
        return plain  # probed for by tools
    inside = f"{module_name}.{name}".removeprefix(f"{_PACKAGE}.")
    return not_there_yet.message(inside) or plain + _did_you_mean(name, names())


def _did_you_mean(name: str, names: Iterable[str]) -> str:
    import difflib

    by_lower = {known.lower(): known for known in names}
    close = difflib.get_close_matches(name.lower(), by_lower, n=1)
    return f". Did you mean {by_lower[close[0]]!r}?" if close else ""


def _is_own(value: object) -> bool:
    """Whether a value is a class, a function or the like of this package, and no module."""
    home = getattr(value, "__module__", None)
    return isinstance(home, str) and home.partition(".")[0] == _PACKAGE


class MissingNameFinder:
    """The last of `sys.meta_path`: says why an import of a name of fkeras fails."""

    @staticmethod
    def find_spec(name: str, path: object = None, target: object = None) -> None:
        """None where there is nothing to say."""
        namespace, _, missing = name.rpartition(".")
        if namespace.partition(".")[0] != _PACKAGE:
            return
        text = not_there_yet.message(name.removeprefix(f"{_PACKAGE}."))
        if text is None and namespace in sys.modules:
            hint = _did_you_mean(missing, dir(sys.modules[namespace]))
            text = f"cannot import name {missing!r} from {namespace!r}{hint}" if hint else None
        if text is not None:
            # Without `name`: `from fkeras import export` would pass over an error of that name.
            raise ModuleNotFoundError(text)


def watch_imports() -> None:
    """From now on, failed imports of fkeras's names say why."""
    if not any(finder is MissingNameFinder for finder in sys.meta_path):
        sys.meta_path.append(MissingNameFinder)
