"""`op`: makes a function of arrays one of `fkeras.ops`."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, ParamSpec, Protocol, TypeVar, overload

import jax

from fkeras.core import tracebacks
from fkeras.core.nested import map_structure
from fkeras.core.symbolic import call_errors
from fkeras.core.symbolic.argument_kinds import (
    READ,
    SPARSE,
    SYMBOLIC,
    densify,
    kinds_in,
    read,
)
from fkeras.core.symbolic.evaluate import evaluate, evaluate_call
from fkeras.core.symbolic.node import FunctionOperation, Node
from fkeras.errors import UserInputError

P = ParamSpec("P")
R = TypeVar("R")


class OpDecorator(Protocol):
    """What `op` is with options: it hands the function's signature on."""

    def __call__(self, fn: Callable[P, R], /) -> Callable[P, R]: ...


# An op keeps the signature of its function, so that type checkers see a wrong name in a call.
@overload
def op(
    fn: Callable[P, R],
    *,
    spec: Callable[..., Any] | None = None,
    sparse: Callable[..., Any] | None = None,
    explained: bool = True,
) -> Callable[P, R]: ...
@overload
def op(
    fn: None = None,
    *,
    spec: Callable[..., Any] | None = None,
    sparse: Callable[..., Any] | None = None,
    explained: bool = True,
) -> OpDecorator: ...
def op(
    fn: Callable[..., Any] | None = None,
    *,
    spec: Callable[..., Any] | None = None,
    sparse: Callable[..., Any] | None = None,
    explained: bool = True,
) -> Callable[..., Any]:
    """Makes a function of arrays one of `fkeras.ops`.

    On KerasTensors it is recorded instead of computed; Variables are read.

    Args:
        fn: the function of arrays.
        spec: optional function of the same arguments that returns KerasTensors, where abstract
            evaluation cannot tell the shape.
        sparse: optional `sparse(fn, *args, **kwargs)` that computes where an argument is a
            `jax.experimental.sparse` array; None: such arguments are made dense.
        explained: whether TypeErrors, ValueErrors and IndexErrors are raised again as
            `UserInputError`s that name the op and its arguments; False for functions that call the
            user's own.

    Examples:
        >>> import fkeras
        >>> twice = op(lambda x: 2 * x)
        >>> twice(fkeras.KerasTensor((None, 3))).shape
        (None, 3)
    """
    if fn is None:
        return functools.partial(op, spec=spec, sparse=sparse, explained=explained)

    def compute(*args: Any, **kwargs: Any) -> Any:
        """What the op does where a Variable or a sparse array is among the arguments."""
        kinds = kinds_in(args) | kinds_in(kwargs.values())
        if kinds & READ:
            args = map_structure(read, args)
            kwargs = map_structure(read, kwargs)
        if kinds & SPARSE:
            if sparse is not None:
                return sparse(fn, *args, **kwargs)
            args = map_structure(densify, args)
            kwargs = map_structure(densify, kwargs)
        return fn(*args, **kwargs)

    @functools.wraps(fn)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        # The way of plain arrays comes first and asks little: it is taken at every op of a trace.
        try:
            kinds = kinds_in(args)
            if kwargs:
                kinds |= kinds_in(kwargs.values())
            if not kinds:
                return fn(*args, **kwargs)
            if not kinds & SYMBOLIC:
                return compute(*args, **kwargs)
            if spec is not None:
                outputs = spec(*args, **kwargs)
            else:
                outputs = evaluate_call(compute, args, kwargs, tries=100)
        except (TypeError, ValueError, IndexError) as error:
            if not explained or isinstance(error, (UserInputError, jax.errors.JAXTypeError)):
                tracebacks.trim_if_enabled(error)
                raise
            tracebacks.trim_if_enabled(error)
            raise call_errors.explain(fn, args, kwargs, error) from error
        Node(FunctionOperation(wrapper), args, kwargs, outputs)
        return outputs

    wrapper.compute_output_spec = spec or functools.partial(evaluate, compute)
    return wrapper
