"""`OnBatch`: one step on one batch."""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Never, ParamSpec, TypeVar

import jax
import numpy as np

from fkeras import data as data_module
from fkeras.core import jax_private, settings, tracebacks
from fkeras.core.values import stand_ins
from fkeras.data import convert
from fkeras.layers.base import tracking
from fkeras.models import former_arguments
from fkeras.models import loop_arguments as arguments
from fkeras.models.evaluating import put_changed
from fkeras.training import first_batch, input_checks, interrupts, skipped_steps
from fkeras.training.activation_checks import check_last_activations
from fkeras.training.logs import to_python
from fkeras.training.value_checks import ValueChecks

if TYPE_CHECKING:
    from fkeras.models.loop_arguments import Data
    from fkeras.training.compiled import Compiled
    from fkeras.training.trainable import Logs
    from fkeras.types import Nested

P = ParamSpec("P")
R = TypeVar("R")

_NUMBERS = "fiub"  # kinds of dtypes


def _heard_while_preparing(entry: Callable[P, R]) -> Callable[P, R]:
    """Decorator: Ctrl-C is watched for at the first call, which builds and compiles. Later ones may
    take as long as watching would.
    """
    watched_entry = interrupts.heard(entry)

    @functools.wraps(entry)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> R:
        model = args[0]
        return (entry if model._compiled.executables is not None else watched_entry)(
            *args, **kwargs
        )

    return wrapper


def _signature_of(parts: Sequence[Any]) -> tuple | None:
    """Shapes and dtypes of plain arrays of numbers; None where a batch holds anything else, or
    weights, which are judged by their values.
    """
    x, y, sample_weight = parts
    if type(x) is not np.ndarray or sample_weight is not None:
        return None
    if y is None:
        return ((x.shape, x.dtype),) if x.dtype.kind in _NUMBERS else None
    if type(y) is not np.ndarray or x.dtype.kind not in _NUMBERS or y.dtype.kind not in _NUMBERS:
        return None
    return (x.shape, x.dtype), (y.shape, y.dtype)


class OnBatch:
    """`train_on_batch`, `test_on_batch` and `predict_on_batch`, for loops of the user's own."""

    _compiled: Compiled

    @tracebacks.filtered
    @_heard_while_preparing
    def train_on_batch(
        self,
        x: Data,
        y: Data = None,
        sample_weight: Data = None,
        class_weight: Mapping[int, float] | None = None,
        return_dict: bool = False,
        **unknown: Never,
    ) -> float | list[float] | Logs:
        """One training step on one batch. Nothing accumulates between calls.

        Args:
            x, y, sample_weight, class_weight: as in `fit`.
            return_dict: whether a dict by name is returned.

        Returns:
            The loss as a float, with metrics a list, or a dict.
        """
        if unknown:
            former_arguments.take(OnBatch.train_on_batch, unknown, x)
        self._compiled.require("train_on_batch")
        with self._compiled.claimed("train_on_batch"):
            logs = self._train_on(x, y, sample_weight, class_weight)
        return self._results(logs, return_dict)

    def _train_on(self, x, y, sample_weight, class_weight):
        progress = self._compiled.progress

        def launch(executables, batch):
            values = (*executables.groups.values()[:3], executables.kept_fresh_metrics())
            counter = executables.kept_counter(progress.steps)
            return executables.train_one_kept(values, counter, self.build_key, batch)

        executables, (new_values, counter, logs) = self._launched(
            "train_on_batch", launch, x, y, sample_weight, class_weight
        )
        logs = to_python(logs)  # waits: a step that failed leaves the Variables as they were
        for variables, group_values in zip(executables.groups.groups(), new_values):
            stand_ins.put_values(variables, group_values)
        progress.steps += 1
        executables.keep_counter(progress.steps, counter)
        skipped_steps.warn_of_row(self.optimizer)
        return logs

    @tracebacks.filtered
    @_heard_while_preparing
    def test_on_batch(
        self,
        x: Data,
        y: Data = None,
        sample_weight: Data = None,
        return_dict: bool = False,
        **unknown: Never,
    ) -> float | list[float] | Logs:
        """Loss and metrics of one batch in inference mode: a float, a list or a dict.

        Args:
            x, y, sample_weight: as in `fit`.
            return_dict: whether a dict by name is returned.
        """
        if unknown:
            former_arguments.take(OnBatch.test_on_batch, unknown, x)
        self._compiled.require("test_on_batch")
        before: list[jax.Array] = []

        def launch(executables, batch):
            weights = executables.groups.weights()
            before[:] = weights[1]
            metrics, first = executables.kept_fresh_metrics(), executables.kept_counter(0)
            return executables.test_one(weights, metrics, self.build_key, first, batch)

        executables, (non_trainable, metrics, logs) = self._launched(
            "test_on_batch", launch, x, y, sample_weight
        )
        put_changed(executables.groups.non_trainable, before, non_trainable)
        stand_ins.put_values(executables.groups.metrics, metrics)
        return self._results(to_python(logs), return_dict)

    @tracebacks.filtered
    @_heard_while_preparing
    def predict_on_batch(self, x: Data, **unknown: Never) -> Nested[np.ndarray]:
        """Outputs of one batch in inference mode, as NumPy arrays."""
        if unknown:
            former_arguments.take(OnBatch.predict_on_batch, unknown, x)
        return self._taken_outputs(*self._launched("predict_on_batch", self._launch_prediction, x))

    def _launched(self, caller, launch, x, y=None, sample_weight=None, class_weight=None):
        """What a step that consumes nothing will return for a batch, and the executables it is of.

        Of a known batch the step runs while the rest is looked at: nobody has its results yet, and
        where something is wrong nobody will.
        """
        compiled = self._compiled
        parts = x, y, sample_weight
        weights_only = caller == "predict_on_batch"
        signature = _signature_of(parts) if class_weight is None else None
        known = self._known_batch(caller, parts, signature)
        if known is not None:
            executables, structure, batch = known
            results = launch(executables, batch)
            self._value_checks(caller).check(batch)
        else:
            executables = results = None
            batch, structure = self._checked_batch(caller, signature, parts, class_weight)
        if caller == "train_on_batch":
            compiled.warn_of_toggled_flags(self, structure)
        present = compiled.executables_for(self, weights_only=weights_only, structure=structure)
        if present is not executables:
            if caller == "train_on_batch":
                present.register_shapes(caller, batch)
            results = launch(present, batch)
        return present, results

    def _checked_batch(self, caller, signature, parts, class_weight):
        """The batch as steps take it, and the structure of the model that it was checked for."""
        x, y, sample_weight = parts
        source = data_module.make_source(
            x,
            y,
            sample_weight,
            batch_size=arguments.num_rows(x),
            class_weight=class_weight,
            role="batch",
        )
        self._take_inputs_of(source)
        batch = source.batch(slice(0, source.num_samples))
        first_batch.prepare(self, self._compiled, batch, caller)
        if source.columns:
            data_module.check_columns(self._compiled.columns, source, caller)
        self._value_checks(caller).check(batch)
        input_checks.check_layout(self, batch)
        structure = tracking.structure_of(self)
        if signature is not None and not structure.has_host_layers:
            is_as_given = all(map(operator.is_, source.arrays, parts))
            self._compiled.plain_batches[caller, signature] = is_as_given, self._looked_at_for()
        return batch, structure

    def _known_batch(self, caller, parts, signature):
        """(executables, structure, batch), where arrays of these shapes and dtypes went through all
        that is told by shapes and dtypes for this very model; else None.
        """
        compiled = self._compiled
        known = compiled.plain_batches.get((caller, signature))
        if known is None or jax_private.is_below_staging(jax_private.current_trace()):
            return None  # `make_source` refuses to be traced
        is_as_given, before = known
        now = self._looked_at_for()
        structure = now[0]
        if not all(map(operator.is_, before, now)) or not compiled.fits(structure):
            return None
        batch = parts[: len(signature)]
        if not is_as_given:
            batch = tuple(map(convert.narrowed, batch, ("x", "y")))
        return compiled.executables, structure, batch

    def _looked_at_for(self):
        """What checks go by beside the arrays: compared by identity, the structure first."""
        compiled = self._compiled
        structure = tracking.structure_of(self)
        is_built = compiled.built_structure is structure
        dtypes = settings.floatx(), jax.config.jax_enable_x64
        return structure, is_built, compiled.owner, compiled.optimizer, *dtypes

    def _value_checks(self, caller):
        """The checks of batches for a method; they know what the first one was."""
        # `prepare` has looked it up a moment ago.
        structure, kept = self._compiled.built_structure, self._compiled.value_checks
        if caller not in kept or kept[caller][0] is not structure:
            checks = ValueChecks(self, self._compiled, caller, fed_layers=self._fed_layers())
            kept[caller] = structure, checks
            if checks.has_loss:
                check_last_activations(self, self._compiled)
        return kept[caller][1]
