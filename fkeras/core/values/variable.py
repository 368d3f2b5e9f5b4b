"""`Variable`: a value that lives in a layer, an optimizer or a metric, and that a pure call can
lend another value to.
"""

import contextlib
import threading

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from fkeras import errors
from fkeras.core import jax_private, names
from fkeras.core.config import registry
from fkeras.core.dtypes import standardize_dtype
from fkeras.core.names import to_snake_case
from fkeras.core.randomness import first_values
from fkeras.core.values import lending, trainable_scope
from fkeras.core.values.variable_info import KEY, VariableInfo, put_info
from fkeras.errors import UserInputError


class Variable(lending.Lendable, nnx.Variable):
    """A value with a name, a shape and a dtype. Usable in `jax.numpy` functions and operators as it
    is.

    It is a `flax.nnx.Variable`; a trainable one is an `nnx.Param`. Inside a pure call (`apply`,
    `step`) reads and writes go to the values of that call.

    Args:
        initializer: an array, or a callable `(shape, dtype) -> array` or initializer name, drawn
            when first needed.
        shape: needed with a callable; a tuple of ints.
        dtype: None for the array's own, or floatx.
        trainable: whether training changes it.
        autocast: whether a float value reads in the layer's compute dtype inside the layer's call.
        aggregation, synchronization: how replicas combine it; kept for Keras's signature: `'none'`,
            `'mean'`, `'sum'`, `'only_first_replica'`.
        name: None for an automatic name.

    Raises:
        UserInputError: shape missing or not fully known, unknown aggregation, wrong shape in
            `assign`.

    Examples:
        >>> import fkeras, jax.numpy as jnp
        >>> v = fkeras.Variable(jnp.ones((2,)), name="scale")
        >>> v.assign_add([1.0, 2.0]).tolist(), float(jnp.sum(v))
        ([2.0, 3.0], 5.0)
    """

    def __new__(cls, *args, **kwargs):
        if cls is Variable:
            trainable = kwargs.get("trainable", args[3] if len(args) > 3 else True)
            cls = TrainableVariable if trainable else StateVariable
        return object.__new__(cls)

    def __init__(
        self,
        initializer,
        shape=None,
        dtype=None,
        trainable=True,
        autocast=True,
        aggregation="none",
        synchronization="auto",
        name=None,
        **kwargs,
    ):
        regularizer, constraint = kwargs.pop("regularizer", None), kwargs.pop("constraint", None)
        kind, layout = kwargs.pop("kind", "weight"), kwargs.pop("layout", None)
        if kwargs:
            raise UserInputError(f"Variable: unexpected arguments {sorted(kwargs)}.")
        name = name or names.auto_name("variable")
        if not isinstance(name, str) or "/" in name:
            raise UserInputError(
                "Argument `name` must be a string and cannot contain character `/`. Received: "
                f"name={name}"
            )
        for what, value, known in (
            ("aggregation", aggregation, (None, "none", "mean", "sum", "only_first_replica")),
            ("synchronization", synchronization, (None, "none", "auto", "on_read", "on_write")),
        ):
            if value not in known:
                raise UserInputError(
                    f"Invalid value for argument `{what}`. Expected one of {known}. Received: "
                    f"{what}={value}"
                )
        if isinstance(initializer, str):
            initializer = _initializer_named(initializer)
        where = names.current_path()
        path = f"{where}/{name}" if where else name
        if callable(initializer) and not isinstance(
            initializer, (jax.Array, np.ndarray, nnx.Variable)
        ):
            if shape is None:
                raise UserInputError(
                    "When creating a Variable from an initializer, the `shape` argument should be "
                    f"specified. Received: initializer={initializer} and shape={shape}"
                )
            shape = _full_shape(shape, path)
            dtype = _checked_dtype(standardize_dtype(dtype), path)
            value = lending.NotDrawnYet(shape, dtype, lambda: info.origin.draw(self))
        else:
            value = _array(
                initializer,
                dtype if dtype is None else _checked_dtype(standardize_dtype(dtype), path),
            )
            if shape is not None and tuple(shape) != value.shape:
                raise UserInputError(
                    f"Variable {path!r}: the value has shape {value.shape}, but "
                    f"shape={tuple(shape)} was asked for."
                )
            shape, dtype, initializer = value.shape, standardize_dtype(value.dtype), None
        info = VariableInfo(
            name=name,
            path=path,
            shape=shape,
            dtype=dtype,
            initializer=initializer,
            trainable=bool(trainable),
            autocast=bool(autocast),
            regularizer=regularizer,
            constraint=constraint,
            aggregation=aggregation or "none",
            synchronization=synchronization,
            layout=layout,
            kind=kind,
            origin=first_values.Origin(),
            overwrite_with_gradient=False,
        )
        nnx.Variable.__init__(self, None if isinstance(value, lending.NotDrawnYet) else value)
        put_info(self, info)
        if isinstance(value, lending.NotDrawnYet):
            lending.put_value(self, value)
        _report_creation(self)

    @property
    def _meta(self) -> VariableInfo:
        return jax_private.metadata(self)[KEY]

    # -- what it is ------------------------------------------------------------

    name = property(lambda self: self._meta.name)
    shape = property(lambda self: self._meta.shape)
    ndim = property(lambda self: len(self._meta.shape))
    size = property(lambda self: int(np.prod(self._meta.shape, dtype=np.int64)))
    aggregation = property(lambda self: self._meta.aggregation)
    synchronization = property(lambda self: self._meta.synchronization)

    @property
    def dtype(self):
        cast = lending.autocast_dtype()
        if cast is not None and self._meta.autocast and "float" in self._meta.dtype:
            return cast
        return self._meta.dtype

    @property
    def path(self):
        return self._meta.path

    @property
    def handle(self):
        return self._meta

    def _settable(name):  # noqa: N805
        def get(self):
            return getattr(self._meta, name)

        def put(self, value):
            setattr(self._meta, name, value)

        return property(get, put)

    autocast = _settable("autocast")
    overwrite_with_gradient = _settable("overwrite_with_gradient")
    layout = _settable("layout")
    initializer = _settable("initializer")
    del _settable

    @property
    def trainable(self):
        return trainable_scope.is_trainable(self._meta)

    @trainable.setter
    def trainable(self, value):
        trainable_scope.set_trainable(self._meta, bool(value))

    @property
    def regularizer(self):
        return self._meta.regularizer

    @regularizer.setter
    def regularizer(self, value):
        if value is not None and not callable(value):
            raise UserInputError(
                "Invalid value for attribute `regularizer`. Expected a `Regularizer` or `None`. "
                f"Received: regularizer={value}"
            )
        self._meta.regularizer = value

    @property
    def constraint(self):
        return self._meta.constraint

    @constraint.setter
    def constraint(self, value):
        if value is not None and not callable(value):
            raise UserInputError(
                "Invalid value for attribute `constraint`. Expected a `Constraint` or `None`. "
                f"Received: constraint={value}"
            )
        self._meta.constraint = value

    # -- its value -------------------------------------------------------------

    @property
    def value(self):
        """The array, or what a pure call lends in its place."""
        return self._raw_value

    @value.setter
    def value(self, value):
        self.assign(value)

    def numpy(self) -> np.ndarray:
        """The value on the host."""
        return np.asarray(self._raw_value)

    def assign(self, value):
        """Replaces the value: same shape, cast to the Variable's dtype. Returns the new value."""
        new = _array(value, self._meta.dtype)
        if new.shape != tuple(self.shape):
            raise UserInputError(
                "The shape of the target variable and the shape of the target value in "
                f"`variable.assign(value)` must match. variable.shape={tuple(self.shape)}, "
                f"Received: value.shape={tuple(new.shape)}. Target variable: {self!r}"
            )
        self._raw_value = new
        return new

    def assign_add(self, value):
        """Adds to the value; returns the new one."""
        return self.assign(self._raw_value + _array(value, self.dtype))

    def assign_sub(self, value):
        """Subtracts from the value; returns the new one."""
        return self.assign(self._raw_value - _array(value, self.dtype))

    def __array__(self, dtype=None, copy=None):
        return np.asarray(self._raw_value, dtype=dtype)

    def __jax_array__(self):
        return self._raw_value

    def __repr__(self):
        held = lending.private_value(self)
        shown = (
            ""
            if isinstance(held, (lending.NotDrawnYet, lending.HeldByLoop, jax.core.Tracer))
            else f", value={held}"
        )
        return f"<Variable path={self.path}, shape={self.shape}, dtype={self._meta.dtype}{shown}>"

    __str__ = __repr__

    def __bool__(self):
        return bool(self._raw_value)

    def __float__(self):
        return float(self._raw_value)

    def __int__(self):
        return int(self._raw_value)

    def __index__(self):
        return int(self._raw_value)

    def __getitem__(self, index):
        return self._raw_value[index]

    def __hash__(self):
        return id(self)

    def __eq__(self, other):
        return jnp.equal(self._raw_value, _other(other))

    def __ne__(self, other):
        return jnp.not_equal(self._raw_value, _other(other))

    def __deepcopy__(self, memo):
        if lending.is_lent(self):
            raise UserInputError(
                f"copy.deepcopy of {self.path!r} inside a pure call would copy lent values. Copy "
                "outside of it."
            )
        return _copied(self, memo)

    def __getstate__(self):
        info = {
            slot: getattr(self._meta, slot) for slot in VariableInfo.__slots__ if slot != "origin"
        }
        return {"value": np.asarray(self._raw_value), "info": info}

    def __reduce__(self):
        return _revive, (type(self), self.__getstate__())


def _other(x):
    return x._raw_value if isinstance(x, Variable) else x


class TrainableVariable(Variable, nnx.Param):
    """What `Variable(trainable=True)` makes: an `nnx.Param`, so that NNX's filters find it."""


class StateVariable(Variable):
    """What `Variable(trainable=False)` makes: state such as a moving mean."""


def _revive(cls, state):
    variable = object.__new__(cls)
    nnx.Variable.__init__(variable, jnp.asarray(state["value"]))
    put_info(variable, VariableInfo(**state["info"]))
    variable._meta.origin = first_values.Origin()
    return variable


def _copied(variable, memo):
    state = variable.__getstate__()
    made = _revive(type(variable), state)
    memo[id(variable)] = made
    return made


def _initializer_named(name):
    known = registry.builtins_of("keras.initializers")
    found = known.get(name) or {to_snake_case(n): cls for n, cls in known.items()}.get(name)
    if found is None:
        raise errors.unknown_name("initializer", name, known)
    return found() if isinstance(found, type) else found


def _full_shape(shape, path):
    shape = (shape,) if isinstance(shape, (int, np.integer)) else tuple(shape)
    if any(d is None for d in shape):
        raise UserInputError(
            "Shapes used to initialize variables must be fully-defined (no `None` dimensions). "
            f"Received: shape={shape} for variable path='{path}'"
        )
    if any(int(d) < 0 for d in shape):
        raise UserInputError(
            f"Variable {path!r}: dimensions cannot be negative. Received: shape={shape}"
        )
    return tuple(int(d) for d in shape)


def _checked_dtype(dtype, path):
    if dtype in ("float64", "int64", "uint64", "complex128") and not jax.config.jax_enable_x64:
        if dtype == "float64":
            raise UserInputError(
                f"Variable {path!r} has dtype float64, which JAX computes in float32 unless told "
                "otherwise. Write `jax.config.update('jax_enable_x64', True)` first, or use "
                "float32."
            )
        return str(jax.dtypes.canonicalize_dtype(dtype))
    return dtype


def _array(value, dtype):
    """The value as an array of `dtype` (None: its own, Python floats as floatx)."""
    if isinstance(value, nnx.Variable):
        value = value._raw_value
    if dtype is None:
        if isinstance(value, (jax.Array, np.ndarray, np.generic)):
            return jnp.asarray(value)
        array = np.asarray(value)
        return jnp.asarray(array, standardize_dtype(None) if array.dtype.kind == "f" else None)
    dtype = standardize_dtype(dtype)
    if isinstance(value, jax.Array) and value.dtype.name == dtype:
        return value
    return jnp.asarray(value, dtype=jax.dtypes.canonicalize_dtype(dtype))


class _Listeners(threading.local):
    stack: tuple = ()


_listeners = _Listeners()


@contextlib.contextmanager
def on_creation(listener):
    """Inside, `listener(variable)` is told of each new Variable on this thread."""
    outer = _listeners.stack
    _listeners.stack = outer + (listener,)
    try:
        yield
    finally:
        _listeners.stack = outer


def _report_creation(variable):
    if _listeners.stack:
        _listeners.stack[-1](variable)
