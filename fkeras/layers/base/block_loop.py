"""The loop of a `Repeat`: one block run n times, each time with its own share of the stacks.

While a program is recorded, it is a `jax.lax.scan` whose body is traced once. Outside of any, a
compiled loop would be compiled at each call, so that the blocks run one by one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import jax
import jax.numpy as jnp

from fkeras.core import jax_private
from fkeras.core.nested import flatten, map_structure
from fkeras.core.randomness import key_scopes
from fkeras.core.values import masks, stacking
from fkeras.core.values.remat import policy_of
from fkeras.errors import PureCallError, UserInputError
from fkeras.layers.base import context as contexts
from fkeras.layers.base.lift_carrier import Carrier, summed

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from fkeras.core.values.remat import RematPolicy
    from fkeras.layers.base.layer import Layer
    from fkeras.layers.base.lift_carrier import Carried


class LoopOptions(NamedTuple):
    """How blocks run.

    Attributes:
        remat: what is computed again in the backward pass: see `Repeat`.
        unroll: how many blocks are compiled into one run of the loop.
        is_staged: whether a program is recorded.
    """

    remat: RematPolicy
    unroll: int | bool
    is_staged: bool


class _MasksChangeError(Exception):
    """A block puts masks on outputs whose inputs had none, or takes them off: a loop in a program
    cannot begin with it.
    """


class BlockLoop:
    """One call of a `Repeat`.

    Args:
        repeat: the layer, for errors.
        block: what is run.
        count: how often.
    """

    def __init__(self, repeat: Layer, block: Layer, count: int) -> None:
        self.repeat = repeat
        self.block = block
        self.count = count
        self.own = block._structure().ordered
        self.carrier = Carrier(block, variables=self.own)
        self.keys = key_scopes.BlockKeys(block, count)

    def run(
        self, inputs: Any, args: Sequence[Any], kwargs: dict[str, Any], options: LoopOptions
    ) -> Any:
        """The outputs of the last block.

        Args:
            inputs: of the first block.
            args, kwargs: further arguments, of all blocks.
            options: how they run.
        """
        leaves, structure = jax.tree.flatten(inputs)
        first_masks = [masks.get_mask(leaf) for leaf in leaves]

        def call(arrays: list[Any], array_masks: list[Any]) -> Any:
            context = contexts.current()
            for array, mask in zip(arrays, array_masks):
                if mask is not None:
                    masks.set_mask(array, mask)
                    context.note_masks()
            return self.block(jax.tree.unflatten(structure, arrays), *args, **kwargs)

        def run_block(slices: list[Any], arrays: list[Any], array_masks: list[Any]) -> Carried:
            result = self.carrier.run(lambda: call(arrays, array_masks), slices, key_scopes.again())
            check_kept(self.repeat, inputs, result.outputs)
            return result

        if options.remat and options.is_staged:
            run_block = jax.checkpoint(
                run_block, policy=policy_of(options.remat, "Repeat"), prevent_cse=False
            )
        loop = self._scan if options.is_staged else self._run_one_by_one
        try:
            arrays, array_masks, results = loop(run_block, leaves, first_masks, options)
        except _MasksChangeError:
            arrays, array_masks, results = self._after_first(
                run_block, leaves, first_masks, options
            )
        self.keys.close()
        self._check_no_new_weights()
        self.carrier.accept(results._replace(outputs=(), losses=summed(results.losses), masks=[]))
        for array, mask in zip(arrays, array_masks):
            masks.set_mask(array, mask)
        if any(mask is not None for mask in array_masks):
            contexts.current().note_masks()
        return jax.tree.unflatten(structure, arrays)

    def _scan(
        self,
        run_block: Callable[..., Carried],
        leaves: list[Any],
        first_masks: list[Any],
        options: LoopOptions,
        first: int = 0,
    ) -> tuple[list[Any], list[Any], Carried]:
        """(last outputs, their masks, stacked results), from a loop in the recorded program."""

        values = self.carrier.values
        if first:
            values = [value[first:] for value in values]

        def body(carry: Any, row: Any) -> tuple[Any, Carried]:
            arrays, array_masks = carry
            index, slices = row
            with self.keys.of_block(index, is_inner=True):
                result = run_block(slices, arrays, array_masks)
            if [m is None for m in result.masks] != [m is None for m in first_masks]:
                masks.forget(jax_private.current_trace())
                raise _MasksChangeError
            carry = flatten(result.outputs), result.masks
            return carry, result._replace(outputs=(), masks=[])

        (arrays, array_masks), results = jax.lax.scan(
            body,
            (leaves, first_masks),
            (jnp.arange(first, self.count), values),
            unroll=options.unroll,
        )
        return arrays, array_masks, results

    def _after_first(
        self,
        run_block: Callable[..., Carried],
        leaves: list[Any],
        first_masks: list[Any],
        options: LoopOptions,
    ) -> tuple[list[Any], list[Any], Carried]:
        """The same with the first block before the loop: only from then on masks stay what they
        are.
        """
        arrays, array_masks, result = self._run_one_by_one(
            run_block, leaves, first_masks, options, count=1
        )
        if self.count == 1:
            return arrays, array_masks, result
        try:
            arrays, array_masks, others = self._scan(
                run_block, arrays, array_masks, options, first=1
            )
        except _MasksChangeError:
            raise PureCallError(
                f"Repeat '{self.repeat.name}': the block '{self.block.name}' puts masks on its "
                "outputs in one run and takes them off in the next, which one program cannot do."
            ) from None
        results = jax.tree.map(lambda a, b: jnp.concatenate([a, b]), result, others)
        return arrays, array_masks, results

    def _run_one_by_one(
        self,
        run_block: Callable[..., Carried],
        leaves: list[Any],
        first_masks: list[Any],
        options: LoopOptions,
        count: int | None = None,
    ) -> tuple[list[Any], list[Any], Carried]:
        """The same without a loop in a program; of `count` blocks, or all."""
        arrays, array_masks = leaves, first_masks
        results = []
        for i in range(self.count if count is None else count):
            slices = [stacking.at_block(value, (i,)) for value in self.carrier.values]
            with self.keys.of_block(i, is_inner=False):
                result = run_block(slices, arrays, array_masks)
            arrays, array_masks = flatten(result.outputs), result.masks
            results.append(result._replace(outputs=(), masks=[]))
        return arrays, array_masks, jax.tree.map(lambda *rows: jnp.stack(rows), *results)

    def _check_no_new_weights(self) -> None:
        """A block's weights must be there before it runs: what a run made is no stack."""
        if len(self.block._structure().ordered) != len(self.own):
            raise PureCallError(
                f"Repeat '{self.repeat.name}': the block '{self.block.name}' made weights in a "
                "later call than its first. Make them in `__init__` or `build`, or use all layers "
                "in each call."
            )


def check_kept(repeat: Layer, inputs: Any, outputs: Any) -> None:
    """Raises where a block's outputs cannot be the next one's inputs."""
    before, after = map_structure(_described, inputs), map_structure(_described, outputs)
    if before != after:
        raise UserInputError(
            f"Repeat '{repeat.name}': a block's output is the next block's input, so that both "
            f"must be of the same structure, shape and dtype. Block '{repeat.block.name}' "
            f"({type(repeat.block).__name__}) makes {after} of {before}."
        )


class _Description(str):
    """Shape and dtype of a tensor as text; without quotes in messages."""

    __repr__ = str.__str__


def _described(x: Any) -> _Description:
    return _Description(f"{tuple(x.shape)} {jnp.dtype(x.dtype).name}")
