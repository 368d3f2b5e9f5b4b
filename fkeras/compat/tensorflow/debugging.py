"""`tf.debugging`: assertions. On values that are known only when a program runs nothing is checked,
but what their shapes and dtypes tell.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from fkeras.compat.tensorflow.calls import is_traced, known, shape_of
from fkeras.compat.tensorflow.creation import convert_to_tensor
from fkeras.compat.tensorflow.dtypes import as_dtype
from fkeras.compat.tensorflow.notes import say_once, without_effect
from fkeras.errors import UserInputError, UserTypeError
from fkeras.types import DTypeLike, Tensor, TensorLike


def _is_unknown(*values: Any) -> bool:
    if not is_traced(*values):
        return False
    say_once(
        "tf.debugging",
        "assertions of tf.debugging on values inside of compiled steps are not checked.",
    )
    return True


def _fail(what: str, message: str | None, *values: Any) -> None:
    shown = ", ".join(str(v) if v.size <= 10 else f"{v.dtype} {v.shape}" for v in values)
    raise UserInputError(f"{message + ': ' if message else ''}{what}. Received: {shown}.")


def _comparison(name: str, holds: Callable[[Any, Any], Any], words: str):
    def check(
        x: TensorLike,
        y: TensorLike,
        message: str | None = None,
        summarize: int | None = None,
        name: str | None = None,
    ) -> None:
        if not _is_unknown(x, y):
            left, right = known(x, check.__name__), known(y, check.__name__)
            if not np.all(holds(left, right)):
                _fail(
                    f"{check.__name__}: x {words} y does not hold everywhere", message, left, right
                )

    check.__name__ = name
    return check


def _sign(name: str, holds: Callable[[Any], Any], words: str):
    def check(
        x: TensorLike,
        message: str | None = None,
        summarize: int | None = None,
        name: str | None = None,
    ) -> None:
        if not _is_unknown(x):
            value = known(x, check.__name__)
            if not np.all(holds(value)):
                _fail(f"{check.__name__}: x {words} does not hold everywhere", message, value)

    check.__name__ = name
    return check


def assert_near(
    x: TensorLike,
    y: TensorLike,
    rtol: float | None = None,
    atol: float | None = None,
    message: str | None = None,
    summarize: int | None = None,
    name: str | None = None,
) -> None:
    """Raises unless |x - y| <= atol + rtol * |y| everywhere; None: ten roundings of the dtype."""
    if _is_unknown(x, y):
        return
    left, right = known(x, "assert_near"), known(y, "assert_near")
    default = 10 * float(np.finfo(left.dtype).eps) if left.dtype.kind == "f" else 0
    rtol, atol = default if rtol is None else rtol, default if atol is None else atol
    if not np.all(np.abs(left - right) <= atol + rtol * np.abs(right)):
        _fail("assert_near: x and y are not nearly equal everywhere", message, left, right)


def assert_all_finite(x: TensorLike, message: str, name: str | None = None) -> Tensor:
    """`x`, unless infinity or NaN is among its elements: an error."""
    if not _is_unknown(x):
        value = known(x, "assert_all_finite")
        if not np.all(np.isfinite(value)):
            _fail("infinity or NaN", message, value)
    return x if hasattr(x, "dtype") else convert_to_tensor(x)


def assert_rank(
    x: TensorLike, rank: Any, message: str | None = None, name: str | None = None
) -> None:
    """Raises unless `x` has so many axes."""
    if len(shape_of(x)) != int(rank):
        raise UserInputError(
            f"{message or 'assert_rank'}: expected {int(rank)} axes; received shape {shape_of(x)}."
        )


def assert_rank_at_least(
    x: TensorLike, rank: Any, message: str | None = None, name: str | None = None
) -> None:
    """Raises where `x` has fewer axes."""
    if len(shape_of(x)) < int(rank):
        raise UserInputError(
            f"{message or 'assert_rank_at_least'}: expected at least {int(rank)} axes; received "
            f"shape {shape_of(x)}."
        )


def assert_shapes(
    shapes: Any,
    data: Any = None,
    summarize: Any = None,
    message: str | None = None,
    name: Any = None,
) -> None:
    """Raises unless tensors have these shapes: numbers, and letters that mean the same everywhere.

    Args:
        shapes: dict, or pairs, of a tensor and its shape.
        data: not used. summarize: not used.
        message: what stands before the error's text.
        name: not used.
    """
    sizes: dict[Any, int] = {}
    for tensor, wanted in shapes.items() if isinstance(shapes, dict) else shapes:
        shape = shape_of(tensor)
        wanted = tuple(wanted) if not isinstance(wanted, int) else (wanted,)
        fits = len(shape) == len(wanted) and all(
            w is None or w == "." or s == (w if isinstance(w, int) else sizes.setdefault(w, s))
            for s, w in zip(shape, wanted)
        )
        if not fits:
            raise UserInputError(
                f"{message or 'assert_shapes'}: expected {wanted}"
                f"{f' with {sizes}' if sizes else ''}; received shape {tuple(shape)}."
            )


def assert_type(
    tensor: TensorLike, tf_type: DTypeLike, message: str | None = None, name: str | None = None
) -> None:
    """Raises unless the tensor has this dtype."""
    dtype = getattr(tensor, "dtype", None) or convert_to_tensor(tensor).dtype
    if as_dtype(dtype) != as_dtype(tf_type):
        raise UserTypeError(f"{message or 'assert_type'}: expected {tf_type}; received {dtype}.")


def check_assert(
    condition: TensorLike, data: Any = None, summarize: int | None = None, name: str | None = None
) -> None:
    """Raises, with the data, where the condition is false: `tf.Assert`."""
    if not _is_unknown(condition) and not np.all(known(condition, "tf.Assert")):
        raise UserInputError(f"assertion failed: {data}")


def is_numeric_tensor(tensor: Any) -> bool:
    """Whether it is a tensor of numbers."""
    dtype = getattr(tensor, "dtype", None)
    return dtype is not None and as_dtype(dtype) not in ("string", "bool")


_IN_TF: dict[str, Any] = {
    "assert_equal": _comparison("assert_equal", lambda x, y: x == y, "=="),
    "assert_greater": _comparison("assert_greater", lambda x, y: x > y, ">"),
    "assert_less": _comparison("assert_less", lambda x, y: x < y, "<"),
    "assert_rank": assert_rank,
}
IN_CORE: dict[str, Any] = {**_IN_TF, "Assert": check_assert}
NAMES: dict[str, Any] = {
    **_IN_TF,
    "Assert": check_assert,
    "assert_all_finite": assert_all_finite,
    "assert_greater_equal": _comparison("assert_greater_equal", lambda x, y: x >= y, ">="),
    "assert_integer": lambda x, message=None, name=None: _assert_kind(x, "iu", "integers", message),
    "assert_less_equal": _comparison("assert_less_equal", lambda x, y: x <= y, "<="),
    "assert_near": assert_near,
    "assert_negative": _sign("assert_negative", lambda x: x < 0, "< 0"),
    "assert_non_negative": _sign("assert_non_negative", lambda x: x >= 0, ">= 0"),
    "assert_non_positive": _sign("assert_non_positive", lambda x: x <= 0, "<= 0"),
    "assert_none_equal": _comparison("assert_none_equal", lambda x, y: x != y, "!="),
    "assert_positive": _sign("assert_positive", lambda x: x > 0, "> 0"),
    "assert_rank_at_least": assert_rank_at_least,
    "assert_scalar": lambda tensor, message=None, name=None: assert_rank(tensor, 0, message),
    "assert_shapes": assert_shapes,
    "assert_type": assert_type,
    "check_numerics": assert_all_finite,
    "disable_check_numerics": without_effect("disable_check_numerics"),
    "disable_traceback_filtering": without_effect("disable_traceback_filtering"),
    "enable_check_numerics": without_effect(
        "tf.debugging.enable_check_numerics",
        "use `jax.config.update('jax_debug_nans', True)` or `keras.callbacks.TerminateOnNaN`.",
    ),
    "enable_traceback_filtering": without_effect("enable_traceback_filtering"),
    "is_numeric_tensor": is_numeric_tensor,
    "set_log_device_placement": without_effect("set_log_device_placement"),
}


def _assert_kind(x: TensorLike, kinds: str, words: str, message: str | None) -> None:
    dtype = np.dtype(getattr(x, "dtype", None) or convert_to_tensor(x).dtype)
    if dtype.kind not in kinds:
        raise UserTypeError(f"{message or 'tf.debugging'}: expected {words}; received {dtype}.")
