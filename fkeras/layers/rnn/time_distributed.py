"""TimeDistributed: one layer at each step of a sequence."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any, Unpack

import jax
import jax.numpy as jnp
from flax import nnx

from fkeras.core.config import registry
from fkeras.core.nested import flatten, map_structure
from fkeras.core.randomness import key_scopes, keys, seeds
from fkeras.core.values import masks
from fkeras.core.values.variable_info import info_of
from fkeras.errors import UserInputError
from fkeras.layers.base import context as contexts
from fkeras.layers.base import pure, signature
from fkeras.layers.base.layer import Layer
from fkeras.layers.base.options import LayerOptions
from fkeras.layers.core.wrapper import Wrapper
from fkeras.types import Nested, Shape, Tensor

StepFunction = Callable[[Tensor, Tensor | None], Nested[Tensor]]  # (x, mask) -> outputs


class TimeDistributed(Wrapper):
    """Applies a layer to each step of a sequence, with the same weights.

    All steps are computed together. A layer that keeps state (`BatchNormalization` and the like)
    sees one step after the other, and its program grows with the number of steps. Dropout draws
    anew at each step.

    Args:
        layer: the layer.

    Shape:
        `(batch, steps, ...)` -> `(batch, steps, ...)`: the layer gets `(batch, ...)`.

    Call arguments:
        inputs; `training`; `mask`: bool `(batch, steps, ...)`, of which the layer gets that of each
        step if it takes one.

    Raises:
        UserInputError: inputs of a rank below 3, a mask that does not begin with (batch, steps).

    Examples:
        >>> import fkeras, jax.numpy as jnp
        >>> frames = jnp.ones((2, 5, 8, 8, 3))
        >>> fkeras.layers.TimeDistributed(fkeras.layers.Conv2D(4, 3))(frames).shape
        (2, 5, 6, 6, 4)
    """

    def __init__(self, layer: Layer, **kwargs: Unpack[LayerOptions]):
        if not isinstance(layer, Layer):
            raise UserInputError(f"TimeDistributed: `layer` must be a layer. Received: {layer!r}")
        super().__init__(layer, **kwargs)
        self.supports_masking = True

    def build(self, input_shape: Shape) -> None:
        super().build(_step_shape(input_shape))

    def call(
        self, inputs: Tensor, training: bool | None = None, mask: Tensor | None = None
    ) -> Nested[Tensor]:
        if mask is not None:
            _check_mask(mask, inputs)
        arguments = {}
        if "training" in signature.of(self.layer).parameters and training is not None:
            arguments["training"] = training

        def at_step(x, mask):
            outputs = self.layer(x, **arguments, **self._mask_arguments(x, mask))
            output_masks = [masks.get_mask(y) for y in flatten(outputs)]
            cast = map_structure(
                lambda y: self.dtype_policy.convert_input(y, True, self.compute_dtype), outputs
            )
            return cast, output_masks

        # State must go from step to step, which `vmap` cannot do.
        if any(_is_state(variable) for variable in self.layer.variables):
            outputs, output_masks = self._one_by_one(at_step, inputs, mask)
        else:
            outputs, output_masks = self._all_together(at_step, inputs, mask, training)
        for y, own in zip(flatten(outputs), output_masks):
            masks.set_mask(y, _mask_of_output(mask, own))
        return outputs

    def _mask_arguments(self, x: Tensor, mask: Tensor | None) -> dict[str, Tensor]:
        """How the layer is given the mask of a step, (batch, ...): as an argument or on `x`.

        A mask of whole steps, (batch,), is no mask of what is inside of one: the library's layers
        are not given it.
        """
        if mask is None or (mask.ndim == 1 and registry.is_builtin(type(self.layer))):
            return {}
        if "mask" in signature.of(self.layer).parameters:
            return {"mask": mask}
        if mask.ndim > 1 and self.layer.supports_masking:
            masks.set_mask(x, mask)
        return {}

    def _one_by_one(self, at_step: StepFunction, inputs: Tensor, mask: Tensor | None) -> Any:
        """Each step sees the state that the step before it left: moving averages and the like."""
        outputs = [
            at_step(inputs[:, step], None if mask is None else mask[:, step])
            for step in range(inputs.shape[1])
        ]
        return jax.tree.map(lambda *steps: jnp.stack(steps, axis=1), *outputs)

    def _all_together(
        self, at_step: StepFunction, inputs: Tensor, mask: Tensor | None, training: bool | None
    ) -> Any:
        """All steps at once by `vmap`: a step is a batch of its own, with its own random key."""
        keys = self._keys(inputs.shape[1]) if training else None
        paths = pure.paths_of(self._structure())
        outer_context = contexts.current()
        # Losses that the layer adds inside `vmap` would leak out of it: they are returned, and the
        # layers that they came from remembered while tracing.
        owners: list[Layer] = []

        scope = key_scopes.current_scope()

        def draws_of(step, key):
            if scope is not None:
                return key_scopes.iteration(step)
            return contextlib.nullcontext() if key is None else key_scopes.scope(key, paths)

        def run_step(step, x, mask, key):
            context = contexts.CallContext(self, losses=[])
            context.training = training
            if outer_context is not None:
                context.training = outer_context.training
                context.float_dtype = outer_context.float_dtype
                context.capture = outer_context.capture
            with contexts.opened(context), draws_of(step, key):
                outputs = at_step(x, mask)
            owners[:] = [layer for layer, _ in context.losses]
            return outputs, [value for _, value in context.losses]

        # Over the steps of inputs and mask; outputs get them back at axis 1, losses at axis 0.
        axes = (0, 1, None if mask is None else 1, None if keys is None else 0)
        steps = jnp.arange(inputs.shape[1])
        outputs, losses = jax.vmap(run_step, in_axes=axes, out_axes=(1, 0))(
            steps, inputs, mask, keys
        )
        for owner, values in zip(owners, losses):
            owner.add_loss(jnp.sum(values))
        return outputs

    def _keys(self, steps: int) -> jax.Array | None:
        """One key for each step, where the layer may draw random numbers and no pure call has keys
        for it.
        """
        generators = [generator for _, generator in self._structure().generators]
        if not generators or key_scopes.current_scope() is not None:
            return None
        seed = seeds.draw_seed(generators[0])  # one draw, from which each step's key is split
        return jax.random.split(keys.key_from_data(seed), steps)

    def compute_output_shape(self, input_shape: Shape) -> Nested[Shape]:
        shape = self.layer.compute_output_shape(_step_shape(input_shape))
        return _with_steps(shape, input_shape[1])


def _mask_of_output(mask: Tensor | None, own: Tensor | None) -> Tensor | None:
    """The mask of an output of all steps.

    Args:
        mask: of the inputs, (batch, steps, ...), or None.
        own: what the layer gave the output inside of the steps, (batch, steps, ...), or None.
    """
    if own is None:  # a step counts where anything of it does
        return mask if mask is None else mask.astype(bool).any(axis=tuple(range(2, mask.ndim)))
    if mask is None or mask.ndim > 2:
        return own
    return own & mask.astype(bool).reshape(*mask.shape, *[1] * (own.ndim - 2))


def _is_state(variable: nnx.Variable) -> bool:
    return not isinstance(variable, nnx.Param) and info_of(variable).kind != "seed"


def _step_shape(shape: Shape) -> Shape:
    """The shape of one step's inputs, from that of all."""
    if not isinstance(shape, (tuple, list)) or len(shape) < 3:
        raise UserInputError(
            "`TimeDistributed` Layer should be passed an `input_shape` with at least 3 "
            f"dimensions, received: {shape}"
        )
    return (shape[0], *shape[2:])


def _with_steps(shape: Nested[Shape], steps: int | None) -> Nested[Shape]:
    """Shapes of the outputs of all steps, from those of one."""
    if isinstance(shape, dict):
        return {name: _with_steps(inner, steps) for name, inner in shape.items()}
    if shape and isinstance(shape[0], (list, tuple, dict)):
        shapes = [_with_steps(inner, steps) for inner in shape]
        return tuple(shapes) if isinstance(shape, tuple) else shapes
    return (shape[0], steps, *shape[1:])


def _check_mask(mask: Tensor, inputs: Tensor) -> None:
    """Raises where a mask does not begin with (batch, steps)."""
    shape = tuple(mask.shape)
    if len(shape) < 2:
        raise UserInputError(
            "The `mask` passed to the `TimeDistributed` layer must be at least 2D (e.g., "
            f"`(batch_size, timesteps)`), but it has {len(shape)} dimension(s) with shape {shape}."
        )
    if shape[:2] != tuple(inputs.shape[:2]):
        raise UserInputError(
            f"The `mask` passed to the `TimeDistributed` layer has a shape {shape} that is "
            f"incompatible with the input shape {tuple(inputs.shape)}. The first two dimensions of "
            "the mask (batch size and timesteps) must match the input's first two dimensions. "
            f"Expected mask shape prefix: {tuple(inputs.shape[:2])}."
        )
