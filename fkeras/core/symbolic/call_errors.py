"""What to say when the call of an op fails: which op, on what, and which axis does not fit."""

from __future__ import annotations

import inspect
import itertools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from fkeras.errors import UserInputError, UserTypeError


def explain(
    fn: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any], error: Exception
) -> UserInputError:
    """The error to raise from `error`, which was met in `fn(*args, **kwargs)`.

    A `UserTypeError` for a TypeError.
    """
    arguments = _named_arguments(fn, args, kwargs)
    arrays = [(name, value) for name, value in arguments if hasattr(value, "shape")]
    received = ", ".join(f"{name}={_describe(value)}" for name, value in arguments)
    reason = str(error).strip()
    misfit = _describe_misfit(arrays) if "broadcast" in reason else None
    if misfit:
        return UserInputError(f"{fn.__name__}: {misfit}\nReceived: {received}")
    if any(None in value.shape for _, value in arrays):
        reason += "\nUnknown dimensions (None) were tried as 840."
    kind = UserTypeError if isinstance(error, TypeError) else UserInputError
    return kind(f"{fn.__name__}: {reason}\nReceived: {received}")


def _named_arguments(
    fn: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any]
) -> list[tuple[str, Any]]:
    """Pairs of a name and a value, lists of arrays spread out."""
    try:
        named = inspect.signature(fn).bind(*args, **kwargs).arguments
    except TypeError:  # the call itself does not fit the signature
        named = {**{f"argument {i}": value for i, value in enumerate(args)}, **kwargs}
    pairs = []
    for name, value in named.items():
        if isinstance(value, (list, tuple)) and any(hasattr(v, "shape") for v in value):
            pairs += [(f"{name}[{i}]", v) for i, v in enumerate(value[:8])]
        else:
            pairs.append((name, value))
    return pairs


def _describe(value: Any) -> str:
    if hasattr(value, "shape") and hasattr(value, "dtype"):
        return f"{value.dtype} {tuple(value.shape)}"
    text = getattr(value, "__name__", None) or repr(value)
    return text if len(text) <= 80 else text[:77] + "..."


def _describe_misfit(arrays: Sequence[tuple[str, Any]]) -> str | None:
    """The first two arrays whose shapes do not broadcast, and where."""
    for (name1, x1), (name2, x2) in itertools.combinations(arrays, 2):
        for axis in range(1, min(len(x1.shape), len(x2.shape)) + 1):  # from the last one
            m = x1.shape[-axis]
            n = x2.shape[-axis]
            if m != n and m not in (1, None) and n not in (1, None):
                return (
                    f"shapes {tuple(x1.shape)} ({name1}) and {tuple(x2.shape)} ({name2}) do "
                    f"not fit together at axis -{axis}: {m} against {n}. Sizes must be equal, "
                    "or one of them 1."
                )
    return None
