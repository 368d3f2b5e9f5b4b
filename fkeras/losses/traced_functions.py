"""What to say where a user's loss or metric function cannot be traced."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import jax

from fkeras.errors import UserInputError

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextlib.contextmanager
def explained(what: str) -> Iterator[None]:
    """Context manager: JAX's errors about traced values become one that says what to write instead.

    Args:
        what: whose function it is, such as `Loss 'mine'`.

    Raises:
        UserInputError: NumPy, `if`, `float` and their kin on traced values.
    """
    try:
        yield
    except jax.errors.TracerArrayConversionError as error:
        raise UserInputError(
            f"{what} hands its arguments to NumPy, which cannot compute with traced values and "
            "knows no gradients. Use the function of `fkeras.ops` or `jax.numpy` with the same "
            "name."
        ) from error
    except jax.errors.ConcretizationTypeError as error:
        raise UserInputError(
            f"{what} asks for the value of what it computes, by `if`, `while`, `float()`, `int()` "
            "or the like, but is compiled before there are values. Choose by `fkeras.ops.where` or "
            "`fkeras.ops.cond`, and keep numbers as arrays; `compile(run_eagerly=True)` runs plain "
            "Python."
        ) from error
