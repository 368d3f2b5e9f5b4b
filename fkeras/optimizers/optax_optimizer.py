"""Any Optax transformation as an optimizer."""

import jax
import jax.numpy as jnp
import optax

from fkeras.core import names
from fkeras.core.values.variable import Variable
from fkeras.errors import UserInputError, UserTypeError
from fkeras.optimizers.leaves import Slot, dense_gradients, flatten_like, read
from fkeras.optimizers.optimizer import Optimizer
from fkeras.optimizers.rates import NoLearningRateError


class OptaxOptimizer(Optimizer):
    """An `optax.GradientTransformation` as an optimizer; `compile` and `optimizers.get` make it by
    themselves.

    The transformation sees the parameters as the tree that `init` and `update` are given. On
    Variables it sees nested dicts by their paths. Clipping, decay, accumulation and averages are
    Optax's business: chain them in the transformation.

    The learning rate can be read and assigned when it was given with `optax.inject_hyperparams`.

    Args:
        transformation: an Optax transformation, or a chain of them.
        name: None for an automatic name.

    Examples:
        >>> import fkeras, jax.numpy as jnp, optax
        >>> optimizer = fkeras.optimizers.OptaxOptimizer(optax.chain(optax.clip_by_global_norm(1.0), optax.sgd(0.1)))
        >>> params = {"w": jnp.zeros(2)}
        >>> params, state = optimizer.update({"w": jnp.array([0.0, 5.0])}, optimizer.init(params), params)
        >>> [round(float(x), 3) for x in params["w"]]
        [0.0, -0.1]
    """

    def __init__(self, transformation, name=None):
        if not isinstance(transformation, optax.GradientTransformation):
            raise UserTypeError(
                "OptaxOptimizer expects an `optax.GradientTransformation`. Received: "
                f"{transformation!r}"
            )
        super().__init__(0.0, name=name)
        self.transformation = transformation
        del self._variables[1], self._rows[1]  # the learning rate is inside
        object.__setattr__(self, "_learning_rate", None)
        self._unflatten, self._structure, self._rate = None, None, None

    # -- pure ------------------------------------------------------------------

    def init(self, params, leaves=None):
        return {
            "iteration": jnp.zeros((), jnp.int32),
            "transformation": self.transformation.init(params),
        }

    def update(self, grads, opt_state, params, *, leaves=None, decay_mask=None):
        if decay_mask is not None:
            raise UserInputError(
                "OptaxOptimizer: weight decay is part of the transformation: give its mask there."
            )
        values, treedef = jax.tree.flatten(params)
        values = [jnp.asarray(v) for v in values]
        known = self._leaves_for(params, treedef, leaves)
        state = self._as_lists(opt_state, None)
        new_values, state = self._transform(
            flatten_like(treedef, grads, f"{self.name}: the gradients"),
            values,
            state,
            known,
            treedef.unflatten,
        )
        return treedef.unflatten(new_values), state

    def _first_state(self, params, leaves):
        return self.init(self._nested(leaves)(params))

    def _step(self, grads, params, state, leaves):
        return self._transform(grads, params, state, leaves, self._nested(leaves))

    def _transform(self, grads, params, state, leaves, unflatten):
        grads = dense_gradients(self.name, grads, leaves)
        if all(g is None for g in grads):
            raise UserInputError(
                "No gradients provided for any variable. Gradients are None where the loss does "
                "not depend on a variable."
            )
        filled = [
            jnp.zeros_like(p) if g is None or leaf.overwrite else g
            for g, p, leaf in zip(grads, params, leaves, strict=True)
        ]
        tree = unflatten(params)
        updates, new_state = self.transformation.update(
            unflatten(filled), state["transformation"], tree
        )
        stepped = _flattener(unflatten, len(params))(optax.apply_updates(tree, updates))
        values = []
        for g, old, new, leaf in zip(grads, params, stepped, leaves):
            if g is None or leaf.overwrite:
                values.append(old if g is None else g.astype(old.dtype))
            else:
                values.append(
                    new if leaf.constraint is None else jnp.asarray(leaf.constraint(new), new.dtype)
                )
        return values, {"iteration": state["iteration"] + 1, "transformation": new_state}

    def _nested(self, leaves):
        """list -> the tree that the transformation sees on Variables: nested dicts by path, or the
        list where paths clash.
        """
        if self._unflatten is not None:
            return self._unflatten
        paths = [tuple(leaf.path.split("/")) for leaf in leaves]
        above = {path[:n] for path in paths for n in range(1, len(path))}
        if len(set(paths)) < len(paths) or above & set(paths):
            return list

        def nested(values):
            tree: dict = {}
            for path, value in zip(paths, values):
                place = tree
                for part in path[:-1]:
                    place = place.setdefault(part, {})
                place[path[-1]] = value
            return tree

        return nested

    def _is_plain(self, key):
        return True

    # -- Variables -------------------------------------------------------------

    def build(self, variables, unflatten=None):
        """See `Optimizer.build`.

        Args:
            variables: Variables to be trained.
            unflatten: makes the tree that the transformation sees from a list in their order; None
                for nested dicts by path.
        """
        if not self.built:
            self._unflatten = unflatten
        super().build(variables)

    def _build_rows(self, variables):
        leaves = self.leaves_of(self._bound)
        with jax.ensure_compile_time_eval():
            state = self.transformation.init(self._nested(leaves)([read(v) for v in variables]))
        flat, self._structure = jax.tree_util.tree_flatten_with_path(state)
        with names.scope(self.name):
            for i, (path, value) in enumerate(flat):
                text = _name(path)
                value = jnp.array(value)  # a copy: parameters and state may be donated together
                made = self._keep(
                    "transformation",
                    i,
                    Slot(value.shape, value.dtype.name, lambda _, value=value: value),
                    name=text,
                )
                if text.endswith(_INJECTED):
                    self._rate = made

    def dict_state(self, values):
        return {
            "iteration": values[0],
            "transformation": None
            if self._structure is None
            else self._structure.unflatten(values[1:]),
        }

    def list_state(self, state):
        return [state["iteration"], *jax.tree.leaves(state["transformation"])]

    def pack(self, values, unflatten):
        state = self.dict_state(values)
        return {
            **state,
            "transformation": self._converted(
                state["transformation"], self._flatten_nested, unflatten
            ),
        }

    def unpack(self, opt_state, flatten):
        nested = self._nested(self.leaves_of(self._bound))
        return self.list_state(
            {
                **opt_state,
                "transformation": self._converted(opt_state["transformation"], flatten, nested),
            }
        )

    def _flatten_nested(self, tree):
        return _flattener(self._nested(self.leaves_of(self._bound)), len(self._bound))(tree)

    def _converted(self, state, flatten, unflatten):
        """The state with each tree of parameters in it made another tree."""
        try:
            return optax.tree_map_params(
                self.transformation,
                lambda tree: unflatten(flatten(tree)),
                state,
                is_leaf=lambda _: True,
            )
        except Exception as error:
            raise UserInputError(
                f"{self!r}: the state of this transformation depends on the structure of the "
                "parameters, and cannot be moved between the model's tree and its list of "
                "variables. Give masks and labels as functions of the parameters, not as trees. "
                f"({type(error).__name__}: {error})"
            ) from error

    def _can_compile(self, leaves):
        return self._constraints_are_builtin(leaves)

    def with_current_rates(self, opt_state):
        if self._rate is None:
            return opt_state
        new = jax.tree_util.tree_map_with_path(
            lambda path, x: (
                jnp.array(self._rate.value, x.dtype) if _name(path).endswith(_INJECTED) else x
            ),
            opt_state["transformation"],
        )
        return {**opt_state, "transformation": new}

    @property
    def learning_rate(self):
        """The injected learning rate, a Variable."""
        if self._rate is None:
            raise NoLearningRateError(
                f"{self!r}: the learning rate is inside the Optax transformation. To read and set "
                "it, write `optax.inject_hyperparams(optax.adam)(learning_rate=...)`, and read it "
                "once the optimizer is built."
            )
        return self._rate

    @learning_rate.setter
    def learning_rate(self, value):
        self.learning_rate.assign(value.value if isinstance(value, Variable) else value)

    def get_config(self):
        raise UserTypeError(
            f"{self!r}: an Optax transformation is code, which a config cannot hold. Save weights "
            "or a checkpoint instead, and compile again after loading."
        )


_INJECTED = "hyperparams_learning_rate"  # where `optax.inject_hyperparams` keeps it


def _name(path) -> str:
    return jax.tree_util.keystr(path, simple=True, separator="_").replace("/", "_") or "state"


def _flattener(unflatten, count: int):
    """The inverse of a function from a list of `count` to a tree."""
    treedef = jax.tree.structure(unflatten(list(range(count))))
    places = treedef.flatten_up_to(unflatten(list(range(count))))

    def flatten(tree):
        values = dict(zip(places, treedef.flatten_up_to(tree)))
        return [values[i] for i in range(count)]

    return flatten
