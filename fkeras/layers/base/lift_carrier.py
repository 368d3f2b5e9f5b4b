"""What makes operands and results of all that travels beside the arguments of an inner function."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from fkeras.core.nested import flatten
from fkeras.core.randomness import key_scopes, keys
from fkeras.core.values import lending, masks
from fkeras.core.values.variable_info import info_of
from fkeras.errors import PureCallError
from fkeras.layers.base import building, pure
from fkeras.layers.base import context as contexts

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from fkeras.core.values.variable import Variable
    from fkeras.layers.base.context import CallContext
    from fkeras.layers.base.layer import Layer
    from fkeras.types import PyTree


class Carried(NamedTuple):
    """What an inner function returned, and what stood beside it."""

    outputs: Any
    values: list[Any]  # of the Variables that were written
    losses: list[Any]
    masks: list[Any]  # of the outputs' leaves
    captured: dict[str, list[Any]]  # outputs of inner layers, by path


class Carrier:
    """Makes operands and results of what travels beside the arguments of an inner function.

    Args:
        *functions: the inner functions; where no call is open, the layers among them own the state.
        may_write: whether state may be written inside.
        is_loop: whether the functions run many times.
        variables: those that `values` are of; None for all of the call's outermost layer.

    Attributes:
        values: present values of the Variables, to be passed to `run`.
        owners: the layers that added losses, in their order.
    """

    def __init__(
        self,
        *functions: Callable[..., Any],
        may_write: bool = True,
        is_loop: bool = False,
        variables: Sequence[Variable] | None = None,
    ) -> None:
        self.context = contexts.current()
        self.has_lost_masks = self.context is not None and self.context.has_masks_outside()
        if self.context is not None and self.context.is_deep():
            self.context.mark_read()  # a `jax.jit` around keeps what is passed on here
        self.owner = _owner_of(functions)
        self.may_write = may_write
        # Branches would capture in different structures.
        self.brings_captured_out = len(functions) == 1
        self.structure = None if self.owner is None else self.owner._structure()
        self.variables: list[Variable] = list(variables or ())
        if variables is None and self.structure is not None:
            self.variables = list(self.structure.ordered)
        with lending.autocast(None):
            if key_scopes.is_cut_off():
                self.variables = [v for v in self.variables if not _counts_by_itself(v)]
            self.values = [variable._raw_value for variable in self.variables]
        self.owners: list[Layer] = []
        self.written: list[int] = []
        self.key_of_runs = self._draw_key_of_runs() if is_loop else None

    def run(
        self,
        call: Callable[[], Any],
        values: list[Any],
        keys: AbstractContextManager,
        keep_all: bool = False,
    ) -> Carried:
        """The inner call, in the inner trace.

        Args:
            call: makes the call.
            values: of the Variables, in the inner trace.
            keys: opens the keys of the inner call.
            keep_all: whether the values of all Variables are results, also those not written.
        """
        dtype = lending.autocast_dtype()

        def inner() -> Any:
            with keys, lending.autocast(dtype), self._opened() as context:
                outputs = call()
                losses = [] if context is None else context.losses
                captured = _captured_in(context)
            return outputs, losses, captured

        (outputs, losses, captured), after = lending.call(
            inner, self.variables, values, strict=lending.in_pure_call()
        )
        self.owners = [layer for layer, _ in losses]
        self.written = [i for i, value in enumerate(after) if value is not values[i]]
        if self.written and not self.may_write:
            self._refuse_written()
        kept = after if keep_all else [after[i] for i in self.written]
        if keep_all:
            self.written = list(range(len(after)))
        output_masks = [masks.get_mask(leaf) for leaf in flatten(outputs)]
        return Carried(outputs, kept, [value for _, value in losses], output_masks, captured)

    def accept(self, result: Carried) -> Any:
        """Puts what came out where it would stand without the transformation; returns the
        outputs.
        """
        for i, value in zip(self.written, result.values):
            if value is not self.values[i] and not isinstance(self.variables[i], nnx.Param):
                self.variables[i]._raw_value = value
        for layer, value in zip(self.owners, result.losses):
            layer.add_loss(value)
        if result.captured:
            self.context.capture.add(result.captured)
        for leaf, mask in zip(flatten(result.outputs), result.masks):
            if mask is not None:
                masks.set_mask(leaf, mask)
        return result.outputs

    def keys_of_run(self, index: jax.Array) -> AbstractContextManager:
        """The keys of one run of a loop."""
        if self.key_of_runs is None:
            return key_scopes.iteration(index)
        return key_scopes.scope(jax.random.fold_in(self.key_of_runs, index), self._paths())

    def _draw_key_of_runs(self) -> jax.Array | None:
        """A key for all runs from the facade's first generator, where runs cannot count its state
        on.
        """
        if key_scopes.current_scope() is not None or self.structure is None:
            return None
        single = [g for _, g in self.structure.generators if not info_of(g.state).blocks]
        if not single:  # those of a `Repeat` see to themselves
            return None
        generator = single[0]
        if self.may_write and not (key_scopes.is_cut_off() and _counts_by_itself(generator.state)):
            return None
        return keys.key_from_data(generator.next())

    def _paths(self) -> dict[int, str]:
        return pure.paths_of(self.structure)

    def _opened(self) -> AbstractContextManager[CallContext | None]:
        """A context for the inner call: losses are collected, the rest is that of the call
        around. None where there is no layer whose call it could be.
        """
        if self.owner is None:
            return contextlib.nullcontext()
        context = contexts.CallContext(self.owner, losses=[])
        if self.context is not None:
            context.layer = self.context.layer
            context.training = self.context.training
            context.float_dtype = self.context.float_dtype
            context.remat = self.context.remat
            context.mask_traces = list(self.context.mask_traces)
            if context.mask_traces and not self.has_lost_masks:
                context.note_masks()  # they came in, as operands or by closure
            if self.context.capture is not None:
                context.capture = self.context.capture
                if self.brings_captured_out:
                    context.capture = self.context.capture.inner()
        return contexts.opened(context)

    def _refuse_written(self) -> None:
        path = lending.path_of(self.variables[self.written[0]])
        raise PureCallError(
            f"The state {path!r} is written inside `fkeras.lift.vmap`, where each member would "
            "have its own. Use `fkeras.lift.scan`, or freeze the layer (`training=False`)."
        )


class Arguments:
    """Arguments of an inner function, taken apart into arrays and what is constant.

    Attributes:
        arrays: all arrays in them.
        masks: of the arrays, None for those without one.
    """

    def __init__(self, leaves: list[Any], structure: Any) -> None:
        self._leaves = leaves
        self._structure = structure
        self._places = [i for i, leaf in enumerate(leaves) if _is_array(leaf)]
        self.arrays = [leaves[i] for i in self._places]
        self.masks = [masks.get_mask(leaf) for leaf in self.arrays]

    @classmethod
    def of(cls, tree: PyTree) -> Arguments:
        return cls(*jax.tree.flatten(tree))

    def axes_of(self, axes: PyTree) -> list[int | None]:
        """The mapped axis of each array, from a tree of axes that may end before the arguments do;
        not negative, so that those of masks are the same.
        """
        by_leaf = axes_by_leaf(axes, jax.tree.unflatten(self._structure, self._leaves))
        return [_counted_from_front(by_leaf[i], self._leaves[i]) for i in self._places]

    def rebuilt(self, arrays: Sequence[Any], array_masks: Sequence[Any]) -> PyTree:
        """The arguments with other arrays in their places, and their masks on them."""
        context = contexts.current()
        leaves = list(self._leaves)
        for place, array, mask in zip(self._places, arrays, array_masks):
            if mask is not None:
                masks.set_mask(array, mask)
                if context is not None:
                    context.note_masks()
            leaves[place] = array
        return jax.tree.unflatten(self._structure, leaves)


def _counts_by_itself(variable: Variable) -> bool:
    """Whether it is the state of a generator that counts on in inner traces
    (`key_scopes.counting`).
    """
    return info_of(variable).kind == "seed" and not isinstance(variable._raw_value, jax.core.Tracer)


def _captured_in(context: CallContext | None) -> dict[str, list[Any]]:
    if context is None or context.capture is None:
        return {}
    return context.capture.outputs


def _owner_of(functions: Sequence[Callable[..., Any]]) -> Layer | None:
    """The layer whose call is going on; outside of calls the one that is about to be called."""
    context = contexts.current()
    if context is not None:
        return context.entry
    return next((function for function in functions if hasattr(function, "_info")), None)


def build_layers(function: Callable[..., Any], *args: Any, **kwargs: Any) -> None:
    """Layers that are called for the first time get their weights before the inner trace opens."""
    owner = _owner_of([function])
    if owner is None or lending.in_abstract_call():
        return
    if owner.built and all(layer.built for _, layer in owner._structure().layers):
        return

    def run() -> tuple[()]:
        with contexts.opened(contexts.CallContext(owner, losses=[])):
            lending.call_abstractly(function, *args, **kwargs)
        return ()

    jax.eval_shape(run)
    if contexts.current() is None:
        building.place(owner)


def _is_array(leaf: Any) -> bool:
    return isinstance(leaf, (jax.Array, np.ndarray, np.generic))


def summed(losses: list[jax.Array]) -> list[jax.Array]:
    """Losses of all runs as if each had been added."""
    return [jnp.sum(value, axis=0) for value in losses]


def axes_of_arguments(in_axes: Any, args: Sequence[Any]) -> tuple[Any, ...]:
    """One axis, or one tree of axes, for each argument."""
    if not isinstance(in_axes, (tuple, list)):
        return (in_axes,) * len(args)
    if len(in_axes) != len(args):
        raise PureCallError(
            f"`fkeras.lift.vmap`: in_axes={in_axes!r} has {len(in_axes)} entries, but there are "
            f"{len(args)} arguments."
        )
    return tuple(in_axes)


def axes_by_leaf(axes: PyTree, tree: PyTree) -> list[int | None]:
    """The axis of each leaf of a tree, from a tree of axes that may end before it does."""
    by_leaf: list[int | None] = []

    def spread(axis: int | None, below: PyTree) -> None:
        by_leaf.extend([axis] * len(jax.tree.leaves(below)))

    try:
        jax.tree.map(spread, axes, tree, is_leaf=lambda axis: axis is None)
    except (ValueError, TypeError) as error:
        raise PureCallError(f"`fkeras.lift.vmap`: the axes do not fit: {error}") from error
    return by_leaf


def _counted_from_front(axis: int | None, array: Any) -> int | None:
    return axis if axis is None or axis >= 0 else axis + np.ndim(array)


def first_along(x: jax.Array, axis: int | None) -> jax.Array:
    """An array of the first member."""
    return x if axis is None else jnp.take(x, 0, axis=axis)


def masks_along(members: Sequence[Any], out_axes: PyTree, outputs: PyTree) -> list[Any]:
    """Masks of all members' outputs, which stand first, along the axes of the outputs."""
    axes = iter(axes_by_leaf(out_axes, outputs))
    moved = []
    for mask, leaf in zip(members, flatten(outputs)):
        axis = None if leaf is None else _counted_from_front(next(axes), leaf)
        if mask is not None:
            mask = mask[0] if axis is None else jnp.moveaxis(mask, 0, axis)
        moved.append(mask)
    return moved


def size_along(arrays: Sequence[Any], axes: Sequence[int | None]) -> int:
    for array, axis in zip(arrays, axes):
        if axis is not None:
            return array.shape[axis]
    raise PureCallError("`fkeras.lift.vmap`: no argument has a mapped axis. Pass `axis_size`.")
