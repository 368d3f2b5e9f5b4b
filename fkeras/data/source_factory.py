"""`make_source`: from what users pass to `fit`, `evaluate` and `predict` to a source of batches."""

from __future__ import annotations

import math
import numbers
from typing import TYPE_CHECKING, Any

import numpy as np

from fkeras.core import jax_private
from fkeras.core.warn_once import warn_user, warn_user_once
from fkeras.data import convert, streams
from fkeras.data.arrays import ArraySource
from fkeras.data.source import Source
from fkeras.data.streams import StreamSource
from fkeras.errors import UserInputError, UserTypeError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from fkeras.data.source import InMemory, Stream

# What the argument is called that says how many batches there are, by role.
_STEPS = {
    "fit": "steps_per_epoch",
    "evaluate": "steps",
    "predict": "steps",
    "validation": "validation_steps",
    "batch": "steps",
}


def make_source(
    x: InMemory | Stream | Source,
    y: InMemory = None,
    sample_weight: InMemory = None,
    *,
    batch_size: int | None = None,
    shuffle: bool | str = False,
    class_weight: Mapping[int, float] | None = None,
    steps_per_epoch: int | None = None,
    role: str = "fit",
    argument_names: Sequence[str] = ("x", "y", "sample_weight"),
    default_batch_size: int | None = None,
) -> Source:
    """A source of batches.

    Args:
        x: arrays, lists of numbers, frames, structures of those; a generator, `PyDataset`, tf.data
            dataset, PyTorch or Grain loader, or any iterable of batches; a source stays itself.
        y, sample_weight: like `x`, where that is in memory.
        batch_size: samples a batch, only for data in memory; None for 32, or for what makes
            `steps_per_epoch` batches.
        shuffle: False, True, or 'batch' (within each batch). Streams other than `PyDataset` keep
            their order.
        class_weight: dict from class ids to weights.
        steps_per_epoch: batches an epoch where the user said so, else None.
        role: 'fit', 'validation', 'evaluate', 'predict', or 'batch' for a single batch, in which
            classes may be missing.
        argument_names: what messages call the three.
        default_batch_size: `batch_size` where that is None, ignored by streams.

    Raises:
        UserInputError: for data that cannot be right; see the classes.

    Examples:
        >>> from fkeras.data import make_source
        >>> make_source([[1.0, 2.0], [3.0, 4.0]], [0, 1]).num_samples
        2
    """
    if jax_private.is_below_staging(jax_private.current_trace()):
        raise convert.inside_a_trace("A JAX trace is open")
    if isinstance(x, Source):
        return x
    name = argument_names[0]
    if x is None:
        raise UserInputError(
            f"`{name}` is None. Pass arrays, a DataFrame, a generator or a dataset."
        )
    batch_size = _positive("batch_size", batch_size)
    steps = _positive(_STEPS[role], _whole_steps(_STEPS[role], steps_per_epoch))
    kind = streams.kind_of(x)
    if kind is None:
        _refuse_what_is_no_data(x, name)
        if batch_size is None:
            batch_size = _positive("batch_size", default_batch_size)
        return ArraySource(
            x,
            y,
            sample_weight,
            batch_size=batch_size,
            steps=steps,
            shuffle=shuffle,
            class_weight=class_weight,
            complete=role == "fit",
            names=argument_names,
        )
    _refuse_rows_of_a_table(x, name)
    _check_beside_a_stream(kind, y, sample_weight, batch_size, argument_names)
    source = StreamSource(
        x, steps=steps, shuffle=shuffle, class_weight=class_weight, role=role, name=name
    )
    if steps is None and source.is_endless:
        why = "`num_batches` is None" if kind == "PyDataset" else "`repeat()` is in it"
        raise UserInputError(f"`{name}` is a {kind} without end ({why}): pass `{_STEPS[role]}`.")
    return source


def _check_beside_a_stream(
    kind: str, y: Any, sample_weight: Any, batch_size: int | None, names: Sequence[str]
) -> None:
    """A stream yields targets and weights itself, in batches of its own."""
    name = names[0]
    for label, value, content in (
        (names[1], y, "targets"),
        (names[2], sample_weight, "sample weights"),
    ):
        if value is not None:
            raise UserInputError(
                f"When providing `{name}` as a {kind}, `{label}` should not be passed. Instead, "
                f"the {content} should be included as part of the {kind}: it yields (x, y) or (x, "
                "y, sample_weight)."
            )
    if batch_size is not None:
        message = (
            f"`batch_size={batch_size}` has no effect: `{name}` is a {kind}, which makes its "
            "batches itself. Leave `batch_size` out."
        )
        if kind == "generator":  # tf.keras refused it; guides of Keras pass it beside datasets
            raise UserInputError(message)
        warn_user(message)


def _refuse_rows_of_a_table(x: Any, name: str) -> None:
    """A Hugging Face dataset says which columns there are, not which are inputs and targets."""
    if hasattr(x, "column_names") and hasattr(x, "with_format") and x.column_names:
        first, *_, last = [*x.column_names, *x.column_names]
        raise UserInputError(
            f"`{name}` is a Hugging Face dataset, which yields rows as dicts. Pass its columns: "
            f"`fit(dataset[{first!r}], dataset[{last!r}])`; or batches: "
            "`fkeras.data.Dataset.from_tensor_slices(dataset.with_format('numpy')[:])"
            f".map(lambda row: (row[{first!r}], row[{last!r}])).batch(32)`."
        )


def _positive(name: str, value: Any) -> int | None:
    """An int of 1 or more, also given as an integral float; None stays None."""
    if value is None:
        return None
    if isinstance(value, (bool, str)) or not isinstance(value, numbers.Real):
        shown = f"{value!r}"
        if hasattr(value, "shape"):
            shown = f"an array of shape {tuple(value.shape)}. Are targets passed in its place?"
        raise UserTypeError(f"`{name}` must be a positive integer. Received: {name}={shown[:120]}")
    if not float(value).is_integer():
        raise UserTypeError(
            f"`{name}` must be a positive integer. Received: {name}={value!r}. Use `//` instead of "
            "`/`."
        )
    if value < 1:
        raise UserInputError(f"`{name}` must be a positive integer. Received: {name}={value!r}")
    return int(value)


def _whole_steps(name: str, value: Any) -> Any:
    """`samples / batch_size`, which Keras 2 took, rounded up as it was there."""
    if not isinstance(value, (float, np.floating)) or not 0 < value < math.inf:
        return value
    if not float(value).is_integer():
        warn_user_once(
            f"`{name}` is a number of batches. Received: {name}={value}, which is taken as "
            f"{math.ceil(value)}. Use `-(-samples // batch_size)`."
        )
    return math.ceil(value)


def _refuse_what_is_no_data(x: Any, name: str) -> None:
    if callable(x) and not hasattr(x, "__array__"):
        function = getattr(x, "__name__", "function")
        raise UserTypeError(
            f"`{name}` is the function {getattr(x, '__name__', x)!r}. If it is a generator, call "
            f"it: `{function}()`."
        )
    if isinstance(x, (str, bytes, int, float, complex)):
        hint = " One string is a batch of one in a list: `[text]`." if isinstance(x, str) else ""
        raise UserTypeError(
            f"Unrecognized data type: `{name}` is a {type(x).__name__}. Pass arrays, a DataFrame, "
            f"a generator or a dataset.{hint}"
        )
