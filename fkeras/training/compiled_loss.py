"""The loss that `compile` was given, resolved against a model's outputs."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Callable, Mapping, Sequence
from numbers import Real
from typing import TYPE_CHECKING, Any

import jax.numpy as jnp

from fkeras import losses as losses_module
from fkeras import metrics as metrics_module
from fkeras.core import names, settings
from fkeras.core.nested import flatten
from fkeras.core.warn_once import warn_user
from fkeras.errors import UserInputError, UserTypeError
from fkeras.training.outputs import OutputNames, is_nested

if TYPE_CHECKING:
    from fkeras.losses import Loss
    from fkeras.metrics import Mean
    from fkeras.types import Identifier, Nested, Tensor

    Weights = float | Sequence[float | None] | Mapping[str, float] | None

BY_SHAPE = ("crossentropy", "ce")  # the shapes say which one is meant
_NO_ENTRY = object()


@dataclasses.dataclass
class Term:
    """One loss of one output.

    Attributes:
        output: index of the output.
        loss: its loss. weight: what it is multiplied by; None for 1.
        name: for its tracker. tracker: mean of its values, where the model has several losses.
    """

    output: int
    loss: Loss
    weight: float | None
    name: str
    tracker: Mean | None = None


class CompiledLoss:
    """Sum over outputs of weight x loss; with several outputs, each loss has a tracker of its own.

    Args:
        loss: name, object or function; list in the order of outputs or dict by output name.
        loss_weights: None, a float, or a list or dict like `loss`.
        output_names: the model's, or None.

    Attributes:
        argument, weights_argument: `loss` and `loss_weights` as they were given.
        terms: the single losses; None until shapes are known.

    Raises:
        UnknownNameError: a loss name that nothing is registered under.
    """

    def __init__(
        self,
        loss: Nested[Identifier | None],
        loss_weights: Weights = None,
        output_names: Sequence[str] | None = None,
    ) -> None:
        if loss_weights is not None and not isinstance(loss_weights, (list, tuple, dict, Real)):
            raise UserInputError(
                "Expected `loss_weights` argument to be a float (single output case) or a list, "
                "tuple, or dict (multiple output case). Received instead: "
                f"loss_weights={loss_weights} of type {type(loss_weights)}"
            )
        for weight in flatten(loss_weights):
            if isinstance(weight, (str, bool)) or weight != weight:
                raise UserInputError(
                    "`loss_weights` must hold numbers, or None for 1. Received: "
                    f"{weight!r} in loss_weights={loss_weights}"
                )
        for choice in flatten(loss):
            _check_identifier(choice)
        self.argument = loss
        self.weights_argument = loss_weights
        self.output_names = output_names
        self.terms: list[Term] | None = None

    @property
    def built(self) -> bool:
        return self.terms is not None

    @property
    def metrics(self) -> list[Mean]:
        """The trackers of the single losses."""
        return [term.tracker for term in self.terms or () if term.tracker is not None]

    def described(self) -> str:
        """The names of the losses, for messages."""
        return ", ".join(repr(term.loss._described()) for term in self.terms or ())

    def build(self, y_true: Nested[Any], y_pred: Nested[Any]) -> None:
        """Resolves which loss belongs to which output, from the shapes of both."""
        self.outputs = OutputNames(y_pred, self.output_names)
        choices, weights = self._choices()
        targets = self.outputs.targets(y_true, "y", [choice is not None for choice in choices])
        predictions = self.outputs.predictions(y_pred)
        terms = []
        for i, (choice, weight) in enumerate(zip(choices, weights)):
            for identifier, factor in _weighted(choice, weight):
                if identifier is not None:
                    loss = resolve(identifier, targets[i], predictions[i])
                    terms.append(Term(i, loss, factor, self.outputs.names[i] or loss.name))
        if not terms:
            raise UserInputError(
                f"`loss={self.argument!r}` gives no output a loss: there is nothing to minimise."
            )
        if len(terms) > 1:
            # Outputs without names may have the same loss.
            for term, name in zip(terms, _unlike([f"{term.name}_loss" for term in terms])):
                term.tracker = metrics_module.Mean(name=name)
        _warn_of_weights(terms)
        self.terms = terms

    def _choices(self) -> tuple[list, list]:
        """(what was chosen as loss, as weight) for each output."""
        if self.outputs.single:
            return self._choice_of_single_output()
        outputs, argument, weights = self.outputs, self.argument, self.weights_argument
        if isinstance(argument, dict):
            choices = outputs.spread(argument, "loss", default=_NO_ENTRY)
            missing = [name for name, c in zip(outputs.shown(), choices) if c is _NO_ENTRY]
            if missing:
                raise UserInputError(
                    f"The `loss` dict has no entry for the outputs {missing}, which would not be "
                    f"trained. If that is meant, write it: {{{missing[0]!r}: None}}."
                )
        else:
            choices = outputs.spread(argument, "loss")
        if isinstance(weights, (list, tuple)) and len(weights) != len(outputs):
            raise UserInputError(
                f"`loss_weights` must match the number of losses, got {len(outputs)} losses and "
                f"{len(weights)} weights."
            )
        return choices, outputs.spread(weights, "loss_weights")

    def _choice_of_single_output(self):
        choice, weight = self.argument, self.weights_argument
        if isinstance(choice, dict):
            choice = self.outputs.spread(choice, "loss")[0]
        if isinstance(weight, dict):
            weight = self.outputs.spread(weight, "loss_weights")[0]
        is_list = isinstance(choice, (list, tuple))
        if isinstance(weight, (list, tuple)) and not is_list:  # a list of the one output
            choice = [choice]
        return [choice], [weight]

    def __call__(
        self, y_true: Nested[Tensor], y_pred: Nested[Tensor], sample_weight: Any = None
    ) -> Tensor:
        """The total as a scalar of `floatx`. Updates the trackers of the single losses."""
        if not self.built:
            self.build(y_true, y_pred)
        outputs = self.outputs
        used = {term.output for term in self.terms}
        needed = [i in used for i in range(len(outputs))]
        targets = outputs.targets(y_true, "y", needed)
        predictions = outputs.predictions(y_pred)
        sample_weights = spread_weights(outputs, sample_weight, needed)
        total = None
        for term in self.terms:
            target, prediction = targets[term.output], predictions[term.output]
            if target is None:
                raise UserInputError(
                    f"The output {outputs.shown()[term.output]!r} has the loss "
                    f"{term.loss.name!r}, but no targets were given for it."
                )
            value = _scalar(term.loss(target, prediction, sample_weights[term.output]))
            if term.tracker is not None:
                rows = prediction.shape[0] if prediction.shape else 1
                term.tracker.update_state(value, sample_weight=rows)
            value = value if term.weight is None else value * term.weight
            total = value if total is None else total + value
        return total


def _weighted(choice, weight):
    """(loss, weight) for each loss of one output."""
    choices = choice if isinstance(choice, (list, tuple)) else [choice]
    weights = weight if isinstance(weight, (list, tuple)) else [weight] * len(choices)
    if len(weights) != len(choices):
        raise UserInputError(
            f"`loss_weights` must match the number of losses, got {len(choices)} losses and "
            f"{len(weights)} weights."
        )
    return zip(choices, weights)


def _warn_of_weights(terms):
    """Weights that turn a loss round, or leave nothing to train; those that change are not told."""
    weights = [term.weight for term in terms if isinstance(term.weight, Real)]
    if any(weight < 0 for weight in weights):
        warn_user(
            f"`loss_weights` holds {min(weights):g}: a loss with a weight below 0 is made as large "
            "as it can become, without end."
        )
    if len(weights) == len(terms) and not any(weights):
        warn_user("`loss_weights` are all 0: no output is trained.")


def _unlike(given: Sequence[str]) -> list[str]:
    """Names of which no two are alike: `mse_loss`, `mse_loss_1`."""
    unlike: list[str] = []
    for name in given:
        number, other = 0, name
        while other in unlike:
            number += 1
            other = f"{name}_{number}"
        unlike.append(other)
    return unlike


def _check_identifier(choice):
    if inspect.isfunction(choice):
        check_takes_pair("loss", choice)
    if isinstance(choice, str):
        if choice.lower() not in BY_SHAPE:
            losses_module.get(choice)
    elif not callable(choice):
        raise UserTypeError(
            "`loss` must be a name, a Loss object or a function (y_true, y_pred) -> loss. "
            f"Received: {choice!r}"
        )


def check_takes_pair(kind: str, function: Callable[..., Any]) -> None:
    """Raises for a function that cannot be called as `function(y_true, y_pred)`.

    Args:
        kind: 'loss' or 'metric'.
        function: the user's own.
    """
    try:
        inspect.signature(function).bind(None, None)
    except TypeError as error:
        name = getattr(function, "__name__", kind)
        raise UserTypeError(
            f"The {kind} '{name}{inspect.signature(function)}' cannot be called with two arguments "
            f"({error}). A {kind} is a function (y_true, y_pred) -> values; bind further arguments "
            "with `functools.partial`, or return such a function."
        ) from None
    except ValueError:  # a builtin that does not tell
        return


def _scalar(value):
    value = jnp.asarray(value)
    if value.ndim:  # a user's function may return one loss an example
        value = jnp.mean(value)
    return value.astype(settings.floatx())


def spread_weights(
    outputs: OutputNames, sample_weight: Nested[Any], needed: Sequence[bool] | None = None
) -> list:
    """Sample weights, one entry for each output; a single array serves all."""
    if not is_nested(sample_weight):
        return [sample_weight] * len(outputs)
    if isinstance(sample_weight, (list, tuple)) and len(sample_weight) == 1:
        return [sample_weight[0]] * len(outputs)
    return outputs.targets(sample_weight, "sample_weight", needed)


def resolve(identifier: Identifier, y_true: Any, y_pred: Any) -> Loss:
    """A Loss object from a name, a function or an object; `'crossentropy'` by the shapes."""
    if isinstance(identifier, str) and identifier.lower() in BY_SHAPE:
        identifier = _crossentropy_for(y_true, y_pred)
    loss = losses_module.get(identifier)
    if isinstance(loss, losses_module.Loss):
        return loss
    name = identifier if isinstance(identifier, str) else names.object_name(loss)
    return losses_module.LossFunctionWrapper(loss, name=name)


def _crossentropy_for(y_true, y_pred) -> str:
    is_binary, is_sparse = binary_or_sparse(y_true, y_pred)
    if is_binary:
        return "binary_crossentropy"
    return "sparse_categorical_crossentropy" if is_sparse else "categorical_crossentropy"


def binary_or_sparse(y_true: Any, y_pred: Any) -> tuple[bool, bool]:
    """(one output unit, integer class ids) from shapes."""
    true_shape, pred_shape = tuple(y_true.shape), tuple(y_pred.shape)
    is_binary = bool(pred_shape) and pred_shape[-1] == 1
    has_class_axis = bool(true_shape) and true_shape[-1] == 1 and pred_shape[-1] > 1
    return is_binary, len(true_shape) < len(pred_shape) or has_class_axis
