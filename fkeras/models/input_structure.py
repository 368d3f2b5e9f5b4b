"""What a model is called on, brought into the structure and the form that its inputs declare."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import numpy as np

from fkeras.core.nested import flatten, make_sequence_like, map_structure, sorted_keys
from fkeras.core.symbolic.argument_kinds import read
from fkeras.core.symbolic.keras_tensor import KerasTensor
from fkeras.core.values import masks
from fkeras.core.warn_once import warn_user_once
from fkeras.errors import UserInputError
from fkeras.layers.base.host_values import Tracked

if TYPE_CHECKING:
    from fkeras.types import Nested, Shape, Tensor


@dataclasses.dataclass(frozen=True)
class TensorSpec:
    """What is left of a KerasTensor in a copy or a pickle: enough to make it again.

    A leaf of structures, as the tensor was.
    """

    shape: Shape
    dtype: str
    name: str


# -- structures ----------------------------------------------------------------


def flatten_like(declared: Nested[KerasTensor], inputs: Nested[Any], name: str) -> list:
    """Leaves of `inputs` in the order of the leaves of `declared`.

    Args:
        declared: the model's inputs.
        inputs: what it is called on. Dicts may stand for lists of named inputs, and a list or dict
            of one for that one.
        name: the model's, for errors.

    Raises:
        UserInputError: shows both structures, or the key that is missing.
    """
    if isinstance(declared, KerasTensor):
        if isinstance(inputs, dict) and len(inputs) > 1:
            return _inputs_by_layer_name([declared], inputs, name)
        return [_single_input(declared, inputs, name)]
    if isinstance(declared, dict):
        if isinstance(inputs, dict):
            return _inputs_by_key(declared, inputs, name)
    elif isinstance(inputs, dict):
        if all(isinstance(tensor, KerasTensor) for tensor in declared):
            return _inputs_by_layer_name(declared, inputs, name)
    elif isinstance(inputs, (list, tuple)):
        if len(declared) == len(inputs):
            pairs = zip(declared, inputs)
            return [leaf for tensor, x in pairs for leaf in flatten_like(tensor, x, name)]
    elif len(declared) == 1 and hasattr(inputs, "shape"):
        return flatten_like(declared[0], inputs, name)
    raise _mismatch(declared, inputs, name)


def surplus_keys(declared: Nested[KerasTensor], inputs: Nested[Any]) -> list[str]:
    """The keys of a dict of inputs that a model does not take; a single one is taken under any
    name.
    """
    if not isinstance(inputs, dict) or len(inputs) < 2:
        return []
    expected = declared if isinstance(declared, dict) else _input_names(flatten(declared))
    surplus = [key for key in inputs if key not in expected]
    return surplus if len(surplus) < len(inputs) else []  # all of them: another structure


def warn_of_surplus_keys(surplus: Sequence[str], expected: Sequence[str], name: str) -> None:
    if surplus:
        warn_user_once(
            f"Model '{name}' ignores the input keys {list(surplus)}: it takes {list(expected)}.",
            key=(name, *surplus),
        )


def _input_names(declared: Sequence[KerasTensor]) -> list[str]:
    return [x._keras_history[0].name if x._keras_history else x.name for x in declared]


def _single_input(declared, inputs, name):
    array = inputs
    if isinstance(array, (list, tuple)) and len(array) == 1:
        array = array[0]
    if isinstance(array, dict) and len(array) == 1:
        array = next(iter(array.values()))
    if not hasattr(array, "shape") and array is not None:
        raise _mismatch(declared, array, name)
    return array


def _inputs_by_key(declared, inputs, name):
    _check_keys(list(declared), inputs, name)
    keys = sorted_keys(declared)
    return [leaf for key in keys for leaf in flatten_like(declared[key], inputs[key], name)]


def _inputs_by_layer_name(declared, inputs, name):
    layer_names = _input_names(declared)
    _check_keys(layer_names, inputs, name)
    return [inputs[key] for key in layer_names]


def _check_keys(expected, inputs, name):
    for key in expected:
        if key not in inputs:
            raise UserInputError(
                f"Missing data for input \"{key}\" of model '{name}'. You passed a data "
                f"dictionary with keys {list(inputs)}. Expected the following keys: {expected}"
            )
    warn_of_surplus_keys([key for key in inputs if key not in expected], expected, name)


def _mismatch(declared, inputs, name):
    def shown(structure):
        return map_structure(
            lambda x: tuple(x.shape) if hasattr(x, "shape") else type(x).__name__, structure
        )

    return UserInputError(
        f"The structure of `inputs` doesn't match the expected structure of model '{name}'.\n"
        f"Expected: {shown(declared)}\nReceived: {shown(inputs)}"
    )


def pack_like(structure: Nested[Any], values: Sequence[Any]) -> Nested[Any]:
    """Values in the order of `flatten(structure)`, in that structure.

    Args:
        structure: of KerasTensors or `TensorSpec`s.
        values: one for each of its leaves.
    """
    remaining = iter(values)

    def fill(part):
        if isinstance(part, dict):  # made a plain one: JAX takes a subclass of dict for a leaf
            by_key = {key: fill(part[key]) for key in sorted_keys(part)}
            return {key: by_key[key] for key in part}
        if isinstance(part, (list, tuple)):
            return make_sequence_like(part, [fill(inner) for inner in part])
        return None if part is None else next(remaining)

    return fill(structure)


# -- one input -----------------------------------------------------------------


def adjust_input(x: Tensor | None, declared: KerasTensor, name: str) -> Tensor | None:
    """An input as declared: its dtype, and a missing last axis of size 1 put right.

    Such as the channel of grey pictures. An extra one is put right in pictures, too, and where
    nothing stands before it but the batch: `(n, 4, 1)` is four steps of one number to most layers,
    and not four numbers.

    Args:
        x: the array; None for an optional input that is left out.
        declared: the model's input.
        name: the model's, for errors.

    Raises:
        UserInputError: shows both shapes.
    """
    if x is None:
        if not getattr(declared._keras_history[0], "optional", False):
            raise UserInputError(
                f"The input '{declared.name}' of model '{name}' is not optional, but None was "
                "passed for it."
            )
        return None
    x = with_declared_rank(read(x), declared, name)
    # Strings stay on the host; KerasTensors are converted where the graph is run.
    if isinstance(x, (KerasTensor, Tracked)) or declared.dtype == "string":
        return x
    if not isinstance(x, jax.Array) or str(x.dtype) != declared.dtype:
        x = _keep_mask(x, jnp.asarray(x, jax.dtypes.canonicalize_dtype(declared.dtype)))
    return x


def with_declared_rank(x: Tensor, declared: KerasTensor, name: str) -> Tensor:
    """An input with as many axes as declared: see `adjust_input`.

    Raises:
        UserInputError: another shape; strings for numbers, or numbers for strings.
    """
    _check_kind(x, declared, name)
    shape, rank = tuple(x.shape), len(declared.shape)
    if len(shape) == rank - 1 and declared.shape[-1] == 1:
        return _keep_mask(x, x[..., None])
    is_one_more = len(shape) == rank + 1 and shape[-1] == 1
    if is_one_more and rank != 2 and are_compatible(declared.shape[1:], shape[1:-1]):
        return _keep_mask(x, x[..., 0])
    # The batch axis stays free.
    if len(shape) != rank or not are_compatible(declared.shape[1:], shape[1:]):
        hint = ""
        if len(shape) == 1 and rank == 2:
            hint = f" x is 1-D; do you mean `x.reshape(-1, {declared.shape[-1]})`?"
        elif shape[-1] == 1 and are_compatible(declared.shape[1:], shape[1:-1]):
            hint = " For one axis less, pass `x[..., 0]`."
        raise UserInputError(
            f"Invalid input shape for input '{declared.name}' of model '{name}': expected "
            f"shape={tuple(declared.shape)}, found shape={shape}.{hint}"
        )
    return x


def _check_kind(x, declared, name):
    """Raises where an array holds strings and the input is declared to hold numbers, or the other
    way round, and where it holds complex numbers.
    """
    is_array = isinstance(x, (np.ndarray, jax.Array))
    if is_array and (x.dtype.kind in "OUS") != (declared.dtype == "string"):
        raise UserInputError(
            f"Input '{declared.name}' of model '{name}' is declared to be of dtype "
            f"{declared.dtype}. Received an array of dtype {x.dtype}."
        )
    if is_array and x.dtype.kind == "c" and not declared.dtype.startswith("complex"):
        raise UserInputError(
            f"Input '{declared.name}' of model '{name}' is declared to be of dtype "
            f"{declared.dtype}. Received complex numbers: take `abs(x)`, or x.real and x.imag as "
            "two inputs; or declare `Input(..., dtype='complex64')`."
        )


def are_compatible(declared: Shape, shape: Shape) -> bool:
    """Whether two shapes have as many axes, of equal sizes where both are known."""
    return len(declared) == len(shape) and all(
        expected is None or size is None or expected == size
        for expected, size in zip(declared, shape)
    )


def _keep_mask(old, new):
    mask = masks.get_mask(old)
    if mask is not None:
        masks.set_mask(new, mask)
    return new
