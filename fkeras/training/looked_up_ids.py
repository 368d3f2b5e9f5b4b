"""Ids that a model computes from its inputs before a layer looks them up (`self.table(ids + 1)`).

The part of its program that leads from the inputs to the ids is cut out and run on data on the
host, so that what is looked up can be checked as inputs are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import jax
import numpy as np

from fkeras.core import jax_private
from fkeras.core.nested import flatten
from fkeras.core.randomness import key_scopes
from fkeras.core.values import lending
from fkeras.layers.base import context as contexts
from fkeras.layers.base import tracking
from fkeras.training.cost import inner_programs

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fkeras.layers import Layer
    from fkeras.training.trainable import Trainable
    from fkeras.types import Nested

# Parts of the names of operations whose results are others in a step than here.
_OF_A_STEP = ("random", "threefry", "rng", "callback", "shard", "psum", "axis_index", "all_")
_AT_ONCE = 1 << 22  # numbers of an input


class ComputedIds:
    """What a model makes of a batch of inputs for one look-up.

    Args:
        program: from all inputs to the ids; constants are part of it.
        used: positions of the inputs that the ids depend on.
        rows: of the batches that the program is made for.
    """

    def __init__(self, program: jax_private.ClosedJaxpr, used: Sequence[int], rows: int) -> None:
        self.used = tuple(used)
        self._rows = rows

        def run(*batches):
            one = lambda arrays: jax_private.run_jaxpr(program.jaxpr, program.consts, *arrays)[0]
            return jax.lax.map(one, batches)

        self._run = jax.jit(run)

    def of(self, arrays: Sequence[Any]) -> np.ndarray:
        """The ids for the rows of the used inputs, however many there are.

        Args:
            arrays: of the used inputs, in their order.
        """
        count = arrays[0].shape[0]
        row_size = max(int(np.prod(array.shape[1:])) for array in arrays)
        batches = max(1, _AT_ONCE // max(1, row_size * self._rows))
        batches = min(batches, -(-count // self._rows))
        found = []
        for start in range(0, count, batches * self._rows):
            # The last row again, where rows are missing in a batch.
            order = np.minimum(np.arange(start, start + batches * self._rows), count - 1)
            shape = batches, self._rows
            parts = [np.asarray(a[order]).reshape(*shape, *a.shape[1:]) for a in arrays]
            ids = np.asarray(self._run(*parts))  # (batches, rows, ...)
            found.append(ids.reshape(-1, *ids.shape[2:]))
        ids = np.concatenate(found)
        return ids[:count] if len(ids) == len(found) * batches * self._rows else ids


def find_computed_ids(
    model: Trainable, inputs: Nested[jax.ShapeDtypeStruct]
) -> list[tuple[Layer, ComputedIds]]:
    """The layers whose ids are computed from a model's inputs by numbers that stay as they are.

    Not those where weights, states or random numbers take part, nor those inside of loops.

    Args:
        model: a built model. inputs: shapes and dtypes of a batch.
    """
    leaves = flatten(inputs)
    variables = [v for _, v in tracking.structure_of(model).variables]
    values = [jax.ShapeDtypeStruct(v.shape, v.dtype) for v in variables]
    layers, outside = [], []

    def run(x, values):
        trace = jax_private.current_trace()
        with (
            contexts.opened(contexts.CallContext(model, losses=[])),
            key_scopes.scope(None),
            contexts.looked_up.inside([]) as pairs,
            lending.reads_noted(lambda *read: outside.append(read)),
        ):
            lending.call(model, variables, values, x)
        found = [(layer, ids) for layer, ids in pairs if jax_private.belongs_to(ids, trace)]
        layers.extend(layer for layer, _ in found)
        return [ids for _, ids in found]

    program = jax.make_jaxpr(run)(inputs, values)
    if outside:  # a constant here, which may be assigned
        return []
    found = []
    for position, layer in enumerate(layers):
        wanted = [i == position for i in range(len(layers))]
        jaxpr, needed = jax_private.needed_part(program.jaxpr, wanted)
        used = [i for i, is_needed in enumerate(needed) if is_needed]
        if used and used[-1] < len(leaves) and jaxpr.eqns and _is_the_same_in_a_step(jaxpr):
            part = jax_private.ClosedJaxpr(jaxpr, program.consts)
            found.append((layer, ComputedIds(part, used, leaves[used[0]].shape[0])))
    return found


def _is_the_same_in_a_step(jaxpr: Any) -> bool:
    for equation in jaxpr.eqns:
        if any(part in equation.primitive.name for part in _OF_A_STEP):
            return False
        if not all(map(_is_the_same_in_a_step, inner_programs(equation))):
            return False
    return True
