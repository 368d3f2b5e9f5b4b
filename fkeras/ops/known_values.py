"""Looking at values where that is possible: outside of traces, and on this host."""

import jax
import numpy as np


def known_values(x: object) -> np.ndarray | None:
    """The values of an array; None inside a trace and for arrays that lie on several hosts.

    Waits for the device.
    """
    # A Python number, too, is known: it has no attribute `is_fully_addressable`.
    if isinstance(x, jax.core.Tracer) or not getattr(x, "is_fully_addressable", True):
        return None
    return np.asarray(x)
