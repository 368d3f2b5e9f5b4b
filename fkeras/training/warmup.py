"""Compiles what a `fit` will call, and trains nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from fkeras.training import device_batches
from fkeras.training.evaluate import warm_up_evaluation
from fkeras.training.loan import copy_tree

if TYPE_CHECKING:
    from fkeras.training.fit import Fit


def warm_up(fit: Fit) -> None:
    """Makes each kind of device call that `fit.run` makes for arrays, on copies of the values.

    Args:
        fit: a `Fit` that is not running, over arrays.
    """
    if fit.executables.eager:
        return
    fit.loan.take_over()
    try:
        whole_epochs = fit.plan_whole_epochs()
        if whole_epochs is None:
            _warm_up_steps(fit)
            if fit.validation is not None:
                _warm_up_validation(fit)
        else:  # a call of no epochs leaves all values as they are
            whole_epochs.run(0, again=False)
    finally:
        fit.loan.finish()


def _warm_up_steps(fit):
    executables, source, key = fit.executables, fit.source, fit.options.key
    values = fit.loan.values_to_donate()
    sizes = device_batches.batching_of(source)
    if fit.fuses() and source.num_samples >= source.batch_size:
        order = device_batches.permutation(
            source.order(fit.options.order_seed, 0), executables.distribution
        )
        values, *_ = executables.train_many(
            copy_tree(values),
            fit.progress.counter(),
            key,
            device_batches.placed(source, True, executables.distribution),
            order,
            np.int32(0),
            np.int32(0),  # no steps: the values come back as they were
            source.batch_size,
        )
        sizes = sizes[1:]
    for size in sizes:
        if 0 < size <= source.num_samples:
            batch = source.batch(slice(0, size))
            executables.train_one(copy_tree(values), fit.progress.counter(), key, batch)


def _warm_up_validation(fit):
    warm_up_evaluation(
        fit.executables,
        fit.validation,
        fit.loan.values_to_donate()[:2],
        key=fit.options.key,
        fuse=fit.options.fuse,
    )
