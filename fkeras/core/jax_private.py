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
- `belongs_to`: whether a value is a tracer of a trace.
- `traces_above`, `repeats`: the traces that were opened inside another, and whether the program of
  a trace runs many times (scan, while, vmap) for one run of its Python code; `is_mapping`: whether
  it is that of a vmap.
- `wrap_compilation`: JAX's one door to the compiler, and the key that its cache on disk goes by.
- `metadata`: NNX's dict of a Variable's metadata.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Hashable
from typing import Any

from flax import nnx
from jax._src import cache_key as _cache_key
from jax._src import compiler as _compiler
from jax._src import core as _jax_core
from jax._src.interpreters.ad import JVPTrace, LinearizeTrace
from jax._src.interpreters.batching import BatchTrace
from jax._src.interpreters.partial_eval import DynamicJaxprTrace

Trace = _jax_core.Trace
raw_value_descriptor = nnx.Variable.__dict__["_raw_value"]


def current_trace() -> Trace:
    """The trace that operations are recorded in at this moment."""
    return _jax_core.trace_ctx.trace


def is_staging(trace: Trace) -> bool:
    """Whether the trace itself records a program."""
    return type(trace) is DynamicJaxprTrace


def is_below_staging(trace: Trace) -> bool:
    """Whether a program is recorded in the trace or in one that it stands on.

    As under grad or vmap inside jit.
    """
    return _stands_on(trace, (DynamicJaxprTrace,))


def is_staged(value: Any) -> bool:
    """Whether a value belongs to a program under construction, also below grad or vmap."""
    return _stands_on(getattr(value, "_trace", None), (DynamicJaxprTrace,))


def belongs_to(value: Any, trace: Trace) -> bool:
    """Whether a value is a tracer of the trace itself."""
    return getattr(value, "_trace", None) is trace


def is_differentiated(value: Any) -> bool:
    """Whether a derivative that is being taken goes through the value.

    Where its tangent is known to be zero, none does.
    """
    return _stands_on(getattr(value, "_trace", None), (JVPTrace, LinearizeTrace))


def _stands_on(trace: Trace | None, kinds: tuple[type, ...]) -> bool:
    # By exact type: a subclass may mean something else.
    while trace is not None:
        if type(trace) in kinds:
            return True
        trace = getattr(trace, "parent_trace", None)
    return False


# What JAX calls the traces whose program runs many times: in their debug information.
_REPEATED = frozenset(("scan", "while_body", "while_cond", "fori_loop", "shard_map", "pmap"))


def traces_above(outer: Trace) -> list[Trace]:
    """The traces that are open inside of `outer` now, innermost first. Empty where `outer` or one
    that it stands on is the current one (inside `jax.ensure_compile_time_eval`).
    """
    below = _chain(outer)
    traces: list[Trace] = []
    for trace in _chain(current_trace()):
        # What a rule computes is traced on its own: its chain does not lead to `outer`.
        if type(trace) is _jax_core.EvalTrace or any(is_same(trace, t) for t in below):
            break
        traces.append(trace)
    return traces


def is_same(trace: Trace, other: Trace) -> bool:
    """Whether two traces are one, also where JAX made another object for it (in the functions of
    rules).
    """
    if trace is other or type(trace) is type(other) is _jax_core.EvalTrace:
        return True
    tag = getattr(trace, "tag", None)
    return tag is not None and tag is getattr(other, "tag", None)


def _chain(trace: Trace | None) -> list[Trace]:
    """A trace and those that it stands on."""
    chain = []
    while trace is not None:
        chain.append(trace)
        trace = getattr(trace, "parent_trace", None)
    return chain


def repeats(trace: Trace) -> bool:
    """Whether what is recorded in the trace runs many times, as in scan, while, map and vmap;
    `jit`, `checkpoint`, `cond` and rules of derivatives run once.
    """
    if is_mapping(trace):
        return True
    if type(trace) is not DynamicJaxprTrace:
        return False
    return trace.frame.debug_info.traced_for in _REPEATED


def is_mapping(trace: Trace) -> bool:
    """Whether it is the trace of a `vmap`."""
    return type(trace) is BatchTrace


_COMPILED = ("backend", "computation", "devices", "compile_options", "host_callbacks")


@functools.cache
def wrap_compilation(
    wrapper: Callable[[Callable[[], Hashable], Callable[[], Any]], Any],
) -> bool:
    """From now on each compilation of a program without callbacks to Python goes through a wrapper.
    A second call with the same one does nothing.

    Args:
        wrapper: function (makes the key of what is compiled, compiles it) -> executable.

    Returns:
        Whether it does: False where JAX's own function is another than the one known here.
    """
    original = getattr(_compiler, "compile_or_get_cached", None)
    if original is None or tuple(inspect.signature(original).parameters)[:5] != _COMPILED:
        return False

    @functools.wraps(original)
    def compile_or_get_shared(
        backend: Any, computation: Any, devices: Any, options: Any, callbacks: Any, *rest: Any
    ) -> Any:
        def compile() -> Any:
            return original(backend, computation, devices, options, callbacks, *rest)

        def key() -> Hashable:
            text = _cache_key.get(computation, devices, options, backend)
            # The key on disk tells kinds of devices alone.
            return text, id(backend), tuple(device.id for device in devices.flat)

        is_profiled = any(part is not None for part in rest[1:])
        processes = {device.process_index for device in devices.flat}
        if callbacks or is_profiled or len(processes) > 1:
            return compile()
        return wrapper(key, compile)

    _compiler.compile_or_get_cached = compile_or_get_shared
    return True


def set_metadata(variable: nnx.Variable, key: str, value: Any) -> None:
    """Metadata without NNX's check of the trace level: bookkeeping may be added at any time."""
    variable._var_metadata[key] = value


def metadata(variable: nnx.Variable) -> dict[str, Any]:
    """NNX's dict of a Variable's metadata itself."""
    return variable._var_metadata
