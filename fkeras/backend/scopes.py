"""`device` and `name_scope`: where arrays are made, and what the paths of variables start with."""

import contextlib

import jax

from fkeras.core import names
from fkeras.core.scoped import Scoped
from fkeras.errors import UserInputError


def device(device_name):
    """Context manager: arrays and variables made inside live on one device.

    Args:
        device_name: `'cpu'`, `'gpu:0'`, `'tpu:1'` ... (the index among this process's devices, 0 by
            default), or a `jax.Device`.

    Raises:
        UserInputError: there is no such device here.

    Examples:
        >>> import fkeras
        >>> with fkeras.device("cpu:0"):
        ...     x = fkeras.ops.ones((2,))
        >>> x.device.platform
        'cpu'
    """
    return jax.default_device(_find_device(device_name))


def _find_device(name):
    if isinstance(name, jax.Device):
        return name
    if not isinstance(name, str):
        raise UserInputError(
            "Invalid value for argument `device_name`. Expected a string like 'gpu:0' or a "
            f"`jax.Device` instance. Received: device_name={name!r}"
        )
    kind, _, index = name.lower().partition(":")
    try:
        there = jax.local_devices(backend="gpu" if kind == "cuda" else kind)
        return there[int(index or 0)]
    except (RuntimeError, ValueError, IndexError):
        known = dict.fromkeys(
            ["cpu:0", *(f"{d.platform}:{i}" for i, d in enumerate(jax.local_devices()))]
        )
        raise UserInputError(
            f"device: there is no {name!r} in this process. There are: {', '.join(known)}."
        ) from None


class name_scope:  # noqa: N801  Keras's name
    """Context manager: the paths of variables made inside start with `name/`.

    Args:
        name: one part of a path, without `/`.
        caller: object on whose behalf the scope opens; one that opens the innermost scope again
            adds nothing.
        deduplicate: False adds the name all the same.
        override_parent: absolute path that takes the place of all outer scopes.

    Examples:
        >>> import fkeras
        >>> with fkeras.name_scope("encoder"):
        ...     v = fkeras.Variable(0.0, name="scale")
        >>> v.path
        'encoder/scale'
    """

    def __init__(self, name, caller=None, deduplicate=True, override_parent=None):
        if not isinstance(name, str) or "/" in name:
            raise UserInputError(
                "Argument `name` must be a string and cannot contain character `/`. Received: "
                f"name={name}"
            )
        self.name, self.caller, self.deduplicate, self.override_parent = (
            name,
            caller,
            deduplicate,
            override_parent,
        )
        self._opened: list = []

    def __enter__(self):
        here = (self.name, self.caller)
        stack = contextlib.ExitStack()
        if not (self.deduplicate and self.caller is not None and _innermost.value == here):
            stack.enter_context(names.scope(self.name, self.override_parent))
        stack.enter_context(_innermost.inside(here))
        self._opened.append(stack)
        return self

    def __exit__(self, *exc):
        self._opened.pop().close()


# The name and the caller of the innermost scope.
_innermost: Scoped[tuple[str, object] | None] = Scoped(None)
