"""Loops and branches that JAX compiles as one, with the user's functions inside.

Layers that are called in there draw anew in each run, and masks on operands and results come in and
out. State cannot be written and losses cannot be added: `fkeras.lift` carries those too.

On KerasTensors the user's function is evaluated abstractly; it is called again when the graph runs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from numbers import Integral
from typing import Any

import jax
import jax.numpy as jnp

from fkeras.core.nested import flatten, map_structure
from fkeras.core.randomness import key_scopes
from fkeras.core.symbolic.evaluate import evaluate_call
from fkeras.core.symbolic.keras_tensor import KerasTensor
from fkeras.core.symbolic.op import op
from fkeras.core.values import mask_operands
from fkeras.core.values.mask_operands import Masked, masks_of, packed, unpacked
from fkeras.errors import UserInputError
from fkeras.ops.shape_rules import canonical_axis
from fkeras.ops.tensors import as_tensor
from fkeras.types import PyTree, TensorLike

# Errors inside the user's function are the user's: they pass as they are.
user_code = op(explained=False)


def _arrays(structure: PyTree) -> PyTree:
    """NumPy arrays and lists of numbers in a structure as arrays; Python numbers as they are."""
    return map_structure(as_tensor, structure)


def _carries(*operands: PyTree) -> bool:
    """Whether keys or masks may travel beside the arguments. Where none can, the user's functions
    stay themselves, so that JAX knows them again and compiles nothing anew.
    """
    return (
        key_scopes.may_draw()
        or mask_operands.present_call.value is not None
        or mask_operands.is_any(masks_of(operands))
    )


def _next_carry(tree: PyTree, first: Masked, function: str) -> Masked:
    """What a run of a loop returns for the next one, in the structure of the first carry."""
    carry_masks = mask_operands.masks_of_next_carry(masks_of(tree), first.masks, function)
    return Masked(tree, carry_masks)


# -- branches ------------------------------------------------------------------


def _cond_spec(
    pred: KerasTensor, true_fn: Callable[[], Any], false_fn: Callable[[], Any]
) -> KerasTensor:
    yes = evaluate_call(true_fn, (), {}, 0)
    no = evaluate_call(false_fn, (), {}, 0)
    if _description(yes) != _description(no):
        raise UserInputError(
            "cond: `true_fn` and `false_fn` should return outputs of the same kind (struct, dtype "
            f"and shape). Received: {yes} and {no}."
        )
    return yes


def _description(structure: PyTree) -> PyTree:
    """Structure, shapes and dtypes in a form that can be compared."""
    return map_structure(
        lambda x: (tuple(x.shape), str(x.dtype)) if hasattr(x, "shape") else type(x), structure
    )


@op(spec=_cond_spec, explained=False)
def cond(pred: TensorLike, true_fn: Callable[[], Any], false_fn: Callable[[], Any]) -> Any:
    """`true_fn()` where the scalar `pred` is true, else `false_fn()`.

    Args:
        pred: bool scalar, may be traced.
        true_fn, false_fn: functions without arguments, whose results have the same structure,
            shapes and dtypes.
    """
    if not _carries():
        return jax.lax.cond(pred, true_fn, false_fn)
    branches = _branches({"true_fn": true_fn, "false_fn": false_fn}, "fkeras.ops.cond")
    return unpacked(jax.lax.cond(pred, *branches))


def _branches(
    functions: Mapping[str, Callable[..., Any]], chooser: str
) -> list[Callable[..., Masked]]:
    """Branches whose draws are those of the call around, of packed operands and results.

    Args:
        functions: the user's, by name.
        chooser: what chooses between them.
    """
    enter = mask_operands.crossing()
    masked: dict[str, list[bool]] = {}

    def branch(name: str, function: Callable[..., Any]) -> Callable[..., Masked]:
        def run(*operands: Masked) -> Masked:
            with key_scopes.again(), enter():
                result = packed(function(*[unpacked(operand) for operand in operands]))
            masked[name] = [mask is not None for mask in result.masks]
            mask_operands.check_branches(masked, chooser)
            return result

        return run

    return [branch(name, function) for name, function in functions.items()]


# All branches must agree, so that the first one tells the shapes.
def _switch_spec(
    index: KerasTensor, branches: Sequence[Callable[..., Any]], *operands
) -> KerasTensor:
    return evaluate_call(branches[0], operands, {}, 0)


@op(spec=_switch_spec, explained=False)
def switch(index: TensorLike, branches: Sequence[Callable[..., Any]], *operands) -> Any:
    """`branches[index](*operands)`; an index out of range is moved to the nearest.

    Args:
        index: integer scalar, may be traced.
        branches: functions of the operands whose results have the same structure, shapes and
            dtypes.
        *operands: arrays or structures of them.
    """
    index, operands = as_tensor(index), _arrays(operands)
    if not _carries(operands):
        return jax.lax.switch(index, branches, *operands)
    named = {f"branches[{i}]": branch for i, branch in enumerate(branches)}
    wrapped = _branches(named, "fkeras.ops.switch")
    return unpacked(jax.lax.switch(index, wrapped, *(packed(x) for x in operands)))


# -- loops ---------------------------------------------------------------------


def _same(structure: PyTree) -> PyTree:
    """New KerasTensors of the same shapes: a loop keeps those of its state."""
    return map_structure(
        lambda v: KerasTensor(v.shape, dtype=v.dtype) if isinstance(v, KerasTensor) else v,
        structure,
    )


@op(spec=lambda cond, body, loop_vars, maximum_iterations=None: _same(loop_vars), explained=False)
def while_loop(
    cond: Callable[..., TensorLike],
    body: Callable[..., Any],
    loop_vars: PyTree,
    maximum_iterations: int | None = None,
) -> Any:
    """Runs `body` as long as `cond` is true.

    Args:
        cond: function of the loop variables that returns a bool scalar.
        body: function of the loop variables that returns new ones of the same structure, shapes and
            dtypes.
        loop_vars: the first loop variables: an array, or a tuple or list, whose entries become
            separate arguments.
        maximum_iterations: stops after so many; None: no limit.

    Returns:
        The last loop variables: a tuple for a tuple or list.

    Examples:
        >>> import fkeras
        >>> fkeras.ops.while_loop(lambda i: i < 10, lambda i: i + 3, 0)
        Array(12, dtype=int32, weak_type=True)
    """
    # A tuple or list is spread over arguments; anything else, a dict too, is one argument.
    several = isinstance(loop_vars, (tuple, list))
    start = packed(_arrays(tuple(loop_vars) if several else (loop_vars,)))
    enter = mask_operands.crossing()

    # The state carries a count of iterations beside the variables.
    def condition(state: tuple[jax.Array, Masked]) -> jax.Array:
        count, values = state
        with enter():
            proceed = cond(*unpacked(values))
        if maximum_iterations is None:
            return proceed
        return jnp.logical_and(proceed, count < maximum_iterations)

    def step(state: tuple[jax.Array, Masked]) -> tuple[jax.Array, Masked]:
        count, values = state
        with key_scopes.iteration(count), enter():
            result = body(*unpacked(values))
        listed = several and isinstance(result, (tuple, list))  # one variable may come back bare
        result = tuple(result) if listed else (result,)
        return count + 1, _next_carry(result, start, "fkeras.ops.while_loop")

    with key_scopes.looped():
        _, last = jax.lax.while_loop(condition, step, (0, start))
    values = unpacked(last)
    return values if several else values[0]


@op(spec=lambda lower, upper, body_fun, init_val: _same(init_val), explained=False)
def fori_loop(
    lower: TensorLike,
    upper: TensorLike,
    body_fun: Callable[[jax.Array, Any], Any],
    init_val: PyTree,
) -> Any:
    """`state = body_fun(i, state)` for i from `lower` to `upper` - 1; returns the last state.

    Args:
        lower, upper: integers, may be traced.
        body_fun: function of the index and the state that returns a state of the same structure,
            shapes and dtypes.
        init_val: array or structure of arrays.
    """
    init_val = _arrays(init_val)
    if not _carries(init_val):
        return jax.lax.fori_loop(lower, upper, body_fun, init_val)
    first = packed(init_val)
    enter = mask_operands.crossing()

    def run(index: jax.Array, state: Masked) -> Masked:
        with key_scopes.iteration(index), enter():
            return _next_carry(body_fun(index, unpacked(state)), first, "fkeras.ops.fori_loop")

    with key_scopes.looped():
        return unpacked(jax.lax.fori_loop(lower, upper, run, first))


def _scan_spec(
    f: Callable[[Any, Any], tuple[Any, Any]],
    init: PyTree,
    xs: PyTree = None,
    length: int | None = None,
    reverse: bool = False,
    unroll: int | bool = 1,
) -> tuple[Any, Any]:
    if length is None and xs is None:
        raise UserInputError("scan: pass `length` where there are no `xs`.")
    count = int(length) if length is not None else flatten(xs)[0].shape[0]  # None if unknown
    carry, y = evaluate_call(f, (init, _without_axis(xs)), {}, 100)
    return carry, _with_axis(y, count)


def _without_axis(structure: PyTree) -> PyTree:
    """The KerasTensors without axis 0; of arrays the first entry."""
    return map_structure(
        lambda t: KerasTensor(t.shape[1:], dtype=t.dtype) if isinstance(t, KerasTensor) else t[0],
        structure,
    )


def _with_axis(structure: PyTree, size: int | None) -> PyTree:
    """The same structure of KerasTensors with a new axis 0 of `size`."""
    return map_structure(
        lambda t: KerasTensor((size, *t.shape), dtype=t.dtype, sparse=t.sparse), structure
    )


@op(spec=_scan_spec, explained=False)
def scan(
    f: Callable[[Any, Any], tuple[Any, Any]],
    init: PyTree,
    xs: PyTree = None,
    length: int | None = None,
    reverse: bool = False,
    unroll: int | bool = 1,
) -> Any:
    """`carry, y = f(carry, x)` for each x along axis 0 of `xs`, from `init`.

    Returns the last carry and all y stacked.

    Args:
        f: function of the carry and one x that returns a pair; the carry keeps its structure,
            shapes and dtypes.
        init: the first carry: an array or a structure of arrays.
        xs: array or structure of arrays with a common axis 0; None: `f` gets None, `length` times.
        length: how many steps; None: the size of axis 0.
        reverse: whether to go from the end to the start.
        unroll: how many steps to compile into one, a positive int; True: all.

    Examples:
        >>> import fkeras
        >>> carry, ys = fkeras.ops.scan(lambda c, x: (c + x, c), 0, fkeras.ops.arange(4))
        >>> int(carry), ys.tolist()
        (6, [0, 0, 1, 3])
    """
    if not isinstance(unroll, bool) and (not isinstance(unroll, Integral) or unroll < 1):
        raise UserInputError(
            f"scan: `unroll` must be an positive integer or boolean. Received: unroll={unroll!r}."
        )
    options = {"length": length, "reverse": reverse, "unroll": unroll}
    init, xs = _arrays(init), _arrays(xs)
    if not _carries(init, xs):
        return jax.lax.scan(f, init, xs, **options)
    first = packed(init)
    enter = mask_operands.crossing()

    def run(carry: Masked, row: tuple[jax.Array, Masked]) -> tuple[Masked, Masked]:
        index, x = row
        with key_scopes.iteration(index), enter():
            new_carry, y = f(unpacked(carry), unpacked(x))
            return _next_carry(new_carry, first, "fkeras.ops.scan"), packed(y)

    count = length if length is not None else flatten(xs)[0].shape[0]
    with key_scopes.looped():
        carry, ys = jax.lax.scan(run, first, (jnp.arange(count), packed(xs)), **options)
    return unpacked(carry), unpacked(ys)


def _associative_spec(
    f: Callable[[Any, Any], Any], elems: PyTree, reverse: bool = False, axis: int = 0
) -> KerasTensor:
    flat = flatten(elems)
    position = canonical_axis(axis, len(flat[0].shape))
    _check_lengths(flat, axis)

    def resized(structure, size):
        return map_structure(
            lambda t: KerasTensor(
                (*t.shape[:position], size, *t.shape[position + 1 :]), dtype=t.dtype
            ),
            structure,
        )

    # `f` works elementwise along the axis, so that one element tells its shapes.
    one = resized(elems, 1)
    return resized(evaluate_call(f, (one, one), {}, 0), flat[0].shape[position])


def _check_lengths(elems: Sequence[Any], axis: int) -> None:
    """Raises unless all have one size along `axis`."""
    if len({x.shape[axis] for x in elems}) > 1:
        raise UserInputError(
            "Array inputs to associative_scan must have the same first dimension. "
            f"Received: axis={axis} of shapes {[tuple(x.shape) for x in elems]}."
        )


@op(spec=_associative_spec, explained=False)
def associative_scan(
    f: Callable[[Any, Any], Any], elems: PyTree, reverse: bool = False, axis: int = 0
) -> Any:
    """All prefixes combined with an associative `f`, in parallel.

    x0, f(x0, x1), f(f(x0, x1), x2), ... along `axis`.

    Args:
        f: associative function of two structures like `elems`, working elementwise along `axis`.
        elems: array or structure of arrays of one size along `axis`.
        reverse: whether to start at the end.
        axis: int.
    """
    elems = _arrays(elems)
    if not callable(f):
        raise UserInputError(
            f"associative_scan: `f` must be a function of two values. Received: {f!r}."
        )
    _check_lengths(flatten(elems), axis)
    with key_scopes.refused("associative_scan"):
        return jax.lax.associative_scan(f, elems, reverse=reverse, axis=axis)


# -- over axis 0 ---------------------------------------------------------------


def _map_spec(f: Callable[[Any], Any], xs: PyTree) -> KerasTensor:
    return _with_axis(evaluate_call(f, (_without_axis(xs),), {}, 100), flatten(xs)[0].shape[0])


@op(spec=_map_spec, explained=False)
def map(f: Callable[[Any], Any], xs: PyTree) -> Any:
    """`f` on each entry along axis 0 of `xs`, one after the other, results stacked.

    See `vectorized_map` for all at once.

    Args:
        f: function of one entry (a structure like `xs`), which may return a structure.
        xs: array or structure of arrays with a common axis 0.
    """
    return _over_entries(jax.lax.map, f, _arrays(xs))


def _over_entries(
    mapping: Callable[..., Any], function: Callable[[Any], Any], xs: PyTree
) -> PyTree:
    """`mapping(function, xs)`, each entry with its mask, and with keys of its own."""
    enter = mask_operands.crossing()

    def run(row: tuple[jax.Array, Masked]) -> Masked:
        index, x = row
        with key_scopes.iteration(index), enter():
            return packed(function(unpacked(x)))

    with key_scopes.looped():
        return unpacked(mapping(run, (jnp.arange(flatten(xs)[0].shape[0]), packed(xs))))


@op(spec=lambda function, elements: _map_spec(function, elements), explained=False)
def vectorized_map(function: Callable[[Any], Any], elements: PyTree) -> Any:
    """`function` on all entries along axis 0 of `elements` at once, results stacked: `jax.vmap`.

    Args:
        function: function of one entry (a structure like `elements`), which may return a structure.
        elements: array or structure of arrays with a common axis 0.
    """
    return _over_entries(lambda f, xs: jax.vmap(f)(xs), function, _arrays(elements))


def vectorize(
    pyfunc: Callable[..., Any],
    *,
    excluded: set[int | str] | None = None,
    signature: str | None = None,
) -> Callable[..., Any]:
    """A function that calls `pyfunc` for all broadcast entries of its arguments.

    Args:
        pyfunc: function.
        excluded: set of positions or names of arguments that are passed as they are.
        signature: core dimensions such as `"(m,n),(n)->(m)"`; None: scalars.
    """
    if not callable(pyfunc):
        raise UserInputError(
            f"Expected argument `pyfunc` to be a callable. Received: pyfunc={pyfunc!r}."
        )
    mapped = jnp.vectorize(pyfunc, excluded=excluded or set(), signature=signature)
    return user_code(mapped)
