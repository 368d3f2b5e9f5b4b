"""Which weights a loss gives no gradient at all, seen while a training step is traced.

A layer that no loss depends on, `stop_gradient`, `argmax` or rounding behind it: its weights would
never be trained, and every number would look as it should. Nothing of this is in the compiled step.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import jax

from fkeras.core.values.variable_info import info_of
from fkeras.core.warn_once import warn_user_once

if TYPE_CHECKING:
    from fkeras.training.compiled import Compiled
    from fkeras.training.trainable import Trainable, Values

_SHOWN = 6


class GradientWatch:
    """Sees which of a list of weights a derivative by all of them reaches.

    Attributes:
        reached: for each weight, whether its derivative is anything but a zero that is known
            without computing it. Of weights that went through a loop or `jax.checkpoint` a
            derivative that is computed and zero counts as reached.
    """

    def __init__(self, count: int) -> None:
        self.reached = [False] * count

    def watched(self, function: Callable[[Values], Any]) -> Callable[[Values], Any]:
        """A function of the weights as it is, but seen.

        Args:
            function: of a list of weights; to be differentiated once.
        """

        @jax.custom_vjp
        def see(weights: list[jax.Array]) -> list[jax.Array]:
            return weights

        def forward(weights: list[Any]) -> tuple[list[jax.Array], None]:
            return [weight.value for weight in weights], None

        def backward(_: None, cotangents: list[Any]) -> tuple[list[Any]]:
            for i, cotangent in enumerate(cotangents):
                if not isinstance(cotangent, jax.custom_derivatives.SymbolicZero):
                    self.reached[i] = True
            return ([c if self.reached[i] else None for i, c in enumerate(cotangents)],)

        see.defvjp(forward, backward, symbolic_zeros=True)
        return lambda weights: function(see(list(weights)))


def warn(model: Trainable, compiled: Compiled, reached: Sequence[bool]) -> None:
    """Names the weights without a gradient, once after each `compile`.

    Where there is none at all, the loss itself has said so.

    Args:
        model: being trained. compiled: what `compile` chose for it.
        reached: for each of its trainable weights, as in `GradientWatch`.
    """
    if not reached and not model.weights and not compiled.missing_gradients_were_told:
        compiled.missing_gradients_were_told = True
        warn_user_once(
            f"Model '{model.name}' has no weights: nothing is trained. Layers belong to it as "
            "attributes, alone or in lists and dicts; weights are made by `add_weight` or "
            "`fkeras.Variable`, plain arrays are constants."
        )
    if all(reached) or not any(reached) or compiled.missing_gradients_were_told:
        return
    loss = compiled.loss
    if loss is not None and loss.built and len({t.output for t in loss.terms}) < len(loss.outputs):
        return  # `loss=None` of an output says that it is meant
    compiled.missing_gradients_were_told = True
    pairs = zip(model.trainable_variables, reached)
    paths = [info_of(variable).path for variable, is_reached in pairs if not is_reached]
    more = f" and {len(paths) - _SHOWN} more" if len(paths) > _SHOWN else ""
    warn_user_once(
        f"Model '{model.name}': the loss gives these weights no gradient, so that they are not "
        f"trained: {', '.join(paths[:_SHOWN])}{more}. The layers are not used by what the loss "
        "depends on, or `stop_gradient`, `argmax` or rounding stand behind them. If that is meant, "
        "set `trainable = False` on them before `compile`."
    )
