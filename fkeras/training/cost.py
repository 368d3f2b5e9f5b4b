"""What a traced step will cost, as far as its jaxpr tells: good enough to choose how many steps a
device call takes.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jax.extend.core import Jaxpr, JaxprEqn

# What XLA's CPU backend runs much slower inside a loop than outside of one.
_LOOP_HOSTILE = frozenset(("conv_general_dilated",))
_LEAST = 5000  # arithmetic operations that take as long as starting any one of them
_TRIPS = 10  # of a loop whose length only its values know


def estimate_cost(jaxpr: Jaxpr) -> tuple[float, bool]:
    """(arithmetic operations, whether something in it is slow inside of a loop on a CPU)."""
    total, is_hostile = 0.0, False
    for eqn in jaxpr.eqns:
        inner = [estimate_cost(program) for program in inner_programs(eqn)]
        if inner:
            total += _trips(eqn) * sum(operations for operations, _ in inner)
            is_hostile |= any(hostile for _, hostile in inner)
        else:
            total += max(_operations(eqn), _LEAST)
            is_hostile |= eqn.primitive.name in _LOOP_HOSTILE
    return total, is_hostile


def _trips(eqn: JaxprEqn) -> int:
    """How often the inner programs are run."""
    return eqn.params.get("length", _TRIPS if eqn.primitive.name == "while" else 1)


def inner_programs(eqn: JaxprEqn) -> Iterator[Jaxpr]:
    """The programs that an operation runs."""
    for value in eqn.params.values():
        for program in value if isinstance(value, (list, tuple)) else (value,):
            program = getattr(program, "jaxpr", program)  # closed ones hold the bare one
            if hasattr(program, "eqns"):
                yield program


def _operations(eqn: JaxprEqn) -> float:
    size = sum(math.prod(v.aval.shape) for v in eqn.outvars if hasattr(v.aval, "shape"))
    if eqn.primitive.name == "dot_general":
        (contracted, _), _ = eqn.params["dimension_numbers"]
        return 2.0 * size * math.prod(eqn.invars[0].aval.shape[d] for d in contracted)
    if eqn.primitive.name == "conv_general_dilated":
        kernel = eqn.invars[1].aval.shape
        # Each output number takes all of the kernel but its axis of output channels.
        channels = kernel[eqn.params["dimension_numbers"].rhs_spec[0]]
        return 2.0 * size * math.prod(kernel) / max(channels, 1)
    return float(size)
