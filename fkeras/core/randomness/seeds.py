"""Random keys: the process's seed, the keys of models, and the keys of a pure call.

No layer holds random state that a pure call would need. A pure call opens a `scope` with its key; a
draw inside it is keyed by (the call's key, the structural path of who draws, how often it drew
before in this call). Outside of any scope, a `SeedGenerator` counts its own state forward, as in
Keras.
"""

from __future__ import annotations

import contextlib
import copy
import os
import random as python_random
import threading
import zlib
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from fkeras.core import jax_private
from fkeras.core.scoped import Scoped
from fkeras.core.values import lending, trace_tokens
from fkeras.errors import PureCallError, UserInputError

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from fkeras.core.jax_private import Trace
    from fkeras.core.randomness.blocks import KeyData
    from fkeras.types import SeedLike

# -- the process's own ---------------------------------------------------------

_lock = threading.Lock()
_process: dict[str, Any] = {"seed": None, "roots": 0, "generators": 0, "draws": 0}


def set_random_seed(seed: int) -> None:
    """Seeds Python's `random`, NumPy and fkeras.

    Models built and trained afterwards are the same bit for bit in each process.

    Args:
        seed: int in [0, 2**32).

    Raises:
        UserInputError: anything else.
    """
    if not isinstance(seed, (int, np.integer)) or isinstance(seed, bool) or not 0 <= seed < 2**32:
        raise UserInputError(
            f"Expected `seed` argument to be an integer in [0, 2**32). Received: seed={seed} (of "
            f"type {type(seed)})"
        )
    python_random.seed(int(seed))
    np.random.seed(int(seed))
    reset(int(seed))


def reset(seed: int | None = None) -> None:
    """Starts the process's generator again from a seed; None for one from the operating system."""
    _process.update(seed=seed, roots=0, generators=0, draws=0)


def process_seed() -> int:
    """The process's seed; from the operating system where none was set."""
    if _process["seed"] is None:
        _process["seed"] = int.from_bytes(os.urandom(4), "little")
    return _process["seed"]


def _next(counter: str) -> int:
    with _lock:
        _process[counter] += 1
        return _process[counter]


class RootKey:
    """The key that a root's weights are drawn from.

    Counted when the root is built, computed when first needed.

    Args:
        seed: the process's.
        count: how many roots were built up to this one.
    """

    def __init__(self, seed: int | None, count: int | None) -> None:
        self.seed = seed
        self.count = count

    @classmethod
    def from_data(cls, data: KeyData) -> RootKey:
        """A key that a file held."""
        root_key = cls(None, None)
        root_key._data = np.asarray(data, np.uint32)
        return root_key

    @property
    def data(self) -> KeyData:
        """uint32[2]"""
        if not hasattr(self, "_data"):
            # A trace may be open; what is kept here must not belong to it.
            with jax.ensure_compile_time_eval():
                self._data = np.asarray(
                    jax.random.key_data(
                        jax.random.fold_in(
                            jax.random.key(self.seed, impl="threefry2x32"), self.count
                        )
                    )
                )
        return self._data

    @property
    def key(self) -> jax.Array:
        """The same as a typed key."""
        if not hasattr(self, "_key"):
            with jax.ensure_compile_time_eval():
                self._key = key_from_data(self.data)
        return self._key

    def __getstate__(self) -> dict[str, Any]:
        return {"_data": self.data, "seed": self.seed, "count": self.count}


def next_root_key() -> RootKey:
    """The key of the next root that is built in this process."""
    return RootKey(process_seed(), _next("roots"))


def make_default_seed() -> int:
    """A seed where none was passed: from the process's generator."""
    # Mixed, since seed and count side by side would give neighbours the same numbers.
    mixed = np.random.SeedSequence([process_seed(), _next("generators")])
    return int(mixed.generate_state(1)[0] & 0x7FFFFFFF)


def key_data_of(seed: SeedLike | None) -> KeyData:
    """uint32[2] of a seed in any form.

    An int, a `SeedGenerator`, a key, or None (the next of the process's own).
    """
    if seed is None:
        seed = make_default_seed()
    if isinstance(seed, (int, np.integer)):
        return np.array([int(seed) & 0xFFFFFFFF, 0], np.uint32)
    return np.asarray(draw_seed(seed))


# -- the keys of a pure call ---------------------------------------------------


class KeyScope:
    """The keys of one call.

    Args:
        key: the call's typed key; None: drawing is an error.
        paths: id of a drawer (a layer, a `SeedGenerator`) -> its structural path.
        step: lifetime step of training, where there is one.
        path: put before all paths.
        on_deep_draw: called when a draw becomes a constant of an inner trace.

    A draw in an inner trace is right where the trace's program runs once (`jit`, `checkpoint`,
    `cond`): a second call of the same inner function is traced anew, since the draw renews the
    token. Where it runs many times (`scan`, `vmap`), all runs would share the numbers: an error,
    unless the loop opens a scope of its own for each run (`iteration`).
    """

    def __init__(
        self,
        key: jax.Array | None,
        paths: Mapping[int, str] | None = None,
        step: jax.Array | int | None = None,
        path: str = "",
        on_deep_draw: Callable[[], None] | None = None,
    ) -> None:
        self.key = key
        self.paths = paths or {}
        self.step = step
        self.base = path
        self.on_deep_draw = on_deep_draw
        self.counts: dict[str, int] = {}  # how often each path drew in this call
        self.iterations: tuple[jax.Array, ...] = ()  # indices of the loops around
        self.trace = jax_private.current_trace()
        self.traces_outside: list[Trace] = []  # of a reopened scope: between it and the call's own

    def reopened(self, index: jax.Array | None = None) -> KeyScope:
        """The same scope for an inner trace, to be opened in it: draws there count as if they stood
        outside.

        Args:
            index: which run of a loop's body it is: each draws its own numbers. None: no loop.
        """
        inner = copy.copy(self)  # the counts are shared: what is drawn behind it is counted on
        inner.trace = jax_private.current_trace()
        if index is not None:
            inner.iterations = (*self.iterations, index)
        # The innermost trace is the one that is taken care of. Those around it are not: a draw is
        # a constant of a `jax.jit` around a `lift.checkpoint`, and one for all runs of a scan.
        inner.traces_outside = [*jax_private.traces_above(self.trace)[1:], *self.traces_outside]
        return inner

    def next(self, drawer: object = None, own_seed: int | None = None) -> jax.Array | None:
        """The typed key of one draw; None where the call was given no key.

        Args:
            drawer: who draws; None, or one without a path: whatever layer is being called.
            own_seed: the seed that the drawer was made with. Where there is a step, this and the
                step decide, whatever the model's key is.
        """
        self._check_trace()
        path = self.base + self.paths.get(id(drawer), _location.value)
        count = self.counts.get(path, 0)
        self.counts[path] = count + 1
        if own_seed is not None and self.step is not None:
            key = jax.random.fold_in(_key_of_int(own_seed), self.step)
        elif self.key is None and own_seed is None:
            return None
        elif self.key is None:  # a drawer with a seed needs no other key
            key = jax.random.fold_in(_key_of_int(own_seed), zlib.crc32(path.encode()))
        else:
            key = jax.random.fold_in(self.key, zlib.crc32(path.encode()))
            if own_seed is not None:
                key = jax.random.fold_in(key, own_seed & 0x7FFFFFFF)
        for index in self.iterations:
            key = jax.random.fold_in(key, index)
        return jax.random.fold_in(key, count) if count else key

    def _check_trace(self) -> None:
        traces = [*jax_private.traces_above(self.trace), *self.traces_outside]
        if _check_deep_draw(traces) and self.on_deep_draw is not None:
            self.on_deep_draw()


def _check_deep_draw(traces: list[Trace]) -> bool:
    """Sees to a draw in traces inside the one that its call was opened in: an error where they run
    many times, else another token for what comes.

    Returns:
        Whether the draw is a constant of an inner program.
    """
    if any(map(jax_private.repeats, traces)):
        raise PureCallError(
            f"{_location.value or 'A layer'} draws random numbers inside a scan, while, map or "
            "vmap of JAX: all runs would share one set of them. Use `fkeras.ops.scan`, `map`, "
            "`vectorized_map`, `fori_loop` or `while_loop`, or `fkeras.lift.scan` and `vmap`, "
            "which draw anew in each run; or split a key outside and pass one to each run: "
            "`apply(..., rngs=key)`."
        )
    is_deep = any(map(jax_private.is_staging, traces))
    if is_deep:
        trace_tokens.renew()
    return is_deep


class _FacadeLoop(KeyScope):
    """The keys of a loop in a call of the facade, whose generators cannot count on in the loop: one
    key of the process's own generator, drawn when a run first asks.
    """

    def __init__(self, on_deep_draw: Callable[[], None]) -> None:
        self._drawn: list[jax.Array] = []  # shared by all runs
        super().__init__(None, on_deep_draw=on_deep_draw)

    @property
    def key(self) -> jax.Array:
        if not self._drawn:
            with jax.ensure_compile_time_eval():
                data = jnp.array([process_seed() & 0xFFFFFFFF, _next("draws")], jnp.uint32)
                self._drawn.append(key_from_data(data))
        return self._drawn[0]

    @key.setter
    def key(self, value: None) -> None:
        """The base class's constructor has none to give."""


class _Refusal(KeyScope):
    """Keys where drawing makes no sense."""

    def __init__(self, function: str) -> None:
        super().__init__(None)
        self._function = function

    def next(self, drawer: object = None, own_seed: int | None = None) -> jax.Array | None:
        raise PureCallError(
            f"{_location.value or 'A layer'} draws random numbers in the function of "
            f"`{self._function}`, which is called once for many pairs of elements: they would all "
            "share one set of them. Draw outside and pass the numbers in."
        )


_scope: Scoped[KeyScope | None] = Scoped(None)
_location: Scoped[str] = Scoped("")  # path of the layer being called, inside a scope


def scope(
    key: jax.Array | None,
    paths: Mapping[int, str] | None = None,
    step: jax.Array | int | None = None,
    path: str = "",
    on_deep_draw: Callable[[], None] | None = None,
) -> AbstractContextManager[KeyScope]:
    """Context manager: draws inside take their keys from `key`.

    Args:
        key: a typed key or uint32[2]; None: drawing is an error.
        paths, step, path, on_deep_draw: see `KeyScope`.
    """
    key = None if key is None else typed_key(key)
    return _scope.inside(KeyScope(key, paths, step, path, on_deep_draw))


def key_from_data(data: KeyData) -> jax.Array:
    """A typed Threefry key from uint32[2], whatever JAX's default implementation is."""
    return jax.random.wrap_key_data(jnp.asarray(data, jnp.uint32), impl="threefry2x32")


def _key_of_int(seed: int) -> jax.Array:
    return jax.random.key(seed & 0x7FFFFFFF, impl="threefry2x32")


def typed_key(key: jax.Array) -> jax.Array:
    """A typed Threefry key from a key of any implementation, typed or plain (uint32[2], uint32[4]).

    Numbers follow from two words: those of another implementation are folded to two.

    Raises:
        UserInputError: something else, or more than one key.
    """
    dtype = getattr(key, "dtype", None)
    is_typed = dtype is not None and jnp.issubdtype(dtype, jax.dtypes.prng_key)
    if not is_typed and dtype != np.uint32:
        raise UserInputError(
            f"Expected a JAX key, such as `jax.random.key(0)`. Received: {key!r} (of type "
            f"{type(key).__name__})"
        )
    if jnp.shape(key) != () if is_typed else jnp.ndim(key) != 1:
        raise UserInputError(
            f"Expected a single JAX key. Received an array of keys of shape {jnp.shape(key)}: use "
            "`jax.vmap` over them, or pick one."
        )
    if is_typed and jax.random.key_impl(key) == "threefry2x32":
        return key
    data = jax.random.key_data(key) if is_typed else jnp.asarray(key)
    return _from_words(data)


def _from_words(words: jax.Array) -> jax.Array:
    """A typed Threefry key from the words of another one."""
    key = key_from_data(words[:2])
    for i in range(2, words.shape[0]):
        key = jax.random.fold_in(key, words[i])
    return key


def located(path: str) -> AbstractContextManager[str]:
    """Context manager: draws inside are keyed by this path (of the layer being called).

    Generators with a place of their own keep theirs.
    """
    return _location.inside(path)


def current_scope() -> KeyScope | None:
    """The innermost open scope, or None."""
    return _scope.value


# -- draws of the facade -------------------------------------------------------


class _Watch(NamedTuple):
    trace: Trace
    on_deep_draw: Callable[[], None]


_watch: Scoped[_Watch | None] = Scoped(None)


def watched(on_deep_draw: Callable[[], None]) -> AbstractContextManager:
    """Context manager for an outermost call of the facade, whose generators count on their own.

    Args:
        on_deep_draw: called when a draw inside becomes a constant of an inner trace.
    """
    return _watch.inside(_Watch(jax_private.current_trace(), on_deep_draw))


def is_cut_off() -> bool:
    """Whether a watched call is inside a trace of its own: generators' states cannot come out."""
    watch = _watch.value
    return watch is not None and bool(jax_private.traces_above(watch.trace))


def counting(state: jax.Array) -> AbstractContextManager:
    """Context manager for counting a generator's own state on. In an inner trace of a watched call
    the count stays concrete, since a traced one could not come out.
    """
    watch = _watch.value
    if watch is None or isinstance(state, jax.core.Tracer):
        return contextlib.nullcontext()
    if not _check_deep_draw(jax_private.traces_above(watch.trace)):
        return contextlib.nullcontext()
    watch.on_deep_draw()
    return jax.ensure_compile_time_eval()


# -- loops and branches --------------------------------------------------------


def may_draw() -> bool:
    """Whether a call is going on in which layers draw: the runs of a loop then need keys of their
    own (`iteration`).
    """
    return _scope.value is not None or _watch.value is not None


def _present_scope() -> KeyScope | None:
    """The innermost scope; in a call of the facade one that stands for its generators."""
    scope, watch = _scope.value, _watch.value
    return _FacadeLoop(watch.on_deep_draw) if scope is None and watch is not None else scope


def looped() -> AbstractContextManager[KeyScope | None]:
    """Context manager around a loop: its runs open `iteration`s of one scope."""
    return _scope.inside(_present_scope())


def iteration(index: jax.Array) -> AbstractContextManager[KeyScope | None]:
    """Context manager for one run of a loop's body: draws inside are this run's own.

    Args:
        index: which run it is, an integer scalar of the loop's trace.
    """
    scope = _scope.value
    return _scope.inside(None if scope is None else scope.reopened(index))


def again() -> AbstractContextManager[KeyScope | None]:
    """Context manager for an inner trace that runs once and is traced at each call: draws inside
    are those of the call around.
    """
    scope = _scope.value
    return _scope.inside(None if scope is None else scope.reopened())


def replayable() -> Callable[[], AbstractContextManager]:
    """Remembers where the draws of the present call stand, for a function that computes a part of
    it again with the same numbers, in whatever trace.

    Returns:
        A function that makes a context manager: draws inside are those that come after now.
    """
    scope = _scope.value
    if scope is None:
        return contextlib.nullcontext
    counts = dict(scope.counts)

    def replay() -> AbstractContextManager:
        again = copy.copy(scope)
        again.counts = dict(counts)
        again.trace = jax_private.current_trace()
        again.traces_outside = []
        return _scope.inside(again)

    return replay


def refused(function: str) -> AbstractContextManager[KeyScope]:
    """Context manager: drawing is an error that names `function`."""
    return _scope.inside(_Refusal(function))


# -- one draw ------------------------------------------------------------------


def draw_seed(seed: SeedLike | None) -> KeyData:
    """uint32[2] key data for one draw.

    Args:
        seed: an int (the same numbers at each call), a `SeedGenerator` (the next ones), a JAX key,
            uint32[2], or None (the next of the call's or the process's own generator).

    Raises:
        PureCallError: None inside a transformation that knows no key: the numbers would be drawn
            once, for ever.
        UserInputError: something else.
    """
    if seed is None:
        return _draw_unseeded()
    if hasattr(seed, "next") and hasattr(seed, "state"):
        return seed.next()
    if isinstance(seed, (int, np.integer)) and not isinstance(seed, bool):
        return jnp.array([int(seed) & 0xFFFFFFFF, 0], jnp.uint32)
    if isinstance(seed, jax.Array) and jnp.issubdtype(seed.dtype, jax.dtypes.prng_key):
        return jax.random.key_data(seed)
    if isinstance(seed, (jax.Array, np.ndarray)) and seed.shape == (2,):
        return jnp.asarray(seed, jnp.uint32)
    raise UserInputError(
        "Argument `seed` must be either an integer, an instance of `SeedGenerator`, a JAX key or "
        f"None. Received: seed={seed!r} (of type {type(seed)})"
    )


def _draw_unseeded() -> KeyData:
    if lending.in_abstract_call():
        return jnp.zeros((2,), jnp.uint32)
    scope = _scope.value
    if scope is not None:
        return _draw_in(scope, None, None)
    if jax_private.is_staging(jax_private.current_trace()):
        raise PureCallError(
            "A random function was called without a seed inside a JAX transformation, where it "
            "would draw one set of numbers for ever: there you should only use seeded random "
            "ops. Pass `seed=` (a key that comes in as an argument, or a `SeedGenerator`), or "
            "call the layer through `apply(..., rngs=key)`."
        )
    return jnp.array([process_seed() & 0xFFFFFFFF, _next("draws")], jnp.uint32)


def _draw_in(scope: KeyScope, drawer: object, own_seed: int | None) -> KeyData:
    key = scope.next(drawer, own_seed)
    if key is None:
        raise PureCallError(
            f"{_location.value or 'A layer'} draws random numbers, but the call was given no key. "
            "Pass one: `apply(variables, x, training=True, rngs=jax.random.key(0))`."
        )
    return jax.random.key_data(key)


def scoped_draw(generator: object, own_seed: int | None) -> KeyData | None:
    """Key data for a generator from the open scope.

    None where the generator's own state counts.
    """
    if lending.in_abstract_call():
        return jnp.zeros((2,), jnp.uint32)
    scope = _scope.value
    return None if scope is None else _draw_in(scope, generator, own_seed)
