"""`Input` and the layer behind it: where a symbolic graph begins."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fkeras.core.dtypes import standardize_dtype
from fkeras.core.symbolic.keras_tensor import KerasTensor
from fkeras.core.symbolic.node import Node
from fkeras.core.warn_once import warn_user
from fkeras.errors import UserInputError
from fkeras.layers.base import arguments
from fkeras.layers.base.layer import Layer

if TYPE_CHECKING:
    from fkeras.types import Config, DTypeLike, Shape, ShapeLike


class InputLayer(Layer):
    """Holds the place of a model's input.

    Args:
        shape: shape of one example, without the batch axis; ints and None.
        batch_size: size of the batch axis; None for any.
        dtype: None for floatx.
        sparse, ragged: flags of the tensor.
        batch_shape: shape with the batch axis, instead of `shape` and `batch_size`.
        input_tensor: a KerasTensor to take as the input.
        optional: whether None may be passed for it.
        name: None for an automatic name.
    """

    is_input = True  # asked by models that look for where a graph begins

    def __init__(
        self,
        shape: ShapeLike | None = None,
        batch_size: int | None = None,
        dtype: DTypeLike | None = None,
        sparse: bool | None = None,
        ragged: bool | None = None,
        batch_shape: ShapeLike | None = None,
        input_tensor: KerasTensor | None = None,
        optional: bool = False,
        name: str | None = None,
        **kwargs,
    ):
        super().__init__(name=name)
        # Names of older Keras.
        if "input_shape" in kwargs:
            warn_user("Argument `input_shape` is deprecated. Use `shape` instead.")
            shape = kwargs.pop("input_shape")
        older_batch_shape = kwargs.pop("batch_input_shape", None)
        if older_batch_shape is not None:
            batch_shape = older_batch_shape
        if kwargs:
            raise UserInputError(
                f"Unrecognized keyword arguments passed to InputLayer: {sorted(kwargs)}"
            )
        if input_tensor is not None:
            _check_tensor(input_tensor, shape, batch_size)
            batch_shape = input_tensor.shape
            dtype = dtype or input_tensor.dtype
        else:
            _check_one_shape(shape, batch_size, batch_shape)
            if shape is not None:
                batch_shape = (batch_size, *_as_shape(shape, "shape"))
        self._batch_shape = _as_shape(batch_shape, "batch_shape")
        self._dtype = standardize_dtype(dtype)
        self.sparse = bool(sparse)
        self.ragged = bool(ragged)
        self.optional = optional
        self.built = True
        if input_tensor is None:
            input_tensor = KerasTensor(
                self._batch_shape,
                dtype=self._dtype,
                sparse=self.sparse,
                ragged=self.ragged,
                name=self.name,
            )
        # A node without arguments: graphs end here when they are walked back.
        Node(self, (), {}, input_tensor)

    @property
    def batch_shape(self) -> Shape:
        """Shape with the batch axis; None for free dimensions."""
        return self._batch_shape

    @property
    def dtype(self) -> str:
        """Name of the input's dtype."""
        return self._dtype

    def call(self) -> None:
        return None

    def get_config(self) -> Config:
        return {
            "batch_shape": self.batch_shape,
            "dtype": self._dtype,
            "sparse": self.sparse,
            "ragged": self.ragged,
            "name": self.name,
            **({"optional": True} if self.optional else {}),
        }


def _check_tensor(tensor: KerasTensor, shape: ShapeLike | None, batch_size: int | None) -> None:
    """Raises where `input_tensor` is none, or contradicts the other arguments."""
    if not isinstance(tensor, KerasTensor):
        raise UserInputError(
            "Argument `input_tensor` must be a KerasTensor. Received invalid type: "
            f"input_tensor={tensor} (of type {type(tensor)})"
        )
    if batch_size is not None and (not tensor.shape or tensor.shape[0] != batch_size):
        raise UserInputError(
            "When providing the `input_tensor` argument, you cannot provide an "
            "incompatible `batch_size` argument."
        )
    if shape is not None and _as_shape(shape, "shape") != tuple(tensor.shape[1:]):
        raise UserInputError(
            "When providing the `input_tensor` argument, you cannot provide an "
            f"incompatible `shape` argument. Received: shape={shape}, input_tensor "
            f"of shape {tuple(tensor.shape)}"
        )


def _check_one_shape(
    shape: ShapeLike | None, batch_size: int | None, batch_shape: ShapeLike | None
) -> None:
    """Raises where there is no shape, or there are two."""
    if shape is None and batch_shape is None:
        raise UserInputError("You must pass a `shape` argument.")
    if batch_shape is None:
        return
    for name, value in (("shape", shape), ("batch_size", batch_size)):
        if value is not None:
            raise UserInputError(
                f"You cannot pass both `{name}` and `batch_shape` at the same time."
            )


def _as_shape(shape: ShapeLike, argument: str) -> Shape:
    """A tuple of ints and None. Raises where `shape` is none."""
    if arguments.is_int(shape):
        shape = (shape,)
    try:
        shape = tuple(shape)
    except TypeError:
        raise UserInputError(
            f"Argument `{argument}` must be a tuple of ints and None. Received: "
            f"{argument}={shape!r}"
        ) from None
    for d in shape:
        if d is not None and (not arguments.is_int(d) or d < 0):
            raise UserInputError(
                f"Cannot convert '{shape}' to a shape. Found invalid dimension '{d}' of type "
                f"'{type(d)}'."
            )
    return tuple(None if d is None else int(d) for d in shape)


def Input(  # noqa: N802 (Keras's name)
    shape: ShapeLike | None = None,
    batch_size: int | None = None,
    dtype: DTypeLike | None = None,
    sparse: bool | None = None,
    ragged: bool | None = None,
    batch_shape: ShapeLike | None = None,
    name: str | None = None,
    tensor: KerasTensor | None = None,
    optional: bool = False,
) -> KerasTensor:
    """A symbolic tensor to start a functional model with.

    Args:
        shape: shape of one example, without the batch axis; None for a free dimension. `()` for a
            scalar.
        batch_size: size of the batch axis; None for any.
        dtype: dtype name; None for floatx.
        sparse, ragged: flags of the tensor.
        batch_shape: shape with the batch axis, instead of `shape` and `batch_size`.
        name: the input's name, also its key where inputs come as a dict.
        tensor: an existing KerasTensor to take instead.
        optional: whether None may be passed for it.

    Returns:
        A KerasTensor.

    Examples:
        >>> import fkeras
        >>> fkeras.Input((3,)).shape
        (None, 3)
    """
    layer = InputLayer(
        shape=shape,
        batch_size=batch_size,
        dtype=dtype,
        sparse=sparse,
        ragged=ragged,
        batch_shape=batch_shape,
        name=name,
        input_tensor=tensor,
        optional=optional,
    )
    return layer.output
