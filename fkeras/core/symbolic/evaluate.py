"""Abstract evaluation: the shapes and dtypes of a function's outputs, computing nothing."""

import functools
import itertools

import jax
import jax.numpy as jnp
import numpy as np

from fkeras.core.dtypes import to_jax_dtype
from fkeras.core.nested import flatten, map_structure, sorted_like_flatten
from fkeras.core.symbolic.argument_kinds import SPARSE, kind_of
from fkeras.core.symbolic.keras_tensor import KerasTensor

# Unknown dimensions (None) are tried as two sizes; an output dimension that differs between them is
# unknown too. Both have many divisors, so that a reshape to (-1, 4) works; abstract evaluation
# costs the same at any size.
_FILLS = (840, 1680)


def evaluate(fn, *args, **kwargs):
    """Shapes and dtypes of `fn(*args, **kwargs)` as KerasTensors, computing nothing. KerasTensors
    may stand anywhere in the arguments.
    """
    return evaluate_call(fn, args, kwargs)


def evaluate_call(fn, args, kwargs, tries=16):
    """`evaluate` with the arguments in a tuple and a dict, and how many guesses of unknown
    dimensions to try before giving up.
    """
    symbolic = [x for x in flatten([args, kwargs]) if isinstance(x, KerasTensor)]
    unknown = [
        (t, i) for t, tensor in enumerate(symbolic) for i, d in enumerate(tensor.shape) if d is None
    ]

    def attempt(fill, known):
        return _evaluate_at(fn, args, kwargs, symbolic, fill, known)

    try:
        first = attempt(_FILLS[0], {})
        second = attempt(_FILLS[1], {}) if unknown else first
    except (TypeError, ValueError):
        # An unknown dimension may stand against a known one: (None, 3) + (2, None). Which sizes
        # make the call possible?
        for known in itertools.islice(_guesses(unknown, [args, kwargs]), tries):
            try:
                first, second = attempt(_FILLS[0], known), attempt(_FILLS[1], known)
                break
            except (TypeError, ValueError):
                pass
        else:
            raise

    def output(a, b):
        if not hasattr(a, "shape"):  # a Python value is what it is
            return a
        shape = tuple(m if m == n else None for m, n in zip(a.shape, b.shape, strict=True))
        return KerasTensor(
            shape,
            dtype=str(a.dtype),
            sparse=getattr(a, "sparse", False) or kind_of(type(a)) == SPARSE,
        )

    first_leaves, second_leaves = iter(flatten(first)), iter(flatten(second))
    return map_structure(
        lambda _: output(next(first_leaves), next(second_leaves)), sorted_like_flatten(first)
    )


def _guesses(unknown, arguments):
    """Sizes for unknown dimensions, few dimensions first: sizes that stand in the call, in other
    arrays or as plain integers.
    """
    sizes = sorted(
        {
            d
            for x in flatten(arguments)
            for d in (getattr(x, "shape", None) or (x,))
            if type(d) is int and d > 0
        }
    )
    for count in range(1, len(unknown) + 1):
        for places in itertools.combinations(unknown, count):
            for chosen in itertools.product(sizes, repeat=count):
                yield dict(zip(places, chosen))


def _evaluate_at(fn, args, kwargs, symbolic, fill, known):
    def size(t, i, d):
        return d if d is not None else known.get((t, i), fill)

    structs = [
        jax.ShapeDtypeStruct(
            tuple(size(t, i, d) for i, d in enumerate(tensor.shape)), to_jax_dtype(tensor.dtype)
        )
        for t, tensor in enumerate(symbolic)
    ]
    static: list = []

    def run(arrays):
        given = {id(t): _to_sparse(a) if t.sparse else a for t, a in zip(symbolic, arrays)}
        swap = functools.partial(
            map_structure, lambda x: given.get(id(x), x) if isinstance(x, KerasTensor) else x
        )
        out = fn(*swap(args), **swap(kwargs))
        # Python values and None pass by the side: `eval_shape` would make arrays of them.
        found: list = []
        static.append(map_structure(lambda x: x if not _is_array(x) else _mark(found, x), out))
        return found

    abstract = iter(jax.eval_shape(run, structs))
    return map_structure(lambda x: next(abstract) if x is _ARRAY else x, static[-1])


_ARRAY = object()


def _mark(found, x):
    found.append(x if isinstance(x, jax.Array) or kind_of(type(x)) == SPARSE else jnp.asarray(x))
    return _ARRAY


def _is_array(x):
    return (
        isinstance(x, (jax.Array, np.ndarray, np.generic))
        or hasattr(type(x), "__jax_array__")
        or kind_of(type(x)) == SPARSE
    )


def _to_sparse(x):
    from jax.experimental import sparse

    return sparse.BCOO.fromdense(x, nse=1)
