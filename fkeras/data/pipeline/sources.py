"""Where elements come from: arrays, one element, numbers in order, generators."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from fkeras.data.pipeline import elements, tensor_spec
from fkeras.data.pipeline.node import (
    INFINITE_CARDINALITY,
    UNKNOWN_CARDINALITY,
    Node,
    RandomNode,
    Rows,
    Run,
)
from fkeras.errors import UserInputError, UserTypeError


class Slices(Node):
    """Rows of arrays."""

    label = "from_tensor_slices"

    def __init__(self, columns: Any) -> None:
        self.columns = elements.map_values(_read_only, columns)
        self.length = len(elements.values_of(columns)[0])

    def rows(self, run: Run, skip: int = 0) -> Iterator[Rows]:
        if skip < self.length:
            yield range(skip, self.length)

    def count(self) -> int:
        return self.length

    def spec(self) -> Any:
        return tensor_spec.map_specs(
            lambda one: one and one.of_row(), tensor_spec.spec_of(self.columns)
        )


class UnevenRows(Node):
    """Rows of arrays and of TensorFlow's ragged or sparse tensors (`is_composite`)."""

    label = "from_tensor_slices"

    def __init__(self, arrays: Any) -> None:
        self.arrays = arrays
        lengths = {len(column) for column in elements.values_of(arrays)}
        if len(lengths) > 1:
            raise UserInputError(
                f"{self.label}: all arrays need the same number of rows. Received lengths "
                f"{sorted(lengths)}."
            )
        [self.length] = lengths

    def elements(self, run: Run) -> Iterator[Any]:
        for row in range(self.length):
            yield elements.unwrap(self._row(row), self.label)

    def _row(self, number: int) -> Any:
        return elements.map_values(lambda array: array[number], self.arrays)

    def count(self) -> int:
        return self.length

    def spec(self) -> Any:
        def spec_of(column: Any) -> Any:
            if not hasattr(column, "is_composite"):
                return tensor_spec.spec_of(elements.unwrap(column, self.label)).of_row()
            return tensor_spec.TensorSpec(tuple(column.shape)[1:], str(column.dtype))

        return elements.map_values(spec_of, self.arrays)


def slices(tensors: Any) -> Node:
    """The node for what `from_tensor_slices` was given.

    Raises:
        UserInputError: no arrays, arrays without rows, or of different lengths.
    """
    name = "from_tensor_slices"
    if hasattr(tensors, "element_spec"):
        raise UserTypeError(f"{name}: received a Dataset. Expected arrays.")
    if any(hasattr(value, "is_composite") for value in elements.values_of(tensors)):
        return UnevenRows(tensors)
    columns = elements.unwrap(tensors, name)
    values = elements.values_of(columns)
    if not values:
        raise UserInputError(f"{name}: received no array: {tensors!r}")
    for value in values:
        if not np.ndim(value):
            raise UserInputError(
                f"{name}: received a single value, {value!r}, which has no rows. "
                "`Dataset.from_tensors` makes a dataset of one element."
            )
    lengths = [len(value) for value in values]
    if len(set(lengths)) > 1:
        raise UserInputError(
            f"{name}: all arrays need the same number of rows. Received lengths "
            f"{', '.join(map(str, lengths))} (shapes {', '.join(str(v.shape) for v in values)})."
        )
    return Slices(columns)


def _read_only(array: np.ndarray) -> np.ndarray:
    view = array.view()
    view.flags.writeable = False  # batches may be views of it
    return view


class Single(Node):
    """One element."""

    label = "from_tensors"

    def __init__(self, element: Any) -> None:
        self.element = elements.unwrap(element, self.label)

    def elements(self, run: Run) -> Iterator[Any]:
        yield self.element

    def count(self) -> int:
        return 1

    def spec(self) -> Any:
        return tensor_spec.spec_of(self.element)


class Numbers(Node):
    """Whole numbers in steps."""

    label = "range"

    def __init__(self, numbers: range, dtype: Any) -> None:
        self.numbers = numbers
        self.columns = np.asarray(numbers).astype(dtype)

    def rows(self, run: Run, skip: int = 0) -> Iterator[Rows]:
        if skip < len(self.numbers):
            yield range(skip, len(self.numbers))

    def count(self) -> int:
        return len(self.numbers)

    def spec(self) -> Any:
        return tensor_spec.TensorSpec((), self.columns.dtype)


class Counter(Node):
    """Whole numbers without end."""

    label = "counter"

    def __init__(self, start: int, step: int, dtype: Any) -> None:
        self.start = start
        self.step = step
        self.dtype = np.dtype(dtype)

    def open(self, run: Run, skip: int = 0) -> Iterator[Any]:
        number = self.start + skip * self.step
        while True:
            yield self.dtype.type(number)
            number += self.step

    def count(self) -> int:
        return INFINITE_CARDINALITY

    def spec(self) -> Any:
        return tensor_spec.TensorSpec((), self.dtype)


class Draws(RandomNode):
    """Random whole numbers of 32 bits without end."""

    label = "random"

    def elements(self, run: Run) -> Iterator[Any]:
        draw = self.generator(run)
        while True:
            yield from draw.integers(0, 2**32, 256)

    def count(self) -> int:
        return INFINITE_CARDINALITY

    def spec(self) -> Any:
        return tensor_spec.TensorSpec((), "int64")


class Generated(Node):
    """What a user's generator yields, in the dtypes and shapes that the user said.

    Args:
        make: called with `args`, as values of NumPy, at each pass; returns an iterable.
        args: a tuple.
        signature: specs in the structure of an element; None to take what comes.
    """

    label = "from_generator"

    def __init__(self, make: Callable[..., Any], args: tuple[Any, ...], signature: Any) -> None:
        self.make = make
        self.args = args
        self.signature = signature

    def elements(self, run: Run) -> Iterator[Any]:
        items = iter(self.make(*elements.unwrap(self.args, "from_generator: `args`")))
        for number, item in enumerate(items):
            title = f"from_generator: element {number}"
            if self.signature is None:
                yield elements.unwrap(item, title)
            else:
                yield fitted(item, self.signature, title)

    def count(self) -> int:
        return UNKNOWN_CARDINALITY

    def spec(self) -> Any:
        return self.signature if self.signature is not None else tensor_spec.spec_of(self.first())


def fitted(item: Any, spec: Any, title: str) -> Any:
    """What a generator yielded, in the structure, dtypes and shapes of a signature.

    Raises:
        UserInputError: it does not fit.
    """
    if isinstance(spec, dict):
        if not isinstance(item, dict) or item.keys() != spec.keys():
            keys = sorted(map(str, item)) if isinstance(item, dict) else type(item).__name__
            raise UserInputError(
                f"{title}: expected a dict with keys {sorted(map(str, spec))}. Received: {keys}."
            )
        return {k: fitted(item[k], spec[k], f"{title}[{k!r}]") for k in spec}
    if isinstance(spec, tuple):
        if not isinstance(item, (tuple, list)) or len(item) != len(spec):
            size = f" of {len(item)}" if hasattr(item, "__len__") else ""
            raise UserInputError(
                f"{title}: expected a tuple of {len(spec)}. Received: a {type(item).__name__}{size}"
            )
        parts = [fitted(v, s, f"{title}[{i}]") for i, (v, s) in enumerate(zip(item, spec))]
        return type(spec)(*parts) if hasattr(spec, "_fields") else tuple(parts)
    return _fitted_value(item, spec, title)


def _fitted_value(item: Any, spec: tensor_spec.TensorSpec, title: str) -> Any:
    array = elements.to_array(list(item) if isinstance(item, tuple) else item, title)
    is_string = array.dtype.kind == "O"
    if is_string != (spec.dtype == "string"):
        raise UserTypeError(
            f"{title}: expected {spec.dtype}. Received: "
            f"{'strings' if is_string else array.dtype} ({str(item)[:40]})"
        )
    if not is_string and array.dtype.name != spec.dtype:
        array = array.astype(spec.dtype)
    if spec.shape is not None and not spec.shape.is_compatible_with(array.shape):
        raise UserInputError(
            f"{title}: expected shape {tuple(spec.shape)}. Received: shape {array.shape}"
        )
    return array if array.ndim else array[()]


def signature(output_types: Any, output_shapes: Any, output_signature: Any) -> Any:
    """The specs that `from_generator` was given, in either form; None where there are none."""
    if output_signature is not None:
        if output_types is not None or output_shapes is not None:
            raise UserInputError(
                "from_generator: pass either `output_signature`, or `output_types` and "
                "`output_shapes`."
            )
        return _in_structure(output_signature, lambda spec, _: _as_spec(spec), None)
    if output_types is None:
        return None
    make = lambda dtype, shape: tensor_spec.TensorSpec(_shape(shape), dtype)
    return _in_structure(output_types, make, output_shapes)


def _as_spec(spec: Any) -> tensor_spec.TensorSpec:
    if not hasattr(spec, "shape") or not hasattr(spec, "dtype"):
        raise UserTypeError(
            f"from_generator: `output_signature` is made of `TensorSpec`s. Received: {spec!r}"
        )
    return tensor_spec.TensorSpec(_shape(spec.shape), spec.dtype)


def _shape(shape: Any) -> Any:
    if shape is None:
        return None
    if hasattr(shape, "as_list"):
        return shape.as_list()
    return (shape,) if isinstance(shape, int) else tuple(shape)


def _in_structure(value: Any, make: Callable[[Any, Any], Any], other: Any) -> Any:
    if isinstance(value, dict):
        return {k: _in_structure(v, make, other and other[k]) for k, v in value.items()}
    if isinstance(value, (tuple, list)):
        others = other if other is not None else [None] * len(value)
        parts = [_in_structure(v, make, o) for v, o in zip(value, others)]
        return type(value)(*parts) if hasattr(value, "_fields") else tuple(parts)
    return make(value, other)
