"""`AddedLosses`: the part of a layer that collects what it adds to the loss."""

from __future__ import annotations

from functools import partial
from numbers import Number
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp

from fkeras.core import jax_private, user_code
from fkeras.core.nested import flatten
from fkeras.core.symbolic.argument_kinds import any_symbolic
from fkeras.core.values import lending, stacking
from fkeras.errors import PureCallError, UserInputError
from fkeras.layers.base import context as contexts
from fkeras.layers.base import signature
from fkeras.ops.tensors import widen

if TYPE_CHECKING:
    from collections.abc import Callable

    from fkeras.core.values.variable import Variable
    from fkeras.layers.base.context import CallContext
    from fkeras.types import ArrayLike, Nested, Tensor


class AddedLosses:
    """Scalars that `call`, activity regularizers and weight regularizers add to the loss."""

    def add_loss(
        self, loss: Nested[ArrayLike | Callable[[], ArrayLike]], inputs: object = None
    ) -> None:
        """Adds a scalar (or several) to the loss of the model; for use inside `call`.

        Args:
            loss: scalars, or functions without arguments that return scalars.
            inputs: of tf.keras 2, without effect.

        Raises:
            UserInputError: a value is not a scalar, or no call is under way, where it would be lost
                at the next one.
        """
        context = contexts.current()
        if context is None or self._info.building or any_symbolic(loss):
            raise _no_call_error(self, loss)
        for value in [loss] if loss is None else flatten(loss):
            value = value() if callable(value) and not signature.is_tensor(value) else value
            if isinstance(value, bool) or not (
                isinstance(value, Number) or hasattr(value, "dtype")
            ):
                raise UserInputError(
                    f"`add_loss()` in layer '{self.name}' takes scalars, and functions without "
                    f"arguments that return them. Received: {value!r} of type "
                    f"{type(value).__name__}"
                )
            if jnp.ndim(value) != 0:
                raise UserInputError(
                    f"`add_loss()` in layer '{self.name}' can only be called with scalars. "
                    f"Received shape {jnp.shape(value)}: reduce it first, for example with "
                    "`fkeras.ops.mean`."
                )
            value = _brought_out(self, value, context)
            if context.losses is not None:
                context.losses.append((self, value))
            else:
                self._info.losses.append(value)

    @property
    def losses(self) -> list[Tensor]:
        """One scalar for each `add_loss` of the last call, each activity regularizer and each
        weight regularizer.
        """
        context = contexts.current()
        family = self._flatten_layers()
        if context is not None and context.losses is not None:
            ids = {id(layer) for layer in family}
            added = [value for layer, value in context.losses if id(layer) in ids]
        else:
            added = [value for layer in family for value in layer._info.losses]
        return [*added, *self._get_regularization_losses()]

    def _get_regularization_losses(self) -> list[jax.Array]:
        return [
            user_code.call(
                _over_blocks(variable), partial(_described, variable), widen(variable.value)
            )
            for variable in self.trainable_variables
            if getattr(variable, "regularizer", None) is not None
        ]

    def _add_activity_losses(self, outputs: Nested[jax.Array]) -> None:
        """The activity regularizer's value for each output, per example: of the same strength for
        any batch size.
        """
        for output in flatten(outputs):
            # Of half precision in float32, which the loss is: the sum may not fit into float16.
            regularizer = self._info.activity_regularizer
            who = partial("Activity regularizer of layer '{}'".format, self.name)
            value = user_code.call(regularizer, who, widen(output))
            self.add_loss(value / max(output.shape[0], 1) if output.ndim else value)


def _over_blocks(variable: Variable) -> Callable[..., Any]:
    """The weight's regularizer; for a stack of blocks the sum of its values for each."""
    ndim = stacking.count_block_axes(variable)
    if not ndim:
        return variable.regularizer
    return lambda value: jnp.sum(stacking.over_blocks(variable.regularizer, ndim)(value))


def _described(variable: Variable) -> str:
    return f"Regularizer of weight '{variable.path}'"


def _no_call_error(layer: AddedLosses, loss: Any) -> UserInputError:
    return UserInputError(
        f"`add_loss()` of layer '{layer.name}' can only be called inside `call()`, on values: each "
        "call begins with no losses, so that what was added before would not count. Received: "
        f"{loss!r:.100}. Add it in the `call` of a layer that hands its inputs on, give weights a "
        "regularizer, or override `compute_loss` of the model."
    )


def _brought_out(layer: AddedLosses, value: Any, context: CallContext) -> Any:
    """A loss as the call around can hold it: summed over the members of `jax.vmap`.

    Raises:
        PureCallError: another inner trace holds it, from where it cannot come out.
    """
    if jax_private.is_same(jax_private.current_trace(), context.trace):
        return value
    if lending.in_abstract_call():  # for shapes alone: nothing is to come out
        return value
    traces = jax_private.traces_above(context.trace)
    is_behind = not traces  # a rule of a derivative runs behind the trace of the derivative
    while traces and jax_private.is_mapping(traces[0]):
        value = _sum_over_members(jnp.asarray(value))
        traces = traces[1:]
    is_staged = any(map(jax_private.is_staging, traces))
    if is_behind or is_staged or (traces and isinstance(value, jax.core.Tracer)):
        raise PureCallError(
            f"`add_loss()` (or an activity regularizer) of layer '{layer.name}' is called inside "
            "an inner scan, cond, checkpoint or jit, from where the loss cannot come out. Use "
            "`fkeras.lift.scan`, `cond` or `checkpoint`, which carry losses out, or return the "
            "value from the inner function and add it outside."
        )
    return value


@jax.custom_batching.custom_vmap
def _sum_over_members(value: jax.Array) -> jax.Array:
    """The sum over the members of the innermost `jax.vmap`, as a value of the trace around it."""
    return value


@_sum_over_members.def_vmap
def _(axis_size: int, is_mapped: list[bool], value: jax.Array) -> tuple[jax.Array, bool]:
    return jnp.sum(value, axis=0) if is_mapped[0] else value * axis_size, False
