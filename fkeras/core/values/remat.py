"""Rematerialisation: what a call computed is computed again in the backward pass, instead of being
kept.
"""

import functools
import threading

import jax

from fkeras.core.values import lending
from fkeras.errors import UserInputError

MODES = (None, "full", "activations", "larger_than", "list_of_layers")


def remat(f):
    """`f` computing its intermediate values again in the backward pass: less memory for more time.
    `jax.checkpoint` under Keras's name.

    Args:
        f: function of arrays, or a layer.

    Examples:
        >>> import fkeras, jax, jax.numpy as jnp
        >>> float(jax.grad(fkeras.remat(jnp.sin))(0.0))
        1.0
    """
    return functools.wraps(f)(jax.checkpoint(f)) if hasattr(f, "__name__") else jax.checkpoint(f)


class _Open(threading.local):
    scopes: tuple = ()


_open = _Open()


class RematScope:
    """Layers made inside rematerialise their calls.

    Args:
        mode: 'full' or 'activations' for all layers, 'larger_than' for those whose output has more
            than `output_size_threshold` elements, 'list_of_layers' for those named in
            `layer_names`, None for none.
        output_size_threshold: number of elements.
        layer_names: list of names.
    """

    def __init__(self, mode="full", output_size_threshold=1024, layer_names=None):
        if mode not in MODES:
            raise UserInputError(f"Invalid mode '{mode}'. Supported modes are: {MODES}")
        self.mode, self.output_size_threshold, self.layer_names = (
            mode,
            output_size_threshold,
            layer_names or [],
        )

    def __enter__(self):
        _open.scopes += (self,)
        return self

    def __exit__(self, *exc):
        _open.scopes = _open.scopes[:-1]


def current():
    """The innermost open scope, or None."""
    return _open.scopes[-1] if _open.scopes and _open.scopes[-1].mode is not None else None


def call(fn, variables, args, kwargs):
    """`fn(*args, **kwargs)` rematerialised; state that it writes to `variables` comes out."""
    values = [v._raw_value for v in variables]

    @jax.checkpoint
    def pure(values, args):
        return lending.call(lambda: fn(*args, **kwargs), variables, values)

    outputs, after = pure(values, args)
    for variable, old, new in zip(variables, values, after):
        if getattr(variable, "trainable", False) is False and new is not old:
            variable._raw_value = new
    return outputs
