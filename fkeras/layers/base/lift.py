"""JAX's transformations for use inside a layer's `call`: what travels beside the arguments comes
along.

Under `jax.checkpoint`, `jax.lax.scan`, `jax.vmap` and `jax.lax.cond` the arguments of the inner
function are all that JAX knows of. State that is written, losses, masks and the key of a pure call
stand beside them. The functions here make operands and results of these, so that inner code counts
as if it stood outside:

    def call(self, x):
        for block in self.blocks:
            x = lift.checkpoint(block)(x)
        return x

They work in the facade, in `apply` and in training steps; outside of any call on a layer itself.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from fkeras.core.nested import flatten
from fkeras.core.randomness import seeds
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
    from fkeras.types import ArrayLike, PyTree


def checkpoint(
    function: Callable[..., Any],
    *,
    policy: Callable[..., bool] | None = None,
    prevent_cse: bool = True,
) -> Callable[..., Any]:
    """`function` with its intermediate values computed again in the backward pass: less memory for
    more time. Draws, state, losses and masks are those of the plain call.

    Args:
        function: a layer, or a function of arrays that calls layers.
        policy: which values are kept all the same, one of `jax.checkpoint_policies`; None: none.
        prevent_cse: see `jax.checkpoint`; False is faster inside `scan`.

    Returns:
        A function of the same arguments.

    Examples:
        >>> import fkeras, jax, jax.numpy as jnp
        >>> layer = fkeras.layers.Dense(2, kernel_initializer="ones")
        >>> variables = layer.init(jax.random.key(0), (1, 3))
        >>> float(fkeras.lift.checkpoint(layer)(jnp.ones((1, 3)))[0, 0])
        3.0
    """

    @functools.wraps(function, updated=())
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        _build_layers(function, *args, **kwargs)
        carrier = _Carrier(function)
        arguments = _Arguments.of((args, kwargs))

        @functools.partial(jax.checkpoint, policy=policy, prevent_cse=prevent_cse)
        def run(values: list[jax.Array], arrays: list[Any], array_masks: list[Any]) -> _Result:
            def call() -> Any:
                args, kwargs = arguments.rebuilt(arrays, array_masks)
                return function(*args, **kwargs)

            return carrier.run(call, values, seeds.again())

        return carrier.accept(run(carrier.values, arguments.arrays, arguments.masks))

    return wrapped


def remat(f: Callable[..., Any]) -> Callable[..., Any]:
    """`f` computing its intermediate values again in the backward pass: less memory for more time.
    `checkpoint` under Keras's name.

    Args:
        f: function of arrays, or a layer.

    Returns:
        A function of the same arguments.

    Examples:
        >>> import fkeras, jax, jax.numpy as jnp
        >>> float(jax.grad(fkeras.remat(jnp.sin))(0.0))
        1.0
    """
    return checkpoint(f)


def scan(
    function: Callable[[PyTree, PyTree], tuple[PyTree, PyTree]],
    init: PyTree,
    xs: PyTree = None,
    length: int | None = None,
    *,
    reverse: bool = False,
    unroll: int | bool = 1,
) -> tuple[PyTree, PyTree]:
    """`jax.lax.scan` inside a layer: each run draws its own random numbers, state that a run writes
    is what the next one reads, losses are summed over the runs.

    Args:
        function: (carry, x) -> (carry, y).
        init: the first carry.
        xs: arrays with a common first axis, masks on them too; None with a `length`.
        length: number of runs; None: the size of that axis.
        reverse: whether to go from the last to the first.
        unroll: how many runs to compile into one.

    Returns:
        The last carry and the stacked ys.
    """
    _build_layers(function, init, jax.tree.map(lambda x: x[0], xs))
    carrier = _Carrier(function, is_loop=True)
    arguments = _Arguments.of(xs)
    if length is None:
        length = arguments.arrays[0].shape[0]

    init_masks = _masks_of(init)

    def body(carry: Any, row: Any) -> Any:
        values, inner_carry, carry_masks = carry
        index, arrays, array_masks = row
        for leaf, mask in zip(jax.tree.leaves(inner_carry), carry_masks):
            masks.set_mask(leaf, mask)

        def call() -> Any:
            new_carry, y = function(inner_carry, arguments.rebuilt(arrays, array_masks))
            carried_masks.append(_carried(_masks_of(new_carry), init_masks))
            return new_carry, y

        carried_masks: list[Any] = []
        result = carrier.run(call, values, carrier.keys_of_run(index), keep_all=True)
        new_carry, y = result.outputs
        y_masks = result.masks[len(result.masks) - len(flatten(y)) :]
        new = (result.values, new_carry, carried_masks[0])
        return new, result._replace(outputs=y, values=[], masks=y_masks)

    rows = (jnp.arange(length), arguments.arrays, arguments.masks)
    start = (carrier.values, init, init_masks)
    (values, carry, carry_masks), results = jax.lax.scan(
        body, start, rows, length=length, reverse=reverse, unroll=unroll
    )
    ys = carrier.accept(results._replace(values=values, losses=_summed(results.losses)))
    for leaf, mask in zip(jax.tree.leaves(carry), carry_masks):
        masks.set_mask(leaf, mask)
    return carry, ys


def vmap(
    function: Callable[..., Any],
    in_axes: int | Sequence[int | None] = 0,
    out_axes: int = 0,
    axis_size: int | None = None,
) -> Callable[..., Any]:
    """`jax.vmap` inside a layer: each member draws its own random numbers, losses are summed over
    the members. State cannot be written, since the members would each have their own.

    Args:
        function: a layer, or a function of arrays that calls layers.
        in_axes: the mapped axis of each argument; None: passed whole.
        out_axes: where the members stand in the outputs.
        axis_size: number of members; None: told by the arguments.

    Returns:
        A function of the same arguments with one axis more.
    """

    @functools.wraps(function, updated=())
    def wrapped(*args: Any) -> Any:
        axes = in_axes if isinstance(in_axes, (tuple, list)) else [in_axes] * len(args)
        _build_layers(function, *map(_first_along, args, axes))
        carrier = _Carrier(function, may_write=False, is_loop=True)
        count = axis_size if axis_size is not None else _size_along(args, axes)
        parts = [_Arguments.of(arg) for arg in args]

        def member(index: jax.Array, arrays: list[list[Any]], array_masks: list[list[Any]]) -> Any:
            def call() -> Any:
                rebuilt = [p.rebuilt(a, m) for p, a, m in zip(parts, arrays, array_masks)]
                return function(*rebuilt)

            return carrier.run(call, carrier.values, carrier.keys_of_run(index))

        of_result = _Result(out_axes, None, 0, out_axes, 0)
        results = jax.vmap(
            member, in_axes=(0, list(axes), list(axes)), out_axes=of_result, axis_size=count
        )(jnp.arange(count), [p.arrays for p in parts], [p.masks for p in parts])
        return carrier.accept(results._replace(losses=_summed(results.losses)))

    return wrapped


def cond(
    pred: ArrayLike,
    true_fun: Callable[..., Any],
    false_fun: Callable[..., Any],
    *operands: PyTree,
) -> Any:
    """`jax.lax.cond` inside a layer: state, losses and masks of the branch that is taken count.

    Args:
        pred: bool scalar, may be traced.
        true_fun, false_fun: functions of the operands with outputs of one structure.
        *operands: arrays, or nested structures of them.
    """
    for branch_fun in (true_fun, false_fun):
        _build_layers(branch_fun, *operands)
    carrier = _Carrier(true_fun, false_fun)
    arguments = _Arguments.of(operands)
    owners: list[Layer] = []  # of the losses of both branches

    def branch(function: Callable[..., Any]) -> Callable[..., Any]:
        def run(values: list[jax.Array], arrays: list[Any], array_masks: list[Any]) -> _Result:
            def call() -> Any:
                return function(*arguments.rebuilt(arrays, array_masks))

            result = carrier.run(call, values, seeds.again(), keep_all=True)
            owners.extend(carrier.owners)
            # The branches may add different numbers of losses: their sum stands for them.
            total = sum(map(jnp.sum, result.losses), jnp.zeros(()))
            return result._replace(losses=[total])

        return run

    result = jax.lax.cond(
        pred,
        branch(true_fun),
        branch(false_fun),
        carrier.values,
        arguments.arrays,
        arguments.masks,
    )
    carrier.owners = owners[:1]
    return carrier.accept(result)


# -- what comes along ----------------------------------------------------------


class _Result(NamedTuple):
    """What an inner function returned, and what stood beside it."""

    outputs: Any
    values: list[Any]  # of the Variables that were written
    losses: list[Any]
    masks: list[Any]  # of the outputs' leaves
    captured: dict[str, list[Any]]  # outputs of inner layers, by path


class _Carrier:
    """Makes operands and results of what travels beside the arguments of an inner function.

    Args:
        *functions: the inner functions; where no call is open, the layers among them own the state.
        may_write: whether state may be written inside.
        is_loop: whether the functions run many times.

    Attributes:
        values: present values of all Variables of the call's outermost layer, to be passed to
            `run`.
        owners: the layers that added losses, in their order.
    """

    def __init__(
        self,
        *functions: Callable[..., Any],
        may_write: bool = True,
        is_loop: bool = False,
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
        self.variables: list[Variable] = []
        if self.structure is not None:
            self.variables = list(self.structure.ordered)
        with lending.autocast(None):
            if seeds.is_cut_off():
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
    ) -> _Result:
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
        return _Result(outputs, kept, [value for _, value in losses], output_masks, captured)

    def accept(self, result: _Result) -> Any:
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
            return seeds.iteration(index)
        return seeds.scope(jax.random.fold_in(self.key_of_runs, index), self._paths())

    def _draw_key_of_runs(self) -> jax.Array | None:
        """A key for all runs from the facade's first generator, where runs cannot count its state
        on.
        """
        if seeds.current_scope() is not None or self.structure is None:
            return None
        if not self.structure.generators:
            return None
        _, generator = self.structure.generators[0]
        if self.may_write and not (seeds.is_cut_off() and _counts_by_itself(generator.state)):
            return None
        return seeds.key_from_data(generator.next())

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


class _Arguments:
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
    def of(cls, tree: PyTree) -> _Arguments:
        return cls(*jax.tree.flatten(tree))

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
    """Whether it is the state of a generator that counts on in inner traces (`seeds.counting`)."""
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


def _build_layers(function: Callable[..., Any], *args: Any, **kwargs: Any) -> None:
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


def _masks_of(tree: PyTree) -> list[Any]:
    return [masks.get_mask(leaf) for leaf in jax.tree.leaves(tree)]


def _carried(new: list[Any], first: list[Any]) -> list[Any]:
    """A carry's masks in the structure that the first carry's have."""
    if any(mask is not None and start is None for mask, start in zip(new, first)):
        raise PureCallError(
            "A carry of `fkeras.lift.scan` has a mask at the end of a run, but `init` has none, "
            "and a loop keeps its structure. Give `init` one of ones, or take the mask off."
        )
    return [
        jnp.ones_like(start) if mask is None and start is not None else mask
        for mask, start in zip(new, first)
    ]


def _is_array(leaf: Any) -> bool:
    return isinstance(leaf, (jax.Array, np.ndarray, np.generic))


def _summed(losses: list[jax.Array]) -> list[jax.Array]:
    """Losses of all runs as if each had been added."""
    return [jnp.sum(value, axis=0) for value in losses]


def _first_along(arg: PyTree, axis: int | None) -> PyTree:
    """An argument of the first member."""
    if axis is None:
        return arg
    return jax.tree.map(lambda x: jnp.take(x, 0, axis=axis), arg)


def _size_along(args: Sequence[Any], axes: Sequence[int | None]) -> int:
    for arg, axis in zip(args, axes):
        if axis is not None:
            return jax.tree.leaves(arg)[0].shape[axis]
    raise PureCallError("`fkeras.lift.vmap`: no argument has a mapped axis. Pass `axis_size`.")
