"""Compiled steps: one at a time, or many in one device call over data that lies on the device.

One pure step function is traced once; every executable is made from that trace. An executable for many steps is a loop of a dynamic trip
count around it: one compilation serves every number of steps, and the numbers are those of single steps.
"""

import functools

import jax
import jax.numpy as jnp

from fkeras.core import registry
from fkeras.core.symbolic import leaves
from fkeras.training import steps
from fkeras.training.state import zeroed_metrics

# Keys of evaluation and prediction are kept apart from those of training.
_EVALUATION, _PREDICTION = 0x7E57, 0x9ED1


def _like(new, old):
    """New values in the dtypes of the old: what goes round a loop keeps its type."""
    return jax.tree.map(lambda n, o: jnp.asarray(n, o.dtype), new, old)


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
        self._steps = {"train": jit(self._train), "test": jit(self._test), "predict": jit(self._predict)}
        self.train_one = jit(self._one("train"), donate_argnums=(0, 1))
        self.train_one_kept = jit(self._one("train"))
        self.train_many = jit(self._train_many, donate_argnums=(0, 1), static_argnums=(7,))
        self.test_one = jit(self._one("test"), donate_argnums=(1,))
        self.test_many = jit(self._test_many, donate_argnums=(1,), static_argnums=(7,))
        self.predict_one = jit(self._one("predict"))
        self.predict_many = jit(self._predict_many, static_argnums=(5, 6))
        self._fusable: dict = {}
        self._fresh = jax.device_get(zeroed_metrics(lists))
        each = [m for metric in lists.metric_objects for m in (metric, *getattr(metric, "metrics", ()))]
        self._resets_itself = any(not registry.is_builtin(type(m)) and not hasattr(m, "metrics") for m in each)

    def fresh_metrics(self, values=None) -> list:
        """Metric values after a reset, on the host: nobody minds that a step consumes them.

        Args:
            values: those before, for metrics of users that reset in a way of their own; None at the beginning.
        """
        if values is None or not self._resets_itself:
            return list(self._fresh)
        fresh, at = [], 0
        for metric in self.lists.metric_objects:
            count = len(metric.variables)
            fresh += metric.stateless_reset_state(values[at:at + count])
            at += count
        return fresh

    def _one(self, kind):
        """The step behind a name of its own, so that each way of calling it (donating or not) has its own executables."""
        step = self._steps[kind]

        @functools.wraps(step)
        def one(*args):
            return step(*args)

        return one

    # -- the pure functions ---------------------------------------------------------

    def _train(self, values, counter, key, batch):
        logs, new = steps.run_train(self.model, self.lists, values, key, counter, batch)
        return _like(new, values), counter + 1, logs

    def _test(self, fixed, metrics, key, counter, batch):
        logs, (_, rest, metrics_after) = steps.run_test(self.model, self.lists, (*fixed, metrics), jax.random.fold_in(key, _EVALUATION),
                                                        counter, batch)
        return _like(rest, list(fixed[1])), _like(metrics_after, list(metrics)), logs

    def _predict(self, fixed, key, counter, batch):
        with self.model._flags_of_compile(), steps.keyed(self.model, self.lists, jax.random.fold_in(key, _PREDICTION), counter):
            outputs, _ = self.model.predict_step(tuple(list(v) for v in fixed), batch)
        return outputs

    # -- many steps in one call --------------------------------------------------------

    def _train_many(self, values, counter, key, data, order, start, count, batch_size):
        step = self._steps["train"]
        first = jax.eval_shape(lambda: pick(data, order, 0, batch_size))
        logs = jax.eval_shape(step, values, counter, key, first)[2]
        zeros = jax.tree.map(lambda s: jnp.zeros(s.shape, s.dtype), logs)

        def body(i, carry):
            values, counter, _ = carry
            values, counter, logs = step(values, counter, key, pick(data, order, start + i, batch_size))
            return values, counter, _like(logs, zeros)

        return jax.lax.fori_loop(0, count, body, (values, counter, zeros))

    def _test_many(self, fixed, metrics, key, data, order, start, count, batch_size):
        step = self._steps["test"]
        first = jax.eval_shape(lambda: pick(data, order, 0, batch_size))
        counter = jnp.zeros((), jnp.int32)
        logs = jax.eval_shape(step, fixed, metrics, key, counter, first)[2]
        zeros = jax.tree.map(lambda s: jnp.zeros(s.shape, s.dtype), logs)
        changed = self.changed_in_test(fixed, metrics, key, first)

        def body(i, carry):
            moving, metrics, _ = carry
            rest = list(fixed[1])
            for at, value in zip(changed, moving):
                rest[at] = value
            rest, metrics, logs = step((fixed[0], rest), metrics, key, counter + start + i, pick(data, order, start + i, batch_size))
            return [rest[at] for at in changed], metrics, _like(logs, zeros)

        moving, metrics, logs = jax.lax.fori_loop(0, count, body, ([fixed[1][at] for at in changed], metrics, zeros))
        rest = list(fixed[1])
        for at, value in zip(changed, moving):
            rest[at] = value
        return rest, metrics, logs

    def changed_in_test(self, fixed, metrics, key, batch):
        """Which non-trainable values an evaluation step changes: only those go round its loop."""
        counter = jax.ShapeDtypeStruct((), jnp.int32)
        jaxpr = jax.make_jaxpr(self._steps["test"])(fixed, metrics, key, counter, batch).jaxpr
        inner = jaxpr.eqns[-1] if len(jaxpr.eqns) == 1 else None
        given = {id(v) for v in jaxpr.invars}
        count = len(leaves([fixed[1]]))
        if inner is not None and "jaxpr" in inner.params:
            return [i for i in range(count) if id(jaxpr.outvars[i]) not in given and not _forwarded(inner, i)]
        return [i for i in range(count) if id(jaxpr.outvars[i]) not in given]

    def _predict_many(self, fixed, key, data, start, first_step, count, batch_size):
        """Outputs of `count` batches from row `start` on, joined along the first axis."""
        step = self._steps["predict"]

        def one(i):
            rows = jax.tree.map(lambda a: jax.lax.dynamic_slice_in_dim(a, start + i * batch_size, batch_size), data)
            return step(fixed, key, first_step + i, rows)

        outputs = jax.lax.map(one, jnp.arange(count, dtype=jnp.int32))
        return jax.tree.map(lambda a: a.reshape((-1, *a.shape[2:])) if a.ndim > 1 else a, outputs)

    # -- what may be fused --------------------------------------------------------------

    def may_fuse(self, kind, *args) -> bool:
        """Whether a loop around this step is no slower than single steps: on CPU, XLA runs convolutions in a loop several times slower."""
        if self.eager:
            return False
        shapes = tuple((tuple(x.shape), str(x.dtype)) for x in jax.tree.leaves(args) if hasattr(x, "shape"))
        if (kind, shapes) not in self._fusable:
            if jax.default_backend() == "cpu":
                traced = self._steps[kind].trace(*args)
                self._fusable[kind, shapes] = not has_convolution(traced.jaxpr.jaxpr)
            else:
                self._fusable[kind, shapes] = True
        return self._fusable[kind, shapes]

    def note(self, kind, batch):
        """Remembers the shapes that an executable is made for. Returns those seen before where these are new, else None."""
        shapes = tuple([(x.shape, x.dtype) if hasattr(x, "dtype") else type(x) for x in jax.tree.leaves(batch)])
        seen = self.signatures.setdefault(kind, [])
        if shapes in seen:
            return None
        seen.append(shapes)
        return seen[:-1]

    @property
    def compilations(self) -> int:
        """How many executables of train and test steps were asked for, by kind and shapes."""
        return sum(len(s) for s in self.signatures.values())


def _forwarded(eqn, index) -> bool:
    inner = eqn.params["jaxpr"].jaxpr
    return inner.outvars[index] in inner.invars


def pick(data, order, index, batch_size):
    """Batch number `index`: rows by the permutation, or consecutive rows where there is none."""
    if order is None:
        return jax.tree.map(lambda a: jax.lax.dynamic_slice_in_dim(a, index * batch_size, batch_size), data)
    rows = jax.lax.dynamic_slice_in_dim(order, index * batch_size, batch_size)
    return jax.tree.map(lambda a: a.at[rows].get(mode="promise_in_bounds"), data)


# What XLA's CPU backend runs much slower inside a loop than outside of one.
_LOOP_HOSTILE = frozenset(("conv_general_dilated",))


def has_convolution(jaxpr) -> bool:
    for eqn in jaxpr.eqns:
        if eqn.primitive.name in _LOOP_HOSTILE:
            return True
        for value in eqn.params.values():
            for inner in value if isinstance(value, (list, tuple)) else (value,):
                inner = getattr(inner, "jaxpr", inner)
                if hasattr(inner, "eqns") and has_convolution(inner):
                    return True
    return False
