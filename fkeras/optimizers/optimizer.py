"""`Optimizer`: an update rule under Keras's name, as a pure function of trees and as an object that
holds Variables.

A rule is four small pure methods: `slot_groups` and `slot_for` say what is kept for each parameter,
`step_scalars` computes once a step what all parameters share, `leaf_step` gives one parameter's new
value. `engine.step` does the rest. The object's Variables are the same state as a list, in Keras's
order, so that files travel both ways.
"""

import re
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import optax

from fkeras.core import names
from fkeras.core.config import constructor, serialization
from fkeras.core.values.variable import Variable
from fkeras.errors import UserInputError, UserTypeError
from fkeras.optimizers import keras_style, rates, stateful, update_step
from fkeras.optimizers.arithmetic import wide
from fkeras.optimizers.leaves import Leaf, Slot, flatten_like, leaf_of, leaves_of, read, with_decay


class Optimizer(stateful.StatefulOptimizer):
    """Base of all optimizers.

    Pure, on any tree of parameters: `state = optimizer.init(params)`, then
    `params, state = optimizer.update(grads, state, params)`, under jit, vmap, scan and grad. The
    state is a dict with readable keys (`iteration`, `learning_rate`, `momentum`, ...); values that
    belong to parameters are trees like the parameters. As in Keras:
    `optimizer.apply(grads, variables)` on Variables. Both give equal numbers.

    Half precision parameters are updated in float32 and rounded once (Keras computes in bfloat16
    itself, where Adam stands still).

    For an optimizer of your own, either override `build` and
    `update_step(gradient, variable, learning_rate)` as in Keras, or, shorter, `slot_groups` and
    `leaf_step`.

    Args:
        learning_rate: a number (it may be assigned later, without recompiling), a
            `LearningRateSchedule`, or a callable without arguments or of the step.
        weight_decay: fraction of a parameter, times the learning rate, to take off it at each
            update; None for none.
        clipnorm: largest L2 norm of the gradient of each parameter; None for any.
        clipvalue: largest absolute value of each element of a gradient.
        global_clipnorm: largest L2 norm of all gradients together. At most one of the three.
        use_ema: keep an exponential moving average of the parameters, which `fit` puts in their
            place at its end.
        ema_momentum: fraction in [0, 1] of the average that stays at each step.
        ema_overwrite_frequency: number of updates after which the averages replace the parameters
            during training; None for never.
        loss_scale_factor: what `scale_loss` multiplies the loss with; gradients are divided by it.
            None for 1.
        gradient_accumulation_steps: number (>= 2) of steps whose mean gradient makes one update;
            None for an update each step.
        name: None for an automatic name.

    Raises:
        UserInputError: unknown arguments, or values out of range.

    Examples:
        >>> import fkeras, jax, jax.numpy as jnp
        >>> optimizer = fkeras.optimizers.SGD(0.1, momentum=0.9)
        >>> params = {"w": jnp.ones(2)}
        >>> state = optimizer.init(params)
        >>> sorted(state)
        ['iteration', 'learning_rate', 'momentum']
        >>> params, state = jax.jit(optimizer.update)({"w": jnp.array([1.0, 2.0])}, state, params)
        >>> params["w"].tolist()
        [0.8999999761581421, 0.800000011920929]
    """

    shared_keys: tuple[str, ...] = ()  # state that belongs to no single parameter

    def __init__(
        self,
        learning_rate,
        weight_decay=None,
        clipnorm=None,
        clipvalue=None,
        global_clipnorm=None,
        use_ema=False,
        ema_momentum=0.99,
        ema_overwrite_frequency=None,
        loss_scale_factor=None,
        gradient_accumulation_steps=None,
        name=None,
        **kwargs,
    ):
        self._start()
        if kwargs.pop("decay", None):
            warnings.warn(
                "Argument `decay` is no longer supported and will be ignored. Pass a schedule as "
                "learning rate, such as "
                "`fkeras.optimizers.schedules.InverseTimeDecay(learning_rate, 1, decay)`.",
                stacklevel=3,
            )
        if kwargs:
            hint = " `lr` is called `learning_rate`." if "lr" in kwargs else ""
            raise UserInputError(f"Argument(s) not recognized: {kwargs}.{hint}")
        self.name = names.auto_name(type(self).__name__) if name is None else name
        self.weight_decay, self.clipnorm, self.clipvalue, self.global_clipnorm = (
            weight_decay,
            clipnorm,
            clipvalue,
            global_clipnorm,
        )
        self.use_ema, self.ema_momentum, self.ema_overwrite_frequency = (
            use_ema,
            ema_momentum,
            ema_overwrite_frequency,
        )
        self.loss_scale_factor, self.gradient_accumulation_steps = (
            loss_scale_factor,
            gradient_accumulation_steps,
        )
        self._check_arguments()
        self._make_first_variables(rates.checked(learning_rate))

    def _check_arguments(self):
        for what in (
            "weight_decay",
            "clipnorm",
            "clipvalue",
            "global_clipnorm",
            "loss_scale_factor",
        ):
            value = getattr(self, what)
            if value is not None and (isinstance(value, (str, bool)) or not value >= 0):
                raise UserInputError(
                    f"`{what}` must be None or a number >= 0. Received: {what}={value!r}"
                )
        clips = {what: getattr(self, what) for what in ("clipnorm", "clipvalue", "global_clipnorm")}
        if sum(value is not None for value in clips.values()) > 1:
            raise UserInputError(
                "Only one of `clipnorm`, `clipvalue` and `global_clipnorm` can be set. Received: "
                + ", ".join(f"{k}={v}" for k, v in clips.items())
            )
        every = self.gradient_accumulation_steps
        if every and (not isinstance(every, int) or every < 2):
            raise UserInputError(
                "`gradient_accumulation_steps` must be an integer >= 2. Received: "
                f"gradient_accumulation_steps={every}"
            )
        if self.use_ema and not 0 <= self.ema_momentum <= 1:
            raise UserInputError(
                "`ema_momentum` must be in the range [0, 1]. Received: "
                f"ema_momentum={self.ema_momentum}"
            )
        every = self.ema_overwrite_frequency
        if self.use_ema and every and (not isinstance(every, int) or every < 1):
            raise UserInputError(
                "`ema_overwrite_frequency` must be an integer >= 1 or None. Received: "
                f"ema_overwrite_frequency={every}"
            )

    # -- the update rule: what subclasses define -------------------------------

    def slot_groups(self) -> list[tuple[str, ...]]:
        """Names of what is kept for each parameter. Names in one group alternate, parameter by
        parameter, in the list of Variables.
        """
        return []

    def slot_for(self, key: str, leaf: Leaf) -> Slot | None:
        """What is kept under `key` for one parameter: zeros like it, unless overridden; None for
        nothing.
        """
        return Slot(leaf.shape, leaf.dtype)

    def shared_slots(self, leaves: Sequence[Leaf]) -> dict[str, Slot]:
        """What is kept once, under each of `shared_keys`."""
        return {}

    def advance_shared(self, shared: dict, step) -> dict:
        """The shared state of this step, from that of the step before."""
        return shared

    def step_scalars(self, learning_rate, step, shared: dict) -> Any:
        """What `leaf_step` needs of the learning rate and the step (1 for the first): computed once
        a step and dtype.
        """
        return learning_rate

    def leaf_step(self, gradient, param, slots: dict, scalars, leaf: Leaf) -> tuple[Any, dict]:
        """One parameter's new value and slots. All arrays are float32 or wider."""
        raise NotImplementedError(
            f"{type(self).__name__} defines neither `leaf_step` nor `update_step`."
        )

    def decay_rate(self, leaf: Leaf) -> float | None:
        """The weight decay of one parameter that is not excluded from it."""
        return self.weight_decay

    # -- pure ------------------------------------------------------------------

    def init(self, params, leaves=None) -> dict:
        """The state before the first step, for any tree of arrays.

        Args:
            params: tree of arrays.
            leaves: None, or a tree like `params` of `Leaf`s (a model's, from
                `optimizer.leaves_of`).
        """
        values, treedef = jax.tree.flatten(params)
        return self._as_trees(
            self._first_state(values, self._leaves_for(params, treedef, leaves)), treedef.unflatten
        )

    def update(
        self, grads, opt_state: dict, params, *, leaves=None, decay_mask=None
    ) -> tuple[Any, dict]:
        """One step as a pure function.

        Args:
            grads: tree like `params`; None in place of an array leaves that parameter as it is.
            opt_state: what `init` or the last `update` returned.
            params: tree of arrays.
            leaves: None, or a tree like `params` of `Leaf`s: names, constraints, exclusions. None:
                names are the keys of the tree.
            decay_mask: None, or a tree like `params` of bools: where weight decay applies.

        Returns:
            New parameters and the new state.

        Raises:
            UserInputError: structures or shapes that do not fit together; names all paths.
        """
        values, treedef = jax.tree.flatten(params)
        values = [jnp.asarray(v) for v in values]
        known = self._leaves_for(params, treedef, leaves)
        if decay_mask is not None:
            known = [
                with_decay(leaf, m)
                for leaf, m in zip(known, flatten_like(treedef, decay_mask, "decay_mask"))
            ]
        state = self._as_lists(
            opt_state, lambda tree, key: flatten_like(treedef, tree, f"opt_state[{key!r}]")
        )
        grads = flatten_like(treedef, grads, f"{self.name}: the gradients")
        new_values, new_state = self._whole_step(grads, values, state, known)
        return treedef.unflatten(new_values), self._as_trees(new_state, treedef.unflatten)

    def finalize(self, params, opt_state: dict, *, leaves=None):
        """The parameters to keep after training: their moving averages with `use_ema`, else as they
        are.
        """
        values, treedef = jax.tree.flatten(params)
        known = self._leaves_for(params, treedef, leaves)
        state = self._as_lists(
            opt_state, lambda tree, key: flatten_like(treedef, tree, f"opt_state[{key!r}]")
        )
        return treedef.unflatten(self._final_values(values, state, known))

    def scale_loss(self, loss, opt_state: dict | None = None):
        """The loss times the loss scale, to be differentiated; `update` divides the gradients
        again.

        Args:
            loss: number or array.
            opt_state: state of the pure form; None for the object's own.
        """
        return loss if self.loss_scale_factor is None else loss * self.loss_scale_factor

    def to_optax(self) -> optax.GradientTransformation:
        """This optimizer as an Optax transformation: `updates` is the new parameter less the old
        one.

        Examples:
            >>> import fkeras, jax.numpy as jnp, optax
            >>> transformation = optax.chain(optax.clip(0.5), fkeras.optimizers.SGD(0.1).to_optax())
            >>> state = transformation.init(jnp.zeros(1))
            >>> updates, state = transformation.update(jnp.ones(1), state, jnp.zeros(1))
            >>> round(float(updates[0]), 3)
            -0.05
        """

        def update(grads, state, params=None):
            if params is None:
                raise UserInputError(
                    f"{type(self).__name__}: `update(grads, state, params)` needs the parameters."
                )
            new_params, state = self.update(grads, state, params)
            return jax.tree.map(jnp.subtract, new_params, params), state

        return optax.GradientTransformation(self.init, update)

    # -- on lists of leaves: what composite optimizers override ----------------

    def _whole_step(self, grads, params, state, leaves):
        """`update` on lists of leaves, through an `apply` that a subclass overrides."""
        if not self._overrides_apply():
            return self._step(grads, params, state, leaves)
        keras_style.check_bound(self, leaves)
        new_params, values = self.stateless_apply(self.list_state(state), grads, params)
        return new_params, self.dict_state(values)

    def _step(self, grads, params, state, leaves):
        """`update` on lists of leaves, with nothing overridden but the rule."""
        return update_step.step(self, grads, params, state, leaves)

    def _first_state(self, params, leaves) -> dict:
        """`init` on lists of leaves."""
        if self._is_keras_style() or self._overrides_apply():
            if not self.built:
                keras_style.build_for(self, params, leaves)
            keras_style.check_bound(self, leaves)
            return self.dict_state([jnp.array(v.value) for v in self.variables])
        state = self._blank_state(len(leaves))
        state["iteration"] = jnp.zeros((), jnp.int32)
        if isinstance(self._learning_rate, Variable):
            state["learning_rate"] = jnp.array(self._learning_rate.value)
        for key, index, slot in self._slots(leaves):
            if index is None:
                state[key] = slot.first_value(None)
            else:
                state[key][index] = slot.first_value(params[index])
        return state

    def _apply_rule(self, grads: dict, params, state, leaves, learning_rate, count):
        """Decay and the rule for each gradient (by index). `count` is the number of updates so
        far.
        """
        if self._is_keras_style():
            return keras_style.apply_update_steps(self, grads, params, state, leaves, learning_rate)
        params, state = (
            list(params),
            {k: list(v) if isinstance(v, list) else v for k, v in state.items()},
        )
        shared = self.advance_shared({key: state[key] for key in self.shared_keys}, count + 1)
        state.update(shared)
        by_dtype: dict = {}
        for i, gradient in grads.items():
            param = wide(params[i])
            if param.dtype not in by_dtype:
                rate = learning_rate.astype(param.dtype)
                by_dtype[param.dtype] = (
                    rate,
                    self.step_scalars(rate, (count + 1).astype(param.dtype), shared),
                )
            rate, scalars = by_dtype[param.dtype]
            slots = {key: wide(state[key][i]) for key in self._slot_keys()}
            new, new_slots = self.leaf_step(
                gradient.astype(param.dtype),
                update_step.decayed(self, param, leaves[i], rate),
                slots,
                scalars,
                leaves[i],
            )
            params[i] = new.astype(params[i].dtype)
            for key, value in new_slots.items():
                state[key][i] = value.astype(state[key][i].dtype)
        return params, state

    def _final_values(self, params, state, leaves) -> list:
        if not self.use_ema:
            return params
        return [
            p if leaf.overwrite else a.astype(p.dtype)
            for p, a, leaf in zip(params, state["average"], leaves)
        ]

    def _rate_at(self, state):
        """The learning rate of a state: an array."""
        if isinstance(self._learning_rate, Variable) != ("learning_rate" in state):
            raise UserInputError(
                f"{self.name}: the state was made while the learning rate was of another kind (a "
                "number or a schedule). Make it again with `init`, or from the optimizer's "
                "Variables."
            )
        if "learning_rate" in state:
            return state["learning_rate"]
        return rates.at_step(self._learning_rate, state["iteration"])

    def _slots(self, leaves):
        """Rows (key, index, Slot) of all that is kept, in Keras's order; the index is None for
        shared state.
        """
        rows = []
        like = [(i, leaf) for i, leaf in enumerate(leaves) if not leaf.overwrite]
        if self.use_ema:
            rows += [("average", i, Slot(leaf.shape, leaf.dtype)) for i, leaf in like]
        if self.gradient_accumulation_steps:
            rows += [
                ("gradient_accumulator", i, Slot(leaf.shape, leaf.dtype))
                for i, leaf in enumerate(leaves)
            ]
        for group in self.slot_groups():
            rows += [
                (key, i, slot)
                for i, leaf in like
                for key in group
                if (slot := self.slot_for(key, leaf)) is not None
            ]
        return rows + [(key, None, slot) for key, slot in self.shared_slots(leaves).items()]

    def _slot_keys(self):
        return [key for group in self.slot_groups() for key in group]

    def _blank_state(self, count: int) -> dict:
        """A dict with a list of "none"s for all that belongs to parameters."""
        keys = [
            *(["average"] if self.use_ema else []),
            *(["gradient_accumulator"] if self.gradient_accumulation_steps else []),
            *self._slot_keys(),
        ]
        return {key: [jnp.zeros((), jnp.float32) for _ in range(count)] for key in keys}

    def _is_plain(self, key: str) -> bool:
        """Whether a value of the state belongs to no parameter."""
        return key in ("iteration", "learning_rate", "variables") or key in self.shared_keys

    def _as_trees(self, state: dict, unflatten: Callable) -> dict:
        return {
            key: value if self._is_plain(key) else unflatten(value) for key, value in state.items()
        }

    def _as_lists(self, state: dict, flatten: Callable) -> dict:
        """`flatten(tree, key)` gives the list of leaves."""
        if not isinstance(state, dict) or "iteration" not in state:
            raise UserTypeError(
                f"{self.name}: the state must be what `init` or `update` returned. Received: "
                f"{type(state).__name__}"
            )
        return {
            key: value if self._is_plain(key) else flatten(value, key)
            for key, value in state.items()
        }

    def _leaves_for(self, params, treedef, leaves) -> list[Leaf]:
        if leaves is not None:
            return flatten_like(treedef, leaves, "leaves")
        return [with_decay(leaf, self._decays(leaf.name)) for leaf in leaves_of(params)]

    def _is_keras_style(self) -> bool:
        return keras_style.is_keras_style(type(self), Optimizer)

    def _overrides_apply(self) -> bool:
        return (
            type(self).apply is not Optimizer.apply
            or type(self).stateless_apply is not Optimizer.stateless_apply
        )

    # -- weight decay ----------------------------------------------------------

    def exclude_from_weight_decay(self, var_list=None, var_names=None) -> None:
        """Keeps weight decay off some parameters. Call it before the optimizer is built.

        Args:
            var_list: Variables.
            var_names: regular expressions that are searched in the names of parameters, such as
                `['bias']`.
        """
        if self.built:
            raise UserInputError(
                "`exclude_from_weight_decay()` can only be configured before the optimizer is "
                "built."
            )
        self._excluded = list(var_list or [])
        self._excluded_names = re.compile("|".join(dict.fromkeys(var_names))) if var_names else None

    def _decays(self, name: str, variable=None) -> bool:
        if any(v is variable for v in self._excluded):
            return False
        return self._excluded_names is None or self._excluded_names.search(name) is None

    # -- configs ---------------------------------------------------------------

    def get_config(self) -> dict:
        """The arguments of the constructor as plain values."""
        return constructor.config_from_signature(self, self._arguments, self._plain_argument)

    def _plain_argument(self, name, value):
        if name == "learning_rate":
            rate = self._learning_rate
            return rates.config_of(float(rate) if isinstance(rate, Variable) else rate)
        return value

    @classmethod
    def from_config(cls, config: dict, custom_objects=None):
        """The optimizer that `get_config` described, without state."""
        config = dict(config)
        if isinstance(config.get("learning_rate"), dict):
            config["learning_rate"] = serialization.deserialize_keras_object(
                config["learning_rate"], custom_objects=custom_objects
            )
        return cls(**config)

    # -- Keras's words for a rule on Variables ---------------------------------

    def update_step(self, gradient, variable, learning_rate) -> None:
        """Updates one Variable, and what is kept for it, in place. To be overridden by optimizers
        written as for Keras.
        """
        index = self._get_variable_index(variable)
        held = self.held_variables(index)
        leaf = leaf_of(variable)
        param = wide(read(variable))
        shared = {key: self.held_variables(None)[key].value for key in self.shared_keys}
        rate = jnp.asarray(getattr(learning_rate, "value", learning_rate), param.dtype)
        step = jnp.asarray(getattr(self.iterations, "value", self.iterations) + 1, param.dtype)
        slots = {key: wide(held[key].value) for key in self._slot_keys() if key in held}
        scalars = self.step_scalars(rate, step, shared)
        new, new_slots = self.leaf_step(
            jnp.asarray(gradient).astype(param.dtype), param, slots, scalars, leaf
        )
        for key, value in new_slots.items():
            if key in held:
                self.assign(held[key], value)
        self.assign(variable, new)

    def __repr__(self):
        return f"<{type(self).__name__} {self.name!r}>"

    def assign(self, variable, value) -> None:
        """Sets a Variable of the model or the optimizer."""
        variable.assign(value)

    def assign_add(self, variable, value) -> None:
        """Adds to a Variable of the model or the optimizer."""
        variable.assign(variable.value + value)

    def assign_sub(self, variable, value) -> None:
        """Subtracts from a Variable of the model or the optimizer."""
        variable.assign(variable.value - value)
