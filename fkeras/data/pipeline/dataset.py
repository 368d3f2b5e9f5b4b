"""`Dataset`: a pipeline's face, with tf.data's names."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from fkeras.data.pipeline.host_array import HostArray, wrap
from fkeras.data.pipeline.iterators import DatasetIterator
from fkeras.data.pipeline.methods_of_functions import FunctionMethods
from fkeras.data.pipeline.methods_of_groups import GroupMethods
from fkeras.data.pipeline.methods_of_order import OrderMethods
from fkeras.data.pipeline.node import INFINITE_CARDINALITY, UNKNOWN_CARDINALITY, Node
from fkeras.errors import UserInputError, UserTypeError


class Dataset(OrderMethods, FunctionMethods, GroupMethods):
    """Elements that come one after the other, made when they are asked for.

    The names and meanings are tf.data's, the values are NumPy's: no TensorFlow, and JAX is not
    called for any element. A dataset is begun by a class method (`from_tensor_slices`,
    `from_generator`, `range`, `list_files`, ...); every other method returns a new dataset. `fit`,
    `evaluate` and `predict` take it as it is, in batches `x`, `(x, y)` or `(x, y, sample_weight)`.

    Batches of arrays in memory are cut out of the arrays, also where `shuffle`, `repeat`, `take`,
    `skip` or `shard` stand between: no Python runs for each element.

    Args:
        node: what makes the elements. The class methods make it.

    Attributes:
        node: the same.

    Examples:
        >>> import numpy as np
        >>> from fkeras import data
        >>> x, y = np.arange(10.0).reshape(5, 2), np.arange(5)
        >>> dataset = data.Dataset.from_tensor_slices((x, y)).batch(2)
        >>> len(dataset), [batch_y.tolist() for _, batch_y in dataset]
        (3, [[0, 1], [2, 3], [4]])
    """

    def __init__(self, node: Node) -> None:
        if not isinstance(node, Node):
            raise UserTypeError(
                "Dataset: begin one with a class method, such as `Dataset.from_tensor_slices(...)` "
                f"or `Dataset.from_generator(...)`. Received: {type(node).__name__}"
            )
        self.node = node

    @staticmethod
    def _make(node: Node) -> Dataset:
        return Dataset(node)

    def __iter__(self) -> DatasetIterator:
        return DatasetIterator(self.node, wrap)

    def as_numpy_iterator(self) -> DatasetIterator:
        """The elements as plain NumPy arrays, scalars and bytes."""
        return DatasetIterator(self.node, None)

    def get_single_element(self, name: str | None = None) -> Any:
        """The only element.

        Raises:
            UserInputError: there is none, or more than one.
        """
        found = list(self.take(2))
        if len(found) != 1:
            count = "no element" if not found else "more than one element"
            raise UserInputError(f"Dataset.get_single_element: the dataset has {count}.")
        return found[0]

    def cardinality(self, name: str | None = None) -> HostArray:
        """How many elements there are: a whole number; -1 for no end, -2 where it is not known."""
        return wrap(np.int64(self.node.count()))

    def __len__(self) -> int:
        count = self.node.count()
        if count == INFINITE_CARDINALITY:
            raise TypeError("The dataset has no end: it has no length. `take(n)` gives it one.")
        if count == UNKNOWN_CARDINALITY:
            raise TypeError(
                f"The length of the dataset {self.node.describe()} is not known before it was read "
                "(a generator or a `filter` is in it). `sum(1 for _ in dataset)` counts."
            )
        return count

    def __bool__(self) -> bool:
        return True

    @property
    def element_spec(self) -> Any:
        """`TensorSpec`s in the structure of an element; where a function is in between, found by
        calling it on the first element.
        """
        return self.node.spec()

    def options(self) -> None:
        """There are none: tf.data's are about its run time."""

    def with_options(self, options: Any, name: str | None = None) -> Dataset:
        """The dataset itself: tf.data's options have no meaning here."""
        return self

    def __repr__(self) -> str:
        count = self.node.count()
        known = {INFINITE_CARDINALITY: "no end", UNKNOWN_CARDINALITY: "length unknown"}
        return f"<Dataset {self.node.describe()}: {known.get(count, f'{count} elements')}>"

    def __reversed__(self) -> Iterator[Any]:
        raise TypeError("A Dataset is read from its beginning; it cannot be reversed.")
