"""Methods that take a function of the user."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from fkeras.data.pipeline import functions
from fkeras.data.pipeline.creating import Creating
from fkeras.data.pipeline.functions import UserFunction
from fkeras.data.pipeline.node import AUTOTUNE, checked_int
from fkeras.errors import UserTypeError

if TYPE_CHECKING:
    from fkeras.data.pipeline.dataset import Dataset

_CYCLE = 4  # datasets that AUTOTUNE interleaves; a number of its own, so that orders are the same


class FunctionMethods(Creating):
    """The methods of `Dataset` that take functions.

    An element that is a tuple is passed as several arguments, a dict as one. Values are NumPy
    arrays with `numpy()`; results may be arrays of any library, numbers or strings. An error in a
    function is raised where the element is read, from the function's own line.
    """

    def map(
        self,
        map_func: Callable[..., Any],
        num_parallel_calls: int | None = None,
        deterministic: bool | None = None,
        synchronous: bool | None = None,
        use_unbounded_threadpool: bool = False,
        name: str | None = None,
    ) -> Dataset:
        """The results of a function of each element.

        Args:
            map_func: element -> element.
            num_parallel_calls: threads that compute ahead, which pays where the function reads
                files or works in NumPy or Pillow; `AUTOTUNE` for threads where it is slow.
            deterministic, synchronous, use_unbounded_threadpool: accepted; the order is always
                kept.

        Examples:
            >>> from fkeras import data
            >>> dataset = data.Dataset.from_tensor_slices(([1.0, 2.0], [0, 1]))
            >>> [(float(x), int(y)) for x, y in dataset.map(lambda x, y: (x * 10, y))]
            [(10.0, 0), (20.0, 1)]
        """
        name_of_parallel = "Dataset.map: `num_parallel_calls`"
        parallel = checked_int(num_parallel_calls, name_of_parallel, 1, (None, AUTOTUNE))
        return self._make(functions.Map(self.node, UserFunction(map_func, "map"), parallel))

    def filter(self, predicate: Callable[..., Any], name: str | None = None) -> Dataset:
        """The elements that a function says True to."""
        return self._make(functions.Filter(self.node, UserFunction(predicate, "filter")))

    def take_while(self, predicate: Callable[..., Any], name: str | None = None) -> Dataset:
        """The elements up to the first that a function says False to."""
        function = UserFunction(predicate, "take_while")
        return self._make(functions.Filter(self.node, function, until=True))

    def flat_map(self, map_func: Callable[..., Any], name: str | None = None) -> Dataset:
        """The elements of the datasets that a function makes, one dataset after the other.

        Examples:
            >>> from fkeras import data
            >>> windows = data.Dataset.range(4).window(3, shift=1, drop_remainder=True)
            >>> [x.tolist() for x in windows.flat_map(lambda window: window.batch(3))]
            [[0, 1, 2], [1, 2, 3]]
        """
        return self._make(functions.FlatMap(self.node, UserFunction(map_func, "flat_map")))

    def interleave(
        self,
        map_func: Callable[..., Any],
        cycle_length: int | None = None,
        block_length: int | None = None,
        num_parallel_calls: int | None = None,
        deterministic: bool | None = None,
        name: str | None = None,
    ) -> Dataset:
        """The elements of the datasets that a function makes, a few of each in turn.

        Args:
            map_func: element -> dataset.
            cycle_length: datasets that are open at once; None and `AUTOTUNE` for 4.
            block_length: elements of one at a time; None for 1.
            num_parallel_calls, deterministic: accepted; the order is always kept.
        """
        cycle = checked_int(cycle_length, "Dataset.interleave: `cycle_length`", 1, (None, AUTOTUNE))
        block = checked_int(block_length, "Dataset.interleave: `block_length`", 1, (None,))
        function = UserFunction(map_func, "interleave")
        cycle = _CYCLE if cycle in (None, AUTOTUNE) else cycle
        return self._make(functions.Interleave(self.node, function, cycle, block or 1))

    def scan(
        self, initial_state: Any, scan_func: Callable[..., Any], name: str | None = None
    ) -> Dataset:
        """Results of a function (state, element) -> (new state, result)."""
        function = UserFunction(scan_func, "scan")
        return self._make(functions.Scan(self.node, initial_state, function))

    def reduce(
        self, initial_state: Any, reduce_func: Callable[..., Any], name: str | None = None
    ) -> Any:
        """The last state of a function (state, element) -> new state.

        Examples:
            >>> from fkeras import data
            >>> int(data.Dataset.range(5).reduce(0, lambda total, x: total + x))
            10
        """
        return functions.reduce(self.node, initial_state, UserFunction(reduce_func, "reduce"))

    def apply(
        self, transformation_func: Callable[[Dataset], Dataset], name: str | None = None
    ) -> Dataset:
        """`transformation_func(self)`, which must be a dataset."""
        result = transformation_func(self)
        if not isinstance(result, FunctionMethods):
            raise UserTypeError(
                "Dataset.apply: the function must return a Dataset. Received: "
                f"{type(result).__name__}"
            )
        return result
