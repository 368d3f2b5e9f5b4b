"""`merge`, as Keras 1 called what `Add`, `Concatenate` and their kin do."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from fkeras.errors import UserInputError
from fkeras.layers.core.lambda_layer import Lambda
from fkeras.layers.merging.concatenate import Concatenate
from fkeras.layers.merging.dot import Dot
from fkeras.layers.merging.elementwise import Add, Average, Maximum, Multiply

if TYPE_CHECKING:
    from fkeras.types import Axis, Shape, Tensor

_ELEMENTWISE = {"sum": Add, "mul": Multiply, "ave": Average, "max": Maximum}


def merge(
    inputs: Sequence[Tensor],
    mode: str | Callable[..., Any] = "sum",
    concat_axis: int = -1,
    dot_axes: Axis = -1,
    output_shape: Shape | Callable[..., Any] | None = None,
    output_mask: Any = None,
    arguments: Mapping[str, Any] | None = None,
    name: str | None = None,
) -> Tensor:
    """Several tensors as one.

    Args:
        inputs: list of tensors.
        mode: 'sum', 'mul', 'concat', 'ave', 'max', 'dot', 'cos' (a dot product of directions), or
            a function of the list.
        concat_axis: for 'concat'. dot_axes: for 'dot' and 'cos'.
        output_shape, output_mask, arguments: for functions, as in `Lambda`.
        name: of the layer.
    """
    if callable(mode):
        layer = Lambda(mode, output_shape, output_mask, dict(arguments or {}), name=name)
    elif mode in _ELEMENTWISE:
        layer = _ELEMENTWISE[mode](name=name)
    elif mode == "concat":
        layer = Concatenate(axis=concat_axis, name=name)
    elif mode in ("dot", "cos"):
        layer = Dot(axes=dot_axes, normalize=mode == "cos", name=name)
    else:
        raise UserInputError(
            f"merge: `mode` must be one of {[*_ELEMENTWISE, 'concat', 'dot', 'cos']} or a "
            f"function. Received: {mode!r}"
        )
    return layer(inputs)
