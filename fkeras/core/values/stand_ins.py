"""What may stand in a Variable's slot instead of its value, and how the value comes back.

`NotDrawnYet` stands there until a weight's first value is needed: a model of a billion weights can
be built, and files can be loaded into it, without drawing any. `HeldByLoop` stands there while
`fit` keeps the values on the device and donates them from step to step: the Variable must not show
an array that the next step deletes.

    a read --> slot --> an array               that is it
                    --> NotDrawnYet.draw()     the first value is drawn and stays in the slot
                    --> HeldByLoop.bring()     the loop puts the current values back, goes on with
                                               copies, and the slot is read again
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias, Union

import jax

from fkeras.core import jax_private

if TYPE_CHECKING:
    from flax import nnx

_PATIENCE = 600  # seconds that a reader waits for a device call; the first one compiles

# What is found in a slot. None where NNX has not filled it yet.
SlotContent: TypeAlias = Union[jax.Array, "NotDrawnYet", "HeldByLoop", None]


class NotDrawnYet:
    """Stands in a Variable's slot until its value is needed.

    Args:
        shape, dtype: of the value.
        draw: function () -> the value.
    """

    def __init__(self, shape: tuple[int, ...], dtype: str, draw: Callable[[], jax.Array]) -> None:
        self.shape = shape
        self.dtype = dtype
        self.draw = draw


class HeldByLoop:
    """Stands in a Variable's slot while a training loop holds its value.

    Args:
        bring: function () that puts all of the loop's values back into their Variables' slots.
        lock: the loop holds it while a device call consumes values; None for a new one.
    """

    def __init__(self, bring: Callable[[], None], lock: threading.RLock | None = None) -> None:
        self.bring = bring
        self._lock = lock or threading.RLock()

    @contextlib.contextmanager
    def brought(self) -> Iterator[None]:
        """Context manager: inside, the slots hold values, and the loop (of this thread or another)
        waits with its next device call.

        Raises:
            RuntimeError: the loop is in one device call for ten minutes.
        """
        if not self._lock.acquire(timeout=_PATIENCE):
            raise RuntimeError(
                f"The weights are in use by a training step that has not come back for {_PATIENCE} "
                "seconds. A host callback inside of that step (`jax.pure_callback`, "
                "`jax.debug.callback`) cannot read them: pass it what it needs as arguments."
            )
        try:
            self.bring()
            yield
        finally:
            self._lock.release()


_KINDS = frozenset((NotDrawnYet, HeldByLoop))


def private_value(variable: nnx.Variable) -> Any:
    """What stands in the slot itself: a value, a stand-in for one, or None in an empty slot."""
    try:
        return jax_private.raw_value_descriptor.__get__(variable)
    except AttributeError:
        return None


def put_value(variable: nnx.Variable, value: SlotContent) -> None:
    """Puts a value (or a stand-in) into the slot itself, past all scopes."""
    jax_private.raw_value_descriptor.__set__(variable, value)


def put_values(variables: Sequence[nnx.Variable], values: Sequence[SlotContent]) -> None:
    """The same for many."""
    put = jax_private.raw_value_descriptor.__set__
    for variable, value in zip(variables, values):
        put(variable, value)


def own_value(variable: nnx.Variable) -> jax.Array:
    """The Variable's own value, past all scopes.

    Drawn or brought back where a stand-in holds its place.
    """
    content = jax_private.raw_value_descriptor.__get__(variable)
    return fetch(variable, content) if is_stand_in(content) else content


def own_values(groups: Sequence[Sequence[nnx.Variable]]) -> tuple[list[jax.Array], ...]:
    """The Variables' own values, past all scopes, as they are at one moment of a running loop."""
    read = jax_private.raw_value_descriptor.__get__
    contents = [list(map(read, group)) for group in groups]
    if all(_KINDS.isdisjoint(map(type, group)) for group in contents):
        return tuple(contents)
    if any(type(content) is HeldByLoop for group in contents for content in group):
        with held_still(variable for group in groups for variable in group):
            contents = [list(map(own_value, group)) for group in groups]
    return tuple(
        [fetch(v, content) if is_stand_in(content) else content for v, content in zip(*pair)]
        for pair in zip(groups, contents)
    )


@contextlib.contextmanager
def held_still(variables: Iterable[nnx.Variable]) -> Iterator[None]:
    """Context manager: a loop that holds the Variables' values, if there is one, has put them back
    and waits.
    """
    with contextlib.ExitStack() as stack:
        for variable in variables:
            content = private_value(variable)
            if isinstance(content, HeldByLoop):
                stack.enter_context(content.brought())
                break
        yield


def is_stand_in(content: SlotContent) -> bool:
    """Whether the content of a slot is not a value yet."""
    return type(content) is NotDrawnYet or type(content) is HeldByLoop


def fetch(variable: nnx.Variable, stand_in: NotDrawnYet | HeldByLoop) -> jax.Array:
    """Puts the value back for which the stand-in stands, and returns it."""
    if isinstance(stand_in, HeldByLoop):
        content: SlotContent = stand_in
        while isinstance(content, HeldByLoop):  # another loop may have begun meanwhile
            with content.brought():
                content = private_value(variable)
        return content
    # A trace may be open, and the value is read in it first. Drawn in the trace it would be a
    # tracer, which must not stay on the object after the trace.
    with jax.ensure_compile_time_eval():
        value = stand_in.draw()
    jax_private.raw_value_descriptor.__set__(variable, value)
    return value
