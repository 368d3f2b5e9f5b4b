"""What a layer demands of its inputs, and the errors when they are otherwise."""

from fkeras.core.dtypes import standardize_dtype
from fkeras.core.nested import flatten
from fkeras.errors import UserInputError, UserTypeError


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
        dtype=None,
        shape=None,
        ndim=None,
        max_ndim=None,
        min_ndim=None,
        axes=None,
        allow_last_axis_squeeze=False,
        name=None,
        optional=False,
    ):
        self.dtype = standardize_dtype(dtype) if dtype is not None else None
        self.shape = tuple(shape) if shape is not None else None
        self.ndim = len(self.shape) if self.shape is not None else ndim
        self.max_ndim, self.min_ndim = max_ndim, min_ndim
        self.name, self.optional, self.allow_last_axis_squeeze = (
            name,
            optional,
            allow_last_axis_squeeze,
        )
        try:
            self.axes = {int(k): axes[k] for k in axes or {}}
        except (TypeError, ValueError) as error:
            raise UserTypeError(
                f"Argument `axes` must be a dict with integer keys. Received: axes={axes}"
            ) from error
        rank = self.ndim if self.ndim is not None else max_ndim
        if self.axes and rank is not None and max(self.axes) > rank - 1:
            raise UserInputError(
                f"Axis {max(self.axes)} is greater than the maximum allowed value: {rank - 1}"
            )

    def __repr__(self):
        parts = [
            f"{n}={getattr(self, n)}"
            for n in ("dtype", "shape", "ndim", "max_ndim", "min_ndim", "axes")
            if getattr(self, n) and not (n == "ndim" and self.shape)
        ]
        return f"InputSpec({', '.join(parts)})"

    def get_config(self):
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
    def from_config(cls, config):
        return cls(**config)


def check(input_spec, inputs, layer_name: str) -> None:
    """Raises a UserInputError that names the layer, the input, what was expected and what came."""
    if not input_spec:
        return
    specs = flatten(input_spec) if isinstance(input_spec, (list, tuple, dict)) else [input_spec]
    if isinstance(inputs, dict) and all(s.name is not None for s in specs):
        missing = [s.name for s in specs if s.name not in inputs]
        if missing:
            raise UserInputError(
                f'Missing data for input "{missing[0]}". You passed a data dictionary with keys '
                f"{list(inputs)}. "
                f"Expected the following keys: {[s.name for s in specs]}"
            )
        given = [inputs[s.name] for s in specs]
    else:
        given = _leaves_with_none(inputs)
    if len(given) != len(specs):
        raise UserInputError(
            f'Layer "{layer_name}" expects {len(specs)} input(s), but it received {len(given)} '
            f"input tensors. "
            f"Inputs received: {[_shape(x) for x in given]}"
        )
    for i, (x, spec) in enumerate(zip(given, specs)):
        if spec is not None:
            _check_one(x, spec, i, layer_name)


def _leaves_with_none(inputs):
    if inputs is None or not isinstance(inputs, (list, tuple, dict)):
        return [inputs]
    values = [inputs[k] for k in sorted(inputs)] if isinstance(inputs, dict) else inputs
    return [leaf for v in values for leaf in _leaves_with_none(v)]


def _shape(x):
    return tuple(x.shape) if hasattr(x, "shape") else None


def _check_one(x, spec, index, layer_name):
    if x is None and spec.optional:
        return
    where = (
        f'Input {index} of layer "{layer_name}"'
        if spec.name is None
        else f"Input {index} with name '{spec.name}' of layer '{layer_name}'"
    )
    if not hasattr(x, "shape"):
        raise UserInputError(
            f"Inputs to a layer should be tensors. Got '{x}' (of type {type(x).__name__}) as input "
            f"for layer '{layer_name}'."
        )
    shape = tuple(x.shape)
    rank = len(shape)

    def fail(expected, came=f"found ndim={rank}", hint=""):
        raise UserInputError(
            f"{where} is incompatible with the layer: {expected}, {came}. Full shape received: "
            f"{shape}{hint}"
        )

    if spec.ndim is not None and rank != spec.ndim:
        squeezed = spec.allow_last_axis_squeeze and (
            (rank == spec.ndim - 1) or (rank == spec.ndim + 1 and shape[-1] == 1)
        )
        if not squeezed:
            hint = (
                ". A batch axis comes first: `x[None]` for one example."
                if rank == spec.ndim - 1
                else ""
            )
            fail(f"expected ndim={spec.ndim}", hint=hint)
    if spec.max_ndim is not None and rank > spec.max_ndim:
        fail(f"expected max_ndim={spec.max_ndim}")
    if spec.min_ndim is not None and rank < spec.min_ndim:
        fail(
            f"expected min_ndim={spec.min_ndim}",
            hint=". A 1-D array of examples becomes 2-D with `x.reshape(-1, 1)`."
            if rank == 1
            else "",
        )
    if spec.dtype is not None and standardize_dtype(x.dtype) != spec.dtype:
        raise UserInputError(
            f"{where} is incompatible with the layer: expected dtype={spec.dtype}, found "
            f"dtype={standardize_dtype(x.dtype)}"
        )
    for axis, value in (spec.axes or {}).items():
        if value is not None and -rank <= axis < rank and shape[axis] not in (value, None):
            raise UserInputError(
                f"{where} is incompatible with the layer: expected axis {axis} of input shape to "
                f"have value {value}, but received input with shape {shape}"
            )
    if spec.shape is not None:
        for wanted, came in zip(
            spec.shape, shape if len(shape) == len(spec.shape) else shape[: len(spec.shape)]
        ):
            if wanted is not None and came is not None and wanted != came:
                raise UserInputError(
                    f"{where} is incompatible with the layer: expected shape={spec.shape}, found "
                    f"shape={shape}"
                )
