"""The face of an optimizer that Keras scripts see: Variables in Keras's order, and `apply` on them.

Every method here reads the Variables, calls the pure form and writes what it returned.
"""

import warnings
from collections.abc import Callable, Sequence

import jax
import jax.numpy as jnp

from fkeras import initializers
from fkeras.core import names
from fkeras.core.config import constructor, registry
from fkeras.core.values import lending
from fkeras.core.values.variable import Variable
from fkeras.errors import NotBuiltError, UserInputError, UserTypeError
from fkeras.optimizers import rates
from fkeras.optimizers.leaves import Leaf, Slot, leaf_of, read, write
from fkeras.optimizers.schedules.schedule import LearningRateSchedule


class StatefulOptimizer:
    """What `Optimizer` does with Variables. Its state is the list `variables`, its rows say what
    each one is.
    """

    def __new__(cls, *args, **kwargs):
        self = object.__new__(cls)
        self.__dict__["_arguments"] = constructor.bind_arguments(cls, args, kwargs)
        return self

    def _start(self):
        self.__dict__.update(
            built=False,
            _variables=[],
            _rows=[],
            _bound=[],
            _excluded=[],
            _excluded_names=None,
            _compiled=None,
        )

    def _make_first_variables(self, learning_rate):
        with names.scope(self.name):
            self._iterations = self._keep("iteration", None, Slot((), "int32"))
            if isinstance(learning_rate, float):
                self._learning_rate = self._keep(
                    "learning_rate", None, Slot((), rates.rate_dtype(), learning_rate)
                )
            else:
                self._learning_rate = learning_rate

    def __setattr__(self, name, value):
        if "_variables" not in self.__dict__:
            raise RuntimeError(
                f"In optimizer '{type(self).__name__}', you forgot to call `super().__init__()` as "
                "the first statement in the `__init__()` method. Go add it!"
            )
        object.__setattr__(self, name, value)
        self._track(value)

    def __getstate__(self):
        return {**self.__dict__, "_compiled": None}

    # -- Variables -------------------------------------------------------------

    @property
    def variables(self) -> list[Variable]:
        """The optimizer's own Variables in Keras's order: iteration, learning rate, then what is
        kept for the parameters.
        """
        if self._is_keras_style():
            for value in list(vars(self).values()):  # lists that grew after they were assigned
                self._track(value)
        return list(self._variables)

    @property
    def bound_variables(self) -> list[Variable]:
        """The Variables that the optimizer was built for."""
        return list(self._bound)

    def leaves_of(self, variables) -> list[Leaf]:
        """The `Leaf` of each Variable: as a tree like the parameters, for `init` and `update`
        (`leaves=...`).
        """
        return [
            leaf_of(v, self._decays(lending.path_of(v).rsplit("/", 1)[-1], v)) for v in variables
        ]

    @property
    def iterations(self):
        """Number of updates so far: a Variable, or an array when several steps make one update."""
        if self.gradient_accumulation_steps:
            return self._iterations.value // self.gradient_accumulation_steps
        return self._iterations

    def _track(self, value):
        """Takes Variables that a subclass assigned to attributes, as Keras does."""
        parts = (
            [value]
            if isinstance(value, Variable)
            else value
            if isinstance(value, (list, tuple))
            else ()
        )
        parts = [part for part in parts if isinstance(part, Variable)]
        if not parts:
            return
        known = {id(v) for v in (*self._variables, *self._bound, *self._excluded)}
        for part in parts:
            if id(part) not in known:
                known.add(id(part))
                self._rows.append(("variables", sum(key == "variables" for key, _ in self._rows)))
                self._variables.append(part)

    def _keep(self, key, index, slot, param=None, name=None):
        """Makes the Variable of one row."""
        with jax.ensure_compile_time_eval():  # maybe inside somebody's trace
            value = slot.first_value(param)
        variable = Variable(
            value,
            trainable=False,
            name=name or key,
            kind="optimizer",
            aggregation="only_first_replica" if key in ("iteration", "learning_rate") else "none",
        )
        self._variables.append(variable)
        self._rows.append((key, index))
        return variable

    def add_variable(
        self, shape, initializer="zeros", dtype=None, aggregation="none", layout=None, name=None
    ) -> Variable:
        """Makes a Variable of the optimizer, of the given shape."""
        with names.scope(self.name):
            variable = Variable(
                initializers.get(initializer),
                shape=shape,
                dtype=dtype,
                trainable=False,
                aggregation=aggregation,
                layout=layout,
                name=name,
                kind="optimizer",
            )
        self._track(variable)
        return variable

    def add_variable_from_reference(
        self, reference_variable, name=None, initializer="zeros"
    ) -> Variable:
        """Makes a Variable of the optimizer, of the shape and dtype of a parameter."""
        leaf = leaf_of(reference_variable)
        return self.add_variable(
            leaf.shape,
            initializer,
            leaf.dtype,
            layout=getattr(reference_variable, "layout", None),
            name=_slot_name(leaf.path, name or "var"),
        )

    def add_optimizer_variables(self, trainable_variables, name, initializer="zeros"):
        """Makes a Variable for each parameter; for a list of names, a tuple with one list for each
        name.

        Parameters that are overwritten with their gradient get None.
        """
        many = [name] if isinstance(name, str) else list(name)
        starts = (
            list(initializer)
            if isinstance(initializer, (list, tuple))
            else [initializer] * len(many)
        )
        if len(many) != len(starts):
            raise UserInputError(
                "The number of provided names must match the number of provided initializers. "
                f"Received name='{name}', initializer='{initializer}'"
            )
        made: tuple = tuple([] for _ in many)
        for variable in trainable_variables:
            for each, one, start in zip(made, many, starts):
                each.append(
                    None
                    if leaf_of(variable).overwrite
                    else self.add_variable_from_reference(variable, one, start)
                )
        return made[0] if isinstance(name, str) else made

    def build(self, variables) -> None:
        """Makes what is kept for each of the Variables to be trained. An optimizer is bound to them
        for good.

        Raises:
            UserInputError: already built for others.
        """
        variables = list(variables)
        if self.built:
            if [id(v) for v in variables] != [id(v) for v in self._bound]:
                raise UserInputError(_bound_already(self, variables))
            return
        object.__setattr__(self, "_bound", variables)
        self._build_rows(variables)
        self.built = True

    def _build_rows(self, variables):
        leaves = self.leaves_of(self._bound)
        with names.scope(self.name):
            for key, index, slot in self._slots(leaves):
                if index is None:
                    self._keep(key, None, slot)
                else:
                    self._keep(
                        key,
                        index,
                        slot,
                        read(variables[index]),
                        _slot_name(leaves[index].path, key),
                    )

    def held_variables(self, index: int | None) -> dict[str, Variable]:
        """By name, what is kept for the parameter of that index; for None, what belongs to none."""
        return {
            key: v
            for (key, at), v in zip(self._rows, self._variables)
            if at == index and key != "variables"
        }

    def _held_by_parameter(self, key: str) -> list:
        held = {at: v for (name, at), v in zip(self._rows, self._variables) if name == key}
        return [held.get(i) for i in range(len(self._bound))]

    @property
    def _model_variables_moving_average(self):
        return self._held_by_parameter("average")

    @property
    def _trainable_variables(self):
        return list(self._bound)

    def _get_variable_index(self, variable) -> int:
        for i, known in enumerate(self._bound):
            if known is variable:
                return i
        raise UserInputError(
            f"Unknown variable: {variable!r}. This optimizer can only be called for the variables "
            "it was originally built with. When working with a new set of variables, you should "
            "recreate a new optimizer instance."
        )

    # -- between the list of Variables and the dict of the pure form -----------

    def pack(self, values: Sequence, unflatten: Callable) -> dict:
        """The pure form's state from values in the order of `variables`.

        Args:
            values: arrays.
            unflatten: makes a tree like the parameters from a list in the order of
                `bound_variables`.
        """
        return self._as_trees(self.dict_state(values), unflatten)

    def unpack(self, opt_state: dict, flatten: Callable) -> list:
        """Values in the order of `variables` from the pure form's state: the inverse of `pack`."""
        values = self.list_state(self._as_lists(opt_state, lambda tree, key: flatten(tree)))
        for variable, value in zip(self.variables, values, strict=True):
            if tuple(variable.shape) != jnp.shape(value):
                raise UserInputError(
                    f"{self.name}: the state has shape {jnp.shape(value)} where {variable.path!r} "
                    f"has {tuple(variable.shape)}. A rule that depends on names needs them: "
                    "`init(params, leaves=...)` with the tree of `optimizer.leaves_of(variables)`."
                )
        return values

    def dict_state(self, values) -> dict:
        """`pack`, with a list in place of each tree."""
        state = {
            **self._blank_state(len(self._bound)),
            **({"variables": []} if self._is_keras_style() else {}),
        }
        for (key, index), value in zip(self._rows, values, strict=True):
            if key == "variables":
                state.setdefault(key, []).append(value)
            elif index is None:
                state[key] = value
            else:
                state[key][index] = value
        return state

    def list_state(self, state: dict) -> list:
        """`unpack`, from lists in place of trees."""
        return [state[key] if index is None else state[key][index] for key, index in self._rows]

    # -- applying gradients ----------------------------------------------------

    def apply_gradients(self, grads_and_vars):
        """`apply` for pairs of a gradient and a Variable. Returns `iterations`."""
        pairs = list(grads_and_vars)
        if pairs:
            self.apply([g for g, _ in pairs], [v for _, v in pairs])
        return self._iterations

    def apply(self, grads, trainable_variables=None) -> None:
        """Updates Variables from their gradients, in place.

        Args:
            grads: list of arrays; None for a Variable that the loss does not depend on.
            trainable_variables: their Variables. The first call builds the optimizer for them;
                later ones may name some of them. None for all that it was built for.

        Raises:
            UserInputError: unknown Variables, or shapes that do not fit.
        """
        grads = list(grads)
        if not grads:
            return
        aligned = self._aligned(grads, trainable_variables)
        bound, own = self._bound, self.variables
        params, state = [read(v) for v in bound], self.dict_state([v.value for v in own])
        new_params, new_state = self._run(aligned, params, state)
        for variable, old, new in zip(bound, params, new_params):
            if new is not old:
                write(variable, new)
        for variable, new in zip(own, self.list_state(new_state)):
            variable.assign(new)

    def stateless_apply(self, optimizer_variables, grads, trainable_variables) -> tuple[list, list]:
        """`apply` on lists of values: returns the new values of the trainable and of the
        optimizer's variables.

        Args:
            optimizer_variables: values in the order of `variables`.
            grads: list of arrays.
            trainable_variables: values in the order the optimizer was built for.
        """
        if not self.built:
            raise NotBuiltError(
                f"To call `stateless_apply`, {type(self).__name__} must be built (i.e. its "
                "variables must have been created). You can build it via "
                "`optimizer.build(trainable_variables)`."
            )
        own, bound = self.variables, self._bound
        for what, got, expected in (
            ("optimizer_variables", optimizer_variables, own),
            ("trainable_variables", trainable_variables, bound),
        ):
            if len(got) != len(expected):
                raise UserInputError(
                    f"Argument `{what}` must be a list of tensors corresponding 1:1 to the "
                    f"variables of {type(self).__name__}: received {len(got)}, expected "
                    f"{len(expected)}."
                )
        values, params = _values(optimizer_variables), _values(trainable_variables)
        if type(self).apply is not StatefulOptimizer.apply:
            _, after = lending.call(
                self.apply,
                bound + own,
                params + values,
                grads,
                caller=f"{type(self).__name__}.apply",
            )
            return after[: len(bound)], after[len(bound) :]
        new_params, new_state = self._run(
            self._aligned(list(grads), None), params, self.dict_state(values)
        )
        return new_params, self.list_state(new_state)

    def _aligned(self, grads: list, trainable_variables) -> list:
        """Gradients in the order of the bound Variables, None for those without; builds when
        needed.
        """
        if trainable_variables is None:
            if not self.built:
                raise NotBuiltError(
                    "When passing `grads` without `variables`, the optimizer must already be built "
                    "on a list of variables. Call `optimizer.build(trainable_variables)` first."
                )
            if len(grads) != len(self._bound):
                raise UserInputError(
                    "When passing `grads` as a list of gradient tensors, the gradients must match "
                    f"the optimizer's variables one-to-one. Received a list of {len(grads)} "
                    f"gradients, but the optimizer is tracking {len(self._bound)} trainable "
                    "variables."
                )
            variables = self._bound
        else:
            variables = list(trainable_variables)
            if len(grads) != len(variables):
                raise UserInputError(
                    f"{self.name}: received {len(grads)} gradients for {len(variables)} variables."
                )
            if not self.built:
                self.build(variables)
        where = {id(v): i for i, v in enumerate(self._bound)}
        aligned: list = [None] * len(self._bound)
        for gradient, variable in zip(grads, variables):
            index = where.get(id(variable))
            aligned[self._get_variable_index(variable) if index is None else index] = gradient
        missing = [lending.path_of(v) for g, v in zip(grads, variables) if g is None]
        if missing and len(missing) < len(grads):
            warnings.warn(
                f"Gradients do not exist for variables {missing} when minimizing the loss. If "
                "using `model.compile()`, did you forget to provide a `loss` argument?",
                stacklevel=4,
            )
        return aligned

    def _run(self, grads, params, state):
        """One step: compiled where all is plain values and nothing but fkeras's own code takes
        part.
        """
        leaves = self.leaves_of(self._bound)
        traced = any(
            isinstance(x, jax.core.Tracer) for x in jax.tree.leaves((grads, params, state))
        )
        if traced or not self._can_compile(leaves):
            return self._step(grads, params, state, leaves)
        key = (
            repr(
                [
                    (
                        leaf.path,
                        leaf.shape,
                        leaf.dtype,
                        leaf.overwrite,
                        leaf.decays,
                        _constraint_key(leaf),
                    )
                    for leaf in leaves
                ]
            ),
            self._constants(),
        )
        if self._compiled is None or self._compiled[0] != key:
            object.__setattr__(
                self, "_compiled", (key, jax.jit(lambda g, p, s: self._step(g, p, s, leaves)))
            )
        return self._compiled[1](grads, params, state)

    def _can_compile(self, leaves) -> bool:
        rate = self._learning_rate
        return (
            registry.is_builtin(type(self))
            and (isinstance(rate, Variable) or registry.is_builtin(type(rate)))
            and self._constraints_are_builtin(leaves)
        )

    def _constraints_are_builtin(self, leaves) -> bool:
        return all(
            leaf.constraint is None or registry.is_builtin(type(leaf.constraint)) for leaf in leaves
        )

    def _constants(self) -> str:
        """All that a compiled step holds as constants."""
        plain = {
            k: v
            for k, v in vars(self).items()
            if not k.startswith("_") and not isinstance(v, (Variable, list))
        }
        rate = self._learning_rate
        return repr((plain, rate.get_config() if isinstance(rate, LearningRateSchedule) else None))

    # -- the learning rate -----------------------------------------------------

    @property
    def learning_rate(self):
        """The current rate: a Variable (assign to it, or `.assign`), or with a schedule the rate at
        the current iteration.
        """
        if isinstance(self._learning_rate, Variable):
            return self._learning_rate
        return rates.at_step(self._learning_rate, self._iterations.value)

    @learning_rate.setter
    def learning_rate(self, value):
        current = self._learning_rate
        new = value.value if isinstance(value, Variable) else value
        if isinstance(new, jax.core.Tracer) and isinstance(current, Variable):
            current.assign(new)
            return
        new = rates.checked(new)
        if isinstance(new, float):
            if isinstance(current, LearningRateSchedule):
                raise UserTypeError(
                    "This optimizer was created with a `LearningRateSchedule` object as its "
                    "`learning_rate` constructor argument, hence its learning rate is not "
                    "settable. If you need the learning rate to be settable, you should "
                    "instantiate the optimizer with a float `learning_rate` argument."
                )
            if isinstance(current, Variable):
                current.assign(new)
                return
            with names.scope(self.name):
                self._learning_rate = self._keep(
                    "learning_rate", None, Slot((), rates.rate_dtype(), new)
                )
            self._variables.insert(1, self._variables.pop())
            self._rows.insert(1, self._rows.pop())
            return
        if isinstance(current, Variable):
            del self._variables[1], self._rows[1]
        object.__setattr__(self, "_learning_rate", new)

    def with_current_rates(self, opt_state: dict) -> dict:
        """A pure state with the learning rate that was assigned on the object, so that a running
        loop follows callbacks.
        """
        if not isinstance(self._learning_rate, Variable):
            return opt_state
        return {**opt_state, "learning_rate": jnp.array(self._learning_rate.value)}

    # -- the rest of Keras's words ---------------------------------------------

    def finalize_variable_values(self, var_list) -> None:
        """Puts the moving averages in place of the parameters (`use_ema`)."""
        if self.use_ema:
            averages = self._held_by_parameter("average")
            for variable in var_list:
                average = averages[self._get_variable_index(variable)]
                if average is not None:
                    write(variable, average.value)

    def set_weights(self, weights) -> None:
        """Sets all of `variables`."""
        if not self.built:
            raise NotBuiltError(
                "You are calling `set_weights()` on an optimizer that has not yet been built. "
                "Please call `optimizer.build(trainable_variables)` to create the optimizer "
                "weights before calling `set_weights()`."
            )
        own = self.variables
        if len(own) != len(weights):
            raise UserInputError(
                f"{self.name}: `set_weights` received {len(weights)} values for {len(own)} "
                "variables."
            )
        for variable, value in zip(own, weights):
            if tuple(variable.shape) != tuple(jnp.shape(getattr(value, "value", value))):
                raise UserInputError(
                    f"Optimizer variable {variable.path!r} has shape {tuple(variable.shape)} not "
                    f"compatible with provided weight shape {tuple(jnp.shape(value))}."
                )
        for variable, value in zip(own, weights):
            variable.assign(value)

    def save_own_variables(self, store) -> None:
        """Puts the values of `variables` into a dict-like store, under `'0'`, `'1'`, ..."""
        for i, variable in enumerate(self.variables):
            store[str(i)] = variable.numpy()

    def load_own_variables(self, store) -> None:
        """Takes the values of `variables` from a store; warns and leaves them when their number
        differs.
        """
        own = self.variables
        if len(store.keys()) != len(own):
            hint = (
                ""
                if own
                else " This is likely because the optimizer has not been called/built yet."
            )
            warnings.warn(
                f"Skipping variable loading for optimizer '{self.name}', because it has {len(own)} "
                f"variables whereas the saved optimizer has {len(store.keys())} variables.{hint}",
                stacklevel=2,
            )
            return
        for i, variable in enumerate(own):
            variable.assign(store[str(i)])


def _slot_name(path: str, key: str) -> str:
    return f"{path.replace('/', '_')}_{key}"


def _values(given) -> list:
    return [jnp.asarray(getattr(x, "value", x)) for x in given]


def _constraint_key(leaf: Leaf):
    return leaf.constraint and (
        id(leaf.constraint),
        type(leaf.constraint).__name__,
        leaf.constraint.get_config(),
    )


def _bound_already(optimizer, variables) -> str:
    def shown(some):
        paths = [lending.path_of(v) for v in some]
        return ", ".join(paths[:3]) + (f", ... ({len(paths)} in all)" if len(paths) > 3 else "")

    kind = type(optimizer).__name__
    return (
        f"{kind} {optimizer.name!r} is already bound to the variables {shown(optimizer._bound)}; "
        f"it cannot be used for {shown(variables)}. An optimizer serves one model: make a new one, "
        f"for example with `{kind}.from_config(optimizer.get_config())`."
    )
