"""The arguments of `fit`, `evaluate` and `predict`: what they may be, and what limits them."""

from __future__ import annotations

import functools
import inspect
import math
from collections.abc import Callable, Collection
from typing import TYPE_CHECKING, Any

import jax
import numpy as np

from fkeras import data as data_module
from fkeras.callbacks import BackupAndRestore, TerminateOnNaN
from fkeras.core import messages, settings
from fkeras.core.nested import flatten
from fkeras.core.warn_once import warn_user
from fkeras.data.packing import unpack_x_y_sample_weight
from fkeras.errors import UserInputError, UserTypeError, nearest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fkeras.callbacks import Callback, CallbackList
    from fkeras.data import Source

    Data = Any  # arrays, frames, structures of those, or iterables of batches
    Callbacks = CallbackList | Callback | Sequence[Callback] | None


def verbosity(verbose: str | int | bool) -> int:
    """0 silent, 1 progress bar, 2 one line an epoch; 'auto' is 1, or 2 where interactive logging
    is off (`fkeras.config.disable_interactive_logging`).
    """
    if verbose == "auto":
        return messages.auto_verbosity()
    if verbose not in (0, 1, 2):
        raise UserInputError(f"`verbose` must be 'auto', 0, 1 or 2. Received: {verbose!r}")
    return int(verbose)


def count(name: str, value: Any) -> int:
    """An int of 0 or more."""
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < 0:
        raise UserInputError(f"`{name}` must be an int of 0 or more. Received: {name}={value!r}")
    return int(value)


def limited_epochs(epochs: int) -> int:
    """`epochs` within `fkeras.config.max_epochs`."""
    limit = settings.get("max_epochs")
    if not limit or limit >= epochs:
        return epochs
    warn_user(f"`fkeras.config.set_max_epochs({limit})` limits the {epochs} epochs to {limit}.")
    return limit


def limited_steps(steps: float | None, source: Source) -> int | None:
    """`steps` (None: all of the source) within `fkeras.config.max_steps_per_epoch`."""
    if steps is not None:
        steps = math.ceil(steps)  # a fraction was told when the source was made
    limit = settings.get("max_steps_per_epoch")
    if not limit:
        return steps
    wanted = steps if steps is not None else source.steps
    return limit if wanted is None or limit < wanted else steps


def refuse_unknown(function: Callable, unknown: Collection[str]) -> None:
    """Raises `UserTypeError` for arguments that a method does not have, with the nearest it has."""
    if not unknown:
        return
    parameters = list(inspect.signature(function).parameters.values())[1:]
    known = [p.name for p in parameters if p.kind is not inspect.Parameter.VAR_KEYWORD]
    hints = []
    for name in unknown:
        close = nearest(name, known)
        if close:
            hints.append(f"Did you mean '{close[0]}' by '{name}'?")
    if len(hints) < len(unknown):
        hints.append(f"Its arguments: {', '.join(known)}.")
    shown = ", ".join(f"'{name}'" for name in unknown)
    plural = "s" if len(unknown) > 1 else ""
    raise UserTypeError(
        f"`{function.__name__}` got unexpected keyword argument{plural} {shown}. {' '.join(hints)}"
    )


def tolerates_nan(callbacks: Any) -> bool:
    """Whether a callback looks after losses that are no numbers."""
    listed = flatten(getattr(callbacks, "callbacks", callbacks))
    return any(isinstance(callback, TerminateOnNaN) for callback in listed)


def backup_among(callbacks: Any) -> BackupAndRestore | None:
    """The callback that wants backups, or None.

    Raises:
        UserInputError: there are two.
    """
    listed = flatten(getattr(callbacks, "callbacks", callbacks))
    found = [callback for callback in listed if isinstance(callback, BackupAndRestore)]
    if len(found) > 1:
        raise UserInputError(
            "`fit` takes one `BackupAndRestore`. Received: "
            f"{', '.join(repr(callback.backup_dir) for callback in found)}"
        )
    return found[0] if found else None


def validation_source(
    validation_data: Any,
    *,
    batch_size: int | None = None,
    default_batch_size: int | None = None,
    steps: int | None = None,
) -> Source:
    """The source of what `fit` was given as `validation_data`.

    Args:
        validation_data: `(x, y)`, `(x, y, sample_weight)` or an iterable of batches.
        batch_size: examples a batch. default_batch_size: the same where that is None.
        steps: batches to take, or None.
    """
    x, y, sample_weight = unpack_x_y_sample_weight(validation_data)
    names = ["validation_data", "y", "sample_weight"]
    if x is not validation_data:
        names = [f"validation_data[{i}]" for i in range(3)]
    return data_module.make_source(
        x,
        y,
        sample_weight,
        batch_size=batch_size,
        default_batch_size=default_batch_size,
        role="validation",
        steps_per_epoch=steps,
        argument_names=names,
    )


_INT32 = np.dtype("int32")
_dtype_named = functools.cache(np.dtype)  # comparing with a name takes a microsecond


def is_small_plain_array(x: Any, batch_size: int | None) -> bool:
    """Whether x is one batch as steps take it: an array that needs no conversion."""
    if type(x) is not np.ndarray or x.ndim == 0:
        return False
    if batch_size is not None and type(batch_size) is not int:
        return False
    if not 0 < len(x) <= (32 if batch_size is None else batch_size):
        return False
    dtype = x.dtype
    return dtype == _INT32 or dtype == _dtype_named(settings.floatx())


def num_rows(x: Any) -> int | None:
    """Rows of nested arrays, for a batch of all of them; None where nothing has rows."""
    for leaf in flatten(x):
        shape = np.shape(leaf)
        if shape:
            return max(1, shape[0])
    return None


def with_values(x: Any) -> Any:
    """Zeros in the place of a `ShapeDtypeStruct`; all else as it is."""
    return np.zeros(x.shape, x.dtype) if isinstance(x, jax.ShapeDtypeStruct) else x
