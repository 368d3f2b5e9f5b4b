"""Which target, loss, weight and metric belongs to which output of a model."""

from fkeras.errors import UserInputError, nearest


class OutputNames:
    """The outputs of a model as a flat list: where each stands in the structure, and its name.

    Args:
        y_pred: structure of predictions (anything with a shape).
        names: the model's output names, or None (a subclassed model).
    """

    def __init__(self, y_pred, names=None):
        self.single = not is_nested(y_pred)
        self.is_dict = isinstance(y_pred, dict)
        self.paths = [path for path, _ in flatten_with_path(y_pred)]
        if self.is_dict:
            found = ["/".join(str(p) for p in path) for path in self.paths]
        elif names is not None and len(names) == len(self.paths):
            found = list(names)
        else:
            found = [None] * len(self.paths)
        self.names = found
        self.layer_names = (
            list(names)
            if names is not None and len(names) == len(self.paths)
            else [None] * len(self.paths)
        )

    def __len__(self):
        return len(self.paths)

    def spread(self, given, what, default=None):
        """One entry for each output from what the user gave: one for all, a list in order, or a
        dict by name.

        Raises:
            UserInputError: a name that no output has, or a list of another length.
        """
        if not isinstance(given, (dict, list, tuple)):
            return [given] * len(self)
        if isinstance(given, dict):
            return self._by_name(given, what, default)
        if len(given) != len(self):
            raise UserInputError(
                f"`{what}` has {len(given)} entries, but the model has {len(self)} outputs: "
                f"{self.shown()}."
            )
        return list(given)

    def _by_name(self, given, what, default):
        flat = {
            "/".join(str(p) for p in path): v
            for path, v in flatten_with_path(given, stop=self._is_entry)
        }
        out, used = [], set()
        for name, alias in zip(self.names, self.layer_names):
            key = next((k for k in (name, alias) if k is not None and k in flat), None)
            if key is None:
                out.append(default() if callable(default) else default)
            else:
                used.add(key)
                out.append(flat[key])
        unknown = [k for k in flat if k not in used]
        if unknown:
            close = nearest(unknown[0], [n for n in (*self.names, *self.layer_names) if n])
            hint = f" Did you mean {close[0]!r}?" if close else ""
            raise UserInputError(
                f"In the dict argument `{what}`, key '{unknown[0]}' does not correspond to any "
                f"model output. The outputs are: {self.shown()}.{hint}"
            )
        return out

    @staticmethod
    def _is_entry(value):
        return not isinstance(value, dict)

    def shown(self):
        return [n if n is not None else i for i, n in enumerate(self.names)]

    def targets(self, y, what, needed=None):
        """Targets (or sample weights) as one entry for each output; None where an output has none.

        Args:
            y: structure of targets.
            what: its name, for errors.
            needed: flags, one for each output: which have a loss. A shorter list of targets fills
                just those.
        """
        if y is None:
            return [None] * len(self)
        if self.single:
            if isinstance(y, (list, tuple)) and len(y) == 1:
                y = y[0]
            elif isinstance(y, dict) and len(y) == 1:
                y = next(iter(y.values()))
            return [y]
        if isinstance(y, dict):
            flat = {"/".join(str(p) for p in path): v for path, v in flatten_with_path(y)}
            out = [
                flat.get(n, flat.get(a)) if n is not None or a is not None else None
                for n, a in zip(self.names, self.layer_names)
            ]
            known = {*self.names, *self.layer_names}
            unknown = [k for k in flat if k not in known]
            if unknown and any(
                v is None and (needed is None or needed[i]) for i, v in enumerate(out)
            ):
                raise UserInputError(
                    f"`{what}` and the outputs have different structures. `{what}` has keys "
                    f"{list(flat)}; the outputs are {self.shown()}."
                )
            return out
        flat = [v for _, v in flatten_with_path(y)]
        if len(flat) == len(self):
            return flat
        if needed is not None and len(flat) == sum(needed):
            rest = iter(flat)
            return [next(rest) if wanted else None for wanted in needed]
        raise UserInputError(
            f"y_true and y_pred have different structures: `{what}` has {len(flat)} entries, the "
            f"model has {len(self)} outputs: {self.shown()}."
        )

    def predictions(self, y_pred):
        return [v for _, v in flatten_with_path(y_pred)]


def is_nested(x) -> bool:
    return isinstance(x, (list, tuple, dict))


def flatten_with_path(structure, path=(), stop=lambda value: False):
    """(path, leaf) pairs of nested lists, tuples and dicts; dicts in sorted order."""
    if isinstance(structure, dict):
        try:
            keys = sorted(structure)
        except TypeError:
            keys = list(structure)
        return [
            pair
            for k in keys
            for pair in (
                [((*path, k), structure[k])]
                if stop(structure[k]) and not isinstance(structure[k], dict)
                else flatten_with_path(structure[k], (*path, k), stop)
            )
        ]
    if isinstance(structure, (list, tuple)):
        return [
            pair for i, v in enumerate(structure) for pair in flatten_with_path(v, (*path, i), stop)
        ]
    return [(path, structure)]
