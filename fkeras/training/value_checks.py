"""What the values of targets, weights and ids tell to be wrong, on the host, where a look is cheap.

Inside a compiled step a class id out of range is simply a loss of 0. Arrays in memory are looked at
once, before the first step. Of a stream, and of the single batches of `train_on_batch`, the first
batch is looked at as a whole; of later ones what is small, so that no step waits for it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import jax
import numpy as np

from fkeras import data as data_module
from fkeras.core import settings
from fkeras.core.nested import flatten, map_structure
from fkeras.core.warn_once import warn_user
from fkeras.data.packing import unpack_x_y_sample_weight as unpack
from fkeras.errors import UserInputError
from fkeras.layers.base import tracking
from fkeras.losses import target_checks
from fkeras.losses.expectation import expectation_of
from fkeras.metrics import BinaryAccuracy
from fkeras.training import first_batch
from fkeras.training.first_batch import output_specs
from fkeras.training.looked_up_ids import ComputedIds, find_computed_ids

if TYPE_CHECKING:
    from fkeras.layers import Layer
    from fkeras.training.compiled import Compiled
    from fkeras.training.trainable import Trainable
    from fkeras.types import Nested

# (layer, index of the model's input that it is called on), as far as that is known; or what the
# model makes of its inputs for it.
FedLayers = Sequence[tuple["Layer", "int | ComputedIds"]]

_SMALL = 1 << 16  # numbers: looking at them takes less than calling a step
_TINY = 1 << 13  # numbers: BLAS takes no threads for them
_least, _most = np.minimum.reduce, np.maximum.reduce
_PARTS = ("x", "y", "sample_weight")


class ValueChecks:
    """The checks of one call of `fit`, `evaluate`, `predict` or of one of the `..._on_batch`.

    Args:
        model: a built model. compiled: what `compile` chose for it.
        role: 'fit', 'validation_data', 'evaluate', 'predict', or the name of a method on batches.
        fed_layers: the layers that are called on the model's inputs.
        tolerate_nan: whether NaN and infinity are the user's business (`TerminateOnNaN`).

    Attributes:
        has_loss: whether targets are held against the losses that `compile` chose.
    """

    def __init__(
        self,
        model: Trainable,
        compiled: Compiled,
        role: str,
        *,
        fed_layers: FedLayers = (),
        tolerate_nan: bool = False,
    ) -> None:
        self.model = model
        self.compiled = compiled
        self.fed_layers = [pair for pair in fed_layers if hasattr(pair[0], "check_host_input")]
        fed = {id(layer) for layer, _ in self.fed_layers}
        self._others_look_up = any(
            hasattr(layer, "check_host_input") and id(layer) not in fed
            for _, layer in tracking.structure_of(model).layers
        )
        is_users = bool(compiled.overridden & {"train_step", "test_step", "compute_loss"})
        self.has_loss = compiled.loss is not None and not is_users and "predict" not in role
        trains = role in ("fit", "validation_data", "train_on_batch")
        self._finite_parts = _PARTS if trains and not is_users and not tolerate_nan else ()
        self._weights_may_be_negative = role.endswith("_on_batch")
        self._seen_first = False
        self._known: tuple[tuple, list] | None = None  # (shapes of a batch, its losses)
        # Shapes and dtypes of x and y that passed, with the bounds that tell of y.
        self._bounds: tuple[tuple, tuple[float, float] | None] | None = None

    def check(self, batch: tuple, names: Sequence[str] = _PARTS, rows: int | None = None) -> None:
        """Raises for what cannot be right.

        Args:
            batch: `(x,)`, `(x, y)` or `(x, y, sample_weight)`, of arrays.
            names: of the three, for messages.
            rows: of the batches that the arrays will be cut into; None: it is one batch.
        """
        if self._bounds is not None and self._is_within_bounds(batch):
            return
        is_first, self._seen_first = not self._seen_first, True
        if self._finite_parts:
            if is_first:
                data_module.check_finite(batch, self._finite_parts, names)
            elif not _are_finite(batch):
                looked_at = map_structure(_if_small, batch)
                data_module.check_finite(looked_at, self._finite_parts, names)
        x, y, sample_weight = unpack(batch)
        if is_first and self._others_look_up:  # ids of a part of the model: its trace tells
            self.fed_layers = self._find_lookups(x, rows)
        check_ids(self.fed_layers, x, None if is_first else _SMALL)
        if y is None or not self.has_loss:
            return
        if sample_weight is not None:
            self._check_weights(sample_weight, names[2])
        self._check_targets(x, y, sample_weight, rows, is_first, names)
        if not is_first and not self.fed_layers and sample_weight is None and rows is None:
            self._find_bounds(x, y)

    def _find_bounds(self, x, y):
        """What will tell the same of the next batch of these shapes and dtypes in a few steps."""
        self._bounds = None
        if type(x) is not np.ndarray or type(y) is not np.ndarray or max(x.size, y.size) > _SMALL:
            return
        terms = self._checked_terms(x, None)
        bounds = [target_checks.bounds_of(term.loss, y, shape) for term, shape in terms]
        if not self.compiled.loss.outputs.single or len(bounds) > 1 or None in bounds:
            return
        is_bounded = bool(bounds) and bounds[0] != target_checks.ANY_NUMBER
        self._bounds = (x.shape, x.dtype, y.shape, y.dtype), bounds[0] if is_bounded else None

    def _is_within_bounds(self, batch):
        """Whether a batch is of the shapes and dtypes that passed, finite, and within the bounds.
        False says nothing: the checks themselves do.
        """
        if len(batch) != 2:
            return False
        x, y = batch
        if type(x) is not np.ndarray or type(y) is not np.ndarray:
            return False
        known, bounds = self._bounds
        if (x.shape, x.dtype, y.shape, y.dtype) != known:
            return False
        if self._finite_parts and not _are_finite(batch):
            return False
        if bounds is None:
            return True
        return bounds[0] <= _least(y, axis=None) and _most(y, axis=None) <= bounds[1]

    def _check_weights(self, sample_weight, name):
        for path, weight in data_module.iterate_named(sample_weight, name):
            if not weight.size or not weight.min() < 0:
                continue
            text = (
                f"{path} holds {float(weight.min()):g}: with a weight below 0 the loss grows "
                "smaller the worse the prediction is, without end."
            )
            if self._weights_may_be_negative:  # advantages of a policy gradient
                warn_user(text)
            else:
                raise UserInputError(
                    f"{text} Leave such samples out (weight 0). If it is meant, multiply by it in "
                    "a loss of your own, or in `compute_loss`."
                )

    def _check_targets(self, x, y, sample_weight, rows, is_first, names):
        loss = self.compiled.loss
        outputs = loss.outputs
        if outputs.single and isinstance(y, np.ndarray):
            targets = [y]
        else:
            needed = [any(term.output == i for term in loss.terms) for i in range(len(outputs))]
            targets = outputs.targets(y, names[1], needed)
        for term, shape in self._checked_terms(x, rows):
            target = targets[term.output]
            if not isinstance(target, (np.ndarray, jax.Array)):
                continue
            if isinstance(target, jax.Array) and is_first:
                target = np.asarray(target)
            if not is_first and target.size > _SMALL:
                continue
            if is_first:
                self._warn_of_fractions(term, target)
            weighted = outputs.single and isinstance(sample_weight, np.ndarray)
            target_checks.check_targets(
                term.loss,
                target,
                shape,
                None if outputs.single else outputs.shown()[term.output],
                sample_weight if weighted else None,
            )

    def _warn_of_fractions(self, term, target):
        """Warns of targets that are no classes beside a metric that counts right predictions."""
        metrics = self.compiled.metrics
        entries = metrics.entries if metrics is not None and metrics.built else ()
        for output, _, metric, _ in entries:
            if output != term.output or type(metric) is not BinaryAccuracy:
                continue
            is_fraction = target % 1 != 0 if target.dtype.kind == "f" else np.False_
            if is_fraction.any():
                warn_user(
                    f"Metric '{metric.name}' counts how often predictions are the class 0 or 1 "
                    "that the targets say, but these hold fractions, such as "
                    f"{float(target[is_fraction][0]):.3g}, which never count as right. For "
                    "quantities use 'mae' or R2Score()."
                )

    def _checked_terms(self, x, rows):
        """(term, shape of its output) for the losses whose targets can be judged."""
        key = x.shape[1:] if hasattr(x, "shape") else tuple([a.shape[1:] for a in flatten(x)])
        if self._known is None or self._known[0] != key:
            self._known = key, self._find_checked_terms(x, rows)
        return self._known[1]

    def _find_checked_terms(self, x, rows):
        loss = self.compiled.loss
        structs, masked = map(loss.outputs.predictions, self._specs(x, rows)[:2])
        # A mask may leave targets out: then any value may stand there.
        return [
            (term, tuple(structs[term.output].shape))
            for term in loss.terms
            if not masked[term.output] and expectation_of(term.loss) is not None
        ]

    def _specs(self, x, rows):
        return output_specs(self.model, self.compiled, _batch_structs(x, rows))

    def _find_lookups(self, x, rows):
        specs = self._specs(x, rows)
        if not specs.computes_ids:
            return specs.lookups
        structs = first_batch.structs_of(_batch_structs(x, rows))
        return [*specs.lookups, *find_computed_ids(self.model, structs)]


def _are_finite(batch: tuple) -> bool:
    """Whether the small arrays of a plain batch hold finite numbers: told in some microseconds."""
    for array in batch:
        if type(array) is not np.ndarray:
            return False
        if array.dtype.kind == "f" and array.size <= _SMALL:
            # The sum of the squares: NumPy does not look for warnings there.
            if array.dtype.itemsize > 2 and array.size <= _TINY:
                total = np.vdot(array, array)
            else:
                with np.errstate(all="ignore"):
                    total = array.sum()
            if not math.isfinite(total):
                return False
    return True


def _if_small(array: Any) -> Any:
    return array if isinstance(array, np.ndarray) and array.size <= _SMALL else None


def _batch_structs(x, rows):
    return map_structure(lambda a: _batch_struct(a, rows), x)


def _batch_struct(array, rows):
    dtype = array.dtype
    if dtype.kind == "O":  # rows of a sparse matrix have no dtype of their own
        dtype = settings.floatx()
    count = array.shape[0] if rows is None else min(rows, array.shape[0])
    return jax.ShapeDtypeStruct((count, *array.shape[1:]), dtype)


def check_ids(fed_layers: FedLayers, x: Nested[Any], most: int | None = None) -> None:
    """Ids for layers that look them up: the model's inputs, or what it makes of them first.

    Args:
        fed_layers: those layers, and others.
        x: the inputs.
        most: numbers in an array that is looked at; None for any.
    """
    if not fed_layers:
        return
    arrays = flatten(x)
    for layer, source in fed_layers:
        # Only layers that look something up have such a check.
        check = getattr(layer, "check_host_input", None)
        if check is None:
            continue
        used = [arrays[i] for i in _positions(source) if i < len(arrays)]
        if not used or not all(_is_looked_at(array, most) for array in used):
            continue
        if not isinstance(source, ComputedIds):
            check(np.asarray(used[0]))
            continue
        try:
            check(source.of(used))
        except UserInputError as error:
            text = f"{error} (These are the ids that the model computes from its inputs.)"
            raise UserInputError(text) from None


def _positions(source):
    return source.used if isinstance(source, ComputedIds) else (source,)


def _is_looked_at(array, most):
    return isinstance(array, (np.ndarray, jax.Array)) and (most is None or array.size <= most)
