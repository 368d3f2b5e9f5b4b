"""`Preparation`: the part of a model that sees to what must be there before a step: weights,
losses, metrics, executables, sound data.
"""

import contextlib
import warnings

import jax
import numpy as np

from fkeras.core.nested import map_structure
from fkeras.core.randomness import seeds
from fkeras.core.values import lending, masks
from fkeras.errors import UserInputError
from fkeras.layers.base import context as contexts
from fkeras.training import input_checks, steps
from fkeras.training.executables import Engine
from fkeras.training.state import Lists


class Preparation:
    """Builds what needs shapes from the first batch, keeps the executables, and checks data against
    model, loss and metrics.
    """

    def _assert_compiled(self, what):
        if not self.compiled:
            raise UserInputError(
                f"You must call `compile()` before using the model: `{what}` needs an optimizer "
                "and a loss."
            )

    def _lists(self):
        with self._flags_of_compile():
            return Lists(self)

    def _engine(self, weights_only=False):
        """The executables for the model as it is now; made again where it has other Variables than
        before.

        Args:
            weights_only: whether metrics and optimizer do not matter.
        """
        made, structure = self._training, self._structure()
        if weights_only and made.engine is not None and made.engine.lists.structure is structure:
            return made.engine
        if made.optimizer is not None and not getattr(made.optimizer, "built", False):
            with self._flags_of_compile():
                made.optimizer.build(self.trainable_variables)
        metrics = [v for m in self._metrics_of(structure) for v in m.variables]
        identity = [
            id(v)
            for v in (
                *structure.ordered,
                *metrics,
                *(made.optimizer.variables if made.optimizer is not None else ()),
            )
        ]
        if made.engine is None or made.engine_key != identity:
            made.outputs = {}
            made.engine = Engine(
                self, self._lists(), eager=made.run_eagerly or not made.jit_compile
            )
            made.engine_key = identity
        return made.engine

    def _prepare(self, source, what):
        """Builds the model and its losses and metrics from the first batch, then checks the
        data.
        """
        first = (
            source.peek() if hasattr(source, "peek") else source.batch(slice(0, source.batch_size))
        )
        self._build_for(first, what)
        self._check_source(source, what)

    def _build_for(self, batch, what="fit"):
        """Everything that needs shapes: weights, losses and metrics by output, optimizer slots. By
        abstract evaluation.
        """
        x, y, sample_weight = steps.unpack(batch)
        made = self._training
        was_built = self.built and self._all_built()
        if not was_built:
            if x is None:
                raise UserInputError(f"`{what}`: x is None.")
            self._abstract_build(_structs(x))
        needs_outputs = (
            made.tracker is not None
            and y is not None
            and (
                made.loss is not None
                and not made.loss.built
                or made.metrics is not None
                and not made.metrics.built
            )
        )
        overridden = {"train_step", "compute_loss"} & self._overridden()
        if needs_outputs and not overridden:
            self._resolve_outputs(x, y)
        elif needs_outputs and "train_step" not in overridden:
            self._resolve_by_compute_loss(x, y, sample_weight)
        elif needs_outputs:
            with contextlib.suppress(UserInputError, TypeError, KeyError):
                self._resolve_outputs(x, y)
        if (
            made.optimizer is not None
            and made.tracker is not None
            and not getattr(made.optimizer, "built", False)
        ):
            with self._flags_of_compile():
                made.optimizer.build(self.trainable_variables)
        if made.optimizer is not None and what not in (
            "evaluate",
            "predict",
            "test_on_batch",
            "predict_on_batch",
        ):
            self._check_optimizer(what, made.structure if was_built else self._structure())

    def _check_optimizer(self, what, structure):
        """An optimizer keeps moments for the Variables it was built for; others of the same shapes
        would be trained with them silently.
        """
        made = self._training
        if (
            made.bound is not None
            and made.bound[0] is made.optimizer
            and made.bound[1] is structure
        ):
            return
        bound, own = list(made.optimizer.bound_variables), {id(v) for v in structure.ordered}
        if "train_step" in self._overridden():
            fits = not bound or any(
                id(v) in own for v in bound
            )  # such a step may train some of them
        else:
            with self._flags_of_compile():
                fits = [id(v) for v in bound] == [id(v) for v in self.trainable_variables]
        if not fits:
            raise UserInputError(_foreign_optimizer(self, what, bound, own))
        made.bound = made.optimizer, structure

    def _all_built(self):
        made, structure = self._training, self._structure()
        if made.structure is not structure:
            if not all(layer.built for _, layer in structure.layers):
                return False
            made.structure = structure
        return True

    def _resolve_outputs(self, x, y):
        made = self._training
        y_pred = self._outputs_for(x)[0]
        y = map_structure(
            lambda a: jax.ShapeDtypeStruct(np.shape(a), getattr(a, "dtype", np.float32)), y
        )
        if made.loss is not None and not made.loss.built:
            made.loss.build(y, y_pred)
        if made.metrics is not None and not made.metrics.built:
            made.metrics.build(y, y_pred)

    def _resolve_by_compute_loss(self, x, y, sample_weight):
        """Losses and metrics by what the user's own `compute_loss` hands them."""

        def run(x, y, sample_weight):
            with contexts.opened(contexts.CallContext(self, losses=[])), seeds.scope(None):
                y_pred = lending.call_abstractly(self, x)
                lending.call_abstractly(self._compute_loss, x, y, y_pred, sample_weight, True)
                if self._training.metrics is not None and not self._training.metrics.built:
                    self._training.metrics.build(y, y_pred)

        jax.eval_shape(run, _structs(x), _structs(y), _structs(sample_weight))

    def _outputs_for(self, x):
        """(shapes and dtypes, whether there is a mask) of the outputs for a batch of inputs;
        remembered for each shape of it.
        """
        structs = _structs(x)
        key = _shape_key(structs)
        known = self._training.outputs
        if key not in known:
            known[key] = self._trace_outputs(structs)
        return known[key]

    def _trace_outputs(self, structs):
        """(shapes and dtypes, whether there is a mask) of the outputs."""
        masked = None

        def run(x):
            nonlocal masked
            with contexts.opened(contexts.CallContext(self, losses=[])), seeds.scope(None):
                y_pred = lending.call_abstractly(self, x)
            masked = map_structure(lambda y: masks.get_mask(y) is not None, y_pred)
            return y_pred

        return jax.eval_shape(run, structs), masked

    def _check_source(self, source, what):
        names = {"train_step", "test_step", "compute_loss"} if what != "predict" else set()
        input_checks.check_source(
            self, source, what, custom=names & self._overridden(), tolerate_nan=self._tolerates_nan
        )

    def _check_monitors(self, callbacks, has_validation):
        if (
            not hasattr(callbacks, "check_monitors")
            or {"train_step", "compute_metrics", "get_metrics_result"} & self._overridden()
        ):
            return
        names = self._result_names()
        available = [*names, *(f"val_{n}" for n in names)] if has_validation else list(names)
        callbacks.check_monitors(available, has_validation=has_validation)

    def _tell_toggles(self):
        made = self._training
        if made.flags and not made.toggles_told:
            changed = steps.toggled(self, made.flags)
            if changed:
                made.toggles_told = True
                shown = ", ".join(changed[:4]) + (", ..." if len(changed) > 4 else "")
                warnings.warn(
                    f"`trainable` of {shown} was changed after `compile()` of model '{self.name}'. "
                    "Training goes on with the flags as they were at `compile()`; call "
                    "`compile()` again for the change to take effect.",
                    stacklevel=3,
                )

    def _order_seed(self):
        data = (
            self._info.root_key.data
            if self._info.root_key is not None
            else np.asarray(jax.random.key_data(self.build_key))
        )
        return int(data[0]) << 32 | int(data[1])

    def _watch_compiles(self, engine, max_compiles):
        told = []

        def on_new(kind, seen, batch):
            if max_compiles is not None and engine.compilations > max_compiles:
                raise UserInputError(
                    f"`fit(max_compiles={max_compiles})`: another step would be compiled, since "
                    "the shapes of a batch changed. Shapes so far: "
                    f"{input_checks.shown_shapes(engine.signatures[kind])}."
                )
            if seen and len(seen) >= 3 and not told:
                told.append(True)
                warnings.warn(
                    "Each new shape of a batch compiles a new training step; this is number "
                    f"{len(seen) + 1}. Shapes so far: "
                    f"{input_checks.shown_shapes(engine.signatures[kind])}. Pad the batches to one "
                    "shape.",
                    stacklevel=3,
                )

        return on_new


def _foreign_optimizer(model, what, bound, own):
    kind, name = type(model.optimizer).__name__, model.optimizer.name
    if bound and not any(id(v) in own for v in bound):
        why = f"already belongs to another model's variables ({', '.join(v.path for v in bound[:3])}{', ...' if len(bound) > 3 else ''})"
    else:
        with model._flags_of_compile():
            now = len(model.trainable_variables)
        why = (
            f"was built for {len(bound)} variables; the model now trains {now}, or others: layers "
            "were frozen, unfrozen or replaced since"
        )
    return (
        f"`{what}`: the optimizer {kind} {name!r} of model '{model.name}' {why}. What it has "
        "gathered does not fit. Pass a new optimizer to `compile()`, for example "
        f"`{kind}.from_config(optimizer.get_config())`."
    )


def _shape_key(structs):
    return jax.tree.structure(structs), tuple(
        (tuple(s.shape), str(s.dtype)) for s in jax.tree.leaves(structs)
    )


def _structs(x):
    def struct(a):
        if isinstance(a, (jax.ShapeDtypeStruct,)) or a is None:
            return a
        return jax.ShapeDtypeStruct(
            np.shape(a), jax.dtypes.canonicalize_dtype(getattr(a, "dtype", np.asarray(a).dtype))
        )

    return map_structure(struct, x)
