"""`KerasFileEditor`: looks into a file of weights, changes it, and writes it anew."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from fkeras.errors import UserInputError
from fkeras.saving import stores as keras_stores
from fkeras.saving.formats import WeightsFile, read_at
from fkeras.saving.record import ModelRecord
from fkeras.saving.stores import Store

if TYPE_CHECKING:
    import rich.tree

    from fkeras.models import Model
    from fkeras.types import Config, PathLike, TensorLike

    Weights: TypeAlias = Mapping[str, TensorLike]

# By name: an object's arrays, and the objects in it.
Contents: TypeAlias = dict[str, Any]

_OF_ROOT = "vars"  # the model's own arrays have no object's name to stand under


class KerasFileEditor:
    """A file of weights to look at, change and write anew.

    Use it when a model has changed since its weights were saved: rename what was renamed, take away
    what is gone, add what is new, until `compare` finds no difference. The file itself stays as it
    is; it is read with all the checks of `load_weights`.

    Args:
        filepath: a `.keras`, `.weights.h5` or `.weights.json`, of Keras or of fkeras.

    Attributes:
        weights_dict: the content: by name a dict for each object, in which are its arrays (`"0"`,
            `"1"`, ...) and the objects inside of it.
        object_metadata: by path of an object, what the file says of it: `{"name": "encoder"}`.
        config: the architecture, where the file is a `.keras`; else None.
        metadata: version and date, where the file is a `.keras`; else None.

    Raises:
        UserInputError: no file of weights by layer.
        UnsafeFileError, CorruptFileError: see `load_weights`.

    Examples:
        >>> import fkeras
        >>> model = fkeras.Sequential([fkeras.Input((3,)), fkeras.layers.Dense(2)])
        >>> model.save_weights("model.weights.h5")
        >>> editor = fkeras.saving.KerasFileEditor("model.weights.h5")
        Keras model file 'model.weights.h5'
        >>> editor.summary()
        Weights structure
        └── layers
            └── dense ('dense')
                ├── 0: shape=(3, 2), dtype=float32
                └── 1: shape=(2,), dtype=float32
        >>> editor.rename_object("dense", "dense_1")
        >>> editor.save("renamed.weights.h5")
    """

    def __init__(self, filepath: PathLike) -> None:
        import rich.console

        record = read_at(filepath, "saved weights")
        if record.stores is None:
            raise UserInputError(
                "Invalid filename: expected a `.keras` or `.weights.h5` file of Keras 3, in which "
                f"each layer has its place. Received: '{filepath}'"
            )
        self.filepath = filepath
        self.config: Config | None = record.config
        self.metadata: Config | None = record.metadata
        self.weights_dict: Contents = _contents_of(record.stores)
        self.object_metadata: dict[str, dict[str, str]] = {
            f"/{path}": {"name": store.name}
            for path, store in record.stores.items()
            if store.name is not None
        }
        self.console = rich.console.Console(highlight=False, soft_wrap=True)
        self._say(f"Keras model file '{filepath}'")
        if self.metadata is not None:
            version, date = (self.metadata.get(key) for key in ("keras_version", "date_saved"))
            self._say(f"Saved with Keras {version} - date: {date}")

    def summary(self) -> None:
        """Prints which objects and arrays there are."""
        import rich.markup
        import rich.tree

        tree = rich.tree.Tree("Weights structure")
        self._add_branches(tree, self.weights_dict, "")
        self.console.print(tree)

    def compare(self, reference_model: Model) -> dict[str, Any]:
        """Compares the content with the weights of a model, and prints every difference.

        Args:
            reference_model: a built model.

        Returns:
            `status`, `'success'` or `'error'`; `error_count` and `match_count`, numbers of
            differences and of arrays that fit.
        """
        self._say("Running comparison")
        expected = _contents_of(keras_stores.record_stores(reference_model))
        problems, matches = _differences(self.weights_dict, expected)
        for problem in problems:
            self._say(f"...{problem}")
        if problems:
            self._say(f"{len(problems)} differences: the saved file does not fit the model")
        else:
            self._say(f"The saved file fits the model: {matches} matching weights")
        return {
            "status": "error" if problems else "success",
            "error_count": len(problems),
            "match_count": matches,
        }

    def rename_object(self, object_name: str, new_name: str) -> None:
        """Gives an object another name.

        Args:
            object_name: its name, `"dense_2"`, if there is but one; else its path,
                `"layers/dense_2"`.
            new_name: its name from now on; no path.

        Raises:
            UserInputError: no such object, several of the name, or the new name is taken.
        """
        if "/" in new_name or not new_name:
            raise UserInputError(
                "`new_name` should be a leaf name, not a full path name. "
                f"Received: new_name='{new_name}'"
            )
        path, parent, name = self._find(object_name)
        if new_name in parent and new_name != name:
            raise UserInputError(
                f"'{path}' cannot become '{new_name}': there is one of that name beside it. "
                "Delete or rename that one first."
            )
        renamed = [(new_name if key == name else key, value) for key, value in parent.items()]
        parent.clear()
        parent.update(renamed)
        new_path = path.removesuffix(name) + new_name
        self.object_metadata = {
            f"/{new_path}{key[len(path) + 1 :]}" if _is_below(key, path) else key: value
            for key, value in self.object_metadata.items()
        }

    def delete_object(self, object_name: str) -> None:
        """Takes away an object, with all that is in it.

        Args:
            object_name: its name or path: see `rename_object`.
        """
        path, parent, name = self._find(object_name)
        del parent[name]
        self.object_metadata = {
            key: value for key, value in self.object_metadata.items() if not _is_below(key, path)
        }

    def add_object(self, object_path: str, weights: Weights) -> None:
        """Adds an object.

        Args:
            object_path: its whole path, such as `"layers/dense_2"`. What it is in must exist.
            weights: its arrays by name: `{"0": kernel, "1": bias}`.
        """
        added = _checked(weights)
        folder, _, name = object_path.rpartition("/")
        self._at(folder)[name] = added

    def add_weights(self, object_name: str, weights: Weights) -> None:
        """Adds arrays to an object, or replaces those of the same names.

        Args:
            object_name: its name or path: see `rename_object`.
            weights: arrays by name: `{"1": bias}`.
        """
        added = _checked(weights)
        _, parent, name = self._find(object_name)
        parent[name].update(added)

    def delete_weight(self, object_name: str, weight_name: str) -> None:
        """Takes away one array of an object.

        Args:
            object_name: its name or path: see `rename_object`.
            weight_name: the name of the array, such as `"0"`.
        """
        path, parent, name = self._find(object_name)
        if weight_name not in parent[name] or isinstance(parent[name][weight_name], dict):
            there = [key for key, value in parent[name].items() if not isinstance(value, dict)]
            raise UserInputError(
                f"Weight {weight_name} not found in object {path}. Weights found: {there}"
            )
        del parent[name][weight_name]

    def save(self, filepath: PathLike) -> None:
        """Writes the content as it is now.

        Args:
            filepath: ends in `.weights.h5`. A file that stands there is replaced.
        """
        place = Path(os.path.abspath(os.fspath(filepath)))
        if not place.name.endswith(".weights.h5"):
            raise UserInputError(
                "Invalid `filepath` argument: expected a `.weights.h5` extension. "
                f"Received: filepath={filepath}"
            )
        stores = {
            path: Store(self.object_metadata.get(f"/{path}", {}).get("name"), arrays)
            for path, arrays in _arrays_by_path(self.weights_dict, "")
        }
        WeightsFile().write(ModelRecord({}, stores=stores), place)

    def resave_weights(self, filepath: PathLike) -> None:
        """The same as `save`."""
        self.save(filepath)

    def _say(self, text: str) -> None:
        self.console.print(text, markup=False)

    def _add_branches(self, tree: rich.tree.Tree, contents: Contents, path: str) -> None:
        import rich.text

        for name, value in contents.items():
            below = f"{path}/{name}"
            if isinstance(value, dict):
                own_name = self.object_metadata.get(below, {}).get("name")
                label = name if own_name is None else f"{name} ('{own_name}')"
                self._add_branches(tree.add(rich.text.Text(label)), value, below)
            else:
                label = f"{name}: shape={value.shape}, dtype={value.dtype}"
                tree.add(rich.text.Text(label))

    def _at(self, path: str) -> Contents:
        """The object at a path."""
        contents = self.weights_dict
        for name in path.split("/") if path else ():
            contents = contents.get(name)
            if not isinstance(contents, dict):
                raise UserInputError(
                    f"Path '{path}' not found in model. `summary()` lists all objects."
                )
        return contents

    def _find(self, name: str) -> tuple[str, Contents, str]:
        """The path of an object, what it is in, and its name there."""
        if "/" in name:
            paths = [name]
            self._at(name)
        else:
            paths = [
                path
                for path in _paths_of_objects(self.weights_dict, "")
                if path.rpartition("/")[2] == name
            ]
        if len(paths) > 1:
            raise UserInputError(
                f"Name '{name}' occurs more than once in the model; try passing a complete path: "
                f"{paths}"
            )
        if not paths:
            raise UserInputError(
                f"Source name '{name}' does not appear in the model. `summary()` lists all objects."
            )
        folder, _, leaf = paths[0].rpartition("/")
        return paths[0], self._at(folder), leaf


def _contents_of(stores: Mapping[str, Store]) -> Contents:
    """What is in stores, in dicts. Objects without arrays are left out."""
    contents: Contents = {}
    for path, store in stores.items():
        if not store.values:
            continue
        place = contents
        for name in path.split("/") if path else (_OF_ROOT,):
            place = place.setdefault(name, {})
            if not isinstance(place, dict):
                raise UserInputError(f"'{path}' is an object and an array at once.")
        place.update(store.values)
    return contents


def _arrays_by_path(contents: Contents, path: str) -> Iterator[tuple[str, dict[str, np.ndarray]]]:
    """(path, arrays) of all objects that have any."""
    arrays = {key: value for key, value in contents.items() if not isinstance(value, dict)}
    if arrays:
        yield "" if path == _OF_ROOT else path, arrays
    for name, value in contents.items():
        if isinstance(value, dict):
            yield from _arrays_by_path(value, f"{path}/{name}" if path else name)


def _paths_of_objects(contents: Contents, path: str) -> Iterator[str]:
    for name, value in contents.items():
        if isinstance(value, dict):
            below = f"{path}/{name}" if path else name
            yield below
            yield from _paths_of_objects(value, below)


def _differences(saved: Contents, expected: Contents, path: str = "") -> tuple[list[str], int]:
    """What differs, a line for each object and array, and how many arrays are alike."""
    problems: list[str] = []
    matches = 0
    for name in {**expected, **saved}:
        place = f"{path}/{name}"
        ours, theirs = saved.get(name), expected.get(name)
        if ours is None or theirs is None:
            found = theirs if ours is None else ours
            where = ("model", "saved file") if ours is None else ("saved file", "model")
            kind = f"Object {place}" if isinstance(found, dict) else f"Weight {place}"
            keys = f" (it holds {list(found)})" if isinstance(found, dict) else ""
            problems.append(f"{kind} present in {where[0]}, missing from {where[1]}{keys}")
        elif isinstance(ours, dict) and isinstance(theirs, dict):
            more, alike = _differences(ours, theirs, place)
            problems += more
            matches += alike
        elif isinstance(ours, dict) or isinstance(theirs, dict):
            problems.append(f"{place} is an object in one of the two, an array in the other")
        elif ours.shape != theirs.shape:
            problems.append(
                f"Weight shape mismatch for {place}: in model {theirs.shape}, in saved file "
                f"{ours.shape}"
            )
        else:
            matches += 1
    return problems, matches


def _checked(weights: Weights) -> dict[str, np.ndarray]:
    if not isinstance(weights, dict):
        raise UserInputError(
            "Argument `weights` should be a dict where keys are weight names (usually '0', '1', "
            "etc.) and values are NumPy arrays. "
            f"Received: type(weights)={type(weights)}"
        )
    return {str(name): keras_stores.to_numpy(value) for name, value in weights.items()}


def _is_below(key: str, path: str) -> bool:
    """Whether a key of `object_metadata` is of an object or of one inside of it."""
    return key == f"/{path}" or key.startswith(f"/{path}/")
