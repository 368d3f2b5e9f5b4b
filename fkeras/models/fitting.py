"""`Fitting`: `fit`, and `warmup` that compiles ahead of it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Never

from fkeras import data as data_module
from fkeras.core import tracebacks, warn_once
from fkeras.core.nested import map_structure
from fkeras.core.warn_once import warn_user
from fkeras.errors import UserInputError
from fkeras.layers.base import tracking
from fkeras.models import former_arguments
from fkeras.models import loop_arguments as arguments
from fkeras.optimizers import LossScaleOptimizer
from fkeras.training import agreement, first_batch, interrupts, termination
from fkeras.training.backup_owner import describe_owner
from fkeras.training.backups import Backups
from fkeras.training.compile_watch import CompileWatch
from fkeras.training.fit import Fit
from fkeras.training.fit_options import FitOptions, check_validation_freq, order_seed
from fkeras.training.skipped_steps import SkippedSteps
from fkeras.training.steps import unpack
from fkeras.training.warmup import warm_up

if TYPE_CHECKING:
    from fkeras.callbacks import History
    from fkeras.models.loop_arguments import Callbacks, Data
    from fkeras.training.compiled import Compiled


class Fitting:
    """A model that learns."""

    _compiled: Compiled

    @tracebacks.filtered
    @interrupts.heard
    def fit(
        self,
        x: Data = None,
        y: Data = None,
        batch_size: int | None = None,
        epochs: int = 1,
        verbose: str | int = "auto",
        callbacks: Callbacks = None,
        validation_split: float = 0.0,
        validation_data: Data = None,
        shuffle: bool | str = True,
        class_weight: Mapping[int, float] | None = None,
        sample_weight: Data = None,
        initial_epoch: int = 0,
        steps_per_epoch: int | None = None,
        validation_steps: int | None = None,
        validation_batch_size: int | None = None,
        validation_freq: int | Collection[int] = 1,
        *,
        max_compiles: int | None = None,
        **unknown: Never,
    ) -> History:
        """Trains the model. Returns a `History` whose `history` holds one float an epoch for the
        loss and each metric.

        Args:
            x: inputs: array, DataFrame, list, dict or tuple of those, a generator or iterable of
                batches, a `PyDataset`.
            y: targets, where `x` does not hold them.
            batch_size: examples a batch, 32 by default; only with arrays. The last batch may be
                smaller and is exact.
            epochs: index of the epoch to stop before.
            verbose: 0 silent, 1 progress bar, 2 one line an epoch; 'auto' is 1, or 2 where
                interactive logging is off.
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
        if unknown:
            former = former_arguments.take(Fitting.fit, unknown, x)
            epochs = former.get("epochs", epochs)
        self._check_can_train()
        epochs = arguments.count("epochs", epochs)
        initial_epoch = arguments.count("initial_epoch", initial_epoch)
        check_validation_freq(validation_freq)
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
            validation = arguments.validation_source(
                validation_data,
                batch_size=validation_batch_size,
                default_batch_size=batch_size,
                steps=validation_steps,
            )
            validation_steps = arguments.limited_steps(validation_steps, validation)
        epochs = arguments.limited_epochs(epochs)
        if initial_epoch >= epochs:
            warn_user(
                f"fit(initial_epoch={initial_epoch}, epochs={epochs}) trains nothing: `epochs` is "
                "the epoch to stop before, not a number of further epochs."
            )
        with self._compiled.claimed("fit"), warn_once.scope():
            self._run_fit(
                source,
                validation,
                callbacks,
                verbose,
                max_compiles,
                validation_data,
                epochs=epochs,
                initial_epoch=initial_epoch,
                steps_per_epoch=arguments.limited_steps(steps_per_epoch, source),
                validation_steps=validation_steps,
                validation_freq=validation_freq,
            )
        return self.history

    def _run_fit(
        self, source, validation, callbacks, verbose, max_compiles, validation_data, **limits
    ):
        """Builds, checks and warns of all that can be known before the first step; then trains.

        The model's key is asked for when it is built, since a key that no weight has drawn from yet
        is only made then.
        """
        tolerate_nan = arguments.tolerates_nan(callbacks)
        backup = arguments.backup_among(callbacks)
        if backup is not None:  # before the first batch is looked at
            source.track()
            if validation is not None:
                validation.track()
        self._prepare(source, "fit", tolerate_nan)
        if validation is not None:
            self._take_inputs_of(validation)
            self._check_source(validation, "validation_data", tolerate_nan)
        self._compiled.warn_of_toggled_flags(self)
        executables = self._compiled.executables_for(self)
        listed = self._listed(
            callbacks,
            verbose,
            source,
            steps=limits["steps_per_epoch"],
            epochs=limits["epochs"],
            add_history=True,
        )
        listed.show_validation_data(validation_data)
        structure = tracking.structure_of(self)
        self._compiled.check_monitors(listed, structure, has_validation=validation is not None)
        skipped = self._skipped_steps(verbose)
        limits["after_epoch"] = None if skipped is None else skipped.after_epoch
        limits["compile_watch"] = CompileWatch(executables, max_compiles)
        interrupts.check()  # before the weights are lent to the loop
        if backup is not None:
            self._run_with_backups(backup, executables, source, validation, listed, limits)
        else:
            options = self._fit_options(**limits)
            self._fit_loop(executables, source, listed, options, validation).run()
        if skipped is not None:
            skipped.finish()

    def _run_with_backups(self, backup, executables, source, validation, listed, limits):
        """Trains on from the last backup, if there is one; SIGTERM makes one and ends it."""
        owner = describe_owner(self, source, validation, _arguments_of_training(limits))
        with termination.watched() as watched:
            backups = Backups(
                backup,
                self,
                executables.groups,
                self._compiled.progress,
                listed,
                validation,
                watched,
                owner,
            )
            # The key and the counts that the options are made of are those of the backup.
            limits["initial_epoch"] = backups.find(limits["initial_epoch"]).epoch
            options = self._fit_options(**limits)
            self._fit_loop(executables, source, listed, options, validation, backups).run()
            backups.finish()

    def _check_can_train(self):
        self._compiled.require("fit")
        if self.optimizer is None and "train_step" not in self._overridden():
            raise UserInputError("`fit` needs an optimizer: `compile(optimizer='adam', ...)`.")

    def _fit_options(self, **options) -> FitOptions:
        """The options of the loop: those given, what `compile` chose, and the model's own."""
        chosen = self._compiled.options
        return FitOptions(
            key=self.build_key,
            order_seed=order_seed(self),
            steps_per_execution=chosen.steps_per_execution,
            should_stop=lambda: agreement.any_of(self.stop_training),
            finish=self._finish_training,
            **{"fuse": chosen.fuse, **options},
        )

    def _fit_loop(self, executables, source, callbacks, options, validation, backups=None) -> Fit:
        return Fit(
            executables,
            source,
            callbacks,
            self._compiled.progress,
            options,
            validation=validation,
            check_interrupts=interrupts.check,
            backups=backups,
        )

    def _skipped_steps(self, verbose) -> SkippedSteps | None:
        """What counts the steps that loss scaling skips; None where there is none, or where a step
        of the user's own may apply gradients as often as it likes.
        """
        if "train_step" in self._overridden():
            return None
        if not isinstance(self.optimizer, LossScaleOptimizer):
            return None
        return SkippedSteps(self.optimizer, self._compiled.progress, is_told=verbose != 0)

    def _finish_training(self):
        if hasattr(self.optimizer, "finalize_variable_values"):  # averages become the weights
            self.optimizer.finalize_variable_values(self.trainable_variables)

    @interrupts.heard
    def warmup(
        self,
        x: Data,
        y: Data = None,
        sample_weight: Data = None,
        batch_size: int | None = None,
        *,
        epochs: int = 2,
        validation_data: Data = None,
        callbacks: Callbacks = None,
    ) -> None:
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
            >>> x = jax.ShapeDtypeStruct((100, 3), "float32")
            >>> y = jax.ShapeDtypeStruct((100, 1), "float32")
            >>> model.warmup(x, y, batch_size=32)
            >>> int(model.optimizer.iterations)
            0
        """
        self._compiled.require("warmup")
        if isinstance(x, tuple) and y is None:
            x, y, sample_weight = unpack(x)
        x, y, sample_weight, validation_data = map_structure(
            arguments.with_values, (x, y, sample_weight, validation_data)
        )
        size = batch_size if batch_size is not None else arguments.num_rows(x)
        source = data_module.make_source(
            x, y, sample_weight, batch_size=size, shuffle=True, role="batch"
        )
        validation = None
        if validation_data is not None:
            validation = arguments.validation_source(validation_data, batch_size=size)
            self._put_host_part_before(validation)
        self._put_host_part_before(source)
        first_batch.prepare(self, self._compiled, source.peek())
        listed = self._listed(callbacks, 0, source, epochs=epochs, add_history=True)
        fuse = self._compiled.options.fuse and batch_size is not None
        options = self._fit_options(epochs=epochs, fuse=fuse)
        executables = self._compiled.executables_for(self)
        warm_up(self._fit_loop(executables, source, listed, options, validation))


def _arguments_of_training(limits):
    """What a `fit` that goes on must be asked for again; it may be asked for more epochs."""
    return {
        name: value
        for name, value in limits.items()
        if name not in ("epochs", "compile_watch", "after_epoch")
    }
