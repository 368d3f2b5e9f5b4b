"""The keys of a call: what a draw inside it is keyed by.

No layer holds random state that a pure call would need. A pure call opens a `scope` with its key; a
draw inside it is keyed by (the call's key, the structural path of who draws, how often it drew
before in this call). Outside of any scope, a `SeedGenerator` counts its own state forward, as in
Keras.
"""

from __future__ import annotations

import contextlib
import copy
import zlib
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import jax
import numpy as np

from fkeras.core import jax_private
from fkeras.core.randomness import keys, process_generator
from fkeras.core.scoped import Scoped
from fkeras.core.values import trace_tokens
from fkeras.errors import PureCallError

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from fkeras.core.jax_private import Trace


# What names no stream of its own, or one that was given no key, draws from the default one.
DEFAULT_STREAM = "default"
LAYERS_STREAM = "dropout"  # of fkeras's own layers, under the name that Flax has for it


class KeyScope:
    """The keys of one call.

    Args:
        key: the call's typed key, or one for each stream; None: drawing is an error.
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
        key: jax.Array | Mapping[str, jax.Array] | None,
        paths: Mapping[int, str] | None = None,
        step: jax.Array | int | None = None,
        path: str = "",
        on_deep_draw: Callable[[], None] | None = None,
    ) -> None:
        self.set_keys(key)
        self.paths = paths or {}
        self.step = step
        self.base = path
        self.on_deep_draw = on_deep_draw
        self.counts: dict[str, int] = {}  # how often each path drew in this call
        self.iterations: tuple[jax.Array, ...] = ()  # indices of the loops around
        self.blocks: tuple[_Block, ...] = ()  # of `Repeat`s, that are running
        self.trace = jax_private.current_trace()
        self.traces_outside: list[Trace] = []  # of a reopened scope: between it and the call's own

    def set_keys(self, key: jax.Array | Mapping[str, jax.Array] | None) -> None:
        """Takes over one key, or one for each stream."""
        self.streams = key if isinstance(key, Mapping) else None
        if isinstance(key, Mapping):
            key = key.get(DEFAULT_STREAM, key.get(LAYERS_STREAM))
        self.key = key

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

    def has_keys(self) -> bool:
        """Whether the call was given any key."""
        return self.key is not None or bool(self.streams)

    def key_of_stream(self, stream: str | None) -> jax.Array | None:
        """What draws of a stream are keyed by; None where the call was given no key for them."""
        if self.streams is None or stream in (None, DEFAULT_STREAM):
            return self.key
        return self.streams.get(stream, self.streams.get(DEFAULT_STREAM))

    def next(
        self, drawer: object = None, own_seed: int | None = None, stream: str | None = None
    ) -> jax.Array | None:
        """The typed key of one draw; None where the call was given no key for it.

        Args:
            drawer: who draws; None, or one without a path: whatever layer is being called.
            own_seed: the seed that the drawer was made with. Where there is a step, this and the
                step decide, whatever the model's key is.
            stream: name of the stream that is drawn from; None for what names none.
        """
        self._check_trace()
        given = self.key_of_stream(stream)
        path = self.base + self.paths.get(id(drawer), _location.value)
        if self.streams is not None and stream not in (None, DEFAULT_STREAM, LAYERS_STREAM):
            path += f":{stream}"  # streams at one place neither move each other nor fall together
        count = self.counts.get(path, 0)
        self.counts[path] = count + 1
        if own_seed is not None and self.step is not None:
            key = jax.random.fold_in(keys.key_of_int(own_seed), self.step)
        elif given is None and own_seed is None:
            return None
        elif given is None:  # a drawer with a seed needs no other key
            key = jax.random.fold_in(keys.key_of_int(own_seed), self._word_of(path))
        else:
            key = jax.random.fold_in(given, self._word_of(path))
            if own_seed is not None:
                key = jax.random.fold_in(key, own_seed & 0x7FFFFFFF)
        for index in self.iterations:
            key = jax.random.fold_in(key, index)
        return jax.random.fold_in(key, count) if count else key

    def _word_of(self, path: str) -> int | jax.Array:
        """The number that a path goes into keys as. Within a block of a `Repeat` that of the path
        which the block would have by itself: looked up, since which block it is is traced.
        """
        word = _words_of(path, self.blocks)
        if not self.blocks:
            return int(word)
        for block in reversed(self.blocks):
            word = jax.lax.dynamic_index_in_dim(word, block.index, keepdims=False)
        return word

    def _check_trace(self) -> None:
        traces = [*jax_private.traces_above(self.trace), *self.traces_outside]
        if _check_deep_draw(traces) and self.on_deep_draw is not None:
            self.on_deep_draw()


class _Block(NamedTuple):
    """A block that is running: which it is of how many, and the path that stands for all."""

    path: str
    count: int
    index: jax.Array | int

    def path_of_one(self, path: str, number: int) -> str:
        """A path within the blocks as one within a single block."""
        if path != self.path and not path.startswith(f"{self.path}/"):
            return path
        return f"{self.path}_{number}{path[len(self.path) :]}"


def _words_of(path: str, blocks: tuple[_Block, ...]) -> np.ndarray:
    """uint32 for each combination of block numbers, the innermost blocks on the first axis."""
    if not blocks:
        return np.uint32(zlib.crc32(path.encode()))
    *outer, block = blocks
    paths = [block.path_of_one(path, number) for number in range(block.count)]
    return np.stack([_words_of(one, tuple(outer)) for one in paths])


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
                self._drawn.append(keys.key_from_data(process_generator.next_draw()))
        return self._drawn[0]

    @key.setter
    def key(self, value: None) -> None:
        """The base class's constructor has none to give."""


class _Refusal(KeyScope):
    """Keys where drawing makes no sense."""

    def __init__(self, function: str) -> None:
        super().__init__(None)
        self._function = function

    def next(
        self, drawer: object = None, own_seed: int | None = None, stream: str | None = None
    ) -> jax.Array | None:
        raise PureCallError(
            f"{_location.value or 'A layer'} draws random numbers in the function of "
            f"`{self._function}`, which is called once for many pairs of elements: they would all "
            "share one set of them. Draw outside and pass the numbers in."
        )


_scope: Scoped[KeyScope | None] = Scoped(None)
_location: Scoped[str] = Scoped("")  # path of the layer being called, inside a scope


def scope(
    key: jax.Array | Mapping[str, jax.Array] | None,
    paths: Mapping[int, str] | None = None,
    step: jax.Array | int | None = None,
    path: str = "",
    on_deep_draw: Callable[[], None] | None = None,
) -> AbstractContextManager[KeyScope]:
    """Context manager: draws inside take their keys from `key`.

    Args:
        key: a typed key or uint32[2], or one for each stream; None: drawing is an error.
        paths, step, path, on_deep_draw: see `KeyScope`.
    """
    if isinstance(key, Mapping):
        key = {name: keys.typed_key(one) for name, one in key.items()}
    elif key is not None:
        key = keys.typed_key(key)
    return _scope.inside(KeyScope(key, paths, step, path, on_deep_draw))


def located(path: str) -> AbstractContextManager[str]:
    """Context manager: draws inside are keyed by this path (of the layer being called).

    Generators with a place of their own keep theirs.
    """
    return _location.inside(path)


def location() -> str:
    """Path of the layer being called, inside a scope."""
    return _location.value


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


class BlockKeys:
    """The keys of the blocks of a `Repeat`: each draws what it would draw by itself, under a path
    of its own.

    Args:
        drawer: the block.
        count: how many there are.
    """

    def __init__(self, drawer: object, count: int) -> None:
        # Generators of the facade count on by themselves, unless a program is recorded around.
        scope = _present_scope() if is_cut_off() else _scope.value
        self._scope = scope
        self._path = None if scope is None else scope.paths.get(id(drawer))
        self._count = count
        self._counts = {} if scope is None else dict(scope.counts)
        self._last_counts = self._counts

    def of_block(
        self, index: jax.Array | int, is_inner: bool
    ) -> AbstractContextManager[KeyScope | None]:
        """Context manager for the run of one block.

        Args:
            index: which it is; may be a tracer.
            is_inner: whether it runs in an inner trace, in which this is called.
        """
        if self._scope is None:
            return _scope.inside(None)
        inner = self._scope.reopened() if is_inner else copy.copy(self._scope)
        # Each block draws for the first time.
        inner.counts = self._last_counts = dict(self._counts)
        if self._path is None:
            inner.iterations = (*inner.iterations, index)
        else:
            inner.blocks = (*inner.blocks, _Block(self._path, self._count, index))
        return _scope.inside(inner)

    def close(self) -> None:
        """A second call of the same blocks draws anew."""
        if self._scope is not None:
            self._scope.counts.update(self._last_counts)


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


class RunsAgain:
    """The keys of the present call for a function that JAX may run several times, also after the
    call has ended (the rules of a derivative): each run draws the same numbers.

    Attributes:
        operands: arrays to be passed to the function by way of JAX, and by it to `opened`.
    """

    def __init__(self) -> None:
        scope = _scope.value
        # Others (of a loop in the facade, of what refuses draws) serve as they are.
        self._scope = scope if type(scope) is KeyScope else None
        self._counts = dict(self._scope.counts) if self._scope is not None else {}
        self._counts_after = self._counts
        self._has_run = False
        self.operands: Any = None
        if self._scope is not None:
            given = self._scope.key if self._scope.streams is None else self._scope.streams
            self.operands = jax.tree.map(jax.random.key_data, given), self._scope.iterations

    def opened(self, operands: Any) -> AbstractContextManager:
        """Context manager for one run."""
        if self._scope is None:
            return contextlib.nullcontext()
        data, iterations = operands
        given = jax.tree.map(keys.key_from_data, data)
        inner = copy.copy(self._scope)
        inner.set_keys(given)
        inner.iterations = iterations
        inner.counts = self._counts_after = dict(self._counts)
        if self._has_run:
            # Whether the call may draw where it stands, the first run has told. JAX makes the
            # others in traces of its own, where operands are what they were in the first one.
            inner.trace = jax_private.current_trace()
            inner.traces_outside = []
        self._has_run = True
        return _scope.inside(inner)

    def count_on(self) -> None:
        """What the function drew counts for what is drawn behind it."""
        if self._scope is not None:
            self._scope.counts.update(self._counts_after)


def refused(function: str) -> AbstractContextManager[KeyScope]:
    """Context manager: drawing is an error that names `function`."""
    return _scope.inside(_Refusal(function))
