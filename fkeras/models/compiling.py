"""`Compiling`: what a model is trained with, how it is chosen and asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Never, overload

from fkeras import losses as losses_module
from fkeras import optimizers as optimizers_module
from fkeras.core import tracebacks
from fkeras.core.config import serialization
from fkeras.core.values import remat as remat_module
from fkeras.core.warn_once import warn_user
from fkeras.layers.base import tracking
from fkeras.models import former_arguments
from fkeras.training.compiled import CompileOptions, with_loss_scaling
from fkeras.training.optimizer_ownership import own_optimizer

if TYPE_CHECKING:
    from optax import GradientTransformation

    from fkeras.core.values.remat import RematLike
    from fkeras.optimizers import Optimizer
    from fkeras.training.compiled import Compiled
    from fkeras.training.state import TrainState
    from fkeras.types import Config, Identifier, Nested


class Compiling:
    """`compile`, and properties that tell what it chose."""

    _compiled: Compiled

    @tracebacks.filtered
    def compile(
        self,
        optimizer: Identifier | Optimizer | GradientTransformation | None = "rmsprop",
        loss: Nested[Identifier | None] = None,
        loss_weights: float | Sequence[float] | Mapping[str, float] | None = None,
        metrics: Nested[Identifier | None] = None,
        weighted_metrics: Nested[Identifier | None] = None,
        run_eagerly: bool = False,
        steps_per_execution: int = 1,
        jit_compile: bool | str = "auto",
        auto_scale_loss: bool = True,
        *,
        fuse: bool = True,
        remat: RematLike = None,
        **unknown: Never,
    ) -> None:
        """Chooses how the model is trained. Unknown names fail here, with the nearest known ones.

        Args:
            optimizer: name, object, config, any `optax.GradientTransformation`, or an
                `optax.MultiSteps`.
            loss: name, object or function `(y_true, y_pred) -> loss`; a list or dict, one for each
                output; None where `train_step` or `compute_loss` is overridden or layers add
                losses.
            loss_weights: factors of the losses: a float, or a list or dict like `loss`.
            metrics: list of names, objects or functions; a list of lists or a dict for several
                outputs.
            weighted_metrics: the same, weighted by `sample_weight`.
            run_eagerly: plain Python instead of compiled steps: breakpoints and prints work.
            steps_per_execution: batches between callbacks' batch hooks.
            jit_compile: False for plain Python; 'auto' and True compile.
            auto_scale_loss: whether `mixed_float16` gets a `LossScaleOptimizer`.
            fuse: whether `fit` may run several steps in one device call where no callback can look
                between them; the numbers are the same.
            remat: what training computes again in the backward pass rather than keeping it: less
                memory for more time, and the same numbers. True or 'full': of each layer of the
                model (of models inside, of their layers; of `Repeat`, of each block) only the
                inputs are kept. The name of one of `jax.checkpoint_policies` ('dots_saveable', ...)
                or such a function: what else is kept. A `RematScope`, or its arguments as a dict,
                for some layers alone.

        Raises:
            UserInputError: arguments that do not exist, or values that they cannot have.
        """
        self._check_ready()
        if unknown:
            former = former_arguments.take(Compiling.compile, unknown)
            steps_per_execution = former.get("steps_per_execution", steps_per_execution)
        optimizer = own_optimizer(self, optimizers_module.get(optimizer))
        if auto_scale_loss and self.dtype_policy.name == "mixed_float16":
            optimizer = with_loss_scaling(optimizer)
        options = CompileOptions(
            run_eagerly=bool(run_eagerly),
            jit_compile=not run_eagerly if jit_compile == "auto" else bool(jit_compile),
            steps_per_execution=steps_per_execution,
            fuse=bool(fuse),
            remat=remat_module.scope_of_model(remat),
        )
        chosen = {
            "loss": loss,
            "loss_weights": loss_weights,
            "metrics": metrics,
            "weighted_metrics": weighted_metrics,
        }
        self._compiled.choose(
            self,
            options,
            optimizer=optimizer,
            **{**chosen, "loss": self._bind_loss(loss)},
            output_names=getattr(self, "output_names", None),
            overridden=self._overridden(),
        )
        self._compiled.config = {
            "optimizer": optimizer,
            **chosen,
            "run_eagerly": run_eagerly,
            "steps_per_execution": steps_per_execution,
            "jit_compile": options.jit_compile,
        }
        if options.remat is not None:  # Keras knows no such argument
            self._compiled.config["remat"] = remat_module.config_of_model(remat)
        self.stop_training = False
        if loss is not None:
            self._own_loss = None
        take_saved_state, self._compiled.take_saved_state = self._compiled.take_saved_state, None
        if take_saved_state is not None:
            take_saved_state()

    def _bind_loss(self, loss):
        """The losses as computed; a model with a graph binds those that use its tensors."""
        return loss

    def await_optimizer(self, take_saved_state: Callable[[], None]) -> None:
        """Lets the state of an optimizer wait for the next `compile`, which will make that one.

        Args:
            take_saved_state: function () that gives the state to the model's optimizer.
        """
        self._compiled.take_saved_state = take_saved_state

    compiled = property(lambda self: self._compiled.is_chosen, doc="Whether `compile` was called.")
    _own_loss: Any = None

    @property
    def loss(self) -> Any:
        """The loss as `compile` was given it, or what the model set itself for its steps."""
        if self._own_loss is not None or self._compiled.loss is None:
            return self._own_loss
        return self._compiled.loss.argument

    @loss.setter
    def loss(self, value: Any) -> None:
        self._own_loss = value

    @property
    def optimizer(self) -> Any:
        """The optimizer that `compile` was given; None before `compile`."""
        return self._compiled.optimizer

    @optimizer.setter
    def optimizer(self, value: Optimizer | None) -> None:
        self._compiled.optimizer = value

    @property
    def run_eagerly(self) -> bool:
        """Whether steps are plain Python."""
        return self._compiled.options.run_eagerly

    @run_eagerly.setter
    def run_eagerly(self, value: bool) -> None:
        self._compiled.change(run_eagerly=bool(value))

    @property
    def jit_compile(self) -> bool:
        """Whether steps are compiled."""
        return self._compiled.options.jit_compile

    @jit_compile.setter
    def jit_compile(self, value: bool) -> None:
        self._compiled.change(jit_compile=bool(value))

    @property
    def steps_per_execution(self) -> int:
        """Batches between callbacks' batch hooks."""
        return self._compiled.options.steps_per_execution

    @steps_per_execution.setter
    def steps_per_execution(self, value: int) -> None:
        self._compiled.change(steps_per_execution=value)

    @property
    def training_progress(self) -> dict[str, int]:
        """The steps and epochs of the model's life, from which keys and orders of samples follow.
        Set it to go on where another training stopped.
        """
        return self._compiled.progress.to_plain()

    @training_progress.setter
    def training_progress(self, value: Mapping[str, int]) -> None:
        self._compiled.progress.update(value)

    # -- metrics ---------------------------------------------------------------

    @property
    def metrics(self) -> list[Any]:  # not of Metric: overrides return lists of their own kinds
        """The loss tracker, the compiled metrics, trackers of single losses, then metrics kept by
        the model and its layers.
        """
        return self._compiled.metric_objects(tracking.structure_of(self))

    @property
    def metrics_names(self) -> list[str]:
        """Names of what `evaluate` returns, in its order."""
        structure = tracking.structure_of(self)
        names = dict.fromkeys(self._compiled.result_names(structure))
        return list(self._compiled.in_evaluate_order(names, structure))

    @overload
    def reset_metrics(self) -> None: ...
    @overload
    def reset_metrics(self, state: TrainState) -> TrainState: ...
    def reset_metrics(self, state: TrainState | None = None) -> TrainState | None:
        """Starts all metrics again.

        Args:
            state: None for the metrics of the model. Of a `TrainState`, a copy is returned whose
                metrics start again, and the model stays as it is.
        """
        if state is not None:
            return self._with_reset_metrics(state)
        for metric in self.metrics:
            metric.reset_state()
        return None

    # -- configs ---------------------------------------------------------------

    def get_compile_config(self) -> Config | None:
        """The arguments of `compile` as plain values, or None."""
        if not self.compiled or self._compiled.config is None:
            return None
        return serialization.serialize_dict(self._compiled.config)

    def compile_from_config(self, config: Config) -> None:
        """Compiles the model with what `get_compile_config` returned."""
        if "compile" in self._overridden():
            warn_user(
                "`compile()` was not called as part of model loading because the model's "
                "`compile()` method is custom. Override `get_compile_config()` and "
                "`compile_from_config(config)` to have it called."
            )
            return
        config = serialization.deserialize_keras_object(config)
        for name, module in (("loss", losses_module), ("optimizer", optimizers_module)):
            if isinstance(config.get(name), dict) and "class_name" in config[name]:
                config[name] = module.deserialize(config[name])
        self.compile(**config)
        if self.built:
            self._compiled.build_optimizer(self)
