"""What several processes must agree on, before each of them chooses the next program.

All processes launch the same programs in the same order, or they wait for each other for ever.
What the data and the logs say is the same for all; what a clock, a key press or the end of a
process's own stream says is not.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import jax
import numpy as np

from fkeras.core import placement
from fkeras.core.nested import flatten
from fkeras.core.warn_once import warn_user
from fkeras.errors import UserInputError

if TYPE_CHECKING:
    from fkeras.core.placement import Distribution
    from fkeras.data import Source


def is_needed() -> bool:
    """Whether there are other processes."""
    return jax.process_count() > 1


def any_of(flag: bool) -> bool:
    """Whether any process says so. All of them must ask."""
    return bool(flag) if not is_needed() else bool(gather(int(flag)).any())


def gather(number: int) -> np.ndarray:
    """The numbers of all processes, in their order."""
    return placement.gather_from_processes(np.asarray(number, np.int32)).reshape(-1)


def gather_bytes(content: bytes) -> list[bytes]:
    """The bytes that all processes pass, in their order. All of them must ask."""
    if not is_needed():
        return [content]
    lengths = gather(len(content))
    padded = np.zeros(int(lengths.max()), np.uint8)
    padded[: len(content)] = np.frombuffer(content, np.uint8)
    rows = placement.gather_from_processes(padded)
    return [row[:length].tobytes() for row, length in zip(rows, lengths)]


def shared(
    batches: Iterator[Any], source: Source, distribution: Distribution | None
) -> Iterator[Any]:
    """The batches that all processes train on.

    Arrays are the same on each process. Of other sources each process has its own part: the batches
    are joined.
    """
    if source.in_memory or distribution is None or not is_needed():
        return batches
    return _joined(batches, distribution)


def _joined(batches: Iterator[Any], distribution: Distribution) -> Iterator[Any]:
    """The batches of all processes, joined in their order; ends where the first of them ends.

    Args:
        batches: this process's own.
        distribution: the rows are dealt out over it.

    Raises:
        UserInputError: processes give batches of different sizes.
    """
    while True:
        batch = next(batches, None)
        rows = gather(-1 if batch is None else _rows_of(batch))
        if (rows < 0).any():
            if (rows >= 0).any():
                ended = [int(process) for process in np.flatnonzero(rows < 0)]
                warn_user(
                    f"The data of processes {ended} ended before those of the others: the pass "
                    "ends here for all. Give each process as many batches."
                )
            return
        if len(set(rows.tolist())) > 1:
            raise UserInputError(
                "Each process must give as many rows a batch. The processes gave "
                f"{rows.tolist()}: cut the data evenly, and drop or fill up smaller batches."
            )
        yield placement.join_batches(batch, distribution)


def _rows_of(batch: Any) -> int:
    return next((x.shape[0] for x in flatten(batch) if getattr(x, "shape", ())), 0)
