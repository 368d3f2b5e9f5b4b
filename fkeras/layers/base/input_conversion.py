"""What a layer's call makes of its inputs before `call`: JAX arrays of the right dtype."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import numpy as np

from fkeras.core.nested import flatten, map_structure
from fkeras.core.symbolic.argument_kinds import READ, kind_of, read
from fkeras.core.symbolic.keras_tensor import KerasTensor
from fkeras.core.values import masks
from fkeras.errors import UserInputError
from fkeras.layers.base import nested, signature
from fkeras.layers.base.host_values import Tracked
from fkeras.ops.tensors import as_array

if TYPE_CHECKING:
    from collections.abc import Callable

    from fkeras.core.dtype_policy import DTypePolicy
    from fkeras.layers.base.layer import Layer


def convert_inputs(
    policy: DTypePolicy,
    dtype: str,
    autocast: bool,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """A call's arguments with their tensors as JAX arrays, floats in the compute dtype.

    Args:
        policy: the layer's dtype policy.
        dtype: the dtype of the layer's arithmetic.
        autocast: whether floats are cast; False: arrays keep their dtypes.
        args, kwargs: arguments of the call. Lists of numbers count as arrays in `args` alone.
    """

    def convert(x: Any) -> Any:
        if isinstance(x, jax.Array):
            return _with_mask_of(x, policy.convert_input(x, autocast, dtype))
        if isinstance(x, KerasTensor):  # its mask is found when the graph is replayed
            return policy.convert_input(x, autocast, dtype)
        if kind_of(type(x)) == READ:  # a Variable, for one
            return policy.convert_input(read(x), autocast, dtype)
        if isinstance(x, (np.ndarray, np.generic)):
            return _from_numpy(x, dtype if autocast else None)
        is_sparse = hasattr(x, "todense")
        return policy.convert_input(x, autocast, dtype) if is_sparse else x

    float_dtype = dtype if autocast else None
    converted = tuple(_convert_positional(convert, value, float_dtype) for value in args)
    named = {
        name: map_structure(convert, value) if nested.holds_tensor(value) else value
        for name, value in kwargs.items()
    }
    return converted, named


def _with_mask_of(x: Any, converted: Any) -> Any:
    """A cast makes another array: the mask goes with it."""
    if converted is not x and masks.get_mask(x) is not None:
        masks.set_mask(converted, masks.get_mask(x))
    return converted


def _from_numpy(x: np.ndarray | np.generic, float_dtype: str | None) -> Any:
    # Strings and objects: for layers that look them up on the host.
    if x.dtype.kind in "OUS" or type(x) is Tracked:
        return x
    # Kind V: ml_dtypes, such as bfloat16.
    return as_array(x, float_dtype if x.dtype.kind in "fV" else None)


def _convert_positional(convert: Callable[[Any], Any], value: Any, float_dtype: str | None) -> Any:
    """One positional argument: tensors in any nesting, and lists of numbers or floats as arrays."""
    if nested.holds_tensor(value):
        return map_structure(convert, value)
    if isinstance(value, list) and value and all(_is_number_or_list(v) for v in value):
        array = np.asarray(value)
        return convert(array) if array.dtype != object else value
    return jnp.asarray(value, float_dtype) if isinstance(value, float) else value


def _is_number_or_list(value: Any) -> bool:
    return isinstance(value, (int, float, list)) and not isinstance(value, bool)


def refuse_plain_positionals(
    layer: Layer, call_signature: signature.CallSignature, args: tuple[Any, ...]
) -> None:
    """An error for a bool or string among the positional arguments, where tensors are expected: it
    is nearly always an option that lost its keyword.
    """
    if not layer._info.convert_inputs:
        return
    if getattr(layer, "_allow_non_tensor_positional_args", False):
        return
    for name, value in zip(call_signature.positional, args):
        for leaf in flatten(value):
            if isinstance(leaf, (bool, str)) and not signature.is_tensor(leaf):
                raise UserInputError(
                    "Only input tensors may be passed as positional arguments. The following "
                    f"argument value should be passed as a keyword argument: {name}={leaf!r} "
                    f"(of type {type(leaf).__name__}) in layer '{layer.name}'."
                )
