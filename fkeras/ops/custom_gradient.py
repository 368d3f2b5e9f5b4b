"""`custom_gradient`: a function with a rule of its own for the backward pass."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from fkeras.core.symbolic.argument_kinds import read
from fkeras.core.values import lending


def custom_gradient(f: Callable[..., tuple[Any, Callable[..., Any]]]) -> Callable[..., Any]:
    """Decorator: `f(*args)` returns `(output, grad)`, with a backward pass of its own.

    `grad(upstream)` returns the gradient for each argument.

    Weights of layers may be read in `f` and in `grad`. In a pure call JAX runs the rule after the
    call has returned its lent values, so they travel with it as operands; the rule passes no
    gradient on to them.

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

        # The user's function with the lent values in place, whenever JAX runs it.
        def under(values, fn, *operands):
            return lending.call(fn, variables, values, *operands)[0]

        @jax.custom_vjp
        def rule(values, *operands):
            return under(values, lambda *xs: f(*xs)[0], *operands)

        def forward(values, *operands):
            return rule(values, *operands), (values, operands)

        def backward(saved, upstream):
            values, operands = saved
            gradients = under(values, lambda *xs: f(*xs)[1](upstream), *operands)
            gradients = gradients if isinstance(gradients, (list, tuple)) else (gradients,)
            return [jnp.zeros_like(v) for v in values], *gradients  # none for the weights

        rule.defvjp(forward, backward)
        return rule(lent, *(read(a) for a in args))

    return wrapped
