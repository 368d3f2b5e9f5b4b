"""Whether layers of a list are equal but for their values, as the blocks of a `Repeat` must be."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fkeras.core.config import serialization
from fkeras.core.values.variable import Variable
from fkeras.errors import UserInputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fkeras.layers.base.layer import Layer


def check_equal(name: str, blocks: Sequence[Layer]) -> None:
    """Raises where blocks differ in class, config or `trainable` flags.

    Args:
        name: of the `Repeat`, for the error.
        blocks: layers.
    """
    if len(blocks) == 1:
        return
    if len({id(block) for block in blocks}) < len(blocks):
        raise UserInputError(
            f"Repeat '{name}': a layer is twice in the list of blocks. To share weights, call one "
            "layer twice; else make a layer for each."
        )
    first = _description_of(blocks[0])
    for i, block in enumerate(blocks[1:], 1):
        other = _description_of(block)
        if other != first:
            raise UserInputError(
                f"Repeat '{name}': block {i} differs from block 0: {_difference(first, other)}. "
                "One program runs all blocks, so that their configs and `trainable` flags must be "
                "equal; keep different ones in a list of layers."
            )


def values_by_block(name: str, blocks: Sequence[Layer]) -> dict[int, list[Any]] | None:
    """The values of all blocks by the id of the first one's Variable; None where there is only one
    block, or the blocks have no weights yet.

    Raises:
        UserInputError: some blocks are built, others are not, or differ in their weights.
    """
    if len(blocks) == 1:
        return None
    columns = [block._structure().ordered for block in blocks]
    shapes = [[tuple(v.shape) for v in column if isinstance(v, Variable)] for column in columns]
    for i, own in enumerate(shapes):
        if own != shapes[0]:
            raise UserInputError(
                f"Repeat '{name}': block {i} has weights of the shapes {own}, block 0 of "
                f"{shapes[0]}. Build all blocks for the same inputs, or none."
            )
    return {id(row[0]): [v.value for v in row] for row in zip(*columns)}


def _description_of(block: Layer) -> dict[str, Any]:
    layers = block._flatten_layers()
    return {
        "config": _without_names(serialization.serialize_keras_object(block)),
        "trainable": [layer.trainable for layer in layers],
        "trainable weights": [bool(v.trainable) for v in block._structure().ordered],
    }


def _without_names(value: Any) -> Any:
    """A config without what only tells layers apart."""
    if isinstance(value, dict):
        left = ("name", "build_config", "registered_name")
        return {key: _without_names(item) for key, item in value.items() if key not in left}
    if isinstance(value, (list, tuple)):
        return [_without_names(item) for item in value]
    return value


def _difference(first: Any, other: Any, path: str = "") -> str:
    """Where two descriptions part, and what stands there."""
    if isinstance(first, dict) and isinstance(other, dict):
        for key in first.keys() | other.keys():
            if first.get(key) != other.get(key):
                return _difference(first.get(key), other.get(key), f"{path}.{key}" if path else key)
    if isinstance(first, list) and isinstance(other, list) and len(first) == len(other):
        for i, (one, another) in enumerate(zip(first, other)):
            if one != another:
                return _difference(one, another, f"{path}[{i}]")
    return f"{path} is {first!r} in block 0 and {other!r} there"
