"""What can be told to be wrong before the first step is compiled: data against model, loss and
metrics.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import jax
import numpy as np

from fkeras import data as data_module
from fkeras.core import placement, settings
from fkeras.core.nested import flatten, map_structure
from fkeras.core.values import stand_ins
from fkeras.core.warn_once import warn_user
from fkeras.errors import UserInputError
from fkeras.layers.base import tracking
from fkeras.losses import target_checks
from fkeras.training.activation_checks import check_last_activations
from fkeras.training.first_batch import output_specs, refuse_strings
from fkeras.training.steps import unpack

if TYPE_CHECKING:
    from fkeras.data import ArraySource, Source
    from fkeras.layers import Layer
    from fkeras.training.compiled import Compiled
    from fkeras.training.trainable import Trainable
    from fkeras.types import Nested

# (layer, index of the model's input that it is called on), as far as that is known.
FedLayers = Sequence[tuple["Layer", int]]


def check_source(
    model: Trainable,
    compiled: Compiled,
    source: Source,
    role: str,
    *,
    fed_layers: FedLayers = (),
    tolerate_nan: bool = False,
) -> None:
    """Checks the arrays of a source once: finite, of the right columns, ids in range, targets that
    fit the losses. What the user's own steps or loss may make of them is not judged.

    Args:
        model: a built model. compiled: what `compile` chose for it.
        source: what `make_source` made; streams are not looked at.
        role: 'fit', 'validation_data', 'evaluate' or 'predict'.
        fed_layers: the layers that are called on the model's inputs.
        tolerate_nan: whether NaN and infinity are the user's business (`TerminateOnNaN`).

    Raises:
        UserInputError: names the argument, what came, what was expected and the fix.
    """
    if not source.in_memory:
        return
    _check_columns(compiled, source, role)
    is_users = bool(compiled.overridden & {"train_step", "test_step", "compute_loss"})
    if role in ("fit", "validation_data") and not is_users and not tolerate_nan:
        data_module.check_finite(source)
    if role == "fit":
        _warn_of_unscaled_images(model, source)
    x, y, sample_weight = unpack(source.arrays)
    refuse_strings(x, "validation_data" if role == "validation_data" else "x")
    check_ids(fed_layers, x)
    if role == "predict" or compiled.loss is None or is_users:
        return
    if y is None and role == "validation_data":
        raise UserInputError(
            f"`validation_data` has no targets, and model '{model.name}' was compiled with "
            f"loss={compiled.loss.argument!r}: pass `validation_data=(x, y)`. "
            f"{source.targets_hint}".rstrip()
        )
    if y is None:
        raise UserInputError(
            f"Model '{model.name}' was compiled with loss={compiled.loss.argument!r}, but no "
            f"targets were given: pass `y`. {source.targets_hint}".rstrip()
        )
    _check_targets(model, compiled, x, y, sample_weight, source.batch_size)
    if role == "fit":
        check_last_activations(model, compiled.loss, compiled.metrics)


def _check_columns(compiled: Compiled, source: ArraySource, role: str) -> None:
    """Columns of frames: `fit` remembers them, all others must have the same in the same order.

    A `fit` may begin anew with other columns, but hardly means to mix up those that the model has
    learnt from.
    """
    expected = compiled.columns
    if role == "fit":
        expected = {
            place: names
            for place, names in expected.items()
            if set(names) == set(source.columns.get(place, ()))
        }
    data_module.check_columns(expected, source, role)
    if role == "fit":
        compiled.columns = source.columns


def _check_targets(model, compiled, x, y, sample_weight, batch_size):
    """Targets against the losses of their outputs: shapes, ranges of ids, probabilities."""
    loss = compiled.loss
    needed = [any(term.output == i for term in loss.terms) for i in range(len(loss.outputs))]
    targets = loss.outputs.targets(y, "y", needed)
    batch = map_structure(lambda a: _batch_struct(a, batch_size), x)
    structs, masked = map(loss.outputs.predictions, output_specs(model, compiled, batch))
    for term in loss.terms:
        target = targets[term.output]
        # A mask may leave targets out: then any value may stand there.
        if not isinstance(target, np.ndarray) or masked[term.output]:
            continue
        single = loss.outputs.single
        weighted = single and isinstance(sample_weight, np.ndarray)
        target_checks.check_targets(
            term.loss,
            target,
            tuple(structs[term.output].shape),
            None if single else loss.outputs.shown()[term.output],
            sample_weight if weighted else None,
        )


def _batch_struct(array, batch_size):
    dtype = array.dtype
    if dtype.kind == "O":  # rows of a sparse matrix have no dtype of their own
        dtype = settings.floatx()
    return jax.ShapeDtypeStruct((min(batch_size, array.shape[0]), *array.shape[1:]), dtype)


def check_ids(fed_layers: FedLayers, x: Nested[Any]) -> None:
    """Ids for layers that look them up and are fed by the model's inputs directly."""
    arrays = flatten(x)
    for layer, index in fed_layers:
        # Only layers that look something up have such a check.
        check = getattr(layer, "check_host_input", None)
        if check is not None and index < len(arrays) and isinstance(arrays[index], np.ndarray):
            check(arrays[index])


def check_layout(model: Trainable, batch: Any) -> None:
    """Batches on a mesh with explicit axes beside weights that do not lie on one: JAX would not
    know how the result of a product is to lie.

    Args:
        model: a built model.
        batch: arrays, as a step will be given them.
    """
    if not any(map(placement.has_explicit_rows, jax.tree.leaves(batch))):
        return
    weights = [stand_ins.private_value(v) for _, v in tracking.structure_of(model).variables]
    if not all(map(placement.has_explicit_axes, weights)):
        raise UserInputError(
            "The batches lie on a mesh with explicit axes, the weights of model "
            f"'{model.name}' do not. Lay them out on that mesh as well: `model.set_train_state("
            "jax.device_put(model.train_state(), NamedSharding(mesh, PartitionSpec())))`; or use a "
            "mesh with `axis_types=(jax.sharding.AxisType.Auto,)`."
        )


_SCALING_LAYERS = ("Rescaling", "Normalization", "Lambda", "BatchNormalization")


def _warn_of_unscaled_images(model, source):
    names = data_module.unscaled_images(source)
    if not names:
        return
    first = [layer for _, layer in tracking.structure_of(model).layers[:3]]
    if not any(type(layer).__name__ in _SCALING_LAYERS for layer in (model, *first)):
        warn_user(
            f"{', '.join(names)}: images of dtype uint8 with values up to 255 go into the model "
            "unscaled. Divide them by 255 first."
        )
