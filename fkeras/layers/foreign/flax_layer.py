"""Flax modules and bare functions as layers: `FlaxLayer` for `nnx` and `linen` modules, `JaxLayer`
for a pair of functions.
"""

import inspect

import jax
import jax.numpy as jnp
from flax import nnx

from fkeras.core.randomness import seeds
from fkeras.core.symbolic.keras_tensor import KerasTensor
from fkeras.core.values.variable import Variable
from fkeras.errors import UserInputError
from fkeras.layers.base.layer import Layer


class FlaxLayer(Layer):
    """A Flax module as a layer.

    A `flax.nnx` module is used as it is: its Variables are the layer's. A `flax.linen` module gets
    its variables at the first call, from the model's key; its collections other than 'params' are
    state. `training` is passed on under the name that the module knows: `training`, `train`,
    `deterministic`, `is_training` or `use_running_average`.

    Args:
        module: a `flax.nnx.Module` object or a `flax.linen.Module`.
        method: linen only: name of the method to call, or a function `(module, ...)`; None for
            `__call__`.
        variables: linen only: variables to start with; None to draw them.

    Examples:
        >>> import fkeras, jax.numpy as jnp
        >>> from flax import nnx
        >>> layer = fkeras.layers.FlaxLayer(nnx.Linear(3, 2, rngs=nnx.Rngs(0)))
        >>> layer(jnp.ones((5, 3))).shape, len(layer.trainable_weights)
        ((5, 2), 2)
    """

    def __init__(self, module, method=None, variables=None, **kwargs):
        super().__init__(**kwargs)
        self.module, self.method = module, method
        self._linen = not isinstance(module, nnx.Module)
        if self._linen and not (hasattr(module, "init") and hasattr(module, "apply")):
            raise UserInputError(
                f"FlaxLayer takes a flax.nnx or flax.linen module. Received: {module!r} of type "
                f"{type(module).__name__}"
            )
        self.linen_variables: dict = {}
        if variables is not None:
            self._adopt_linen(variables)

    def _needs_no_build(self):
        return not self._linen or bool(self.linen_variables)

    def _run_build(self, call_args):
        if self._linen and not self.linen_variables:
            inputs = next(iter(call_args.values()))
            self._adopt_linen(self._linen_shapes(inputs), drawn=inputs)
        self._info.built = True
        self._info.build_shapes = {"input_shape": tuple(next(iter(call_args.values())).shape)}

    def _linen_shapes(self, inputs):
        kwargs = self._mode(False)
        struct = jax.ShapeDtypeStruct(
            tuple(2 if d is None else d for d in inputs.shape), inputs.dtype
        )
        return jax.eval_shape(
            lambda k, x: self.module.init(_linen_keys(k), x, method=self.method, **kwargs),
            jax.random.key(0),
            struct,
        )

    def _adopt_linen(self, variables, drawn=None):
        """One Variable for each leaf; drawn by linen's own initializers where only shapes are
        known.
        """
        draw = _LinenDraw(self, drawn, variables) if drawn is not None else None

        def make(collection, path, leaf):
            trainable = collection == "params"
            if draw is None:
                return Variable(leaf, trainable=trainable, name=path[-1])
            return Variable(
                draw.of((collection, *path)),
                shape=leaf.shape,
                dtype=leaf.dtype,
                trainable=trainable,
                name=path[-1],
            )

        def walk(collection, path, tree):
            return {
                k: walk(collection, (*path, k), v)
                if hasattr(v, "items")
                else make(collection, (*path, k), v)
                for k, v in tree.items()
            }

        self.linen_variables = {c: walk(c, (), tree) for c, tree in variables.items()}

    def _mode(self, training):
        call = (
            self.module.__call__
            if self.method is None
            else (
                getattr(self.module, self.method) if isinstance(self.method, str) else self.method
            )
        )
        try:
            known = inspect.signature(call).parameters
        except (TypeError, ValueError):
            return {}
        for name in ("training", "train", "is_training"):
            if name in known:
                return {name: bool(training)}
        for name in ("deterministic", "use_running_average"):
            if name in known:
                return {name: not training}
        return {}

    def call(self, inputs, training=None):
        kwargs = self._mode(training)
        if not self._linen:
            return self.module(inputs, **kwargs)
        values = jax.tree.map(
            lambda v: v.value, self.linen_variables, is_leaf=lambda v: isinstance(v, Variable)
        )
        mutable = [c for c in values if c != "params"] if training else []
        rngs = _linen_keys(jax.random.wrap_key_data(seeds.draw_seed(None))) if training else None
        if not mutable:
            return self.module.apply(values, inputs, method=self.method, rngs=rngs, **kwargs)
        outputs, changed = self.module.apply(
            values, inputs, method=self.method, rngs=rngs, mutable=mutable, **kwargs
        )
        _write(self.linen_variables, changed)
        return outputs


def _write(variables, values):
    for name, value in values.items():
        if isinstance(variables[name], Variable):
            variables[name].assign(value)
        else:
            _write(variables[name], value)


def _linen_keys(key):
    return {"params": key, "dropout": jax.random.fold_in(key, 1)}


class _LinenDraw:
    """Linen's own initialisation: all leaves come from one `init`, for whatever key the model
    gives.
    """

    def __init__(self, layer, inputs, shapes):
        self.layer, self.shape, self.dtype = (
            layer,
            tuple(2 if d is None else d for d in inputs.shape),
            inputs.dtype,
        )

    def of(self, path):
        def draw(shape, dtype=None):
            scope = seeds.current_scope()
            key = (
                scope.key
                if scope is not None
                else jax.random.wrap_key_data(jnp.asarray(seeds.key_data_of(None)))
            )
            variables = self.layer.module.init(
                _linen_keys(key),
                jnp.zeros(self.shape, self.dtype),
                method=self.layer.method,
                **self.layer._mode(False),
            )
            for name in path:
                variables = variables[name]
            return variables

        return draw


class JaxLayer(Layer):
    """A pair of pure functions as a layer.

    Args:
        call_fn: function of some of `params`, `state`, `rng`, `inputs`, `training`, by these names
            and in any order; returns outputs, or `(outputs, new_state)` where it takes `state`.
        init_fn: function of some of `rng`, `inputs`, `training`; returns `params`, or
            `(params, state)` where `call_fn` takes `state`.
        params, state: values to start with instead of `init_fn`'s.
        seed: seed for `init_fn`; None for the process's.

    Examples:
        >>> import fkeras, jax, jax.numpy as jnp
        >>> def init_fn(rng, inputs):
        ...     return {"w": jax.random.normal(rng, (inputs.shape[-1], 2))}
        >>> def call_fn(params, inputs):
        ...     return inputs @ params["w"]
        >>> fkeras.layers.JaxLayer(call_fn, init_fn)(jnp.ones((4, 3))).shape
        (4, 2)
    """

    def __init__(self, call_fn, init_fn=None, params=None, state=None, seed=None, **kwargs):
        super().__init__(**kwargs)
        if call_fn is None or not callable(call_fn):
            raise UserInputError(f"JaxLayer: `call_fn` must be a function. Received: {call_fn!r}")
        if init_fn is None and params is None and state is None:
            raise UserInputError(
                "JaxLayer: `init_fn`, `params` and `state` cannot all be `None`. Give `init_fn`, "
                "or values to start with."
            )
        self.call_fn, self.init_fn, self.seed = call_fn, init_fn, seed
        self.params = self.state = None
        self._takes = _parameters(
            call_fn, {"params", "state", "rng", "inputs", "training"}, required={"inputs"}
        )
        if init_fn is not None:
            self._init_takes = _parameters(
                init_fn, {"rng", "inputs", "training"}, required={"inputs"}
            )
        if params is not None or state is not None and init_fn is None:
            self._adopt(params, state)

    def _adopt(self, params, state):
        self.params = self._variables(params, True, "params")
        self.state = self._variables(state, False, "state")

    def _variables(self, tree, trainable, prefix):
        def make(path, leaf):
            name = "_".join(str(getattr(p, "key", getattr(p, "idx", p))) for p in path) or prefix
            return Variable(leaf, trainable=trainable, name=name.replace("/", "_"))

        return None if tree is None else jax.tree_util.tree_map_with_path(make, tree)

    def _needs_no_build(self):
        return self.init_fn is None or self.params is not None

    def _run_build(self, call_args):
        if self.params is None and self.init_fn is not None:
            inputs = next(iter(call_args.values()))
            with jax.ensure_compile_time_eval():
                arguments = {
                    "rng": jax.random.wrap_key_data(jnp.asarray(seeds.key_data_of(self.seed))),
                    "training": True,
                    "inputs": jax.tree.map(
                        _zeros, inputs, is_leaf=lambda x: isinstance(x, KerasTensor)
                    ),
                }
                made = self.init_fn(**{n: arguments[n] for n in self._init_takes})
            params, state = made if "state" in self._takes else (made, None)
            self._adopt(params, state)
        self._info.built = True

    def call(self, inputs, training=False):
        read = lambda tree: jax.tree.map(
            lambda v: v.value, tree, is_leaf=lambda v: isinstance(v, Variable)
        )
        available = {
            "params": lambda: read(self.params),
            "state": lambda: read(self.state),
            "inputs": lambda: inputs,
            "training": lambda: bool(training),
            "rng": lambda: jax.random.wrap_key_data(seeds.draw_seed(None)),
        }
        outputs = self.call_fn(**{n: available[n]() for n in self._takes})
        if "state" not in self._takes:
            return outputs
        outputs, new_state = outputs
        jax.tree.map(
            lambda v, x: v.assign(x),
            self.state,
            new_state,
            is_leaf=lambda v: isinstance(v, Variable),
        )
        return outputs


def _parameters(fn, known, required):
    names = [
        n
        for n, p in inspect.signature(fn).parameters.items()
        if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)
    ]
    unknown = [n for n in names if n not in known]
    lacking = [n for n in required if n not in names]
    if unknown or lacking:
        raise UserInputError(
            f"JaxLayer: {getattr(fn, '__name__', fn)} takes {names}; it may take {sorted(known)} "
            f"and must take {sorted(required)}."
        )
    return names


def _zeros(x):
    return jnp.zeros(tuple(2 if d is None else d for d in x.shape), x.dtype)
