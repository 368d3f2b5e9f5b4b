"""Arguments of `fit`, `compile` and their kin in older Keras."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fkeras.core.warn_once import warn_user
from fkeras.data import PyDataset
from fkeras.errors import UserInputError
from fkeras.models import loop_arguments

_OF_PY_DATASET = ("workers", "use_multiprocessing", "max_queue_size", "max_q_size")
_LOOP = ("pickle_safe", "show_accuracy")
# Method -> former arguments that have no meaning left.
_DROPPED: dict[str, tuple[str, ...]] = {
    "fit": _LOOP,
    "evaluate": _LOOP,
    "predict": _LOOP,
    "train_on_batch": ("accuracy", "reset_metrics"),
    "test_on_batch": ("accuracy", "reset_metrics"),
    "predict_on_batch": (),
    "compile": (
        "class_mode",
        "distribute",
        "experimental_run_tf_function",
        "from_serialized",
        "options",
        "run_metadata",
        "sample_weight_mode",
        "target_tensors",
    ),
}
_RENAMED: dict[str, dict[str, str]] = {
    "fit": {"nb_epoch": "epochs"},
    "compile": {"experimental_steps_per_execution": "steps_per_execution"},
}


def take(method: Callable[..., Any], given: dict[str, Any], data: Any = None) -> dict[str, Any]:
    """Today's arguments for those of older Keras, with one warning.

    Args:
        method: of the model, such as `Model.fit`. given: what it does not take by name.
        data: its `x`: a `PyDataset` is told of workers.

    Raises:
        UserTypeError: names that were never arguments.
        UserInputError: a former argument that cannot be left out without other results.
    """
    name = method.__name__
    renamed, dropped = _RENAMED.get(name, {}), _DROPPED[name]
    told, translated, rest = [], {}, {}
    for former, value in given.items():
        if former in renamed:
            translated[renamed[former]] = value
            told.append(f"`{former}` is called `{renamed[former]}` today")
        elif former in _OF_PY_DATASET and name != "compile":
            told.append(_hand_to_data(former, value, data))
        elif former in dropped:
            if former == "target_tensors" and value is not None:
                raise UserInputError(
                    "`compile(target_tensors=...)` is gone: pass the targets to `fit`, or compute "
                    "the loss in the graph and call `model.add_loss(...)`."
                )
            told.append(f"`{former}` has no effect today")
        else:
            rest[former] = value
    loop_arguments.refuse_unknown(method, rest)
    if told:
        warn_user(f"`{name}`: arguments of older Keras: {'; '.join(told)}.")
    return translated


def _hand_to_data(former: str, value: Any, data: Any) -> str:
    if not isinstance(data, PyDataset):
        return f"`{former}` has no effect on this kind of data"
    today = {"max_q_size": "max_queue_size"}.get(former, former)
    setattr(data, today, value)
    return f"`{former}` is an argument of the data today: `PyDataset.__init__({today}=...)`"
