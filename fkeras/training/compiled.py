"""`Compiled`: what `compile` chose for a model, and what became of it since."""

from __future__ import annotations

import dataclasses
import threading
from numbers import Integral
from typing import TYPE_CHECKING, Any

import jax

from fkeras import metrics as metrics_module
from fkeras import optimizers as optimizers_module
from fkeras.core import placement
from fkeras.core.values.trainable_scope import FlagWrites
from fkeras.core.values.variable_info import VariableInfo
from fkeras.core.warn_once import warn_user
from fkeras.errors import UserInputError
from fkeras.layers.base import tracking
from fkeras.training import agreement, in_place_steps, mapped_steps, sharding
from fkeras.training.compiled_loss import CompiledLoss
from fkeras.training.compiled_metrics import CompiledMetrics
from fkeras.training.executables import Executables
from fkeras.training.progress import Progress
from fkeras.training.trainable_flags import TrainableFlags
from fkeras.training.variable_groups import VariableGroups

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence
    from contextlib import AbstractContextManager

    from fkeras.callbacks import CallbackList
    from fkeras.core.placement import Distribution
    from fkeras.core.values.remat import RematScope
    from fkeras.core.values.variable import Variable
    from fkeras.layers.base.tracking import Structure
    from fkeras.metrics import Metric
    from fkeras.optimizers import Optimizer
    from fkeras.training.trainable import Logs, Trainable
    from fkeras.training.value_checks import ValueChecks
    from fkeras.types import Config


@dataclasses.dataclass(frozen=True)
class CompileOptions:
    """How steps are run.

    Attributes:
        run_eagerly: plain Python, for breakpoints and prints.
        jit_compile: whether steps are compiled.
        steps_per_execution: batches between callbacks' hooks on batches.
        fuse: whether several steps may be one device call.
        remat: what a training step computes again in its backward pass; None: nothing.
    """

    run_eagerly: bool = False
    jit_compile: bool = True
    steps_per_execution: int = 1
    fuse: bool = True
    remat: RematScope | None = None

    def __post_init__(self) -> None:
        steps = self.steps_per_execution
        if not isinstance(steps, Integral) or steps < 1:
            raise UserInputError(
                f"`steps_per_execution` must be an int of 1 or more. Received: {steps!r}"
            )


# What pickles and copies of a model take along.
_TRAVELS = (
    "options",
    "optimizer",
    "loss",
    "metrics",
    "tracker",
    "config",
    "overridden",
    "progress",
    "columns",
)


_OWN_RESULTS = frozenset(("compute_metrics", "get_metrics_result"))


class Compiled:
    """What `compile` chose, and what was made of it since.

    It stands beside a model and does not hold it: NNX's copies of a model share it, and each is
    told of the model it is to work on. Executables and all that goes by the identity of Variables
    stay behind in pickles and copies.

    Attributes:
        options: how steps are run.
        optimizer, loss, metrics: what trains the model; None where `compile` was given none.
        tracker: mean of the loss; None: `compile` was not called.
        config: the arguments of `compile`, for `get_compile_config`.
        flags: the `trainable` flags as they were at `compile`.
        overridden: names of the methods of `Trainable` that the user's class overrides.
        progress: the model's lifetime counts.
        columns: by place, names of the columns that the model was fitted on.
        distribution: that counted when the model was made or compiled; None for one device.
        output_specs: shapes of a batch -> what `first_batch.output_specs` found.
        owner: (optimizer, structure) that were found to belong together.
        built_structure: the structure whose layers were last found to be all built.
        step_functions: what `make_train_function` and its kin made, by kind.
        value_checks: (structure, checks of single batches) by the method that takes them.
        take_saved_state: gives the next optimizer the state that a file has for it; None where
            there is none to wait for one.
    """

    # What no step reads: see core/likeness.py. What was told is left in: it is a trace's mark.
    _apart = frozenset(
        (
            *("config", "progress", "columns", "flags", "output_specs", "owner"),
            *("step_functions", "value_checks", "plain_batches", "executables"),
            *("_executables_of", "_state_of", "_flags_of", "built_structure"),
            *("_training_thread", "take_saved_state"),
        )
    )

    def __init__(self) -> None:
        self.options = CompileOptions()
        self.optimizer: Optimizer | None = None
        self.loss: CompiledLoss | None = None
        self.metrics: CompiledMetrics | None = None
        self.tracker: Metric | None = None
        self.config: Config | None = None
        self.overridden: frozenset[str] = frozenset()
        self.progress = Progress()
        self.columns: dict[str, Any] = {}
        self.distribution = placement.current()
        self.take_saved_state: Callable[[], None] | None = None
        self._forget()

    def _forget(self) -> None:
        """Drops all that goes by the identity of objects."""
        self.flags = TrainableFlags()
        self.toggles_were_told = False
        self.missing_gradients_were_told = False
        self.activations_were_checked = False
        self.names_were_told = False
        self.output_specs: dict = {}
        self.owner: tuple[Optimizer, Structure] | None = None
        self.step_functions: dict[str, Callable] = {}
        self.value_checks: dict[str, tuple[Structure, ValueChecks]] = {}
        # (method, shapes and dtypes) of single batches that were looked at, with what for.
        self.plain_batches: dict[tuple, tuple] = {}
        self.executables: Executables | None = None
        self._executables_of: list[int] | None = None  # ids of the Variables they are made for
        self._state_of: tuple | None = None  # what their metrics and slots were found for
        self._flags_of: tuple | None = None  # what flags were compared for
        self.built_structure: Structure | None = None
        self._training_thread: dict[str, int] = {}  # a dict, which is claimed in one instruction

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(Compiled()), **{name: vars(self)[name] for name in _TRAVELS}}

    # -- choosing --------------------------------------------------------------

    def choose(
        self,
        model: Trainable,
        options: CompileOptions,
        *,
        optimizer: Optimizer | None,
        loss: Any = None,
        loss_weights: Any = None,
        metrics: Any = None,
        weighted_metrics: Any = None,
        output_names: Sequence[str] | None = None,
        overridden: Collection[str] = (),
    ) -> None:
        """Takes what `compile` was given. Nothing is changed where any of it cannot be.

        Args:
            model: the model that is compiled.
            options: how its steps are run.
            optimizer: the optimizer, made.
            loss, loss_weights, metrics, weighted_metrics: as in `Model.compile`.
            output_names: the model's, or None.
            overridden: names of the methods of `Trainable` that the user's class overrides.
        """
        compiled_loss, compiled_metrics = None, None
        if loss is not None:
            compiled_loss = CompiledLoss(loss, loss_weights, output_names=output_names)
        if metrics is not None or weighted_metrics is not None:
            compiled_metrics = CompiledMetrics(
                metrics, weighted_metrics, output_names=output_names, loss=compiled_loss
            )
        self.distribution = placement.current() or self.distribution
        self.options = options
        self.optimizer = optimizer
        self.loss = compiled_loss
        self.metrics = compiled_metrics
        self.tracker = metrics_module.Mean(name="loss")
        self.overridden = frozenset(overridden)
        built_structure = self.built_structure
        self._forget()
        self.built_structure = built_structure
        self.flags = TrainableFlags(model)

    def change(self, **options: Any) -> None:
        """Replaces some of the options; executables are made anew."""
        self.options = dataclasses.replace(self.options, **options)
        self.executables = self._executables_of = self._state_of = None

    def replace_optimizer(self, optimizer: Optimizer) -> None:
        """Goes on with another optimizer, for weights that took the place of others."""
        self.optimizer = optimizer
        self.owner = self.executables = self._executables_of = self._state_of = None
        if self.config is not None:
            self.config = {**self.config, "optimizer": optimizer}

    @property
    def is_chosen(self) -> bool:
        """Whether `compile` was called."""
        return self.tracker is not None

    def require(self, caller: str) -> None:
        """Raises `UserInputError` where `compile` was not called."""
        if not self.is_chosen:
            raise UserInputError(
                f"You must call `compile()` before using the model: `{caller}` needs an optimizer "
                "and a loss."
            )

    def claimed(self, caller: str) -> AbstractContextManager[None]:
        """Inside, no other thread can train the model. A callback may train it, on this thread.

        Args:
            caller: the method that trains.

        Raises:
            UserInputError: another thread is at it.
        """
        return _Claim(self._training_thread, caller)

    # -- what was made of it ---------------------------------------------------

    def groups(self, model: Trainable) -> VariableGroups:
        """The model's Variables by role, by the flags as they were at `compile`."""
        return VariableGroups(model, self.flags, self.unlisted_metrics(model), self.options.remat)

    def build_optimizer(self, model: Trainable) -> None:
        """Makes the optimizer's slots for the Variables that it will train."""
        if self.optimizer is not None and not getattr(self.optimizer, "built", False):
            self.optimizer.take_paths(tracking.paths_by_id(tracking.structure_of(model)))
            with self.flags.applied(model):
                self.optimizer.build(model.trainable_variables)

    def executables_for(
        self,
        model: Trainable,
        weights_only: bool = False,
        structure: Structure | None = None,
    ) -> Executables:
        """The executables for the model as it is now; made again where it has other Variables.

        Args:
            model: a built model.
            weights_only: whether metrics and optimizer do not matter.
            structure: the model's as it is now; None to look it up.
        """
        structure = structure or tracking.structure_of(model)
        fits = self.fits(structure)
        if fits and (weights_only or self._state_of == self._state_now(structure)):
            return self.executables
        distribution = self.present_distribution()
        # Before the optimizer reads the weights, which draws them.
        if distribution is not None and not fits:
            sharding.settle_weights(structure, distribution)
        self.build_optimizer(model)
        metrics = [v for m in self.metric_objects(structure) for v in m.variables]
        slots = in_place_steps.optimizer_variables_of(model)
        if distribution is None and agreement.is_needed():
            raise UserInputError(
                f"Model '{model.name}' runs in {jax.process_count()} processes, and no "
                "distribution is set: each would train a model of its own. Call "
                "`fkeras.distribution.set_distribution(fkeras.distribution.DataParallel())` behind "
                "`initialize()`."
            )
        identity = [id(v) for v in (*structure.ordered, *metrics, *slots, distribution)]
        if self.executables is None or self._executables_of != identity:
            self.output_specs = {}
            can_compile = all(layer.supports_jit for _, layer in [((), model), *structure.layers])
            eager = self.options.run_eagerly or not (self.options.jit_compile and can_compile)
            if distribution is not None and distribution.is_mapped and self.is_chosen:
                mapped_steps.check_mappable(model, self)
            self.executables = Executables(
                model,
                self.groups(model),
                eager=eager,
                distribution=distribution,
                goes_by_name=self._has_several_outputs(),
            )
            self._executables_of = identity
        self._state_of = self._state_now(structure)
        return self.executables

    def _state_now(self, structure: Structure) -> tuple:
        """What tells that metrics and optimizer have the Variables that they had: no further one
        was made. To look at all of them takes as long as a tenth of a small step.
        """
        optimizer, metrics = self.optimizer, self.metrics
        is_built = optimizer is None or getattr(optimizer, "built", False)
        return structure, optimizer, is_built, metrics is None or metrics.built, VariableInfo.made

    def _has_several_outputs(self) -> bool:
        parts = [part for part in (self.loss, self.metrics) if part is not None]
        return any(len(part.output_names or ()) > 1 for part in parts)

    def fits(self, structure: Structure) -> bool:
        """Whether there are executables for this very structure, on the devices that count now."""
        executables = self.executables
        return (
            executables is not None
            and executables.groups.structure is structure
            and executables.distribution is self.present_distribution()
        )

    def present_distribution(self) -> Distribution | None:
        """The one that counts here, else the one that the model was made or compiled for."""
        return placement.current() or self.distribution

    def all_built(self, model: Trainable) -> bool:
        """Whether all layers have their weights. Remembered while the structure is the same."""
        structure = tracking.structure_of(model)
        if self.built_structure is not structure:
            if not all(layer.built for _, layer in structure.layers):
                return False
            self.built_structure = structure
        return True

    # -- metrics and names of results ------------------------------------------

    def metric_objects(self, structure: Structure) -> list[Metric]:
        """The loss tracker, the compiled metrics, trackers of single losses, then the metrics kept
        by the model and its layers.
        """
        compiled = [m for m in (self.tracker, self.metrics) if m is not None]
        return [*compiled, *self._loss_trackers(), *structure.metrics]

    def unlisted_metrics(self, model: Trainable) -> list[Metric]:
        """What a user's own `metrics` leaves out; a step writes its state all the same."""
        if "metrics" not in self.overridden:
            return []
        listed = {id(metric) for metric in model.metrics}
        known = self.metric_objects(tracking.structure_of(model))
        return [metric for metric in known if id(metric) not in listed]

    def unlisted_variables(self, model: Trainable) -> list[Variable]:
        """The state of the metrics that a user's own `metrics` leaves out."""
        return [v for metric in self.unlisted_metrics(model) for v in metric.variables]

    def unlisted_results(self, model: Trainable) -> list[Metric]:
        """Of the metrics that a user's own `metrics` leaves out those that `compile` chose: they
        are among the results all the same.
        """
        if self.overridden & _OWN_RESULTS:
            return []
        kept = {id(metric) for metric in tracking.structure_of(model).metrics}
        return [metric for metric in self.unlisted_metrics(model) if id(metric) not in kept]

    def _loss_trackers(self) -> list[Metric]:
        return [] if self.loss is None else self.loss.metrics

    def result_names(self, structure: Structure) -> list[str]:
        """Names of the results of a step, as far as they are known before it is run."""
        names = ["loss"] if self.tracker is not None else []
        if self.metrics is not None and self.metrics.built:
            names += self.metrics.names
        return names + [m.name for m in (*self._loss_trackers(), *structure.metrics)]

    def in_evaluate_order(self, logs: Mapping[str, Any], structure: Structure) -> Logs:
        """Logs in Keras's order: the loss, the losses of the outputs, then the metrics."""
        names = ["loss", *(m.name for m in self._loss_trackers()), *self.result_names(structure)]
        order = dict.fromkeys(name for name in names if name in logs)
        return {name: logs[name] for name in (*order, *(n for n in logs if n not in order))}

    # -- checks ----------------------------------------------------------------

    def check_monitors(
        self, callbacks: CallbackList, structure: Structure, has_validation: bool
    ) -> None:
        """Lets callbacks say that what they monitor will not be among the results.

        Nothing is checked where the user's own steps may return other results.
        """
        if self.overridden & {"train_step", *_OWN_RESULTS}:
            return
        names = self.result_names(structure)
        if has_validation:
            names = [*names, *(f"val_{name}" for name in names)]
        callbacks.check_monitors(names, has_validation=has_validation)

    def warn_of_shared_names(self, structure: Structure) -> None:
        """Says once that results of metrics of one name take each other's place.

        Nothing is said where the user's own methods may make results of another kind.
        """
        own = {"train_step", "test_step", "compute_loss", "compute_metrics", "get_metrics_result"}
        if self.names_were_told or self.overridden & own:
            return
        self.names_were_told = True
        names = self.result_names(structure)
        shared = sorted({name for name in names if names.count(name) > 1})
        if "metrics" in self.overridden and "loss" in shared:
            shared.remove("loss")  # a tracker of the user's own, in the place of ours
        hidden = next((n for n in names if n.startswith("val_") and n[4:] in names), None)
        if hidden:
            warn_user(
                f"A metric is called '{hidden}', which is also the name of the result of "
                f"'{hidden[4:]}' on validation data. Give it another name: `name=...`."
            )
        if shared:
            warn_user(
                f"Several metrics of the model or its layers are called '{shared[0]}': of their "
                "results only the last is shown. Give each a name of its own: `name=...`."
            )

    def take_flags(self, model: Trainable) -> None:
        """The `trainable` flags count as they are now, as after another `compile`."""
        self.flags = TrainableFlags(model if self.is_chosen else None)
        self.executables = self._executables_of = self._state_of = self.owner = None

    def warn_of_toggled_flags(self, model: Trainable, structure: Structure | None = None) -> None:
        """Says once that flags changed since `compile` do not count."""
        now = structure, FlagWrites.count
        if self.toggles_were_told or (structure is not None and now == self._flags_of):
            return
        self._flags_of = now
        names = self.flags.toggled_layers(model, structure)
        if names:
            self.toggles_were_told = True
            shown = ", ".join(names[:4]) + (", ..." if len(names) > 4 else "")
            warn_user(
                f"`trainable` of {shown} was changed after `compile()` of model '{model.name}'. "
                "Training goes on with the flags as they were at `compile()`; call `compile()` "
                "again for the change to take effect."
            )


class _Claim:
    """What `Compiled.claimed` returns: a class, which costs half of what a generator would."""

    def __init__(self, claim: dict[str, int], caller: str) -> None:
        self._claim = claim
        self._caller = caller
        self._is_outermost = False

    def __enter__(self) -> None:
        own = threading.get_ident()
        self._is_outermost = "ident" not in self._claim
        if self._claim.setdefault("ident", own) != own:
            raise UserInputError(
                f"`{self._caller}`: the model is being trained on another thread. Two trainings at "
                "once need a model each: `clone_model` and `set_weights`, or `model.step` on a "
                "TrainState each."
            )

    def __exit__(self, *error: object) -> None:
        if self._is_outermost:
            self._claim.clear()


def with_loss_scaling(optimizer: Optimizer | None) -> Optimizer | None:
    """The optimizer behind loss scaling, which gradients in float16 need not to vanish."""
    if optimizer is None or isinstance(optimizer, optimizers_module.LossScaleOptimizer):
        return optimizer
    return optimizers_module.LossScaleOptimizer(optimizer, name="loss_scale_optimizer")
