"""`Merge`, the layer with which Keras 1 put models together in a Sequential."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from fkeras.core.nested import flatten
from fkeras.layers.former.merge import merge
from fkeras.models.functional import Functional


def Merge(  # noqa: N802  a class in Keras 1
    layers: Sequence[Any],
    mode: str | Callable[..., Any] = "sum",
    concat_axis: int = -1,
    dot_axes: Any = -1,
    output_shape: Any = None,
    name: str | None = None,
    **options: Any,
) -> Functional:
    """Several models as one: its inputs are theirs, its output is theirs merged.

    Args:
        layers: built models. mode, concat_axis, dot_axes, output_shape: as in `merge`.
        name: of the model. **options: of masks; without effect.
    """
    inputs = [x for model in layers for x in flatten(model.inputs)]
    outputs = [model.outputs[0] for model in layers]
    merged = merge(outputs, mode, concat_axis, dot_axes, output_shape)
    return Functional(inputs, merged, name=name)
