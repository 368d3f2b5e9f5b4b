"""Which names code looks up outside of itself."""

from __future__ import annotations

import dis
from types import CodeType


def global_names(code: CodeType) -> set[str]:
    """The names that code and the functions within look up among globals.

    Examples:
        >>> sorted(global_names(compile("f = lambda x: x + scale.y", "script.py", "exec")))
        ['scale']
    """
    reads = ("LOAD_GLOBAL", "LOAD_NAME")
    names = {step.argval for step in dis.get_instructions(code) if step.opname in reads}
    inner = [constant for constant in code.co_consts if isinstance(constant, CodeType)]
    return names.union(*map(global_names, inner))
