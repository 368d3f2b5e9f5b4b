"""Rematerialisation: what a call computed is computed again in the backward pass.

Less memory, since it is not kept, for more time.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias, Union

import jax

from fkeras.core.scoped import Scoped
from fkeras.errors import UserInputError

if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from types import TracebackType

# Which values of a call are kept for the backward pass.
RematPolicy: TypeAlias = Union[bool, str, "Callable[..., bool]", None]
# What `compile(remat=)` takes.
RematLike: TypeAlias = Union[RematPolicy, "RematScope", "Mapping[str, Any]"]

POLICIES = (
    "everything_saveable",
    "nothing_saveable",
    "dots_saveable",
    "checkpoint_dots",
    "dots_with_no_batch_dims_saveable",
    "checkpoint_dots_with_no_batch_dims",
)

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
        self.policy: Callable[..., bool] | None = None  # what is kept all the same
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


def policy_of(remat: RematPolicy, owner: str) -> Callable[..., bool] | None:
    """The policy for `jax.checkpoint`; None where nothing is kept.

    Args:
        remat: True, 'full', a name of one of JAX's policies, or a policy.
        owner: who asks, for the error.

    Raises:
        UserInputError: a name that is none of JAX's policies, or no policy at all.
    """
    if remat is None or isinstance(remat, bool) or remat == "full":
        return None
    if isinstance(remat, str) and remat in POLICIES:
        return getattr(jax.checkpoint_policies, remat)
    if callable(remat):
        return remat
    raise UserInputError(
        f"{owner}: `remat` must be True, 'full', None, a function of `jax.checkpoint_policies` or "
        f"one of the names {POLICIES}. Received: remat={remat!r}"
    )


# -- a whole model's -----------------------------------------------------------


def scope_of_model(remat: RematLike) -> RematScope | None:
    """The scope that `compile(remat=)` stands for; None where nothing is computed again.

    Raises:
        UserInputError: an unknown mode or policy, a list of layers without names.
    """
    if isinstance(remat, Mapping):
        remat = RematScope(**remat)
    elif remat in ("larger_than", "activations"):
        remat = RematScope(remat)
    if isinstance(remat, RematScope):
        return None if remat.mode is None else remat
    if remat == "list_of_layers":
        raise UserInputError(
            "compile: `remat='list_of_layers'` needs the names of the layers: "
            "`remat=fkeras.RematScope('list_of_layers', layer_names=[...])`."
        )
    if remat is None or remat is False:
        return None
    scope = RematScope("full")
    scope.policy = policy_of(remat, "compile")
    return scope


def config_of_model(remat: RematLike) -> Any:
    """What `compile(remat=)` was given, as it can stand in a file."""
    if isinstance(remat, RematScope):
        return {
            "mode": remat.mode,
            "output_size_threshold": remat.output_size_threshold,
            "layer_names": list(remat.layer_names),
        }
    names = [name for name in POLICIES if getattr(jax.checkpoint_policies, name) is remat]
    return names[0] if names else remat


_model: Scoped[RematScope | None] = Scoped(None)


def applied_to_model(scope: RematScope | None) -> AbstractContextManager[RematScope | None]:
    """Context manager: outermost calls opened inside, on this thread, follow this scope."""
    return _model.inside(scope)


def of_model() -> RematScope | None:
    """The scope of a whole model that counts here, or None."""
    return _model.value
