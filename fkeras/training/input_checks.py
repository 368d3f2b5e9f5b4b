"""What can be told to be wrong before the first step is compiled: data against model, loss and
metrics.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import jax

from fkeras import data as data_module
from fkeras.core import placement
from fkeras.core.values import stand_ins
from fkeras.core.warn_once import warn_user
from fkeras.errors import UserInputError
from fkeras.layers.base import tracking
from fkeras.training.activation_checks import check_last_activations
from fkeras.training.first_batch import refuse_strings
from fkeras.training.value_checks import ValueChecks

if TYPE_CHECKING:
    from fkeras.data import ArraySource, Source
    from fkeras.training.compiled import Compiled
    from fkeras.training.trainable import Trainable
    from fkeras.training.value_checks import FedLayers


def check_source(
    model: Trainable,
    compiled: Compiled,
    source: Source,
    role: str,
    *,
    fed_layers: FedLayers = (),
    tolerate_nan: bool = False,
) -> None:
    """Checks data once: finite, of the right columns, ids in range, weights not negative, targets
    that fit the losses. What the user's own steps or loss may make of them is not judged.

    Arrays are looked at now, a stream batch by batch.

    Args:
        model: a built model. compiled: what `compile` chose for it.
        source: what `make_source` made.
        role: 'fit', 'validation_data', 'evaluate' or 'predict'.
        fed_layers: the layers that are called on the model's inputs.
        tolerate_nan: whether NaN and infinity are the user's business (`TerminateOnNaN`).

    Raises:
        UserInputError: names the argument, what came, what was expected and the fix.
    """
    checks = ValueChecks(model, compiled, role, fed_layers=fed_layers, tolerate_nan=tolerate_nan)
    if source.in_memory:
        _check_columns(compiled, source, role)
        if role == "fit":
            _warn_of_unscaled_images(model, source)
        name = "validation_data" if role == "validation_data" else "x"
        refuse_strings(source.arrays[0], name, model)
        if checks.has_loss and len(source.arrays) < 2 and role == "validation_data":
            raise UserInputError(
                f"`validation_data` has no targets, and model '{model.name}' was compiled with "
                f"loss={compiled.loss.argument!r}: pass `validation_data=(x, y)`. "
                f"{source.targets_hint}".rstrip()
            )
        if checks.has_loss and len(source.arrays) < 2:
            raise UserInputError(
                f"Model '{model.name}' was compiled with loss={compiled.loss.argument!r}, but no "
                f"targets were given: pass `y`. {source.targets_hint}".rstrip()
            )
        arrays = source.arrays
        if source.is_computed:  # the first batch tells the shapes
            arrays = (source.peek()[0], *arrays[1:])
        checks.check(arrays, source.names, source.batch_size)
    else:
        source.watch(checks.check)
    if role in ("fit", "evaluate"):
        compiled.warn_of_shared_names(tracking.structure_of(model))
    if checks.has_loss:
        check_last_activations(model, compiled, again=role == "fit")


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
