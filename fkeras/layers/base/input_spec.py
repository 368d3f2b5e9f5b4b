"""What a layer demands of its inputs, and the errors when they are otherwise."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn, Self

from fkeras.core.dtypes import standardize_dtype
from fkeras.core.nested import flatten, sorted_keys
from fkeras.errors import UserInputError, UserTypeError
from fkeras.layers.base import context as contexts
from fkeras.layers.base import signature

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fkeras.types import Config, DTypeLike, Nested, Shape, ShapeLike


class InputSpec:
    """Rank, dtype, shape and fixed axes that an input must have.

    Args:
        dtype: dtype name; None for any.
        shape: shape with None for free dimensions; None for any.
        ndim: exact rank. max_ndim, min_ndim: bounds of the rank.
        axes: dict from axis (int) to its size, or None for free.
        allow_last_axis_squeeze: whether a missing or extra last axis of size 1 is fine.
        name: key of the input where inputs come as a dict.
        optional: whether None may come.

    Examples:
        >>> from fkeras.layers import InputSpec
        >>> InputSpec(min_ndim=2, axes={-1: 4})
        InputSpec(min_ndim=2, axes={-1: 4})
    """

    def __init__(
        self,
        dtype: DTypeLike | None = None,
        shape: ShapeLike | None = None,
        ndim: int | None = None,
        max_ndim: int | None = None,
        min_ndim: int | None = None,
        axes: Mapping[int, int | None] | None = None,
        allow_last_axis_squeeze: bool = False,
        name: str | None = None,
        optional: bool = False,
    ) -> None:
        self.dtype = standardize_dtype(dtype) if dtype is not None else None
        self.shape = tuple(shape) if shape is not None else None
        self.ndim = len(self.shape) if self.shape is not None else ndim
        self.max_ndim = max_ndim
        self.min_ndim = min_ndim
        self.name = name
        self.optional = optional
        self.allow_last_axis_squeeze = allow_last_axis_squeeze
        try:
            self.axes = {int(axis): axes[axis] for axis in axes or {}}
        except (TypeError, ValueError) as error:
            raise UserTypeError(
                f"Argument `axes` must be a dict with integer keys. Received: axes={axes}"
            ) from error
        rank = self.ndim if self.ndim is not None else max_ndim
        if self.axes and rank is not None and max(self.axes) > rank - 1:
            raise UserInputError(
                f"Axis {max(self.axes)} is greater than the maximum allowed value: {rank - 1}"
            )

    def __repr__(self) -> str:
        names = ("dtype", "shape", "ndim", "max_ndim", "min_ndim", "axes")
        shown = {name: getattr(self, name) for name in names if getattr(self, name)}
        if self.shape:
            shown.pop("ndim")  # the shape says it
        return f"InputSpec({', '.join(f'{name}={value}' for name, value in shown.items())})"

    def get_config(self) -> Config:
        """The arguments that make an equal specification."""
        return {
            "dtype": self.dtype,
            "shape": self.shape,
            "ndim": self.ndim,
            "max_ndim": self.max_ndim,
            "min_ndim": self.min_ndim,
            "axes": self.axes,
            "optional": self.optional,
        }

    @classmethod
    def from_config(cls, config: Config) -> Self:
        """The specification that `get_config` described."""
        return cls(**config)


def check(input_spec: Nested[InputSpec] | None, inputs: Nested[Any], layer_name: str) -> None:
    """Raises a UserInputError that names the layer, the input, what was expected and what came."""
    if not input_spec:
        return
    specs = flatten(input_spec) if isinstance(input_spec, (list, tuple, dict)) else [input_spec]
    if isinstance(inputs, dict) and all(spec.name is not None for spec in specs):
        names = [spec.name for spec in specs]
        missing = [name for name in names if name not in inputs]
        if missing:
            raise UserInputError(
                f'Missing data for input "{missing[0]}". You passed a data dictionary with keys '
                f"{list(inputs)}. Expected the following keys: {names}"
            )
        tensors = [inputs[name] for name in names]
    else:
        tensors = _flatten_with_none(inputs)
    if len(tensors) != len(specs):
        raise UserInputError(
            f'Layer "{layer_name}" expects {len(specs)} input(s), but it received {len(tensors)} '
            f"input tensors. Inputs received: {[_shape_of(x) for x in tensors]}"
        )
    for index, (x, spec) in enumerate(zip(tensors, specs)):
        if spec is not None and not (x is None and spec.optional):
            _check_one(x, spec, index, layer_name)


def _flatten_with_none(inputs: Nested[Any]) -> list[Any]:
    """All leaves, None too: an optional input keeps its place."""
    # By hand, as it runs in each call: `flatten_with_path(keep_none=True)` makes a path for each.
    if inputs is None or not isinstance(inputs, (list, tuple, dict)):
        return [inputs]
    values = [inputs[key] for key in sorted_keys(inputs)] if isinstance(inputs, dict) else inputs
    return [leaf for value in values for leaf in _flatten_with_none(value)]


def _shape_of(x: Any) -> Shape | None:
    return tuple(x.shape) if hasattr(x, "shape") else None


def _forgotten_return(x: Any) -> str:
    """Where None came instead of a tensor, which layer it may have come from."""
    context = contexts.current()
    if x is not None or context is None or context.without_outputs is None:
        return ""
    return f" {signature.without_outputs(context.without_outputs)}"


def _check_one(x: Any, spec: InputSpec, index: int, layer_name: str) -> None:
    if not hasattr(x, "shape"):
        raise UserInputError(
            f"Inputs to a layer should be tensors. Got '{x}' (of type {type(x).__name__}) as input "
            f"for layer '{layer_name}'.{_forgotten_return(x)}"
        )
    subject = f'Input {index} of layer "{layer_name}"'
    if spec.name is not None:
        subject = f"Input {index} with name '{spec.name}' of layer '{layer_name}'"
    shape = tuple(x.shape)
    _check_rank(shape, spec, subject)
    if spec.dtype is not None and standardize_dtype(x.dtype) != spec.dtype:
        _refuse(subject, f"expected dtype={spec.dtype}, found dtype={standardize_dtype(x.dtype)}")
    rank = len(shape)
    for axis, size in spec.axes.items():
        if size is not None and -rank <= axis < rank and shape[axis] not in (size, None):
            _refuse(
                subject,
                f"expected axis {axis} of input shape to have value {size}, but received input "
                f"with shape {shape}",
            )
    for expected, received in zip(spec.shape or (), shape):
        if expected is not None and received is not None and expected != received:
            _refuse(subject, f"expected shape={spec.shape}, found shape={shape}")


def _check_rank(shape: Shape, spec: InputSpec, subject: str) -> None:
    """Rank against `ndim`, `max_ndim` and `min_ndim`, with a hint where a forgotten axis explains
    it.
    """
    rank = len(shape)
    received = f"found ndim={rank}. Full shape received: {shape}"
    if spec.ndim is not None and rank != spec.ndim and not _can_be_squeezed(shape, spec):
        hint = ""
        if rank == spec.ndim - 1:
            hint = ". A batch axis comes first: `x[None]` for one example."
        _refuse(subject, f"expected ndim={spec.ndim}, {received}{hint}")
    if spec.max_ndim is not None and rank > spec.max_ndim:
        _refuse(subject, f"expected max_ndim={spec.max_ndim}, {received}")
    if spec.min_ndim is not None and rank < spec.min_ndim:
        hint = ""
        if rank == 1:
            hint = ". A 1-D array of examples becomes 2-D with `x.reshape(-1, 1)`."
        _refuse(subject, f"expected min_ndim={spec.min_ndim}, {received}{hint}")


def _can_be_squeezed(shape: Shape, spec: InputSpec) -> bool:
    """Whether the shape has the wanted rank but for a last axis of size 1, and that is allowed."""
    is_missing = len(shape) == spec.ndim - 1
    is_surplus = len(shape) == spec.ndim + 1 and shape[-1] == 1
    return spec.allow_last_axis_squeeze and (is_missing or is_surplus)


def _refuse(subject: str, reason: str) -> NoReturn:
    raise UserInputError(f"{subject} is incompatible with the layer: {reason}")
