"""Several optimizers, each for some of the parameters."""

import re
from collections.abc import MutableMapping

import jax.numpy as jnp

from fkeras.core.config import serialization
from fkeras.errors import UserInputError, UserTypeError
from fkeras.optimizers.leaves import leaf_of, with_decay
from fkeras.optimizers.loss_scale import LossScaleOptimizer
from fkeras.optimizers.optimizer import Optimizer
from fkeras.optimizers.rates import NoLearningRateError


class OptimizerMap(MutableMapping):
    """Optimizers by the path of a parameter.

    A key is a path or a regular expression that must match the whole of one: `"encoder/.*"` is all
    below `encoder`. An exact path wins; a path that two expressions match is an error.

    Args:
        default_optimizer: for all other parameters.
        optimizer_map: dict from keys to optimizers.

    Examples:
        >>> import fkeras
        >>> chosen = fkeras.optimizers.OptimizerMap(fkeras.optimizers.SGD(name="rest"))
        >>> chosen["encoder/.*"] = fkeras.optimizers.Adam(name="slow")
        >>> chosen["encoder/dense/kernel"].name, chosen["head/kernel"].name
        ('slow', 'rest')
    """

    def __init__(self, default_optimizer, optimizer_map=None):
        if not isinstance(default_optimizer, Optimizer):
            raise UserTypeError(
                "default_optimizer must be a Keras Optimizer instance. Received: "
                f"{default_optimizer!r}"
            )
        if optimizer_map is not None and not isinstance(optimizer_map, dict):
            raise UserTypeError(f"optimizer_map must be a dictionary. Received: {optimizer_map!r}")
        _check_single(default_optimizer)
        self._default_optimizer, self._optimizer_map = default_optimizer, {}
        for key, optimizer in (optimizer_map or {}).items():
            self[key] = optimizer

    @property
    def default_optimizer(self):
        """The optimizer of all parameters that no key matches."""
        return self._default_optimizer

    def __getitem__(self, key):
        if key in self._optimizer_map:
            return self._optimizer_map[key]
        matching = [pattern for pattern in self._optimizer_map if re.fullmatch(pattern, key)]
        if len(matching) > 1:
            raise UserInputError(
                f"Multiple optimizers assigned to variable {key}: by the keys {matching}."
            )
        return self._optimizer_map[matching[0]] if matching else self._default_optimizer

    def __setitem__(self, key, optimizer):
        if not isinstance(key, str):
            raise UserInputError(f"key must be a string. Received: {key!r}")
        if key in self._optimizer_map:
            raise UserInputError(
                f"'{key}' already exists in the OptimizerMap with value "
                f"{self._optimizer_map[key]}. Please make sure to not use duplicated keys."
            )
        if not isinstance(optimizer, Optimizer):
            raise UserInputError(
                f"optimizer must be a Keras Optimizer instance. Received: {optimizer!r}"
            )
        _check_single(optimizer)
        self._optimizer_map[key] = optimizer

    def __delitem__(self, key):
        del self._optimizer_map[key]

    def __len__(self):
        return len(self._optimizer_map)

    def __iter__(self):
        return iter(self._optimizer_map)

    def __contains__(self, key):
        return key in self._optimizer_map

    def __call__(self, variable):
        return self[variable.path]

    def get_config(self):
        return {
            "default_optimizer": serialization.serialize_keras_object(self._default_optimizer),
            "optimizer_map": serialization.serialize_keras_object(self._optimizer_map),
        }

    @classmethod
    def from_config(cls, config, custom_objects=None):
        return cls(
            serialization.deserialize_keras_object(
                config["default_optimizer"], custom_objects=custom_objects
            ),
            serialization.deserialize_keras_object(
                config["optimizer_map"], custom_objects=custom_objects
            ),
        )


class MultiOptimizer(Optimizer):
    """Hands each parameter to one of several optimizers.

    It has no learning rate of its own: read and set those of its `optimizers`. In the pure state,
    `optimizers` is the list of their states, each with trees of all parameters, and 0-d zeros where
    another optimizer is in charge.

    Args:
        optimizer_map: an `OptimizerMap`, or a function of a parameter (with `path`, `name` and
            `shape`) that returns its optimizer.
        loss_scale_factor: see `Optimizer`; replaces those of the optimizers.
        name: None for an automatic name.

    Raises:
        UserInputError: an optimizer inside that is itself a MultiOptimizer or a LossScaleOptimizer.

    Examples:
        >>> import fkeras, jax.numpy as jnp
        >>> chosen = fkeras.optimizers.OptimizerMap(fkeras.optimizers.SGD(0.1), {"head/.*": fkeras.optimizers.SGD(1.0)})
        >>> optimizer = fkeras.optimizers.MultiOptimizer(chosen)
        >>> params = {"body": {"w": jnp.zeros(1)}, "head": {"w": jnp.zeros(1)}}
        >>> grads = {"body": {"w": jnp.ones(1)}, "head": {"w": jnp.ones(1)}}
        >>> params, state = optimizer.update(grads, optimizer.init(params), params)
        >>> round(float(params["body"]["w"][0]), 3), float(params["head"]["w"][0])
        (-0.1, -1.0)
    """

    def __init__(self, optimizer_map, loss_scale_factor=None, name=None):
        super().__init__(0.0, loss_scale_factor=loss_scale_factor, name=name)
        if not callable(optimizer_map):
            raise UserTypeError(
                "MultiOptimizer: `optimizer_map` must be an OptimizerMap, or a function of a "
                f"variable that returns its optimizer. Received: {optimizer_map!r}"
            )
        self._optimizer_map, self._inner, self._chosen = optimizer_map, [], {}
        if isinstance(optimizer_map, OptimizerMap):
            for optimizer in (*optimizer_map.values(), optimizer_map.default_optimizer):
                self._position(optimizer)

    @property
    def optimizers(self) -> list:
        """The optimizers, in the order in which they were met."""
        return self._inner

    @property
    def loss_scale_factor(self):
        """The loss scale of this and of all inner optimizers."""
        return self._loss_scale_factor

    @loss_scale_factor.setter
    def loss_scale_factor(self, value):
        self._loss_scale_factor = value
        for optimizer in self.__dict__.get("_inner", ()):
            optimizer.loss_scale_factor = value

    def _position(self, optimizer) -> int:
        for i, known in enumerate(self._inner):
            if known is optimizer:
                return i
        optimizer.loss_scale_factor = self.loss_scale_factor
        self._inner.append(optimizer)
        return len(self._inner) - 1

    def _shares(self, things) -> list[list[int]]:
        """For each optimizer, which of the parameters (Variables or `Leaf`s) it takes.

        The map is asked once for each path, since a function may return a new optimizer each time.
        """
        for thing in things:
            if thing.path not in self._chosen:
                optimizer = self._optimizer_map(thing)
                if not isinstance(optimizer, Optimizer):
                    raise UserInputError(
                        f"Optimizer for variable {thing.path!r} is not an Optimizer instance. "
                        f"Received: {optimizer!r}"
                    )
                _check_single(optimizer, "{} cannot be used inside an MultiOptimizer.")
                self._chosen[thing.path] = self._position(optimizer)
        at = [self._chosen[thing.path] for thing in things]
        return [[i for i, j in enumerate(at) if j == k] for k in range(len(self._inner))]

    # -- pure ------------------------------------------------------------------

    def _first_state(self, params, leaves):
        shares = self._shares(leaves)
        states = [
            optimizer._first_state([params[i] for i in mine], [leaves[i] for i in mine])
            for optimizer, mine in zip(self._inner, shares)
        ]
        return {
            "iteration": jnp.zeros((), jnp.int32),
            "learning_rate": jnp.array(self._learning_rate.value),
            "optimizers": self._spread(states, shares, len(leaves)),
        }

    def _step(self, grads, params, state, leaves):
        shares, params = self._shares(leaves), list(params)
        states = self._gathered(state["optimizers"], shares)
        for k, (optimizer, mine) in enumerate(zip(self._inner, shares)):
            if mine:
                ours = [
                    with_decay(leaves[i], leaves[i].decays and optimizer._decays(leaves[i].name))
                    for i in mine
                ]
                new, states[k] = optimizer._whole_step(
                    [grads[i] for i in mine], [params[i] for i in mine], states[k], ours
                )
                for i, value in zip(mine, new):
                    params[i] = value
        return params, {
            **state,
            "iteration": state["iteration"] + 1,
            "optimizers": self._spread(states, shares, len(leaves)),
        }

    def _final_values(self, params, state, leaves):
        shares, params = self._shares(leaves), list(params)
        for optimizer, inner, mine in zip(
            self._inner, self._gathered(state["optimizers"], shares), shares
        ):
            for i, value in zip(
                mine,
                optimizer._final_values(
                    [params[i] for i in mine], inner, [leaves[i] for i in mine]
                ),
            ):
                params[i] = value
        return params

    def _spread(self, states, shares, count) -> list:
        """States with lists of an optimizer's own parameters -> lists of all parameters."""

        def wide(values, mine):
            held = dict(zip(mine, values))
            return [held[i] if i in held else jnp.zeros((), jnp.float32) for i in range(count)]

        return [
            {k: v if optimizer._is_plain(k) else wide(v, mine) for k, v in state.items()}
            for optimizer, state, mine in zip(self._inner, states, shares)
        ]

    def _gathered(self, states, shares) -> list:
        return [
            {k: v if optimizer._is_plain(k) else [v[i] for i in mine] for k, v in state.items()}
            for optimizer, state, mine in zip(self._inner, states, shares)
        ]

    def _as_trees(self, state, unflatten):
        inner = [
            optimizer._as_trees(s, unflatten)
            for optimizer, s in zip(self._inner, state["optimizers"])
        ]
        return {**state, "optimizers": inner}

    def _as_lists(self, state, flatten):
        super()._as_lists(
            {k: v for k, v in state.items() if k != "optimizers"}, flatten
        )  # its checks
        return {
            **state,
            "optimizers": [
                optimizer._as_lists(s, flatten)
                for optimizer, s in zip(self._inner, state["optimizers"])
            ],
        }

    # -- Variables -------------------------------------------------------------

    def _build_rows(self, variables):
        for optimizer, mine in zip(self._inner, self._shares(variables)):
            if mine:
                optimizer.build([variables[i] for i in mine])

    @property
    def variables(self):
        """Its own Variables, then those of each optimizer."""
        return [*self._variables, *(v for optimizer in self._inner for v in optimizer.variables)]

    def leaves_of(self, variables):
        self._shares(variables)
        return [
            with_decay(leaf_of(v), self._inner[self._chosen[v.path]]._decays(v.name, v))
            for v in variables
        ]

    def dict_state(self, values):
        state = {key: value for (key, _), value in zip(self._rows, values)}
        states, at = [], len(self._variables)
        for optimizer in self._inner:
            states.append(optimizer.dict_state(values[at : at + len(optimizer.variables)]))
            at += len(optimizer.variables)
        return {
            **state,
            "optimizers": self._spread(states, self._shares(self._bound), len(self._bound)),
        }

    def list_state(self, state):
        inner = self._gathered(state["optimizers"], self._shares(self._bound))
        return super().list_state(state) + [
            value for optimizer, s in zip(self._inner, inner) for value in optimizer.list_state(s)
        ]

    def _can_compile(self, leaves):
        return super()._can_compile(leaves) and all(
            optimizer._can_compile(leaves) for optimizer in self._inner
        )

    def _constants(self):
        return repr([optimizer._constants() for optimizer in self._inner])

    @property
    def learning_rate(self):
        """An error: each of `optimizers` has its own."""
        raise NoLearningRateError(
            "Learning rate cannot be accessed on a MultiOptimizer. Access the learning rate on the "
            "individual sub-optimizers instead: `[o.learning_rate for o in optimizer.optimizers]`."
        )

    @learning_rate.setter
    def learning_rate(self, value):
        raise NoLearningRateError(
            "Learning rate cannot be set on a MultiOptimizer. Set the learning rate on the "
            "individual sub-optimizers instead: `for o in optimizer.optimizers: o.learning_rate = "
            "...`."
        )

    def with_current_rates(self, opt_state):
        return {
            **opt_state,
            "optimizers": [
                o.with_current_rates(s) for o, s in zip(self._inner, opt_state["optimizers"])
            ],
        }

    def finalize_variable_values(self, var_list):
        shares = self._shares(self._bound)
        for optimizer, mine in zip(self._inner, shares):
            ours = {id(self._bound[i]) for i in mine}
            optimizer.finalize_variable_values([v for v in var_list if id(v) in ours])

    def exclude_from_weight_decay(self, var_list=None, var_names=None):
        for optimizer in self._inner:
            optimizer.exclude_from_weight_decay(var_list, var_names)

    def get_config(self):
        return {
            "optimizer_map": serialization.serialize_keras_object(self._optimizer_map),
            "loss_scale_factor": self.loss_scale_factor,
            "name": self.name,
        }

    @classmethod
    def from_config(cls, config, custom_objects=None):
        config = dict(config)
        config["optimizer_map"] = serialization.deserialize_keras_object(
            config["optimizer_map"], custom_objects=custom_objects
        )
        return cls(**config)


def _check_single(optimizer, text="optimizer cannot be {}."):
    if isinstance(optimizer, (LossScaleOptimizer, MultiOptimizer)):
        raise UserInputError(
            text.format(
                "LossScaleOptimizer"
                if isinstance(optimizer, LossScaleOptimizer)
                else "MultiOptimizer"
            )
        )
