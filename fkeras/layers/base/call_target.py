"""What a pure call runs: the layer, one of its methods, a layer below it, or a function."""

from __future__ import annotations

import functools
import inspect
import operator
from collections.abc import Callable, Collection
from typing import TYPE_CHECKING, Any, NamedTuple

from fkeras.core.values import lending
from fkeras.errors import UserInputError
from fkeras.layers.base import input_conversion, signature

if TYPE_CHECKING:
    from fkeras.layers.base.layer import Layer

    Method = str | Layer | Callable[..., Any]


class CallTarget(NamedTuple):
    function: Callable[..., Any]
    parameters: Collection[str]


def find_target(layer: Layer, method: Method | None) -> CallTarget:
    """What `method` names: the layer itself, one of its methods, a layer below it, or a function
    that takes the layer first.
    """
    if method is None:
        return CallTarget(layer, signature.of(layer).parameters)
    if isinstance(method, str):
        owner, _, name = method.rpartition(".")
        obj = operator.attrgetter(owner)(layer) if owner else layer
        found = getattr(obj, name, None)
        if not callable(found):
            raise UserInputError(
                f"`apply(..., method={method!r})`: layer '{layer.name}' "
                f"({type(layer).__name__}) has no such method or sub-layer."
            )
        return find_target(layer, found)
    if hasattr(method, "_info"):
        return CallTarget(method, signature.of(method).parameters)
    if getattr(method, "__self__", None) is None:  # a function, or a method taken from the class
        method = functools.partial(method, layer)
    return CallTarget(_as_call(layer, method), inspect.signature(method).parameters)


def _as_call(layer: Layer, method: Callable[..., Any]) -> Callable[..., Any]:
    """A method run as `call` is: its inputs converted, its own weights read in the compute
    dtype.
    """
    info = layer._info

    def run(*args: Any, **kwargs: Any) -> Any:
        if info.convert_inputs:
            args, kwargs = input_conversion.convert_inputs(
                layer.dtype_policy, layer.compute_dtype, info.autocast, args, kwargs
            )
        policy = layer.dtype_policy
        is_cast = info.autocast and policy.compute_dtype != policy.variable_dtype
        with lending.autocast(policy.compute_dtype if is_cast else None):
            return method(*args, **kwargs)

    return run
