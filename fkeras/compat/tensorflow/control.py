"""Functions of functions: `tf.function`, `tf.cond`, `tf.map_fn`, `tf.py_function`, and scopes."""

from __future__ import annotations

import builtins
import functools
import sys
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from fkeras import ops, tree
from fkeras.compat.tensorflow import arranging, creation
from fkeras.compat.tensorflow.calls import is_on_device, is_traced, shape_of
from fkeras.compat.tensorflow.dtypes import numpy_dtype
from fkeras.compat.tensorflow.notes import say_once, without_effect
from fkeras.core import jax_private
from fkeras.data.pipeline.host_array import host_array
from fkeras.errors import UserInputError
from fkeras.layers.base.lift import remat
from fkeras.types import TensorLike


def function(func: Callable[..., Any] | None = None, **options: Any) -> Callable[..., Any]:
    """Gives the function back as it is: fkeras compiles whole training steps."""
    say_once(
        "tf.function",
        "tf.function does nothing here: whole steps are compiled. For functions of your own, use "
        "jax.jit.",
    )
    return (lambda f: f) if func is None else func


# -- branches and loops ----------------------------------------------------------------------------


def cond(
    pred: TensorLike,
    true_fn: Callable[[], Any],
    false_fn: Callable[[], Any],
    name: str | None = None,
) -> Any:
    """What one of two functions gives; only that one is called where the truth is known."""
    if is_traced(pred):
        return ops.cond(pred, true_fn, false_fn)
    return true_fn() if np.asarray(pred).item() else false_fn()


def case(
    pred_fn_pairs: Sequence[tuple[TensorLike, Callable[[], Any]]],
    default: Callable[[], Any] | None = None,
    exclusive: bool = False,
    strict: bool = False,
    name: str | None = None,
) -> Any:
    """What the function beside the first true value gives, else `default`."""
    pairs = list(pred_fn_pairs)
    if not pairs:
        if default is None:
            raise UserInputError("tf.case: no value is true, and there is no `default`.")
        return default()
    (pred, first), rest = pairs[0], pairs[1:]
    if not rest and default is None and is_traced(pred):
        return first()
    return cond(pred, first, lambda: case(rest, default))


def switch_case(
    branch_index: TensorLike,
    branch_fns: Any,
    default: Callable[[], Any] | None = None,
    name: str | None = None,
) -> Any:
    """What the function of a number gives; `default`, else the last one, for any other number."""
    by_number = dict(branch_fns if isinstance(branch_fns, dict) else enumerate(branch_fns))
    last = default or by_number[max(by_number)]
    pairs = [(branch_index == number, fn) for number, fn in by_number.items()]
    return case(pairs, last)


def while_loop(
    cond: Callable[..., Any],
    body: Callable[..., Any],
    loop_vars: Sequence[Any],
    shape_invariants: Any = None,
    parallel_iterations: int = 10,
    back_prop: bool = True,
    swap_memory: bool = False,
    maximum_iterations: int | None = None,
    name: str | None = None,
) -> Any:
    """Calls `body` on its own results as long as `cond` of them is true."""
    values: Any = tuple(loop_vars)
    count = 0
    while maximum_iterations is None or count < maximum_iterations:
        goes_on = cond(*values)
        if is_traced(goes_on):
            arrays = tree.map_structure(jnp.asarray, values)
            left = None if maximum_iterations is None else int(maximum_iterations) - count
            step = lambda *state: _as_tuple(body(*state))
            return list(ops.while_loop(cond, step, arrays, maximum_iterations=left))
        if not bool(goes_on):
            break
        values = _as_tuple(body(*values))
        count += 1
    return list(values)


def _as_tuple(values: Any) -> tuple[Any, ...]:
    return tuple(values) if isinstance(values, (list, tuple)) else (values,)


def map_fn(
    fn: Callable[[Any], Any],
    elems: Any,
    dtype: Any = None,
    parallel_iterations: int | None = None,
    back_prop: bool = True,
    swap_memory: bool = False,
    infer_shape: bool = True,
    name: str | None = None,
    fn_output_signature: Any = None,
) -> Any:
    """A function of each row of a tensor, or of several tensors in a nested structure."""
    if is_on_device((elems,)):
        return ops.map(fn, elems)
    results = [fn(row) for row in _rows(elems)]
    stacked = tree.map_structure(lambda *parts: arranging.stack(list(parts)), *results)
    wanted = dtype if fn_output_signature is None else fn_output_signature
    if isinstance(wanted, (str, np.dtype, type)):
        return tree.map_structure(lambda x: creation.cast(x, wanted), stacked)
    return stacked


def _rows(elems: Any) -> list[Any]:
    elems = (
        tree.map_structure(
            lambda x: x if is_on_device((x,)) else creation.convert_to_tensor(x), elems
        )
        if isinstance(elems, (tuple, dict))
        else creation.convert_to_tensor(elems)
    )
    count = shape_of(tree.flatten(elems)[0])[0]
    return [tree.map_structure(lambda x: x[i], elems) for i in builtins.range(count)]  # noqa: B023


def vectorized_map(
    fn: Callable[[Any], Any], elems: Any, fallback_to_while_loop: bool = True, **options: Any
) -> Any:
    """A function of each row, computed for all of them at once."""
    return ops.vectorized_map(fn, elems) if is_on_device((elems,)) else map_fn(fn, elems)


def foldl(
    fn: Callable[[Any, Any], Any], elems: Any, initializer: Any = None, **options: Any
) -> Any:
    """A function of what it gave before and the next row; the last result."""
    rows = _rows(elems)
    total = rows.pop(0) if initializer is None else initializer
    for row in rows:
        total = fn(total, row)
    return total


def foldr(
    fn: Callable[[Any, Any], Any], elems: Any, initializer: Any = None, **options: Any
) -> Any:
    """`foldl` from the last row to the first."""
    rows = _rows(elems)[::-1]
    total = rows.pop(0) if initializer is None else initializer
    for row in rows:
        total = fn(total, row)
    return total


def scan(
    fn: Callable[[Any, Any], Any],
    elems: Any,
    initializer: Any = None,
    parallel_iterations: int = 10,
    back_prop: bool = True,
    swap_memory: bool = False,
    infer_shape: bool = True,
    reverse: bool = False,
    name: str | None = None,
) -> Any:
    """`foldl` with all results, one for each row."""
    rows = _rows(elems)[:: -1 if reverse else 1]
    results = []
    if initializer is None:
        total = rows.pop(0)
        results.append(total)
    else:
        total = initializer
    for row in rows:
        total = fn(total, row)
        results.append(total)
    results = results[:: -1 if reverse else 1]
    return tree.map_structure(lambda *parts: arranging.stack(list(parts)), *results)


# -- functions of Python inside of programs --------------------------------------------------------


def numpy_function(
    func: Callable[..., Any] | None = None,
    inp: Sequence[TensorLike] | None = None,
    Tout: Any = None,
    stateful: bool = True,
    name: str | None = None,
) -> Any:
    """What a function of NumPy arrays gives. In a compiled step it is called on the host while the
    program runs; there the shapes of its results are those that it gives for zeros, or () where it
    refuses them.

    Args:
        func: function of arrays; None for a decorator, which makes one of tensors of it.
        inp: its arguments.
        Tout: dtype of the result, or a list of them.
        stateful: not used. name: not used.
    """
    return _call_or_decorate(func, inp, Tout, np.asarray)


def py_function(
    func: Callable[..., Any] | None = None,
    inp: Sequence[TensorLike] | None = None,
    Tout: Any = None,
    name: str | None = None,
) -> Any:
    """`numpy_function` of a function that takes tensors, with `.numpy()`."""
    return _call_or_decorate(func, inp, Tout, host_array)


def _call_or_decorate(
    func: Callable[..., Any] | None, inputs: Any, dtypes: Any, convert: Callable[..., Any]
) -> Any:
    if func is not None:
        return _call_python(func, list(inputs or ()), dtypes, convert)

    def decorate(func: Callable[..., Any]) -> Callable[..., Any]:
        return functools.wraps(func)(lambda *args: _call_python(func, list(args), dtypes, convert))

    return decorate


def _call_python(
    func: Callable[..., Any], inputs: list[Any], dtypes: Any, convert: Callable[..., Any]
) -> Any:
    is_many = isinstance(dtypes, (list, tuple))
    kinds = [numpy_dtype(dtype) for dtype in (dtypes if is_many else [dtypes])]

    def call(*arrays: Any) -> tuple[np.ndarray, ...]:
        results = func(*(convert(np.asarray(a)) for a in arrays))
        # One result in a list of one dtype may come without a list.
        is_row = is_many and isinstance(results, (list, tuple)) and len(results) == len(kinds)
        results = results if is_row else [results]
        return tuple(
            creation.constant(np.asarray(r)).astype(k) if k.kind != "O" else host_array(r)
            for r, k in zip(results, kinds)
        )

    if not is_traced(*inputs):
        found: Any = tuple(host_array(r) for r in call(*inputs)) if kinds else (func(*inputs),)
    else:
        found = _call_in_program(call, inputs, [k for k in kinds if k is not None])
    return list(found) if is_many else found[0]


def _call_in_program(
    call: Callable[..., Any], inputs: list[Any], kinds: list[np.dtype]
) -> tuple[Any, ...]:
    kinds = [jax.dtypes.canonicalize_dtype(kind) for kind in kinds]
    arrays = [jnp.asarray(x) for x in inputs]
    try:
        shapes = [r.shape for r in call(*(np.zeros(a.shape, a.dtype) for a in arrays))]
    except Exception:  # of zeros it may make nothing: a score of one class
        shapes = [()] * len(kinds)
    specs = tuple(jax.ShapeDtypeStruct(tuple(s), k) for s, k in zip(shapes, kinds))

    def on_host(*values: Any) -> tuple[np.ndarray, ...]:
        return tuple(np.asarray(r).astype(k) for r, k in zip(call(*values), kinds))

    return jax.pure_callback(on_host, specs, *arrays)


def print_values(*inputs: Any, **options: Any) -> None:
    """Prints values; in a compiled step when the program runs.

    Args:
        *inputs: what is printed, with a space between.
        **options: `output_stream` (stdout, stderr; the latter where none is given), `end`, `sep`.
    """
    stream = options.get("output_stream", sys.stderr)
    stream = {"stdout": sys.stdout, "stderr": sys.stderr}.get(stream, stream)
    if not hasattr(stream, "write"):
        stream = sys.stderr
    end, between = options.get("end", "\n"), options.get("sep", " ")

    def write(*values: Any) -> None:
        stream.write(between.join(map(_shown, values)) + end)

    traced = [i for i, x in enumerate(inputs) if isinstance(x, jax.core.Tracer)]
    if not traced:
        return write(*inputs)

    def later(*values: Any) -> None:
        whole = list(inputs)
        for place, value in zip(traced, values):
            whole[place] = np.asarray(value)
        write(*whole)

    jax.debug.callback(later, *(inputs[i] for i in traced))
    return None


def _shown(value: Any) -> str:
    value = value.numpy() if hasattr(value, "numpy") else value
    return value.decode("utf8", "replace") if isinstance(value, bytes) else str(value)


# -- scopes ----------------------------------------------------------------------------------------


def name_scope(name: str, *args: Any, **kwargs: Any) -> AbstractContextManager[str]:
    """Context manager: the name stands in the program's metadata, where a profiler shows it."""
    return _NameScope(name)


class _NameScope(AbstractContextManager):
    def __init__(self, name: str) -> None:
        self._name = name
        self._scope = jax.named_scope(name)

    def __enter__(self) -> str:
        self._scope.__enter__()
        return self._name

    def __exit__(self, *error: Any) -> Any:
        return self._scope.__exit__(*error)


def control_dependencies(control_inputs: Any) -> AbstractContextManager[None]:
    """Context manager without effect: what is computed follows from what is used."""
    return nullcontext()


def executing_eagerly() -> bool:
    """Whether values are known as they are computed: no program is being made."""
    return not jax_private.is_staging(jax_private.current_trace())


def custom_gradient(f: Callable[..., Any]) -> Callable[..., Any]:
    """A function that gives its result and a function for its gradient."""
    return ops.custom_gradient(f)


def group(*inputs: Any, **options: Any) -> None:
    """Nothing: all of it is computed already."""


NAMES: dict[str, Any] = {
    "case": case,
    "cond": cond,
    "control_dependencies": control_dependencies,
    "custom_gradient": custom_gradient,
    "executing_eagerly": executing_eagerly,
    "foldl": foldl,
    "foldr": foldr,
    "function": function,
    "group": group,
    "init_scope": nullcontext,
    "inside_function": lambda: not executing_eagerly(),
    "map_fn": map_fn,
    "name_scope": name_scope,
    "no_op": lambda name=None: None,
    "numpy_function": numpy_function,
    "print": print_values,
    "py_function": py_function,
    "recompute_grad": remat,
    "scan": scan,
    "switch_case": switch_case,
    "vectorized_map": vectorized_map,
    "while_loop": while_loop,
}
AUTOGRAPH: dict[str, Any] = {
    "set_verbosity": without_effect("tf.autograph.set_verbosity"),
    "trace": print_values,
}
AUTOGRAPH_EXPERIMENTAL: dict[str, Any] = {
    "do_not_convert": lambda func=None: (lambda f: f) if func is None else func,
    "set_loop_options": without_effect("set_loop_options"),
}
