"""`Evaluating`: `evaluate` and `predict`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Never, overload

from fkeras import data as data_module
from fkeras.core import jax_private, tracebacks
from fkeras.core.values import stand_ins
from fkeras.errors import UserInputError
from fkeras.layers.base import tracking
from fkeras.models import former_arguments
from fkeras.models import loop_arguments as arguments
from fkeras.training import agreement, interrupts, value_checks
from fkeras.training.evaluate import evaluate
from fkeras.training.loop import PassOptions
from fkeras.training.predict import batch_number, predict, to_host
from fkeras.training.state import TrainState

if TYPE_CHECKING:
    from fkeras.core.values.variable import Variable
    from fkeras.models.loop_arguments import Callbacks, Data
    from fkeras.training.compiled import Compiled
    from fkeras.training.executables import Executables
    from fkeras.types import Nested, Tensor


class Evaluating:
    """A model in inference mode, over data."""

    _compiled: Compiled

    @tracebacks.filtered
    @interrupts.heard
    def evaluate(
        self,
        x: Data = None,
        y: Data = None,
        batch_size: int | None = None,
        verbose: str | int = "auto",
        sample_weight: Data = None,
        steps: int | None = None,
        callbacks: Callbacks = None,
        return_dict: bool = False,
        **unknown: Never,
    ) -> Any:
        """Loss and metrics over data, in inference mode.

        Args:
            x, y, sample_weight: as in `fit`.
            batch_size: examples a batch, 32 by default.
            verbose: as in `fit`.
            steps: batches to take; None for all.
            callbacks: list of `Callback`s.
            return_dict: whether a dict by name is returned.

        Returns:
            The loss as a float; with metrics, a list `[loss, *metrics]` in the order of
            `metrics_names`; or a dict.
        """
        unknown.pop("_use_cached_eval_dataset", None)
        self.stop_evaluating = False
        if unknown:
            former_arguments.take(Evaluating.evaluate, unknown, x)
        self._compiled.require("evaluate")
        source = data_module.make_source(
            x, y, sample_weight, batch_size=batch_size, steps_per_epoch=steps, role="evaluate"
        )
        steps = arguments.limited_steps(steps, source)
        self._prepare(source, "evaluate")
        executables = self._compiled.executables_for(self)
        groups = executables.groups
        interrupts.check()
        logs = evaluate(
            executables,
            source,
            groups.weights,
            self._pass_options(steps),
            key=self.build_key,
            callbacks=self._listed(callbacks, verbose, source, steps),
            check_interrupts=interrupts.check,
            should_stop=lambda: agreement.any_of(self.stop_evaluating),
            keep_state=lambda state: put_changed(groups.non_trainable, groups.weights()[1], state),
        )
        return self._results(logs, return_dict)

    @overload
    def predict(
        self,
        x: Data,
        batch_size: int | None = None,
        verbose: str | int = "auto",
        steps: int | None = None,
        callbacks: Callbacks = None,
        **unknown: Never,
    ) -> Any: ...
    @overload
    def predict(self, state: TrainState, x: Nested[Tensor], /) -> Nested[Tensor]: ...
    @tracebacks.filtered
    def predict(
        self,
        x: Any,
        batch_size: Any = None,
        verbose: str | int = "auto",
        steps: int | None = None,
        callbacks: Callbacks = None,
        **unknown: Never,
    ) -> Any:
        """Outputs for inputs, in inference mode, as NumPy arrays in the structure of the outputs;
        outputs in bfloat16, which NumPy does not know, as float32.

        `predict(state, x)`, with a `TrainState` first, is the pure form: the outputs of one batch
        `x`, as JAX arrays. It works under `jit` and `vmap`, and reads nothing of the model's own
        weights.

        Args:
            x: inputs as in `fit`. batch_size: examples a device batch, 32 by default.
            verbose: as in `fit`. steps: batches to take; None for all. callbacks: list of
                `Callback`s.
        """
        if unknown:
            former_arguments.take(Evaluating.predict, unknown, x)
        if isinstance(x, TrainState):
            if steps is not None or callbacks is not None:
                raise UserInputError(
                    "`predict(state, x)` is one pure step on one batch: it takes no `steps` and no "
                    "`callbacks`."
                )
            return self._predict_purely(x, batch_size)
        self.stop_predicting = False
        is_bare = callbacks is None and not verbose and steps is None
        if is_bare and self._is_one_plain_batch(x, batch_size):
            executables = self._compiled.executables
            return self._taken_outputs(executables, self._launch_prediction(executables, (x,)))
        return self._predict_in_batches(x, batch_size, verbose, steps, callbacks)

    @interrupts.heard
    def _predict_in_batches(self, x, batch_size, verbose, steps, callbacks):
        source = data_module.make_source(
            x, batch_size=batch_size, steps_per_epoch=steps, role="predict"
        )
        steps = arguments.limited_steps(steps, source)
        self._prepare(source, "predict")
        executables = self._compiled.executables_for(self, weights_only=True)
        groups = executables.groups
        interrupts.check()
        outputs, others = predict(
            executables,
            source,
            groups.predict_state,
            self._pass_options(steps),
            key=self.build_key,
            callbacks=self._listed(callbacks, verbose, source, steps),
            progress=self._compiled.progress,
            check_interrupts=interrupts.check,
            should_stop=lambda: agreement.any_of(self.stop_predicting),
        )
        put_changed(groups.non_trainable, groups.weights()[1], others)
        return outputs

    def _pass_options(self, steps: int | None) -> PassOptions:
        chosen = self._compiled.options
        return PassOptions(
            steps=steps, steps_per_execution=chosen.steps_per_execution, fuse=chosen.fuse
        )

    def _is_one_plain_batch(self, x, batch_size) -> bool:
        """Whether a prediction is a single call of what is compiled for the model as it is: the
        question of each step of a game or a server.
        """
        compiled = self._compiled
        if compiled.executables is None or compiled.columns:
            return False
        if jax_private.is_below_staging(jax_private.current_trace()):
            return False  # `make_source` will refuse it
        if not arguments.is_small_plain_array(x, batch_size):
            return False
        structure = tracking.structure_of(self)
        if structure.has_host_layers:
            return False
        if compiled.built_structure is not structure or not compiled.fits(structure):
            return False
        fed_layers = self._value_checks("predict").fed_layers
        if fed_layers:
            value_checks.check_ids(fed_layers, x)
        return True

    def _launch_prediction(self, executables: Executables, batch: tuple) -> tuple:
        """What `_taken_outputs` takes, of a device call that has begun."""
        number = batch_number(self._compiled.progress.predicted)
        state = executables.groups.predict_state()
        return executables.predict_one(state, self.build_key, number, batch)

    def _taken_outputs(self, executables: Executables, results: tuple) -> Any:
        """The outputs of a prediction, by executables that fit the model as it is."""
        outputs, changed = results
        self._compiled.progress.predicted += 1
        for position, value in changed.items() if changed else ():
            stand_ins.put_value(executables.groups.non_trainable[position], value)
        return to_host(outputs)


def put_changed(variables: Sequence[Variable], before: Sequence[Any], after: Sequence[Any]) -> None:
    for variable, old, new in zip(variables, before, after):
        if new is not old:
            stand_ins.put_value(variable, new)
