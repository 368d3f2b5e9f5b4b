"""Matplotlib, which draws figures: loaded when it is needed."""

from __future__ import annotations

from types import ModuleType


def load_pyplot(user: str) -> ModuleType:
    """The module `matplotlib.pyplot`.

    Args:
        user: what needs it, for the error.

    Raises:
        ImportError: Matplotlib is not installed.
    """
    try:
        import matplotlib.pyplot as pyplot
    except ImportError as error:
        raise ImportError(
            f"{user} needs Matplotlib: `pip install matplotlib`, or "
            "`pip install fkeras[visualization]`."
        ) from error
    return pyplot
