"""`K.function` and `K.placeholder`: parts of a graph as functions of arrays, as older scripts call
them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from fkeras import ops
from fkeras.core.nested import flatten, map_structure
from fkeras.core.symbolic.graph import Graph
from fkeras.core.symbolic.keras_tensor import KerasTensor
from fkeras.core.values.stateless_scope import StatelessScope
from fkeras.core.values.variable import Variable
from fkeras.errors import UserInputError, UserTypeError
from fkeras.layers.base import learning_phase
from fkeras.layers.base.learning_phase import LearningPhase
from fkeras.layers.core.input_layer import Input

if TYPE_CHECKING:
    from fkeras.types import DTypeLike, Nested, Shape, TensorLike


def placeholder(
    shape: Shape | None = None,
    ndim: int | None = None,
    dtype: DTypeLike | None = None,
    sparse: bool = False,
    name: str | None = None,
    ragged: bool = False,
) -> KerasTensor:
    """A symbolic tensor to be fed: `Input` with the batch axis in `shape`.

    Args:
        shape: with the batch axis; None in it for any size.
        ndim: number of axes, where no shape is given.
    """
    if shape is None:
        if ndim is None:
            raise UserInputError("`K.placeholder` needs `shape` or `ndim`.")
        shape = (None,) * ndim
    return Input(batch_shape=tuple(shape), dtype=dtype, sparse=sparse, name=name, ragged=ragged)


def is_placeholder(x: object) -> bool:
    """Whether a tensor is the beginning of a graph."""
    history = getattr(x, "_keras_history", None)
    return isinstance(x, KerasTensor) and (
        history is None or bool(getattr(history[0], "is_input", False))
    )


class BackendFunction:
    """What `K.function` makes: a function from arrays to NumPy arrays.

    Args:
        inputs: symbolic tensors, and `K.learning_phase()` among them; a tensor alone or a list.
        outputs: tensors computed from them; Variables and arrays are given back as they are.
        updates: pairs (Variable, tensor), or what `K.update` returned: assigned at each call.
        name: for messages.
    """

    def __init__(
        self,
        inputs: Any,
        outputs: Any,
        updates: Iterable[Any] | None = None,
        name: str | None = None,
    ) -> None:
        self.name = name or "K.function"
        self.inputs, self.outputs = inputs, outputs
        fed = [x for x in flatten(inputs) if not isinstance(x, LearningPhase)]
        for x in fed:
            if not isinstance(x, KerasTensor):
                raise UserTypeError(
                    f"`{self.name}`: inputs are `Input`s, tensors of a model or "
                    f"`K.learning_phase()`. Received: {x!r:.100}"
                )
        self._pairs = [pair for pair in updates or () if isinstance(pair, tuple | list)]
        wanted = [*flatten(outputs), *(new for _, new in self._pairs)]
        self._symbolic = [x for x in wanted if isinstance(x, KerasTensor)]
        self._graph = Graph(fed, self._symbolic, self.name) if self._symbolic else None

    def __call__(self, inputs: Nested[TensorLike] = ()) -> Any:
        """The outputs for values in the order of the inputs, as NumPy arrays in the structure of
        the outputs.
        """
        places = flatten(self.inputs)
        values = self._values(inputs, len(places))
        if len(values) != len(places):
            raise UserInputError(
                f"`{self.name}` takes {len(places)} values, one for each input. Received "
                f"{len(values)}."
            )
        phase, arrays = 0, []
        for place, value in zip(places, values):
            if isinstance(place, LearningPhase):
                phase = int(np.asarray(value))
            else:
                arrays.append(ops.convert_to_tensor(value, place.dtype))
        # What layers would write in training is not kept: older Keras left that to `updates`.
        with learning_phase.fed(bool(phase)), StatelessScope():
            call = learning_phase.caller()
            results = [] if self._graph is None else self._graph.replay(arrays, call=call)
        results = iter(results)
        # Copies: scripts write into what they were given.
        fill = lambda x: np.array(next(results) if isinstance(x, KerasTensor) else _value(x))
        outputs = map_structure(fill, self.outputs)
        for variable, new in self._pairs:
            variable.assign(fill(new))
        return outputs

    def _values(self, inputs: Nested[TensorLike], count: int) -> list[TensorLike]:
        """One value for each input; a value may be a list of numbers."""
        if not isinstance(inputs, (list, tuple, Mapping)):
            return [inputs]
        is_flat = isinstance(self.inputs, (list, tuple)) and not any(
            isinstance(place, (list, tuple, Mapping)) for place in self.inputs
        )
        return list(inputs) if is_flat and len(inputs) == count else flatten(inputs)


def _value(x: Any) -> Any:
    return x.value if isinstance(x, Variable) else x


def function(
    inputs: Any,
    outputs: Any,
    updates: Sequence[Any] | None = None,
    name: str | None = None,
    **options: Any,
) -> BackendFunction:
    """A part of a graph as a function: `K.function([model.input], [layer.output])`.

    Args:
        inputs: a symbolic tensor or a list; `K.learning_phase()` may be among them, and is fed 0
            or 1.
        outputs: a tensor or a list of what was computed from the inputs.
        updates: pairs (Variable, tensor) to assign at each call.
        name: for messages. **options: of sessions; without effect.

    Returns:
        A function of a list of arrays that returns NumPy arrays like `outputs`.

    Examples:
        >>> import fkeras, numpy as np
        >>> from fkeras import backend as K
        >>> x = fkeras.Input((2,))
        >>> double = K.function([x], [2 * x])
        >>> double([np.ones((1, 2))])[0].tolist()
        [[2.0, 2.0]]
    """
    return BackendFunction(inputs, outputs, updates, name)
