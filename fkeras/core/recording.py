"""`Recording`: the operations that ran inside a `with`, and their derivatives afterwards.

Other tools differentiate a function that they call. Here the code has run already, with plain
values: it printed, branched and changed state as it always does. Meanwhile a trace that computes
nothing itself (`_ListeningTrace`) was told of each operation of JAX, and wrote down which values
went in and came out. Values are told apart by identity: JAX's arrays never change, and the record
holds them, so that no identity is used twice. A derivative runs the part of the record that leads
from the sources to the targets once more, under `jax.vjp`.

    y = x * w        record: (mul, [x, w], [y])       values are those of the run itself
    if y > 0: ...    record: (gt, [y, 0], [..])       reads nothing but values
    loss = sum(y)    record: (reduce_sum, [y], [loss])

What goes past JAX (`float(y)`, NumPy) is a constant, as it is everywhere. One thing would be lost
without a word: a value that a function of a loop or of a rule of its own closed over, since it is
not among the operands. Such values are kept beside the operation (`hidden`), and a derivative
through them is an error.
"""

from __future__ import annotations

import weakref
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import jax
import jax.numpy as jnp

from fkeras.core import jax_private
from fkeras.core.replay import Operation, Replay
from fkeras.errors import UserInputError

if TYPE_CHECKING:
    from contextlib import AbstractContextManager


class Recording:
    """Operations in the order in which they ran.

    Examples:
        >>> recording = Recording()
        >>> x = jnp.asarray(3.0)
        >>> with recording.opened():
        ...     y = x * x if x > 0 else -x
        >>> [float(gradient) for gradient in recording.gradient([y], [[x]], [jnp.ones(())])]
        [6.0]
    """

    def __init__(self) -> None:
        self.is_on = True
        self._operations: list[Operation] = []
        self._used: set[int] = set()
        self._made: set[int] = set()

    def opened(self) -> AbstractContextManager[None]:
        """Context manager: operations on this thread are recorded inside."""
        return jax_private.entered_trace(_ListeningTrace(jax_private.innermost_trace(), self))

    def add(self, operation: Operation) -> None:
        """Writes an operation down, if the recording is on."""
        if self.is_on:
            self._operations.append(operation)
            self._used.update(map(id, operation.operands), map(id, operation.hidden))
            self._made.update(map(id, operation.results))

    def clear(self) -> None:
        """Forgets all operations."""
        self._operations, self._used, self._made = [], set(), set()

    def has_used(self, value: Any) -> bool:
        """Whether a value was an operand."""
        return id(value) in self._used

    def has_made(self, value: Any) -> bool:
        """Whether a value is the result of an operation."""
        return id(value) in self._made

    def detached(self, value: Any) -> Any:
        """A value as another object, of which the record knows nothing."""
        return _another(value, jax_private.innermost_trace()) if self.has_made(value) else value

    def unknown_values(self, known: Iterable[Any]) -> list[Any]:
        """Float values that were used, are none of the known ones, and were not made here."""
        seen = set(map(id, known))
        unknown = {}
        for operation in self._operations:
            for value in (*operation.operands, *operation.hidden):
                if id(value) not in seen and _is_float(value):
                    unknown[id(value)] = value
            seen.update(map(id, operation.results))
        return list(unknown.values())

    def gradient(
        self, targets: Sequence[Any], sources: Sequence[Sequence[Any]], weights: Sequence[Any]
    ) -> list[Any]:
        """The derivative of the sum of `weights * targets` by each source.

        Args:
            targets: values that were made.
            sources: for each source the values that it had: their derivatives are summed.
            weights: as many as targets, of their shapes and dtypes.

        Returns:
            One array for each source; None for what does not reach a target.

        Raises:
            UserInputError: the way leads through a value that an inner function closed over.
        """
        replay = self._replay(targets, sources)
        if replay is None:
            return [None] * len(sources)
        by_value = replay.pull({id(t): w for t, w in zip(targets, weights)})
        return [_sum(by_value[id(v)] for v in group if id(v) in by_value) for group in sources]

    def jacobian(self, target: Any, sources: Sequence[Sequence[Any]], weights: Any) -> list[Any]:
        """The derivatives of several sums of `weights * target` by each source.

        Args:
            target: a value that was made.
            sources: as in `gradient`.
            weights: one array of the target's shape for each sum, stacked.

        Returns:
            As `gradient`, with an axis for the sums in front.
        """
        replay = self._replay([target], sources)
        if replay is None:
            return [None] * len(sources)
        by_value = jax.vmap(lambda weight: replay.pull({id(target): weight}))(weights)
        return [_sum(by_value[id(v)] for v in group if id(v) in by_value) for group in sources]

    def _replay(self, targets: Sequence[Any], sources: Sequence[Sequence[Any]]) -> Replay | None:
        """The part of the record between sources and targets. None: no value of a source reaches a
        target.
        """
        values = {id(value): value for group in sources for value in group if _is_float(value)}
        path = self._path(targets, values)
        inputs = [value for i, value in values.items() if i in path.needed]
        if not inputs:
            return None
        return Replay(path.operations, inputs, [t for t in targets if id(t) in path.needed])

    def _path(self, targets: Sequence[Any], values: dict[int, Any]) -> _Path:
        """The operations that lead from values to targets."""
        reached = set(values)
        active = []
        for operation in self._operations:
            if operation.primitive.name == "stop_gradient":
                continue
            operands = {id(x) for x in operation.operands}
            hidden = {id(x) for x in operation.hidden}
            if not reached.isdisjoint(operands | hidden):
                active.append(operation)
                reached.update(id(x) for x in operation.results if _is_float(x))
        needed = {id(target) for target in targets} & reached
        kept = []
        for operation in reversed(active):
            if any(id(x) in needed for x in operation.results):
                if any(id(x) in reached for x in operation.hidden):
                    raise UserInputError(
                        f"The gradient leads through a value that the function of an inner "
                        f"`{operation.primitive.name}` (a loop, a branch or a function with its "
                        "own derivative) reads without being given it: it would be lost. Pass "
                        "the value to that function as an argument."
                    )
                kept.append(operation)
                needed.update(id(x) for x in operation.operands if id(x) in reached)
        return _Path(kept[::-1], needed)


class _Path(NamedTuple):
    operations: list[Operation]
    needed: set[int]  # values by identity: what comes from a source and leads to a target


def _sum(values: Iterable[Any]) -> Any:
    total = None
    for value in values:
        total = value if total is None else total + value
    return total


def _is_float(value: Any) -> bool:
    return isinstance(value, jax.Array) and jnp.issubdtype(value.dtype, jnp.inexact)


class _ListeningTrace(jax_private.TransparentTrace):
    """Tells a recording of each operation that the trace around computes."""

    __slots__ = ("_recording",)

    def __init__(self, parent_trace: Any, recording: Recording) -> None:
        super().__init__(parent_trace)
        self._recording = recording

    def stage_value(self, val: Any) -> Any:
        return self.parent_trace.stage_value(val)

    def cur_qdd(self, x: Any) -> Any:
        return self.parent_trace.cur_qdd(x)

    def process_primitive(self, primitive: Any, args: Any, params: dict[str, Any], /) -> Any:
        hidden = [] if not self._recording.is_on else list(_constants_in(params))
        if hidden and primitive.name in ("jit", "pjit"):  # what it closed over is read in here
            closed = params["jaxpr"]
            with jax_private.entered_trace(self):
                return jax_private.run_jaxpr(closed.jaxpr, closed.consts, *args)
        results = jax_private.bind_in(self.parent_trace, primitive, args, params)
        made = self._as_new(results if primitive.multiple_results else [results], args)
        self._recording.add(Operation(primitive, args, params, made, hidden))
        return made if primitive.multiple_results else made[0]

    def process_call(self, primitive: Any, f: Any, args: Any, params: dict[str, Any], /) -> Any:
        with jax_private.entered_trace(self):
            return f.call_wrapped(*args)

    def process_custom_jvp_call(
        self, primitive: Any, fun: Any, jvp: Any, args: Any, /, **options: Any
    ) -> Any:
        return self._custom(primitive, fun, args, {"subfuns": (fun, jvp), **options})

    def process_custom_vjp_call(
        self, primitive: Any, fun: Any, fwd: Any, bwd: Any, args: Any, /, **options: Any
    ) -> Any:
        return self._custom(primitive, fun, args, {"subfuns": (fun, fwd, bwd), **options})

    def _custom(self, primitive: Any, fun: Any, args: Any, params: dict[str, Any]) -> Any:
        if not self._recording.is_on:
            return jax_private.bind_in(self.parent_trace, primitive, args, params)
        # The function itself runs once more, or only, to hear what it reads beside its arguments.
        # What it reads beside them may be the very same value.
        inside, arguments = Recording(), [_another(x, self.parent_trace) for x in args]
        with jax_private.entered_trace(_ListeningTrace(self.parent_trace, inside)):
            jax_private.forget_results(params)
            results = fun.call_wrapped(*arguments)
        if not jax_private.is_eager(self.parent_trace):
            jax_private.forget_results(params)
            results = jax_private.bind_in(self.parent_trace, primitive, args, params)
        hidden = inside.unknown_values(arguments)
        results = self._as_new(results, args)
        self._recording.add(Operation(primitive, args, params, results, hidden))
        return results

    def _as_new(self, results: Sequence[Any], operands: Sequence[Any]) -> list[Any]:
        """Results told apart from the operands: `stop_gradient` gives its operand back."""
        known = set(map(id, operands))
        return [_another(x, self.parent_trace) if id(x) in known else x for x in results]


def _another(value: Any, trace: Any) -> Any:
    return jax_private.another(value, trace) if _is_float(value) else value


# -- what inner programs closed over --------------------------------------------------------------

_constants: weakref.WeakKeyDictionary[Any, list[Any]] = weakref.WeakKeyDictionary()


def _constants_in(params: dict[str, Any]) -> Iterator[Any]:
    """Float arrays that the programs among an operation's parameters hold."""
    for value in params.values():
        for program in value if isinstance(value, (tuple, list)) else (value,):
            if isinstance(program, (jax_private.ClosedJaxpr, jax_private.Jaxpr)):
                yield from _constants_of(program)


def _constants_of(program: Any) -> list[Any]:
    found = _constants.get(program)
    if found is None:
        consts = getattr(program, "consts", ())
        found = [value for value in consts if _is_float(value)]
        for equation in getattr(program, "jaxpr", program).eqns:
            for atom in equation.invars:
                if isinstance(atom, jax_private.Literal) and _is_float(atom.val):
                    found.append(atom.val)
            found.extend(_constants_in(equation.params))
        _constants[program] = found
    return found
