"""What can be told to be wrong before the first step is compiled: data against model, loss and metrics."""

import numpy as np

from fkeras import data as data_room
from fkeras.core.symbolic import map_structure
from fkeras.losses import checks as loss_checks
from fkeras.training import steps


def check_source(model, source, what):
    """Checks the arrays of a source once: finite, of the right columns, targets that fit the losses.

    Raises:
        UserInputError: names the argument, what came, what was expected and the fix.
    """
    arrays = getattr(source, "arrays", None)
    if arrays is None:
        return
    _check_columns(model, source, what)
    if what == "predict":
        return
    if what in ("fit", "validation_data"):
        data_room.check_finite(arrays)
    x, y, sample_weight = steps.unpack(arrays)
    loss = model._compiled_loss
    if loss is None or not loss.built or y is None or any("compute_loss" == n or n == "train_step" for n in _custom(model)):
        return
    trues = loss.outputs.targets(y, "y", _needed(loss))
    shapes = [tuple(s.shape) for s in loss.outputs.predictions(model._output_structs(_first_rows(x, source.batch_size)))]
    for term in loss.terms:
        target = trues[term.output]
        if isinstance(target, np.ndarray):
            loss_checks.check_targets(term.loss, target, shapes[term.output], loss.outputs.shown()[term.output])


def _custom(model):
    return [n for n in ("train_step", "compute_loss") if getattr(type(model), n).__module__ != "fkeras.models.trainer"]


def _needed(loss):
    needed = [False] * len(loss.outputs)
    for term in loss.terms:
        needed[term.output] = True
    return needed


def _first_rows(x, size):
    return map_structure(lambda a: a[:size], x)


def _check_columns(model, source, what):
    """A frame's columns must come in the order in which `fit` saw them."""
    if what == "fit":
        model._training.columns = source.columns
    elif model._training.columns:
        data_room.check_columns(model._training.columns, source, what)


def shown_shapes(signatures) -> str:
    """Shapes of batches as a short text."""
    return ", ".join(str([tuple(entry[0]) if isinstance(entry, tuple) else entry.__name__ for entry in s]) for s in signatures[-4:])
