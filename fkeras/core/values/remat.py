"""Rematerialisation: what a call computed is computed again in the backward pass.

Less memory, since it is not kept, for more time.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import jax

from fkeras.core.scoped import Scoped
from fkeras.core.values import lending
from fkeras.errors import UserInputError

if TYPE_CHECKING:
    from types import TracebackType

    from flax import nnx

MODES = (None, "full", "activations", "larger_than", "list_of_layers")

_scopes: Scoped[tuple[RematScope, ...]] = Scoped(())


def remat(f: Callable[..., Any]) -> Callable[..., Any]:
    """`f` computing its intermediate values again in the backward pass.

    Less memory for more time: `jax.checkpoint` under Keras's name.

    Args:
        f: function of arrays, or a layer.

    Returns:
        A function of the same arguments.

    Examples:
        >>> import fkeras, jax, jax.numpy as jnp
        >>> float(jax.grad(fkeras.remat(jnp.sin))(0.0))
        1.0
    """
    return functools.wraps(f)(jax.checkpoint(f)) if hasattr(f, "__name__") else jax.checkpoint(f)


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


def call(
    fn: Callable[..., Any],
    variables: list[nnx.Variable],
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
) -> Any:
    """`fn(*args, **kwargs)` rematerialised; state that it writes to `variables` comes out.

    Args:
        fn: the function; only `args` are differentiated, beside the values of `variables`.
        variables: all that it reads and writes.
        args: arrays, or nested structures of them.
        kwargs: options; constants to JAX.
    """
    values = [v._raw_value for v in variables]

    # As arguments, since `jax.checkpoint` would keep closed-over values as constants.
    @jax.checkpoint
    def pure(values: list[jax.Array], args: tuple[Any, ...]) -> tuple[Any, list[jax.Array]]:
        return lending.call(lambda: fn(*args, **kwargs), variables, values)

    outputs, after = pure(values, args)
    for variable, old, new in zip(variables, values, after):
        if getattr(variable, "trainable", False) is False and new is not old:
            variable._raw_value = new
    return outputs
