"""A profile of some batches of a training, through JAX's profiler."""

from __future__ import annotations

from typing import Any

import jax

from fkeras.core.warn_once import warn_user
from fkeras.errors import UserInputError


def read_range(batches: int | str | tuple[int, int]) -> tuple[int, int]:
    """First and last batch to profile, counted from 1; (0, 0) for none.

    Args:
        batches: a number, a pair, or either as text: `'10,20'`.

    Raises:
        UserInputError: for anything else.

    Examples:
        >>> read_range(5), read_range((2, 3)), read_range("10,20")
        ((5, 5), (2, 3), (10, 20))
    """
    found: Any = batches
    if isinstance(found, str):
        parts = found.split(",")
        found = [int(part) for part in parts] if all(p.strip().isdigit() for p in parts) else None
        found = found[0] if found and len(found) == 1 else found
    if isinstance(found, int):
        found = (found, found)
    is_pair = isinstance(found, (tuple, list)) and len(found) == 2
    if not is_pair or not 0 <= found[0] <= found[1] or (found[0] == 0 < found[1]):
        raise UserInputError(
            "TensorBoard: `profile_batch` must be the number of a batch, a pair of first and last "
            f"batch, counted from 1, or 0 for none. Received: {batches!r}"
        )
    return found[0], found[1]


class Profiler:
    """Traces what runs between two batches, once.

    Args:
        first, last: batches, counted from 1 since the beginning of the training.
        folder: where the profile goes, under `plugins/profile`.
    """

    def __init__(self, first: int, last: int, folder: str) -> None:
        self._first, self._last = first, last
        self._folder = folder
        self._is_running = self._is_over = False

    def before_batch(self, batch: int) -> None:
        """Starts at the first batch."""
        if self._is_running or self._is_over or batch < self._first:
            return
        try:
            jax.profiler.start_trace(self._folder)
            self._is_running = True
        except Exception as error:  # such as another profile that is running: training goes on
            self._is_over = True
            warn_user(f"TensorBoard could not start the profiler: {error}")

    def after_batch(self, batch: int) -> None:
        """Stops after the last batch, whose results must be there."""
        if batch >= self._last:
            self.stop()

    def stop(self) -> None:
        """Stops, and writes the profile."""
        if not self._is_running:
            return
        self._is_running, self._is_over = False, True
        try:
            jax.profiler.stop_trace()
        except Exception as error:
            warn_user(f"TensorBoard could not write the profile: {error}")
