"""Rematerialisation: what a call computed is computed again in the backward pass.

Less memory, since it is not kept, for more time.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from fkeras.core.scoped import Scoped
from fkeras.errors import UserInputError

if TYPE_CHECKING:
    from types import TracebackType


MODES = (None, "full", "activations", "larger_than", "list_of_layers")

_scopes: Scoped[tuple[RematScope, ...]] = Scoped(())


class RematScope:
    """Layers made inside rematerialise their calls.

    Args:
        mode: 'full' or 'activations' for all layers, 'larger_than' for those whose output has more
            than `output_size_threshold` elements, 'list_of_layers' for those named in
            `layer_names`, None for none.
        output_size_threshold: number of elements.
        layer_names: list of names.

    Raises:
        UserInputError: an unknown mode.

    Examples:
        >>> import fkeras
        >>> with fkeras.RematScope("larger_than", output_size_threshold=2048):
        ...     layer = fkeras.layers.Dense(4)
    """

    def __init__(
        self,
        mode: str | None = "full",
        output_size_threshold: int = 1024,
        layer_names: Sequence[str] | None = None,
    ) -> None:
        if mode not in MODES:
            raise UserInputError(f"Invalid mode '{mode}'. Supported modes are: {MODES}")
        self.mode = mode
        self.output_size_threshold = output_size_threshold
        self.layer_names = layer_names or []

    def __enter__(self) -> RematScope:
        _scopes.value = (*_scopes.value, self)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        _scopes.value = _scopes.value[:-1]


def current() -> RematScope | None:
    """The innermost open scope, or None (also where that scope's mode is None)."""
    scopes = _scopes.value
    return scopes[-1] if scopes and scopes[-1].mode is not None else None
