"""Compiled steps: one at a time, or many in one device call over data that lies on the device (see
`passes`).

One pure step function is traced once; every executable is made from that trace.
"""

import functools

import jax

from fkeras.core.config import registry
from fkeras.training import cost, device_batches, fused_loops, steps
from fkeras.training.state import zeroed_metrics

# Keys of evaluation and prediction are kept apart from those of training.
_EVALUATION, _PREDICTION = 0x7E57, 0x9ED1
# Data of so many sizes are trained in fused calls, each with an executable of its own; after that
# only data of known sizes or of so many steps.
_SIZES, _LONG = 4, 256
# Epochs of at most so many steps are run whole, validation included; several at a time where nobody
# looks between them.
_SHORT_EPOCH, _MOST_EPOCHS, _MOST_ORDERS = 32, 64, 1 << 16
# Arithmetic operations that a first device call may hold: less than a tenth of a second. Later
# calls go by the clock.
_CALL_WORK = {"cpu": 2e9}
_CALL_WORK_ELSEWHERE = 2e11


class Engine:
    """The executables of one compiled model.

    Args:
        model: a built, compiled model.
        lists: its `Lists`.
        eager: plain Python instead of compiled steps, for debugging.
    """

    def __init__(self, model, lists, eager=False):
        self.model, self.lists, self.eager = model, lists, eager
        self.signatures: dict[str, list] = {}
        jit = (lambda fn, **kw: fn) if eager else jax.jit
        self._steps = {
            "train": jit(self._train),
            "test": jit(self._test),
            "predict": jit(self._predict),
        }
        self.train_one = jit(self._one("train"), donate_argnums=(0, 1))
        self.train_one_kept = jit(self._one("train"))
        train, test, predict = (self._steps[kind] for kind in ("train", "test", "predict"))
        self.train_many = jit(
            functools.partial(fused_loops.train, train), donate_argnums=(0, 1), static_argnums=(7,)
        )
        self.train_epochs = jit(
            functools.partial(fused_loops.epochs, train, test),
            donate_argnums=(0, 1),
            static_argnums=(11,),
        )
        self.test_one = jit(self._one("test"), donate_argnums=(1,))
        self.test_many = jit(
            functools.partial(fused_loops.test, test), donate_argnums=(1,), static_argnums=(6,)
        )
        self.predict_one = jit(self._one("predict"))
        self.predict_many = jit(
            functools.partial(fused_loops.predict, predict), static_argnums=(5, 6)
        )
        self._work: dict = {}
        self._sizes: dict[str, set] = {}
        self._fresh = jax.device_get(zeroed_metrics(lists))
        each = [
            m for metric in lists.metric_objects for m in (metric, *getattr(metric, "metrics", ()))
        ]
        self.metrics_reset_themselves = any(
            not registry.is_builtin(type(m)) and not hasattr(m, "metrics") for m in each
        )

    def fresh_metrics(self, values=None) -> list:
        """Metric values after a reset, on the host: nobody minds that a step consumes them.

        Args:
            values: those before, for metrics of users that reset in a way of their own; None at the
                beginning.
        """
        if values is None or not self.metrics_reset_themselves:
            return list(self._fresh)
        fresh, at = [], 0
        for metric in self.lists.metric_objects:
            count = len(metric.variables)
            fresh += metric.stateless_reset_state(values[at : at + count])
            at += count
        return fresh

    def _one(self, kind):
        """The step behind a name of its own, so that each way of calling it (donating or not) has
        its own executables.
        """
        step = self._steps[kind]

        @functools.wraps(step)
        def one(*args):
            return step(*args)

        return one

    # -- the pure functions ----------------------------------------------------

    def _train(self, values, counter, key, batch):
        logs, new = steps.run_train(self.model, self.lists, values, key, counter, batch)
        return fused_loops.like(new, values), counter + 1, logs

    def _test(self, fixed, metrics, key, counter, batch):
        logs, (_, rest, metrics_after) = steps.run_test(
            self.model,
            self.lists,
            (*fixed, metrics),
            jax.random.fold_in(key, _EVALUATION),
            counter,
            batch,
        )
        return (
            fused_loops.like(rest, list(fixed[1])),
            fused_loops.like(metrics_after, list(metrics)),
            logs,
        )

    def _predict(self, fixed, key, counter, batch):
        with (
            self.model._flags_of_compile(),
            steps.keyed(self.model, self.lists, jax.random.fold_in(key, _PREDICTION), counter),
        ):
            outputs, _ = self.model.predict_step(tuple(list(v) for v in fixed), batch)
        return outputs

    # -- what may be fused -----------------------------------------------------

    def may_fuse(self, kind, source, *args, times=1) -> bool:
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
        if (
            self.eager
            or not hasattr(source, "order")
            or not device_batches.numeric(source.arrays)
            or not device_batches.fits_on_device(source.arrays)
        ):
            return False
        shapes = _shapes_of(source.arrays), source.batch_size
        sizes = self._sizes.setdefault(kind, set())
        if shapes not in sizes and len(sizes) >= _SIZES and source.steps * times < _LONG:
            return False
        if (kind, shapes) not in self._work:
            self._work[kind, shapes] = cost.estimate_cost(
                self._steps[kind].trace(*args, device_batches.batch_shapes(source)).jaxpr.jaxpr
            )
        if self._work[kind, shapes][1] and jax.default_backend() == "cpu":
            return False
        sizes.add(shapes)
        return True

    def steps_a_call(self, kind, source) -> float:
        """How many steps over a source that may be fused a first call can take."""
        held = _CALL_WORK.get(jax.default_backend(), _CALL_WORK_ELSEWHERE)
        return held / self._work[kind, (_shapes_of(source.arrays), source.batch_size)][0]

    def epochs_a_call(self, source, held_out) -> tuple[int, int]:
        """How many epochs over sources that may be fused one call can take: (the first one, at
        most); 0 where an epoch is too long for that.
        """
        sources = [("train", source), *([] if held_out is None else [("test", held_out)])]
        share = sum(
            s.steps / self.steps_a_call(kind, s) for kind, s in sources
        )  # of a call that an epoch takes
        if (
            share > 1
            or any(s.steps > _SHORT_EPOCH for _, s in sources)
            or self.metrics_reset_themselves
        ):
            return 0, 0
        most = max(1, min(_MOST_EPOCHS, _MOST_ORDERS // source.num_samples))
        return max(1, min(most, int(1 / share))), most

    def note(self, kind, batch):
        """Remembers the shapes that an executable is made for. Returns those seen before where
        these are new, else None.
        """
        shapes = tuple(
            [(x.shape, x.dtype) if hasattr(x, "dtype") else type(x) for x in jax.tree.leaves(batch)]
        )
        seen = self.signatures.setdefault(kind, [])
        if shapes in seen:
            return None
        seen.append(shapes)
        return seen[:-1]

    @property
    def compilations(self) -> int:
        """How many executables of train and test steps were asked for, by kind and shapes."""
        return sum(len(s) for s in self.signatures.values())


def _shapes_of(tree):
    return tuple(
        [(tuple(x.shape), str(x.dtype)) for x in jax.tree.leaves(tree) if hasattr(x, "shape")]
    )
