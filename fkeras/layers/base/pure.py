"""`init` and `apply`: a layer as pure functions of a dict of arrays.

`variables` is `{"params": {...}, "state": {...}}`, nested by structural path. `apply` lends the
arrays to the layer's own Variables for the length of the call (`fkeras.core.values.lending`) and returns
what the state became.
"""

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from fkeras.core.nested import flatten, map_structure
from fkeras.core.randomness import first_values, seeds
from fkeras.core.symbolic.argument_kinds import any_symbolic
from fkeras.core.symbolic.keras_tensor import KerasTensor
from fkeras.core.values import lending
from fkeras.core.values.variable_info import info_of
from fkeras.errors import NotBuiltError, UserInputError
from fkeras.layers.base import context as contexts
from fkeras.layers.base import signature, tracking


def init(layer, key, inputs, named_inputs):
    if not hasattr(key, "dtype"):
        raise UserInputError(
            f"`init` takes a JAX key first, such as `jax.random.key(0)`. Received: {key!r}"
        )
    build_abstractly(layer, inputs, named_inputs)
    structure = layer._structure()
    rows, fixed = [], {}
    for path, variable in structure.variables:
        info = info_of(variable)
        if info.initializer is None:  # made from a value, or a foreign module's
            fixed[path] = variable.get_value()
        else:
            rows.append((path, (info.initializer, "/".join(path), info.shape, info.dtype)))
    drawn = first_values.draw_all(key, [row for _, row in rows])
    values = dict(zip((path for path, _ in rows), drawn)) | fixed
    return split(structure, values)


def split(structure, values) -> dict:
    """`{"params", "state"}` from values by path."""
    return {
        "params": tracking.nest(
            (p, values[p]) for p, v in structure.variables if isinstance(v, nnx.Param)
        ),
        "state": tracking.nest(
            (p, values[p]) for p, v in structure.variables if not isinstance(v, nnx.Param)
        ),
    }


def build_abstractly(layer, inputs, named_inputs) -> None:
    """Makes all Variables (shapes only) by one abstract evaluation of the call. Fits weights that
    are there already, or raises.
    """
    if not inputs and not named_inputs:
        if layer.built and layer.weights:
            return
        raise NotBuiltError(
            f"Layer '{layer.name}' ({type(layer).__name__}) is not built: `init` needs inputs or "
            "their shapes, such as `init(key, (32, 4))`."
        )
    args = [_abstract(x) for x in inputs]
    kwargs = {k: _abstract(v) for k, v in named_inputs.items()}
    # adopts the Variables of foreign modules before anything is traced through them
    layer._structure()
    if any_symbolic(*args, *kwargs.values()):
        layer.compute_output_spec(*args, **kwargs)
        return

    arrays = [x for x in flatten([args, kwargs]) if isinstance(x, jax.ShapeDtypeStruct)]

    def run(values):
        given = {id(s): v for s, v in zip(arrays, values)}
        swap = lambda t: map_structure(lambda x: given.get(id(x), x), t)
        with contexts.opened(contexts.CallContext(layer, losses=[])):
            lending.call_abstractly(layer, *swap(args), **swap(kwargs))
        return ()

    jax.eval_shape(run, arrays)


def _abstract(x):
    """A shape, array or struct as a ShapeDtypeStruct, through nested structures; anything else as
    it is.
    """
    if isinstance(x, (list, tuple)):
        if (
            x
            and all(isinstance(d, (int, np.integer)) and not isinstance(d, bool) for d in x)
            and not isinstance(x, list)
        ):
            return jax.ShapeDtypeStruct(tuple(int(d) for d in x), jnp.float32)
        if (
            x
            and all(d is None or isinstance(d, (int, np.integer)) for d in x)
            and not isinstance(x, list)
        ):
            return KerasTensor(x)
        return (
            type(x)(_abstract(v) for v in x)
            if not hasattr(x, "_fields")
            else type(x)(*(_abstract(v) for v in x))
        )
    if isinstance(x, dict):
        return {k: _abstract(v) for k, v in x.items()}
    if isinstance(x, KerasTensor) or x is None or isinstance(x, (bool, int, float, str)):
        return x
    if hasattr(x, "shape") and hasattr(x, "dtype"):
        return jax.ShapeDtypeStruct(tuple(x.shape), jax.dtypes.canonicalize_dtype(x.dtype))
    return x


def gather(layer, structure, variables):
    """Values in the order of `structure.variables`, or an error that names all that is missing,
    extra or of the wrong shape.
    """
    if not isinstance(variables, dict) or not {"params"} <= set(variables) <= {"params", "state"}:
        keys = sorted(variables) if isinstance(variables, dict) else type(variables).__name__
        raise UserInputError(
            f"`variables` of '{layer.name}' must be a dict with 'params' and 'state', as `init` "
            f"returns it. Received: {keys}"
        )
    given = {("params", *p): v for p, v in tracking.flat(variables["params"]).items()}
    given |= {("state", *p): v for p, v in tracking.flat(variables.get("state", {})).items()}
    values, problems = [], []
    for path, variable in structure.variables:
        where = ("params" if isinstance(variable, nnx.Param) else "state", *path)
        if where not in given:
            problems.append(f"missing {'/'.join(where)} of shape {_shape(variable)}")
            continue
        value = given.pop(where)
        expected = _shape(variable)
        if expected is not None and tuple(jnp.shape(value)) != expected:
            problems.append(
                f"{'/'.join(where)}: expected shape {expected}, received {tuple(jnp.shape(value))}"
            )
        values.append(value)
    problems += [
        f"unexpected {'/'.join(where)} of shape {tuple(jnp.shape(v))}" for where, v in given.items()
    ]
    if problems:
        shown = "\n".join(f"  {p}" for p in problems[:12]) + (
            f"\n  ... and {len(problems) - 12} more" if len(problems) > 12 else ""
        )
        raise UserInputError(
            f"The variables do not fit '{layer.name}' ({type(layer).__name__}):\n{shown}\n"
            f"`{layer.name}.init(key, inputs)` gives a structure that fits."
        )
    return values


def _shape(variable):
    info = info_of(variable)
    if hasattr(info, "shape"):
        return tuple(info.shape)
    value = variable.get_value()
    return tuple(value.shape) if hasattr(value, "shape") else None


def key_of(rngs):
    """A key from a key, a dict of keys, or None."""
    if isinstance(rngs, dict):
        for name in ("default", "dropout", *rngs):
            if name in rngs:
                return rngs[name]
        return None
    return rngs


def paths_of(structure) -> dict:
    """Where each layer and seed generator stands, for the keys of a call."""
    return {id(x): "/".join(path) for path, x in (*structure.layers, *structure.generators)}


def apply(layer, variables, inputs, named_inputs, *, training, rngs, return_losses):
    layer._check_ready()
    structure = layer._structure()
    if not layer.built or not structure.variables and not layer._info.called:
        build_abstractly(layer, inputs, named_inputs)
        structure = layer._structure()
    values = gather(layer, structure, variables)
    outputs, after, losses = call_with(
        layer, structure, values, inputs, named_inputs, training=training, key=key_of(rngs)
    )
    new_state = tracking.nest(
        (p, x) for (p, v), x in zip(structure.variables, after) if not isinstance(v, nnx.Param)
    )
    return (outputs, new_state, losses) if return_losses else (outputs, new_state)


def call_with(layer, structure, values, inputs, named_inputs, *, training, key, step=None):
    """The call with values lent in the order of `structure.variables`. Returns outputs, the values
    afterwards, and the losses.
    """
    if training is not None:
        named_inputs = (
            dict(named_inputs, training=training)
            if signature.of(layer).has_training
            else named_inputs
        )

    def run():
        context = contexts.CallContext(layer, losses=[])
        context.training = training
        with contexts.opened(context), seeds.scope(key, paths_of(structure), step):
            outputs = layer(*inputs, **named_inputs)
            return outputs, layer.losses

    variables = [v for _, v in structure.variables]
    (outputs, losses), after = lending.call(
        run, variables, values, caller=f"`{layer.name}.apply`", strict=True
    )
    return outputs, after, losses


def stateless_call(
    layer, trainable_variables, non_trainable_variables, args, kwargs, return_losses
):
    """Keras's protocol: lists of values in, outputs and the new non-trainable values out. Seed
    generators advance their own state.
    """
    if not layer.built:
        raise NotBuiltError(
            f"To call stateless_call, {type(layer).__name__} '{layer.name}' must be built (i.e. "
            "its variables must have been already created). You can build it by calling it on "
            "some data."
        )
    own_trainable, own_rest = layer.trainable_variables, layer.non_trainable_variables
    for what, own, given in (
        ("trainable_variables", own_trainable, trainable_variables),
        ("non_trainable_variables", own_rest, non_trainable_variables),
    ):
        if len(own) != len(given):
            raise UserInputError(
                f"Argument `{what}` must be a list of tensors corresponding 1:1 to "
                f"{type(layer).__name__}().{what}. Received list with length {len(given)}, but "
                f"expected {len(own)} variables."
            )
    values = [
        v.value if isinstance(v, nnx.Variable) and hasattr(v, "value") else v
        for v in (*trainable_variables, *non_trainable_variables)
    ]

    def run():
        context = contexts.CallContext(layer, losses=[])
        with contexts.opened(context):
            outputs = layer(*args, **kwargs)
            return outputs, (layer.losses if return_losses else None)

    (outputs, losses), after = lending.call(
        run, [*own_trainable, *own_rest], values, caller=f"`{layer.name}.stateless_call`"
    )
    new_rest = after[len(own_trainable) :]
    return (outputs, new_rest, losses) if return_losses else (outputs, new_rest)
