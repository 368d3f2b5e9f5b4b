"""Python lambdas in configs: the one thing in a config that is code.

A lambda is written as its marshalled bytecode, as Keras writes it, and read only outside of safe
mode: whoever wrote the file could do anything in the reader's process.
"""

from __future__ import annotations

import base64
import builtins
import marshal
import types
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from fkeras.errors import UnsafeFileError, UserInputError

if TYPE_CHECKING:
    from fkeras.core.config.reader import Reader
    from fkeras.types import Config


def lambda_config(fn: types.FunctionType, serialize: Callable[[Any], Any]) -> Config:
    """The bytecode, the defaults, and what the lambda closes over as far as configs can hold it."""
    try:
        closed_over = [serialize(cell.cell_contents) for cell in fn.__closure__ or ()]
    except Exception:  # a value without a config, or a name that has no value yet
        closed_over = []
    return {
        "code": base64.b64encode(marshal.dumps(fn.__code__)).decode("ascii"),
        "defaults": serialize(fn.__defaults__) if fn.__defaults__ else None,
        "closure": closed_over or None,
    }


def revive_lambda(config: Config, reader: Reader) -> types.FunctionType:
    """The lambda of a config; it sees Python's builtins and no other globals.

    Raises:
        UnsafeFileError: in safe mode.
        UserInputError: the config lacks what the lambda closes over.
    """
    if reader.is_safe():
        raise UnsafeFileError(
            "The config holds a Python lambda, which is code: to revive it is arbitrary code "
            "execution, which safe mode refuses. If you trust its source, pass "
            "`safe_mode=False`; better, register a named function."
        )
    code = marshal.loads(base64.b64decode(config["code"]))
    defaults = reader.read(config.get("defaults"))
    closed_over = reader.read(config.get("closure")) or []
    if len(closed_over) != len(code.co_freevars):
        raise UserInputError(
            f"The lambda of the config closes over {list(code.co_freevars)}, whose values the "
            "config does not hold. Write a named function that takes them as arguments, and "
            "register it."
        )
    return types.FunctionType(
        code,
        {"__builtins__": builtins},
        argdefs=tuple(defaults) if defaults else None,
        closure=tuple(map(types.CellType, closed_over)),
    )
