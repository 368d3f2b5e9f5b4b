"""`Source`: what training asks of data, wherever they come from."""

from __future__ import annotations

import abc
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from fkeras.errors import UserTypeError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator
    from typing import TypeAlias

    import jax
    import numpy as np

    from fkeras.data.sparse import SparseRows
    from fkeras.types import ArrayLike, Nested

    Array: TypeAlias = np.ndarray | jax.Array | SparseRows
    # `(x,)`, `(x, y)` or `(x, y, sample_weight)`: structures of arrays, all with the samples first.
    Batch: TypeAlias = tuple[Nested[Array | None], ...]
    # What users pass. `Stream` is whatever can be iterated or indexed for batches.
    InMemory: TypeAlias = Nested[ArrayLike | "Frame" | "Series" | "SparseMatrix" | None]
    Stream: TypeAlias = Iterable[Any]


class Frame(Protocol):
    """A table of pandas, polars or anything alike."""

    columns: Iterable[Any]
    dtypes: Any

    def __len__(self) -> int: ...


class Series(Protocol):
    """One column of a table."""

    dtype: Any

    def to_numpy(self, dtype: Any = None) -> np.ndarray: ...

    def __len__(self) -> int: ...


class SparseMatrix(Protocol):
    """A matrix of SciPy, or a two-dimensional BCOO of JAX."""

    shape: tuple[int, ...]
    dtype: Any


def without_inputs(batch: Batch, keys: Collection[str]) -> Batch:
    """A batch without some keys of its dict of inputs."""
    inputs, *others = batch
    return {key: x for key, x in inputs.items() if key not in keys}, *others


class Source(abc.ABC):
    """Batches, epoch by epoch.

    Attributes:
        in_memory: whether all samples lie in memory: they can be taken in any order, and their
            shapes are known at once. Such a source is an `ArraySource`.
        steps: batches an epoch; None where unknown, or where the user's number decides.
        columns: dict from places of frames (`x`, `x['a']`, whatever messages call the argument) to
            the names of their columns.
        targets_hint: for an error about missing targets: what the user may have meant, or an empty
            string.
    """

    in_memory: ClassVar[bool]
    steps: int | None
    columns: dict[str, tuple[Any, ...]]
    targets_hint: str = ""

    @abc.abstractmethod
    def peek(self) -> Batch:
        """The first batch, which the next epoch will still have."""

    def leave_out(self, keys: Collection[str]) -> None:  # noqa: B027
        """Lets batches come without these keys of their dict of inputs, where the source can: they
        are of no use to the model.
        """

    def map_inputs(self, function: Callable[[Nested[Array]], Any]) -> None:
        """Lets batches come with `function` of their inputs in the place of these.

        Args:
            function: of nested arrays; it treats each row by itself, and what it has returned once
                it returns as it is.

        Raises:
            UserTypeError: a source of one's own that does not override this.
        """
        raise UserTypeError(
            f"{type(self).__name__} cannot feed a model with layers on the host (TextVectorization "
            "and its kin): override `map_inputs(function)`, or let the source yield what "
            "`model.host(x)` returns in the place of `x`."
        )

    def track(self) -> None:  # noqa: B027
        """Has the batches counted from now on, so that `position` can tell where they stand."""

    def position(self, done: int | None = None) -> dict[str, Any]:
        """Where the data stand, for `go_on` of the same data in another process. Arrays stand
        nowhere: they are taken by index.

        Args:
            done: batches used of the pass that goes on; None where there is none.
        """
        return {}

    def go_on(self, position: dict[str, Any]) -> None:  # noqa: B027
        """Goes to a position before the first epoch: the next one begins behind the batches that
        were used.
        """

    @abc.abstractmethod
    def epoch(self, order: np.ndarray | int | None = None) -> Iterator[Batch]:
        """The batches of an epoch.

        Args:
            order: of the samples, for data in memory; the number of the epoch, for streams.
        """
