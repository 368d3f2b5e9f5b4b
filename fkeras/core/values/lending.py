"""A pure call lends values to the object's own Variables for its length.

Nothing is copied, nothing on the object changes.

While a `Scope` is open on this thread, reads and writes of its Variables go to the scope's values.
Because the object itself runs, every way in which user code reaches its weights (kept functions,
closures, shared layers) sees the lent values. A copy of the object would not do: a lambda kept on
the object still reaches the original, and its gradient is zero without a word.

JAX remembers traces of inner functions (`jax.jit` or `jax.checkpoint` kept on an object) together
with the constants they closed over. A context that is part of JAX's cache keys carries a token, so
that a trace made with other lent values is never reused (`trace_tokens`). Tokens are entered only
where needed: a new token makes JAX compile every op of an eager call again.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import numpy as np

from fkeras.core import jax_private
from fkeras.core.scoped import Scoped
from fkeras.core.values.lent_scopes import AbstractScope as AbstractScope
from fkeras.core.values.lent_scopes import Scope
from fkeras.core.values.stand_ins import (
    HeldByLoop,
    NotDrawnYet,
    fetch,
    private_value,
)
from fkeras.core.values.trace_tokens import CallConstants as CallConstants
from fkeras.core.values.trace_tokens import (
    choose_token,
    entered,
    fresh_token,
    kept,
    mark_read_deeply,
)
from fkeras.core.values.trace_tokens import needs_own_scope as needs_own_scope
from fkeras.core.values.trainable_scope import is_trainable
from fkeras.core.values.variable_info import info_of
from fkeras.errors import PureCallError

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from flax import nnx

_scopes: Scoped[tuple[Scope, ...]] = Scoped(())  # all that are open, innermost last
_autocast: Scoped[str | None] = Scoped(None)
# Told in a call, with its value, of each Variable that is read and lent no value.
_note_read: Scoped[Callable[[nnx.Variable, Any], None] | None] = Scoped(None)

# Each is told of a Variable that is about to be written, on any thread: `f(variable, old, new)`
# returns what is written.
before_write: list[Callable[[nnx.Variable, Any, Any], Any]] = []


# -- scopes --------------------------------------------------------------------


def opened(scope: Scope) -> AbstractContextManager[Scope]:
    """Context manager: the scope lends inside."""
    return _scopes.pushed(scope)


def scope_of(variable: nnx.Variable) -> Scope | None:
    """The innermost open scope that answers for the Variable."""
    for scope in reversed(_scopes.value):
        if scope.has(variable):
            return scope
    return None


def value_now(variable: nnx.Variable) -> Any:
    """The very object that is lent to the Variable, or that it holds: as it was drawn or written,
    and not as a layer's compute dtype.
    """
    with _autocast.inside(None):
        return variable._raw_value


def is_lent(variable: nnx.Variable) -> bool:
    """Whether an open scope answers for the Variable."""
    return scope_of(variable) is not None


def shape_of_lent(variable: nnx.Variable, own: tuple[int, ...]) -> tuple[int, ...]:
    """The shape of what is lent to the Variable: a stack of blocks is lent one of them while that
    one runs. Its own shape where nothing is.
    """
    scope = scope_of(variable)
    return own if scope is None else tuple(jnp.shape(scope.read(variable)))


def in_pure_call() -> bool:
    """Whether a call that takes its trainable values as arguments is open (`apply`, a step)."""
    return any(scope.strict for scope in _scopes.value)


def in_abstract_call() -> bool:
    """Whether a call for shapes only is open."""
    return any(isinstance(scope, AbstractScope) for scope in _scopes.value)


def is_open() -> bool:
    """Whether any call is lending on this thread: the next one is not the outermost."""
    return bool(_scopes.value)


def lent_now() -> tuple[list[nnx.Variable], list[Any]]:
    """All Variables that are lent a value on this thread, and those values.

    For rules that JAX runs later (custom_gradient).
    """
    pairs: dict[int, tuple[nnx.Variable, Any]] = {}
    for scope in _scopes.value:  # inner scopes come later and win
        pairs.update((id(v), (v, scope.values[id(v)])) for v in scope.variables)
    return [v for v, _ in pairs.values()], [x for _, x in pairs.values()]


# -- the slot ------------------------------------------------------------------


class _LentValue:
    """Shadows NNX's value slot, so that each read and write asks the open scopes first.

    NNX keeps a Variable's value in the slot `_raw_value`. All its operators, `nnx.state`,
    `nnx.split`, `nnx.jit` and fkeras itself read and write the attribute of that name. `Lendable`
    puts this descriptor before NNX's own in the order of classes:

        variable._raw_value
              |
              v
        _LentValue.__get__ -- an open scope lends to it? --yes--> the scope's value
              |                (innermost first)
              no
              v
        NNX's slot --> an array                                   the object's own value
                   --> NotDrawnYet, HeldByLoop                    fetched first (`stand_ins`)
                   --> a tracer                                   a copy that JAX or NNX made inside
                                                                  a trace: an argument of it

    A write takes the same way: into the scope, where it is the call's result, or into the slot.
    What cannot be right is refused on both ways, since JAX would say nothing or something obscure:

    - a strict call reads a trainable Variable that it was not given: the gradient would be zero;
    - a tracer would be left in an object's own slot: it is of no use after its trace;
    - a scope is written from an inner trace (`scan`, `checkpoint`): the value cannot come out.

    A value read in a deeper staged trace than the one that lent it becomes a constant there, and
    JAX may keep that trace. Such a Variable is marked, and calls on its owner get tokens from then
    on (`trace_tokens`).

    Neither method may raise AttributeError: NNX takes it for an empty slot and says so.
    """

    def __get__(self, variable: nnx.Variable | None, owner: type | None = None) -> Any:
        if variable is None:
            return self
        scope = scope_of(variable)
        trace = jax_private.current_trace()
        if scope is None:
            value = jax_private.raw_value_descriptor.__get__(variable)
            if isinstance(value, jax.core.Tracer):
                # a copy that JAX or NNX made inside a trace: it holds an argument, not a constant
                return value
            scopes = _scopes.value
            if scopes and scopes[-1].strict:
                _refuse_unknown(variable, scopes[-1])
            kind = type(value)  # not `is_stand_in`: a call less at each read
            if kind is NotDrawnYet or kind is HeldByLoop:
                value = fetch(variable, value)
            if scopes and _note_read.value is not None:
                _note_read.value(variable, value)
        if jax_private.is_staging(trace) and (scope is None or trace is not scope.trace):
            # An inner jit, checkpoint or scan reads it as a constant: its trace must not serve
            # other values.
            mark_read_deeply(variable)
        if scope is not None:
            value = scope.read(variable)
        dtype = _autocast.value
        return value if dtype is None else _cast(variable, value, dtype)

    def __set__(self, variable: nnx.Variable, value: Any) -> None:
        scope = scope_of(variable)
        if before_write:
            before = private_value(variable) if scope is None else scope.read(variable)
            for tell in tuple(before_write):
                value = tell(variable, before, value)
        if scope is None:
            content = private_value(variable)
            if isinstance(content, HeldByLoop):
                with content.brought():  # else the loop's values would overwrite this at its end
                    jax_private.raw_value_descriptor.__set__(variable, value)
                return
            if _would_leak(content, value):
                raise PureCallError(
                    f"The state {path_of(variable)!r} would be written inside a JAX transformation "
                    "(jit, grad, vmap, scan) that does not know of it. Call the pure form there: "
                    "`outputs, new_state = layer.apply(variables, x, training=True)`."
                )
            jax_private.raw_value_descriptor.__set__(variable, value)
        elif jax_private.current_trace() is not scope.trace and isinstance(value, jax.core.Tracer):
            raise PureCallError(
                f"The state {path_of(variable)!r} is written inside an inner scan, cond, "
                "checkpoint, vmap or jit, from where it cannot come out. Carry it through: return "
                "the new value from the inner function and assign it outside."
            )
        else:
            scope.write(variable, value)


class Lendable:
    """Mixed into every Variable that can be lent a value."""

    __slots__ = ()
    _raw_value = _LentValue()

    def _check_can_update(self) -> None:
        """NNX's check of trace levels is off.

        The slot itself knows better: see `_LentValue.__set__`.
        """


def path_of(variable: nnx.Variable) -> str:
    """The Variable's path, or its class's name where it has none: for messages."""
    info = info_of(variable)
    return getattr(info, "path", None) or type(variable).__name__


def _would_leak(content: Any, value: Any) -> bool:
    """Whether a tracer would take the place of a concrete value that outlives the trace."""
    return (
        isinstance(value, jax.core.Tracer)
        and content is not None
        and not isinstance(content, jax.core.Tracer)
    )


def _refuse_unknown(variable: nnx.Variable, scope: Scope) -> None:
    """Raises for a trainable weight that the strict scope lends nothing to."""
    info = info_of(variable)
    if info is not None and info.kind == "weight" and is_trainable(info):
        raise PureCallError(
            f"{scope.caller or 'apply'} reads the trainable variable {info.path!r}, which is not "
            "among the variables it was given: its gradient would be zero. Make the layer that "
            "owns it an attribute of the model (in `__init__`, not in `call`), build the model "
            "again with `init`, or set `trainable = False` on it if it is meant to be a constant."
        )


# -- autocast ------------------------------------------------------------------


def autocast(dtype: str | None) -> AbstractContextManager[str | None]:
    """Context manager: float Variables read as `dtype` inside; None for as they are.

    The dtype is a layer's compute dtype.
    """
    return _autocast.inside(dtype)


def autocast_dtype() -> str | None:
    """The dtype that float Variables read as now; None for their own."""
    return _autocast.value


def _cast(variable: nnx.Variable, value: Any, dtype: str) -> Any:
    info = info_of(variable)
    if info is None or not info.autocast:
        return value
    if not jnp.issubdtype(getattr(value, "dtype", np.int32), jnp.floating):
        return value
    return value.astype(dtype)


# -- calls ---------------------------------------------------------------------


def call(
    fn: Callable[..., Any],
    variables: list[nnx.Variable],
    values: Sequence[Any],
    /,
    *args: Any,
    caller: str | None = None,
    strict: bool = False,
    constants: CallConstants | None = None,
    **kwargs: Any,
) -> tuple[Any, list[Any]]:
    """Calls `fn(*args, **kwargs)` with values lent to Variables.

    Args:
        fn: the function.
        variables: what is lent to.
        values: one for each Variable.
        *args, **kwargs: the function's own.
        caller: who calls, for errors; None for `apply`.
        strict: whether a trainable Variable that is read but not lent is an error.
        constants: what travels beside the arguments; None: nothing does.

    Returns:
        A pair: the function's output, and the list of values as they are afterwards, in the same
        order.
    """
    token = choose_token(variables, values, constants)
    scope = Scope(variables, values, caller, strict)
    with opened(scope), kept() if token is None else entered(token):
        output = fn(*args, **kwargs)
    return output, scope.collect()


@contextlib.contextmanager
def lent(variables: list[nnx.Variable], values: Sequence[Any]) -> Iterator[None]:
    """Context manager: the Variables read as these values inside; what is written is forgotten."""
    token = choose_token(variables, values)
    scope = Scope(variables, values)
    with opened(scope), kept() if token is None else entered(token):
        yield


def reads_noted(note: Callable[[nnx.Variable, Any], None]) -> AbstractContextManager:
    """Context manager: in calls inside, `note(variable, value)` is called for each Variable that is
    read and that nobody lends a value.
    """
    return _note_read.inside(note)


def call_abstractly(fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
    """Calls `fn` for its shapes only, inside `jax.eval_shape`.

    No value is drawn, no state is kept.
    """
    # Within the run of a single block a stack keeps reading as that one's share.
    shares = [(v, x) for v, x in zip(*lent_now()) if getattr(info_of(v), "blocks", ())]
    with opened(AbstractScope(shares)), entered(fresh_token()):
        return fn(*args, **kwargs)


def call_on_own_values(
    fn: Callable[..., Any],
    variables: list[nnx.Variable],
    /,
    *args: Any,
    constants: CallConstants | None = None,
    **kwargs: Any,
) -> Any:
    """The facade's outermost call: like `call`, with the Variables' own values.

    What was written stays on the Variables.

    Only needed where a kept inner function might remember old values (`needs_own_scope` tells), or
    what traveled beside the arguments.
    """
    values = [v._raw_value for v in variables]
    output, after = call(fn, variables, values, *args, constants=constants, **kwargs)
    for variable, old, new in zip(variables, values, after):
        if new is not old:
            variable._raw_value = new
    return output
