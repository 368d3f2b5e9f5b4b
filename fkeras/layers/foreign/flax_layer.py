"""FlaxLayer: a `flax.nnx` or `flax.linen` module as a layer."""

from __future__ import annotations

import inspect
import itertools
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Unpack

import jax
import jax.numpy as jnp
from flax import nnx
from flax.errors import InvalidRngError

from fkeras.core.randomness import key_scopes, keys, seeds
from fkeras.core.symbolic.keras_tensor import KerasTensor
from fkeras.core.values import lending
from fkeras.core.values.variable import Variable
from fkeras.errors import PureCallError, UserInputError
from fkeras.layers.base.layer import Layer
from fkeras.layers.base.options import LayerOptions
from fkeras.layers.foreign import nnx_modules
from fkeras.layers.foreign.drawn_together import DrawnTogether
from fkeras.types import Nested, PyTree, Shape, Tensor

if TYPE_CHECKING:
    from flax import linen

# Names under which modules take what Keras calls `training`, and those that mean its opposite.
_TRAINING_NAMES = ("training", "train", "is_training")
_INFERENCE_NAMES = ("deterministic", "use_running_average")


class FlaxLayer(Layer):
    """A Flax module as a layer.

    A `flax.nnx` module is used as it is: its Variables are the layer's, and keep the values that
    they have; `init(key)` returns these and warns. A function of an `nnx.Rngs` that makes the
    module leaves the values to `init(key)` and to the model's key. A `flax.linen` module gets its
    variables at the first call, from the model's key; its collections other than 'params' are
    state, which each call may change (batch statistics change in training alone, since the module
    is told). `training` is passed on under the name that the module has for it: `training`,
    `train`, `deterministic`, `is_training` or `use_running_average`.

    In a pure call with `rngs=` all random streams of the module draw from its keys, and count
    nothing; without it those of an nnx module count their own state on.

    Args:
        module: a `flax.nnx.Module` object, a function `rngs -> nnx.Module`, or a
            `flax.linen.Module`.
        method: linen only: name of the method to call, or a function `(module, ...)`; None for
            `__call__`.
        variables: linen only: variables to start with; None to draw them.

    Raises:
        UserInputError: a module that is neither.

    Examples:
        >>> import fkeras, jax.numpy as jnp
        >>> from flax import nnx
        >>> layer = fkeras.layers.FlaxLayer(nnx.Linear(3, 2, rngs=nnx.Rngs(0)))
        >>> layer(jnp.ones((5, 3))).shape, len(layer.trainable_weights)
        ((5, 2), 2)
        >>> import jax
        >>> layer = fkeras.layers.FlaxLayer(lambda rngs: nnx.Linear(3, 2, rngs=rngs))
        >>> members = jax.vmap(lambda key: layer.init(key))(jax.random.split(jax.random.key(0), 4))
        >>> members["params"]["module"]["kernel"].shape
        (4, 3, 2)
    """

    def __init__(
        self,
        module: nnx.Module | linen.Module | nnx_modules.ModuleFactory,
        method: str | Callable[..., Any] | None = None,
        variables: Mapping[str, PyTree] | None = None,
        **kwargs: Unpack[LayerOptions],
    ):
        super().__init__(**kwargs)
        # Told by its methods: importing linen, which users of nnx need not have loaded, is slow.
        self._linen = hasattr(module, "init") and hasattr(module, "apply")
        self._linen = self._linen and not isinstance(module, (nnx.Module, type))
        if not self._linen and not isinstance(module, nnx.Module):
            if not callable(module):
                raise UserInputError(
                    "FlaxLayer takes a flax.nnx or flax.linen module. Received: "
                    f"{module!r} of type {type(module).__name__}"
                )
            module = nnx_modules.undrawn_module(self, module, attribute="module")
        self.module = module
        self.method = method
        self.linen_variables: dict[str, Any] = {}
        if variables is not None:
            self._adopt_linen(variables)

    @property
    def params(self) -> Mapping[str, Nested[Variable]]:
        """Linen only: the Variables of its collection 'params'."""
        return self.linen_variables.get("params", {})

    @property
    def state(self) -> Mapping[str, Nested[Variable]]:
        """Linen only: the Variables of its other collections, by name."""
        return {k: v for k, v in self.linen_variables.items() if k != "params"}

    def _needs_no_build(self) -> bool:
        return not self._linen or bool(self.linen_variables)

    def build(self, input_shape: Nested[Shape] | None = None) -> None:
        """Makes the variables of a linen module from the shape of its input, of the layer's dtype.
        A call makes them for inputs as they come.
        """
        if input_shape is not None:
            self._make_variables(KerasTensor(input_shape, dtype=self.input_dtype))

    def _run_build(self, call_args: dict[str, Any]) -> None:
        inputs = next(iter(call_args.values()))
        self._make_variables(inputs)
        self._info.built = True
        self._info.build_shapes = {"input_shape": tuple(inputs.shape)}

    def _make_variables(self, inputs: Tensor | KerasTensor) -> None:
        if self._linen and not self.linen_variables:
            draws = DrawnTogether(self, self._linen_init(inputs))
            self._adopt_linen(draws.shapes(), draws)

    def _linen_init(self, inputs: Tensor | KerasTensor) -> Callable[[jax.Array], dict[str, Any]]:
        """Linen's own initialisation for such inputs, as a function of a key."""
        shape, dtype = _example_shape(inputs), inputs.dtype
        mode = self._mode(False)

        def make(key: jax.Array) -> dict[str, Any]:
            x = jnp.zeros(shape, dtype)
            variables = self.module.init(_linen_keys(key), x, method=self.method, **mode)
            return _as_dicts(variables)

        return make

    def _adopt_linen(
        self, variables: Mapping[str, PyTree], draws: DrawnTogether | None = None
    ) -> None:
        """One Variable for each leaf; drawn by linen's own initializers with `draws`."""
        variables = _as_dicts(variables)
        indices = itertools.count()  # in the order of JAX's leaves: dicts by sorted names

        def adopt(path: tuple[str, ...], tree: PyTree) -> Nested[Variable]:
            if isinstance(tree, dict):
                adopted = {name: adopt((*path, name), tree[name]) for name in sorted(tree)}
                return {name: adopted[name] for name in tree}
            trainable = path[0] == "params"
            if draws is None:
                return Variable(tree, trainable=trainable, name=path[-1])
            path_below = "_".join(["linen_variables", *path])  # as `attribute_scan` names it
            return Variable(
                draws.initializer_of(next(indices), path_below),
                shape=tree.shape,
                dtype=tree.dtype,
                trainable=trainable,
                name=path[-1],
            )

        self.linen_variables = {name: adopt((name,), variables[name]) for name in sorted(variables)}

    def _mode(self, training: bool | None) -> dict[str, bool]:
        """`training` under the name that the module's method has for it; empty for none."""
        method = self.module.__call__
        if self.method is not None:
            named = isinstance(self.method, str)
            method = getattr(self.module, self.method) if named else self.method
        try:
            parameters = inspect.signature(method).parameters
        except (TypeError, ValueError):  # a callable without a signature
            return {}
        for name in _TRAINING_NAMES:
            if name in parameters:
                return {name: bool(training)}
        for name in _INFERENCE_NAMES:
            if name in parameters:
                return {name: not training}
        return {}

    def call(self, inputs: Tensor, training: bool | None = None) -> Nested[Tensor]:
        mode = self._mode(training)
        if not self._linen:
            with nnx_modules.keys_of_call(self.module):
                return self.module(inputs, **mode)
        values = jax.tree.map(
            lambda variable: variable.value, self.linen_variables, is_leaf=_is_variable
        )
        # Drawn in training alone: a pure call at rest needs no key.
        rngs = _linen_keys_of_call() if training else None
        mutable = [name for name in values if name != "params"]
        try:
            result = self.module.apply(
                values, inputs, method=self.method, rngs=rngs, mutable=mutable or False, **mode
            )
        except InvalidRngError as error:
            if not training:
                raise
            given = f"keys for {sorted(rngs)} alone" if rngs else "no key"
            raise PureCallError(
                f"Layer '{self.name}' draws random numbers ({error.args[0]}), but the call was "
                f"given {given}. Pass one: `apply(variables, x, training=True, "
                "rngs=jax.random.key(0))`."
            ) from error
        if not mutable:
            return result  # linen returns the outputs alone
        outputs, changed = result
        _write(self.linen_variables, changed)
        return outputs


def _is_variable(value: object) -> bool:
    return isinstance(value, Variable)


def _write(variables: Mapping[str, Any], values: Mapping[str, Any]) -> None:
    """Assigns new values to the Variables at the same places in nested dicts."""
    for name, value in values.items():
        if isinstance(variables[name], Variable):
            variables[name].assign(value)
        else:
            _write(variables[name], value)


def _as_dicts(tree: PyTree) -> PyTree:
    """Plain dicts in the place of Flax's frozen ones, and values out of their boxes of metadata."""
    if hasattr(tree, "items"):
        return {name: _as_dicts(value) for name, value in tree.items()}
    return tree


def _linen_keys(key: jax.Array) -> dict[str, jax.Array]:
    return {"params": key, "dropout": jax.random.fold_in(key, 1)}


def _linen_keys_of_call() -> dict[str, jax.Array] | None:
    """What a linen module draws from in training; None where a pure call was given no key, which
    linen says where it misses one.
    """
    scope = key_scopes.current_scope()
    if scope is None or lending.in_abstract_call():
        return _linen_keys(keys.key_from_data(seeds.draw_seed(None)))
    if not scope.has_keys():
        return None
    if scope.streams is None:
        return _linen_keys(keys.key_from_data(seeds.draw_seed(None)))
    names = {*scope.streams, "params", "dropout"} - {key_scopes.DEFAULT_STREAM}
    return {
        name: keys.key_from_data(seeds.draw_from(name))
        for name in sorted(names)
        if scope.key_of_stream(name) is not None
    }


def _example_shape(inputs: Tensor | KerasTensor) -> tuple[int, ...]:
    """The shape of inputs to initialise with: 2 for sizes that may vary."""
    return tuple(2 if size is None else size for size in inputs.shape)
