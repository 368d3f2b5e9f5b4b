"""JaxLayer: a pair of pure functions as a layer."""

from __future__ import annotations

import inspect
import itertools
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Unpack

import jax
import jax.numpy as jnp

from fkeras.core.randomness import keys, seeds
from fkeras.core.symbolic.keras_tensor import KerasTensor
from fkeras.core.values.variable import Variable
from fkeras.errors import UserInputError
from fkeras.layers.base import nested
from fkeras.layers.base.layer import Layer
from fkeras.layers.base.options import LayerOptions
from fkeras.layers.foreign.drawn_together import DrawnTogether
from fkeras.types import Nested, PyTree, SeedLike, Shape, Tensor

_CALL_PARAMETERS = {"params", "state", "rng", "inputs", "training"}
_INIT_PARAMETERS = {"rng", "inputs", "training"}


class JaxLayer(Layer):
    """A pair of pure functions as a layer.

    Args:
        call_fn: function of some of `params`, `state`, `rng`, `inputs`, `training`, by these names
            and in any order; returns outputs, or `(outputs, new_state)` where it takes `state`.
        init_fn: function of some of `rng`, `inputs`, `training`; returns `params`, or
            `(params, state)` where `call_fn` takes `state`.
        params, state: values to start with instead of `init_fn`'s.
        seed: seed for `init_fn`, which then decides in every place and for every key; None for the
            model's key and the layer's place in the model.
        native_serialization_platforms: kept in the config for Keras on TensorFlow, whose exports it
            is for; no effect here.

    Raises:
        UserInputError: no function, functions of other parameters, nothing to start with.

    Examples:
        >>> import fkeras, jax, jax.numpy as jnp
        >>> def init_fn(rng, inputs):
        ...     return {"w": jax.random.normal(rng, (inputs.shape[-1], 2))}
        >>> def call_fn(params, inputs):
        ...     return inputs @ params["w"]
        >>> fkeras.layers.JaxLayer(call_fn, init_fn)(jnp.ones((4, 3))).shape
        (4, 2)
    """

    def __init__(
        self,
        call_fn: Callable[..., Any],
        init_fn: Callable[..., PyTree] | None = None,
        params: PyTree = None,
        state: PyTree = None,
        seed: SeedLike | None = None,
        native_serialization_platforms: Sequence[str] | None = None,
        **kwargs: Unpack[LayerOptions],
    ):
        super().__init__(**kwargs)
        if call_fn is None or not callable(call_fn):
            raise UserInputError(f"JaxLayer: `call_fn` must be a function. Received: {call_fn!r}")
        if init_fn is None and params is None and state is None:
            raise UserInputError(
                "JaxLayer: `init_fn`, `params` and `state` cannot all be `None`. Give `init_fn`, "
                "or values to start with."
            )
        self.call_fn = call_fn
        self.init_fn = init_fn
        self.seed = seed
        self.native_serialization_platforms = native_serialization_platforms
        self.params = self.state = None
        self._call_names = _parameter_names("call_fn", call_fn, _CALL_PARAMETERS)
        if init_fn is not None:
            self._init_names = _parameter_names("init_fn", init_fn, _INIT_PARAMETERS)
        # With `init_fn` and a state alone, both come from `init_fn`, which needs inputs.
        if params is not None or state is not None and init_fn is None:
            self._adopt(params, state)

    def _adopt(self, params: PyTree, state: PyTree, draws: DrawnTogether | None = None) -> None:
        indices = itertools.count()  # of the leaves of (params, state)
        self.params = _variables_of(params, "params", True, indices, draws)
        self.state = _variables_of(state, "state", False, indices, draws)

    def _init_for(self, inputs: Nested[Tensor | KerasTensor]) -> Callable[[jax.Array], Any]:
        """`init_fn` for such inputs, as a function of a key that returns `(params, state)`."""
        like = jax.tree.map(_struct, inputs, is_leaf=_is_symbolic)

        def make(key: jax.Array) -> tuple[PyTree, PyTree]:
            zeros = jax.tree.map(lambda x: jnp.zeros(x.shape, x.dtype), like)
            available = {"rng": key, "training": True, "inputs": zeros}
            initial = self.init_fn(**{name: available[name] for name in self._init_names})
            initial = initial if "state" in self._call_names else (initial, None)
            return jax.tree.map(jnp.asarray, tuple(initial))

        return make

    def _needs_no_build(self) -> bool:
        return self.init_fn is None or self.params is not None

    def build(self, input_shape: Nested[Shape] | None = None) -> None:
        """Makes the values that `init_fn` returns for inputs of this shape and the layer's dtype. A
        call makes them for inputs as they come.
        """
        if input_shape is not None:
            inputs = nested.map_shapes(
                lambda shape: KerasTensor(shape, dtype=self.input_dtype), input_shape
            )
            self._make_variables(inputs)

    def _run_build(self, call_args: dict[str, Any]) -> None:
        self._make_variables(next(iter(call_args.values())))
        self._info.built = True

    def _make_variables(self, inputs: Nested[Tensor | KerasTensor]) -> None:
        if self.params is None and self.init_fn is not None:
            draws = DrawnTogether(self, self._init_for(inputs), self.seed)
            params, state = draws.shapes()
            self._adopt(params, state, draws)

    def call(self, inputs: Nested[Tensor], training: bool = False) -> Nested[Tensor]:
        # Functions, since only what `call_fn` takes is read, or drawn.
        available = {
            "params": lambda: _values_of(self.params),
            "state": lambda: _values_of(self.state),
            "inputs": lambda: inputs,
            "training": lambda: bool(training),
            "rng": lambda: keys.key_from_data(seeds.draw_seed(None)),
        }
        outputs = self.call_fn(**{name: available[name]() for name in self._call_names})
        if "state" not in self._call_names:
            return outputs
        outputs, new_state = outputs
        jax.tree.map(
            lambda variable, value: variable.assign(value),
            self.state,
            new_state,
            is_leaf=_is_variable,
        )
        return outputs


def _parameter_names(argument: str, function: Callable[..., Any], allowed: set[str]) -> list[str]:
    """Names of a function's parameters, all of them `allowed`, `inputs` among them."""
    names = [
        name
        for name, parameter in inspect.signature(function).parameters.items()
        if parameter.kind not in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
    ]
    surplus = [name for name in names if name not in allowed]
    if surplus or "inputs" not in names:
        wrong = f"has `{surplus[0]}`, which it may not" if surplus else "lacks `inputs`"
        raise UserInputError(
            f"JaxLayer: the function of argument `{argument}` "
            f"({getattr(function, '__name__', function)}) {wrong}: it takes {names}; it may take "
            f"{sorted(allowed)} and must take ['inputs']."
        )
    return names


def _variables_of(
    tree: PyTree,
    attribute: str,
    trainable: bool,
    indices: Iterator[int],
    draws: DrawnTogether | None,
) -> PyTree:
    """A Variable in the place of each array, named by its path; `attribute` for an array alone."""

    def adopt(path: tuple[Any, ...], leaf: Any) -> Variable:
        steps = [str(getattr(step, "key", getattr(step, "idx", step))) for step in path]
        name = ("_".join(steps) or attribute).replace("/", "_")
        index = next(indices)
        if draws is None:
            return Variable(leaf, trainable=trainable, name=name)
        return Variable(
            draws.initializer_of(index, "_".join([attribute, *steps])),
            shape=leaf.shape,
            dtype=leaf.dtype,
            trainable=trainable,
            name=name,
        )

    return None if tree is None else jax.tree_util.tree_map_with_path(adopt, tree)


def _values_of(tree: PyTree) -> PyTree:
    return jax.tree.map(lambda variable: variable.value, tree, is_leaf=_is_variable)


def _is_variable(value: object) -> bool:
    return isinstance(value, Variable)


def _is_symbolic(value: object) -> bool:
    return isinstance(value, KerasTensor)


def _struct(x: Tensor | KerasTensor) -> jax.ShapeDtypeStruct:
    """Inputs to initialise with: 2 for sizes that may vary."""
    shape = tuple(2 if size is None else size for size in x.shape)
    return jax.ShapeDtypeStruct(shape, x.dtype)
