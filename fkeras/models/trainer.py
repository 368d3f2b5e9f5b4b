"""`Trainer`: what a model has besides its layers. It takes arguments and returns results; all that
is between stands in `fkeras.training`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fkeras.callbacks import CallbackList
from fkeras.layers.base import tracking
from fkeras.models import loop_arguments as arguments
from fkeras.models.compiling import Compiling
from fkeras.models.evaluating import Evaluating
from fkeras.models.fitting import Fitting
from fkeras.models.input_structure import surplus_keys, warn_of_surplus_keys
from fkeras.models.on_batch import OnBatch
from fkeras.models.overridable_steps import OVERRIDABLE, OverridableSteps
from fkeras.models.pure_training import PureTraining
from fkeras.models.state_tree import StateTree
from fkeras.models.step_functions import StepFunctions
from fkeras.training import first_batch, input_checks
from fkeras.training.compiled import Compiled

if TYPE_CHECKING:
    from fkeras.core.symbolic.keras_tensor import KerasTensor
    from fkeras.data import Source
    from fkeras.training.trainable import Logs
    from fkeras.types import Nested


# Methods of the user's that are given whole batches.
_SEE_INPUTS = frozenset(
    ("train_step", "test_step", "predict_step", "compute_loss", "compute_metrics")
)


class Trainer(
    Compiling,
    Fitting,
    Evaluating,
    OnBatch,
    OverridableSteps,
    PureTraining,
    StateTree,
    StepFunctions,
):
    """It can be compiled, trained and evaluated."""

    _apart = frozenset(("history",))  # see core/likeness.py

    def __init__(self) -> None:
        self._compiled = Compiled()
        self.stop_training = False
        self.stop_evaluating = False
        self.stop_predicting = False

    def _overridden(self) -> set[str]:
        """Names of the methods that users override, as far as this model's class does."""
        cls = type(self)
        return {name for name in OVERRIDABLE if getattr(cls, name) is not getattr(Trainer, name)}

    def _listed(
        self, callbacks, verbose, source, steps=None, epochs=1, add_history=False
    ) -> CallbackList:
        """All callbacks as one; `steps`: batches of a pass, None for all of the source."""
        if isinstance(callbacks, CallbackList):
            return callbacks
        return CallbackList(
            callbacks,
            add_history=add_history,
            add_progbar=verbose != 0,
            model=self,
            verbose=arguments.verbosity(verbose),
            epochs=epochs,
            steps=steps if steps is not None else source.steps,
        )

    def _prepare(self, source: Source, caller: str, tolerate_nan: bool = False) -> None:
        """Builds what needs shapes from the first batch, then checks the data."""
        self._take_inputs_of(source)
        batch = source.peek()
        first_batch.prepare(self, self._compiled, batch, caller)
        input_checks.check_layout(self, batch)
        self._check_source(source, caller, tolerate_nan)

    def _declared_inputs(self) -> Nested[KerasTensor] | None:
        """What the model was declared to take; None where it takes whatever its `call` does."""
        return None

    def _take_inputs_of(self, source: Source) -> None:
        """Has a source yield what the device part of the model is given."""
        self._leave_out_surplus_inputs(source)
        self._put_host_part_before(source)

    def _leave_out_surplus_inputs(self, source: Source) -> None:
        """Drops input keys that the model does not take, which may not even be numbers. A user's
        own step is given them.
        """
        declared = self._declared_inputs()
        if declared is None or self._compiled.overridden & _SEE_INPUTS:
            return
        surplus = surplus_keys(declared, source.peek()[0])
        if surplus:
            warn_of_surplus_keys(surplus, self.input_names, self.name)
            source.leave_out(surplus)

    def _check_source(self, source, role, tolerate_nan=False):
        input_checks.check_source(
            self,
            self._compiled,
            source,
            role,
            fed_layers=self._fed_layers(),
            tolerate_nan=tolerate_nan,
        )

    def _results(self, logs: Logs, return_dict: bool) -> float | list[float] | Logs:
        """Logs as `evaluate` and `train_on_batch` return them."""
        if return_dict:
            return dict(sorted(logs.items()))
        if len(logs) == 1:
            return next(iter(logs.values()))
        ordered = self._compiled.in_evaluate_order(logs, tracking.structure_of(self))
        values = list(ordered.values())
        return values[0] if len(values) == 1 else values
