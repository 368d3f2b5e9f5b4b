"""What to say where the user's own code fails inside a call of ours: whose, with what, and the
remedy.

Inside a compiled step, ordinary Python meets tensors without values. JAX's messages about that are
right and speak of JAX's own places. Here they are said in the user's words; any other error keeps
its message and gets a note of where it arose. Only the innermost place explains.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NoReturn

import jax

from fkeras.core import settings
from fkeras.errors import UserInputError, UserTypeError

if TYPE_CHECKING:
    from collections.abc import Iterable

_EXPLAINED = "_fkeras_explained"  # attribute of errors that have had their place named
_MOST_PARTS = 8  # of a structure that are shown

# What the user did, and what to do instead, by JAX's error; subclasses stand before their bases.
_REMEDIES: tuple[tuple[type[Exception], str], ...] = (
    (
        jax.errors.TracerArrayConversionError,
        "hands its arguments to NumPy, which cannot compute with traced values and knows no "
        "gradients. Use the function of `fkeras.ops` or `jax.numpy` with the same name.",
    ),
    (
        jax.errors.TracerBoolConversionError,
        "decides by the value of a tensor (`if`, `while`, `assert`, `and`, `not`, `bool`), which "
        "is not known while the step is compiled. Use `fkeras.ops.where` to choose element by "
        "element, `fkeras.ops.cond` to choose between two computations, `fkeras.ops.while_loop` "
        "to repeat one. Shapes and Python values may be asked.",
    ),
    (
        jax.errors.TracerIntegerConversionError,
        "uses a tensor where Python needs a whole number (`range`, an index of a list, a shape), "
        "and its value is not known while the step is compiled. Use `fkeras.ops.fori_loop` to "
        "repeat, `fkeras.ops.take` to pick; take sizes from `x.shape`.",
    ),
    (
        jax.errors.NonConcreteBooleanIndexError,
        "picks entries by a mask (`x[mask]`): how many there are is not known while the step is "
        "compiled. Keep the shape: `fkeras.ops.where(mask, x, 0)`, or multiply by the mask.",
    ),
    (
        jax.errors.ConcretizationTypeError,
        "asks for the value of a tensor (`float`, `int`, `.item()`, `.tolist()`, a size given by "
        "a tensor), which is not known while the step is compiled. Compute with the tensor "
        "itself, by `fkeras.ops`; take sizes from `x.shape`.",
    ),
    (
        jax.errors.UnexpectedTracerError,
        "uses a value that an earlier call left behind, on an attribute or in a list: it belonged "
        "to a compiled step that is over. Return the value, or keep changing state in a Variable "
        "(`self.add_weight(..., trainable=False)`).",
    ),
)
_NO_VALUES = (
    "calls `.{name}()` of a tensor, which has no such method: inside a compiled step there are no "
    "values to hand out. Compute with the tensor itself, by `fkeras.ops`; outside of it, "
    "`np.asarray(x)` gives the values."
)


def raise_explained(
    error: Exception, who: Callable[[], str], arguments: Mapping[str, Any] | None = None
) -> NoReturn:
    """Raises an error that left the user's code again.

    Either the same one, with a note that says whose code it was and what it was called with, or
    one that names the remedy and keeps the traceback.

    Args:
        error: what was caught.
        who: makes the subject of a sentence, such as "`call` of layer 'head' (Head)".
        arguments: what the code was called with, by name; None: not told.
    """
    if getattr(error, _EXPLAINED, False):
        raise error
    remedy = _remedy(error)
    if remedy is not None:
        explained = UserTypeError(f"{who()} {remedy}{_received(arguments)}")
        explained.__traceback__ = error.__traceback__
        explained.__suppress_context__ = bool(settings.get("traceback_filtering"))
        setattr(explained, _EXPLAINED, True)
        raise explained
    setattr(error, _EXPLAINED, True)
    if not _says_where(error, who()):
        error.add_note(f"Raised in {who().rstrip(',')}.{_received(arguments)}")
    raise error


def call(function: Callable[..., Any], who: Callable[[], str], *arguments: Any) -> Any:
    """`function(*arguments)`, a function that the user may have written.

    Args:
        function: what to call. who: makes the subject of a sentence.
        *arguments: for the function.
    """
    try:
        return function(*arguments)
    except Exception as error:
        named = {f"argument {i}": value for i, value in enumerate(arguments)}
        raise_explained(error, who, named)


def describe(value: Any) -> str:
    """A value as a message shows it: dtype and shape of tensors, structures of those."""
    if hasattr(value, "shape") and hasattr(value, "dtype"):
        return f"{value.dtype} {tuple(value.shape)}"
    if isinstance(value, Mapping):
        return "{" + _listed(f"{key!r}: {describe(v)}" for key, v in value.items()) + "}"
    if isinstance(value, (list, tuple)) and any(_holds_tensor(v) for v in value):
        left, right = "[]" if isinstance(value, list) else "()"
        return left + _listed(map(describe, value)) + right
    text = getattr(value, "__name__", None) or repr(value)
    return text if len(text) <= 80 else text[:77] + "..."


def _remedy(error: Exception) -> str | None:
    for kind, remedy in _REMEDIES:
        if isinstance(error, kind):
            return remedy
    if isinstance(error, AttributeError) and isinstance(error.obj, jax.Array):
        if error.name in ("numpy", "eval"):
            return _NO_VALUES.format(name=error.name)
    return None


def _says_where(error: Exception, who: str) -> bool:
    """Whether one of our own errors names the object already."""
    name = who.partition("'")[2].partition("'")[0]
    return isinstance(error, UserInputError) and bool(name) and name in str(error)


def _received(arguments: Mapping[str, Any] | None) -> str:
    if not arguments:
        return ""
    shown = "; ".join(f"{name}: {describe(value)}" for name, value in arguments.items())
    return f"\nCalled with {shown}"


def _holds_tensor(value: Any) -> bool:
    if isinstance(value, (list, tuple)):
        return any(map(_holds_tensor, value))
    return isinstance(value, Mapping) or hasattr(value, "shape")


def _listed(parts: Iterable[str]) -> str:
    parts = list(parts)
    more = [f"... ({len(parts)} in all)"] if len(parts) > _MOST_PARTS else []
    return ", ".join(parts[:_MOST_PARTS] + more)
