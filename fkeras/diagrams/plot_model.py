"""`plot_model` and `model_to_dot`: a model as a picture."""

from __future__ import annotations

import importlib
import os
from pathlib import Path
from typing import Any, Literal

from fkeras.core.warn_once import warn_user
from fkeras.diagrams.boxes import Shown, group_of
from fkeras.diagrams.dot import Dot
from fkeras.errors import UserInputError, UserTypeError
from fkeras.models import Model

_DIRECTIONS = ("TB", "BT", "LR", "RL")


def model_to_dot(
    model: Model,
    show_shapes: bool = False,
    show_dtype: bool = False,
    show_layer_names: bool = True,
    rankdir: Literal["TB", "BT", "LR", "RL"] = "TB",
    expand_nested: bool = False,
    dpi: float = 200,
    subgraph: bool = False,
    show_layer_activations: bool = False,
    show_trainable: bool = False,
    splines: str = "ortho",
    **kwargs: Any,
) -> Dot:
    """A model as a picture to look at, to write, or to hand to graphviz.

    Args:
        model: a built model. One that is neither functional nor sequential is one box.
        show_shapes: whether shapes of inputs and outputs are shown.
        show_dtype: whether dtypes of outputs are shown.
        show_layer_names: whether names of layers stand before their classes.
        rankdir: which way arrows lead: 'TB' (down), 'BT', 'LR' (right) or 'RL'.
        expand_nested: whether models inside are drawn as groups of their layers.
        dpi: pixels per inch, for pictures of pixels.
        subgraph: whether the text for graphviz is that of a part of a graph.
        show_layer_activations: whether activations are shown.
        show_trainable: whether it is shown which layers are trained.
        splines: how graphviz draws lines: 'ortho', 'curved', 'polyline', 'spline', 'line'.
        **kwargs: refused.

    Returns:
        An object with `to_string()`, `create(format=...)` and `write(path)`; a notebook shows it.

    Raises:
        UserInputError: the model is not built, or an unknown direction.

    Examples:
        >>> import fkeras
        >>> layers = [fkeras.Input((4,)), fkeras.layers.Dense(2, name="head")]
        >>> dot = fkeras.utils.model_to_dot(fkeras.Sequential(layers), show_shapes=True)
        >>> "head (Dense)" in dot.to_string()
        True
    """
    _check_arguments(model, rankdir, kwargs)
    shown = Shown(show_shapes, show_dtype, show_layer_names, show_layer_activations, show_trainable)
    return Dot(group_of(model, shown, expand_nested), rankdir, dpi, splines, is_part=subgraph)


def plot_model(
    model: Model,
    to_file: str | os.PathLike[str] = "model.png",
    show_shapes: bool = False,
    show_dtype: bool = False,
    show_layer_names: bool = False,
    rankdir: Literal["TB", "BT", "LR", "RL"] = "TB",
    expand_nested: bool = False,
    dpi: float = 200,
    show_layer_activations: bool = False,
    show_trainable: bool = False,
    splines: str = "ortho",
    **kwargs: Any,
) -> Any:
    """Writes a picture of a model to a file.

    `.svg` needs nothing that is not installed. Other formats are drawn by graphviz where its
    program `dot` is installed, and `.png`, `.jpg` and `.pdf` by Pillow where it is not. Without
    both, an `.svg` file is written instead, with a warning.

    Args:
        model: a built model.
        to_file: the file; its suffix says the format, none is `.png`.
        show_shapes, show_dtype, show_layer_names, rankdir, expand_nested, dpi: see `model_to_dot`.
        show_layer_activations, show_trainable, splines: see `model_to_dot`.
        **kwargs: refused.

    Returns:
        The picture for a notebook, where IPython is installed; else None.

    Raises:
        UserInputError: the model is not built, or an unknown direction.

    Examples:
        >>> import pathlib, fkeras
        >>> layers = [fkeras.Input((4,)), fkeras.layers.Dense(2)]
        >>> picture = fkeras.utils.plot_model(fkeras.Sequential(layers), "model.svg")
        >>> pathlib.Path("model.svg").read_text()[:4]
        '<svg'
    """
    dot = model_to_dot(
        model,
        show_shapes=show_shapes,
        show_dtype=show_dtype,
        show_layer_names=show_layer_names,
        rankdir=rankdir,
        expand_nested=expand_nested,
        dpi=dpi,
        show_layer_activations=show_layer_activations,
        show_trainable=show_trainable,
        splines=splines,
        **kwargs,
    )
    path = Path(to_file)
    format = path.suffix[1:].lower() or "png"
    try:
        dot.write(path, format=format)
    except ImportError as error:
        path = path.with_suffix(".svg")
        format = "svg"
        warn_user(f"{error} The picture was written to '{path}' instead of '{to_file}'.")
        dot.write(path, format=format)
    return _for_notebooks(path, format)


def _check_arguments(model: Model, rankdir: str, others: dict[str, Any]) -> None:
    if others.pop("layer_range", None) is not None:
        raise UserInputError("Argument `layer_range` is no longer supported.")
    if others:
        raise UserTypeError(f"Unrecognized keyword arguments: {others}")
    if not isinstance(model, Model):
        raise UserTypeError(f"Expected a model to draw. Received: {model!r}")
    if not model.built:
        raise UserInputError(
            f"Model '{model.name}' has not yet been built, so that its layers are not known. Build "
            "the model first by calling `build()` or by calling the model on a batch of data."
        )
    if rankdir not in _DIRECTIONS:
        raise UserInputError(f"`rankdir` expected one of {_DIRECTIONS}. Received: {rankdir!r}")


def _for_notebooks(path: Path, format: str) -> Any:
    """What a notebook shows; None for what it cannot show, or without IPython."""
    if format not in ("svg", "png", "jpg", "jpeg", "gif"):
        return None
    try:
        display = importlib.import_module("IPython.display")
    except ImportError:
        return None
    if format == "svg":
        return display.SVG(filename=str(path))
    return display.Image(filename=str(path), format=format)  # the name need not say it
