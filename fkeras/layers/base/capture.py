"""`Capture`: intermediate outputs of a pure call, by the paths of the layers that made them."""

from __future__ import annotations

import fnmatch
from typing import TYPE_CHECKING, Any

from fkeras.core import jax_private
from fkeras.errors import PureCallError, UserTypeError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from fkeras.layers.base.layer import Layer


class Capture:
    """Collects the outputs of the layers whose structural paths match.

    Args:
        patterns: a path, with `*`, `?` and `[...]` as in file names, or several: `"encoder/*"`.
        paths: structural paths of layers by their ids.

    Attributes:
        outputs: path -> list of the outputs of the calls, in their order.
    """

    def __init__(self, patterns: str | Sequence[str], paths: Mapping[int, str]) -> None:
        patterns = [patterns] if isinstance(patterns, str) else list(patterns)
        if not all(isinstance(pattern, str) for pattern in patterns):
            raise UserTypeError(
                "`capture` takes a path such as 'encoder/*', or a list of them. Received: "
                f"{patterns!r}"
            )
        self._patterns = patterns
        self._paths = paths
        self._opened_in = jax_private.current_trace()
        self.outputs: dict[str, list[Any]] = {}

    def collect(self, layer: Layer, outputs: Any) -> None:
        """Keeps a call's outputs, if the layer's path matches.

        Raises:
            PureCallError: the layer is called inside an inner transformation, from where its
                outputs cannot come out.
        """
        path = self._paths.get(id(layer))
        if path is not None and any(fnmatch.fnmatchcase(path, p) for p in self._patterns):
            self._keep(path, [outputs])

    def inner(self) -> Capture:
        """One for an inner trace, whose outputs are brought out and added to these."""
        return Capture(self._patterns, self._paths)

    def add(self, outputs: Mapping[str, list[Any]]) -> None:
        """Adds what an inner one collected."""
        for path, values in outputs.items():
            self._keep(path, values)

    def _keep(self, path: str, values: list[Any]) -> None:
        if jax_private.current_trace() is not self._opened_in:
            raise PureCallError(
                f"`capture` asks for the outputs of {path!r}, which is called inside an inner "
                "scan, cond, checkpoint, vmap or jit, from where they cannot come out. Return them "
                "from the inner function, use `fkeras.lift`, or leave this path out of the pattern."
            )
        self.outputs.setdefault(path, []).extend(values)
