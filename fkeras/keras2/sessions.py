"""What there was around sessions of TensorFlow 1, and older names of settings. There are no
sessions: most of it does nothing.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

from fkeras.core import names
from fkeras.core.settings import image_data_format, set_image_data_format
from fkeras.core.warn_once import warn_user
from fkeras.errors import UserInputError

if TYPE_CHECKING:
    from fkeras.types import Tensor

_DATA_FORMATS = {"tf": "channels_last", "th": "channels_first"}


class Session:
    """What `get_session` returns: a session without effect, which scripts configure and close.

    `run` is an error that says what to do instead.
    """

    graph = None

    def run(self, *args: Any, **kwargs: Any) -> None:
        """An error: there is no graph to run, values are there when they are computed."""
        if args and isinstance(args[0], list | tuple) and not args[0]:
            return
        raise UserInputError(
            "There are no sessions: operations on arrays give their values at once, "
            "`K.get_value(x)` gives NumPy's, and `K.function(inputs, outputs)` runs a part of a "
            "graph."
        )

    def close(self) -> None:
        """Does nothing."""

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *error: object) -> None:
        return None


@functools.cache
def get_session(*args: Any) -> Session:
    """A session without effect: there is none on JAX."""
    warn_user("`K.get_session()`: there are no sessions on JAX; it has no effect.")
    return Session()


def set_session(session: Any) -> None:
    """Does nothing: there are no sessions."""
    warn_user("`K.set_session(...)`: there are no sessions on JAX; it has no effect.")


def manual_variable_initialization(value: bool) -> None:
    """Does nothing: weights have their first values when they are made."""
    warn_user("`K.manual_variable_initialization` has no effect: weights are drawn when made.")


def reset_uids() -> None:
    """Starts automatic names again."""
    names.reset()


def image_dim_ordering() -> str:
    """'tf' for channels last, 'th' for channels first: `image_data_format` as Keras 1 called it."""
    return "tf" if image_data_format() == "channels_last" else "th"


def set_image_dim_ordering(dim_ordering: str) -> None:
    """Sets `image_data_format` by the names of Keras 1: 'tf' or 'th'."""
    if dim_ordering not in _DATA_FORMATS:
        raise UserInputError(f"Expected 'tf' or 'th'. Received: {dim_ordering!r}")
    set_image_data_format(_DATA_FORMATS[dim_ordering])


def get_variable_shape(x: Tensor) -> tuple[int | None, ...]:
    """The static shape of a variable or tensor."""
    return tuple(x.shape)


def is_tensor(x: object) -> bool:
    """Whether `x` is an array, a variable or a symbolic tensor, and not a Python number or list."""
    return hasattr(x, "shape") and hasattr(x, "dtype")


def is_variable(x: object) -> bool:
    """Whether `x` is a variable."""
    return hasattr(x, "assign") and hasattr(x, "shape")
