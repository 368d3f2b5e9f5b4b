"""Abstract evaluation: the shapes and dtypes of a function's outputs, computing nothing."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np

from fkeras.core.dtypes import to_jax_dtype
from fkeras.core.nested import flatten, in_order_of_leaves, map_structure, unflatten_like
from fkeras.core.symbolic.argument_kinds import SPARSE, kind_of
from fkeras.core.symbolic.keras_tensor import KerasTensor

if TYPE_CHECKING:
    from fkeras.types import Nested

# Unknown dimensions (None) are tried as two sizes; an output dimension that differs between them is
# unknown too. Both have many divisors, so that a reshape to (-1, 4) works; abstract evaluation
# costs the same at any size.
_FILLS = (840, 1680)

# (index of the symbolic tensor, axis): where an unknown dimension is.
Place: TypeAlias = tuple[int, int]


def evaluate(fn: Callable[..., Any], *args: Any, **kwargs: Any) -> Nested[KerasTensor]:
    """Shapes and dtypes of `fn(*args, **kwargs)` as KerasTensors, computing nothing.

    KerasTensors may stand anywhere in the arguments.
    """
    return evaluate_call(fn, args, kwargs)


def evaluate_call(
    fn: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any], tries: int = 16
) -> Nested[KerasTensor]:
    """`evaluate` with the arguments in a tuple and a dict.

    Args:
        fn: function of arrays.
        args, kwargs: its arguments.
        tries: how many guesses of unknown dimensions to try before giving up.

    Returns:
        What the function returns, with KerasTensors in the place of arrays. Python values and None
        are what they are.
    """
    symbolic = [x for x in flatten([args, kwargs]) if isinstance(x, KerasTensor)]
    unknown = [
        (t, axis)
        for t, tensor in enumerate(symbolic)
        for axis, size in enumerate(tensor.shape)
        if size is None
    ]

    def attempt(fill: int, sizes: Mapping[Place, int]) -> Any:
        return _evaluate_at(fn, args, kwargs, symbolic, fill, sizes)

    try:
        first = attempt(_FILLS[0], {})
        second = attempt(_FILLS[1], {}) if unknown else first
    except (TypeError, ValueError):
        # An unknown dimension may stand against a known one: (None, 3) + (2, None). Which sizes
        # make the call possible?
        for sizes in itertools.islice(_guesses(unknown, [args, kwargs]), tries):
            try:
                first = attempt(_FILLS[0], sizes)
                second = attempt(_FILLS[1], sizes)
                break
            except (TypeError, ValueError):
                pass
        else:
            raise
    outputs = map(_merged, flatten(first), flatten(second))
    return unflatten_like(in_order_of_leaves(first), outputs)


def _merged(a: Any, b: Any) -> Any:
    """The KerasTensor of an output under the two fills."""
    if not hasattr(a, "shape"):  # a Python value is what it is
        return a
    shape = tuple(m if m == n else None for m, n in zip(a.shape, b.shape, strict=True))
    sparse = getattr(a, "sparse", False) or kind_of(type(a)) == SPARSE
    return KerasTensor(shape, dtype=str(a.dtype), sparse=sparse)


def _guesses(unknown: Sequence[Place], arguments: Any) -> Iterator[dict[Place, int]]:
    """Sizes for unknown dimensions, few dimensions first.

    Sizes that stand in the call, in other arrays or as plain integers.
    """
    sizes = sorted(
        {
            size
            for x in flatten(arguments)
            for size in (getattr(x, "shape", None) or (x,))
            if type(size) is int and size > 0
        }
    )
    for count in range(1, len(unknown) + 1):
        for places in itertools.combinations(unknown, count):
            for chosen in itertools.product(sizes, repeat=count):
                yield dict(zip(places, chosen))


def _evaluate_at(
    fn: Callable[..., Any],
    args: Sequence[Any],
    kwargs: Mapping[str, Any],
    symbolic: Sequence[KerasTensor],
    fill: int,
    sizes: Mapping[Place, int],
) -> Any:
    """The outputs as `ShapeDtypeStruct`s.

    With `sizes` for some unknown dimensions and `fill` for the others.
    """
    structs = [
        jax.ShapeDtypeStruct(_filled_shape(t, tensor, fill, sizes), to_jax_dtype(tensor.dtype))
        for t, tensor in enumerate(symbolic)
    ]
    structures: list[Any] = []  # what `fn` returned, with `_ARRAY` for each array

    def run(arrays: list[jax.Array]) -> list[Any]:
        by_id = {id(t): _to_sparse(a) if t.sparse else a for t, a in zip(symbolic, arrays)}
        swap = functools.partial(
            map_structure, lambda x: by_id.get(id(x), x) if isinstance(x, KerasTensor) else x
        )
        result = fn(*swap(args), **swap(kwargs))
        # Python values and None pass by the side: `eval_shape` would make arrays of them.
        outputs: list[Any] = []
        structures.append(map_structure(functools.partial(_set_apart, outputs), result))
        return outputs

    abstract = iter(jax.eval_shape(run, structs))
    return map_structure(lambda x: next(abstract) if x is _ARRAY else x, structures[-1])


def _filled_shape(
    index: int, tensor: KerasTensor, fill: int, sizes: Mapping[Place, int]
) -> tuple[int, ...]:
    return tuple(
        sizes.get((index, axis), fill) if size is None else size
        for axis, size in enumerate(tensor.shape)
    )


_ARRAY = object()


def _set_apart(outputs: list[Any], x: Any) -> Any:
    """Appends an array to the outputs and leaves `_ARRAY` in its place; other values stay."""
    if not _is_array(x):
        return x
    outputs.append(x if isinstance(x, jax.Array) or kind_of(type(x)) == SPARSE else jnp.asarray(x))
    return _ARRAY


def _is_array(x: Any) -> bool:
    return (
        isinstance(x, (jax.Array, np.ndarray, np.generic))
        or hasattr(type(x), "__jax_array__")
        or kind_of(type(x)) == SPARSE
    )


def _to_sparse(x: jax.Array) -> Any:
    from jax.experimental import sparse

    return sparse.BCOO.fromdense(x, nse=1)  # how many entries does not show in shapes
