"""Readable names for what an optimizer keeps: `momentum/dense/kernel`, as in the state of the pure
form, whose trees are those of the weights.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import jax
from flax.traverse_util import unflatten_dict

from fkeras.core.values import stacking
from fkeras.core.values.variable_info import info_of

if TYPE_CHECKING:
    from flax import nnx

    from fkeras.core.values.variable import Variable
    from fkeras.layers.base.tracking import Path
    from fkeras.optimizers import Optimizer


def names_of_slots(
    optimizer: Optimizer, paths: Sequence[Path], variables: Iterable[Variable]
) -> tuple[str, ...]:
    """A name for each of an optimizer's Variables, none the beginning of another.

    Args:
        optimizer: built.
        paths: structural paths of its `bound_variables`.
        variables: its Variables, or shares of blocks in them.

    Examples:
        >>> import fkeras
        >>> weight = fkeras.Variable([1.0])
        >>> optimizer = fkeras.optimizers.Adam()
        >>> optimizer.build([weight])
        >>> names_of_slots(optimizer, [("dense", "kernel")], optimizer.variables)
        ('iteration', 'learning_rate', 'momentum/dense/kernel', 'velocity/dense/kernel')
    """
    keys_of = _keys_by_id(optimizer, paths)
    names = [
        _name_of(keys_of, variable) or f"variable_{i:05d}" for i, variable in enumerate(variables)
    ]
    folders = {name[:end] for name in names for end in range(len(name)) if name[end] == "/"}
    if len(set(names)) < len(names) or folders.intersection(names):
        return tuple(f"variable_{i:05d}" for i in range(len(names)))
    return tuple(names)


def _keys_by_id(optimizer: Optimizer, paths: Sequence[Path]) -> Mapping[int, Sequence[Any]]:
    """Where the value of a Variable stands in the state of the pure form."""
    own = optimizer.variables
    # Numbers in place of values show where each goes. Arrays of a key's kind may be made keys.
    marks = [v.value if v.dtype == "uint32" and v.shape else i for i, v in enumerate(own)]
    tree = optimizer.pack(
        marks, lambda values: unflatten_dict(dict(zip(paths, values, strict=True)))
    )
    leaves, _ = jax.tree_util.tree_flatten_with_path(tree)
    return {id(own[leaf]): keys for keys, leaf in leaves if isinstance(leaf, int)}


def _name_of(keys_of: Mapping[int, Sequence[Any]], variable: nnx.Variable) -> str | None:
    keys = keys_of.get(id(stacking.stack_of(variable)))
    if keys is None:
        return None
    is_share = isinstance(variable, stacking.BlockValue)
    blocks = iter(info_of(variable).index if is_share else ())
    parts = []
    for key in keys:
        part = next(getattr(key, a) for a in ("key", "name", "idx") if hasattr(key, a))
        if isinstance(part, stacking.StackedName) and is_share:
            part = part.of_block(next(blocks))
        parts.append(str(part))
    return "/".join(parts)
