"""`StateTree`: all values of a model in nested dicts, by the paths of their Variables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flax.traverse_util import flatten_dict, unflatten_dict

from fkeras.errors import UserInputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fkeras.core.values.variable import Variable

_FORMATS = ("backend_tensor", "numpy_array")


class StateTree:
    """`get_state_tree` and `set_state_tree`, as Keras has them."""

    def get_state_tree(self, value_format: str = "backend_tensor") -> dict[str, dict]:
        """All values by the paths of their Variables, in nested dicts: trainable, non-trainable,
        optimizer's, metrics'.

        Args:
            value_format: 'backend_tensor' for JAX arrays, 'numpy_array' for NumPy.

        Examples:
            >>> import fkeras
            >>> head = fkeras.layers.Dense(2, name="head")
            >>> model = fkeras.Sequential([fkeras.Input((3,)), head], name="net")
            >>> model.get_state_tree()["trainable_variables"]["net"]["head"]["kernel"].shape
            (3, 2)
        """
        if value_format not in _FORMATS:
            raise UserInputError(
                "Invalid `value_format` argument. Expected one of {'numpy_array', "
                f"'backend_tensor'}}. Received: value_format={value_format}"
            )
        return {
            group: _by_path(variables, value_format)
            for group, variables in self._variables_by_role().items()
        }

    def set_state_tree(self, state_tree: dict[str, dict]) -> None:
        """Assigns values from a tree as `get_state_tree` returns it; groups and paths that are
        missing stay as they are.
        """
        groups = self._variables_by_role()
        for group, tree in state_tree.items():
            if group not in groups:
                raise UserInputError(f"Unknown variable name: {group}. Known: {sorted(groups)}")
            by_path = {"/".join(path): value for path, value in flatten_dict(tree).items()}
            for variable in groups[group]:
                if variable.path in by_path:
                    variable.assign(by_path[variable.path])

    def _variables_by_role(self) -> dict[str, list[Variable]]:
        groups = {
            "trainable_variables": self.trainable_variables,
            "non_trainable_variables": self.non_trainable_variables,
        }
        if self.optimizer is not None:
            groups["optimizer_variables"] = list(self.optimizer.variables)
        groups["metrics_variables"] = self.metrics_variables
        return groups


def _by_path(variables: Sequence[Variable], value_format: str) -> dict[str, Any]:
    paths = [v.path for v in variables]
    duplicates = sorted({path for path in paths if paths.count(path) > 1})
    if duplicates:
        raise UserInputError(
            f"The following variable path is found twice in the model: '{duplicates[0]}'. "
            "`get_state_tree()` can only be called when all variable paths are unique. Give your "
            "layers (and other objects) unique names."
        )
    as_numpy = value_format == "numpy_array"
    return unflatten_dict(
        {tuple(v.path.split("/")): v.numpy() if as_numpy else v.value for v in variables}
    )
