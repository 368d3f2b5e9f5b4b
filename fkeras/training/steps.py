"""Pure steps. Keras's contract, on four lists of values, is the one that users override; `step` on
a `TrainState` calls it.

Nothing here knows of callbacks, files or progress bars.
"""

import contextlib

import jax
import jax.numpy as jnp
from flax import nnx

from fkeras.core import jax_private, settings, warn_once
from fkeras.core.nested import flatten
from fkeras.core.randomness import seeds
from fkeras.core.values import lending
from fkeras.core.values.variable_info import info_of
from fkeras.errors import UserInputError
from fkeras.layers.base import context as contexts
from fkeras.layers.base import signature, tracking
from fkeras.training import state as states


def unpack(data):
    """(x, y, sample_weight) of a batch: a tuple or list of one to three, or x alone."""
    if isinstance(data, list):
        data = tuple(data)
    if not isinstance(data, tuple):
        return data, None, None
    if not 1 <= len(data) <= 3:
        raise UserInputError(
            "Data is expected to be in format `x`, `(x,)`, `(x, y)`, or `(x, y, sample_weight)`. "
            f"Received {len(data)} entries."
        )
    return (*data, None, None)[:3]


def batch_size_of(x) -> int:
    for leaf in flatten(x):
        if getattr(leaf, "shape", ()):
            return leaf.shape[0]
    return 1


# -- Keras's contract ----------------------------------------------------------


def train_step(model, state, data):
    """(logs, new state) for state = (trainable, non-trainable, optimizer, metrics) values."""
    trainable, rest, optimizer_variables, metrics = state
    x, y, sample_weight = unpack(data)
    grad = jax.value_and_grad(model.compute_loss_and_updates, has_aux=True)
    (_, (loss, y_pred, rest, metrics)), gradients = grad(
        trainable,
        rest,
        metrics,
        x,
        y,
        sample_weight,
        training=True,
        optimizer_variables=optimizer_variables,
    )
    if trainable:  # a model may have nothing to train
        trainable, optimizer_variables = model.optimizer.stateless_apply(
            optimizer_variables, gradients, trainable
        )
    logs, metrics = _track(model, metrics, loss, x, y, y_pred, sample_weight)
    return logs, (trainable, rest, optimizer_variables, metrics)


def test_step(model, state, data):
    """(logs, new state) for state = (trainable, non-trainable, metrics) values."""
    trainable, rest, metrics = state
    x, y, sample_weight = unpack(data)
    _, (loss, y_pred, rest, metrics) = model.compute_loss_and_updates(
        trainable, rest, metrics, x, y, sample_weight, training=False
    )
    logs, metrics = _track(model, metrics, loss, x, y, y_pred, sample_weight)
    return logs, (trainable, rest, metrics)


def predict_step(model, state, data):
    """(outputs, new non-trainable values) for state = (trainable, non-trainable) values."""
    trainable, rest = state
    x, _, _ = unpack(data)
    kwargs = {"training": False} if signature.of(model).has_training else {}
    outputs, rest = model.stateless_call(trainable, rest, x, **kwargs)
    return outputs, rest


def compute_loss_and_updates(
    model, trainable, rest, metrics, x, y, sample_weight, training, optimizer_variables
):
    """(loss to differentiate, (loss, outputs, new non-trainable values, new metric values))."""
    own_trainable, own_rest, own_metrics = (
        model.trainable_variables,
        model.non_trainable_variables,
        model.metrics_variables,
    )
    own_optimizer = list(model.optimizer.variables) if optimizer_variables is not None else []
    kwargs = {"training": training} if signature.of(model).has_training else {}
    for what, own, given in (
        ("trainable_variables", own_trainable, trainable),
        ("non_trainable_variables", own_rest, rest),
        ("metrics_variables", own_metrics, metrics),
    ):
        if len(own) != len(given):
            raise UserInputError(
                f"Argument `{what}` must be a list of tensors corresponding 1:1 to the model's "
                f"{what}. Received {len(given)}, expected {len(own)}."
            )

    def run():
        context = contexts.CallContext(model, losses=[])
        context.training = training
        with contexts.opened(context):
            outputs, _ = lending.call(
                model, [], [], x, caller=f"model '{model.name}'", strict=True, **kwargs
            )
            loss = model._compute_loss(x, y, outputs, sample_weight, training)
            if loss is None:
                raise UserInputError(
                    f"`compute_loss` of model '{model.name}' returned None: it must return a "
                    "scalar."
                )
            scaled = (
                model.optimizer.scale_loss(loss)
                if training and model.optimizer is not None
                else loss
            )
            return scaled, loss, outputs

    variables = [*own_trainable, *own_rest, *own_metrics, *own_optimizer]
    values = [*trainable, *rest, *metrics, *(optimizer_variables or [])]
    (scaled, loss, outputs), after = lending.call(run, variables, values)
    a, b = len(trainable), len(trainable) + len(rest)
    return scaled, (loss, outputs, after[a:b], after[b : b + len(metrics)])


def _track(model, metrics, loss, x, y, y_pred, sample_weight):
    """Updates the loss tracker and the metrics; returns their results and values."""

    def run():
        tracker = model._loss_tracker
        if tracker is not None:
            tracker.update_state(loss, sample_weight=batch_size_of(x))
        return model.compute_metrics(x, y, y_pred, sample_weight=sample_weight)

    return lending.call(run, model.metrics_variables, metrics)


def compute_loss(model, y, y_pred, sample_weight):
    """The compiled loss plus all that layers added."""
    losses = []
    compiled = model._compiled_loss
    if compiled is not None:
        if y is None:
            raise UserInputError(
                f"Model '{model.name}' was compiled with loss={compiled.given!r}, but no targets "
                "were given: pass `y`, or batches `(x, y)`."
            )
        value = compiled(y, y_pred, sample_weight)
        if value is not None:
            losses.append(value)
    for value in model.losses:
        losses.append(jnp.sum(jnp.asarray(value, settings.floatx())))
    if not losses:
        if compiled is None:
            raise UserInputError(
                f"Model '{model.name}' has no loss to minimise. Pass `loss=` to `compile()`, call "
                "`add_loss` in a layer, or override `compute_loss` or `train_step`."
            )
        return jnp.zeros(())
    total = losses[0]
    for value in losses[1:]:
        total = total + value
    if (
        compiled is not None
        and not jax_private.is_differentiated(total)
        and any(map(jax_private.is_differentiated, flatten(y_pred)))
    ):
        warn_once.warn(
            f"Model '{model.name}': the loss {compiled.described()} does not depend on the model's "
            "outputs, or not in a way that has a gradient: all gradients are zero, and nothing is "
            "learnt. Compute it from `y_pred` with `fkeras.ops` or `jax.numpy`; rounding, "
            "comparing and `argmax` have no gradient.",
            stacklevel=3,
        )
    return total


# -- the pure face -------------------------------------------------------------


def keyed(model, lists, key, step):
    """The keys of one training step: from the model's key and its lifetime step."""
    return seeds.scope(jax.random.fold_in(seeds.typed_key(key), step), lists.key_paths, step)


def run_train(model, lists, values, key, step, batch):
    """One training step on four lists. Returns (logs, lists)."""
    with model._flags_of_compile(), keyed(model, lists, key, step):
        logs, values = model.train_step(tuple(list(v) for v in values), batch)
    return logs, tuple(list(v) for v in values)


def run_test(model, lists, values, key, step, batch):
    """One evaluation step on three lists. Returns (logs, lists)."""
    with model._flags_of_compile(), keyed(model, lists, key, step):
        logs, values = model.test_step(tuple(list(v) for v in values), batch)
    return logs, tuple(list(v) for v in values)


def step(model, lists, state, batch):
    """One training step on a TrainState: (new state, logs)."""
    states.check_state(state)
    values = lists.to_lists(state, model.optimizer)
    logs, values = run_train(model, lists, values, state.key, state.step, batch)
    return lists.to_state(values, model.optimizer, state.step + 1, state.key), logs


def flags_now(model) -> list:
    """(holder, flag) for every layer and every weight made to be trained: what `compile`
    remembers.
    """
    return [(holder, holder.trainable) for holder, _ in _flag_holders(model)]


def _flag_holders(model):
    """(holder of a flag, its layer's holder) for all layers and their own weights."""
    for layer in model._flatten_layers():
        yield layer._info, layer._info
        for _, child in tracking.direct_children(layer):
            if isinstance(child, nnx.Param):
                yield info_of(child) or layer._info, layer._info


@contextlib.contextmanager
def flags(model, snapshot):
    """Inside, `trainable` flags are as they were at `compile`; for the length of a trace."""
    remembered = {id(holder): flag for holder, flag in snapshot}
    changed = []
    try:
        for holder, layer in list(_flag_holders(model)):
            wanted = remembered.get(id(holder))
            if (
                wanted is None
                and id(layer) in remembered
                and holder is not layer
                and any(h is layer for h, _ in changed)
            ):
                wanted = remembered[
                    id(layer)
                ]  # a weight made since, in a layer that was toggled since
            if wanted is not None and wanted != holder.trainable:
                changed.append((holder, holder.trainable))
                holder.trainable = wanted
        yield
    finally:
        for holder, value in changed:
            holder.trainable = value


def toggled(model, snapshot) -> list:
    """Names of layers whose flag is not what it was at `compile`."""
    remembered = {id(holder): flag for holder, flag in snapshot}
    return [
        layer.name
        for layer in model._flatten_layers()
        if remembered.get(id(layer._info), layer._info.trainable) != layer._info.trainable
    ]
