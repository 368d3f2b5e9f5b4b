"""What training asks of a model is public, and models have it."""

import ast
import pathlib

import fkeras
from fkeras.training.trainable import Trainable

ROOMS = ("training", "saving", "layers", "data", "callbacks")
PACKAGE = pathlib.Path(fkeras.__file__).parent


def test_a_model_has_all_that_training_asks_for():
    model = fkeras.Sequential([fkeras.Input((3,)), fkeras.layers.Dense(1)])
    names = [name for name, value in vars(Trainable).items() if not name.startswith("_")]
    assert "train_step" in names and "build_key" in names
    assert [name for name in names if not hasattr(model, name)] == []


def private_names(tree, kind):
    """Names with one underscore that are stored (or defined) in a module, or read of others."""
    for node in ast.walk(tree):
        name = None
        if kind == "defined" and isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            name = node.name
        elif kind == "defined" and isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            name = node.id
        elif isinstance(node, ast.Attribute):
            is_own = isinstance(node.value, ast.Name) and node.value.id in ("self", "cls")
            is_store = isinstance(node.ctx, ast.Store)
            if (kind == "defined" and is_own and is_store) or (kind == "read" and not is_own):
                name = node.attr
        if name is not None and name.startswith("_") and not name.startswith("__"):
            yield name


def names_of(folder, kind):
    found = set()
    for path in folder.rglob("*.py"):
        found.update(private_names(ast.parse(path.read_text()), kind))
    return found


def test_no_room_below_reaches_up_into_what_only_models_have():
    below = [p for p in PACKAGE.iterdir() if p.is_dir() and p.name in (*ROOMS, "core", "metrics")]
    below += [PACKAGE / name for name in ("losses", "optimizers", "ops", "random")]
    defined_below = set().union(*(names_of(folder, "defined") for folder in below))
    only_in_models = names_of(PACKAGE / "models", "defined") - defined_below
    assert "_fed_layers" in only_in_models
    only_in_models.add("_compiled")  # optimizers have one too
    reads = {room: names_of(PACKAGE / room, "read") & only_in_models for room in ROOMS}
    assert {room: names for room, names in reads.items() if names} == {}
