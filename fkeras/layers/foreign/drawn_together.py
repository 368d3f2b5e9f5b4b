"""First values that one function makes all at once: the initialisation of a foreign module."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import jax
import numpy as np

from fkeras.core.randomness import first_values, key_scopes, keys, seeds

if TYPE_CHECKING:
    from fkeras.layers.base.layer import Layer
    from fkeras.types import PyTree


class DrawnTogether:
    """The first values of all Variables of a layer from one function of a key.

    The key follows from the root's key and the layer's place under that root, so that two layers
    around equal modules differ. One `init` of a model runs the function once, however many leaves
    it makes; so does the facade, where all are read.

    Args:
        layer: whose Variables they are; the only layer of a root gets the root's own key.
        make: function of a typed key that returns the values.
        seed: a seed that decides instead of the key; None for the key.
    """

    def __init__(self, layer: Layer, make: Callable[[jax.Array], PyTree], seed: Any = None) -> None:
        self._layer = layer
        self._make = make
        self._seed = seed
        self._kept: tuple[bytes, dict[int, Any]] | None = None  # of the facade: not taken yet

    def shapes(self) -> PyTree:
        """`ShapeDtypeStruct`s in the place of the values."""
        return jax.eval_shape(self._make, keys.key_from_data(np.zeros(2, np.uint32)))

    def initializer_of(self, index: int, path_below: str) -> Callable[..., jax.Array]:
        """The initializer of one leaf.

        Args:
            index: its place among the leaves of what `make` returns.
            path_below: its Variable's structural path under the layer.
        """

        def draw(shape: tuple[int, ...], dtype: Any = None) -> jax.Array:
            scope = key_scopes.current_scope()
            if scope is None:  # called by hand
                return self._leaves(keys.key_from_data(seeds.key_data_of(self._seed)))[index]
            place = scope.base.removesuffix(path_below).rstrip("/")
            shared = first_values.shared_by_one_draw()
            if shared is None:
                return self._take(index, self._key(scope.key, place))
            if (id(self), place) not in shared:
                shared[id(self), place] = self._leaves(self._key(scope.key, place))
            return shared[id(self), place][index]

        return draw

    def _key(self, root_key: jax.Array, place: str) -> jax.Array:
        if self._seed is not None:
            generator_root = getattr(self._seed, "root", None)
            if generator_root is None:
                return keys.key_from_data(seeds.key_data_of(self._seed))
            root_key = keys.key_from_data(seeds.key_data_of(generator_root))
        return jax.random.fold_in(root_key, zlib.crc32(place.encode())) if place else root_key

    def _take(self, index: int, key: jax.Array) -> Any:
        """One leaf for the facade, which asks for them one by one: the others wait until they are
        asked for too.
        """
        data = np.asarray(jax.random.key_data(key)).tobytes()
        kept_data, leaves = self._kept or (b"", {})
        if kept_data != data or index not in leaves:
            leaves = dict(enumerate(self._leaves(key)))
        leaf = leaves.pop(index)
        self._kept = (data, leaves) if leaves else None
        return leaf

    def _leaves(self, key: jax.Array) -> list[Any]:
        return jax.tree.leaves(self._make(key))
