"""Ways to begin a dataset: the methods that are called on the class."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from fkeras.core import dtypes
from fkeras.data.pipeline import combining, files, ordering, sources
from fkeras.data.pipeline.node import Node, checked_int
from fkeras.errors import UserInputError, UserTypeError

if TYPE_CHECKING:
    from fkeras.data.pipeline.dataset import Dataset

_MOST_AT_ONCE = 10**6  # numbers of a range that are kept as one array


class Creating:
    """The class methods of `Dataset`."""

    node: Node

    @staticmethod
    def _make(node: Node) -> Dataset:
        raise UserTypeError("Use `fkeras.data.Dataset`.")

    @classmethod
    def from_tensor_slices(cls, tensors: Any, name: str | None = None) -> Dataset:
        """The rows of arrays.

        Args:
            tensors: arrays, lists, frames, in tuples and dicts; all with the same number of rows.
                They are not copied. A list is one array; Python's numbers become 32-bit ones, and
                strings bytes.
            name: accepted in every method, without effect.

        Raises:
            UserInputError: lengths differ, or there is nothing to cut.

        Examples:
            >>> from fkeras import data
            >>> dataset = data.Dataset.from_tensor_slices(([[1, 2], [3, 4]], ["a", "b"]))
            >>> for x, label in dataset:
            ...     print(x.numpy(), label.numpy())
            [1 2] b'a'
            [3 4] b'b'
        """
        return cls._make(sources.slices(tensors))

    @classmethod
    def from_tensors(cls, tensors: Any, name: str | None = None) -> Dataset:
        """A single element."""
        return cls._make(sources.Single(tensors))

    @classmethod
    def from_generator(
        cls,
        generator: Callable[..., Any],
        output_types: Any = None,
        output_shapes: Any = None,
        args: Sequence[Any] | None = None,
        output_signature: Any = None,
        name: str | None = None,
    ) -> Dataset:
        """What a generator yields.

        Args:
            generator: function that returns an iterable; called anew for each pass.
            output_types: dtypes in the structure of an element, to which values are cast; None to
                take what comes.
            output_shapes: shapes in that structure, None in them for any length.
            args: what the function is called with.
            output_signature: `TensorSpec`s in that structure, instead of the two.

        Raises:
            UserInputError: while reading, for an element that does not fit.

        Examples:
            >>> from fkeras import data
            >>> def count():
            ...     for i in range(3):
            ...         yield i, [i] * i
            >>> spec = (data.TensorSpec((), "int32"), data.TensorSpec((None,), "float32"))
            >>> dataset = data.Dataset.from_generator(count, output_signature=spec)
            >>> [x.tolist() for i, x in dataset]
            [[], [1.0], [2.0, 2.0]]
        """
        if not callable(generator):
            raise UserTypeError(
                "Dataset.from_generator: pass the function, not what it returns, so that each pass "
                f"can begin anew: `from_generator(lambda: ...)`. Received: {generator!r}"
            )
        signature = sources.signature(output_types, output_shapes, output_signature)
        return cls._make(sources.Generated(generator, tuple(args or ()), signature))

    @classmethod
    def range(cls, *args: int, output_type: Any = "int64", name: str | None = None) -> Dataset:
        """Whole numbers: `range(stop)`, `range(start, stop)`, `range(start, stop, step)`."""
        if not 1 <= len(args) <= 3:
            raise UserTypeError(f"Dataset.range: expected 1 to 3 numbers. Received: {args}")
        numbers = range(*[checked_int(a, "Dataset.range: each argument", -(2**63)) for a in args])
        dtype = dtypes.standardize_dtype(output_type)
        if len(numbers) <= _MOST_AT_ONCE:
            return cls._make(sources.Numbers(numbers, dtype))
        endless = sources.Counter(numbers.start, numbers.step, dtype)
        return cls._make(ordering.Take(endless, len(numbers)))

    @classmethod
    def counter(
        cls, start: int = 0, step: int = 1, dtype: Any = "int64", name: str | None = None
    ) -> Dataset:
        """Whole numbers without end."""
        return cls._make(sources.Counter(start, step, dtypes.standardize_dtype(dtype)))

    @classmethod
    def random(
        cls,
        seed: int | None = None,
        rerandomize_each_iteration: bool | None = None,
        name: str | None = None,
    ) -> Dataset:
        """Random whole numbers in [0, 2**32) without end."""
        return cls._make(sources.Draws(seed, bool(rerandomize_each_iteration)))

    @classmethod
    def zip(cls, *args: Any, datasets: Any = None, name: str | None = None) -> Dataset:
        """Elements of several datasets side by side, up to the end of the shortest.

        Args:
            args: datasets; or one tuple or dict of them, nested at will.
            datasets: the same by its name.

        Examples:
            >>> from fkeras import data
            >>> a, b = data.Dataset.range(3), data.Dataset.range(10, 20)
            >>> [(int(x), int(y)) for x, y in data.Dataset.zip(a, b)]
            [(0, 10), (1, 11), (2, 12)]
        """
        if not args and datasets is None:
            raise UserTypeError("Dataset.zip: received no dataset.")
        structure = datasets if not args else args[0] if len(args) == 1 else args
        return cls._make(combining.zipped(structure))

    @classmethod
    def list_files(
        cls,
        file_pattern: Any,
        shuffle: bool | None = None,
        seed: int | None = None,
        name: str | None = None,
    ) -> Dataset:
        """The names of the files that match patterns.

        Args:
            file_pattern: one or several of those that `glob` knows: `'data/*/*.jpg'`.
            shuffle: False for sorted names; None and True for a new order at each pass.
            seed: of the order.

        Raises:
            UserInputError: no file matches.
        """
        found = cls.from_tensor_slices(files.matching_files(file_pattern))
        return found if shuffle is not None and not shuffle else found.shuffle(len(found), seed)

    @classmethod
    def sample_from_datasets(
        cls,
        datasets: Sequence[Dataset],
        weights: Any = None,
        seed: int | None = None,
        stop_on_empty_dataset: bool = False,
        rerandomize_each_iteration: bool | None = None,
    ) -> Dataset:
        """Elements of several datasets, each time from one that is drawn.

        Args:
            datasets: at least one.
            weights: how often each is drawn, in proportion; None for equally often.
            seed: of the draws.
            stop_on_empty_dataset: whether the end of any is the end; else the others go on.
            rerandomize_each_iteration: whether each pass draws anew.
        """
        inputs = _nodes_of(datasets, "sample_from_datasets")
        anew = bool(rerandomize_each_iteration)
        return cls._make(combining.Sample(inputs, weights, seed, stop_on_empty_dataset, anew))

    @classmethod
    def choose_from_datasets(
        cls,
        datasets: Sequence[Dataset],
        choice_dataset: Dataset,
        stop_on_empty_dataset: bool = True,
    ) -> Dataset:
        """Elements of several datasets, each time from the one that `choice_dataset` says."""
        inputs = _nodes_of(datasets, "choose_from_datasets")
        return cls._make(combining.Choose(inputs, choice_dataset.node, stop_on_empty_dataset))


def _nodes_of(datasets: Sequence[Dataset], method: str) -> list[Node]:
    nodes = [getattr(dataset, "node", None) for dataset in datasets]
    if not nodes or not all(isinstance(node, Node) for node in nodes):
        raise UserInputError(
            f"{method}: expected a list of datasets. Received: "
            f"{[type(dataset).__name__ for dataset in datasets]}"
        )
    return nodes
