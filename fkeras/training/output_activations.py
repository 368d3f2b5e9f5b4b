"""What the last operation of a traced model was, as far as it decides on the range of the outputs.

A model of known layers tells by its graph; a subclassed one, a Lambda or a chain of reshapes only
by the program that it traces to. That program is read here and nowhere run.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from jax.extend.core import ClosedJaxpr

# Operations that change no value, or only where it stands.
_MOVES = frozenset((
    "convert_element_type", "reshape", "squeeze", "expand_dims", "transpose", "copy", "copy_p",
    "broadcast_in_dim", "reduce_precision", "rev", "slice", "optimization_barrier",
    "sharding_constraint",
))  # fmt: skip
# Operations that hold a program, by the parameter that has it.
_PROGRAMS = ("jaxpr", "call_jaxpr", "fun_jaxpr")
_BY_OPERATION = {
    "dot_general": "linear",
    "conv_general_dilated": "linear",
    "logistic": "sigmoid",
    "tanh": "tanh",
}


def last_activations(program: ClosedJaxpr) -> list[str | None]:
    """For each output 'linear', 'sigmoid', 'softmax', 'tanh' or 'relu'; None where it is neither.

    Args:
        program: of a model, from `jax.make_jaxpr`.

    Examples:
        >>> import jax, jax.numpy as jnp
        >>> from fkeras.training.output_activations import last_activations
        >>> kernel = jnp.ones((3, 2))
        >>> last_activations(jax.make_jaxpr(lambda x: jax.nn.softmax(x @ kernel))(jnp.ones((4, 3))))
        ['softmax']
        >>> last_activations(jax.make_jaxpr(lambda x: x @ kernel + 1)(jnp.ones((4, 3))))
        ['linear']
    """
    frame = _Frame(program.jaxpr, None, ())
    return [_activation(_Value(frame, variable)) for variable in program.jaxpr.outvars]


class _Frame(NamedTuple):
    """A program, and where the values come from that it is called on."""

    jaxpr: Any
    outer: _Frame | None
    arguments: tuple


class _Value(NamedTuple):
    frame: _Frame
    variable: Any


def _activation(value: _Value) -> str | None:
    found = _source(value)
    if found is None:
        return None
    frame, equation = found
    name = equation.primitive.name
    operands = [_Value(frame, v) for v in equation.invars]
    if name in _BY_OPERATION:
        return _BY_OPERATION[name]
    if name == "max" and any(_literal(operand) == 0 for operand in operands):
        return "relu"
    if name == "div" and _is_softmax(*operands):
        return "softmax"
    # A product of matrices and a bias.
    if name == "add" and any(map(_is_product, operands)):
        return "linear"
    return None


def _is_product(value: _Value) -> bool:
    found = _source(value)
    return found is not None and found[1].primitive.name in ("dot_general", "conv_general_dilated")


def _is_softmax(numerator: _Value, denominator: _Value) -> bool:
    """Whether exponentials are divided by a sum of them."""
    top, bottom = _source(numerator), _source(denominator)
    if top is None or bottom is None or bottom[1].primitive.name != "reduce_sum":
        return False
    summed = _source(_Value(bottom[0], bottom[1].invars[0]))
    return top[1].primitive.name == "exp" and summed is not None and summed[1] is top[1]


def _source(value: _Value) -> tuple[_Frame, Any] | None:
    """The operation that computed a value, behind those that only move it, and inside of programs
    that others call. None for inputs and constants.
    """
    frame, variable = value
    while not hasattr(variable, "val"):  # a literal
        equation = _definition(frame.jaxpr, variable)
        if equation is None:  # an input of this program, or a constant
            inputs = list(frame.jaxpr.invars)
            if frame.outer is None or variable not in inputs:
                return None
            position = inputs.index(variable)
            if position >= len(frame.arguments):
                return None
            frame, variable = frame.outer, frame.arguments[position]
            continue
        inner = _program_of(equation)
        if inner is not None:
            position = list(equation.outvars).index(variable)
            # Loops have other inputs, and outputs of their own kind, than their bodies.
            is_call = len(inner.outvars) == len(equation.outvars) and len(inner.invars) == len(
                equation.invars
            )
            if not is_call or equation.primitive.name in ("scan", "while", "cond"):
                return frame, equation
            frame = _Frame(inner, frame, tuple(equation.invars))
            variable = inner.outvars[position]
        elif equation.primitive.name in _MOVES:
            variable = equation.invars[0]
        else:
            return frame, equation
    return None


def _definition(jaxpr: Any, variable: Any) -> Any:
    return next((e for e in reversed(jaxpr.eqns) if variable in e.outvars), None)


def _program_of(equation: Any) -> Any:
    for name in _PROGRAMS:
        program = equation.params.get(name)
        if program is not None:
            return getattr(program, "jaxpr", program)
    return None


def _literal(value: _Value) -> Any:
    """A number that is written in the program; None for anything else."""
    return getattr(value.variable, "val", None)
