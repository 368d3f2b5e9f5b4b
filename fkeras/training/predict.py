"""The passes behind `predict`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import jax
import numpy as np

from fkeras.core.nested import flatten, in_order_of_leaves, map_structure, unflatten_like
from fkeras.errors import UserInputError
from fkeras.training import agreement, device_batches
from fkeras.training.loop import Call, PassOptions, drive, fused_steps, single_steps
from fkeras.training.pace import Pace

if TYPE_CHECKING:
    from fkeras.callbacks import CallbackList
    from fkeras.data import Source
    from fkeras.training.executables import Executables
    from fkeras.training.progress import Progress
    from fkeras.training.variable_groups import WeightValues
    from fkeras.types import Nested

_ROWS = 1 << 13  # of a fused call
_NUMBERS = 1 << 30  # numbers of batches stay below: they are int32 on the device


def predict(
    executables: Executables,
    source: Source,
    read_state: Callable[[], WeightValues],
    options: PassOptions,
    *,
    key: jax.Array,
    callbacks: CallbackList,
    progress: Progress,
    check_interrupts: Callable[[], None] = lambda: None,
    should_stop: Callable[[], bool] = lambda: False,
) -> tuple[Nested[np.ndarray], list[jax.Array]]:
    """Outputs of all batches, joined, as NumPy arrays in the structure of the model's outputs.

    Args:
        executables: the compiled steps.
        source: where batches come from.
        read_state: gives the values of `VariableGroups.predict_state`, once the first hook has run:
            it may put others in their place.
        options: how the pass is cut into calls.
        key: the model's key.
        callbacks: the callbacks.
        progress: counts the batches that were predicted.
        check_interrupts: raises where Ctrl-C was pressed.
        should_stop: whether a callback has set `stop_predicting`.

    Returns:
        (outputs, the second part of the state afterwards).
    """
    callbacks.on_predict_begin()
    hooks = callbacks.needs_batch_hooks("predict")
    prediction = _Prediction(executables, source, read_state(), options, key, progress.predicted)

    def after(batch, outputs):
        shown = map_structure(_as_numpy, outputs) if hooks else outputs
        callbacks.on_predict_batch_end(batch, {"outputs": shown})

    drive(
        prediction.calls(hooks),
        before=callbacks.on_predict_batch_begin,
        after=after,
        check_interrupts=check_interrupts,
        should_stop=should_stop,
    )
    if not prediction.pieces:
        raise UserInputError("The data given to `predict` holds no batch at all.")
    progress.predicted += prediction.num_batches
    callbacks.on_predict_end()
    return join(prediction.pieces), prediction.state[1]


class _Prediction:
    """The outputs that one prediction has so far, and the device calls that add to them."""

    def __init__(self, executables, source, state, options, key, earlier):
        executables.warn_of_small_batches(source)
        self.executables = executables
        self.source = source
        self.state = state
        self.options = options
        self.key = key
        self.earlier = earlier  # batches that the model has predicted before
        self.pieces: list = []
        self.num_batches = 0

    def calls(self, hooks: bool) -> Iterator[Call]:
        """The plan: fused calls of one size as far as they go, then single steps."""
        source, options = self.source, self.options
        takes_all = options.takes_all_of(source)
        fused = 0
        if takes_all and options.fuse and not hooks and self._may_fuse():
            full = source.num_samples // source.batch_size
            size = max(1, min(full, _ROWS // source.batch_size))
            fused = full - full % size
            data = device_batches.placed(source, full >= 2 * size, self.executables.distribution)
            yield from fused_steps(self._many(data), fused, Pace(size))
        yield from single_steps(
            device_batches.batches_of(source, first=fused)
            if takes_all
            else agreement.shared(
                device_batches.endless_batches(source), source, self.executables.distribution
            ),
            self._one,
            group=options.steps_per_execution,
            first=fused,
            limit=options.steps,
        )

    def _may_fuse(self):
        source = self.source
        return source.num_samples >= 2 * source.batch_size and self.executables.may_fuse(
            "predict", source, self.state, self.key, np.int32(0)
        )

    def _one(self, index, batch):
        outputs, changed = self.executables.predict_one(
            self.state, self.key, batch_number(self.earlier + index), batch
        )
        return self._accept(outputs, changed, 1)

    def _many(self, data):
        size = self.source.batch_size

        def run(first, count):
            outputs, changed = self.executables.predict_many(
                self.state,
                self.key,
                data,
                np.int32(first * size),
                batch_number(self.earlier + first),
                count,
                size,
            )
            return self._accept(outputs, changed, count)

        return run

    def _accept(self, outputs, changed, count):
        if changed:
            trainable, others = self.state
            self.state = trainable, [changed.get(i, value) for i, value in enumerate(others)]
        self.pieces.append(outputs)
        self.num_batches += count
        return outputs


def batch_number(predicted: int) -> np.int32:
    """The number of a batch, for its key, from how many were predicted before it."""
    return np.int32(predicted % _NUMBERS)


def to_host(outputs: Nested[jax.Array]) -> Nested[np.ndarray]:
    """Outputs as NumPy arrays that the caller may write to."""
    if isinstance(outputs, jax.Array):
        return _as_numpy(outputs, copy=True)
    return map_structure(lambda x: _as_numpy(x, copy=True), jax.device_get(outputs))


def _as_numpy(x: Any, copy: bool = False) -> np.ndarray:
    """An array on the host; bfloat16, which NumPy and all that is built on it do not know, as
    float32.
    """
    array = np.array(x) if copy else np.asarray(x)
    is_foreign = array.dtype.kind == "V"  # told sooner than which of the foreign kinds it is
    if is_foreign and array.dtype == jax.numpy.bfloat16:
        return array.astype(np.float32)
    return array


def join(pieces: Sequence[Nested[Any]]) -> Nested[np.ndarray]:
    """Outputs of batches, joined along the first axis.

    Raises:
        UserInputError: where they differ in other axes.
    """
    if len(pieces) == 1:
        return to_host(pieces[0])
    columns = zip(*(flatten(piece) for piece in pieces))
    joined = [_joined([_as_numpy(x) for x in column]) for column in columns]
    return unflatten_like(in_order_of_leaves(pieces[0]), joined)


def _joined(arrays):
    shapes = {a.shape[1:] for a in arrays}
    if len(shapes) > 1:
        raise UserInputError(
            "The batches' outputs have different shapes behind the batch axis: "
            f"{sorted(shapes)}. Predict them one by one with `predict_on_batch`, or pad the inputs "
            "to one width."
        )
    return np.concatenate(arrays) if arrays[0].ndim else np.stack(arrays)
