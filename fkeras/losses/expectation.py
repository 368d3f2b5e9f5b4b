"""What a loss function expects of its targets and predictions, said beside the function itself.

Nothing here computes. The checks before the first step (`losses/target_checks.py`, and those of the
training loop on the last layer's activation) read it, and so do metrics that are made of a loss.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, MutableMapping
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeAlias, TypeVar

if TYPE_CHECKING:
    from fkeras.losses.loss import Loss

TargetKind: TypeAlias = Literal[
    "same_shape",  # numbers, one for each prediction
    "not_negative",  # the same, of 0 or more
    "unit_interval",  # one for each prediction, in [0, 1]
    "signs",  # one for each prediction, -1 or 1; or 0 and 1, all of them
    "distribution",  # the same, which sum to 1
    "one_hot",  # one weight for each class
    "class_ids",  # in [0, classes), without the classes' axis
    "label_sequences",  # (batch, labels) of class ids, 0 being the blank
    "labels",  # integers that are compared with each other only
]
PredictionKind: TypeAlias = Literal["quantities", "rates", "probabilities"]

F = TypeVar("F", bound=Callable[..., Any])

_ID_KINDS = ("class_ids", "label_sequences", "labels")


class Expectation(NamedTuple):
    """What a loss function expects.

    Args:
        targets: which targets make sense.
        predictions: `'probabilities'` (unless the loss has `from_logits=True`), `'rates'` above 0,
            `'quantities'` of any size for a regression, or None where nothing can be said.
    """

    targets: TargetKind
    predictions: PredictionKind | None = None

    @property
    def targets_are_ids(self) -> bool:
        """Whether targets are integers that must stay exact: in bfloat16 257 would become 256."""
        return self.targets in _ID_KINDS


# By the function itself and not by an attribute on it: `functools.wraps` copies attributes to the
# wrapper, which may well expect something else.
_expectations: MutableMapping[Callable[..., Any], Expectation] = weakref.WeakKeyDictionary()


def expects(targets: TargetKind, predictions: PredictionKind | None = None) -> Callable[[F], F]:
    """Decorator of a loss function: says what it expects. Goes outermost.

    Args:
        targets, predictions: as for `Expectation`.

    Examples:
        >>> import jax.numpy as jnp
        >>> from fkeras.losses.expectation import expectation_of, expects
        >>> @expects("same_shape", "quantities")
        ... def cubic_error(y_true, y_pred):
        ...     return jnp.mean(jnp.abs(y_true - y_pred) ** 3, axis=-1)
        >>> expectation_of(cubic_error)
        Expectation(targets='same_shape', predictions='quantities')
    """

    def declare(fn: F) -> F:
        _expectations[fn] = Expectation(targets, predictions)
        return fn

    return declare


def loss_function(loss: Loss | Callable[..., Any]) -> Callable[..., Any] | None:
    """The function inside a loss made of one, or the function itself; None for any other loss."""
    fn = getattr(loss, "fn", loss)
    return fn if callable(fn) else None


def expectation_of(loss: Loss | Callable[..., Any]) -> Expectation | None:
    """What a loss expects; None for one that has not said.

    Args:
        loss: a `Loss` or a loss function.

    Examples:
        >>> import fkeras
        >>> from fkeras.losses.expectation import expectation_of
        >>> expectation_of(fkeras.losses.BinaryCrossentropy()).predictions
        'probabilities'
    """
    fn = loss_function(loss)
    try:
        return None if fn is None else _expectations.get(fn)
    except TypeError:  # an object of the user's that has no hash or no weak references
        return None
