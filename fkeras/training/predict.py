"""The loop behind `predict`."""

import jax
import numpy as np

from fkeras.core.nested import flatten, map_structure
from fkeras.errors import UserInputError
from fkeras.training import device_batches
from fkeras.training.pace import Pace

_ROWS = 1 << 13  # of a fused call
_NUMBERS = 1 << 30  # counters stay below


def predict(
    engine,
    source,
    fixed,
    *,
    key,
    callbacks,
    progress,
    fuse=True,
    steps=None,
    steps_per_execution=1,
    should_stop,
):
    """Outputs of all batches, joined, as NumPy arrays in the structure of the model's outputs.

    Args:
        engine: the `Engine`. source: where batches come from. fixed: (trainable, non-trainable)
            values. key: the model's key.
        callbacks: a `CallbackList`. should_stop: function that tells whether somebody set
            `stop_predicting`.
        progress: dict in which `predicted` counts the batches of the model's life: each draws
            numbers of its own, where it draws any.
        fuse: whether calls of many steps are allowed. steps: batches to take, None for all.
            steps_per_execution: what the user asked for.
    """
    callbacks.on_predict_begin()
    hooks = callbacks.needs_batch_hooks("predict")
    pieces, done, drawn = [], 0, progress.get("predicted", 0)

    def keep(index, *outputs):
        pieces.extend(outputs)
        callbacks.on_predict_batch_end(
            index, {"outputs": map_structure(np.asarray, outputs[-1]) if hooks else outputs[-1]}
        )

    whole = hasattr(source, "order") and (steps is None or steps == source.steps)
    if (
        whole
        and fuse
        and not hooks
        and source.num_samples >= 2 * source.batch_size
        and engine.may_fuse("predict", source, fixed, key, np.int32(0))
    ):
        size = source.batch_size
        full = source.num_samples // size
        count = max(1, min(full, _ROWS // size))
        data = device_batches.placed(source, again=full >= 2 * count)
        while full - done >= count:
            callbacks.on_predict_batch_begin(done)
            outputs = engine.predict_many(
                fixed,
                key,
                data,
                np.int32(done * size),
                np.int32((drawn + done) % _NUMBERS),
                count,
                size,
            )
            done += count
            keep(done - 1, outputs)
    batches, pace = device_batches.batches(source, done, endless=not whole), Pace(1)
    while (steps is None or done < steps) and not should_stop():
        begin, made = done, []
        while len(made) < steps_per_execution and (steps is None or done < steps):
            batch = next(batches, None)
            if batch is None:
                break
            if not made:
                callbacks.on_predict_batch_begin(begin)
            made.append(engine.predict_one(fixed, key, np.int32((drawn + done) % _NUMBERS), batch))
            done += 1
        if not made:
            break
        pace.after(made)
        keep(begin + steps_per_execution - 1, *made)
    if not pieces:
        raise UserInputError("The data given to `predict` holds no batch at all.")
    progress["predicted"] = drawn + done
    callbacks.on_predict_end()
    return join(pieces)


def to_host(outputs):
    """Outputs as NumPy arrays that the caller may write to."""
    return (
        np.array(outputs)
        if isinstance(outputs, jax.Array)
        else map_structure(np.array, jax.device_get(outputs))
    )


def join(pieces):
    """Outputs of batches, joined along the first axis."""
    if len(pieces) == 1:
        return to_host(pieces[0])
    flat = [flatten(p) for p in pieces]
    joined = []
    for column in zip(*flat):
        arrays = [np.asarray(x) for x in column]
        shapes = {a.shape[1:] for a in arrays}
        if len(shapes) > 1:
            raise UserInputError(
                "The batches' outputs have different shapes behind the batch axis: "
                f"{sorted(shapes)}. Predict them one by one with `predict_on_batch`, or pad the "
                "inputs to one width."
            )
        joined.append(np.concatenate(arrays) if arrays[0].ndim else np.stack(arrays))
    rest = iter(joined)
    return map_structure(lambda _: next(rest), _in_leaf_order(pieces[0]))


def _in_leaf_order(structure):
    """Dicts in the order in which `leaves` visits them."""
    if isinstance(structure, dict):
        return {k: _in_leaf_order(structure[k]) for k in sorted(structure)}
    if isinstance(structure, (list, tuple)) and not hasattr(structure, "_fields"):
        return type(structure)(_in_leaf_order(v) for v in structure)
    return structure
