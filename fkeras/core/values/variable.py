"""`Variable`: a value that lives in a layer, an optimizer or a metric.

A pure call can lend another value to it.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Self

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from fkeras.core import names, placement
from fkeras.core.dtypes import standardize_dtype
from fkeras.core.randomness import first_values
from fkeras.core.scoped import Scoped
from fkeras.core.symbolic.keras_tensor import KerasTensor
from fkeras.core.values import lending, stand_ins
from fkeras.core.values import variable_arguments as checks
from fkeras.core.values.described import Described
from fkeras.core.values.variable_arguments import as_value
from fkeras.core.values.variable_info import VariableInfo, info_of, put_info
from fkeras.errors import UserInputError

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from jax.sharding import Sharding

    from fkeras.types import ArrayLike, DTypeLike, ShapeLike, TensorLike


class Variable(Described, lending.Lendable, nnx.Variable):
    """A value with a name, a shape and a dtype.

    Usable in `jax.numpy` functions and operators as it is. It is a `flax.nnx.Variable`; a trainable
    one is an `nnx.Param`. Inside a pure call (`apply`, `step`) reads and writes go to the values of
    that call.

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

    def __new__(cls, *args: Any, **kwargs: Any) -> Self:
        if cls is Variable:
            trainable = kwargs.get("trainable", args[3] if len(args) > 3 else True)
            cls = TrainableVariable if trainable else StateVariable
        return object.__new__(cls)

    def __init__(
        self,
        initializer: ArrayLike | Callable[..., Any] | str,
        shape: ShapeLike | None = None,
        dtype: DTypeLike | None = None,
        trainable: bool = True,
        autocast: bool = True,
        aggregation: str | None = "none",
        synchronization: str | None = "auto",
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        regularizer = kwargs.pop("regularizer", None)
        constraint = kwargs.pop("constraint", None)
        kind = kwargs.pop("kind", "weight")
        layout = kwargs.pop("layout", None)
        if kwargs:
            raise UserInputError(f"Variable: unexpected arguments {sorted(kwargs)}.")
        name = name or names.auto_name("variable")
        checks.check_name(name)
        checks.check_replica_options(aggregation, synchronization)
        if isinstance(initializer, str):
            initializer = checks.initializer_named(initializer)
        outer_path = names.current_path()
        path = f"{outer_path}/{name}" if outer_path else name
        is_drawn = _is_function(initializer)
        if is_drawn:
            content = self._not_drawn_yet(initializer, shape, dtype, path)
        else:
            dtype = None if dtype is None else checks.kept_dtype(dtype, path)
            # A trace may be open, and the Variable outlives it. (A tracer stays one.)
            with jax.ensure_compile_time_eval():
                content = as_value(initializer, dtype)
            checks.check_value_shape(shape, content, path)
        info = VariableInfo(
            name=name,
            path=path,
            shape=content.shape,
            dtype=standardize_dtype(content.dtype),
            initializer=initializer if is_drawn else None,
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
        # NNX would take a stand-in for a value and look into it: it goes past NNX into the slot.
        nnx.Variable.__init__(self, None if is_drawn else content)
        put_info(self, info)
        if is_drawn:
            stand_ins.put_value(self, content)
        # What an optimizer keeps was made where its weight lies, and is told later to stay there.
        if kind != "optimizer" and (layout is not None or placement.current() is not None):
            settle(self, placement.sharding_of(self, layout))
        if _listeners.value:  # the innermost alone: a layer built inside a build has its own
            _listeners.value[-1](self)

    def _not_drawn_yet(
        self,
        initializer: Callable[..., Any],
        shape: ShapeLike | None,
        dtype: DTypeLike | None,
        path: str,
    ) -> stand_ins.NotDrawnYet:
        """The stand-in for the value that the initializer will draw."""
        if shape is None:
            raise UserInputError(
                "When creating a Variable from an initializer, the `shape` argument should be "
                f"specified. Received: initializer={initializer} and shape={shape}"
            )
        shape = checks.full_shape(shape, path)
        dtype = checks.kept_dtype(dtype, path)
        return stand_ins.NotDrawnYet(shape, dtype, self._draw)

    def _draw(self) -> jax.Array:
        info = self._meta
        with placement.bound_for(info.shape, info.sharding):
            value = info.origin.draw(self)
        return placement.place(value, info.sharding)

    # -- its value -------------------------------------------------------------

    @property
    def value(self) -> jax.Array:
        """The array, or what a pure call lends in its place."""
        return self._raw_value

    @value.setter
    def value(self, value: ArrayLike) -> None:
        self.assign(value)

    def numpy(self) -> np.ndarray:
        """The value on the host."""
        return placement.fetch(self._raw_value)

    def assign(self, value: ArrayLike) -> jax.Array:
        """Replaces the value: same shape, cast to the Variable's dtype. Returns the new value.

        In a pure call the dtype is that of the value it was given.
        """
        sharding = self._meta.sharding
        if sharding is not None and isinstance(value, np.ndarray):
            new = checks.on_host(value, self._dtype_of_value())  # goes to its places from there
        else:
            new = as_value(value, self._dtype_of_value())
        if new.shape != tuple(self.shape):
            raise UserInputError(
                "The shape of the target variable and the shape of the target value in "
                f"`variable.assign(value)` must match. variable.shape={tuple(self.shape)}, "
                f"Received: value.shape={tuple(new.shape)}. Target variable: {self!r}"
            )
        if sharding is not None and not isinstance(new, jax.core.Tracer):
            new = placement.place(new, sharding)
        self._raw_value = new
        return new

    def assign_add(self, value: ArrayLike) -> jax.Array:
        """Adds to the value; returns the new one."""
        return self.assign(self._raw_value + as_value(value, self._dtype_of_value()))

    def assign_sub(self, value: ArrayLike) -> jax.Array:
        """Subtracts from the value; returns the new one."""
        return self.assign(self._raw_value - as_value(value, self._dtype_of_value()))

    def _dtype_of_value(self) -> DTypeLike:
        scope = lending.scope_of(self)
        lent = None if scope is None else scope.read(self)
        return getattr(lent, "dtype", self._meta.dtype)

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> np.ndarray:
        return np.asarray(placement.fetch(self._raw_value), dtype=dtype)

    def __jax_array__(self) -> jax.Array:
        return self._raw_value

    def __bool__(self) -> bool:
        return bool(self._raw_value)

    def __float__(self) -> float:
        return float(self._raw_value)

    def __int__(self) -> int:
        return int(self._raw_value)

    def __index__(self) -> int:
        return int(self._raw_value)

    def __getitem__(self, index: Any) -> jax.Array:
        return self._raw_value[index]

    # NNX refuses `x += y`. As in Keras, it gives the name x the value `x + y`.
    def _not_in_place(self, other: TensorLike) -> Any:
        return NotImplemented

    __iadd__ = __isub__ = __imul__ = __itruediv__ = __ifloordiv__ = _not_in_place
    __imod__ = __ipow__ = __imatmul__ = __iand__ = __ior__ = __ixor__ = _not_in_place

    # Compared element by element, like an array; found in dicts and sets by identity.
    def __eq__(self, other: TensorLike) -> jax.Array:
        return _compare(jnp.equal, self, other)

    def __ne__(self, other: TensorLike) -> jax.Array:
        return _compare(jnp.not_equal, self, other)

    def __lt__(self, other: TensorLike) -> jax.Array:
        return _compare(jnp.less, self, other)

    def __le__(self, other: TensorLike) -> jax.Array:
        return _compare(jnp.less_equal, self, other)

    def __gt__(self, other: TensorLike) -> jax.Array:
        return _compare(jnp.greater, self, other)

    def __ge__(self, other: TensorLike) -> jax.Array:
        return _compare(jnp.greater_equal, self, other)

    def __hash__(self) -> int:
        return id(self)

    def __repr__(self) -> str:
        # Past the scopes: to print a Variable must not draw it, nor fetch it from a loop.
        content = stand_ins.private_value(self)
        is_value = not (stand_ins.is_stand_in(content) or isinstance(content, jax.core.Tracer))
        shown = f", value={content}" if is_value else ""
        return f"<Variable path={self.path}, shape={self.shape}, dtype={self._meta.dtype}{shown}>"

    __str__ = __repr__

    # -- copies and pickles ----------------------------------------------------

    def __deepcopy__(self, memo: dict[int, Any]) -> Variable:
        if lending.is_lent(self):
            raise UserInputError(
                f"copy.deepcopy of {self.path!r} inside a pure call would copy lent values. Copy "
                "outside of it."
            )
        copied = _revive(type(self), self.__getstate__())
        copied._meta.sharding = self._meta.sharding
        memo[id(self)] = copied
        return copied

    def __getstate__(self) -> dict[str, Any]:
        # The origin stays behind: a copy has its value already. So do the shares, which are of this
        # object, and devices, which are of this process.
        left = ("origin", "shares", "sharding")
        info = {s: getattr(self._meta, s) for s in VariableInfo.__slots__ if s not in left}
        return {"value": placement.fetch(self._raw_value), "info": info}

    def __reduce__(self) -> tuple[Any, ...]:
        return _revive, (type(self), self.__getstate__())


class TrainableVariable(Variable, nnx.Param):
    """What `Variable(trainable=True)` makes: an `nnx.Param`, so that NNX's filters find it."""


class StateVariable(Variable):
    """What `Variable(trainable=False)` makes: state such as a moving mean."""


def _is_function(initializer: object) -> bool:
    """Whether it draws values, rather than being one (arrays and Variables may be callable too)."""
    return callable(initializer) and not isinstance(
        initializer, (jax.Array, np.ndarray, nnx.Variable)
    )


def _compare(function: Callable, variable: Variable, other: Any) -> Any:
    if isinstance(other, KerasTensor):
        return NotImplemented  # the operator is the tensor's
    plain = other._raw_value if isinstance(other, Variable) else _without_lists(other)
    return function(variable._raw_value, plain)


def _without_lists(other: Any) -> Any:
    return jnp.asarray(other) if isinstance(other, (list, tuple)) else other


def _taking_lists(name: str) -> Callable[[Variable, Any], Any]:
    """An operator of NNX's Variables, beside lists too: JAX's arrays take none."""
    operator = getattr(nnx.Variable, name)

    @functools.wraps(operator)
    def method(self: Variable, other: Any) -> Any:
        return operator(self, _without_lists(other))

    return method


for _name in ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "matmul"):
    for _operator in (f"__{_name}__", f"__r{_name}__"):
        setattr(Variable, _operator, _taking_lists(_operator))


def settle(variable: nnx.Variable, sharding: Sharding | None) -> None:
    """Gives a Variable its place on the devices. What it holds moves there, and so does what is
    drawn or assigned later.
    """
    info_of(variable).sharding = sharding
    content = stand_ins.private_value(variable)
    if isinstance(content, jax.Array) and not isinstance(content, jax.core.Tracer):
        stand_ins.put_value(variable, placement.place(content, sharding))


def _revive(cls: type[Variable], state: dict[str, Any]) -> Variable:
    """The Variable that `__getstate__` described."""
    variable = object.__new__(cls)
    nnx.Variable.__init__(variable, jnp.asarray(state["value"]))
    put_info(variable, VariableInfo(**state["info"]))
    variable._meta.origin = first_values.Origin()
    return variable


_listeners: Scoped[tuple[Callable[[Variable], Any], ...]] = Scoped(())


def on_creation(listener: Callable[[Variable], Any]) -> AbstractContextManager:
    """Context manager: `listener(variable)` is called for each new Variable on this thread."""
    return _listeners.pushed(listener)
