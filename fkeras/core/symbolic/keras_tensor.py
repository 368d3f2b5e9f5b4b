"""`KerasTensor`: a shape and a dtype, no values.

A call of an operation (a layer, or a function of `fkeras.ops`) on one computes nothing. The
output's shape and dtype come from abstract evaluation of the very function that computes
(`evaluate`), a `Node` keeps who was called on what, and `graph` replays such records on arrays.
"""

import functools

from fkeras.core import names
from fkeras.core.dtypes import standardize_dtype
from fkeras.errors import UserInputError, UserTypeError


class KerasTensor:
    """A symbolic tensor: static shape (None for an unknown dimension) and dtype, no values.

    Args:
        shape: tuple of ints and None.
        dtype: dtype name.
        sparse, ragged: kept as flags.
        record_history: whether operations on it are recorded.
        name: optional name.

    Examples:
        >>> import fkeras
        >>> x = fkeras.KerasTensor((None, 3))
        >>> fkeras.ops.sum(x, axis=-1).shape
        (None,)
    """

    def __init__(
        self,
        shape,
        dtype="float32",
        sparse=False,
        ragged=False,
        record_history=True,
        name=None,
        **kwargs,
    ):
        if kwargs:
            raise UserTypeError(f"KerasTensor: unexpected arguments {sorted(kwargs)}.")
        if not isinstance(shape, (tuple, list)):
            raise UserTypeError(
                "KerasTensor: `shape` must be a tuple or list of ints and None. Received: "
                f"{shape!r}."
            )
        self._shape = tuple(None if d is None else int(d) for d in shape)
        self.dtype = standardize_dtype(dtype)
        self._sparse, self._ragged = bool(sparse), bool(ragged)
        self.name = name or names.auto_name("keras_tensor")
        self.record_history = record_history
        self._keras_history = None  # (operation, node index, tensor index)

    @property
    def shape(self):
        return self._shape

    @shape.setter
    def shape(self, value):
        raise AttributeError(
            "The `shape` of a KerasTensor cannot be changed. Make a new one or use "
            "`fkeras.ops.reshape`."
        )

    sparse = property(lambda self: self._sparse)
    ragged = property(lambda self: self._ragged)
    rank = ndim = property(lambda self: len(self._shape))

    def __repr__(self):
        flags = "".join(f", {n}=True" for n in ("sparse", "ragged") if getattr(self, n))
        return f"<KerasTensor shape={self.shape}, dtype={self.dtype}{flags}, name={self.name}>"

    def __len__(self):
        raise TypeError(f"{self!r} is symbolic and has no length. Its static shape is in `.shape`.")

    def __iter__(self):
        raise TypeError(f"Cannot iterate over {self!r}: it is symbolic. Use `fkeras.ops.unstack`.")

    def __bool__(self):
        raise TypeError(
            f"{self!r} is symbolic and has no truth value. Use `fkeras.ops.cond` or "
            "`fkeras.ops.where`."
        )

    def __array__(self, *args, **kwargs):
        raise UserInputError(
            f"{self!r} is symbolic: it has a shape and a dtype but no values, so NumPy cannot "
            "compute with it. Use the function of `fkeras.ops` with the same name, a layer, or "
            "wrap your function in `fkeras.layers.Lambda`."
        )

    @property
    def __jax_array__(self):
        """Raises as soon as JAX looks for it: JAX asks whether it is there, and would explain
        itself before calling it.
        """
        raise UserInputError(
            f"{self!r} is symbolic: it has a shape and a dtype but no values, so a jax.numpy "
            "function cannot compute with it. Use the function of `fkeras.ops` with the same "
            "name, a layer, or wrap your function in `fkeras.layers.Lambda`."
        )

    def __hash__(self):
        return id(self)

    def __getattr__(self, name):
        if name in ("__array_interface__", "__array_struct__") or name.startswith("__"):
            raise AttributeError(name)
        if name == "T" and "transpose" in TENSOR_METHODS:
            return TENSOR_METHODS["transpose"](self)
        if name in ("reshape", "squeeze") and name in TENSOR_METHODS:
            return functools.partial(_method, name, self)
        raise AttributeError(f"{self!r} has no attribute {name!r}.")


def _method(name, tensor, *args):
    if name == "reshape" and not (len(args) == 1 and isinstance(args[0], (tuple, list))):
        args = (args,)
    return TENSOR_METHODS[name](tensor, *args)


# Filled by `fkeras.ops.operators`, which lies above: Python operator or method name -> op.
TENSOR_METHODS: dict = {}


def _operator(name, reverse=False):
    def method(self, *others):
        op = TENSOR_METHODS[name]
        return op(others[0], self) if reverse else op(self, *others)

    return method


for _name in (
    "add sub mul truediv floordiv mod pow matmul lt le gt ge eq ne and or xor neg pos abs invert "
    "getitem round"
).split():
    setattr(KerasTensor, f"__{_name}__", _operator(_name))


for _name in "add sub mul truediv floordiv mod pow matmul and or xor".split():
    setattr(KerasTensor, f"__r{_name}__", _operator(_name, reverse=True))


def any_symbolic(*values) -> bool:
    """Whether a KerasTensor is among the values, looking into lists, tuples and dicts."""
    for value in values:
        if isinstance(value, KerasTensor):
            return True
        if isinstance(value, (list, tuple)):
            if any_symbolic(*value):
                return True
        elif isinstance(value, dict) and any_symbolic(*value.values()):
            return True
    return False
