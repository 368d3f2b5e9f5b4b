"""Repeat: n blocks of one kind, traced once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Unpack

import jax
import numpy as np

from fkeras.core import jax_private, names
from fkeras.core.randomness import process_generator
from fkeras.core.symbolic.keras_tensor import KerasTensor
from fkeras.core.values import lending, stacking, stand_ins
from fkeras.core.values.remat import policy_of
from fkeras.core.values.variable import Variable
from fkeras.errors import UserInputError, UserTypeError
from fkeras.layers.base import block_loop, nested, running_blocks, signature, tracking
from fkeras.layers.base import context as contexts
from fkeras.layers.base.layer import Layer
from fkeras.layers.core.equal_blocks import check_equal, values_by_block

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from fkeras.core.randomness.seed_generator import SeedGenerator
    from fkeras.core.values.remat import RematPolicy
    from fkeras.layers.base.context import CallContext
    from fkeras.layers.base.options import LayerOptions
    from fkeras.types import Nested, Shape, Tensor


class Repeat(Layer):
    """`n` blocks one behind the other, equal but for their weights: traced and compiled as one.

    The model computes what a list of `n` separate blocks would, from the same first values and with
    the same random numbers, but its program has one block in a loop (`jax.lax.scan`): a deep
    transformer is traced and compiled in the time of one layer.

    The weights of all blocks are stored stacked. Block `i` has the structural path `blocks_i`
    below this layer; what pure calls take holds all of them under `blocks`, with a first axis of
    size `n`. `weights`, `get_weights`, `set_weights` and files have the blocks one by one, in the
    order of `n` separate layers; `trainable_variables` and what is trained are the stacks.
    Optimizers whose rule looks at the norm or the shape of a weight (`clipnorm`, `Lamb`, `Muon`,
    `Adafactor`) see single blocks.

    Args:
        block: a layer or model whose output has the structure, shape and dtype of its (first)
            input. Or a list of `n` layers of equal config and flags: values that they have are
            taken over.
        n: number of blocks, at least 1; None for a list.
        remat: whether each block computes its intermediate values again in the backward pass,
            which keeps one block's of them instead of `n`'s. True or "full" keeps the inputs of
            blocks alone; the name of one of `jax.checkpoint_policies` ("dots_saveable", ...) or
            such a function says what else is kept; None or False: everything is.
        unroll: how many blocks are compiled into one run of the loop: longer to compile, perhaps
            faster. True for all.

    Call arguments:
        inputs: tensor, or a nested structure of tensors: the first block's input.
        *args, **kwargs: further arguments of the block's `call`, the same for each block.
        training: as everywhere.

    The mask on the inputs goes from block to block as they pass it on.

    Raises:
        UserInputError: the block changes the shape or dtype; `n` is no positive int; blocks of a
            list differ.

    Examples:
        >>> import fkeras, jax, jax.numpy as jnp
        >>> from fkeras import layers
        >>> block = fkeras.Sequential([layers.Dense(4, activation="tanh"), layers.Dropout(0.1)])
        >>> repeat = layers.Repeat(block, 12)
        >>> variables = repeat.init(jax.random.key(0), (2, 4))
        >>> jax.tree.map(jnp.shape, variables["params"])
        {'blocks': {'dense': {'bias': (12, 4), 'kernel': (12, 4, 4)}}}
        >>> outputs, state = jax.jit(repeat.apply)(variables, jnp.ones((2, 4)))
        >>> outputs.shape, len(repeat.weights)
        ((2, 4), 24)
    """

    _manages_masks = True

    def __init__(
        self,
        block: Layer | Sequence[Layer],
        n: int | None = None,
        *,
        remat: RematPolicy = None,
        unroll: int | bool = 1,
        **kwargs: Unpack[LayerOptions],
    ) -> None:
        blocks = list(block) if isinstance(block, (list, tuple)) else [block]
        n = _checked_count(blocks, n, is_list=isinstance(block, (list, tuple)))
        policy_of(remat, "Repeat")  # an error here rather than at the first call
        if kwargs.get("dtype") is None:
            kwargs["dtype"] = blocks[0].dtype_policy
        super().__init__(**kwargs)
        check_equal(self.name, blocks)
        self.block = blocks[0]
        self.n = n
        self.remat = remat
        self.unroll = unroll
        self.supports_masking = self.block.supports_masking
        self._repeated = running_blocks.RepeatedBlock(self.name, n)
        self._stack_new_weights(values_by_block(self.name, blocks))

    def _members(self) -> list[tuple[str, Layer]]:
        return [(stacking.StackedName("blocks", self.n), self.block)] if "n" in vars(self) else []

    # -- weights ---------------------------------------------------------------

    def build(self, input_shape: Nested[Shape] | None = None, **shapes: Nested[Shape]) -> None:
        """Makes the weights of all blocks.

        Args:
            input_shape: of the inputs.
            **shapes: of further arguments of the block that are tensors, `context_shape` for the
                argument `context`.
        """

        def tensors(shape: Nested[Shape]) -> Nested[KerasTensor]:
            return nested.replace_shapes(
                lambda s: KerasTensor(s, dtype=self.compute_dtype), nested.as_shape(shape)
            )

        named = {name.removesuffix("_shape"): tensors(shape) for name, shape in shapes.items()}
        self._build_block([tensors(input_shape)], named)

    def _build_if_needed(
        self, arguments: dict[str, Any], outer: CallContext | None, symbolic: bool
    ) -> None:
        """A block may have layers that are built as they are called: it is called once, for shapes
        alone.
        """
        info = self._info
        args, kwargs = nested.split_arguments(signature.of(self), arguments)
        kwargs.pop("training", None)
        info.path = names.current_path() or info.name
        self._build_block(args, kwargs)
        first, *others = args
        by_name = {**dict(zip(signature.of(self.block).positional[1:], others)), **kwargs}
        info.build_shapes = {"input_shape": signature.shape_of(first)} | {
            f"{name}_shape": signature.shape_of(value)
            for name, value in by_name.items()
            if nested.holds_tensor(value)
        }
        info.built = True
        if outer is None and not symbolic and info.root_key is None:
            info.root_key = process_generator.next_root_key()

    def _build_block(self, args: Sequence[Any], kwargs: dict[str, Any]) -> None:
        """Builds the block by a call for shapes, and stacks the weights that it made."""
        inputs, *args = args

        def run() -> tuple[()]:
            context = contexts.CallContext(self, losses=[])
            context.training = getattr(contexts.current(), "training", None)
            with contexts.opened(context):
                lending.call_abstractly(self._call_one, inputs, args, kwargs)
            return ()

        nodes = list(self.block._info.nodes)
        jax.eval_shape(run)
        self.block._info.nodes[:] = nodes  # a symbolic call was for shapes only
        self._stack_new_weights()

    def _stack_new_weights(self, values: dict[int, list[Any]] | None = None) -> None:
        """Makes stacks of all Variables in the block that are none yet."""
        structure = tracking.structure_of(self)
        block_path = self.block._info.path or self.block.name
        entries: list[tuple[tuple[str, ...], Any]] = list(structure.variables)
        for path, generator in structure.generators:
            entries.append((path, generator.state))
        fresh = {id(generator.state): generator for _, generator in structure.generators}
        for path, variable in entries:
            if not isinstance(variable, Variable):
                raise UserInputError(
                    f"Repeat '{self.name}': the block holds a `flax.nnx` module, whose Variable "
                    f"{'/'.join(path)!r} cannot be stacked. Write the block with fkeras layers, or "
                    "keep a list of modules."
                )
            if len(variable._meta.blocks) >= stacking.depth_of(path):
                continue
            own = None if values is None else values.get(id(variable))
            if own is None and id(variable) in fresh:
                own = _seeds_of_blocks(fresh[id(variable)], self.n)
            stacking.stack(variable, self.n, block_path, own)
        for layer in self.block._flatten_layers():
            if layer._info.repeated_in is None:
                layer._info.repeated_in = self._repeated

    # -- calls -----------------------------------------------------------------

    def call(
        self,
        inputs: Nested[Tensor],
        *args: Any,
        training: bool | None = None,
        **kwargs: Any,
    ) -> Nested[Tensor]:
        return self._run(inputs, args, kwargs, self.remat)

    def rematerialized_call(
        self, layer_call: Callable[..., Any], *args: Any, **kwargs: Any
    ) -> Callable[..., Any]:
        """In a `RematScope`: block by block, which keeps the inputs of blocks."""
        scope = self._remat_scope()
        if scope is None or self._is_small_for_remat(args, kwargs):
            return layer_call

        def call_again(inputs: Any, *args: Any, training: Any = None, **kwargs: Any) -> Any:
            with contexts.without_remat():
                return self._run(inputs, args, kwargs, self.remat or scope.policy or True)

        return call_again

    def _run(
        self, inputs: Any, args: Sequence[Any], kwargs: dict[str, Any], remat: RematPolicy
    ) -> Any:
        if lending.in_abstract_call():
            return self._call_one(inputs, args, kwargs)
        loop = block_loop.BlockLoop(self, self.block, self.n)
        is_staged = jax_private.is_below_staging(jax_private.current_trace())
        options = block_loop.LoopOptions(remat, self.unroll, is_staged)
        with running_blocks.running(self._repeated):
            return loop.run(inputs, args, kwargs, options)

    def _call_one(self, inputs: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
        """The first block alone, for shapes."""
        stacked = [v for v in self.block._structure().ordered if stacking.count_block_axes(v)]
        values = [stacking.at_block(v._raw_value, (0,)) for v in stacked]
        with running_blocks.running(self._repeated):
            outputs, _ = lending.call(self.block, stacked, values, inputs, *args, **kwargs)
        block_loop.check_kept(self, inputs, outputs)
        return outputs


def _checked_count(blocks: list[Any], n: Any, is_list: bool) -> int:
    """How many blocks there are.

    Raises:
        UserTypeError: something that is no layer, or an `n` that is no int.
        UserInputError: none, or another number than a list has.
    """
    for block in blocks:
        if not isinstance(block, Layer):
            raise UserTypeError(
                f"Repeat: expected a layer (or a list of layers) to repeat. Received: {block!r} "
                f"(of type {type(block).__name__})"
            )
    if is_list and n is None:
        n = len(blocks)
    if isinstance(n, bool) or not isinstance(n, (int, np.integer)):
        raise UserTypeError(f"Repeat: `n`, the number of blocks, must be an int. Received: n={n!r}")
    if n < 1 or is_list and n != len(blocks):
        found = f"a list of {len(blocks)} blocks and n={n}" if is_list else f"n={n}"
        raise UserInputError(
            f"Repeat: `n` must be at least 1, and a list's length. Received: {found}"
        )
    return int(n)


def _seeds_of_blocks(generator: SeedGenerator, count: int) -> list[np.ndarray]:
    """The states that `count` generators begin with: of the given seed, or each of another."""
    first = np.asarray(stand_ins.own_value(generator.state))

    def another() -> np.ndarray:
        if generator._initial_seed is not None:
            return first
        new = first.copy()
        for row in new.reshape(-1, 2):
            row[0] = process_generator.make_default_seed()
        return new

    return [first, *(another() for _ in range(count - 1))]
