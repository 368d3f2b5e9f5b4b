"""What users override in a model, called: its contract is checked, and errors in it say where.

A step in tf.keras's form, `train_step(self, data)`, is run by `in_place_steps`.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from fkeras.core import user_code
from fkeras.errors import UserInputError, UserTypeError
from fkeras.training import in_place_steps

if TYPE_CHECKING:
    from collections.abc import Callable

    from fkeras.training.trainable import Trainable


class Contract(NamedTuple):
    """What a step takes and returns.

    Attributes:
        state: the names of the lists of values that it takes.
        returned: what it returns first.
        new_state: the names of the lists that it returns.
        advice: what else has to be written otherwise.
    """

    state: tuple[str, ...]
    returned: str
    new_state: tuple[str, ...]
    advice: str


_WEIGHTS = ("trainable_variables", "non_trainable_variables")
_LOSS_ALONE = "For another loss alone, override `compute_loss`."
CONTRACTS = {
    "train_step": Contract(
        (*_WEIGHTS, "optimizer_variables", "metrics_variables"),
        "logs",
        (*_WEIGHTS, "optimizer_variables", "metrics_variables"),
        "Gradients come from `jax.value_and_grad(self.compute_loss_and_updates, has_aux=True)`, "
        "updates from `self.optimizer.stateless_apply`; there is no `GradientTape`, `backward` or "
        f"`apply_gradients` in it. {_LOSS_ALONE}",
    ),
    "test_step": Contract(
        (*_WEIGHTS, "metrics_variables"),
        "logs",
        (*_WEIGHTS, "metrics_variables"),
        f"Outputs come from `self.stateless_call`. {_LOSS_ALONE}",
    ),
    "predict_step": Contract(
        _WEIGHTS,
        "outputs",
        ("non_trainable_variables",),
        "Outputs come from `self.stateless_call`.",
    ),
}


def call_step(model: Trainable, name: str, state: tuple[list, ...], data: Any) -> tuple[Any, Any]:
    """What the model's own or overridden step returns for values and a batch.

    Args:
        model: the model. name: of the step, such as 'train_step'.
        state: the lists of values that it takes. data: the batch.

    Raises:
        UserTypeError: it does not take `(state, data)`.
        UserInputError: it does not return what it must.
    """
    step = getattr(model, name)
    in_place = in_place_steps.takes_data_alone(step)
    if not in_place:
        check_signature(model, name)

    def who() -> str:
        return _described(model, name)

    try:
        result = in_place_steps.call(model, name, state, data) if in_place else step(state, data)
    except Exception as error:
        user_code.raise_explained(error, who, {"data": data})
    _check_result(model, name, state, result)
    return result


def check_signature(model: Trainable, name: str) -> None:
    """Raises `UserTypeError` where the model's step cannot be called with `(state, data)`."""
    step = getattr(model, name)
    try:
        signature = inspect.signature(step)
        signature.bind(None, None)
    except TypeError:
        raise UserTypeError(
            f"{_described(model, name)} is defined as `{name}{_with_self(step)}`. On JAX a step is "
            f"pure and takes the state too. {contract_text(name)} The form of tf.keras, "
            f"`def {name}(self, data)`, is taken as well."
        ) from None


def contract_text(name: str) -> str:
    """What a step must look like, in a few sentences."""
    contract = CONTRACTS[name]
    new_state = "state" if len(contract.new_state) > 1 else contract.new_state[0]
    return (
        f"Define `def {name}(self, state, data)`, where `state` is ({', '.join(contract.state)}), "
        f"lists of values, and return `({contract.returned}, {new_state})` with the new values. "
        f"{contract.advice}"
    )


def call_with_keywords(model: Trainable, name: str, arguments: Mapping[str, Any]) -> Any:
    """What the model's `compute_loss` or `compute_metrics` returns; `arguments` that an override
    must take are all but `training`, which it may leave out.
    """
    method: Callable[..., Any] = getattr(model, name)
    signature = inspect.signature(method)
    passed = dict(arguments)
    if "training" not in signature.parameters:
        passed.pop("training", None)
    try:
        signature.bind(**passed)
    except TypeError:
        raise UserTypeError(
            f"{_described(model, name)} is defined as `{name}{_with_self(method)}`, and is called "
            f"with {', '.join(f'{key}=' for key in passed)}. Define it as `def {name}(self, "
            f"{', '.join(arguments)})`, with `=None` for what may be left out."
        ) from None
    try:
        return method(**passed)
    except Exception as error:
        user_code.raise_explained(error, lambda: _described(model, name), passed)


def _described(model: Trainable, name: str) -> str:
    return f"`{name}` of model '{model.name}' ({type(model).__name__})"


def _with_self(method: Callable[..., Any]) -> str:
    parameters = inspect.signature(method).parameters
    return f"({', '.join(['self', *map(str, parameters.values())])})"


def _check_result(model: Trainable, name: str, state: tuple[list, ...], result: Any) -> None:
    contract = CONTRACTS[name]
    problem = _problem(contract, state, result)
    if problem:
        raise UserInputError(f"{_described(model, name)} {problem} {contract_text(name)}")


def _problem(contract: Contract, state: tuple[list, ...], result: Any) -> str | None:
    if result is None:
        return "returned None: does its last line lack a `return`?"
    if not isinstance(result, Sequence) or len(result) != 2:
        return f"returned {user_code.describe(result)}, not a pair."
    first, new_state = result
    if contract.returned == "logs" and not isinstance(first, Mapping):
        return f"returned {user_code.describe(first)} in the place of the logs, a dict."
    texts = (
        [key for key, x in first.items() if isinstance(x, str)]
        if contract.returned == "logs"
        else []
    )
    if texts:
        return f"returned logs that are no numbers: {texts[0]!r} is {first[texts[0]]!r}."
    names = contract.new_state
    if len(names) == 1:  # a plain list
        names, new_state = names, [new_state]
    if not isinstance(new_state, Sequence) or len(new_state) != len(names):
        return f"returned {user_code.describe(new_state)} in the place of the state."
    taken = dict(zip(contract.state, state))
    for list_name, values in zip(names, new_state):
        expected = len(taken[list_name])
        if not isinstance(values, Sequence) or len(values) != expected:
            received = len(values) if isinstance(values, Sequence) else user_code.describe(values)
            return (
                f"returned other `{list_name}` than it took: {expected} values were expected, "
                f"received {received}."
            )
    return None
