"""Variables that hold the values of n equal blocks, stacked along a leading axis.

`layers.Repeat` traces one block and runs it n times. Each Variable of the block then holds the
values of all n: its `VariableInfo.blocks` is `(n,)`, or the sizes of several such axes where blocks
of blocks repeat. The stack is what a pure call is given and what is trained. Whoever counts weights
as Keras does (`weights`, files) sees one block's share of it at a time (`BlockValue`), in the order
and under the paths that n separate blocks would have.

In a structural path a `StackedName` stands for all blocks: `repeat/blocks/dense/kernel` is the
stack of `repeat/blocks_0/dense/kernel`, `repeat/blocks_1/dense/kernel`, ...
"""

from __future__ import annotations

import itertools
import operator
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from fkeras.core import placement
from fkeras.core.values import lending, stand_ins
from fkeras.core.values.variable import StateVariable, TrainableVariable, Variable
from fkeras.core.values.variable_info import info_of, put_info
from fkeras.errors import UserInputError

if TYPE_CHECKING:
    from fkeras.types import ArrayLike

    Path = tuple[str, ...]

T = TypeVar("T")
R = TypeVar("R")


# -- paths ---------------------------------------------------------------------


class StackedName(str):
    """A part of a structural path that stands for `count` members, which differ in a number behind
    the name.
    """

    __slots__ = ("count",)
    count: int

    def __new__(cls, name: str, count: int) -> StackedName:
        self = str.__new__(cls, name)
        self.count = count
        return self

    def __getnewargs__(self) -> tuple[str, int]:
        return str(self), self.count

    def of_block(self, index: int) -> str:
        """The name of one of them."""
        return f"{self}_{index}"


def depth_of(path: Path) -> int:
    """How many stacks the path leads through."""
    return sum(isinstance(part, StackedName) for part in path)


def paths_of_blocks(path: Path) -> list[Path]:
    """The paths that a stacked path stands for, the last stack's number running first; the path
    itself where it leads through no stack.
    """
    choices = [
        [part.of_block(i) for i in range(part.count)] if isinstance(part, StackedName) else [part]
        for part in path
    ]
    return list(itertools.product(*choices))


def separated(
    entries: Sequence[tuple[Path, T]], share: Callable[[T, tuple[int, ...]], R]
) -> list[tuple[Path, R]]:
    """Entries by path as they would be if the blocks were members of their own: all of block 0,
    then all of block 1, ...

    Args:
        entries: (path, thing), those of one stack side by side.
        share: function of a thing and the numbers of its block (none for what is not stacked).
    """
    return [(path, share(thing, index)) for path, index, thing in _separated(entries)]


def _separated(entries: Iterable[tuple[Path, T]]) -> list[tuple[Path, tuple[int, ...], T]]:
    result: list[tuple[Path, tuple[int, ...], T]] = []
    for prefix, group in itertools.groupby(entries, key=lambda entry: _first_stack(entry[0])):
        if not prefix:
            result += [(path, (), thing) for path, thing in group]
            continue
        members, name = list(group), prefix[-1]
        for i in range(name.count):
            start = (*prefix[:-1], name.of_block(i))
            inner = [(path[len(prefix) :], thing) for path, thing in members]
            result += [
                ((*start, *path), (i, *index), thing) for path, index, thing in _separated(inner)
            ]
    return result


def _first_stack(path: Path) -> Path:
    """The path up to its first stack; empty where it leads through none."""
    for i, part in enumerate(path):
        if isinstance(part, StackedName):
            return path[: i + 1]
    return ()


# -- stacks --------------------------------------------------------------------


def stack(
    variable: Variable, count: int, block_path: str, values: Sequence[Any] | None = None
) -> None:
    """Makes a Variable hold the values of several blocks, in a new first axis.

    Args:
        variable: of one block. A value that it has already is that of each block; one that is not
            drawn yet will be drawn for each.
        count: number of blocks.
        block_path: beginning of the Variable's `path`, up to the block.
        values: one for each block, in place of the Variable's own.
    """
    info, content = variable._meta, stand_ins.private_value(variable)
    shape = (count, *info.shape)
    is_drawn = values is not None or type(content) is not stand_ins.NotDrawnYet
    if is_drawn and values is None:
        values = [stand_ins.own_value(variable)] * count
    info.blocks, info.shape = (count, *info.blocks), shape
    info.block_paths = (block_path, *info.block_paths)
    info.sharding = None
    if info.layout is not None or placement.current() is not None:
        info.sharding = placement.sharding_of(variable, info.layout)
        info.shares = None  # one may have been looked at, which has no place yet
    if is_drawn:
        with jax.ensure_compile_time_eval():  # a trace may be open, and the stack outlives it
            if info.sharding is None:
                content = jnp.stack([jnp.asarray(value) for value in values])
            else:  # put together on the host: no device holds more of it than its part
                whole = np.stack([placement.fetch(value) for value in values])
                content = placement.place(whole, info.sharding)
    else:
        content = stand_ins.NotDrawnYet(shape, content.dtype, content.draw)
        info.origin.root_key = None  # its place is another now
    stand_ins.put_value(variable, content)


def count_block_axes(variable: nnx.Variable) -> int:
    """How many leading axes of the value that the Variable reads as here count blocks: none within
    the run of a single block.
    """
    info = info_of(variable)
    return len(variable.shape) - len(info.shape) + len(info.blocks) if info.blocks else 0


def at_block(value: Any, index: tuple[int, ...]) -> Any:
    """One block's share of a stacked array. The index is an operand: one program serves all."""
    for i in index:
        value = jax.lax.dynamic_index_in_dim(value, i, keepdims=False)
    return value


def stack_like(variable: Variable, other: Variable) -> None:
    """Makes a Variable of one block hold as many values as `other` holds, each its own."""
    blocks = zip(other._meta.blocks, other._meta.block_paths)
    for count, block_path in reversed(list(blocks)):
        stack(variable, count, block_path)


def over_blocks(function: Callable[..., Any], ndim: int) -> Callable[..., Any]:
    """A function of one block's arrays as one of stacks of them, with `ndim` leading axes."""
    for _ in range(ndim):
        function = jax.vmap(function)
    return function


def one_by_one(function: Callable[[Any], Any], ndim: int) -> Callable[[Any], Any]:
    """As `over_blocks` of one argument, for functions that want NumPy's arrays and do not trace."""
    if not ndim:
        return function
    of_one = one_by_one(function, ndim - 1)

    def of_all(stacks: Any) -> Any:
        count = len(jax.tree.leaves(stacks)[0])
        blocks = [of_one(jax.tree.map(operator.itemgetter(i), stacks)) for i in range(count)]
        return jax.tree.map(lambda *values: jnp.stack(values), *blocks)

    return of_all


# -- one block's share ---------------------------------------------------------


class BlockInfo:
    """What is known of one block's share of a stack: what is known of the stack, but for shape and
    path.
    """

    def __init__(self, stacked: Variable, index: tuple[int, ...], path: str) -> None:
        self.stacked = stacked
        self.index = index
        self.path = path
        self.blocks = ()

    @property
    def shape(self) -> tuple[int, ...]:
        return self.stacked._meta.shape[len(self.index) :]

    def __getattr__(self, name: str) -> Any:
        if name == "stacked":  # of an object that is being copied
            raise AttributeError(name)
        return getattr(self.stacked._meta, name)

    @property
    def trainable(self) -> bool:
        return self.stacked.trainable

    @trainable.setter
    def trainable(self, value: bool) -> None:
        if value != self.trainable:
            raise UserInputError(
                f"{self.path!r} is one block's share of a stack: the blocks of a `Repeat` are "
                "trained or frozen together. Set `trainable` on the Repeat or on a layer of its "
                "`block`, or use separate layers."
            )


class _Share:
    """In the place of a Variable's slot: the share of one block in the value of a stack."""

    def __get__(self, variable: Variable | None, owner: type | None = None) -> Any:
        if variable is None:
            return self
        info = info_of(variable)
        return None if info is None else at_block(info.stacked._raw_value, info.index)

    def __set__(self, variable: Variable, value: Any) -> None:
        info = info_of(variable)
        if info is None:  # NNX's constructor
            return
        with lending.autocast(None):
            old = info.stacked._raw_value
        info.stacked._raw_value = old.at[info.index].set(value)


class BlockValue:
    """Mixed into the Variables that show one block's share of a stack: reads and writes go to the
    stack.
    """

    __slots__ = ()
    _raw_value = _Share()

    def __repr__(self) -> str:
        return f"<Variable path={self.path}, shape={self.shape}, dtype={self._meta.dtype}>"

    __str__ = __repr__

    def __deepcopy__(self, memo: dict[int, Any]) -> Variable:
        kind = TrainableVariable if isinstance(self, nnx.Param) else StateVariable
        return kind(jnp.asarray(self._raw_value), name=self.name, trainable=self.trainable)


class TrainableBlockValue(BlockValue, TrainableVariable):
    """One block's share of a stack of trainable weights."""


class StateBlockValue(BlockValue, StateVariable):
    """One block's share of a stack of other values."""


def block_value(variable: nnx.Variable, index: tuple[int, ...]) -> nnx.Variable:
    """The share of one block in a stack, the same object each time; the Variable itself where it
    has no blocks.
    """
    if not index:
        return variable
    info = info_of(variable)
    if info.shares is None:
        info.shares = {}
    if index not in info.shares:
        cls = TrainableBlockValue if isinstance(variable, nnx.Param) else StateBlockValue
        share = object.__new__(cls)
        nnx.Variable.__init__(share, None)
        put_info(share, BlockInfo(variable, index, _path_of_share(info, index)))
        info.shares[index] = share
    return info.shares[index]


def paths_of_shares(variable: nnx.Variable) -> list[str]:
    """The paths of the blocks' shares in a stack, in their order."""
    info = info_of(variable)
    return [_path_of_share(info, index) for index in np.ndindex(*info.blocks)]


def stack_of(variable: nnx.Variable) -> nnx.Variable:
    """The stack that a block's share belongs to; another Variable itself."""
    return info_of(variable).stacked if isinstance(variable, BlockValue) else variable


def _path_of_share(info: Any, index: tuple[int, ...]) -> str:
    """The stack's path with the block's numbers behind the names of the blocks."""
    path = info.path
    for i, start in reversed([*zip(index, info.block_paths)]):
        if path.startswith(f"{start}/"):
            path = f"{start}_{i}{path[len(start) :]}"
        else:  # made before its block had a place
            path = f"{start}_{i}/{path}"
    return path


# -- many at once --------------------------------------------------------------


def assign_all(pairs: Iterable[tuple[nnx.Variable, ArrayLike]]) -> None:
    """Assigns values to Variables; shares of one stack together, since each alone would copy the
    stack.
    """
    shares: dict[int, list[tuple[BlockInfo, ArrayLike]]] = {}
    for variable, value in pairs:
        if isinstance(variable, BlockValue):
            info = info_of(variable)
            shares.setdefault(id(info.stacked), []).append((info, value))
        elif isinstance(variable, Variable):
            variable.assign(value)
        else:  # of a foreign module
            variable.set_value(jnp.asarray(value))
    for members in shares.values():
        stacked = members[0][0].stacked
        if len(members) < np.prod(stacked._meta.blocks):
            whole = np.array(stacked._raw_value)
        else:
            whole = np.empty(stacked._meta.shape, jnp.dtype(stacked._meta.dtype))
        for info, value in members:
            whole[info.index] = np.asarray(value)
        stacked.assign(whole)
