"""Losses and metrics on probabilities behind a linear layer, and losses on logits behind a softmax:
legal, and nearly always a mistake.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fkeras.core.warn_once import warn_user
from fkeras.losses.expectation import expectation_of

if TYPE_CHECKING:
    from fkeras.metrics import Metric
    from fkeras.training.compiled_loss import CompiledLoss, Term
    from fkeras.training.compiled_metrics import CompiledMetrics
    from fkeras.training.trainable import Trainable

_METRIC_OPTIONS = {"AUC": "from_logits=True", "BinaryAccuracy": "threshold=0"}


def check_last_activations(
    model: Trainable, loss: CompiledLoss, metrics: CompiledMetrics | None
) -> None:
    """Warns where the last layer's activation and what is made of its outputs do not go together.

    Args:
        model: a built model. loss, metrics: what it was compiled with, built.
    """
    activations = {term.output: _last_activation(model, term.output) for term in loss.terms}
    # Outputs that were warned of, and those of a regression, which may well be near 0 and 1.
    excused = set()
    for term in loss.terms:
        expectation = expectation_of(term.loss)
        if expectation is not None and expectation.predictions == "quantities":
            excused.add(term.output)
        if _check_loss(term, activations[term.output]):
            excused.add(term.output)
    entries = metrics.entries if metrics is not None and metrics.built else ()
    for output, _, metric, _ in entries:
        is_linear = _last_activation(model, output) == "linear"
        if metric._needs_probabilities and output not in excused and is_linear:
            _warn_of_metric(metric)


def _check_loss(term: Term, activation: str | None) -> bool:
    """Whether a loss was found to expect probabilities and be given anything else."""
    expectation = expectation_of(term.loss)
    if activation is None or expectation is None or expectation.predictions != "probabilities":
        return False
    from_logits = bool(getattr(term.loss, "_fn_kwargs", {}).get("from_logits"))
    if from_logits and activation in ("softmax", "sigmoid"):
        warn_user(
            f"{term.loss.name} has from_logits=True, but the model ends with "
            f"activation='{activation}': it is applied twice. Remove one of them."
        )
    if from_logits or activation != "linear":
        return False
    fix = "sigmoid" if expectation.targets == "unit_interval" else "softmax"
    warn_user(
        f"{term.loss.name} expects probabilities, but the model ends with a linear layer. Give "
        f"the last layer activation='{fix}', or the loss from_logits=True."
    )
    return True


def _warn_of_metric(metric: Metric) -> None:
    kind = type(metric).__name__
    option = _METRIC_OPTIONS.get(kind)
    alternative = f", or the metric {kind}({option})." if option else "."
    warn_user(
        f"Metric '{metric.name}' expects probabilities, but the model ends with a linear layer: "
        "what lies outside of [0, 1] counts as 0 or 1. Give the last layer activation='sigmoid' "
        f"and the loss from_logits=False{alternative}"
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
