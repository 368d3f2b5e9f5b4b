"""`compile`, `fit`, `evaluate`, `predict` and their kin: arguments in, calls into
`fkeras.training`, results out.
"""

import contextlib
import inspect
import warnings

import jax
import jax.numpy as jnp
import numpy as np

from fkeras import callbacks as callbacks_module
from fkeras import data as data_module
from fkeras import losses as losses_module
from fkeras import metrics as metrics_module
from fkeras import optimizers as optimizers_module
from fkeras.core import settings, warn_once
from fkeras.core.config import serialization
from fkeras.core.nested import flatten, map_structure
from fkeras.core.values import lending, stand_ins
from fkeras.errors import UserInputError, UserTypeError, nearest
from fkeras.layers.base import tracking
from fkeras.models.compilation import Compilation
from fkeras.models.preparation import Preparation
from fkeras.training import input_checks, interrupts, steps
from fkeras.training.compiled_loss import CompiledLoss
from fkeras.training.compiled_metrics import CompiledMetrics
from fkeras.training.evaluate import evaluate
from fkeras.training.fit import Fit, validates
from fkeras.training.loan import copy_tree
from fkeras.training.logs import to_python
from fkeras.training.predict import predict, to_host
from fkeras.training.state import TrainState, as_step, zeroed_metrics


class Trainer(Preparation):
    """The training half of `Model`."""

    _tolerates_nan = False

    def __init__(self):
        self._training = Compilation()
        self.stop_training = self.stop_evaluating = self.stop_predicting = False

    # -- compile ---------------------------------------------------------------

    def compile(
        self,
        optimizer="rmsprop",
        loss=None,
        loss_weights=None,
        metrics=None,
        weighted_metrics=None,
        run_eagerly=False,
        steps_per_execution=1,
        jit_compile="auto",
        auto_scale_loss=True,
        *,
        fuse=True,
    ):
        """Chooses how the model is trained. Unknown names fail here, with the nearest known ones.

        Args:
            optimizer: name, object, config, or any `optax.GradientTransformation`.
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
            fuse: whether `fit` may run several steps in one device call where nobody can look
                between them; the numbers are the same.
        """
        self._check_ready()
        made = self._training
        optimizer_given = optimizer
        optimizer = optimizers_module.get(optimizer)
        if (
            auto_scale_loss
            and self.dtype_policy.name == "mixed_float16"
            and optimizer is not None
            and not isinstance(optimizer, optimizers_module.LossScaleOptimizer)
        ):
            optimizer = optimizers_module.LossScaleOptimizer(optimizer, name="loss_scale_optimizer")
        if not isinstance(steps_per_execution, int) or steps_per_execution < 1:
            raise UserInputError(
                "`steps_per_execution` must be an int of 1 or more. Received: "
                f"{steps_per_execution!r}"
            )
        names = getattr(self, "output_names", None)
        compiled_loss = (
            None if loss is None else CompiledLoss(loss, loss_weights, output_names=names)
        )
        compiled_metrics = None
        if metrics is not None or weighted_metrics is not None:
            compiled_metrics = CompiledMetrics(
                metrics, weighted_metrics, output_names=names, loss=compiled_loss
            )
        made.optimizer, made.loss, made.metrics = optimizer, compiled_loss, compiled_metrics
        made.tracker = metrics_module.Mean(name="loss")
        made.run_eagerly, made.steps_per_execution, made.fuse = (
            bool(run_eagerly),
            steps_per_execution,
            bool(fuse),
        )
        made.jit_compile = not run_eagerly if jit_compile == "auto" else bool(jit_compile)
        made.config = {
            "optimizer": optimizer_given if isinstance(optimizer_given, str) else optimizer,
            "loss": loss,
            "loss_weights": loss_weights,
            "metrics": metrics,
            "weighted_metrics": weighted_metrics,
            "run_eagerly": run_eagerly,
            "steps_per_execution": steps_per_execution,
            "jit_compile": made.jit_compile,
        }
        made.flags, made.toggles_told = steps.flags_now(self), False
        made.engine = made.engine_key = made.bound = None
        made.functions, made.outputs = {}, {}
        self.stop_training = False

    compiled = property(
        lambda self: self._training.tracker is not None, doc="Whether `compile` was called."
    )
    optimizer = property(
        lambda self: self._training.optimizer,
        lambda self, value: setattr(self._training, "optimizer", value),
        doc="The optimizer that `compile` was given.",
    )
    loss = property(
        lambda self: self._training.loss.given if self._training.loss is not None else None,
        doc="The loss as `compile` was given it.",
    )
    run_eagerly = property(
        lambda self: self._training.run_eagerly,
        lambda self, value: self._set("run_eagerly", bool(value)),
    )
    jit_compile = property(
        lambda self: self._training.jit_compile,
        lambda self, value: self._set("jit_compile", bool(value)),
    )
    steps_per_execution = property(
        lambda self: self._training.steps_per_execution,
        lambda self, value: self._set("steps_per_execution", value),
    )
    _compiled_loss = property(lambda self: self._training.loss)
    _loss_tracker = property(lambda self: self._training.tracker)

    def _set(self, name, value):
        setattr(self._training, name, value)
        self._training.engine = self._training.engine_key = None

    def _flags_of_compile(self):
        """A context: `trainable` flags as they were at `compile`."""
        return (
            steps.flags(self, self._training.flags)
            if self._training.flags
            else contextlib.nullcontext()
        )

    @property
    def metrics(self):
        """The loss tracker, the compiled metrics, trackers of single losses, then metrics kept by
        the model and its layers.
        """
        return self._metrics_of(self._structure())

    def _metrics_of(self, structure):
        made, own = self._training, []
        if made.tracker is not None:
            own.append(made.tracker)
            own += [made.metrics] if made.metrics is not None else []
            own += made.loss.metrics if made.loss is not None else []
        return own + structure.metrics

    @property
    def metrics_names(self):
        """Names of what `evaluate` returns, in its order."""
        return list(self._in_evaluate_order(dict.fromkeys(self._result_names())))

    def _result_names(self):
        made = self._training
        names = ["loss"] if made.tracker is not None else []
        if made.metrics is not None and made.metrics.built:
            names += made.metrics.names
        names += [m.name for m in (made.loss.metrics if made.loss is not None else [])]
        return names + [m.name for m in self._structure().metrics]

    def reset_metrics(self):
        """Starts all metrics again."""
        for metric in self.metrics:
            metric.reset_state()

    def get_metrics_result(self):
        """Results of all metrics by name, as floats (or arrays, inside a pure call)."""
        return self._metric_results()

    def _metric_results(self):
        results = {}
        for metric in self.metrics:
            result = metric.result()
            if isinstance(result, dict):
                results.update(result)
            else:
                results[metric.name] = result
        return results

    # -- what users override ---------------------------------------------------

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        """The scalar to minimise: the compiled loss plus what layers added. Override it for a loss
        of your own.

        Args:
            x: inputs. y: targets. y_pred: outputs. sample_weight: weights of the examples.
            training: whether this is a training step.
        """
        return steps.compute_loss(self, y, y_pred, sample_weight)

    def _compute_loss(self, x, y, y_pred, sample_weight, training):
        kwargs = (
            {"training": training}
            if "training" in inspect.signature(self.compute_loss).parameters
            else {}
        )
        return self.compute_loss(x=x, y=y, y_pred=y_pred, sample_weight=sample_weight, **kwargs)

    def compute_metrics(self, x, y, y_pred, sample_weight=None):
        """Updates the compiled metrics and returns all results by name. Override it for metrics of
        your own.
        """
        if self._training.metrics is not None:
            self._training.metrics.update_state(y, y_pred, sample_weight)
        return self.get_metrics_result()

    def stateless_compute_loss(
        self,
        trainable_variables,
        non_trainable_variables,
        metrics_variables,
        x=None,
        y=None,
        y_pred=None,
        sample_weight=None,
        training=True,
    ):
        """Keras's pure form of `compute_loss`: (loss, (trainable, non-trainable, metric
        values)).
        """
        variables = [
            *self.trainable_variables,
            *self.non_trainable_variables,
            *self.metrics_variables,
        ]
        values = [*trainable_variables, *non_trainable_variables, *metrics_variables]
        loss, after = lending.call(
            lambda: self._compute_loss(x, y, y_pred, sample_weight, training), variables, values
        )
        a, b = len(trainable_variables), len(trainable_variables) + len(non_trainable_variables)
        return loss, (after[:a], after[a:b], after[b:])

    def compute_loss_and_updates(
        self,
        trainable_variables,
        non_trainable_variables,
        metrics_variables,
        x,
        y,
        sample_weight,
        training=False,
        optimizer_variables=None,
    ):
        """(loss to differentiate, (loss, outputs, new non-trainable values, new metric values)):
        what `train_step` differentiates.
        """
        return steps.compute_loss_and_updates(
            self,
            trainable_variables,
            non_trainable_variables,
            metrics_variables,
            x,
            y,
            sample_weight,
            training,
            optimizer_variables,
        )

    def train_step(self, state, data):
        """One training step, pure: Keras's contract on JAX. Override it for a step of your own.

        Args:
            state: (trainable, non-trainable, optimizer, metric) values, lists in the order of
                `trainable_variables`, `non_trainable_variables`, `optimizer.variables`,
                `metrics_variables`.
            data: a batch: `x`, `(x, y)` or `(x, y, sample_weight)`.

        Returns:
            `(logs, state)`.
        """
        return steps.train_step(self, state, data)

    def test_step(self, state, data):
        """One evaluation step, pure: `(logs, state)` for state = (trainable, non-trainable, metric)
        values.
        """
        return steps.test_step(self, state, data)

    def predict_step(self, state, data):
        """One prediction step, pure: `(outputs, non-trainable values)` for state = (trainable,
        non-trainable) values.
        """
        return steps.predict_step(self, state, data)

    # -- the pure face ---------------------------------------------------------

    def init_state(self, key, batch):
        """The `TrainState` to begin training with: a pure function of a key.

        Args:
            key: JAX PRNG key. `model.build_key` gives the weights that the facade has.
            batch: one batch `(x, y)`, arrays or `ShapeDtypeStruct`s: only shapes count.

        Examples:
            >>> import fkeras, jax, numpy as np
            >>> model = fkeras.Sequential([fkeras.layers.Dense(1)])
            >>> model.compile("sgd", "mse")
            >>> batch = np.ones((8, 3), "float32"), np.ones((8, 1), "float32")
            >>> state = model.init_state(jax.random.key(0), batch)
            >>> state, logs = jax.jit(model.step)(state, batch)
            >>> int(state.step), sorted(logs)
            (1, ['loss'])
        """
        self._assert_compiled("init_state")
        self._build_for(batch)
        lists = self._lists()
        variables = self.init(key, *([] if self.built else [steps.unpack(batch)[0]]))
        opt_state = (
            {}
            if self.optimizer is None
            else self.optimizer.init(
                lists.trainable_tree(variables["params"]),
                leaves=lists.unflatten(self.optimizer.leaves_of(lists.trainable)),
            )
        )
        metrics = tracking.nest(zip(lists.metric_names(), zeroed_metrics(lists)))
        return TrainState(
            step=as_step(0),
            params=variables["params"],
            state=variables["state"],
            opt_state=opt_state,
            metrics=metrics,
            key=jnp.copy(key),
        )  # a donated state must not take the caller's key with it

    def step(self, state, batch):
        """One training step on a `TrainState`: `(new state, logs)`, pure. Calls an overridden
        `train_step`.

        Works under `jit` (donate the state), `vmap` (an ensemble), `scan` (many steps), sharding.
        In a hand-written loop it gives the weights that `fit` gives, bit for bit (single steps,
        CPU).
        """
        self._assert_compiled("step")
        self._build_for(batch)
        return steps.step(self, self._lists(), state, batch)

    def train_state(self):
        """The facade's present state as a `TrainState`, to go on from in a hand-written loop."""
        self._assert_compiled("train_state")
        lists = self._lists()
        values = copy_tree(lists.values())  # so that the state can be donated
        return lists.to_state(
            values,
            self.optimizer,
            as_step(self._training.progress["steps"]),
            jnp.copy(self.build_key),
        )

    def set_train_state(self, state):
        """Takes the weights, optimizer state, metrics and step of a `TrainState` over into the
        facade.
        """
        self._assert_compiled("set_train_state")
        lists = self._lists()
        for group, values in zip(
            lists.groups(), copy_tree(lists.to_lists(state, self.optimizer))
        ):  # the state may be donated later
            for variable, value in zip(group, values):
                variable.assign(value)
        self._training.progress["steps"] = int(state.step)

    # -- fit -------------------------------------------------------------------

    def fit(
        self,
        x=None,
        y=None,
        batch_size=None,
        epochs=1,
        verbose="auto",
        callbacks=None,
        validation_split=0.0,
        validation_data=None,
        shuffle=True,
        class_weight=None,
        sample_weight=None,
        initial_epoch=0,
        steps_per_epoch=None,
        validation_steps=None,
        validation_batch_size=None,
        validation_freq=1,
        *,
        max_compiles=None,
        **unknown,
    ):
        """Trains the model. Returns a `History` whose `history` holds one float an epoch for the
        loss and each metric.

        Args:
            x: inputs: array, DataFrame, list, dict or tuple of those, a generator or iterable of
                batches, a `PyDataset`.
            y: targets, where `x` does not hold them.
            batch_size: examples a batch, 32 by default; only with arrays. The last batch may be
                smaller and is exact.
            epochs: index of the epoch to stop before.
            verbose: 'auto' (1), 0 silent, 1 progress bar, 2 one line an epoch.
            callbacks: list of `Callback`s.
            validation_split: fraction in [0, 1) of the last rows, taken away before shuffling.
            validation_data: `(x, y)`, `(x, y, sample_weight)` or an iterable of batches.
            shuffle: whether examples are put in a new order at each epoch (arrays only).
            class_weight: dict from class id to weight.
            sample_weight: weights of the examples.
            initial_epoch: index of the first epoch.
            steps_per_epoch: batches an epoch; None for all.
            validation_steps, validation_batch_size: the same for validation.
            validation_freq: validate each so many epochs, or in the epochs (from 1) of a list.
            max_compiles: raise when more executables than this would be compiled.

        Raises:
            UserInputError: data that cannot be right, before anything is computed.
        """
        _refuse_unknown("fit", Trainer.fit, unknown)
        self._assert_compiled("fit")
        if "train_step" not in self._overridden() and self.optimizer is None:
            raise UserInputError("`fit` needs an optimizer: `compile(optimizer='adam', ...)`.")
        epochs, initial_epoch = _count("epochs", epochs), _count("initial_epoch", initial_epoch)
        validates(validation_freq, 0)  # an error now, if any
        self.stop_training = False
        if validation_split and validation_data is None:
            (x, y, sample_weight), validation_data = data_module.train_validation_split(
                (x, y, sample_weight), validation_split=validation_split
            )
        source = data_module.make_source(
            x,
            y,
            sample_weight,
            batch_size=batch_size,
            shuffle=shuffle,
            class_weight=class_weight,
            steps_per_epoch=steps_per_epoch,
            role="fit",
        )
        validation = None
        if validation_data is not None:
            vx, vy, vw = _validation_triple(validation_data)
            names = (
                [f"validation_data[{i}]" for i in range(3)]
                if vx is not validation_data
                else ["validation_data", "y", "sample_weight"]
            )
            validation = data_module.make_source(
                vx,
                vy,
                vw,
                batch_size=validation_batch_size,
                default_batch_size=batch_size,
                role="validation",
                steps_per_epoch=validation_steps,
                argument_names=names,
            )
            validation_steps = _limited_steps(validation_steps, validation)
        epochs, steps_per_epoch = _limited_epochs(epochs), _limited_steps(steps_per_epoch, source)
        if initial_epoch >= epochs:
            warnings.warn(
                f"fit(initial_epoch={initial_epoch}, epochs={epochs}) trains nothing: `epochs` is "
                "the epoch to stop before, not a number of further epochs.",
                stacklevel=2,
            )
        self._tolerates_nan = any(
            isinstance(c, callbacks_module.TerminateOnNaN)
            for c in getattr(callbacks, "callbacks", callbacks) or ()
        )
        with warn_once.scope():
            self._prepare(source, "fit")
            if validation is not None:
                self._check_source(validation, "validation_data")
            self._tell_toggles()
            engine = self._engine()
            steps_known = steps_per_epoch if steps_per_epoch is not None else source.steps
            listed = self._listed(callbacks, verbose, epochs, steps_known, add_history=True)
            self._check_monitors(listed, validation is not None)
            with interrupts.watched() as watch:
                self._loop(
                    engine,
                    source,
                    listed,
                    held_out=validation,
                    validation_steps=validation_steps,
                    validation_freq=validation_freq,
                    epochs=epochs,
                    initial_epoch=initial_epoch,
                    steps_per_epoch=steps_per_epoch,
                    fuse=self._training.fuse,
                    interrupts=watch,
                    on_new_shapes=self._watch_compiles(engine, max_compiles),
                ).run()
        return self.history

    def _loop(self, engine, source, callbacks, **arguments):
        training = self._training
        return Fit(
            engine,
            source,
            callbacks,
            progress=training.progress,
            key=self.build_key,
            seed=self._order_seed(),
            steps_per_execution=training.steps_per_execution,
            should_stop=lambda: self.stop_training,
            finish=self._finish_training,
            after_epoch=self._tell_skipped if hasattr(self.optimizer, "skipped_steps") else None,
            **arguments,
        )

    def _tell_skipped(self):
        """Loss scaling skips a step whose gradients overflow; an epoch of nothing else trains
        nothing, and looks like a constant loss.
        """
        skipped = int(self.optimizer.skipped_steps)
        if skipped >= 3:
            warn_once.warn(
                f"Loss scaling has skipped the last {skipped} steps in a row, since their "
                "gradients were not finite: the weights do not change. Scale the targets down, "
                "lower the learning rate, or use 'mixed_bfloat16'.",
                stacklevel=5,
                key="loss scaling",
            )

    def _listed(self, callbacks, verbose, epochs, steps_known, add_history=False):
        if isinstance(callbacks, callbacks_module.CallbackList):
            return callbacks
        return callbacks_module.CallbackList(
            callbacks,
            add_history=add_history,
            add_progbar=verbose != 0,
            model=self,
            verbose=_verbosity(verbose),
            epochs=epochs,
            steps=steps_known,
        )

    def _finish_training(self):
        if self.optimizer is not None and hasattr(self.optimizer, "finalize_variable_values"):
            self.optimizer.finalize_variable_values(self.trainable_weights)

    # -- evaluate, predict -----------------------------------------------------

    def evaluate(
        self,
        x=None,
        y=None,
        batch_size=None,
        verbose="auto",
        sample_weight=None,
        steps=None,
        callbacks=None,
        return_dict=False,
        **kwargs,
    ):
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
        kwargs.pop("_use_cached_eval_dataset", None)
        self.stop_evaluating = False
        _refuse_unknown("evaluate", Trainer.evaluate, kwargs)
        self._assert_compiled("evaluate")
        source = data_module.make_source(
            x, y, sample_weight, batch_size=batch_size, steps_per_epoch=steps, role="evaluate"
        )
        steps = _limited_steps(steps, source)
        self._prepare(source, "evaluate")
        engine = self._engine()
        listed = self._listed(callbacks, verbose, 1, steps if steps is not None else source.steps)
        lists = engine.lists
        fixed = lists.weights()
        logs, rest = evaluate(
            engine,
            source,
            fixed,
            metrics=engine.fresh_metrics(),
            key=self.build_key,
            callbacks=listed,
            fuse=self._training.fuse,
            steps=steps,
            steps_per_execution=self._training.steps_per_execution,
            should_stop=lambda: self.stop_evaluating,
        )
        _put_changed(lists.rest, fixed[1], rest)
        return dict(sorted(logs.items())) if return_dict else self._as_list(logs)

    def predict(self, x, batch_size=None, verbose="auto", steps=None, callbacks=None):
        """Outputs for inputs, in inference mode, as NumPy arrays in the structure of the outputs.

        Args:
            x: inputs as in `fit`. batch_size: examples a device batch, 32 by default.
            verbose: as in `fit`. steps: batches to take; None for all. callbacks: list of
                `Callback`s.
        """
        self.stop_predicting = False
        if (
            callbacks is None
            and not verbose
            and steps is None
            and self._is_one_plain_batch(x, batch_size)
        ):
            return self._predict_now((x,))
        source = data_module.make_source(
            x, batch_size=batch_size, steps_per_epoch=steps, role="predict"
        )
        steps = _limited_steps(steps, source)
        self._prepare(source, "predict")
        engine = self._engine(weights_only=True)
        listed = self._listed(callbacks, verbose, 1, steps if steps is not None else source.steps)
        return predict(
            engine,
            source,
            engine.lists.weights(),
            key=self.build_key,
            callbacks=listed,
            progress=self._training.progress,
            fuse=self._training.fuse,
            steps=steps,
            steps_per_execution=self._training.steps_per_execution,
            should_stop=lambda: self.stop_predicting,
        )

    # -- one batch -------------------------------------------------------------

    def train_on_batch(self, x, y=None, sample_weight=None, class_weight=None, return_dict=False):
        """One training step on one batch. Returns the loss as a float, with metrics a list, or a
        dict. Nothing accumulates between calls.
        """
        self._assert_compiled("train_on_batch")
        batch = self._one_batch("train_on_batch", x, y, sample_weight, class_weight)
        self._tell_toggles()
        engine = self._engine()
        values = engine.lists.values()
        values = (*values[:3], engine.fresh_metrics())
        progress = self._training.progress
        engine.note("train_on_batch", batch)
        new, _, logs = engine.train_one_kept(
            values, np.int32(progress["steps"]), self.build_key, batch
        )
        logs = to_python(logs)
        for group, values_after in zip(engine.lists.groups(), new):
            for variable, value in zip(group, values_after):
                stand_ins.put_value(variable, value)
        progress["steps"] += 1
        return dict(sorted(logs.items())) if return_dict else self._as_list(logs)

    def test_on_batch(self, x, y=None, sample_weight=None, return_dict=False):
        """Loss and metrics of one batch in inference mode: a float, a list or a dict."""
        self._assert_compiled("test_on_batch")
        batch = self._one_batch("test_on_batch", x, y, sample_weight)
        engine = self._engine()
        fixed = engine.lists.weights()
        rest, metrics, logs = engine.test_one(
            fixed, engine.fresh_metrics(), self.build_key, np.int32(0), batch
        )
        _put_changed(engine.lists.rest, fixed[1], rest)
        for variable, value in zip(engine.lists.metrics, metrics):
            stand_ins.put_value(variable, value)
        logs = to_python(logs)
        return dict(sorted(logs.items())) if return_dict else self._as_list(logs)

    def predict_on_batch(self, x):
        """Outputs of one batch in inference mode, as NumPy arrays."""
        return self._predict_now(self._one_batch("predict_on_batch", x))

    def _is_one_plain_batch(self, x, batch_size):
        """Whether a prediction is a single call of what is compiled for the model as it is: the
        question of each step of a game or a server.
        """
        made = self._training
        if (
            type(x) is not np.ndarray
            or x.ndim == 0
            or batch_size is not None
            and type(batch_size) is not int
            or made.engine is None
            or made.columns
        ):
            return False
        if not 0 < len(x) <= (32 if batch_size is None else batch_size) or x.dtype not in (
            settings.floatx(),
            "int32",
        ):
            return False
        structure = self._structure()
        if made.structure is not structure or made.engine.lists.structure is not structure:
            return False
        input_checks.check_ids(self, x)
        return True

    def _predict_now(self, batch):
        engine, progress = self._engine(weights_only=True), self._training.progress
        drawn = progress.get("predicted", 0)
        progress["predicted"] = drawn + 1
        return to_host(
            engine.predict_one(
                engine.lists.weights(), self.build_key, np.int32(drawn % (1 << 30)), batch
            )
        )

    def _one_batch(self, what, x, y=None, sample_weight=None, class_weight=None):
        source = data_module.make_source(
            x, y, sample_weight, batch_size=_rows(x), class_weight=class_weight, role="batch"
        )
        batch = source.batch(slice(0, source.num_samples))
        self._build_for(batch, what)
        input_checks.check_ids(self, steps.unpack(batch)[0])
        return batch

    def warmup(
        self,
        x,
        y=None,
        sample_weight=None,
        batch_size=None,
        *,
        epochs=2,
        validation_data=None,
        callbacks=None,
    ):
        """Compiles what `fit` with the same arguments will run, ahead of it. Weights, metrics and
        the step counter stay as they are.

        Only shapes count, so that this can be done while the data is still being read. Call it with
        the arrays' shapes and the batch size for a `fit` on arrays; with one batch for a `fit` on
        batches, `train_on_batch` apart.

        Args:
            x, y, sample_weight: arrays or `jax.ShapeDtypeStruct`s, as `fit` will be given them; or
                one batch `(x, y)` as a tuple.
            batch_size: as `fit` will be given it; None: all of `x` is one batch.
            epochs: as `fit` will be given it.
            validation_data: `(x, y)`, arrays or `ShapeDtypeStruct`s.
            callbacks: those that `fit` will be given: whether they have hooks on batches decides on
                the form of the steps.

        Examples:
            >>> import fkeras, jax
            >>> model = fkeras.Sequential([fkeras.Input((3,)), fkeras.layers.Dense(1)])
            >>> model.compile("sgd", "mse")
            >>> model.warmup(jax.ShapeDtypeStruct((100, 3), "float32"), jax.ShapeDtypeStruct((100, 1), "float32"), batch_size=32)
            >>> int(model.optimizer.iterations)
            0
        """
        self._assert_compiled("warmup")
        if isinstance(x, tuple) and y is None:
            x, y, sample_weight = steps.unpack(x)
        x, y, sample_weight, validation_data = map_structure(
            _filled, (x, y, sample_weight, validation_data)
        )
        size = batch_size if batch_size is not None else _rows(x)
        source = data_module.make_source(
            x, y, sample_weight, batch_size=size, shuffle=True, role="batch"
        )
        held_out = (
            validation_data
            if validation_data is None
            else data_module.make_source(
                *_validation_triple(validation_data), batch_size=size, role="validation"
            )
        )
        self._build_for(source.batch(slice(0, source.batch_size)))
        listed = self._listed(callbacks, 0, epochs, source.steps, add_history=True)
        with interrupts.watched() as watch:
            self._loop(
                self._engine(),
                source,
                listed,
                held_out=held_out,
                epochs=epochs,
                interrupts=watch,
                fuse=self._training.fuse and batch_size is not None,
            ).warm()

    # -- the state as a tree ---------------------------------------------------

    def get_state_tree(self, value_format="backend_tensor"):
        """All values by the paths of their Variables, in nested dicts: trainable, non-trainable,
        optimizer's, metrics'.

        Args:
            value_format: 'backend_tensor' for JAX arrays, 'numpy_array' for NumPy.
        """
        if value_format not in ("backend_tensor", "numpy_array"):
            raise UserInputError(
                "Invalid `value_format` argument. Expected one of {'numpy_array', "
                f"'backend_tensor'}}. Received: value_format={value_format}"
            )
        return {
            group: _by_path(variables, value_format)
            for group, variables in self._state_groups().items()
        }

    def set_state_tree(self, state_tree):
        """Assigns values from a tree as `get_state_tree` returns it; groups and paths that are
        missing stay as they are.
        """
        groups = self._state_groups()
        for group, tree in state_tree.items():
            if group not in groups:
                raise UserInputError(f"Unknown variable name: {group}. Known: {sorted(groups)}")
            by_path = {"/".join(path): value for path, value in tracking.flat(tree).items()}
            for variable in groups[group]:
                if variable.path in by_path:
                    variable.assign(by_path[variable.path])

    def _state_groups(self):
        optimizer = list(self.optimizer.variables) if self.optimizer is not None else None
        return {
            "trainable_variables": self.trainable_variables,
            "non_trainable_variables": self.non_trainable_variables,
            **({"optimizer_variables": optimizer} if optimizer is not None else {}),
            "metrics_variables": self.metrics_variables,
        }

    # -- compiled steps on lists, for loops written for Keras ------------------

    train_function = property(
        lambda self: self._training.functions.get("train"), doc="What `make_train_function` made."
    )
    test_function = property(
        lambda self: self._training.functions.get("test"), doc="What `make_test_function` made."
    )
    predict_function = property(
        lambda self: self._training.functions.get("predict"),
        doc="What `make_predict_function` made.",
    )

    def make_train_function(self, force=False):
        """A function (state, iterator of batches) -> (logs, state) that runs `train_step`,
        compiled.
        """
        return self._make_function("train", self.train_step, force)

    def make_test_function(self, force=False):
        """A function (state, iterator of batches) -> (logs, state) that runs `test_step`,
        compiled.
        """
        return self._make_function("test", self.test_step, force)

    def make_predict_function(self, force=False):
        """A function (state, iterator of batches) -> (outputs, state) that runs `predict_step`,
        compiled.
        """
        return self._make_function("predict", self.predict_step, force)

    def _make_function(self, kind, step, force):
        functions = self._training.functions
        if kind not in functions or force:
            run = step if self.run_eagerly or not self.jit_compile else jax.jit(step)

            def function(state, iterator):
                result = None
                for _, batch in zip(range(self.steps_per_execution), iterator):
                    result, state = run(state, batch)
                return result, state

            functions[kind] = function
        return functions[kind]

    def jax_state_sync(self):
        """Brings the values of a running `fit` into the Variables. Reading a Variable does that by
        itself.
        """
        for variable in self.variables:
            variable.value  # noqa: B018

    def _overridden(self) -> set:
        """Names of the methods that users override, as far as this model's class does."""
        names = (
            "compile",
            "train_step",
            "test_step",
            "predict_step",
            "compute_loss",
            "compute_metrics",
            "get_metrics_result",
        )
        return {n for n in names if getattr(type(self), n) is not getattr(Trainer, n)}

    # -- results in order ------------------------------------------------------

    def _in_evaluate_order(self, logs):
        """Keras's order: the loss, the losses of the outputs, then the metrics."""
        made = self._training
        first = ["loss", *(m.name for m in (made.loss.metrics if made.loss is not None else []))]
        first += [n for n in self._result_names() if n not in first]
        return {
            k: logs[k]
            for k in (*[f for f in first if f in logs], *[k for k in logs if k not in first])
        }

    def _as_list(self, logs):
        values = list(self._in_evaluate_order(logs).values())
        return values[0] if len(values) == 1 else values

    # -- configs ---------------------------------------------------------------

    def get_compile_config(self):
        """The arguments of `compile` as plain values, or None."""
        if not self.compiled or self._training.config is None:
            return None
        return serialization.serialize_dict(self._training.config)

    def compile_from_config(self, config):
        """Compiles the model with what `get_compile_config` returned."""
        if self._overrides_compile():
            warnings.warn(
                "`compile()` was not called as part of model loading because the model's "
                "`compile()` method is custom. Override `get_compile_config()` and "
                "`compile_from_config(config)` to have it called.",
                stacklevel=2,
            )
            return
        arguments = serialization.deserialize_keras_object(config)
        for name, room in (("loss", losses_module), ("optimizer", optimizers_module)):
            if isinstance(arguments.get(name), dict) and "class_name" in arguments[name]:
                arguments[name] = room.deserialize(arguments[name])
        self.compile(**arguments)
        if self.optimizer is not None and self.built:
            self.optimizer.build(self.trainable_variables)

    def _overrides_compile(self):
        return "compile" in self._overridden()


def _by_path(variables, value_format):
    paths = [v.path for v in variables]
    twice = sorted({p for p in paths if paths.count(p) > 1})
    if twice:
        raise UserInputError(
            f"The following variable path is found twice in the model: '{twice[0]}'. "
            "`get_state_tree()` can only be called when all variable paths are unique. Give your "
            "layers (and other objects) unique names."
        )
    return tracking.nest(
        (tuple(v.path.split("/")), v.numpy() if value_format == "numpy_array" else v.value)
        for v in variables
    )


def _filled(x):
    return np.zeros(x.shape, x.dtype) if isinstance(x, jax.ShapeDtypeStruct) else x


def _rows(x):
    for leaf in flatten(x):
        shape = np.shape(leaf)
        if shape:
            return max(1, shape[0])
    return None


def _put_changed(variables, before, after):
    for variable, old, new in zip(variables, before, after):
        if new is not old:
            stand_ins.put_value(variable, new)


def _validation_triple(data):
    if isinstance(data, (tuple, list)) and 1 <= len(data) <= 3:
        return (*data, None, None)[:3]
    return data, None, None


def _verbosity(verbose):
    if verbose == "auto":
        return 1
    if verbose not in (0, 1, 2, True, False):
        raise UserInputError(f"`verbose` must be 'auto', 0, 1 or 2. Received: {verbose!r}")
    return int(verbose)


def _limited_epochs(epochs):
    limit = settings.get("max_epochs")
    if not limit or limit >= epochs:
        return epochs
    warnings.warn(
        f"`fkeras.config.set_max_epochs({limit})` limits the {epochs} epochs to {limit}.",
        stacklevel=3,
    )
    return limit


def _limited_steps(steps, source):
    """`steps` (None: all of the source) within `fkeras.config.max_steps_per_epoch`."""
    limit, known = settings.get("max_steps_per_epoch"), steps if steps is not None else source.steps
    return limit if limit and (known is None or limit < known) else steps


def _count(name, value):
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < 0:
        raise UserInputError(f"`{name}` must be an int of 0 or more. Received: {name}={value!r}")
    return int(value)


def _refuse_unknown(what, function, unknown):
    if unknown:
        name = sorted(unknown)[0]
        known = list(inspect.signature(function).parameters)[1:]
        close = nearest(name, known)
        raise UserTypeError(
            f"`{what}` got an unexpected keyword argument '{name}'."
            + (f" Did you mean '{close[0]}'?" if close else f" Its arguments: {', '.join(known)}.")
        )
