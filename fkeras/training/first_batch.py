"""What a compiled model learns from the shapes of its first batch: weights, which loss and metric
belongs to which output, the optimizer's slots. All by abstract evaluation: nothing is computed.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any, NamedTuple

import jax
import numpy as np

from fkeras.core.nested import flatten, map_structure
from fkeras.core.randomness import key_scopes
from fkeras.core.values import lending, masks
from fkeras.errors import UserInputError
from fkeras.layers.base import building, pure_init, signature, tracking
from fkeras.layers.base import context as contexts
from fkeras.training import in_place_steps
from fkeras.training.optimizer_ownership import check_optimizer
from fkeras.training.output_activations import last_activations
from fkeras.training.steps import call_compute_loss, unpack

if TYPE_CHECKING:
    from fkeras.layers import Layer
    from fkeras.training.compiled import Compiled
    from fkeras.training.trainable import Trainable
    from fkeras.types import Nested

_CALLERS_THAT_DO_NOT_TRAIN = frozenset(
    ("evaluate", "predict", "test_on_batch", "predict_on_batch", "test")
)


def prepare(model: Trainable, compiled: Compiled, batch: Any, caller: str = "fit") -> None:
    """Everything that needs shapes, as far as it is not there yet.

    Args:
        model: the model. compiled: what `compile` chose for it.
        batch: `x`, `(x, y)` or `(x, y, sample_weight)`: arrays or `ShapeDtypeStruct`s.
        caller: the method that the user called, for messages.

    Raises:
        UserInputError: where losses do not fit the outputs, or the optimizer is another model's.
    """
    x, y, sample_weight = unpack(batch)
    refuse_strings(x, "x", model)
    was_built = model.built and compiled.all_built(model)
    if not was_built and _needs_no_call(model, compiled):
        model.built = True
    elif not was_built:
        if x is None:
            raise UserInputError(f"`{caller}`: x is None.")
        pure_init.build_abstractly(model, (structs_of(x),), {})
        building.place(model)
    _resolve(model, compiled, x, y, sample_weight)
    if compiled.is_chosen:
        compiled.build_optimizer(model)
    trains = caller not in _CALLERS_THAT_DO_NOT_TRAIN
    if trains and any(not other.built for other in in_place_steps.further_optimizers(model)):
        in_place_steps.run_abstractly(model, structs_of(batch))
    if compiled.optimizer is not None and trains:
        # Where all was built, the structure was looked up a moment ago.
        structure = compiled.built_structure if was_built else tracking.structure_of(model)
        check_optimizer(model, compiled, caller, structure)


def _needs_no_call(model, compiled):
    """Whether the model only holds others, which are built and which its own `train_step` calls.

    Its `call`, if there is one, may take something else than the inputs of a batch: one image,
    where a batch is three.
    """
    if "train_step" not in compiled.overridden:
        return False
    if not hasattr(type(model).call, "is_missing"):
        builds_itself = not type(model).build.__module__.startswith("fkeras.")
        if builds_itself or not in_place_steps.takes_data_alone(model.train_step):
            return False
    layers = [layer for _, layer in tracking.structure_of(model).layers if layer is not model]
    return bool(layers) and all(layer.built for layer in layers)


def refuse_strings(x: Nested[Any], name: str, model: Trainable) -> None:
    """Compiled steps compute with numbers.

    Args:
        x: inputs. name: what the user calls them. model: that is given them.
    """
    for array in flatten(x):
        if not (isinstance(array, np.ndarray) and array.dtype.kind in "OUS" and array.size):
            continue
        shown = f"{name} holds strings, such as {str(array.flat[0])[:40]!r}"
        if tracking.structure_of(model).has_host_layers:
            raise UserInputError(
                f"{shown}, and JAX has none. Run the layers of model '{model.name}' that take them "
                "ahead, and pass what they return: `model.host(x)`."
            )
        raise UserInputError(
            f"{shown}, and no layer of model '{model.name}' takes strings. Put one in front: "
            "`layers.StringLookup` for categories, `layers.TextVectorization` for texts; or pass "
            "ids, as `np.unique(x, return_inverse=True)[1]` gives them."
        )


def _resolve(model, compiled, x, y, sample_weight):
    """Which loss and metric belongs to which output, where that is not known yet."""
    needed = (
        compiled.is_chosen
        and y is not None
        and any(part is not None and not part.built for part in (compiled.loss, compiled.metrics))
    )
    if not needed:
        return
    if not compiled.overridden & {"train_step", "compute_loss"}:
        _resolve_by_outputs(model, compiled, x, y)
    elif "train_step" not in compiled.overridden:
        _resolve_by_compute_loss(model, compiled, x, y, sample_weight)
    else:
        # The user's step may never ask for them: what does not fit is found out there.
        with contextlib.suppress(UserInputError, TypeError, KeyError):
            _resolve_by_outputs(model, compiled, x, y)


def _resolve_by_outputs(model, compiled, x, y):
    y_pred = output_specs(model, compiled, x).structs
    if y_pred is None:
        raise UserInputError(signature.without_outputs(model))
    y = map_structure(
        lambda a: jax.ShapeDtypeStruct(np.shape(a), getattr(a, "dtype", np.float32)), y
    )
    for part in (compiled.loss, compiled.metrics):
        if part is not None and not part.built:
            part.build(y, y_pred)


def _resolve_by_compute_loss(model, compiled, x, y, sample_weight):
    """By what the user's own `compute_loss` hands to the losses and metrics."""

    def run(x, y, sample_weight):
        with contexts.opened(contexts.CallContext(model, losses=[])), key_scopes.scope(None):
            y_pred = lending.call_abstractly(model, x)
            lending.call_abstractly(call_compute_loss, model, x, y, y_pred, sample_weight, True)
            if compiled.metrics is not None and not compiled.metrics.built:
                compiled.metrics.build(y, y_pred)

    jax.eval_shape(run, structs_of(x), structs_of(y), structs_of(sample_weight))


class OutputSpecs(NamedTuple):
    """What is known of a model's outputs for batches of one shape.

    Attributes:
        structs: nested shapes and dtypes. masked: nested, whether there is a mask.
        activations: for each output, flat, what made it: see `output_activations`.
        lookups: (layer, index of the input) for the layers that look an input up.
        computes_ids: whether there are layers that look something else up.
    """

    structs: Nested[jax.ShapeDtypeStruct]
    masked: Nested[bool]
    activations: list[str | None]
    lookups: list[tuple[Layer, int]]
    computes_ids: bool


def output_specs(model: Trainable, compiled: Compiled, x: Any) -> OutputSpecs:
    """What is known of the outputs for a batch of inputs.

    Remembered for each shape of it, until the model has other Variables.
    """
    structs = structs_of(x)
    key = _shape_key(structs)
    if key not in compiled.output_specs:
        compiled.output_specs[key] = _trace_outputs(model, structs)
    return compiled.output_specs[key]


def _trace_outputs(model, structs):
    masked, lookups, others = None, [], []

    def run(x):
        nonlocal masked
        context = contexts.CallContext(model, losses=[])
        with (
            contexts.opened(context),
            key_scopes.scope(None),
            contexts.looked_up.inside([]) as pairs,
        ):
            y_pred = lending.call_abstractly(model, x)
        _check_outputs(model, y_pred)
        masked = map_structure(lambda y: masks.get_mask(y) is not None, y_pred)
        places = {id(leaf): i for i, leaf in enumerate(flatten(x))}
        for layer, ids in pairs:
            place = places.get(id(ids))
            others.append(layer) if place is None else lookups.append((layer, place))
        return y_pred

    program, outputs = jax.make_jaxpr(run, return_shape=True)(structs)
    return OutputSpecs(outputs, masked, last_activations(program), lookups, bool(others))


def _check_outputs(model, y_pred):
    for leaf in flatten(y_pred):
        if not hasattr(leaf, "dtype") and not isinstance(leaf, (int, float, complex, type(None))):
            raise UserInputError(
                f"{signature.describe_call(model)} returned {leaf!r}, of type "
                f"{type(leaf).__name__}. Outputs are tensors, in lists, tuples or dicts."
            )


def _shape_key(structs):
    shapes = [(tuple(s.shape), str(s.dtype)) for s in jax.tree.leaves(structs)]
    return jax.tree.structure(structs), tuple(shapes)


def structs_of(x: Any) -> Any:
    """Nested arrays as `ShapeDtypeStruct`s in the dtypes that JAX gives them."""

    def struct(a):
        if isinstance(a, jax.ShapeDtypeStruct):
            return a
        # Not `getattr` with a default: a tracer has a dtype and cannot become a NumPy array.
        dtype = a.dtype if hasattr(a, "dtype") else np.asarray(a).dtype
        return jax.ShapeDtypeStruct(np.shape(a), jax.dtypes.canonicalize_dtype(dtype))

    return map_structure(struct, x)
