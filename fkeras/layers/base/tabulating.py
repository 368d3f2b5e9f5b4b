"""`tabulate`: a layer as a table, from shapes alone."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import jax
import numpy as np
from flax import nnx

from fkeras.core.nested import flatten
from fkeras.core.symbolic.keras_tensor import KerasTensor
from fkeras.core.values.variable_info import info_of
from fkeras.errors import UserInputError
from fkeras.layers.base import building, pure, pure_init
from fkeras.layers.base.capture import Capture

if TYPE_CHECKING:
    from fkeras.layers.base.layer import Layer
    from fkeras.layers.base.tracking import Path, Structure

_TITLES = ("path", "layer", "outputs", "params", "state", "count")


def tabulate(
    layer: Layer,
    inputs: Sequence[Any],
    named_inputs: Mapping[str, Any],
    training: bool | None,
) -> str:
    """The table: see `Layer.tabulate`."""
    layer._check_ready()
    with building.undone_on_error(layer):
        pure_init.build_abstractly(layer, inputs, named_inputs)
    structure = layer._structure()
    outputs: dict[str, list[str]] = {}
    if inputs or named_inputs:
        outputs = _outputs_by_path(layer, structure, inputs, named_inputs, training)
    variables = _variables_by_owner(structure)
    rows = []
    for path, member in [((), layer), *structure.layers]:
        shown = "/".join(path)
        params, state = variables.get(path, ((), ()))
        count = sum(v.size for v in (*params, *state))
        rows.append(
            (
                [shown or layer.name],
                [type(member).__name__],
                outputs.get(shown, []),
                [v.text for v in params],
                [v.text for v in state],
                [f"{count:,}" if count else ""],
            )
        )
    return "\n".join([*_drawn(rows), "", *_totals(layer, structure)])


class _Shown:
    """A Variable as the table shows it."""

    def __init__(self, name: str, variable: nnx.Variable) -> None:
        info = info_of(variable)
        value = info if hasattr(info, "shape") else variable.get_value()
        self.size = math.prod(value.shape)
        self.bytes = self.size * _bytes_of(value.dtype)
        self.text = f"{name} {_spec_text(value)}"


class _OutputShapes(Capture):
    """Collects the shapes of all layers' outputs, also inside inner transformations, from where
    values could not come out.

    Attributes:
        by_path: path -> for each call of the layer, its outputs as text.
    """

    def __init__(self, paths: Mapping[int, str]) -> None:
        super().__init__("*", paths)
        self.by_path: dict[str, list[list[str]]] = {}

    def collect(self, layer: Layer, outputs: Any) -> None:
        path = self._paths.get(id(layer))
        if path is not None:
            self.by_path.setdefault(path, []).append(
                [_spec_text(x) for x in flatten(outputs) if hasattr(x, "shape")]
            )

    def inner(self) -> Capture:
        return self  # it keeps nothing that would have to come out


def _outputs_by_path(
    layer: Layer,
    structure: Structure,
    inputs: Sequence[Any],
    named_inputs: Mapping[str, Any],
    training: bool | None,
) -> dict[str, list[str]]:
    """Lines of text for the outputs of each layer, by its path; "" for the layer itself."""
    args = [pure_init.abstract(x) for x in inputs]
    kwargs = {name: pure_init.abstract(x) for name, x in named_inputs.items()}
    if any(isinstance(x, KerasTensor) for x in flatten([args, kwargs])):
        raise UserInputError(
            f"`{layer.name}.tabulate` needs inputs whose sizes are known, such as (32, 4). "
            f"Received: {[*args, *kwargs.values()]}"
        )
    paths = {**pure.paths_of(structure), id(layer): ""}
    shapes = _OutputShapes(paths)
    values = [_struct_of(variable) for _, variable in structure.variables]

    def run(values: list[jax.Array], key: jax.Array, args: list[Any], kwargs: Any) -> tuple[()]:
        options = pure.CallOptions(training, key, capture=shapes)
        pure.call_with(layer, structure, values, args, kwargs, options)
        return ()

    key = jax.eval_shape(lambda: jax.random.key(0))
    pure_init.evaluate(run, values, key, args, kwargs)
    return {path: _lines(calls) for path, calls in shapes.by_path.items()}


def _struct_of(variable: nnx.Variable) -> jax.ShapeDtypeStruct:
    info = info_of(variable)
    value = info if hasattr(info, "shape") else variable.get_value()
    return jax.ShapeDtypeStruct(tuple(value.shape), value.dtype)


def _lines(calls: list[list[str]]) -> list[str]:
    """The outputs of one call; with a number, where a layer is called several times."""
    lines = list(calls[0])
    if len(calls) > 1 and lines:
        lines[-1] += f" x{len(calls)}"
    return lines


def _variables_by_owner(structure: Structure) -> dict[Path, tuple[list[_Shown], list[_Shown]]]:
    """(params, state) that a layer holds itself, by the layer's path."""
    owners = sorted((path for path, _ in structure.layers), key=len, reverse=True)
    found: dict[Path, tuple[list[_Shown], list[_Shown]]] = {}
    for path, variable in structure.variables:
        owner = next((o for o in owners if path[: len(o)] == o), ())
        params, state = found.setdefault(owner, ([], []))
        group = params if isinstance(variable, nnx.Param) else state
        group.append(_Shown("/".join(path[len(owner) :]), variable))
    return found


def _totals(layer: Layer, structure: Structure) -> list[str]:
    """Numbers of scalars and bytes, of what is trained, frozen, and state."""
    trained = {id(variable) for variable in layer.trainable_variables}
    groups: dict[str, list[_Shown]] = {"trainable params": [], "frozen params": [], "state": []}
    for path, variable in structure.variables:
        name = "state"
        if isinstance(variable, nnx.Param):
            name = "trainable params" if id(variable) in trained else "frozen params"
        groups[name].append(_Shown("/".join(path), variable))
    total = [shown for group in groups.values() for shown in group]
    return [
        f"{name}: {sum(v.size for v in group):,} ({_bytes_text(sum(v.bytes for v in group))})"
        for name, group in {**groups, "total": total}.items()
        if group or name == "total"
    ]


def _spec_text(x: Any) -> str:
    return f"{x.dtype}{list(x.shape)}"


def _bytes_of(dtype: Any) -> int:
    if isinstance(dtype, str):
        dtype = jax.dtypes.canonicalize_dtype(dtype)
    return getattr(np.dtype(dtype) if not _is_key(dtype) else dtype, "itemsize", 0)


def _is_key(dtype: Any) -> bool:
    return jax.dtypes.issubdtype(dtype, jax.dtypes.prng_key)


def _bytes_text(count: int) -> str:
    size, units = float(count), ["B", "KB", "MB", "GB", "TB"]
    while size >= 1000 and len(units) > 1:
        size, units = size / 1000, units[1:]
    return f"{size:,.0f} {units[0]}" if units[0] == "B" else f"{size:,.1f} {units[0]}"


def _drawn(rows: Sequence[tuple[list[str], ...]]) -> list[str]:
    """The table as lines of text; columns that hold nothing are left out."""
    table = [tuple([title] for title in _TITLES), *rows]
    kept = [i for i in range(len(_TITLES)) if any(any(row[i]) for row in rows)]
    widths = {i: max(len(line) for row in table for line in [*row[i], ""]) for i in kept}
    rule = "-" * (sum(widths.values()) + 2 * (len(kept) - 1))
    lines = [rule]
    for number, row in enumerate(table):
        for line in range(max(len(row[i]) for i in kept)):
            cells = [(row[i][line] if line < len(row[i]) else "") for i in kept]
            padded = [
                cell.rjust(widths[i]) if _TITLES[i] == "count" else cell.ljust(widths[i])
                for i, cell in zip(kept, cells)
            ]
            lines.append("  ".join(padded).rstrip())
        if number == 0:
            lines.append(rule)
    return [*lines, rule]
