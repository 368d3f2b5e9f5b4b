"""`TrainState`: all that training changes, as one pytree."""

from __future__ import annotations

import dataclasses
import pprint
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import numpy as np

from fkeras.errors import UserInputError

if TYPE_CHECKING:
    from fkeras.types import PyTree


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True, repr=False)
class TrainState:
    """Everything that a training step reads and returns.

    A pytree: jit it, donate it, vmap it over an ensemble, scan over it, shard it, save it.

    Attributes:
        step: int32 scalar, steps taken over the model's lifetime.
        params: weights made to be trained, `variables["params"]`.
        state: other weights (moving means and the like), `variables["state"]`.
        opt_state: the optimizer's state, as `optimizer.init(params)` returns it.
        metrics: values of the metrics since the last reset, by metric and variable name.
        key: PRNG key; each step draws from (key, step).

    Examples:
        >>> import fkeras, jax, numpy as np
        >>> model = fkeras.Sequential([fkeras.Input((3,)), fkeras.layers.Dense(2)])
        >>> model.compile("sgd", "mse")
        >>> model.train_state()
        TrainState(
          step=int32[],
          params={'dense': {'bias': float32[2], 'kernel': float32[3,2]}},
          state={},
          opt_state={'iteration': int32[], 'learning_rate': float32[]},
          metrics={'loss': {'count': float32[], 'total': float32[]}},
          key=key<fry>[],
        )
    """

    step: Any
    params: Any
    state: Any
    opt_state: Any
    metrics: Any
    key: Any

    @property
    def variables(self) -> dict[str, PyTree]:
        """`{"params", "state"}`, as `model.apply` takes them."""
        return {"params": self.params, "state": self.state}

    def __repr__(self) -> str:
        """Shapes and dtypes by field; arrays are neither read nor waited for."""
        fields = [
            f"  {field.name}={_shown(getattr(self, field.name), len(field.name) + 3)},"
            for field in dataclasses.fields(self)
        ]
        return "\n".join(["TrainState(", *fields, ")"])

    def replace(self, **changes: Any) -> TrainState:
        """A copy with some fields replaced."""
        return dataclasses.replace(self, **changes)


def check_state(state: object, caller: str = "step") -> None:
    """Raises `UserInputError` for what is no `TrainState`."""
    if not isinstance(state, TrainState):
        raise UserInputError(
            f"`{caller}` takes a TrainState first, as `model.init_state(key, batch)` returns it. "
            f"Received: {type(state).__name__}"
        )
    step = state.step if hasattr(state.step, "dtype") else np.asarray(state.step)
    if step.shape or not jnp.issubdtype(step.dtype, jnp.integer):
        raise UserInputError(
            f"The `step` of a TrainState is an int32 scalar. Received: {_Shape(state.step)!r}. "
            "States of several models are one for each: `jax.vmap(model.step, in_axes=(0, None))`."
        )


def as_step(value: int) -> jax.Array:
    """A count of steps as a state holds it: an int32 scalar."""
    return jnp.asarray(value, jnp.int32)


_WIDTH = 100  # of a state's text


def _shown(tree: PyTree, indent: int) -> str:
    """A tree with `float32[3,2]` in place of arrays."""
    text = pprint.pformat(jax.tree.map(_Shape, tree), width=_WIDTH - indent, compact=True)
    return text.replace("\n", "\n" + " " * indent)


class _Shape:
    """What stands for a leaf in a state's text."""

    def __init__(self, leaf: Any) -> None:
        self.leaf = leaf

    def __repr__(self) -> str:
        if not hasattr(self.leaf, "shape") or not hasattr(self.leaf, "dtype"):
            return repr(self.leaf)
        return f"{self.leaf.dtype}[{','.join(map(str, self.leaf.shape))}]"
