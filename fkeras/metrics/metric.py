"""`Metric`: a number gathered over batches. Its state is a handful of Variables; every method has a
pure form.
"""

import jax
import jax.numpy as jnp

from fkeras.core import dtype_policy, names, settings
from fkeras.core.config import constructor, serialization
from fkeras.core.values import lending
from fkeras.core.values.variable import Variable
from fkeras.errors import UserInputError
from fkeras.ops.promotion import result_type


def zeros(shape, dtype=None):
    """The initializer of metric state."""
    return jnp.zeros(shape, dtype)


class Metric:
    """A metric to subclass: make state in `__init__` with `add_variable`, change it in
    `update_state`, read it in `result`.

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
        >>> state = jax.jit(largest.stateless_update_state)(largest.stateless_reset_state(), jnp.array([2.0]))
        >>> float(largest.stateless_result(state)), float(largest.result())
        (2.0, 3.0)
    """

    # 'up': more is better, 'down': less is better, None: unknown. Callbacks that look for the best
    # epoch read it.
    _direction: str | None = None
    # Whether predictions outside of [0, 1] are a mistake. `fit` warns where the last layer is
    # linear.
    _needs_probabilities = False

    def __new__(cls, *args, **kwargs):
        self = object.__new__(cls)
        self._arguments = (args, kwargs)
        self._own_variables = []
        return self

    def __init__(self, dtype=None, name=None):
        self.name = name or names.auto_name(type(self).__name__)
        self._dtype_policy = dtype_policy.get(dtype or settings.floatx())
        self._dtype = self._dtype_policy.compute_dtype

    @property
    def dtype(self) -> str:
        """The dtype of the arithmetic and the result."""
        return self._dtype

    # -- state -----------------------------------------------------------------

    def add_variable(self, shape, initializer=None, dtype=None, aggregation="sum", name=None):
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

    def add_weight(self, shape=(), initializer=None, dtype=None, name=None):
        """`add_variable` under its older name; a number by default."""
        return self.add_variable(shape, initializer, dtype, name=name)

    def _add_sum(self, shape, name, dtype=None):
        """New state to add up in: float32 in place of narrower floats, in which 256 + 1 = 256."""
        dtype = settings.floatx() if dtype is None else dtype
        return self.add_variable(
            shape, dtype=result_type(dtype, "float32") if "float" in dtype else dtype, name=name
        )

    @property
    def variables(self) -> list:
        """All state: the metric's own Variables in the order in which they were made, then those of
        the metrics it holds.
        """
        found: dict[int, Variable] = {}
        metrics: dict[int, Metric] = {}
        _gather({k: v for k, v in self.__dict__.items() if k != "_arguments"}, found, metrics)
        for metric in metrics.values():
            found.update((id(v), v) for v in metric.variables)
        return list(found.values())

    # -- what subclasses define ------------------------------------------------

    def update_state(self, *args, **kwargs):
        """Takes one batch in."""
        raise NotImplementedError(f"{type(self).__name__} must define `update_state`.")

    def result(self):
        """The metric of everything since the last reset: an array, or a dict of arrays."""
        raise NotImplementedError(f"{type(self).__name__} must define `result`.")

    def reset_state(self):
        """Forgets everything: all state becomes 0."""
        for v in self.variables:
            v.assign(jnp.zeros(v.shape, v.dtype))

    def __call__(self, *args, **kwargs):
        self.update_state(*args, **kwargs)
        return self.result()

    # -- the pure forms --------------------------------------------------------

    def stateless_update_state(self, metric_variables, *args, **kwargs):
        """State after one more batch. Nothing on the object changes.

        Args:
            metric_variables: values for `variables`, in the same order. What the metric makes at
                its first batch only may be missing.
            *args, **kwargs: as for `update_state`.

        Returns:
            The new values, a list in the same order.
        """
        values, known = list(metric_variables), len(self.variables)
        if not known or getattr(self, "_built", True) is False:
            self.build_on(*args, **kwargs)
            if len(values) == known:
                values += self.variables[known:]
        values = self._lend(values, self.update_state, *args, **kwargs)[1]
        if len(values) != len(self.variables):
            raise UserInputError(
                f"{self!r} made state in `update_state` inside a pure call. Make it in `__init__`, "
                "or call `build_on(y_true, y_pred)` before."
            )
        return values

    def stateless_result(self, metric_variables):
        """The result that state with these values would have."""
        return self._lend(metric_variables, self.result)[0]

    def stateless_reset_state(self, metric_variables=None):
        """State after a reset.

        Args:
            metric_variables: the values before; what `reset_state` leaves alone keeps them. None
                for the object's own.
        """
        return self._lend(
            self.variables if metric_variables is None else metric_variables, self.reset_state
        )[1]

    def build_on(self, *args, **kwargs) -> None:
        """Lets a metric that makes its state at its first batch make it now, from the shapes of one
        batch. Computes nothing.

        Args:
            *args, **kwargs: as for `update_state`; arrays or `jax.ShapeDtypeStruct`s.
        """

        def update(args, kwargs):
            lending.call_abstractly(self.update_state, *args, **kwargs)

        jax.eval_shape(update, args, kwargs)

    def _lend(self, values, method, *args, **kwargs):
        variables, values = self.variables, list(values)
        if len(values) != len(variables):
            raise UserInputError(
                "Argument `metric_variables` must be a list of tensors corresponding 1:1 to "
                f"{type(self).__name__}().variables. Received list with length {len(values)}, but "
                f"expected {len(variables)} variables."
            )
        values = [_value_for(v, x) for v, x in zip(variables, values)]
        return lending.call(
            method, variables, values, *args, caller=f"metric {self.name!r}", **kwargs
        )

    # -- config ----------------------------------------------------------------

    def get_config(self) -> dict:
        """The constructor's arguments as plain values, from its signature and the attributes of the
        same names.
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
    def from_config(cls, config: dict):
        """A metric from what `get_config` returned."""
        return cls(**{k: serialization.deserialize_keras_object(v) for k, v in config.items()})

    def __repr__(self):
        return f"<{type(self).__name__} name={self.name}>"


def _gather(structure, variables, metrics):
    """Variables and metrics in nested lists, tuples and dicts, each once."""
    for x in structure.values() if isinstance(structure, dict) else structure:
        if isinstance(x, Variable):
            variables.setdefault(id(x), x)
        elif isinstance(x, Metric):
            metrics.setdefault(id(x), x)
        elif isinstance(x, (list, tuple, dict)):
            _gather(x, variables, metrics)


def _value_for(variable, x):
    """`x` as a value that may be lent to the Variable."""
    x = jnp.asarray(x.value if isinstance(x, Variable) else x, dtype=variable.dtype)
    if x.shape != tuple(variable.shape):
        raise UserInputError(
            f"Metric variable {variable.path!r}: expected shape {tuple(variable.shape)}. Received: "
            f"shape {x.shape}."
        )
    return x
