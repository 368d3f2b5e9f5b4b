"""FlaxLayer: a `flax.nnx` or `flax.linen` module as a layer."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Unpack

import jax
import jax.numpy as jnp
from flax import nnx

from fkeras.core.randomness import key_scopes, keys, seeds
from fkeras.core.symbolic.keras_tensor import KerasTensor
from fkeras.core.values.variable import Variable
from fkeras.errors import UserInputError
from fkeras.layers.base.layer import Layer
from fkeras.layers.base.options import LayerOptions
from fkeras.types import Nested, PyTree, Tensor

if TYPE_CHECKING:
    from flax import linen

# Names under which modules take what Keras calls `training`, and those that mean its opposite.
_TRAINING_NAMES = ("training", "train", "is_training")
_INFERENCE_NAMES = ("deterministic", "use_running_average")


class FlaxLayer(Layer):
    """A Flax module as a layer.

    A `flax.nnx` module is used as it is: its Variables are the layer's. A `flax.linen` module gets
    its variables at the first call, from the model's key; its collections other than 'params' are
    state. `training` is passed on under the name that the module has for it: `training`, `train`,
    `deterministic`, `is_training` or `use_running_average`.

    Args:
        module: a `flax.nnx.Module` object or a `flax.linen.Module`.
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
    """

    def __init__(
        self,
        module: nnx.Module | linen.Module,
        method: str | Callable[..., Any] | None = None,
        variables: Mapping[str, PyTree] | None = None,
        **kwargs: Unpack[LayerOptions],
    ):
        super().__init__(**kwargs)
        self.module = module
        self.method = method
        self._linen = not isinstance(module, nnx.Module)
        # Told by its methods: importing linen, which users of nnx need not have loaded, is slow.
        if self._linen and not (hasattr(module, "init") and hasattr(module, "apply")):
            raise UserInputError(
                f"FlaxLayer takes a flax.nnx or flax.linen module. Received: {module!r} of type "
                f"{type(module).__name__}"
            )
        self.linen_variables: dict[str, Any] = {}
        if variables is not None:
            self._adopt_linen(variables)

    def _needs_no_build(self) -> bool:
        return not self._linen or bool(self.linen_variables)

    def _run_build(self, call_args: dict[str, Any]) -> None:
        inputs = next(iter(call_args.values()))
        if self._linen and not self.linen_variables:
            self._adopt_linen(self._linen_shapes(inputs), _LinenDraw(self, inputs))
        self._info.built = True
        self._info.build_shapes = {"input_shape": tuple(inputs.shape)}

    def _linen_shapes(self, inputs: Tensor | KerasTensor) -> dict[str, Any]:
        """Shapes in the place of the module's variables."""
        mode = self._mode(False)
        like_inputs = jax.ShapeDtypeStruct(_example_shape(inputs), inputs.dtype)
        return jax.eval_shape(
            lambda key, x: self.module.init(_linen_keys(key), x, method=self.method, **mode),
            jax.random.key(0),
            like_inputs,
        )

    def _adopt_linen(self, variables: Mapping[str, PyTree], draw: _LinenDraw | None = None) -> None:
        """One Variable for each leaf; drawn by linen's own initializers with `draw`."""

        def adopt(path: tuple[str, ...], tree: PyTree) -> Nested[Variable]:
            if hasattr(tree, "items"):
                return {name: adopt((*path, name), value) for name, value in tree.items()}
            trainable = path[0] == "params"
            if draw is None:
                return Variable(tree, trainable=trainable, name=path[-1])
            return Variable(
                draw.initializer_of(path),
                shape=tree.shape,
                dtype=tree.dtype,
                trainable=trainable,
                name=path[-1],
            )

        self.linen_variables = {name: adopt((name,), tree) for name, tree in variables.items()}

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
            return self.module(inputs, **mode)
        values = jax.tree.map(
            lambda variable: variable.value, self.linen_variables, is_leaf=_is_variable
        )
        # Drawn in training alone: a pure call at rest needs no key.
        rngs = _linen_keys(keys.key_from_data(seeds.draw_seed(None))) if training else None
        mutable = [name for name in values if name != "params"] if training else []
        # Without `mutable`, linen returns the outputs alone.
        if not mutable:
            return self.module.apply(values, inputs, method=self.method, rngs=rngs, **mode)
        outputs, changed = self.module.apply(
            values, inputs, method=self.method, rngs=rngs, mutable=mutable, **mode
        )
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


def _linen_keys(key: jax.Array) -> dict[str, jax.Array]:
    return {"params": key, "dropout": jax.random.fold_in(key, 1)}


def _example_shape(inputs: Tensor | KerasTensor) -> tuple[int, ...]:
    """The shape of inputs to initialise with: 2 for sizes that may vary."""
    return tuple(2 if size is None else size for size in inputs.shape)


class _LinenDraw:
    """Linen's own initialisation, for whatever key the model gives.

    All leaves come from one `init`: linen derives their keys from their places in the module.
    """

    def __init__(self, layer: FlaxLayer, inputs: Tensor | KerasTensor):
        self.layer = layer
        self.shape = _example_shape(inputs)
        self.dtype = inputs.dtype

    def initializer_of(self, path: tuple[str, ...]) -> Callable[..., jax.Array]:
        """The initializer of the leaf at `path`, collection first."""

        def draw(shape, dtype=None):
            scope = key_scopes.current_scope()
            if scope is None:
                key = keys.key_from_data(seeds.key_data_of(None))
            else:
                key = scope.key
            # The whole `init` for each leaf: of one program, XLA removes what is not asked for.
            leaf = self.layer.module.init(
                _linen_keys(key),
                jnp.zeros(self.shape, self.dtype),
                method=self.layer.method,
                **self.layer._mode(False),
            )
            for name in path:
                leaf = leaf[name]
            return leaf

        return draw
