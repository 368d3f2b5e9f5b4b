"""`custom_gradient`: a function with a rule of its own for the backward pass."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import jax

from fkeras.core import scoped
from fkeras.core.randomness import key_scopes
from fkeras.core.symbolic.argument_kinds import read
from fkeras.core.values import lending


def custom_gradient(f: Callable[..., tuple[Any, Callable[..., Any]]]) -> Callable[..., Any]:
    """Decorator: `f(*args)` returns `(output, grad)`, with a backward pass of its own.

    `grad(upstream)` returns the gradient for each argument.

    Weights of layers may be read in `f` and in `grad`. In a pure call JAX runs the rule after the
    call has returned its lent values, so they travel with it as operands, and so do the call's
    keys: `f` runs again in the backward pass, and draws what it drew before. The rule passes no
    gradient on to them. `training` is that of the call.

    Args:
        f: function of tensors that returns a pair of the output and a function from the output's
            gradient (`upstream`) to the gradient of the argument, or a tuple of gradients for
            several.

    Examples:
        >>> import fkeras, jax
        >>> @fkeras.ops.custom_gradient
        ... def twice_but_gradient_one(x):
        ...     def grad(*args, upstream=None):
        ...         return args[0] if upstream is None else upstream
        ...     return 2 * x, grad
        >>> float(jax.grad(twice_but_gradient_one)(3.0))
        1.0
    """

    @functools.wraps(f)
    def wrapped(*args):
        # Values lent for this call travel as operands: `custom_vjp` may run `backward` later.
        variables, lent = lending.lent_now()
        draws = key_scopes.RunsAgain()
        around = scoped.snapshot()  # `training`, and the like
        has_returned = False

        # The user's function with all that is lent in place, whenever JAX runs it.
        def under(carried, fn, *operands):
            values, of_draws = carried

            def run():
                with draws.opened(of_draws):
                    return lending.call(fn, variables, values, *operands)[0]

            return around.run(run) if has_returned else run()

        @jax.custom_vjp
        def rule(carried, *operands):
            return under(carried, lambda *xs: f(*xs)[0], *operands)

        def forward(carried, *operands):
            return rule(carried, *operands), (carried, operands)

        def backward(saved, upstream):
            carried, operands = saved
            gradients = under(carried, lambda *xs: f(*xs)[1](upstream), *operands)
            gradients = gradients if isinstance(gradients, (list, tuple)) else (gradients,)
            return None, *gradients  # none for the weights and keys

        rule.defvjp(forward, backward)
        outputs = rule((lent, draws.operands), *(read(a) for a in args))
        has_returned = True
        draws.count_on()
        return outputs

    return wrapped
