"""Every private name of JAX and Flax that fkeras uses, and nothing else.

`tests/core/test_jax_private.py` holds one canary for each.

- `raw_value_descriptor`: the descriptor of `nnx.Variable._raw_value`, where all of NNX's operators
  read and write.
- `current_trace`: which trace operations are recorded in at this moment.
- `is_staging`: whether a trace records a program (jit, scan, eval_shape), as JVP and Batch traces
  over concrete values do not.
- `is_below_staging`: whether a trace or one that it stands on does: grad and vmap inside jit count.
- `is_staged`, `is_differentiated`: whether a value belongs to a program under construction; whether
  a derivative is taken through it.
- `metadata`: NNX's dict of a Variable's metadata.
"""

from __future__ import annotations

from typing import Any

from flax import nnx
from jax._src import core as _jax_core
from jax._src.interpreters.ad import JVPTrace, LinearizeTrace
from jax._src.interpreters.partial_eval import DynamicJaxprTrace

raw_value_descriptor = nnx.Variable.__dict__["_raw_value"]


def current_trace() -> _jax_core.Trace:
    """The trace that operations are recorded in at this moment."""
    return _jax_core.trace_ctx.trace


def is_staging(trace: _jax_core.Trace) -> bool:
    """Whether the trace itself records a program."""
    return type(trace) is DynamicJaxprTrace


def is_below_staging(trace: _jax_core.Trace) -> bool:
    """Whether a program is recorded in the trace or in one that it stands on.

    As under grad or vmap inside jit.
    """
    return _stands_on(trace, (DynamicJaxprTrace,))


def is_staged(value: Any) -> bool:
    """Whether a value belongs to a program under construction, also below grad or vmap."""
    return _stands_on(getattr(value, "_trace", None), (DynamicJaxprTrace,))


def is_differentiated(value: Any) -> bool:
    """Whether a derivative that is being taken goes through the value.

    Where its tangent is known to be zero, none does.
    """
    return _stands_on(getattr(value, "_trace", None), (JVPTrace, LinearizeTrace))


def _stands_on(trace: _jax_core.Trace | None, kinds: tuple[type, ...]) -> bool:
    # By exact type: a subclass may mean something else.
    while trace is not None:
        if type(trace) in kinds:
            return True
        trace = getattr(trace, "parent_trace", None)
    return False


def set_metadata(variable: nnx.Variable, key: str, value: Any) -> None:
    """Metadata without NNX's check of the trace level: bookkeeping may be added at any time."""
    variable._var_metadata[key] = value


def metadata(variable: nnx.Variable) -> dict[str, Any]:
    """NNX's dict of a Variable's metadata itself."""
    return variable._var_metadata
