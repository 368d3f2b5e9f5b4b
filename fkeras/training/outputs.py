"""Which target, loss, weight and metric belongs to which output of a model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from fkeras.core.nested import flatten_with_path
from fkeras.core.warn_once import warn_user_once
from fkeras.errors import UserInputError, nearest

if TYPE_CHECKING:
    from fkeras.core.nested import Path
    from fkeras.types import Nested


class OutputNames:
    """The outputs of a model as a flat list: where each stands in the structure, and its name.

    Args:
        y_pred: structure of predictions (anything with a shape).
        names: the model's output names, or None (a subclassed model).

    Attributes:
        single: whether there is one output that stands in no list or dict.
        names: of the outputs: their keys in a dict, else the model's names; None where unknown.
        layer_names: the model's names, by which entries may be called too.
    """

    def __init__(self, y_pred: Nested[Any], names: Sequence[str] | None = None) -> None:
        self.single = not is_nested(y_pred)
        self.paths = [path for path, _ in flatten_with_path(y_pred, keep_none=True)]
        self.layer_names: list[str | None] = [None] * len(self.paths)
        if names is not None and len(names) == len(self.paths):
            self.layer_names = list(names)
        self.names = self.layer_names
        if isinstance(y_pred, dict):
            self.names = [_joined(path) for path in self.paths]

    def __len__(self) -> int:
        return len(self.paths)

    def shown(self) -> list[str | int]:
        """The names for messages; the index where there is none."""
        return [name if name is not None else i for i, name in enumerate(self.names)]

    def spread(self, argument: Nested[Any], label: str, default: Any = None) -> list:
        """One entry for each output from what the user gave: one for all, a list in order, or a
        dict by name.

        Args:
            argument: what the user gave.
            label: what the user calls it, for messages.
            default: entry of an output that a dict does not name.

        Raises:
            UserInputError: a name that no output has, or a list of another length.
        """
        if not isinstance(argument, (dict, list, tuple)):
            return [argument] * len(self)
        if isinstance(argument, dict):
            return self._by_name(argument, label, default)
        if len(argument) != len(self):
            raise UserInputError(
                f"`{label}` has {len(argument)} entries, but the model has {len(self)} outputs: "
                f"{self.shown()}."
            )
        return list(argument)

    def _by_name(self, argument, label, default):
        # A list in a dict is the entry of one output, not a structure of outputs.
        pairs = flatten_with_path(argument, lambda node: not isinstance(node, dict), keep_none=True)
        by_path = {_joined(path): value for path, value in pairs}
        entries, used = [], set()
        for aliases in zip(self.names, self.layer_names):
            key = next((name for name in aliases if name is not None and name in by_path), None)
            entries.append(default if key is None else by_path[key])
            used.add(key)
        unknown = [name for name in by_path if name not in used]
        if unknown:
            known = [name for name in (*self.names, *self.layer_names) if name]
            close = nearest(unknown[0], known)
            hint = f" Did you mean {close[0]!r}?" if close else ""
            raise UserInputError(
                f"In the dict argument `{label}`, key '{unknown[0]}' does not correspond to any "
                f"model output. The outputs are: {self.shown()}.{hint}"
            )
        return entries

    def targets(
        self, y: Nested[Any] | None, label: str, needed: Sequence[bool] | None = None
    ) -> list:
        """Targets (or sample weights) as one entry for each output; None where an output has none.

        Args:
            y: structure of targets.
            label: its name, for errors.
            needed: flags, one for each output: which have a loss. A shorter list of targets fills
                just those.
        """
        if y is None:
            return [None] * len(self)
        if self.single:
            return [_only_entry(y)]
        if isinstance(y, dict):
            return self._targets_by_name(y, label, needed)
        flat = [target for _, target in flatten_with_path(y, keep_none=True)]
        if len(flat) == len(self):
            return flat
        if needed is not None and len(flat) == sum(needed):
            remaining = iter(flat)
            return [next(remaining) if is_needed else None for is_needed in needed]
        raise UserInputError(
            f"y_true and y_pred have different structures: `{label}` has {len(flat)} entries, the "
            f"model has {len(self)} outputs: {self.shown()}."
        )

    def _targets_by_name(self, y, label, needed):
        by_path = {_joined(path): target for path, target in flatten_with_path(y, keep_none=True)}
        targets = []
        for name, layer_name in zip(self.names, self.layer_names):
            # The key None belongs to outputs without a name, which a dict cannot mean.
            named = name is not None or layer_name is not None
            targets.append(by_path.get(name, by_path.get(layer_name)) if named else None)
        unknown = set(by_path) - {*self.names, *self.layer_names}
        is_missing = any(
            target is None and (needed is None or needed[i]) for i, target in enumerate(targets)
        )
        if unknown and is_missing:
            raise UserInputError(
                f"`{label}` and the outputs have different structures. `{label}` has keys "
                f"{list(by_path)}; the outputs are {self.shown()}."
            )
        if unknown:
            surplus = [key for key in by_path if key in unknown]
            warn_user_once(
                f"The keys {surplus} of `{label}` are ignored: the outputs are {self.shown()}.",
                key=(label, *surplus),
            )
        return targets

    def predictions(self, y_pred: Nested[Any]) -> list:
        """A structure like the model's outputs as a list in their order."""
        return [prediction for _, prediction in flatten_with_path(y_pred, keep_none=True)]


def is_nested(x: Any) -> bool:
    """Whether x is a structure of outputs rather than one."""
    return isinstance(x, (list, tuple, dict))


def _joined(path: Path) -> str:
    return "/".join(map(str, path))


def _only_entry(y):
    """What is inside of a list or dict of one entry; all else as it is."""
    if isinstance(y, (list, tuple)) and len(y) == 1:
        return y[0]
    if isinstance(y, dict) and len(y) == 1:
        return next(iter(y.values()))
    return y
