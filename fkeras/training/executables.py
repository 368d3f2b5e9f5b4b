"""Compiled steps: one at a time, or many in one device call over data that lies on the device (see
`fused_loops`).

One pure step function is traced once; every executable is made from that trace.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, TypeAlias

import jax
import numpy as np

from fkeras.core import jax_private, placement, shared_programs
from fkeras.core.config import registry
from fkeras.training import (
    cost,
    device_batches,
    fused_loops,
    mapped_steps,
    shared_traces,
    steps,
)
from fkeras.training.outside import Outside
from fkeras.training.sharding import ModelSharding
from fkeras.training.variable_groups import ALL, METRICS, OTHERS

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from fkeras.core.placement import Distribution
    from fkeras.data import ArraySource, Source
    from fkeras.training.trainable import Logs, Trainable
    from fkeras.training.variable_groups import GroupValues, VariableGroups, WeightValues
    from fkeras.types import Nested

# Data of so many sizes are trained in fused calls, each with an executable of its own; after that
# only data of known sizes or of so many steps.
_SIZES, _LONG = 4, 256
# Epochs of at most so many steps are run whole, validation included; several at a time where no
# callback looks between them.
_SHORT_EPOCH, _MOST_EPOCHS, _MOST_ORDERS = 32, 64, 1 << 16
# Arithmetic operations that a first device call may hold: less than a tenth of a second. Later
# calls go by the clock.
_CALL_WORK = {"cpu": 2e9}
_CALL_WORK_ELSEWHERE = 2e11

# Where the key stands among the arguments of steps.
_KEY_AT = {"train": 2, "test": 2, "predict": 1}
# How many arguments of programs, the last ones, are static.
_STATICS = {"train_many": 1, "train_epochs": 1, "test_many": 1, "predict_many": 2}

# What all steps of a pass share: the model's key, with the values of Variables outside of the model
# where there are any.
Shared: TypeAlias = jax.Array | tuple[jax.Array, list[jax.Array]]
# Shapes and dtypes of a batch, leaf by leaf.
BatchSignature: TypeAlias = tuple


class Executables:
    """The executables of one compiled model.

    Args:
        model: a built, compiled model.
        groups: its Variables by role.
        eager: plain Python instead of compiled steps, for debugging.
        distribution: over which devices the model and its batches lie; None for one device.
        goes_by_name: whether results are told apart by the names of outputs.

    Attributes:
        signatures: by kind of step, the batches that an executable was asked for.
        train_one, train_many, train_epochs: donate values and counter. train_one_kept does not.
        test_many: donates the metric values.
        test_one, predict_one, predict_many: donate nothing.
    """

    def __init__(
        self,
        model: Trainable,
        groups: VariableGroups,
        eager: bool = False,
        distribution: Distribution | None = None,
        goes_by_name: bool = True,
    ) -> None:
        jax_private.wrap_compilation(shared_programs.shared)
        self.model = model
        self.groups = groups
        self.goes_by_name = goes_by_name
        self.distribution = distribution
        self._sharding = None
        if distribution is not None:
            self._sharding = ModelSharding(groups, distribution, model.optimizer)
        self.eager = eager
        self.signatures: dict[str, list[BatchSignature]] = {}
        # Training and evaluation are one program where epochs are run whole.
        training = Outside()
        self._outside = {"train": training, "test": training, "predict": Outside()}
        self._steps: dict[str, Callable] = {}
        self.programs: dict[str, Callable] = {}
        self.uncalled: set[str] = set()
        self._make_training()
        self._make_prediction()
        self.train_one = _Program(self, "train", "train_one")
        self.train_one_kept = _Program(self, "train", "train_one_kept")
        self.train_many = _Program(self, "train", "train_many")
        self.train_epochs = _Program(self, "train", "train_epochs")
        self.test_one = _Program(self, "test", "test_one")
        self.test_many = _Program(self, "test", "test_many")
        self.predict_one = _Program(self, "predict", "predict_one")
        self.predict_many = _Program(self, "predict", "predict_many")
        self._costs: dict[tuple, tuple[float, bool]] = {}
        self._fused_shapes: dict[str, set[tuple]] = {}
        self._fresh = jax.device_get(groups.fresh_metrics())
        self._kept_fresh: list | None = None
        self._kept_counter: tuple[int, Any] = -1, None
        self.metrics_reset_themselves = any(map(_resets_itself, groups.metric_objects))

    # -- programs --------------------------------------------------------------

    def _make_training(self) -> None:
        self._revision = self._optimizer_revision()
        jit, fused = _not_compiled if self.eager else jax.jit, functools.partial
        train, test = jit(_renamed(self._train)), jit(_renamed(self._test))
        self._steps.update(train=train, test=test)
        # Called on its own, a step has another name than inside of a loop: JAX keeps executables by
        # function, and those that donate must not be mixed with those that do not.
        self.programs.update(
            train_one=jit(_renamed(train), donate_argnums=(0, 1)),
            train_one_kept=jit(_renamed(train)),
            train_many=jit(
                self._at_home(fused(fused_loops.train, train), ALL),
                donate_argnums=(0, 1),
                static_argnums=(7,),
            ),
            train_epochs=jit(
                self._at_home(fused(fused_loops.epochs, train, test), ALL),
                donate_argnums=(0, 1),
                static_argnums=(11,),
            ),
            test_one=jit(_renamed(test)),
            test_many=jit(
                self._at_home(fused(fused_loops.test, test), (OTHERS, METRICS)),
                donate_argnums=(1,),
                static_argnums=(6,),
            ),
        )
        self._feed("train_one", "train_one_kept", "test_one")
        self.uncalled.update(self.programs)

    def _make_prediction(self) -> None:
        jit = _not_compiled if self.eager else jax.jit
        predict = self._steps["predict"] = jit(_renamed(self._predict))
        self.programs["predict_one"] = jit(_renamed(predict))
        self.programs["predict_many"] = jit(
            functools.partial(fused_loops.predict, predict), static_argnums=(5, 6)
        )
        self._feed("predict_one")
        self.uncalled.update(("predict_one", "predict_many"))

    def make_ready(self, name: str, args: tuple) -> None:
        """Before the first call of a program: one that a model like this one left may do."""
        self.uncalled.discard(name)
        self.programs[name] = shared_traces.program(
            self, name, self.programs[name], args, _STATICS.get(name, 0)
        )

    def reads_outside(self) -> bool:
        """Whether a trace has read Variables that are no part of the model."""
        return not all(outside.is_empty() for outside in self._outside.values())

    def _feed(self, *names: str) -> None:
        """With several devices, batches are dealt out before programs are called."""
        if self._sharding is not None:
            for name in names:
                self.programs[name] = self._sharding.fed(self.programs[name])

    def _optimizer_revision(self) -> int:
        optimizer = self.model.optimizer
        return 0 if optimizer is None else optimizer.revision

    def refresh(self, kind: str) -> Outside:
        """Makes the programs of one kind again where what they hold as constants has changed."""
        outside = self._outside[kind]
        if outside.has_changed() and not self.eager:
            outside.make_arguments()
            (self._make_prediction if kind == "predict" else self._make_training)()
        elif kind == "train" and self._revision != self._optimizer_revision():
            self._make_training()
        return outside

    def fresh_metrics(self, values: list[jax.Array] | None = None) -> list:
        """Metric values after a reset. They lie on the host, so that a step may consume them.

        Args:
            values: those before, for metrics of users that reset in a way of their own; None at the
                beginning.
        """
        if values is None or not self.metrics_reset_themselves:
            return list(self._fresh)
        return self.groups.fresh_metrics(values)

    def kept_fresh_metrics(self) -> list:
        """The same for a step that consumes nothing: on the device once, where there is one."""
        if self._kept_fresh is None:
            one_device = self._sharding is None and not self.eager
            put = placement.place_weight if one_device else (lambda value: value)
            self._kept_fresh = list(map(put, self._fresh))
        return list(self._kept_fresh)

    def kept_counter(self, steps: int) -> Any:
        """The number of a step, on the device where `keep_counter` left it there: what comes from
        the host takes as long as a fifth of a small call.
        """
        kept, counter = self._kept_counter
        return counter if kept == steps else np.int32(steps)

    def keep_counter(self, steps: int, counter: jax.Array) -> None:
        """Keeps the number that a step returned for the next one."""
        if self._sharding is None:
            self._kept_counter = steps, counter

    # -- the pure functions ----------------------------------------------------

    def _train(
        self, values: GroupValues, counter: jax.Array, shared: Shared, batch: Any
    ) -> tuple[GroupValues, jax.Array, Logs]:
        key, outside = shared if isinstance(shared, tuple) else (shared, [])
        with self._on_devices(), self._outside["train"].lent(outside):
            batch = self._constrained(batch)
            run = self._train_step_for(batch)
            logs, new = run(self.model, self.groups, values, key, counter, batch)
            new = self._settled(fused_loops.like(new, values), *ALL)
        return new, counter + 1, logs

    def _test(
        self,
        weights: WeightValues,
        metrics: list[jax.Array],
        shared: Shared,
        counter: jax.Array,
        batch: Any,
    ) -> tuple[list[jax.Array], list[jax.Array], Logs]:
        key, outside = shared if isinstance(shared, tuple) else (shared, [])
        with self._on_devices(), self._outside["test"].lent(outside):
            batch = self._constrained(batch)
            logs, (_, *new) = steps.run_test(
                self.model, self.groups, (*weights, metrics), key, counter, batch
            )
            new = fused_loops.like(new, [list(weights[1]), list(metrics)])
            non_trainable, metrics = self._settled(new, OTHERS, METRICS)
        return non_trainable, metrics, logs

    def _predict(
        self, state: WeightValues, shared: Shared, counter: jax.Array, batch: Any
    ) -> tuple[Nested[Any], dict[int, jax.Array]]:
        key, outside = shared if isinstance(shared, tuple) else (shared, [])
        with self._on_devices(), self._outside["predict"].lent(outside):
            batch = self._constrained(batch)
            outputs, new = steps.run_predict(self.model, self.groups, state, key, counter, batch)
            # Most steps change nothing: what was handed through is no result.
            old = list(state[1])
            places = [i for i, value in enumerate(new) if value is not old[i]]
            after = [*map(fused_loops.like, new, old), *old[len(new) :]]
            if places:
                (after,) = self._settled([after[: len(new)]], OTHERS)
        if self._sharding is not None:
            outputs = self._sharding.for_host(outputs)
        return outputs, {i: after[i] for i in places}

    def warn_of_small_batches(self, source: Source) -> None:
        """Says once that batches of a source have fewer rows than there are devices."""
        if self._sharding is not None and source.in_memory:
            self._sharding.warn_of_small_batches(source.batch_size)

    def _train_step_for(self, batch: Any) -> Callable:
        """The whole batch as one, or each device its rows where that was asked for; rows that
        cannot be dealt out evenly are computed as one.
        """
        distribution = self.distribution
        if distribution is None or not distribution.is_mapped:
            return steps.run_train
        if steps.batch_size_of(batch) % distribution.num_model_replicas:
            return steps.run_train
        return functools.partial(mapped_steps.run_train, distribution)

    def _on_devices(self) -> AbstractContextManager:
        """Context manager: layers ask the model's distribution where their outputs lie."""
        return placement.using(self.distribution)

    def _constrained(self, batch: Any) -> Any:
        """A batch with its rows dealt out to the devices."""
        return batch if self._sharding is None else self._sharding.constrain_batch(batch)

    def _at_home(self, loop: Callable, groups: tuple[int, ...]) -> Callable:
        """A loop that leaves values where it found them: the compiler would choose for itself.

        Its first results are the values: one tuple of all groups, or one list a group.
        """
        if self._sharding is None:
            return loop

        def run(*arguments: Any) -> tuple:
            results = loop(*arguments)
            if groups == ALL:
                return self._settled(results[0], *ALL), *results[1:]
            count = len(groups)
            return *self._settled(results[:count], *groups), *results[count:]

        return run

    def _settled(self, values: Any, *groups: int) -> Any:
        """New values of groups of Variables where the old ones lay."""
        return values if self._sharding is None else self._sharding.constrain(values, groups)

    # -- what may be fused -----------------------------------------------------

    def may_fuse(self, kind: str, source: Source, *args: Any, times: int = 1) -> bool:
        """Whether steps over a source are run many in one device call.

        The data must fit on the device, and a loop around the step must be no slower than single
        steps: on CPU, XLA runs convolutions in a loop several times slower. Sizes of data that come
        and go are not worth an executable each.

        Args:
            kind: 'train', 'test' or 'predict'.
            source: where the batches come from.
            *args: the step's arguments but for the batch.
            times: how often the source is gone through.
        """
        if self.eager or not source.in_memory:
            return False
        arrays = source.arrays
        if not device_batches.is_numeric(arrays) or not device_batches.fits_on_device(arrays):
            return False
        shapes = _shapes_of(source)
        known = self._fused_shapes.setdefault(kind, set())
        if shapes not in known and len(known) >= _SIZES and source.steps * times < _LONG:
            return False
        if (kind, shapes) not in self._costs:
            outside = self.refresh(kind)
            if outside.arguments:
                args = with_outside(args, _KEY_AT[kind], outside)
            args = *args, device_batches.batch_shapes(source)

            def compute() -> tuple[float, bool]:
                return cost.estimate_cost(self._steps[kind].trace(*args).jaxpr.jaxpr)

            known_cost = shared_traces.once(self, f"cost of {kind}", args, compute)
            self._costs[kind, shapes] = compute() if known_cost is None else known_cost
        _, is_slow_in_loops = self._costs[kind, shapes]
        if is_slow_in_loops and jax.default_backend() == "cpu":
            return False
        known.add(shapes)
        return True

    def steps_a_call(self, kind: str, source: ArraySource) -> float:
        """How many steps over a source that may be fused a first call can take."""
        work = _CALL_WORK.get(jax.default_backend(), _CALL_WORK_ELSEWHERE)
        return work / self._costs[kind, _shapes_of(source)][0]

    def epochs_a_call(self, source: ArraySource, validation: ArraySource | None) -> tuple[int, int]:
        """How many epochs over sources that may be fused one call can take.

        Returns:
            (epochs of the first call, of any call at most); zeros where an epoch is too long.
        """
        sources = [("train", source)] + ([] if validation is None else [("test", validation)])
        # The share of a call that one epoch takes.
        share = sum(part.steps / self.steps_a_call(kind, part) for kind, part in sources)
        is_long = share > 1 or any(part.steps > _SHORT_EPOCH for _, part in sources)
        if is_long or self.metrics_reset_themselves:
            return 0, 0
        most = max(1, min(_MOST_EPOCHS, _MOST_ORDERS // source.num_samples))
        return max(1, min(most, int(1 / share))), most

    # -- shapes ----------------------------------------------------------------

    def register_shapes(self, kind: str, batch: Any) -> list[BatchSignature] | None:
        """Remembers the shapes that an executable is made for.

        Returns:
            Those seen before where these are new, else None.
        """
        signature = tuple(
            [(x.shape, x.dtype) if hasattr(x, "dtype") else type(x) for x in jax.tree.leaves(batch)]
        )
        seen = self.signatures.setdefault(kind, [])
        if signature in seen:
            return None
        seen.append(signature)
        return seen[:-1]

    @property
    def compilations(self) -> int:
        """How many executables of train and test steps were asked for, by kind and shapes."""
        return sum(len(seen) for seen in self.signatures.values())


class _Program:
    """A compiled function, called with the present values of what it does not hold as constants.

    Args:
        executables: whose it is.
        kind: of its steps: 'train', 'test' or 'predict'.
        name: its own.
    """

    def __init__(self, executables: Executables, kind: str, name: str) -> None:
        self._executables = executables
        self._kind = kind
        self._name = name
        self._key_at = _KEY_AT[kind]

    def __call__(self, *args: Any) -> Any:
        outside = self._executables.refresh(self._kind)
        executables = self._executables
        if outside.arguments:
            args = with_outside(args, self._key_at, outside)
        with shared_programs.sharing():
            if self._name in executables.uncalled:
                executables.make_ready(self._name, args)
            return executables.programs[self._name](*args)


def with_outside(args: tuple, key_at: int, outside: Outside) -> tuple:
    """Arguments of a step, with the values from outside beside the key."""
    return *args[:key_at], (args[key_at], outside.values()), *args[key_at + 1 :]


def _not_compiled(function: Callable, **options: Any) -> Callable:
    """Stands for `jax.jit` where steps are run in plain Python."""
    return function


def _renamed(step: Callable) -> Callable:
    @functools.wraps(step)
    def one(*args):
        return step(*args)

    return one


def _resets_itself(metric) -> bool:
    """Whether a metric, or one inside of it, is a user's and may reset in a way of its own."""
    return any(
        not registry.is_builtin(type(m)) and not hasattr(m, "metrics")
        for m in (metric, *getattr(metric, "metrics", ()))
    )


def _shapes_of(source: ArraySource) -> tuple:
    leaves = jax.tree.leaves(source.arrays)
    shapes = [(tuple(x.shape), str(x.dtype)) for x in leaves if hasattr(x, "shape")]
    return tuple(shapes), source.batch_size
