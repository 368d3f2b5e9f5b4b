"""Pure steps.

Keras's contract, on four lists of values, is the one that users override; `step` on a `TrainState`
calls it. Nothing here knows of callbacks, files or progress bars.
"""

from __future__ import annotations

import contextlib
import functools
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp

from fkeras.core import jax_private, placement, settings, warn_once
from fkeras.core.nested import flatten
from fkeras.core.randomness import key_scopes, keys
from fkeras.core.values import lending, remat
from fkeras.data.packing import unpack_x_y_sample_weight as unpack
from fkeras.errors import UserInputError
from fkeras.layers.base import context as contexts
from fkeras.layers.base import signature
from fkeras.training import missing_gradients, overrides
from fkeras.training.logs import named_results, plain_logs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from fkeras.training.compiled import Compiled
    from fkeras.training.trainable import Logs, Trainable, Values
    from fkeras.training.variable_groups import GroupValues, VariableGroups, WeightValues
    from fkeras.types import Nested, Tensor

# Keys of evaluation and prediction are kept apart from those of training.
_EVALUATION, _PREDICTION = 0x7E57, 0x9ED1


def batch_size_of(x: Nested[Tensor]) -> int:
    """Rows of a batch: the first axis of the first array that has one."""
    for leaf in flatten(x):
        if getattr(leaf, "shape", ()):
            return leaf.shape[0]
    return 1


# -- Keras's contract ----------------------------------------------------------


def train_step(
    model: Trainable,
    compiled: Compiled,
    state: tuple[Values, ...],
    data: Any,
    track: Callable[..., tuple[Logs, Values]] | None = None,
) -> tuple[Logs, tuple]:
    """(logs, new state) for state = (trainable, non-trainable, optimizer, metric) values.

    Args:
        model: the model. compiled: what `compile` chose for it.
        state: lists of values. data: a batch.
        track: what is called instead of `track_metrics`.
    """
    trainable, non_trainable, optimizer_variables, metrics = state
    x, y, sample_weight = unpack(data)
    unlisted = compiled.unlisted_variables(model)
    listed, metrics = len(metrics), [*metrics, *(variable.value for variable in unlisted)]
    before = metrics[:listed]
    draws_of_this_step = key_scopes.replayable()
    evaluate = functools.partial(
        model.compute_loss_and_updates,
        non_trainable_variables=non_trainable,
        metrics_variables=metrics,
        x=x,
        y=y,
        sample_weight=sample_weight,
        training=True,
        optimizer_variables=optimizer_variables,
    )
    watch = missing_gradients.GradientWatch(len(trainable))
    (_, (loss, y_pred, non_trainable, metrics)), gradients = jax.value_and_grad(
        watch.watched(evaluate), has_aux=True
    )(trainable)
    missing_gradients.warn(model, compiled, watch.reached)
    _hand_out(unlisted, metrics[listed:])
    loss, gradients = placement.mean_over_devices((loss, gradients))
    if trainable:  # a model may have nothing to train
        more = {}
        if model.optimizer.takes_loss:

            def loss_at(values: Values) -> Tensor:
                with draws_of_this_step():
                    return evaluate(values)[1][0]

            more = {"value": loss, "grad": gradients, "value_fn": loss_at}
        trainable, optimizer_variables = model.optimizer.stateless_apply(
            optimizer_variables, gradients, trainable, **more
        )
    seen = loss, x, y, y_pred, sample_weight
    logs, metrics = (track or track_metrics)(model, compiled, metrics[:listed], *seen, before)
    return logs, (trainable, non_trainable, optimizer_variables, metrics)


def test_step(
    model: Trainable,
    compiled: Compiled,
    state: tuple[Values, ...],
    data: Any,
    track: Callable[..., tuple[Logs, Values]] | None = None,
) -> tuple[Logs, tuple]:
    """(logs, new state) for state = (trainable, non-trainable, metric) values."""
    trainable, non_trainable, metrics = state
    x, y, sample_weight = unpack(data)
    unlisted = compiled.unlisted_variables(model)
    listed, metrics = len(metrics), [*metrics, *(variable.value for variable in unlisted)]
    before = metrics[:listed]
    _, (loss, y_pred, non_trainable, metrics) = model.compute_loss_and_updates(
        trainable, non_trainable, metrics, x, y, sample_weight, training=False
    )
    _hand_out(unlisted, metrics[listed:])
    seen = loss, x, y, y_pred, sample_weight
    logs, metrics = (track or track_metrics)(model, compiled, metrics[:listed], *seen, before)
    return logs, (trainable, non_trainable, metrics)


def predict_step(
    model: Trainable, state: tuple[Values, ...], data: Any
) -> tuple[Nested[Tensor], Values]:
    """(outputs, new non-trainable values) for state = (trainable, non-trainable) values."""
    trainable, non_trainable = state
    x, _, _ = unpack(data)
    outputs, non_trainable = model.stateless_call(
        trainable, non_trainable, x, **_training_argument(model, False)
    )
    if outputs is None:
        raise UserInputError(signature.without_outputs(model))
    return outputs, non_trainable


def _training_argument(model: Trainable, training: bool) -> dict[str, bool]:
    return {"training": training} if signature.of(model).has_training else {}


def compute_loss_and_updates(
    model: Trainable,
    compiled: Compiled,
    trainable: Values,
    non_trainable: Values,
    metrics: Values,
    x: Any,
    y: Any,
    sample_weight: Any,
    training: bool,
    optimizer_variables: Values | None,
) -> tuple[Tensor, tuple]:
    """(loss to differentiate, (loss, outputs, new non-trainable values, new metric values)).

    The metric values may go on with those of the metrics that the model does not list.
    """
    own = model.trainable_variables, model.non_trainable_variables, model.metrics_variables
    unlisted, listed = compiled.unlisted_variables(model), len(own[2])
    _check_lengths(own, (trainable, non_trainable, metrics[:listed]))
    given, metrics = len(metrics), list(metrics)
    metrics += [variable.value for variable in unlisted[given - listed :]]
    optimizer = model.optimizer

    def run():
        context = contexts.CallContext(model, losses=[])
        context.training = training
        with contexts.opened(context):
            # Nothing more is lent here than by the outer call: `strict` alone is wanted.
            outputs, _ = lending.call(
                model,
                [],
                [],
                x,
                caller=f"model '{model.name}'",
                strict=True,
                **_training_argument(model, training),
            )
            loss = call_compute_loss(model, x, y, outputs, sample_weight, training)
            if loss is None:
                raise UserInputError(
                    f"`compute_loss` of model '{model.name}' returned None: it must return a "
                    "scalar."
                )
            if jnp.ndim(loss):
                raise UserInputError(
                    f"`compute_loss` of model '{model.name}' returned an array of shape "
                    f"{jnp.shape(loss)}: it must return a scalar, such as the mean, "
                    "`fkeras.ops.mean(...)`."
                )
            scales = training and optimizer is not None
            return optimizer.scale_loss(loss) if scales else loss, loss, outputs

    variables, values = (
        [*own[0], *own[1], *own[2], *unlisted],
        [*trainable, *non_trainable, *metrics],
    )
    if optimizer_variables is not None:
        variables += optimizer.variables
        values += optimizer_variables
    (scaled, loss, outputs), after = lending.call(run, variables, values)
    weights = len(trainable) + len(non_trainable)
    new_metrics = after[weights : weights + given]
    return scaled, (loss, outputs, after[len(trainable) : weights], new_metrics)


def _check_lengths(own, received):
    names = "trainable_variables", "non_trainable_variables", "metrics_variables"
    for name, variables, values in zip(names, own, received):
        if len(variables) != len(values):
            raise UserInputError(
                f"Argument `{name}` must be a list of tensors corresponding 1:1 to the model's "
                f"{name}. Received {len(values)}, expected {len(variables)}."
            )


def track_metrics(
    model: Trainable,
    compiled: Compiled,
    metrics: Values,
    loss: Tensor,
    x: Any,
    y: Any,
    y_pred: Any,
    sample_weight: Any,
    before: Values | None = None,
) -> tuple[Logs, Values]:
    """Updates the loss tracker and the metrics; returns their results and values.

    Args:
        model, compiled: as for `train_step`.
        metrics: values of the metrics that the model lists. before: the same at the start of the
            step; None where it is not known.
        loss, x, y, y_pred, sample_weight: of the batch.
    """

    def run():
        if compiled.tracker is not None:
            compiled.tracker.update_state(loss, sample_weight=batch_size_of(x))
        arguments = {"x": x, "y": y, "y_pred": y_pred, "sample_weight": sample_weight}
        logs = plain_logs(overrides.call_with_keywords(model, "compute_metrics", arguments))
        if isinstance(logs, dict):
            for metric in compiled.unlisted_results(model):
                named = named_results(metric.name, metric.result())
                idle = named.keys() & _names_of_idle(model, before or [])
                logs = {**named, **{k: v for k, v in logs.items() if k not in idle}}
        return logs

    unlisted = compiled.unlisted_variables(model)
    values = [*metrics, *(variable.value for variable in unlisted)]
    logs, after = lending.call(run, [*model.metrics_variables, *unlisted], values)
    _hand_out(unlisted, after[len(metrics) :])
    return logs, after[: len(metrics)]


def _names_of_idle(model: Trainable, before: Values) -> set[str]:
    """Names of the metrics that a user's own `metrics` lists and that nothing has updated in the
    step that is being traced: what `compile` chose under such a name is what was computed.
    """
    names = set()
    values = iter(before)
    for metric in model.metrics:
        changed = [variable._raw_value is not next(values, None) for variable in metric.variables]
        if changed and not any(changed):
            names.add(metric.name)
    return names


def _hand_out(variables, values):
    """Writes to those Variables that a call around lends: elsewhere, there is nobody to keep it."""
    for variable, value in zip(variables, values):
        if lending.is_lent(variable):
            variable.assign(value)


# -- the loss ------------------------------------------------------------------


def call_compute_loss(
    model: Trainable, x: Any, y: Any, y_pred: Any, sample_weight: Any, training: bool
) -> Tensor:
    """The model's `compute_loss`, with `training` where a user's override takes it."""
    arguments = {"x": x, "y": y, "y_pred": y_pred, "sample_weight": sample_weight}
    return overrides.call_with_keywords(model, "compute_loss", {**arguments, "training": training})


def compute_loss(
    model: Trainable, compiled: Compiled, y: Any, y_pred: Any, sample_weight: Any
) -> Tensor:
    """The compiled loss plus all that layers added."""
    terms = []
    if compiled.loss is not None:
        if y_pred is None:
            raise UserInputError(signature.without_outputs(model))
        if y is None:
            raise UserInputError(
                f"Model '{model.name}' was compiled with loss={compiled.loss.argument!r}, but no "
                "targets were given: pass `y`, or batches `(x, y)`; in `validation_data` too."
            )
        value = compiled.loss(y, y_pred, sample_weight)
        if value is not None:
            terms.append(value)
    if placement.is_mapped() and contexts.current().losses:
        raise UserInputError(
            f"Layers of model '{model.name}' add losses, which `DataParallel(strategy='pmap')` "
            "cannot bring together: whether they are means over rows is not known. Use "
            "`DataParallel()`."
        )
    for value in model.losses:
        terms.append(jnp.sum(jnp.asarray(value, settings.floatx())))
    if not terms and compiled.loss is None:
        raise UserInputError(
            f"Model '{model.name}' has no loss to minimise. Pass `loss=` to `compile()`, call "
            "`add_loss` in a layer, or override `compute_loss` or `train_step`."
        )
    if not terms:
        return jnp.zeros(())
    total = terms[0]
    for value in terms[1:]:
        total = total + value
    if compiled.loss is not None:
        _warn_without_gradient(model, compiled, total, y_pred)
    return total


def _warn_without_gradient(model, compiled, total, y_pred):
    """Warns where a derivative is being taken by the weights and none goes through the loss."""
    if jax_private.is_differentiated(total):
        return
    if any(map(jax_private.is_differentiated, flatten(y_pred))):
        where = (
            f"the loss {compiled.loss.described()} does not depend on the model's outputs, or not "
            "in a way that has a gradient"
        )
        remedy = "Compute it from `y_pred` with `fkeras.ops` or `jax.numpy`"
    elif any(jax_private.is_differentiated(v.value) for v in model.trainable_variables):
        where = "its outputs do not depend on its weights, or not in a way that has a gradient"
        remedy = "Let it return scores or probabilities, and take their `argmax` after `predict`"
    else:
        return
    warn_once.warn_user_once(
        f"Model '{model.name}': {where}: all gradients are zero, and nothing is learnt. {remedy}; "
        "rounding, comparing and `argmax` have no gradient."
    )


# -- the pure face -------------------------------------------------------------


@contextlib.contextmanager
def traced_training(
    model: Trainable, groups: VariableGroups, key: jax.Array, step: jax.Array
) -> Iterator[None]:
    """Context manager around a training step: flags and what is computed again are those of
    `compile`, and keys follow from the model's key and the step.
    """
    with _traced(model, groups, key, step), remat.applied_to_model(groups.remat):
        yield


@contextlib.contextmanager
def _traced(
    model: Trainable, groups: VariableGroups, key: jax.Array, step: jax.Array
) -> Iterator[None]:
    """The same around any step."""
    step_key = jax.random.fold_in(keys.typed_key(key), step)
    with groups.flags.applied(model), key_scopes.scope(step_key, groups.key_paths, step):
        yield


def _lists(values: Any) -> tuple[Values, ...]:
    return tuple(list(v) for v in values)


def traced_evaluation(
    model: Trainable, groups: VariableGroups, key: jax.Array, step: jax.Array
) -> AbstractContextManager[None]:
    """The same around an evaluation step, whose draws are others."""
    key = jax.random.fold_in(keys.typed_key(key), _EVALUATION)
    return _traced(model, groups, key, step)


def _run_step(model, name, groups, values, batch):
    """A model's step. Metrics that its `metrics` does not list are lent around it, since the state
    of Keras's contract has no place for them.
    """
    *others, metrics = values
    listed = len(metrics) - len(groups.unlisted)
    state = (*map(list, others), list(metrics[:listed]))
    (logs, new), unlisted = lending.call(
        overrides.call_step, groups.unlisted, metrics[listed:], model, name, state, batch
    )
    *others, metrics = new
    return plain_logs(logs), (*map(list, others), [*metrics, *unlisted])


def run_train(
    model: Trainable,
    groups: VariableGroups,
    values: GroupValues,
    key: jax.Array,
    step: jax.Array,
    batch: Any,
) -> tuple[Logs, GroupValues]:
    """One training step on four groups of values: (logs, values)."""
    with traced_training(model, groups, key, step):
        return _run_step(model, "train_step", groups, values, batch)


def run_test(
    model: Trainable,
    groups: VariableGroups,
    values: tuple[Values, ...],
    key: jax.Array,
    step: jax.Array,
    batch: Any,
) -> tuple[Logs, tuple[Values, ...]]:
    """One evaluation step on (trainable, non-trainable, metric) values: (logs, values)."""
    with traced_evaluation(model, groups, key, step):
        return _run_step(model, "test_step", groups, values, batch)


def run_predict(
    model: Trainable,
    groups: VariableGroups,
    state: WeightValues,
    key: jax.Array,
    step: jax.Array,
    batch: Any,
) -> tuple[Nested[Tensor], Values]:
    """The outputs of one batch, and the non-trainable values afterwards.

    Args:
        state: of `groups.predict_state`. The metrics are what `call` reads; what it updates there
            is forgotten, since metrics are of training and evaluation.
    """
    trainable, others = state
    count = len(groups.non_trainable)
    key = jax.random.fold_in(keys.typed_key(key), _PREDICTION)
    with _traced(model, groups, key, step):
        weights = list(trainable), list(others[:count])
        (outputs, new), _ = lending.call(
            overrides.call_step,
            groups.kept_metrics,
            others[count:],
            model,
            "predict_step",
            weights,
            batch,
        )
    return outputs, list(new)
