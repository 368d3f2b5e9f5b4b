"""`Match`: what of a file goes into what of a model, and what stands against the rest."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import jax.numpy as jnp
import numpy as np

from fkeras.core.values import stacking
from fkeras.core.values.variable import Variable
from fkeras.errors import IncompatibleFileError

if TYPE_CHECKING:
    from flax import nnx

    from fkeras.layers import Layer

_MOST_LISTED = 12  # problems that an error names one by one
_MOST_SKIPPED = 50


@dataclasses.dataclass
class Match:
    """Nothing is set before all is known to fit.

    Attributes:
        pairs: (Variable, array) of the same place, shape and kind of number.
        problems: by place, why an array or a Variable has no partner.
        hooks: (path, layer, arrays) for layers that read their arrays themselves, by a
            `load_own_variables` of the user's own.
        left_out: paths of states of optimizers that the model does not have.
    """

    pairs: list[tuple[nnx.Variable, np.ndarray]] = dataclasses.field(default_factory=list)
    problems: dict[str, str] = dataclasses.field(default_factory=dict)
    hooks: list[tuple[str, Layer, Mapping[str, np.ndarray]]] = dataclasses.field(
        default_factory=list
    )
    left_out: list[str] = dataclasses.field(default_factory=list)

    def add(self, place: str, variable: nnx.Variable, value: np.ndarray | None) -> bool:
        """Pairs a Variable with an array, if they fit, and says whether they do."""
        problem = unfit(variable, value)
        if problem is None:
            self.pairs.append((variable, value))
        else:
            self.problems[place] = problem
        return problem is None

    def add_unused(self, place: str, value: np.ndarray, owner: str | None = None) -> None:
        """Says that the model has no place for an array."""
        of_owner = f" of '{owner}'" if owner else ""
        self.problems[place] = f"file {value.shape}{of_owner}, not in the model"

    def refuse_problems(self, source: str, remedy: str = "") -> None:
        """Raises `IncompatibleFileError` with the list of problems, if there are any."""
        if self.problems:
            raise IncompatibleFileError(
                f"{source} do not fit the model:\n{listed(self.problems.items())}"
                + (f"\n{remedy}" if remedy else "")
            )

    def apply(self, touched: Iterable[nnx.Variable]) -> None:
        """Sets all values. Where a layer's own hook fails, all is put back.

        Args:
            touched: the Variables that hooks may set.

        Raises:
            IncompatibleFileError: a hook refused its arrays.
        """
        before = [(variable, _value_of(variable)) for variable in touched] if self.hooks else []
        try:
            for path, layer, values in self.hooks:
                place = path or layer.name
                layer.load_own_variables(dict(values))
        except Exception as error:
            stacking.assign_all(before)
            raise IncompatibleFileError(
                f"The weights in the file do not fit the model:\n  {place}: its own "
                f"`load_own_variables` says: {error}"
            ) from error
        stacking.assign_all(self.pairs)


def are_of_unbuilt_optimizer(values: Collection[np.ndarray]) -> bool:
    """Whether arrays are all that an optimizer has before it is built: its count and its rate."""
    return len(values) <= 2 and all(value.shape == () for value in values)


def unfit(variable: nnx.Variable, value: np.ndarray | None) -> str | None:
    """Why an array cannot be a Variable's value; None where it can."""
    shape = tuple(variable.shape)
    if value is None:
        return f"not in the file, model {shape}"
    if value.shape != shape:
        return f"file {value.shape}, model {shape}"
    dtype = np.dtype(variable.dtype)
    if _kind(value.dtype) != _kind(dtype):
        return f"file {value.dtype.name}, model {dtype.name}"
    return None


def listed(problems: Iterable[tuple[str, str]], most: int = _MOST_LISTED) -> str:
    """A line for each, up to a number."""
    lines = [f"  {place}: {problem}" for place, problem in problems]
    more = [f"  and {len(lines) - most} more"] if len(lines) > most else []
    return "\n".join([*lines[:most], *more])


def list_skipped(skipped: Sequence[str], total: int) -> str:
    """The warning of what `skip_mismatch` left out."""
    more = len(skipped) - _MOST_SKIPPED
    lines = [f"  {line}" for line in skipped[:_MOST_SKIPPED]]
    return "\n".join(
        [
            f"`skip_mismatch=True`: {len(skipped)} weights were left as they are or have no place "
            f"in the model ({total} are in the file):",
            *lines,
            *([f"  and {more} more"] if more > 0 else []),
        ]
    )


def _kind(dtype: np.dtype) -> str:
    """Kinds of numbers that turn into each other without a loss beyond rounding."""
    if jnp.issubdtype(dtype, jnp.floating):
        return "float"
    return {"i": "integer", "u": "integer", "b": "bool", "c": "complex"}.get(dtype.kind, "other")


def _value_of(variable: nnx.Variable) -> Any:
    return variable.value if isinstance(variable, Variable) else variable.get_value()
