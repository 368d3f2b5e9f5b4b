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

import functools
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp

from fkeras.core.nested import flatten
from fkeras.core.randomness import key_scopes
from fkeras.core.values import masks
from fkeras.core.values.mask_operands import check_branches, masks_of, masks_of_next_carry
from fkeras.layers.base.lift_carrier import (
    Arguments,
    Carried,
    Carrier,
    axes_of_arguments,
    build_layers,
    first_along,
    masks_along,
    size_along,
    summed,
)

if TYPE_CHECKING:
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
        build_layers(function, *args, **kwargs)
        carrier = Carrier(function)
        arguments = Arguments.of((args, kwargs))

        @functools.partial(jax.checkpoint, policy=policy, prevent_cse=prevent_cse)
        def run(values: list[jax.Array], arrays: list[Any], array_masks: list[Any]) -> Carried:
            def call() -> Any:
                args, kwargs = arguments.rebuilt(arrays, array_masks)
                return function(*args, **kwargs)

            return carrier.run(call, values, key_scopes.again())

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
    build_layers(function, init, jax.tree.map(lambda x: x[0], xs))
    carrier = Carrier(function, is_loop=True)
    arguments = Arguments.of(xs)
    if length is None:
        length = arguments.arrays[0].shape[0]

    init_masks = masks_of(init)

    def body(carry: Any, row: Any) -> Any:
        values, inner_carry, carry_masks = carry
        index, arrays, array_masks = row
        for leaf, mask in zip(jax.tree.leaves(inner_carry), carry_masks):
            masks.set_mask(leaf, mask)

        def call() -> Any:
            new_carry, y = function(inner_carry, arguments.rebuilt(arrays, array_masks))
            carried_masks.append(
                masks_of_next_carry(masks_of(new_carry), init_masks, "fkeras.lift.scan")
            )
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
    ys = carrier.accept(results._replace(values=values, losses=summed(results.losses)))
    for leaf, mask in zip(jax.tree.leaves(carry), carry_masks):
        masks.set_mask(leaf, mask)
    return carry, ys


def vmap(
    function: Callable[..., Any],
    in_axes: int | None | Sequence[Any] = 0,
    out_axes: PyTree = 0,
    axis_size: int | None = None,
) -> Callable[..., Any]:
    """`jax.vmap` inside a layer: each member draws its own random numbers, losses are summed over
    the members. State cannot be written, since the members would each have their own.

    Args:
        function: a layer, or a function of arrays that calls layers.
        in_axes: the mapped axis of all arguments, or of each; None: passed whole. For an argument
            that is a dict or the like it may be one too, down to single arrays.
        out_axes: where the members stand in the outputs, in the same forms.
        axis_size: number of members; None: told by the arguments.

    Returns:
        A function of the same arguments with one axis more; that of keyword arguments comes first,
        as in `jax.vmap`.

    Raises:
        PureCallError: another number of axes than of arguments, or nothing to tell the size.
    """

    @functools.wraps(function, updated=())
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        arguments = Arguments.of((args, kwargs))
        axes = arguments.axes_of((axes_of_arguments(in_axes, args), dict.fromkeys(kwargs, 0)))
        count = axis_size if axis_size is not None else size_along(arguments.arrays, axes)
        first = [first_along(x, axis) for x, axis in zip(arguments.arrays, axes)]
        first_args, first_kwargs = arguments.rebuilt(first, [None] * len(first))
        build_layers(function, *first_args, **first_kwargs)
        carrier = Carrier(function, may_write=False, is_loop=True)

        def member(index: jax.Array, arrays: list[Any], array_masks: list[Any]) -> Carried:
            def call() -> Any:
                args, kwargs = arguments.rebuilt(arrays, array_masks)
                return function(*args, **kwargs)

            return carrier.run(call, carrier.values, carrier.keys_of_run(index))

        of_result = Carried(out_axes, None, 0, 0, 0)
        results = jax.vmap(member, in_axes=(0, axes, axes), out_axes=of_result, axis_size=count)(
            jnp.arange(count), arguments.arrays, arguments.masks
        )
        output_masks = masks_along(results.masks, out_axes, results.outputs)
        return carrier.accept(results._replace(losses=summed(results.losses), masks=output_masks))

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

    Raises:
        PureCallError: only one of the branches returns a mask.
    """
    for branch_fun in (true_fun, false_fun):
        build_layers(branch_fun, *operands)
    carrier = Carrier(true_fun, false_fun)
    arguments = Arguments.of(operands)
    owners: list[Layer] = []  # of the losses of both branches
    masked: dict[str, list[bool]] = {}  # which outputs of the branches have masks

    def branch(function: Callable[..., Any], name: str) -> Callable[..., Any]:
        def run(values: list[jax.Array], arrays: list[Any], array_masks: list[Any]) -> Carried:
            def call() -> Any:
                return function(*arguments.rebuilt(arrays, array_masks))

            result = carrier.run(call, values, key_scopes.again(), keep_all=True)
            owners.extend(carrier.owners)
            masked[name] = [mask is not None for mask in result.masks]
            check_branches(masked, "fkeras.lift.cond")
            # The branches may add different numbers of losses: their sum stands for them.
            total = sum(map(jnp.sum, result.losses), jnp.zeros(()))
            return result._replace(losses=[total])

        return run

    result = jax.lax.cond(
        pred,
        branch(true_fun, "true_fun"),
        branch(false_fun, "false_fun"),
        carrier.values,
        arguments.arrays,
        arguments.masks,
    )
    carrier.owners = owners[:1]
    return carrier.accept(result)
