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
- `TransparentTrace`: a trace of fkeras's own that only listens; `parent_trace` computes. It is
  nobody's `current_trace`.
- `innermost_trace`, `entered_trace`, `is_eager`, `bind_in`, `run_jaxpr`, `forget_results`,
  `another`, `ClosedJaxpr`, `Jaxpr`, `Literal`: what such a trace is made of; `reads_as`:
  how values of a class become arrays of JAX.
- `named_axes`: the axes of `shard_map`, `pmap` and `vmap(axis_name=...)` that a program runs along.
- `needed_part`: what of a program some of its outputs need, and which of its inputs those are.
- `has_found_devices`: whether JAX has started its backends, after which flags of XLA say nothing.
- `wrap_compilation`: JAX's one door to the compiler, and the key that its cache on disk goes by,
  taken of programs without the names of their results.
- `metadata`: NNX's dict of a Variable's metadata.
- `is_operator_of_arrays`: whether a frame is that of an operator of JAX's arrays (`array + x`).
- `ArrayImpl`: the class of arrays that hold values, which takes further methods.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Hashable, Sequence
from types import FrameType
from typing import Any

import jax
from flax import nnx
from jax._src import cache_key as _cache_key
from jax._src import compiler as _compiler
from jax._src import core as _jax_core
from jax._src import dtypes as _dtypes
from jax._src import xla_bridge as _xla_bridge
from jax._src.array import ArrayImpl as ArrayImpl
from jax._src.interpreters.ad import JVPTrace, LinearizeTrace
from jax._src.interpreters.batching import BatchTrace
from jax._src.interpreters.partial_eval import DynamicJaxprTrace
from jax._src.interpreters.partial_eval import dce_jaxpr as _dce_jaxpr
from jax._src.numpy import array_methods as _array_methods
from jax.extend import core as _extended_core
from jaxlib.mlir import ir

Trace = _jax_core.Trace
raw_value_descriptor = nnx.Variable.__dict__["_raw_value"]


def is_operator_of_arrays(frame: FrameType) -> bool:
    """Whether a frame runs an operator of an array that holds values, which hands on to the other
    operand what it does not know.
    """
    is_operator = frame.f_globals is vars(_array_methods)
    return is_operator and isinstance(frame.f_locals.get("self"), ArrayImpl)


class TransparentTrace(Trace):
    """A trace that computes nothing itself: what it is told of, its `parent_trace` computes."""

    __slots__ = ("parent_trace",)

    def __init__(self, parent_trace: Trace) -> None:
        super().__init__()
        self.parent_trace = parent_trace


def current_trace() -> Trace:
    """The trace that operations are recorded in at this moment."""
    return _computing(_jax_core.trace_ctx.trace)


def _computing(trace: Trace) -> Trace:
    while isinstance(trace, TransparentTrace):
        trace = trace.parent_trace
    return trace


def innermost_trace() -> Trace:
    """The trace that is told of operations first: a transparent one, too."""
    return _jax_core.trace_ctx.trace


entered_trace = _jax_core.set_current_trace
run_jaxpr = _jax_core.eval_jaxpr
# One class in newer releases of JAX.
ClosedJaxpr = _extended_core.ClosedJaxpr
Jaxpr = _extended_core.Jaxpr
Literal = _extended_core.Literal


def is_eager(trace: Trace) -> bool:
    """Whether the trace computes at once."""
    return type(trace) is _jax_core.EvalTrace


def bind_in(trace: Trace, primitive: Any, args: Sequence[Any], params: dict[str, Any]) -> Any:
    """What a primitive gives in a trace."""
    avals = tuple([_jax_core.typeof(arg) for arg in args])
    return primitive.bind_with_trace(trace, args, avals, params)


def another(value: jax.Array, trace: Trace) -> jax.Array:
    """The same values as another object, without a copy where they are there.

    Args:
        value: an array, or a tracer of `trace`.
        trace: where a copy is recorded. It is not the current one while JAX asks a trace to process
            an operation.
    """
    if isinstance(value, _jax_core.Tracer):
        with entered_trace(_computing(trace)):  # no transparent trace is told of it
            return jax.numpy.array(value, copy=True)
    shards = [shard.data for shard in value.addressable_shards]
    return jax.make_array_from_single_device_arrays(value.shape, value.sharding, shards)


def needed_part(jaxpr: Any, outputs: Sequence[bool]) -> tuple[Any, list[bool]]:
    """The part of a program that computes some of its outputs.

    Args:
        jaxpr: the program. outputs: for each output, whether it is wanted.

    Returns:
        A program of the wanted outputs and the inputs that they need, and which those are.
    """
    return _dce_jaxpr(jaxpr, list(outputs))


def forget_results(params: dict[str, Any]) -> None:
    """Lets the functions among an operation's parameters run again: each keeps what it returned
    last, and complains of a second time.
    """
    for function in params.get("subfuns", ()):
        for store in getattr(function, "stores", ()):
            if store is not None:
                store.reset()


def reads_as(cls: type, read: Callable[[Any], Any]) -> None:
    """From now on operations take `read(x)` in the place of values of this very class."""
    _dtypes.canonicalize_value_handlers[cls] = read


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


def named_axes() -> tuple[Hashable, ...]:
    """Names of the axes that what runs now is mapped along, outermost first."""
    return tuple(_jax_core.get_axis_env().axis_sizes)


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


_RESULT_NAME = "jax.result_info"
_COMPILED = ("backend", "computation", "devices", "compile_options", "host_callbacks")


def has_found_devices() -> bool:
    return _xla_bridge.backends_are_initialized()


def _without_names(module: ir.Module) -> ir.Module:
    """A copy of a program that does not say what its results are called, such as `['auc_1']`."""
    with module.context:
        copy = module.operation.clone()
        for function in copy.regions[0].blocks[0].operations:
            attributes = function.attributes
            if "res_attrs" in attributes:
                attributes["res_attrs"] = ir.ArrayAttr.get(
                    [
                        ir.DictAttr.get({a.name: a.attr for a in row if a.name != _RESULT_NAME})
                        for row in attributes["res_attrs"]
                    ]
                )
    return copy


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
            text = _cache_key.get(_without_names(computation), devices, options, backend)
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
