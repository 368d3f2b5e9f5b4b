"""The first values of weights: the same numbers in the facade and in a traced `init`.

What an initializer makes of the block generator's numbers (`blocks`) is NumPy's arithmetic in the
facade (nothing to compile) and XLA's in a traced `init`. Both round each operation by itself, so
that they agree bit for bit; where XLA would not, in a product followed by a sum, `affine` makes it.

A weight's numbers are decided by its root's key and its path under that root, not by the order in
which weights are made or drawn (`Origin`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np

from fkeras.core import placement
from fkeras.core.dtypes import standardize_dtype
from fkeras.core.randomness import (
    blocks,
    key_scopes,
    keys,
    process_generator,
    seeds,
    sharded_draws,
)
from fkeras.core.scoped import Scoped
from fkeras.core.values.variable_info import info_of
from fkeras.errors import UserInputError

if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from typing import TypeGuard

    from flax import nnx

    from fkeras.core.randomness.blocks import HostOrTraced, KeyData
    from fkeras.types import DTypeLike, Scalar, SeedLike

InitializerLike: TypeAlias = Callable[..., Any]  # (shape, dtype=...) -> array

# One weight to draw: its initializer, structural path, shape and dtype.
WeightRow: TypeAlias = tuple[InitializerLike, str, tuple[int, ...], str]


class BlockDrawn:
    """An initializer whose numbers the block generator draws.

    A subclass names the `kind` of numbers and turns them into a weight in
    `finish(numbers, shape, dtype)`: `numbers` is flat float32 with as many elements as the shape, a
    NumPy array or a traced one. `seed` None means that the weight's place in the model decides; an
    int gives the same numbers in every place, a `SeedGenerator` others in each.
    """

    kind: str = "uniform"
    seed: SeedLike | None = None
    by_element = False  # whether each element of the weight is made of one number

    def count(self, shape: tuple[int, ...]) -> int:
        """How many numbers a weight of this shape takes."""
        return int(np.prod(shape, dtype=np.int64))

    def finish(self, numbers: HostOrTraced, shape: tuple[int, ...], dtype: str) -> HostOrTraced:
        """The weight from its numbers; to override."""
        raise TypeError(f"{type(self).__name__} must define `finish(numbers, shape, dtype)`.")

    def __call__(self, shape: int | Sequence[int], dtype: DTypeLike | None = None) -> jax.Array:
        shape = as_shape(shape)
        numbers = blocks.numbers(self.kind, self._key_of_a_call(), "", self.count(shape))
        return _finished(self, numbers, shape, standardize_dtype(dtype))

    def _key_of_a_call(self) -> HostOrTraced:
        """Key data where no weight's place decides.

        Of the seed, of the open scope, or else one that this object keeps.
        """
        if _is_generator(self.seed):
            return self.seed.next()
        scope = key_scopes.current_scope()
        if self.seed is None and scope is not None and scope.key is not None:
            return seeds.draw_seed(None)
        if self.seed is None and not hasattr(self, "_seed_of_calls"):
            self._seed_of_calls = process_generator.make_default_seed()
        return seeds.key_data_of(self._seed_of_calls if self.seed is None else self.seed)

    def is_block_drawn(self) -> bool:
        """Whether the block generator's numbers are used.

        Not where a subclass overrides the call.
        """
        return type(self).__call__ is BlockDrawn.__call__

    def keyed(self, key_data: KeyData, path: str) -> tuple[KeyData, str]:
        """(key data, path) that decide a weight's numbers.

        Those of its place, unless the seed of this object wins.
        """
        if self.seed is None:
            return key_data, path
        if _is_generator(self.seed):
            return seeds.key_data_of(self.seed.root), path
        return seeds.key_data_of(self.seed), ""


def _is_generator(seed: object) -> bool:
    return hasattr(seed, "next") and hasattr(seed, "root")


def as_shape(shape: int | Sequence[int]) -> tuple[int, ...]:
    """A shape as a tuple of ints; an int is the size of one dimension."""
    return (int(shape),) if isinstance(shape, (int, np.integer)) else tuple(int(d) for d in shape)


def filled(shape: tuple[int, ...], value: Scalar | HostOrTraced, dtype: str) -> jax.Array:
    """An array of one value.

    From NumPy where no program is being recorded, since XLA would compile one for each shape.
    """
    value = value if isinstance(value, jax.Array) else np.asarray(value).astype(jnp.dtype(dtype))
    if isinstance(value, jax.core.Tracer) or not blocks.on_host():
        return jnp.full(shape, value, dtype)
    return placement.place_weight(np.full(shape, value, jnp.dtype(dtype)))


# -- drawing -------------------------------------------------------------------


def draw(
    initializer: InitializerLike,
    key_data: KeyData,
    path: str,
    shape: tuple[int, ...],
    dtype: str,
) -> jax.Array:
    """One weight's first value on the facade's side.

    Args:
        initializer: what draws it.
        key_data: uint32[2] of the root's key.
        path: the weight's structural path under the root.
        shape, dtype: of the value.

    Raises:
        UserInputError: the initializer returns another shape.
    """
    if _is_block_drawn(initializer):
        key_data, path = initializer.keyed(key_data, path)
        numbers = blocks.numbers(initializer.kind, key_data, path, initializer.count(shape))
        return _finished(initializer, numbers, shape, dtype)
    if isinstance(key_data, np.ndarray) and blocks.on_host():
        data = placement.place_small(key_data)
    else:
        data = jnp.asarray(key_data)
    return _draw_by_call(initializer, data, path, shape, dtype)


def draw_all(key: jax.Array, rows: Sequence[WeightRow]) -> list[jax.Array]:
    """All weights' first values as a pure function of a key.

    Traceable, and equal bit for bit to `draw` with the key's data.

    Args:
        key: a typed PRNG key or uint32[2]; may be a tracer.
        rows: list of (initializer, path, shape, dtype).

    Returns:
        A list of arrays.
    """
    data = jax.random.key_data(keys.typed_key(key))
    values: dict[int, jax.Array] = {}  # by the row's index: the kinds come one after the other
    for kind in blocks.KINDS:  # one mapped body for all weights of a kind
        indices = [i for i, row in enumerate(rows) if _is_block_drawn(row[0], kind)]
        if indices:
            drawn = _draw_kind(kind, data, [rows[i] for i in indices])
            values.update(zip(indices, drawn))
    with _shared.inside({}):
        for i, (initializer, path, shape, dtype) in enumerate(rows):
            if i not in values:
                values[i] = _draw_by_call(initializer, data, path, shape, dtype)
    return [values[i] for i in range(len(rows))]


_shared: Scoped[dict[Any, Any] | None] = Scoped(None)


def shared_by_one_draw() -> dict[Any, Any] | None:
    """What the initializers of one `draw_all` may keep for each other; None outside of one."""
    return _shared.value


def _draw_kind(kind: str, data: jax.Array, rows: Sequence[WeightRow]) -> list[jax.Array]:
    """The values of weights whose numbers are all of one kind."""
    block_rows = []
    for initializer, path, shape, _ in rows:
        key_data, own_path = initializer.keyed(data, path)
        count = blocks.block_count(initializer.count(shape))
        block_rows.append(blocks.rows_of(key_data, own_path, count))
    flat = blocks.mapped(kind, block_rows)  # (blocks of all weights, BLOCK)
    values = []
    start = 0
    for (initializer, _, shape, dtype), (_, _, own_blocks) in zip(rows, block_rows):
        stop = start + len(own_blocks)
        numbers = flat[start:stop].reshape(-1)[: initializer.count(shape)]
        values.append(_finished(initializer, numbers, shape, dtype))
        start = stop
    return values


def _draw_by_call(
    initializer: InitializerLike,
    data: jax.Array,
    path: str,
    shape: tuple[int, ...],
    dtype: str,
) -> jax.Array:
    """What an initializer of another kind returns, its draws keyed by the weight's place."""
    with key_scopes.scope(keys.key_from_data(data), path=path):
        return _as(_call(initializer, shape, dtype), shape, dtype)


def _is_block_drawn(initializer: object, kind: str | None = None) -> TypeGuard[BlockDrawn]:
    return (
        isinstance(initializer, BlockDrawn)
        and initializer.is_block_drawn()
        and kind in (None, initializer.kind)
    )


def _call(initializer: InitializerLike, shape: tuple[int, ...], dtype: str) -> Any:
    """`initializer(shape, dtype)`, of a shape alone where the function takes no dtype."""
    try:
        return initializer(shape, dtype=dtype)
    except TypeError as error:
        if "dtype" not in str(error):
            raise
        return initializer(shape)


def _finished(
    initializer: BlockDrawn, numbers: HostOrTraced, shape: tuple[int, ...], dtype: str
) -> jax.Array:
    value = initializer.finish(numbers, shape, dtype)
    if isinstance(value, np.ndarray) and value.dtype == jax.dtypes.canonicalize_dtype(dtype):
        value = placement.place_weight(value)
    return _as(value, shape, dtype)


def _as(value: Any, shape: tuple[int, ...], dtype: str) -> jax.Array:
    """A value in the dtype, its shape checked."""
    is_whole = isinstance(value, np.ndarray) and value.dtype == jnp.dtype(dtype)
    if not _is_key(value) and not (is_whole and placement.stays_on_host(shape)):
        value = jnp.asarray(value, dtype=dtype)
    if value.shape != tuple(shape):
        raise UserInputError(
            f"An initializer returned shape {value.shape} for a weight of shape {tuple(shape)}."
        )
    return value


def _is_key(value: Any) -> bool:
    """Whether it is an array of typed keys, which a foreign module may keep as state."""
    dtype = getattr(value, "dtype", None)
    return dtype is not None and jnp.issubdtype(dtype, jax.dtypes.prng_key)


# -- places --------------------------------------------------------------------


_placers: Scoped[tuple[Callable[[], None], ...]] = Scoped(())


def placing(place: Callable[[], None]) -> AbstractContextManager:
    """Context manager: a weight without a place asks `place()` before it is drawn.

    `place` gives all weights of the root being called theirs. The outermost one is asked.
    """
    return _placers.pushed(place)


class Origin:
    """Where a Variable's first value comes from.

    Attributes:
        root_key: the key of the root it was built in; None before the root has placed it.
        path: its structural path under that root; of a stack of blocks those of all blocks.
    """

    __slots__ = ("root_key", "path")

    def __init__(self) -> None:
        self.root_key: process_generator.RootKey | None = None
        self.path: str | Sequence[str] | None = None

    def place(self, root_key: process_generator.RootKey, path: str | Sequence[str]) -> None:
        """Gives it its place under a root."""
        self.root_key = root_key
        self.path = path

    def draw(self, variable: nnx.Variable) -> jax.Array:
        """The Variable's first value. One that belongs to no root is a root of its own."""
        if self.root_key is None and _placers.value:
            _placers.value[0]()
        if self.root_key is None:
            self.place(process_generator.next_root_key(), info_of(variable).name)
        info = info_of(variable)
        sharding = placement.destination(info.shape)
        if sharding is not None and sharded_draws.is_possible(info, sharding):
            return sharded_draws.draw(info, self.root_key.data, self._paths(info), sharding)
        if not info.blocks:
            return draw(info.initializer, self.root_key.data, self.path, info.shape, info.dtype)
        shape = info.shape[len(info.blocks) :]

        def values() -> list[Any]:
            key_data = self.root_key.data
            return [draw(info.initializer, key_data, p, shape, info.dtype) for p in paths]

        paths = self._paths(info)
        if sharding is None:
            return stacked(values(), info.shape)
        with placement.kept_on_host(shape):
            whole = np.stack([np.asarray(value) for value in values()])
        return placement.place(whole.reshape(info.shape), sharding)

    def _paths(self, info: Any) -> Sequence[str]:
        """The structural path of each block, or of the one weight."""
        if isinstance(self.path, str):
            if not info.blocks:
                return [self.path]
            # A stack that is a root of its own.
            return [f"{self.path}_{i}" for i in range(int(np.prod(info.blocks)))]
        return self.path


def stacked(values: Sequence[jax.Array], shape: tuple[int, ...]) -> jax.Array:
    """The values of blocks, drawn one by one, as one array of the given shape."""
    return jnp.stack(values).reshape(shape)
