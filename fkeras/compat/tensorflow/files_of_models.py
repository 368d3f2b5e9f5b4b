"""`tf.saved_model`: models in files, in fkeras's own formats."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from fkeras import tree
from fkeras.compat.tensorflow.notes import Inert
from fkeras.data import TensorSpec
from fkeras.errors import UserInputError, UserTypeError
from fkeras.models import Model
from fkeras.saving import load_model
from fkeras.saving.formats import format_at


def save(obj: Any, export_dir: Any, signatures: Any = None, options: Any = None) -> None:
    """Saves a model in a checkpoint directory of fkeras, which `load` and
    `keras.models.load_model` read. TensorFlow does not read it.

    Raises:
        UserTypeError: the object is no model of Keras.
    """
    if not isinstance(obj, Model):
        raise UserTypeError(
            f"tf.saved_model.save takes a model of Keras. Received: {type(obj).__name__}. Keep "
            "the values of a `tf.Module` by `tf.train.Checkpoint(module)`."
        )
    obj.save(os.fspath(export_dir))


def load(export_dir: Any, tags: Any = None, options: Any = None) -> Any:
    """The model that `save` or `model.save` wrote.

    Raises:
        UserInputError: there is none, or it is TensorFlow's own SavedModel.
    """
    path = Path(os.fspath(export_dir))
    if (path / "saved_model.pb").exists():
        raise UserInputError(
            f"'{path}' is a SavedModel of TensorFlow: a program of its own, which needs TensorFlow "
            "to run. Save the Keras model there with `model.save('model.keras')` or `.h5`."
        )
    model = load_model(path)
    model.signatures = {"serving_default": Signature(model)}
    return model


class Signature:
    """A loaded model as a function that gives its outputs in a dict, by their names.

    Args:
        model: the model.
    """

    def __init__(self, model: Model) -> None:
        self._model = model

    def __call__(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        given = args or tuple(kwargs.values())
        inputs = given[0] if len(given) == 1 else kwargs or list(given)
        outputs = tree.flatten(self._model(inputs, training=False))
        return dict(zip(self._names(len(outputs)), outputs))

    @property
    def structured_outputs(self) -> dict[str, TensorSpec]:
        """Shapes and dtypes of the outputs."""
        outputs = tree.flatten(self._model.outputs)
        specs = (TensorSpec(x.shape, x.dtype) for x in outputs)
        return dict(zip(self._names(len(outputs)), specs))

    def _names(self, count: int) -> list[str]:
        names = getattr(self._model, "output_names", None)
        return list(names) if names else [f"output_{i}" for i in range(count)]


def contains_saved_model(export_dir: Any) -> bool:
    """Whether a model that `load` reads is there."""
    return format_at(Path(os.fspath(export_dir))) is not None


SAVED_MODEL: dict[str, Any] = {
    "LoadOptions": Inert,
    "SaveOptions": Inert,
    "contains_saved_model": contains_saved_model,
    "load": load,
    "save": save,
}
