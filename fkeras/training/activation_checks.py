"""Losses and metrics on probabilities behind a linear layer, and losses on logits behind a softmax:
legal, and nearly always a mistake.
"""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING

from fkeras.core.warn_once import warn_user
from fkeras.losses.expectation import expectation_of, loss_function
from fkeras.metrics.probability_check import ID_REMEDY

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from fkeras.losses import Loss
    from fkeras.metrics import Metric
    from fkeras.training.compiled import Compiled
    from fkeras.training.compiled_loss import Term
    from fkeras.training.trainable import Trainable

# Activations that leave [0, 1], and those of them that go below 0. A crossentropy of classes makes
# its predictions sum to 1 itself: to it, numbers of 0 or more are weights.
_NEGATIVE = frozenset((
    "linear", "tanh", "elu", "selu", "celu", "gelu", "silu", "swish", "leaky_relu", "softsign",
))  # fmt: skip
_BEYOND = _NEGATIVE | {"relu", "relu6", "softplus"}
_PROBABILITIES = frozenset(("sigmoid", "hard_sigmoid", "softmax"))


def check_last_activations(model: Trainable, compiled: Compiled, again: bool = False) -> None:
    """Warns where the last layer's activation and what is made of its outputs do not go together.

    Nothing is said of outputs whose activation cannot be told, nor where a step or loss of the
    user's own makes something of them.

    Args:
        model: a built model. compiled: what `compile` chose for it.
        again: also where this was checked before, since `compile`.
    """
    is_users = compiled.overridden & {"train_step", "test_step", "compute_loss"}
    if compiled.loss is None or not compiled.loss.built or is_users:
        return
    if compiled.activations_were_checked and not again:
        return
    compiled.activations_were_checked = True
    traced = next(iter(compiled.output_specs.values())).activations if compiled.output_specs else []

    def activation_of(output):
        name = _last_activation(model, output)
        return traced[output] if name is None and output < len(traced) else name

    # Outputs that were warned of, and those of a regression, which may well be near 0 and 1.
    excused = set()
    for term in compiled.loss.terms:
        expectation = expectation_of(term.loss)
        if expectation is not None and expectation.predictions == "quantities":
            excused.add(term.output)
        if _check_loss(term, activation_of(term.output)):
            excused.add(term.output)
    metrics = compiled.metrics
    entries = metrics.entries if metrics is not None and metrics.built else ()
    for output, _, metric, _ in entries:
        activation = activation_of(output)
        if metric._needs_probabilities and output not in excused and activation in _BEYOND:
            _warn_of_metric(metric, activation)
        if metric._needs_class_ids and activation in (_BEYOND | _PROBABILITIES):
            warn_user(
                f"Metric '{metric.name}' takes class ids for predictions, but the model ends with "
                f"{_shown(activation)}: fractions are no ids. {ID_REMEDY}"
            )


def _check_loss(term: Term, activation: str | None) -> bool:
    """Whether a loss was found to expect probabilities and be given anything else."""
    expectation = expectation_of(term.loss)
    if activation is None or expectation is None:
        return False
    if expectation.predictions == "rates" and activation in _NEGATIVE:
        warn_user(
            f"{term.loss.name} expects predictions above 0, but the model ends with "
            f"{_shown(activation)}: below 0 the loss is NaN. Give the last layer "
            "activation='softplus' or 'exponential'."
        )
        return True
    if expectation.predictions != "probabilities":
        return False
    from_logits = bool(getattr(term.loss, "_fn_kwargs", {}).get("from_logits"))
    if from_logits and activation in ("softmax", "sigmoid"):
        warn_user(
            f"{term.loss.name} has from_logits=True, but the model ends with "
            f"activation='{activation}': it is applied twice. Remove one of them."
        )
    is_binary = expectation.targets == "unit_interval"
    if from_logits or activation not in (_BEYOND if is_binary else _NEGATIVE):
        return False
    fix = "sigmoid" if is_binary else "softmax"
    warn_user(
        f"{term.loss.name} expects probabilities, but the model ends with {_shown(activation)}. "
        f"Give the last layer activation='{fix}'{_alternative(term.loss)}."
    )
    return True


def _alternative(loss: Loss) -> str:
    has_option = "from_logits" in getattr(loss, "_fn_kwargs", {}) or "from_logits" in _parameters(
        loss_function(loss)
    )
    return ", or the loss from_logits=True" if has_option else ""


def _parameters(function: Callable | None) -> Collection[str]:
    return () if function is None else inspect.signature(function).parameters


def _shown(activation: str) -> str:
    return "a linear layer" if activation == "linear" else f"activation='{activation}'"


def _warn_of_metric(metric: Metric, activation: str) -> None:
    kind = type(metric).__name__
    option = metric._option_for_logits
    alternative = f", or the metric {kind}({option})." if option else "."
    warn_user(
        f"Metric '{metric.name}' expects probabilities, but the model ends with "
        f"{_shown(activation)}: what lies outside of [0, 1] counts as 0 or 1. Give the last layer "
        f"activation='sigmoid' or 'softmax' and the loss from_logits=False{alternative}"
    )


def _last_activation(model: Trainable, index: int) -> str | None:
    """Name of the activation of the layer that makes an output, or None where it cannot be told."""
    outputs = getattr(model, "outputs", None)  # only models of known graphs have them
    try:
        operation = outputs[index]._keras_history[0]
    except (AttributeError, IndexError, TypeError):
        return None
    if type(operation).__name__ == "Softmax":
        return "softmax"
    return getattr(getattr(operation, "activation", None), "__name__", None)
