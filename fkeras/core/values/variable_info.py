"""What fkeras keeps about a Variable beside its value, in NNX's metadata of the Variable."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from fkeras.core import jax_private

if TYPE_CHECKING:
    from flax import nnx
    from jax.sharding import Sharding

    from fkeras.core.randomness.first_values import Origin

KEY = "fk"  # in NNX's metadata, where other libraries may keep entries of their own


class VariableInfo:
    """What fkeras keeps about a Variable beside its value.

    Shared by NNX's copies of the Variable, compared by identity.

    Attributes:
        name, path: its own name, and that with the names of what it was made in.
        shape, dtype: of its value.
        initializer: what draws the first value; None where an array was given.
        trainable: whether training changes it.
        autocast: whether it reads in the compute dtype inside a layer's call.
        regularizer, constraint: functions of the value, or None.
        aggregation, synchronization: kept for Keras's signature.
        layout: how the value is cut over devices, as it was asked for; None for as the
            distribution says.
        sharding: the same as JAX's object; None where there is no distribution.
        kind: `'weight'`, or what else it is: `'seed'`, `'metric'`, ... never lent strictly.
        read_deeply: whether an inner trace read it as a constant (see `lending`).
        origin: where its first value comes from.
        overwrite_with_gradient: whether the optimizer puts the gradient in its place.
        is_held_fixed: not trained, whatever `trainable` says: low-rank adapters are in its place.
        blocks: sizes of the leading axes that count blocks of a `Repeat` (see `stacking`).
        block_paths: for each of these axes, the beginning of `path` up to the block.
        shares: what shows one block's share, by the block's numbers; None before one was wanted.
    """

    # What no step reads: see core/likeness.py.
    _apart = frozenset(
        (*("name", "path", "initializer", "origin", "shares", "read_deeply"), "made")
    )

    __slots__ = (
        "name",
        "path",
        "shape",
        "dtype",
        "initializer",
        "trainable",
        "autocast",
        "regularizer",
        "constraint",
        "aggregation",
        "synchronization",
        "layout",
        "sharding",
        "kind",
        "read_deeply",
        "origin",
        "overwrite_with_gradient",
        "is_held_fixed",
        "blocks",
        "block_paths",
        "shares",
    )

    made = 0  # in this process: where it has not grown, nothing has got another Variable

    name: str
    path: str
    shape: tuple[int, ...]
    dtype: str
    initializer: Callable[..., Any] | None
    trainable: bool
    autocast: bool
    regularizer: Callable[..., Any] | None
    constraint: Callable[..., Any] | None
    aggregation: str
    synchronization: str | None
    layout: Any
    sharding: Sharding | None
    kind: str
    read_deeply: bool
    origin: Origin
    overwrite_with_gradient: bool
    is_held_fixed: bool
    blocks: tuple[int, ...]
    block_paths: tuple[str, ...]
    shares: dict[tuple[int, ...], Any] | None

    def __init__(self, **values: Any) -> None:
        VariableInfo.made += 1
        for slot in self.__slots__:
            setattr(self, slot, values.pop(slot, None))
        self.read_deeply = False
        self.is_held_fixed = bool(self.is_held_fixed)
        self.blocks = self.blocks or ()
        self.block_paths = self.block_paths or ()


class AdoptedInfo:
    """What fkeras keeps about a Variable of a foreign NNX module."""

    kind = "weight"
    is_held_fixed = False
    autocast = False
    regularizer = None
    constraint = None
    initializer = None
    blocks = ()
    layout = None
    sharding = None

    def __init__(self, name: str, path: str, trainable: bool) -> None:
        self.name = name
        self.path = path
        self.trainable = trainable
        self.read_deeply = False


def info_of(variable: nnx.Variable) -> Any:
    """The `VariableInfo` or `AdoptedInfo` of a Variable.

    None for one of a foreign module that was not adopted yet.
    """
    return jax_private.metadata(variable).get(KEY)


def put_info(variable: nnx.Variable, info: VariableInfo | AdoptedInfo) -> None:
    """Keeps the information with a Variable, whatever trace is open."""
    jax_private.set_metadata(variable, KEY, info)
