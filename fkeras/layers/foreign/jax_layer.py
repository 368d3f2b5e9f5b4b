"""JaxLayer: a pair of pure functions as a layer."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, Unpack

import jax
import jax.numpy as jnp

from fkeras.core.randomness import keys, seeds
from fkeras.core.symbolic.keras_tensor import KerasTensor
from fkeras.core.values.variable import Variable
from fkeras.errors import UserInputError
from fkeras.layers.base.layer import Layer
from fkeras.layers.base.options import LayerOptions
from fkeras.types import Nested, PyTree, SeedLike, Tensor

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
        seed: seed for `init_fn`; None for the process's.

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
        self.params = self.state = None
        self._call_names = _parameter_names(call_fn, _CALL_PARAMETERS)
        if init_fn is not None:
            self._init_names = _parameter_names(init_fn, _INIT_PARAMETERS)
        # With `init_fn` and a state alone, both come from `init_fn`, which needs inputs.
        if params is not None or state is not None and init_fn is None:
            self._adopt(params, state)

    def _adopt(self, params: PyTree, state: PyTree) -> None:
        self.params = _variables_of(params, trainable=True, name="params")
        self.state = _variables_of(state, trainable=False, name="state")

    def _needs_no_build(self) -> bool:
        return self.init_fn is None or self.params is not None

    def _run_build(self, call_args: dict[str, Any]) -> None:
        if self.params is None and self.init_fn is not None:
            inputs = next(iter(call_args.values()))
            # The layer may be called inside a trace, and its Variables outlive that trace: values
            # are computed now, not staged.
            with jax.ensure_compile_time_eval():
                available = {
                    "rng": keys.key_from_data(seeds.key_data_of(self.seed)),
                    "training": True,
                    "inputs": jax.tree.map(_zeros, inputs, is_leaf=_is_symbolic),
                }
                initial = self.init_fn(**{name: available[name] for name in self._init_names})
            params, state = initial if "state" in self._call_names else (initial, None)
            self._adopt(params, state)
        self._info.built = True

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


def _parameter_names(function: Callable[..., Any], allowed: set[str]) -> list[str]:
    """Names of a function's parameters, all of them `allowed`, `inputs` among them."""
    names = [
        name
        for name, parameter in inspect.signature(function).parameters.items()
        if parameter.kind not in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
    ]
    if set(names) - allowed or "inputs" not in names:
        raise UserInputError(
            f"JaxLayer: {getattr(function, '__name__', function)} takes {names}; it may take "
            f"{sorted(allowed)} and must take ['inputs']."
        )
    return names


def _variables_of(tree: PyTree, trainable: bool, name: str) -> PyTree:
    """A Variable in the place of each array, named by its path; `name` for an array alone."""

    def adopt(path, leaf):
        steps = [str(getattr(step, "key", getattr(step, "idx", step))) for step in path]
        return Variable(leaf, trainable=trainable, name=("_".join(steps) or name).replace("/", "_"))

    return None if tree is None else jax.tree_util.tree_map_with_path(adopt, tree)


def _values_of(tree: PyTree) -> PyTree:
    return jax.tree.map(lambda variable: variable.value, tree, is_leaf=_is_variable)


def _is_variable(value: object) -> bool:
    return isinstance(value, Variable)


def _is_symbolic(value: object) -> bool:
    return isinstance(value, KerasTensor)


def _zeros(x: Tensor | KerasTensor) -> jax.Array:
    """Inputs to initialise with: 2 for sizes that may vary."""
    return jnp.zeros(tuple(2 if size is None else size for size in x.shape), x.dtype)
