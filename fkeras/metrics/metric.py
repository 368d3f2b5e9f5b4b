"""`Metric`: a number gathered over batches.

Its state is a handful of Variables; every method has a pure form.
"""

from __future__ import annotations

import functools
import types
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, Self, TypeAlias

import jax
import jax.numpy as jnp

from fkeras.core import dtype_policy, names, settings, tracebacks
from fkeras.core.config import constructor, registry, serialization
from fkeras.core.name_first import name_may_come_first
from fkeras.core.randomness import first_values
from fkeras.core.values import lending
from fkeras.core.values.variable import Variable
from fkeras.core.warn_once import warn_user
from fkeras.errors import UserInputError
from fkeras.ops.promotion import result_type

if TYPE_CHECKING:
    from fkeras.types import Config, DTypeLike, DTypePolicyLike, Shape, TensorLike

Direction: TypeAlias = Literal["up", "down"]  # which values are better


def zeros(shape: Shape, dtype: DTypeLike | None = None) -> jax.Array:
    """The initializer of metric state."""
    return first_values.filled(
        first_values.as_shape(shape), 0, dtype or jax.dtypes.canonicalize_dtype(float)
    )


def _resetting_states(metric: Metric) -> None:
    metric.reset_states()


class Metric:
    """A metric to subclass.

    Make state in `__init__` with `add_variable`, change it in `update_state`, read it in `result`.
    Variables and other metrics kept in attributes (also in lists, tuples and dicts) belong to the
    metric. `update_state`, `result` and `reset_state` act on the object; the `stateless_` forms are
    pure, for `jax.jit`, `vmap` and `scan`: state in, state out.

    Args:
        dtype: of the arithmetic and the result; None for floatx. Of a `DTypePolicy` the compute
            dtype counts.
        name: None for an automatic name.

    Raises:
        UserInputError: from the stateless forms, for a list of the wrong length or shapes.

    Examples:
        >>> import jax, jax.numpy as jnp, fkeras
        >>> class Largest(fkeras.metrics.Metric):
        ...     def __init__(self, name="largest", dtype=None):
        ...         super().__init__(name=name, dtype=dtype)
        ...         self.top = self.add_variable(shape=(), name="top")
        ...     def update_state(self, values):
        ...         self.top.assign(jnp.maximum(self.top, jnp.max(values)))
        ...     def result(self):
        ...         return self.top.value
        >>> largest = Largest()
        >>> float(largest(jnp.array([1.0, 3.0])))
        3.0
        >>> update = jax.jit(largest.stateless_update_state)
        >>> state = update(largest.stateless_reset_state(), jnp.array([2.0]))
        >>> float(largest.stateless_result(state)), float(largest.result())
        (2.0, 3.0)
    """

    # 'up': more is better, 'down': less is better, None: unknown. Callbacks that look for the best
    # epoch read it; a metric of one's own may say it too. The name is Keras's.
    _direction: Direction | None = None
    # Whether predictions outside of [0, 1] are a mistake. `fit` warns where the last layer is
    # linear.
    _needs_probabilities = False
    _needs_class_ids = False  # as predictions: numbers that equal targets, or are cut to ids
    # The argument that lets it take logits; None where there is none.
    _option_for_logits: str | None = None
    _has_seen_device_arrays = False  # predictions that had to be fetched for a look

    _arguments: tuple[tuple[Any, ...], dict[str, Any]]
    _own_variables: list[Variable]

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        for name in ("update_state", "result"):  # both are called directly, too
            method = vars(cls).get(name)
            if isinstance(method, types.FunctionType):
                setattr(cls, name, tracebacks.filtered(method))
        if "reset_states" in vars(cls) and "reset_state" not in vars(cls):
            cls.reset_state = _resetting_states  # written before TensorFlow 2.5

    def __new__(cls, *args: Any, **kwargs: Any) -> Self:
        self = object.__new__(cls)
        self._arguments = (args, kwargs)  # for `get_config`
        self._own_variables = []
        return self

    def __init__(self, dtype: DTypePolicyLike | None = None, name: str | None = None):
        self.name = name or names.auto_name(type(self).__name__)
        self._dtype_policy = dtype_policy.get(dtype or settings.floatx())
        self._dtype = self._dtype_policy.compute_dtype

    def __setattr__(self, name: str, value: Any) -> None:
        if isinstance(value, jax.core.Tracer) and isinstance(vars(self).get(name), Variable):
            raise UserInputError(
                f"Metric '{self.name}' sets its attribute `{name}`, a Variable, to a tensor, which "
                f"would be lost after the step. Assign it: `self.{name}.assign(...)`, or "
                "`assign_add`."
            )
        super().__setattr__(name, value)

    @property
    def dtype(self) -> str:
        """The dtype of the arithmetic and the result."""
        return self._dtype

    # -- state -----------------------------------------------------------------

    @property
    def _sum_dtype(self) -> str:
        """What sums are made in: float32 in place of narrower floats, where 256 + 1 = 256."""
        return _sum_dtype(self.dtype)

    def add_variable(
        self,
        shape: Shape,
        initializer: str | Config | Callable[..., Any] | None = None,
        dtype: DTypeLike | None = None,
        aggregation: str = "sum",
        name: str | None = None,
    ) -> Variable:
        """New state.

        Args:
            shape: tuple of ints.
            initializer: callable `(shape, dtype) -> array`, its name or config; None for zeros.
            dtype: None for floatx.
            aggregation: how replicas combine it.
            name: None for an automatic name.

        Returns:
            A `Variable` that no optimizer touches.
        """
        if "_dtype" not in self.__dict__:
            raise UserInputError(
                f"{type(self).__name__}: you forgot to call `super().__init__()` first in "
                "`__init__()`."
            )
        if isinstance(initializer, dict):
            initializer = serialization.deserialize_keras_object(initializer)
        # A slash in the name would read as a scope inside a scope.
        with names.scope(self.name.replace("/", ">")):
            variable = Variable(
                zeros if initializer is None else initializer,
                shape=shape,
                dtype=dtype,
                trainable=False,
                aggregation=aggregation,
                synchronization="on_read",
                name=name,
                kind="metric",
            )
        self._own_variables.append(variable)
        return variable

    @name_may_come_first(("name", "shape"))
    def add_weight(
        self,
        shape: Shape = (),
        initializer: str | Config | Callable[..., Any] | None = None,
        dtype: DTypeLike | None = None,
        name: str | None = None,
    ) -> Variable:
        """`add_variable` under its older name; a number by default."""
        return self.add_variable(shape, initializer, dtype, name=name)

    def _add_sum(self, shape: Shape, name: str, dtype: str | None = None) -> Variable:
        """New state to add up in: of `dtype` (None for floatx), float32 in place of narrower."""
        dtype = _sum_dtype(settings.floatx() if dtype is None else dtype)
        return self.add_variable(shape, dtype=dtype, name=name)

    @property
    def variables(self) -> list[Variable]:
        """All state, each Variable once.

        The metric's own Variables in the order in which they were made, then those of the metrics
        it holds.
        """
        variables: dict[int, Variable] = {}
        metrics: dict[int, Metric] = {}
        # Not the constructor's arguments: what is only passed through is not state.
        attributes = {key: x for key, x in self.__dict__.items() if key != "_arguments"}
        _gather(attributes, variables, metrics)
        for metric in metrics.values():
            variables.update((id(variable), variable) for variable in metric.variables)
        return list(variables.values())

    # -- what subclasses define ------------------------------------------------

    def update_state(self, *args: Any, **kwargs: Any) -> None:
        """Takes one batch in."""
        raise NotImplementedError(f"{type(self).__name__} must define `update_state`.")

    def result(self) -> Any:
        """The metric of everything since the last reset: an array, or a dict of arrays."""
        raise NotImplementedError(f"{type(self).__name__} must define `result`.")

    def reset_state(self) -> None:
        """Forgets everything: all state becomes 0."""
        for variable in self.variables:
            variable.assign(zeros(variable.shape, variable.dtype))

    def reset_states(self) -> None:
        """The same as `reset_state`, under its former name."""
        warn_user("`metric.reset_states()` of older Keras is `reset_state()` today.")
        resets = (vars(cls).get("reset_state", _resetting_states) for cls in type(self).__mro__)
        next(reset for reset in resets if reset is not _resetting_states)(self)

    @tracebacks.filtered
    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Takes one batch in, as `update_state` does, and returns the result so far."""
        self.update_state(*args, **kwargs)
        return self.result()

    # -- the pure forms --------------------------------------------------------

    def stateless_update_state(
        self, metric_variables: Iterable[TensorLike], *args: Any, **kwargs: Any
    ) -> list[jax.Array]:
        """State after one more batch. Nothing on the object changes.

        Args:
            metric_variables: values for `variables`, in the same order. What the metric makes at
                its first batch only may be missing.
            *args, **kwargs: as for `update_state`.

        Returns:
            The new values, a list in the same order.
        """
        # A metric that makes its state at its first batch makes it here, before anything is lent.
        # The caller cannot have passed what did not exist: the new state's own values are taken.
        values = list(metric_variables)
        num_before = len(self.variables)
        if not num_before or getattr(self, "_built", True) is False:
            self.build_on(*args, **kwargs)
            if len(values) == num_before:
                values += self.variables[num_before:]
        values = self._lend(values, self.update_state, *args, **kwargs)[1]
        if len(values) != len(self.variables):
            raise UserInputError(
                f"{self!r} made state in `update_state` inside a pure call. Make it in `__init__`, "
                "or call `build_on(y_true, y_pred)` before."
            )
        return values

    def stateless_result(self, metric_variables: Iterable[TensorLike]) -> Any:
        """The result that state with these values would have."""
        return self._lend(metric_variables, self.result)[0]

    def stateless_reset_state(
        self, metric_variables: Iterable[TensorLike] | None = None
    ) -> list[jax.Array]:
        """State after a reset.

        Args:
            metric_variables: the values before; what `reset_state` leaves alone keeps them. None
                for the object's own.
        """
        values = self.variables if metric_variables is None else metric_variables
        return self._lend(values, self.reset_state)[1]

    @property
    def may_lack_state(self) -> bool:
        """Whether the first batch may make state beside what there is: where the metric says so,
        and in classes of users, of which nothing is known.
        """
        return getattr(self, "_built", None) is False or not registry.is_builtin(type(self))

    def build_on(self, *args: Any, **kwargs: Any) -> None:
        """Lets a metric that makes its state at its first batch make it now.

        From the shapes of one batch; nothing is computed.

        Args:
            *args, **kwargs: as for `update_state`; arrays or `jax.ShapeDtypeStruct`s.
        """

        def update(args: Any, kwargs: Any) -> None:
            lending.call_abstractly(self.update_state, *args, **kwargs)

        jax.eval_shape(
            update, args, kwargs
        )  # arguments go in as arguments, so that they are traced

    def _lend(
        self,
        values: Iterable[TensorLike],
        method: Callable[..., Any],
        *args: Any,
        **kwargs: Any,
    ) -> tuple[Any, list[jax.Array]]:
        """What a method returns while all state reads as `values`, and the state after it."""
        variables = self.variables
        values = list(values)
        if len(values) != len(variables):
            raise UserInputError(
                "Argument `metric_variables` must be a list of tensors corresponding 1:1 to "
                f"{type(self).__name__}().variables. Received list with length {len(values)}, but "
                f"expected {len(variables)} variables."
            )
        lent = [_value_for(variable, value) for variable, value in zip(variables, values)]
        return lending.call(
            method, variables, lent, *args, caller=f"metric {self.name!r}", **kwargs
        )

    # -- config ----------------------------------------------------------------

    def get_config(self) -> Config:
        """The constructor's arguments as plain values.

        From its signature and the attributes of the same names.
        """
        arguments = constructor.bind_arguments(type(self), *self._arguments)
        config = constructor.config_from_signature(self, arguments)
        for key, value in config.items():
            if isinstance(value, (Variable, Metric)):  # state under the name of an argument
                config[key] = arguments.get(key)
        if "dtype" in config:
            config["dtype"] = self.dtype
        return config

    @classmethod
    def from_config(cls, config: Config) -> Self:
        """A metric from what `get_config` returned."""
        arguments = {
            key: serialization.deserialize_keras_object(value) for key, value in config.items()
        }
        return cls(**arguments)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} name={self.name}>"


def _sum_dtype(dtype: str) -> str:
    """Of a dtype's name that in which many such numbers are added up."""
    return result_type(dtype, "float32") if "float" in dtype else dtype


def _gather(
    structure: Mapping[str, Any] | Sequence[Any],
    variables: dict[int, Variable],
    metrics: dict[int, Metric],
) -> None:
    """Variables and metrics in nested lists, tuples and dicts, each once."""
    for x in structure.values() if isinstance(structure, dict) else structure:
        kind = _kind_of(type(x))
        if kind is Variable:
            variables.setdefault(id(x), x)
        elif kind is Metric:
            metrics.setdefault(id(x), x)
        elif kind is list:
            _gather(x, variables, metrics)


@functools.cache  # NNX's instance checks are slow
def _kind_of(cls: type) -> type | None:
    """What a value of a class is to a metric that holds it: None for nothing of interest."""
    if issubclass(cls, Variable):
        return Variable
    if issubclass(cls, Metric):
        return Metric
    return list if issubclass(cls, (list, tuple, dict)) else None


def _value_for(variable: Variable, x: TensorLike) -> jax.Array:
    """`x` as a value that may be lent to the Variable."""
    x = jnp.asarray(x.value if isinstance(x, Variable) else x, dtype=variable.dtype)
    if x.shape != tuple(variable.shape):
        raise UserInputError(
            f"Metric variable {variable.path!r}: expected shape {tuple(variable.shape)}. Received: "
            f"shape {x.shape}."
        )
    return x
