"""What models of older Keras could do under other names, with one warning each, and what they
cannot do yet, for the message that asks where a method is.
"""

from __future__ import annotations

import functools
import types
from collections.abc import Callable
from typing import Any

import numpy as np

from fkeras.core.warn_once import warn_user
from fkeras.data import PyDataset
from fkeras.errors import nearest
from fkeras.models import yaml_text

INSTEAD: dict[str, str] = {
    "export": "Models are not exported yet; `jax.export.export(jax.jit(function))` writes a "
    "function around `model.apply` as StableHLO.",
    "total_loss": "The loss is computed in each step: `fit` reports it, `compute_loss` is what to "
    "override, and `model.losses` are those that layers added.",
}


def fit_generator(
    model: Any,
    generator: Any,
    steps_per_epoch: int | None = None,
    epochs: int = 1,
    verbose: str | int = 1,
    callbacks: Any = None,
    validation_data: Any = None,
    validation_steps: int | None = None,
    validation_freq: Any = 1,
    class_weight: Any = None,
    max_queue_size: int = 10,
    workers: int = 1,
    use_multiprocessing: bool = False,
    shuffle: bool = True,
    initial_epoch: int = 0,
    **former: Any,
) -> Any:
    """`fit` of a generator, whose names of Keras 1 count samples instead of batches."""
    options = dict(former)
    epochs = options.pop("nb_epoch", epochs)
    samples = options.pop("samples_per_epoch", None)
    validation_samples = options.pop("nb_val_samples", None)
    if samples is not None or validation_samples is not None:
        generator, size = _with_rows_of_first_batch(generator)
        if samples is not None:
            steps_per_epoch = -(-samples // size)
        if validation_samples is not None:
            validation_steps = -(-validation_samples // size)
    _refuse("fit_generator", options)
    _tell_data(generator, workers, max_queue_size)
    return model.fit(
        generator,
        steps_per_epoch=steps_per_epoch,
        epochs=epochs,
        verbose=verbose,
        callbacks=callbacks,
        validation_data=validation_data,
        validation_steps=validation_steps,
        validation_freq=validation_freq,
        class_weight=class_weight,
        shuffle=shuffle,
        initial_epoch=initial_epoch,
    )


def evaluate_generator(
    model: Any,
    generator: Any,
    steps: int | None = None,
    callbacks: Any = None,
    max_queue_size: int = 10,
    workers: int = 1,
    use_multiprocessing: bool = False,
    verbose: str | int = 0,
    **former: Any,
) -> Any:
    """`evaluate` of a generator."""
    generator, steps = _counted(generator, steps, former, "evaluate_generator")
    _tell_data(generator, workers, max_queue_size)
    return model.evaluate(generator, steps=steps, callbacks=callbacks, verbose=verbose)


def predict_generator(
    model: Any,
    generator: Any,
    steps: int | None = None,
    callbacks: Any = None,
    max_queue_size: int = 10,
    workers: int = 1,
    use_multiprocessing: bool = False,
    verbose: str | int = 0,
    **former: Any,
) -> Any:
    """`predict` of a generator."""
    generator, steps = _counted(generator, steps, former, "predict_generator")
    _tell_data(generator, workers, max_queue_size)
    return model.predict(generator, steps=steps, callbacks=callbacks, verbose=verbose)


def _counted(
    generator: Any, steps: int | None, former: dict[str, Any], method: str
) -> tuple[Any, int | None]:
    """A generator and its number of steps, where Keras 1's `val_samples` counts rows."""
    samples = former.pop("val_samples", None)
    if samples is not None:
        generator, size = _with_rows_of_first_batch(generator)
        steps = -(-samples // size)
    _refuse(method, former)
    return generator, steps


def predict_proba(
    model: Any, x: Any, batch_size: int | None = 32, verbose: str | int = 0, **options: Any
) -> Any:
    """`predict`: probabilities where the model ends with them."""
    return model.predict(x, batch_size=batch_size, verbose=verbose, **options)


def predict_classes(
    model: Any, x: Any, batch_size: int | None = 32, verbose: str | int = 0, **options: Any
) -> np.ndarray:
    """The most probable class of each row; (rows, 1) of 0 and 1 for a single sigmoid unit."""
    chances = np.asarray(model.predict(x, batch_size=batch_size, verbose=verbose, **options))
    if chances.shape[-1] > 1:
        return chances.argmax(axis=-1)
    return (chances > 0.5).astype("int32")


class LoadStatus:
    """What `load_weights` of tf.keras returned for checkpoints, to be asked whether all of it was
    used: what does not fit is an error here already.
    """

    def expect_partial(self) -> LoadStatus:
        """Itself."""
        return self

    assert_consumed = assert_existing_objects_matched = assert_nontrivial_match = expect_partial

    def __repr__(self) -> str:
        return "<loaded>"


def nothing(model: Any, *args: Any, **kwargs: Any) -> None:
    """Steps are compiled when they are needed."""


def _tell_data(generator: Any, workers: int, max_queue_size: int) -> None:
    """Tells a `PyDataset` of its workers; generators need no telling."""
    if isinstance(generator, PyDataset) and workers > 1:
        generator.workers, generator.max_queue_size = workers, max_queue_size


def _with_rows_of_first_batch(generator: Any) -> tuple[Any, int]:
    """The generator, and how many rows its batches have."""
    if hasattr(generator, "__getitem__"):
        first = generator[0]
    else:
        generator = iter(generator)
        first = next(generator)
        rest = generator
        generator = (batch for part in ([first], rest) for batch in part)
    x = first[0] if isinstance(first, tuple) else first
    while isinstance(x, list | tuple | dict):
        x = next(iter(x.values())) if isinstance(x, dict) else x[0]
    return generator, len(x)


def _refuse(name: str, options: dict[str, Any]) -> None:
    for former in ("pickle_safe", "nb_worker", "max_q_size"):
        options.pop(former, None)
    if options:
        raise TypeError(f"`{name}` got unexpected keyword arguments {sorted(options)}")


# Former name -> (what it does, what to write today).
METHODS: dict[str, tuple[Callable[..., Any], str]] = {
    "fit_generator": (fit_generator, "`fit` takes generators"),
    "evaluate_generator": (evaluate_generator, "`evaluate` takes generators"),
    "predict_generator": (predict_generator, "`predict` takes generators"),
    "predict_proba": (predict_proba, "`predict` returns probabilities"),
    "predict_classes": (
        predict_classes,
        "use `model.predict(x).argmax(axis=-1)`, or `> 0.5` for a single sigmoid unit",
    ),
    "to_yaml": (yaml_text.to_yaml, "use `to_json`"),
    **dict.fromkeys(
        ("_make_predict_function", "_make_train_function", "_make_test_function"),
        (nothing, "steps are compiled when they are needed"),
    ),
}
# Attributes of a session's graph: how they are found, and what to ask for today.
ATTRIBUTES: dict[str, tuple[Callable[[Any], Any], str]] = {
    "model": (lambda model: model, "it is the model itself"),
    "uses_learning_phase": (lambda model: False, "calls are told `training=...`"),
    "state_updates": (lambda model: [], "steps write state themselves"),
    "updates": (lambda model: [], "steps write state themselves"),
    "targets": (lambda model: [], "targets come with the data"),
    "sample_weights": (lambda model: [], "weights of samples come with the data"),
}


def find(model: Any, name: str) -> Any:
    """What a former name stands for, bound to a model, with one warning.

    Raises:
        AttributeError: an unknown name; says what is nearest.
    """
    if name in METHODS:
        method, today = METHODS[name]
        return _told(types.MethodType(method, model), name, today)
    if name in ATTRIBUTES:
        value, today = ATTRIBUTES[name]
        warn_user(f"`model.{name}` is of older Keras: {today}.")
        return value(model)
    raise AttributeError(describe_missing(model, name))


def _told(method: Callable[..., Any], name: str, today: str) -> Callable[..., Any]:
    @functools.wraps(method)
    def call(*args: Any, **kwargs: Any) -> Any:
        warn_user(f"`model.{name}(...)` is of older Keras: {today}.")
        return method(*args, **kwargs)

    return call


def describe_missing(model: object, name: str) -> str:
    """What to say of an attribute that a model does not have."""
    plain = f"{type(model).__name__!r} object has no attribute {name!r}"
    if name.startswith("_"):
        return plain  # probed for by tools
    if name in INSTEAD:
        return f"{plain}. {INSTEAD[name]}"
    close = nearest(name, [known for known in dir(type(model)) if not known.startswith("_")], 1)
    return f"{plain}. Did you mean {close[0]!r}?" if close else plain
