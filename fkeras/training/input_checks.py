"""What can be told to be wrong before the first step is compiled: data against model, loss and
metrics.
"""

import warnings

import jax
import numpy as np

from fkeras import data as data_module
from fkeras.core import settings
from fkeras.core.nested import flatten, map_structure
from fkeras.errors import UserInputError
from fkeras.losses import regression
from fkeras.losses import target_checks as loss_checks
from fkeras.training import steps


def check_source(model, source, what, custom=frozenset(), tolerate_nan=False):
    """Checks the arrays of a source once: finite, of the right columns, ids in range, targets that
    fit the losses.

    Args:
        model: a built model.
        source: what `make_source` made; streams are not looked at.
        what: 'fit', 'validation_data', 'evaluate' or 'predict'.
        custom: names of the steps and losses that the user overrides.
        tolerate_nan: whether NaN and infinity are the user's business (`TerminateOnNaN`).

    Raises:
        UserInputError: names the argument, what came, what was expected and the fix.
    """
    arrays = getattr(source, "arrays", None)
    if arrays is None:
        return
    known = model._training.columns or {}
    if (
        what == "fit"
        # may begin anew with other columns, but hardly means to mix up those that it has learnt
        # from
    ):
        known = {
            place: names
            for place, names in known.items()
            if set(names) == set(source.columns.get(place, ()))
        }
    data_module.check_columns(known, source, what)
    if what == "fit":
        model._training.columns = source.columns
    if what in ("fit", "validation_data") and not custom and not tolerate_nan:
        data_module.check_finite(source)
    if what == "fit":
        _hint_at_unscaled_images(model, source)
    x, y, sample_weight = steps.unpack(arrays)
    check_ids(model, x)
    loss = model._compiled_loss
    if what == "predict" or loss is None or custom:
        return
    if y is None:
        hint = getattr(source, "targets_hint", "")
        raise UserInputError(
            f"Model '{model.name}' was compiled with loss={loss.given!r}, but no targets were "
            "given: pass `y`." + (f" {hint}" if hint else "")
        )
    _check_targets(model, loss, x, y, sample_weight, source.batch_size)
    if what == "fit":
        _check_last_activations(model, loss, model._training.metrics)


def _check_targets(model, loss, x, y, sample_weight, batch_size):
    needed = [any(t.output == i for t in loss.terms) for i in range(len(loss.outputs))]
    trues = loss.outputs.targets(y, "y", needed)
    weights = [sample_weight] if loss.outputs.single else [None] * len(trues)

    def struct(a):  # rows of a sparse matrix have no dtype of their own
        return jax.ShapeDtypeStruct(
            (min(batch_size, a.shape[0]), *a.shape[1:]),
            settings.floatx() if a.dtype == object else a.dtype,
        )

    batch = map_structure(struct, x)
    structs, masked = map(loss.outputs.predictions, model._outputs_for(batch))
    shapes = [tuple(s.shape) for s in structs]
    for term in loss.terms:
        target = trues[term.output]
        if (
            isinstance(target, np.ndarray) and not masked[term.output]
        ):  # a mask may leave targets out: then any value may stand there
            name = None if loss.outputs.single else loss.outputs.shown()[term.output]
            weight = weights[term.output] if loss.outputs.single else None
            loss_checks.check_targets(
                term.loss,
                target,
                shapes[term.output],
                name,
                weight if isinstance(weight, np.ndarray) else None,
            )


def check_ids(model, x):
    """Ids for layers that look them up and are fed by the model's inputs directly."""
    arrays = flatten(x)
    for layer, index in model._fed_layers():
        if (
            hasattr(layer, "check_host_input")
            and index < len(arrays)
            and isinstance(arrays[index], np.ndarray)
        ):
            layer.check_host_input(arrays[index])


def _hint_at_unscaled_images(model, source):
    names = data_module.unscaled_images(source)
    if names and not any(
        type(layer).__name__ in ("Rescaling", "Normalization", "Lambda", "BatchNormalization")
        for layer in model._flatten_layers()[:4]
    ):
        warnings.warn(
            f"{', '.join(names)}: images of dtype uint8 with values up to 255 go into the model "
            "unscaled. Divide them by 255, or put a `Rescaling(1 / 255)` layer first.",
            stacklevel=5,
        )


_PROBABILITY_LOSSES = (
    "binary_crossentropy",
    "categorical_crossentropy",
    "sparse_categorical_crossentropy",
    "binary_focal_crossentropy",
    "categorical_focal_crossentropy",
)
_REGRESSION_LOSSES = tuple(
    fn for fn in vars(regression).values() if getattr(fn, "__module__", "") == regression.__name__
)


def _check_last_activations(model, loss, metrics):
    """A loss or metric on probabilities behind a linear layer, or a loss on logits behind a
    softmax: legal, and nearly always a mistake.
    """
    excused = (
        set()
    )  # outputs that were warned of, and those of a regression, which may well be near 0 and 1
    for term in loss.terms:
        activation = _last_activation(model, term.output)
        fn = getattr(getattr(term.loss, "fn", None), "__name__", "")
        if getattr(term.loss, "fn", None) in _REGRESSION_LOSSES:
            excused.add(term.output)
        if activation is None or fn not in _PROBABILITY_LOSSES:
            continue
        from_logits = bool(getattr(term.loss, "_fn_kwargs", {}).get("from_logits"))
        if from_logits and activation in ("softmax", "sigmoid"):
            warnings.warn(
                f"{term.loss.name} has from_logits=True, but the model ends with "
                f"activation='{activation}': it is applied twice. Remove one of them.",
                stacklevel=6,
            )
        if not from_logits and activation == "linear":
            fix = "sigmoid" if "binary" in fn else "softmax"
            excused.add(term.output)
            warnings.warn(
                f"{term.loss.name} expects probabilities, but the model ends with a linear layer. "
                f"Give the last layer activation='{fix}', or the loss from_logits=True.",
                stacklevel=6,
            )
    for output, _, metric in metrics.entries if metrics is not None and metrics.built else ():
        if (
            metric._needs_probabilities
            and output not in excused
            and _last_activation(model, output) == "linear"
        ):
            kind = type(metric).__name__
            option = {"AUC": "from_logits=True", "BinaryAccuracy": "threshold=0"}.get(kind)
            warnings.warn(
                f"Metric '{metric.name}' expects probabilities, but the model ends with a linear "
                "layer: what lies outside of [0, 1] counts as 0 or 1. Give the last layer "
                "activation='sigmoid' and the loss from_logits=False"
                + (f", or the metric {kind}({option})." if option else "."),
                stacklevel=6,
            )


def _last_activation(model, index):
    """Name of the activation of the layer that makes an output, or None where it cannot be told."""
    try:
        operation = model.outputs[index]._keras_history[0]
    except (AttributeError, IndexError, TypeError):
        return None
    activation = getattr(operation, "activation", None)
    if type(operation).__name__ == "Softmax":
        return "softmax"
    return getattr(activation, "__name__", None)


def shown_shapes(signatures) -> str:
    """Shapes of batches as a short text."""
    return ", ".join(
        str([tuple(entry[0]) if isinstance(entry, tuple) else entry.__name__ for entry in s])
        for s in signatures[-4:]
    )
