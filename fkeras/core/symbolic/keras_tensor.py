"""`KerasTensor`: a shape and a dtype, no values.

A call of an operation (a layer, or a function of `fkeras.ops`) on one computes nothing. The
output's shape and dtype come from abstract evaluation of the very function that computes
(`evaluate`), a `Node` keeps who was called on what, and `graph` replays such records on arrays.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NoReturn

from fkeras.core import jax_private, names
from fkeras.core.dtypes import standardize_dtype
from fkeras.errors import UserInputError, UserTypeError

if TYPE_CHECKING:
    from fkeras.types import DTypeLike, Shape


# Filled by `fkeras.ops.operators`, which lies above: Python operator or method name -> op.
TENSOR_METHODS: dict[str, Callable[..., Any]] = {}


def _operator(name: str, reverse: bool = False) -> Callable[..., Any]:
    """The method behind a Python operator; reverse: the tensor is the second operand."""

    def method(self: KerasTensor, *others: Any) -> Any:
        op = TENSOR_METHODS[name]
        return op(others[0], self) if reverse else op(self, *others)

    return method


class StaticShape(tuple):
    """What `get_shape()` of older Keras gives: a shape that can be asked for a list."""

    @property
    def ndims(self) -> int:
        """The number of axes."""
        return len(self)

    def as_list(self) -> list[int | None]:
        """The shape as a list."""
        return list(self)


class KerasTensor:
    """A symbolic tensor: static shape (None for an unknown dimension) and dtype, no values.

    Args:
        shape: tuple of ints and None (a dimension that may vary).
        dtype: dtype name; None for floatx.
        sparse, ragged: kept as flags.
        record_history: whether operations on it are recorded.
        name: None for an automatic name.

    Raises:
        UserTypeError: a shape that is no tuple or list; further arguments.

    Examples:
        >>> import fkeras
        >>> x = fkeras.KerasTensor((None, 3))
        >>> fkeras.ops.sum(x, axis=-1).shape
        (None,)
    """

    _apart = frozenset(("name",))  # see core/likeness.py

    def __init__(
        self,
        shape: Sequence[int | None],
        dtype: DTypeLike | None = "float32",
        sparse: bool = False,
        ragged: bool = False,
        record_history: bool = True,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        if kwargs:
            raise UserTypeError(f"KerasTensor: unexpected arguments {sorted(kwargs)}.")
        if not isinstance(shape, (tuple, list)):
            raise UserTypeError(
                "KerasTensor: `shape` must be a tuple or list of ints and None. Received: "
                f"{shape!r}."
            )
        self._shape = tuple(None if d is None else int(d) for d in shape)
        self.dtype = standardize_dtype(dtype)
        self._sparse = bool(sparse)
        self._ragged = bool(ragged)
        self.name = name or names.auto_name("keras_tensor")
        self.record_history = record_history
        # (operation, node index, tensor index): which call made it
        self._keras_history: tuple[Any, int, int] | None = None
        # of the result of `a == b`: whether they are one tensor
        self._is_same: bool | None = None

    # Above NumPy's arrays: `array * tensor` is the tensor's operator, not an array of products.
    __array_priority__ = 100

    @property
    def shape(self) -> Shape:
        """The static shape; None for a dimension that may vary."""
        return self._shape

    @shape.setter
    def shape(self, value: Any) -> None:
        raise AttributeError(
            "The `shape` of a KerasTensor cannot be changed. Make a new one or use "
            "`fkeras.ops.reshape`."
        )

    @property
    def _keras_mask(self) -> KerasTensor | None:
        """The mask that a replay will find on the tensor, symbolic too; None where there is none.

        Looked for at the first question: graphs do not record masks.
        """
        if "_mask" not in self.__dict__:
            self._mask = TENSOR_METHODS["mask"](self) if "mask" in TENSOR_METHODS else None
        return self._mask

    @_keras_mask.setter
    def _keras_mask(self, value: Any) -> None:
        raise UserTypeError(
            f"The `_keras_mask` of {self!r} cannot be set: graphs do not record masks, so that no "
            "layer would see it. Pass it to the layers that use it: `layer(x, mask=mask)`."
        )

    @property
    def sparse(self) -> bool:
        return self._sparse

    @property
    def ragged(self) -> bool:
        return self._ragged

    @property
    def ndim(self) -> int:
        return len(self._shape)

    @property
    def rank(self) -> int:
        """The same as `ndim`."""
        return len(self._shape)

    __lt__ = _operator("lt")
    __le__ = _operator("le")
    __gt__ = _operator("gt")
    __ge__ = _operator("ge")
    __ne__ = _operator("ne")
    __add__ = _operator("add")
    __sub__ = _operator("sub")
    __mul__ = _operator("mul")
    __truediv__ = _operator("truediv")
    __floordiv__ = _operator("floordiv")
    __mod__ = _operator("mod")
    __pow__ = _operator("pow")
    __matmul__ = _operator("matmul")
    __and__ = _operator("and")
    __or__ = _operator("or")
    __xor__ = _operator("xor")
    __neg__ = _operator("neg")
    __pos__ = _operator("pos")
    __abs__ = _operator("abs")
    __invert__ = _operator("invert")
    __getitem__ = _operator("getitem")
    __round__ = _operator("round")
    __radd__ = _operator("add", reverse=True)
    __rsub__ = _operator("sub", reverse=True)
    __rmul__ = _operator("mul", reverse=True)
    __rtruediv__ = _operator("truediv", reverse=True)
    __rfloordiv__ = _operator("floordiv", reverse=True)
    __rmod__ = _operator("mod", reverse=True)
    __rpow__ = _operator("pow", reverse=True)
    __rmatmul__ = _operator("matmul", reverse=True)
    __rand__ = _operator("and", reverse=True)
    __ror__ = _operator("or", reverse=True)
    __rxor__ = _operator("xor", reverse=True)

    def __repr__(self) -> str:
        flags = "".join(f", {n}=True" for n in ("sparse", "ragged") if getattr(self, n))
        return f"<KerasTensor shape={self.shape}, dtype={self.dtype}{flags}, name={self.name}>"

    def __len__(self) -> NoReturn:
        raise UserTypeError(
            f"{self!r} is symbolic and has no length. Its static shape is in `.shape`."
        )

    def __iter__(self) -> NoReturn:
        raise UserTypeError(
            f"Cannot iterate over {self!r}: it is symbolic. Use `fkeras.ops.unstack`."
        )

    def __eq__(self, other: object) -> Any:
        result = TENSOR_METHODS["eq"](self, other)
        if isinstance(other, KerasTensor):
            result._is_same = self is other
        return result

    def __bool__(self) -> bool:
        if self._is_same is not None:  # `tensor in tensors` asks for nothing else
            return self._is_same
        raise UserTypeError(
            f"{self!r} is symbolic and has no truth value. Use `fkeras.ops.cond` or "
            "`fkeras.ops.where`."
        )

    def _as_number(self) -> NoReturn:
        raise UserTypeError(
            f"{self!r} is symbolic: it has a shape and a dtype but no value, so it cannot become a "
            "Python number. Use `fkeras.ops`, or do this in a layer's `call`."
        )

    __float__ = __int__ = __index__ = __complex__ = _as_number

    def __array__(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise UserInputError(
            f"{self!r} is symbolic: it has a shape and a dtype but no values, so NumPy cannot "
            "compute with it. Use the function of `fkeras.ops` with the same name, a layer, or "
            "wrap your function in `fkeras.layers.Lambda`."
        )

    @property
    def __jax_array__(self) -> NoReturn:
        """Raises as soon as JAX looks for it.

        JAX asks whether it is there, and would explain itself before calling it. Operators of
        arrays are told that it is not: `array + tensor` then is the tensor's.
        """
        if jax_private.is_operator_of_arrays(sys._getframe(1)):
            raise AttributeError("__jax_array__")
        raise UserInputError(
            f"{self!r} is symbolic: it has a shape and a dtype but no values, so a jax.numpy "
            "function cannot compute with it. Use the function of `fkeras.ops` with the same "
            "name, a layer, or wrap your function in `fkeras.layers.Lambda`. In a loss function, "
            "give it to the model: `model.add_loss(tensor)`."
        )

    def __hash__(self) -> int:
        return id(self)

    def __getattr__(self, name: str) -> Any:
        if name in ("__array_interface__", "__array_struct__") or name.startswith("__"):
            raise AttributeError(name)
        if name == "get_shape":
            return lambda: StaticShape(self._shape)
        if name == "_keras_shape":
            return self._shape
        if name == "T" and "transpose" in TENSOR_METHODS:
            return TENSOR_METHODS["transpose"](self)
        if name in ("reshape", "squeeze") and name in TENSOR_METHODS:
            return functools.partial(_method, name, self)
        raise AttributeError(f"{self!r} has no attribute {name!r}.")


def _method(name: str, tensor: KerasTensor, *args: Any) -> Any:
    """`tensor.reshape(2, 3)` means what `tensor.reshape((2, 3))` does."""
    if name == "reshape" and not (len(args) == 1 and isinstance(args[0], (tuple, list))):
        args = (args,)
    return TENSOR_METHODS[name](tensor, *args)
