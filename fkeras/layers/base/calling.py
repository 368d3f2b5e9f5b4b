"""`Calling`: what happens around a layer's `call`.

A call has four stages:

    __call__         binds and checks the arguments, opens the context of the call, builds if needed
    _call_outermost  the first call on this thread: fresh losses, and the door of lending
    _call_once       the call itself: computed, recorded or rematerialised; activity losses, masks
    call             the layer's own computation
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import numpy as np

from fkeras.core import names, placement, tracebacks, user_code
from fkeras.core.nested import flatten, map_structure
from fkeras.core.randomness import key_scopes
from fkeras.core.symbolic.argument_kinds import any_symbolic
from fkeras.core.symbolic.keras_tensor import KerasTensor
from fkeras.core.symbolic.node import Node
from fkeras.core.values import lending, trace_tokens
from fkeras.core.values.variable_arguments import refuse_float64
from fkeras.errors import UserInputError
from fkeras.layers.base import (
    building,
    input_conversion,
    input_spec,
    lift,
    masking,
    nested,
    running_blocks,
    signature,
)
from fkeras.layers.base import context as contexts

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import jax

    from fkeras.core.values.remat import RematScope
    from fkeras.layers.base.context import CallContext
    from fkeras.layers.base.signature import CallSignature
    from fkeras.types import Nested


class Calling:
    """Calls on arrays and on symbolic tensors, with what travels beside the arguments.

    Attributes:
        supports_jit: whether `call` can be compiled. A model with a layer that says no runs as
            plain Python.
    """

    supports_jit = True
    # Models set it: their layers have put the right masks on the outputs already.
    _manages_masks = False

    @property
    def call_signature_parameters(self) -> list[str]:
        """Names of the parameters of `call`."""
        return list(signature.of(self).parameters)

    @tracebacks.filtered
    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        self._check_ready()
        info = self._info
        call_signature = signature.of(self)
        outer = contexts.current()
        if info.convert_inputs:
            dtype = self.compute_dtype
            if dtype == "float64":
                refuse_float64(f"{type(self).__name__} {self.name!r}")
            args, kwargs = input_conversion.convert_inputs(
                self.dtype_policy, dtype, info.autocast, args, kwargs
            )
        training = None
        if "training" in kwargs and not call_signature.takes("training"):
            training = kwargs.pop("training")  # for inner layers alone
        arguments = call_signature.bind(args, kwargs, self)
        input_conversion.refuse_plain_positionals(self, call_signature, args)
        input_spec.check(info.input_spec, next(iter(arguments.values()), None), info.name)
        symbolic = any_symbolic(*arguments.values())
        training = _resolve_training(call_signature, arguments, outer, training, symbolic)
        if not symbolic:
            masking.fill_masks(self, call_signature, arguments, outer)
        if outer is None:
            info.losses = []
            opened = contexts.opened(contexts.CallContext(self))
        else:
            opened = contextlib.nullcontext(outer)
        is_first = outer is None and not info.built and not symbolic
        undone = building.undone_on_error(self) if is_first else contextlib.nullcontext()
        with undone, opened as context, names.scope(info.name):
            outer_training, context.training = context.training, training
            outer_layer, context.layer = context.layer, self
            try:
                if outer is None and not symbolic:
                    context.note_masks_on(list(arguments.values()))
                if not info.built:
                    self._build_if_needed(arguments, outer, symbolic)
                    # Beside symbolic tensors a graph is made, which will hold the layer.
                    if info.made_in_call and outer is not None and not symbolic:
                        building.refuse_to_be_forgotten(self, outer_layer, outer.entry)
                run = self._call_outermost if outer is None else self._call_once
                if outer is not None and self._differs(training, outer_training):
                    run = self._call_retraced
                outputs = run(call_signature, arguments, symbolic)
            finally:
                context.training = outer_training
                context.layer = outer_layer
        info.called = True
        return outputs

    def _call_outermost(
        self, call_signature: CallSignature, arguments: dict[str, Any], symbolic: bool
    ) -> Any:
        """The first call on this thread: the object's own values go through the door of lending
        where inner traces may remember them.
        """
        if symbolic or lending.is_open():
            return self._call_once(call_signature, arguments, symbolic)
        structure = self._structure()
        for _, layer in structure.layers:
            layer._info.losses = []
        context = contexts.current()
        draws = key_scopes.watched(context.mark_drawn)
        with building.root_of_draws(self), draws, trace_tokens.kept():
            own = [variable for _, variable in structure.variables]
            constants = contexts.constants_of(self, structure, context.training)
            if constants.was_read or (own and lending.needs_own_scope(own)):
                return lending.call_on_own_values(
                    lambda: self._call_once(call_signature, arguments, symbolic),
                    own,
                    constants=constants,
                )
            return self._call_once(call_signature, arguments, symbolic)

    def _differs(self, training: bool | None, outer_training: bool | None) -> bool:
        """Whether the call changes what inner traces may have read of the call around."""
        same_cast = _cast_of(self._info) == lending.autocast_dtype()
        return training is not outer_training or not same_cast

    def _call_retraced(
        self, call_signature: CallSignature, arguments: dict[str, Any], symbolic: bool
    ) -> Any:
        """A call inside a call, under a token of its own where inner traces may remember."""
        training = contexts.current().training
        structure = self._structure()
        own = [variable for _, variable in structure.variables]
        if not contexts.constants_of(self, structure).was_read and not lending.needs_own_scope(own):
            return self._call_once(call_signature, arguments, symbolic)
        with trace_tokens.derived(training, _cast_of(self._info)):
            return self._call_once(call_signature, arguments, symbolic)

    def _call_once(
        self, call_signature: CallSignature, arguments: dict[str, Any], symbolic: bool
    ) -> Any:
        """The call itself, then what its outputs need: activity losses and masks."""
        positional, keywords = nested.split_arguments(call_signature, arguments)
        info = self._info
        if info.repeated_in is not None:
            running_blocks.check(self)
        if symbolic:
            return self.symbolic_call(*positional, **keywords)
        context = contexts.current()
        run = self.call
        if info.remat is not None or (context is not None and context.remat is not None):
            run = self._rematerialized()
        info.call_depth += 1
        try:
            with _located(self), lending.autocast(_cast_of(info)):
                outputs = run(*positional, **keywords)
        except Exception as error:
            user_code.raise_explained(error, lambda: signature.describe_call(self), arguments)
        finally:
            info.call_depth -= 1
        if info.activity_regularizer is not None:
            self._add_activity_losses(outputs)
        if outputs is None and context is not None:
            context.without_outputs = self
        if context is not None and context.capture is not None:
            context.capture.collect(self, outputs)
        distribution = placement.current()
        if distribution is not None:
            outputs = _laid_out(outputs, distribution)
        if not self._manages_masks:
            overrides_compute_mask = type(self).compute_mask is not Calling.compute_mask
            has_masks = masking.pass_masks(self, arguments, outputs, overrides_compute_mask)
            if has_masks and context is not None:
                context.note_masks()
        return outputs

    def symbolic_call(self, *args: Any, **kwargs: Any) -> Nested[KerasTensor]:
        """Shapes of the outputs as KerasTensors, with the call on record."""
        outputs = self.compute_output_spec(*args, **kwargs)
        if outputs is None:
            raise UserInputError(signature.without_outputs(self))
        Node(self, args, kwargs, outputs)
        return outputs

    def call(self, *args: Any, **kwargs: Any) -> Any:
        """The layer's computation: override it."""
        raise NotImplementedError(
            f"Layer {type(self).__name__!r} does not have a `call()` method implemented."
        )

    def _passes_on(self, name: str) -> bool:
        """Whether a keyword that only the `**kwargs` of `call` takes is used."""
        return True

    def _passed_on(self) -> Sequence[str]:
        """Names of what is passed on to other layers, as far as they are known."""
        return ()

    def compute_mask(
        self, inputs: Nested[jax.Array], previous_mask: Nested[jax.Array | None]
    ) -> Nested[jax.Array | None]:
        """The mask of the outputs from the inputs and their mask; the same one unless
        overridden.
        """
        return previous_mask

    def rematerialized_call(
        self, layer_call: Callable[..., Any], *args: Any, **kwargs: Any
    ) -> Callable[..., Any]:
        """A function that computes its intermediate values again in the backward pass, as the
        layer's `RematScope` says; without one `layer_call` itself.

        Args:
            layer_call: the function.
            *args, **kwargs: what it will be called on, for the sizes of its outputs.
        """
        scope = self._remat_scope()
        if scope is None or self._is_small_for_remat(args, kwargs):
            return layer_call

        def call_again(*args: Any, **kwargs: Any) -> Any:
            with contexts.without_remat():  # what is computed again as a whole needs no more of it
                return lift.checkpoint(layer_call, policy=scope.policy)(*args, **kwargs)

        return call_again

    def _is_small_for_remat(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
        """Whether the outputs are too small to be computed again, as the `RematScope` says."""
        scope = self._remat_scope()
        if scope is None or scope.mode != "larger_than":
            return False
        outputs = self.compute_output_spec(*map_structure(_as_symbolic, args), **kwargs)
        sizes = [_count_elements(tensor) for tensor in flatten(outputs)]
        return max(sizes, default=0) <= scope.output_size_threshold

    # Whether the layers inside are computed again one by one where the whole model is.
    _passes_remat_on = False

    def _remat_scope(self) -> RematScope | None:
        """The scope that the layer was made in, else the one that its model was compiled with."""
        context = contexts.current()
        return self._info.remat or (None if context is None else context.remat)

    def _rematerialized(self) -> Callable[..., Any]:
        """`call` as the `RematScope` wants it."""
        scope = self._remat_scope()
        if scope.mode == "list_of_layers":
            is_left_out = self.name not in scope.layer_names
        else:
            is_left_out = self._passes_remat_on and self._info.remat is None
        if is_left_out or lending.in_abstract_call():
            return self.call
        return lambda *args, **kwargs: self.rematerialized_call(self.call, *args, **kwargs)(
            *args, **kwargs
        )


def _resolve_training(
    call_signature: CallSignature,
    arguments: dict[str, Any],
    outer: CallContext | None,
    given: bool | None,
    symbolic: bool,
) -> bool | None:
    """What inner calls inherit: the call's own argument, else the outer call's. The signature's
    default counts for this call alone.
    """
    training = arguments.get("training") if call_signature.has_training else given
    if training is None and outer is not None:
        training = outer.training
        if call_signature.has_training and outer.is_deep():
            outer.mark_read()  # None too: it is as much a constant as True
    own = call_signature.training_default if training is None else training
    if call_signature.has_training and own is not None and not symbolic:
        arguments["training"] = own  # a recorded call leaves it open
    return training


def _located(layer: Calling) -> contextlib.AbstractContextManager[None]:
    """Inside, draws are keyed by the layer's place in the pure call, if there is one."""
    scope = key_scopes.current_scope()
    if scope is None:
        return contextlib.nullcontext()
    return key_scopes.located(scope.paths.get(id(layer), layer._info.name))


def _laid_out(outputs: Any, distribution: placement.Distribution) -> Any:
    """A layer's outputs where the distribution wants them."""
    sharding = distribution.tensor_sharding(f"{names.current_path()}/output")
    if sharding is None:
        return outputs
    return map_structure(lambda output: placement.place(output, sharding), outputs)


def _cast_of(info: Any) -> str | None:
    """The dtype that float weights read in inside the call; None: their own."""
    policy = info.dtype_policy
    if info.autocast and policy.compute_dtype != policy.variable_dtype:
        return policy.compute_dtype
    return None


def _as_symbolic(x: Any) -> Any:
    if hasattr(x, "shape") and hasattr(x, "dtype"):
        return KerasTensor(x.shape, dtype=str(x.dtype))
    return x


def _count_elements(tensor: KerasTensor) -> int:
    """Elements of a tensor, unknown dimensions counted as 1."""
    return int(np.prod([size or 1 for size in tensor.shape], dtype=np.int64))
