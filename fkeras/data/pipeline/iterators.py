"""`DatasetIterator`: one pass over a dataset, whose position can be kept and set."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from fkeras.data.pipeline.node import Node, RandomNode, Run
from fkeras.errors import UserInputError

if TYPE_CHECKING:
    from typing import Self


class DatasetIterator:
    """The elements of one pass over a dataset.

    `get_state()` is a dict that JSON can hold. An iterator of the same pipeline, in this process or
    another, that is given it with `set_state` goes on at the very element: orders are drawn again
    from their seeds, elements that went by are made again only where nothing else knows what comes
    next (`filter`, generators).

    Examples:
        >>> from fkeras import data
        >>> dataset = data.Dataset.range(6).shuffle(6, seed=1).batch(2)
        >>> elements = iter(dataset)
        >>> _ = next(elements)
        >>> state = elements.get_state()
        >>> expected = next(elements).tolist()
        >>> again = iter(dataset)
        >>> again.set_state(state)
        >>> next(again).tolist() == expected
        True
    """

    def __init__(self, node: Node, convert: Callable[[Any], Any] | None) -> None:
        self._node = node
        self._convert = convert
        self._run = Run()
        self._elements = node.open(self._run)
        self._position = 0

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Any:
        element = next(self._elements)
        self._position += 1
        return element if self._convert is None else self._convert(element)

    get_next = __next__

    def close(self) -> None:
        """Ends the pass; threads that read ahead stop."""
        close = getattr(self._elements, "close", None)
        self._elements = iter(())
        if close is not None:
            close()

    def get_state(self) -> dict[str, Any]:
        """The position, as a dict that JSON can hold.

        Returns:
            `elements`: how many came so far; `draws`: seed and number of the pass of each random
            step, the last step first.
        """
        starts = self._run.starts
        return {
            "elements": self._position,
            "draws": [
                [n.seed, starts.get(n, n.passes), n.passes] for n in _random_nodes(self._node)
            ],
        }

    def set_state(self, state: Mapping[str, Any]) -> None:
        """Goes to a position.

        Args:
            state: what `get_state` returned, of an iterator of the same pipeline.

        Raises:
            UserInputError: the state is of a pipeline with other random steps.
        """
        nodes = _random_nodes(self._node)
        if len(nodes) != len(state["draws"]):
            raise UserInputError(
                f"The state is of a dataset with {len(state['draws'])} random steps. This one has "
                f"{len(nodes)}: {self._node.describe()}"
            )
        self.close()
        starts = {}
        for node, (seed, start, passes) in zip(nodes, state["draws"]):
            node.seed = seed
            node.passes = passes
            starts[node] = start
        self._run = Run(starts)
        self._position = state["elements"]
        self._elements = self._node.open(self._run, self._position)


def _random_nodes(node: Node) -> list[RandomNode]:
    return [one for one in node.walk() if isinstance(one, RandomNode)]
