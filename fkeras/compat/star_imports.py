"""What `from keras.layers import *` gives: today's names, and the former ones, which namespaces
answer to and do not list.
"""

from __future__ import annotations

import builtins
import types
from collections.abc import Collection
from typing import TYPE_CHECKING

from fkeras.compat import former_modules
from fkeras.core import former_names
from fkeras.core.code_names import global_names

if TYPE_CHECKING:
    from types import CodeType, ModuleType


def with_former_names(
    module: ModuleType, taken: Collection[str] | None, code: CodeType
) -> ModuleType:
    """The module to import all names from.

    Of the former names, those that the code uses are told of.

    Args:
        module: what the script named.
        taken: names that the script has: what it defined itself is not replaced.
        code: of the importing script, or of the cell of a notebook.
    """
    former = {
        name
        for room in former_modules.rooms_of(module.__name__)
        for name in former_names.FORMER.get(room, {})
    }
    former -= {*(taken or ()), *dir(builtins)}
    if not former:
        return module
    contents = {name: getattr(module, name) for name in _public_names(module)}
    former -= set(contents)
    used = global_names(code)
    with former_names.silently():
        contents |= {name: getattr(module, name) for name in sorted(former - used)}
    contents |= {name: getattr(module, name) for name in sorted(former & used)}
    star = types.ModuleType(module.__name__)
    vars(star).update(contents, __all__=list(contents))
    return star


def _public_names(module: ModuleType) -> list[str]:
    listed = getattr(module, "__all__", None)
    return [name for name in vars(module) if name[0] != "_"] if listed is None else list(listed)
