"""A pure call lends values to the object's own Variables for its length. Nothing is copied, nothing
on the object changes.

While a `Scope` is open on this thread, reads and writes of its Variables go to the scope's values.
Because the object itself runs, every way in which user code reaches its weights (kept functions,
closures, shared layers) sees the lent values. A copy of the object would not do: a lambda kept on
the object still reaches the original, and its gradient is zero without a word.

JAX remembers traces of inner functions (`jax.jit` or `jax.checkpoint` kept on an object) together
with the constants they closed over. A context that is part of JAX's cache keys carries a token, so
that a trace made with other lent values is never reused. Tokens are entered only where needed: a
new token makes JAX compile every op of an eager call again.
"""

import contextlib
import itertools
import threading
import weakref

import jax
import jax.numpy as jnp
import numpy as np

from fkeras.core import jax_private
from fkeras.core.values import trainable_scope
from fkeras.core.values.variable_info import AdoptedInfo, info_of, put_info
from fkeras.errors import PureCallError

_tokens = itertools.count(1)
_cache_key = jax.make_user_context(
    default_value=None
)  # at import: making one later is not thread-safe


class _Open(threading.local):
    scopes: tuple = ()
    autocast: str | None = None
    last: tuple | None = None


_open = _Open()


class Scope:
    """Values lent to Variables. Holds the Variables themselves, so that no id is used twice while
    the scope lives.

    Args:
        variables, values: of equal length.
        what: the name of the call, for errors.
        strict: a trainable Variable that is read but not lent is an error: its gradient would be
            zero without a word.
    """

    def __init__(self, variables, values, what=None, strict=False):
        self.variables = variables
        self.values = {id(v): x for v, x in zip(variables, values, strict=True)}
        self.trace = jax_private.current_trace()
        self.what, self.strict = what, strict

    def has(self, variable):
        return id(variable) in self.values

    def read(self, variable):
        return self.values[id(variable)]

    def write(self, variable, value):
        self.values[id(variable)] = value

    def collect(self):
        return [self.values[id(v)] for v in self.variables]


class AbstractScope(Scope):
    """For abstract evaluation: a Variable without a value reads as zeros, and all that is written
    is forgotten.
    """

    def __init__(self):
        super().__init__([], [])

    def has(self, variable):
        return id(variable) in self.values or not isinstance(
            private_value(variable), jax.core.Tracer | type(None)
        )

    def read(self, variable):
        if id(variable) in self.values:
            return self.values[id(variable)]
        held = jax_private.slot.__get__(variable)
        if type(held) is NotDrawnYet:
            return jnp.zeros(held.shape, held.dtype)  # staged: no memory
        return _fetch(variable, held) if type(held) is HeldByLoop else held

    def write(self, variable, value):
        if id(variable) not in self.values:
            self.variables.append(variable)
        self.values[id(variable)] = value


class NotDrawnYet:
    """Stands in a Variable's slot until its value is needed: `draw()` makes the value."""

    def __init__(self, shape, dtype, draw):
        self.shape, self.dtype, self.draw = shape, dtype, draw


class HeldByLoop:
    """Stands in a Variable's slot while a training loop holds its value: `bring()` puts all of the
    loop's values back.
    """

    def __init__(self, bring):
        self.bring = bring


def scope_of(variable):
    for scope in reversed(_open.scopes):
        if scope.has(variable):
            return scope
    return None


def is_lent(variable) -> bool:
    return scope_of(variable) is not None


def in_pure_call() -> bool:
    return any(scope.strict for scope in _open.scopes)


def in_abstract_call() -> bool:
    return any(isinstance(scope, AbstractScope) for scope in _open.scopes)


def is_open() -> bool:
    """Whether any call is lending on this thread: the next one is not the outermost."""
    return bool(_open.scopes)


def path_of(variable) -> str:
    info = info_of(variable)
    return getattr(info, "path", None) or type(variable).__name__


class _LentValue:
    """Shadows NNX's value slot. Must not raise AttributeError: NNX swallows it."""

    def __get__(self, variable, owner=None):
        if variable is None:
            return self
        scope, trace = scope_of(variable), jax_private.current_trace()
        if scope is None:
            value = jax_private.slot.__get__(variable)
            if isinstance(value, jax.core.Tracer):
                # a copy that JAX or NNX made inside a trace: it holds an argument, not a constant
                return value
            if _open.scopes and _open.scopes[-1].strict:
                _refuse_unknown(variable, _open.scopes[-1])
            if type(value) is NotDrawnYet or type(value) is HeldByLoop:
                value = _fetch(variable, value)
        if jax_private.is_staging(trace) and (scope is None or trace is not scope.trace):
            # An inner jit, checkpoint or scan reads it as a constant: its trace must not serve
            # other values.
            _mark_read_deeply(variable)
        if scope is not None:
            value = scope.read(variable)
        if _open.autocast is not None:
            value = _autocast(variable, value)
        return value

    def __set__(self, variable, value):
        scope = scope_of(variable)
        if scope is None:
            held = private_value(variable)
            if isinstance(held, HeldByLoop):
                held.bring()
            elif (
                isinstance(value, jax.core.Tracer)
                and held is not None
                and not isinstance(held, jax.core.Tracer)
            ):
                raise PureCallError(
                    f"The state {path_of(variable)!r} would be written inside a JAX transformation "
                    "(jit, grad, vmap, scan) that does not know of it. Call the pure form there: "
                    "`outputs, new_state = layer.apply(variables, x, training=True)`."
                )
            jax_private.slot.__set__(variable, value)
        elif jax_private.current_trace() is not scope.trace and isinstance(value, jax.core.Tracer):
            raise PureCallError(
                f"The state {path_of(variable)!r} is written inside an inner scan, cond, "
                "checkpoint, vmap or jit, from where it cannot come out. Carry it through: return "
                "the new value from the inner function and assign it outside."
            )
        else:
            scope.write(variable, value)


def private_value(variable):
    """What stands in the slot itself: a value, or a stand-in for one."""
    try:
        return jax_private.slot.__get__(variable)
    except AttributeError:
        return None


def put_value(variable, value) -> None:
    """Puts a value into the slot itself, past all scopes."""
    jax_private.slot.__set__(variable, value)


def own_value(variable):
    """The Variable's own value, past all scopes; drawn or brought back where a stand-in holds its
    place.
    """
    held = jax_private.slot.__get__(variable)
    return _fetch(variable, held) if type(held) is NotDrawnYet or type(held) is HeldByLoop else held


def _fetch(variable, stand_in):
    if type(stand_in) is HeldByLoop:
        stand_in.bring()
        return jax_private.slot.__get__(variable)
    with jax.ensure_compile_time_eval():  # maybe inside somebody's trace
        value = stand_in.draw()
    jax_private.slot.__set__(variable, value)
    return value


def _refuse_unknown(variable, scope):
    info = info_of(variable)
    if info is not None and info.kind == "weight" and trainable_scope.is_trainable(info):
        raise PureCallError(
            f"{scope.what or 'apply'} reads the trainable variable {info.path!r}, which is not "
            "among the variables it was given: its gradient would be zero. Make the layer that "
            "owns it an attribute of the model (in `__init__`, not in `call`), build the model "
            "again with `init`, or set `trainable = False` on it if it is meant to be a constant."
        )


def _mark_read_deeply(variable):
    info = info_of(variable)
    if info is not None:
        info.read_deeply = True


def _read_deeply(variable):
    info = info_of(variable)
    return info is not None and info.read_deeply


def _autocast(variable, value):
    info = info_of(variable)
    if (
        info is None
        or not info.autocast
        or not jnp.issubdtype(getattr(value, "dtype", np.int32), jnp.floating)
    ):
        return value
    return value.astype(_open.autocast)


def autocast_dtype():
    return _open.autocast


@contextlib.contextmanager
def autocast(dtype: str | None):
    """Inside, float Variables read as `dtype` (a layer's compute dtype); None for as they are."""
    outer, _open.autocast = _open.autocast, dtype
    try:
        yield
    finally:
        _open.autocast = outer


class Lendable:
    """Mixed into every Variable that can be lent a value."""

    __slots__ = ()
    _raw_value = _LentValue()

    def _check_can_update(self):
        """NNX's check of trace levels is off: the slot itself knows better (see
        `_LentValue.__set__`).
        """


_adopted: dict = {}


def adopt(variable, name, trainable) -> None:
    """Gives a Variable of a foreign NNX module the lending slot, by class: its type, its name and
    NNX's filters stay.
    """
    if not isinstance(variable, Lendable):
        kind = type(variable)
        if kind not in _adopted:
            _adopted[kind] = type(
                kind.__name__, (Lendable, kind), {"__module__": kind.__module__, "__slots__": ()}
            )
        object.__setattr__(variable, "__class__", _adopted[kind])
    if info_of(variable) is None:
        put_info(variable, AdoptedInfo(name, name, trainable))


def _token(variables, values):
    if any(jax_private.is_staged(x) for x in values):
        return next(_tokens)
    if not any(_read_deeply(v) for v in variables):
        return None
    if any(isinstance(x, jax.core.Tracer) for x in values):
        return next(_tokens)
    # The same concrete values as last time: the same traces may serve.
    known = _open.last
    if (
        known is None
        or len(known[0]) != len(values)
        or any(a() is not b for a, b in zip(known[0], values))
    ):
        known = _open.last = ([_weakly(x) for x in values], next(_tokens))
    return known[1]


def _weakly(x):
    try:
        return weakref.ref(x)
    except TypeError:
        return lambda: x


def call(fn, variables, values, *args, what=None, strict=False, **kwargs):
    """Calls `fn` with `values` lent to `variables`. Returns its output and the values as they are
    afterwards, in the same order.
    """
    token = _token(variables, values)
    scope = Scope(variables, values, what, strict)
    with opened(scope), contextlib.nullcontext() if token is None else _cache_key(token):
        output = fn(*args, **kwargs)
    return output, scope.collect()


def call_abstractly(fn, *args, **kwargs):
    """Calls `fn` for its shapes only (inside `jax.eval_shape`): no value is drawn, no state is
    kept.
    """
    with opened(AbstractScope()), _cache_key(next(_tokens)):
        return fn(*args, **kwargs)


def call_on_own_values(fn, variables, *args, **kwargs):
    """The facade's outermost call: like `call`, with the Variables' own values; what was written
    stays on the Variables.

    Only needed where a kept inner function might remember old values: `needs_own_scope` tells.
    """
    values = [v._raw_value for v in variables]
    output, after = call(fn, variables, values, *args, **kwargs)
    for variable, old, new in zip(variables, values, after):
        if new is not old:
            variable._raw_value = new
    return output


def needs_own_scope(variables) -> bool:
    return any(_read_deeply(v) for v in variables)


@contextlib.contextmanager
def opened(scope):
    outer = _open.scopes
    _open.scopes = outer + (scope,)
    try:
        yield scope
    finally:
        _open.scopes = outer


def lent_now():
    """All Variables that are lent a value on this thread, and those values: for rules that JAX runs
    later (custom_gradient).
    """
    found: dict = {}
    for scope in _open.scopes:
        found.update((id(v), (v, scope.values[id(v)])) for v in scope.variables)
    return [v for v, _ in found.values()], [x for _, x in found.values()]
