"""Shapes, tensors and arguments in nested structures, as `call`, `build` and their kin are given
them.
"""

import jax.numpy as jnp
import numpy as np

from fkeras.core.nested import map_structure
from fkeras.layers.base import signature


def is_shape(value) -> bool:
    return isinstance(value, (list, tuple)) and all(
        d is None or isinstance(d, (int, np.integer)) for d in value
    )


def as_shape(value):
    if is_shape(value):
        return tuple(value)
    if isinstance(value, dict):
        return {k: as_shape(v) for k, v in value.items()}
    return [as_shape(v) for v in value] if isinstance(value, (list, tuple)) else value


def map_shapes(fn, shapes):
    if is_shape(shapes):
        return fn(tuple(shapes))
    if isinstance(shapes, dict):
        return {k: map_shapes(fn, v) for k, v in shapes.items()}
    return type(shapes)(map_shapes(fn, v) for v in shapes)


def holds_tensor(value) -> bool:
    if isinstance(value, (list, tuple)):
        return bool(value) and any(holds_tensor(v) for v in value)
    if isinstance(value, dict):
        return any(holds_tensor(v) for v in value.values())
    return signature.is_tensor(value)


def is_nested_tensor(value) -> bool:
    return (
        isinstance(value, (list, tuple, dict)) and holds_tensor(value) or signature.is_tensor(value)
    )


def convert_nested(convert, value, dtype, autocast):
    if is_nested_tensor(value):
        return map_structure(convert, value)
    if (
        isinstance(value, list)
        and value
        and all(isinstance(v, (int, float, list)) and not isinstance(v, bool) for v in value)
    ):
        array = np.asarray(value)
        return convert(array) if array.dtype != object else value
    if isinstance(value, float):
        return jnp.asarray(value, dtype if autocast else None)
    return value


def split_arguments(sig, given):
    """Positional and keyword arguments for `call` from arguments by name."""
    positional, keywords, gap = [], {}, False
    for name in sig.positional:
        if name in given and not gap and name not in ("training",) and not name.endswith("mask"):
            positional.append(given[name])
        elif name in given:
            keywords[name] = given[name]
            gap = True
        else:
            gap = True
    if sig.var_positional in given and sig.var_positional:
        positional.extend(given[sig.var_positional])
    for name, value in given.items():
        if name not in sig.positional and name != sig.var_positional:
            keywords[name] = value
    return positional, keywords


def mask_leaves(computed, count):
    if isinstance(computed, (list, tuple)):
        flat = [
            m
            for item in computed
            for m in (mask_leaves(item, 1) if isinstance(item, (list, tuple)) else [item])
        ]
        return flat + [None] * (count - len(flat))
    if isinstance(computed, dict):
        return [computed[k] for k in sorted(computed)]
    return [computed] * count
