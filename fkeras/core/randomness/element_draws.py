"""Draws for the elements of a pipeline, which threads may make in any order.

A generator that counted its draws would give the numbers to whichever thread comes first. Inside of
`drawing` its draw is a function of (its seed, the pass, the element's place, how often it drew for
the element).
"""

from __future__ import annotations

import struct
import zlib
from typing import TYPE_CHECKING

import numpy as np

from fkeras.core.scoped import Scoped

if TYPE_CHECKING:
    from contextlib import AbstractContextManager


class ElementDraws:
    """The draws for one element.

    Args:
        run: which pass over the pipeline it is.
        place: the element's, in the pass.
    """

    __slots__ = ("_counts", "_place", "_run")

    def __init__(self, run: int, place: int) -> None:
        self._run = run
        self._place = place
        self._counts: dict[int, int] = {}

    def next(self, drawer: object, root: int) -> np.ndarray:
        """uint32[2] for one draw.

        Args:
            drawer: the generator that draws.
            root: where its numbers start.
        """
        count = self._counts.get(id(drawer), 0)
        self._counts[id(drawer)] = count + 1
        word = zlib.crc32(struct.pack("<QQQ", self._run, self._place, count))
        return np.array([root, word], np.uint32)


_present: Scoped[ElementDraws | None] = Scoped(None)


def drawing(draws: ElementDraws) -> AbstractContextManager[ElementDraws | None]:
    """Context manager: an element is being made.

    Args:
        draws: its own.
    """
    return _present.inside(draws)


def present() -> ElementDraws | None:
    """Those of the element that is being made on this thread, on the host; or None."""
    return _present.value
