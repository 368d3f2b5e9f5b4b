"""What a traced step will cost, as far as its jaxpr tells: good enough to choose how many steps a
device call takes.
"""

import math

# What XLA's CPU backend runs much slower inside a loop than outside of one.
_LOOP_HOSTILE = frozenset(("conv_general_dilated",))
_LEAST = 5000  # arithmetic operations that take as long as starting any one of them
_TRIPS = 10  # of a loop whose length only its values know


def estimate_cost(jaxpr) -> tuple[float, bool]:
    """(arithmetic operations, whether something in it is slow inside of a loop on a CPU) of a
    jaxpr.
    """
    total, hostile = 0.0, False
    for eqn in jaxpr.eqns:
        inner = [estimate_cost(j) for j in _inner(eqn)]
        if inner:
            times = eqn.params.get("length", _TRIPS if eqn.primitive.name == "while" else 1)
            total += times * sum(work for work, _ in inner)
            hostile |= any(h for _, h in inner)
        else:
            total += max(_operations(eqn), _LEAST)
            hostile |= eqn.primitive.name in _LOOP_HOSTILE
    return total, hostile


def _inner(eqn):
    for value in eqn.params.values():
        for inner in value if isinstance(value, (list, tuple)) else (value,):
            inner = getattr(inner, "jaxpr", inner)
            if hasattr(inner, "eqns"):
                yield inner


def _operations(eqn) -> float:
    size = sum(math.prod(v.aval.shape) for v in eqn.outvars if hasattr(v.aval, "shape"))
    if eqn.primitive.name == "dot_general":
        (contracted, _), _ = eqn.params["dimension_numbers"]
        return 2.0 * size * math.prod(eqn.invars[0].aval.shape[d] for d in contracted)
    if eqn.primitive.name == "conv_general_dilated":
        kernel = eqn.invars[1].aval.shape
        return (
            2.0
            * size
            * math.prod(kernel)
            / max(kernel[eqn.params["dimension_numbers"].rhs_spec[0]], 1)
        )
    return float(size)
