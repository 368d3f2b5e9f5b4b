"""What an Optax transformation wants to be told at each step beside gradients and parameters.

A line search evaluates the loss again, `polyak_sgd` reads its value, `sam` takes gradients at other
points. All of these are made from the loss of a training step; a transformation that asks for
anything else is refused.
"""

from __future__ import annotations

import functools
import inspect
import types
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

from fkeras.errors import UserInputError, UserTypeError

if TYPE_CHECKING:
    from fkeras.optimizers.state import Unflatten
    from fkeras.types import PyTree

# What a step tells; what is added for those that ask for it. A line search refuses what it does not
# know, so that nobody is told more than is needed.
_TOLD = ("value", "grad", "value_fn")
_OFFERS = (_TOLD, (*_TOLD, "obj_fn"), (*_TOLD, "grad_fn"), (*_TOLD, "obj_fn", "grad_fn"))
_LIBRARIES = ("optax", "jax", "jaxlib", "chex", "numpy")
# Parts of what Optax says where an argument is missing or too much, or where gradients must be of
# examples.
_TELLING = (
    "required keyword-only argument",
    "must be provided",
    "nexpected keyword argument",
    "batch dimension",
)


def transformation_of(given: Any) -> optax.GradientTransformation:
    """The transformation itself, also of an `optax.MultiSteps`.

    Raises:
        UserTypeError: what is no transformation.
    """
    if isinstance(given, optax.MultiSteps):  # its own method of that name drops further arguments
        return optax.GradientTransformationExtraArgs(given.init, given.update)
    if isinstance(given, optax.GradientTransformation):
        _refuse_unknown_keywords(given)
        return given
    raise UserTypeError(
        f"OptaxOptimizer expects an `optax.GradientTransformation`. Received: {given!r}"
    )


def _refuse_unknown_keywords(transformation: optax.GradientTransformation) -> None:
    """Raises where `update` has keyword-only arguments that a step cannot give."""
    parameters = inspect.signature(transformation.update).parameters.values()
    unknown = [
        p.name
        for p in parameters
        if p.kind is p.KEYWORD_ONLY and p.default is p.empty and p.name not in _OFFERS[-1]
    ]
    if unknown:
        raise UserInputError(_refusal(f"`update` asks for {unknown}."))


def told(names: Iterable[str], arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of a step, with those of the names that follow from its loss.

    Args:
        names: what the transformation asks for.
        arguments: `value`, `grad`, `value_fn`, and whatever a program passes.
    """
    everything = dict(arguments)
    loss = everything.get("value_fn")
    if loss is not None and "obj_fn" in names:
        everything.setdefault("obj_fn", loss)
    if loss is not None and "grad_fn" in names:
        everything.setdefault("grad_fn", lambda params, *_: jax.grad(loss)(params))
    return everything


def on_trees(
    arguments: Mapping[str, Any], unflatten: Unflatten, flatten: Callable[[PyTree], list]
) -> dict[str, Any]:
    """Arguments that are about lists of values as arguments about trees.

    Args:
        arguments: `grad` a list, `value_fn` a function of a list, and so on.
        unflatten: makes a tree of a list. flatten: its inverse.
    """
    trees = dict(arguments)
    for name in {"value_fn", "obj_fn"} & set(trees):
        trees[name] = lambda tree, loss=arguments[name]: loss(flatten(tree))
    if "grad_fn" in trees:
        trees["grad_fn"] = lambda tree, *more: unflatten(
            list(arguments["grad_fn"](flatten(tree), *more))
        )
    if "grad" in trees:
        trees["grad"] = unflatten(list(trees["grad"]))
    return trees


def takes_more(transformation: optax.GradientTransformation) -> bool:
    """Whether its `update` takes arguments beside gradients, state and parameters."""
    kinds = [p.kind for p in inspect.signature(transformation.update).parameters.values()]
    return bool({inspect.Parameter.VAR_KEYWORD, inspect.Parameter.KEYWORD_ONLY} & set(kinds))


def taken(
    transformation: optax.GradientTransformation, arguments: Mapping[str, Any]
) -> dict[str, Any]:
    """Those of the arguments that the transformation's `update` takes."""
    parameters = inspect.signature(transformation.update).parameters
    if any(p.kind is inspect.Parameter.VAR_KEYWORD for p in parameters.values()):
        return dict(arguments)
    return {name: value for name, value in arguments.items() if name in parameters}


class Needs(NamedTuple):
    """What a transformation asks for.

    Attributes:
        names: what a training step tells it.
        missing: what Optax says where nothing more than gradients is passed; None: all is well.
    """

    names: tuple[str, ...]
    missing: str | None


def small_params() -> dict[str, jax.Array]:
    """Parameters that stand for a model's before there is one."""
    return {"kernel": jnp.ones((2, 3)), "bias": jnp.ones(3)}


def needs_of(transformation: optax.GradientTransformation, params: PyTree) -> Needs:
    """Finds out what a transformation asks for, by tracing a step of it on such parameters.

    Raises:
        UserInputError: a transformation that no training step can serve.
    """
    complaint: str | None = None
    for names in _OFFERS:
        latest = _complaint(transformation, params, names)
        if latest is None:
            return Needs(names, _complaint(transformation, params, ()))
        complaint = complaint or latest
    raise UserInputError(_refusal(complaint))


def _refusal(complaint: str | None) -> str:
    return (
        f"The Optax transformation needs what a training step cannot give it: {complaint} A step "
        "passes the gradients of the mean loss, the parameters, and "
        f"{', '.join(f'`{name}`' for name in _OFFERS[-1])}. Use the transformation in a loop of "
        "your own: `model.apply` and `optax.apply_updates`."
    )


def holds_foreign_code(part: Any) -> bool:
    """Whether functions of a program take part in a transformation: labels, masks, schedules. They
    are asked about a model's own parameters only.
    """
    waiting, seen = [part], set()
    while waiting:
        part = waiting.pop()
        if id(part) in seen:
            continue
        seen.add(id(part))
        if isinstance(part, (tuple, list)):
            waiting += part
        elif isinstance(part, dict):
            waiting += part.values()
        elif isinstance(part, functools.partial):
            waiting += [part.func, *part.args, *part.keywords.values()]
        elif isinstance(part, types.MethodType):
            waiting += [part.__func__, *vars(part.__self__).values()]
        elif isinstance(part, types.FunctionType):
            if part.__module__.split(".")[0] not in _LIBRARIES:
                return True
            cells = part.__closure__ or ()
            waiting += [cell.cell_contents for cell in cells if _is_filled(cell)]
    return False


def _is_filled(cell: types.CellType) -> bool:
    try:
        cell.cell_contents  # noqa: B018
    except ValueError:
        return False
    return True


def _complaint(
    transformation: optax.GradientTransformation, params: PyTree, names: Iterable[str]
) -> str | None:
    """What Optax says of a step that is told what the names say; traced and not computed."""

    def loss(params: PyTree) -> jax.Array:
        squares = [jnp.sum(jnp.square(leaf.astype("float32"))) for leaf in jax.tree.leaves(params)]
        return sum(squares, jnp.zeros(()))

    def step(params: PyTree) -> Any:
        value, grads = jax.value_and_grad(loss)(params)
        all_arguments = told(names, {"value": value, "grad": grads, "value_fn": loss})
        arguments = taken(transformation, {name: all_arguments[name] for name in names})
        return transformation.update(grads, transformation.init(params), params, **arguments)[0]

    try:
        jax.eval_shape(step, params)
    except Exception as error:
        # Whatever else is wrong may be so for these parameters alone: masks and labels know names.
        text = str(error).strip()
        if any(part in text for part in _TELLING):
            return text if text.endswith(".") else f"{text}."
    return None
