"""What an einsum equation of `EinsumDense` makes of an input's shape."""

from __future__ import annotations

import itertools
import re
import string
from typing import TYPE_CHECKING, NamedTuple

from fkeras.errors import UserInputError

if TYPE_CHECKING:
    from fkeras.types import Shape

_FORMS = (  # "0" stands for "..."
    r"([a-zA-Z]+),([a-zA-Z]+)->([a-zA-Z]+)",
    r"0([a-zA-Z]+),([a-zA-Z]+)->0([a-zA-Z]+)",
    r"([a-zA-Z]{2,})0,([a-zA-Z]+)->([a-zA-Z]+)0",
)


class EinsumShapes(NamedTuple):
    """What an equation makes of an input's shape."""

    kernel: Shape
    bias: Shape | None  # None for no bias
    output: Shape
    input_axes: list[int]  # axes of the kernel that are summed over
    output_axes: list[int]  # the others


class _Equation(NamedTuple):
    """An equation taken apart: the letters of each operand, without "..."."""

    text: str
    inputs: str
    kernel: str
    outputs: str
    elides_first: bool  # "..." at the start
    elides_last: bool  # "..." at the end


def shapes_of(
    equation: str, bias_axes: str | None, input_shape: Shape, output_shape: Shape
) -> EinsumShapes:
    """Shapes of kernel, bias and output from an equation and what is known of the sizes.

    Args:
        equation: the einsum equation.
        bias_axes: letters of the output's axes that the bias has; None for no bias.
        input_shape: with the batch axis.
        output_shape: sizes of the output's axes without the batch axis and those behind "...";
            None for a size that is the input's.

    Raises:
        UserInputError: an equation of another form, letters without a size, sizes that do not
            agree.
    """
    parts = _parsed(equation)
    elided = _elided_rank(parts, input_shape)  # how many axes "..." stands for
    full_output = _output_sizes(parts, elided, input_shape, output_shape)
    first_in = elided if parts.elides_first else 0  # where the letters begin
    input_sizes = dict(zip(parts.inputs, input_shape[first_in:]))
    output_sizes = dict(zip(parts.outputs, full_output[first_in:]))
    _check_letters(parts, input_sizes, output_sizes)
    sizes = input_sizes | {k: v for k, v in output_sizes.items() if v is not None}
    # A blank for each elided axis, so that letters and sizes stand side by side.
    letters = f"{' ' * first_in}{parts.outputs}".ljust(len(full_output))
    bias = None
    if bias_axes:
        trailing = elided if parts.elides_last else 0
        bias = _bias_shape(bias_axes, parts.outputs, sizes, trailing)
    return EinsumShapes(
        kernel=tuple(sizes[letter] for letter in parts.kernel),
        bias=bias,
        output=tuple(
            sizes.get(letter) if size is None else size
            for letter, size in zip(letters, full_output)
        ),
        input_axes=[i for i, k in enumerate(parts.kernel) if k not in output_sizes],
        output_axes=[i for i, k in enumerate(parts.kernel) if k in output_sizes],
    )


class EinsumLetters(NamedTuple):
    """The letters of all axes of an equation's operands."""

    inputs: str
    kernel: str
    outputs: str


def letters_of(equation: str, input_ndim: int) -> EinsumLetters:
    """An equation's letters, with further ones for the axes that "..." stands for.

    Args:
        equation: the einsum equation.
        input_ndim: number of axes of the input.

    Examples:
        >>> letters_of("...ab,bc->...ac", 4)
        EinsumLetters(inputs='deab', kernel='bc', outputs='deac')
    """
    parts = _parsed(equation)
    unused = (letter for letter in string.ascii_letters if letter not in equation)
    elided = "".join(itertools.islice(unused, input_ndim - len(parts.inputs)))
    before, behind = (elided, "") if parts.elides_first else ("", elided)
    return EinsumLetters(
        f"{before}{parts.inputs}{behind}", parts.kernel, f"{before}{parts.outputs}{behind}"
    )


def kernel_ends_as_output(equation: str) -> bool:
    """Whether the kernel's last axis is the output's, and not one that is summed over.

    >>> kernel_ends_as_output("abc,cde->abde"), kernel_ends_as_output("ab,cb->ac")
    (True, False)
    """
    parts = _parsed(equation)
    last = parts.kernel[-1]
    return last == parts.outputs[-1] and last not in parts.inputs and not parts.elides_last


def _parsed(equation: str) -> _Equation:
    """The parts of an equation. Raises where it has another form."""
    dotted = equation.replace("...", "0")
    for form in _FORMS:
        match = re.fullmatch(form, dotted)
        if match is not None:
            elides_first = dotted.startswith("0")
            inputs, kernel, outputs = match.groups()
            elides_last = "0" in dotted and not elides_first
            return _Equation(equation, inputs, kernel, outputs, elides_first, elides_last)
    raise UserInputError(
        f"Invalid einsum equation '{equation}'. Equations must be in the form "
        "[X],[Y]->[Z], ...[X],[Y]->...[Z], or [X]...,[Y]->[Z]...."
    )


def _elided_rank(parts: _Equation, input_shape: Shape) -> int:
    """How many axes of the input "..." stands for. Raises where the rank does not fit."""
    elided = len(input_shape) - len(parts.inputs)
    has_dots = parts.elides_first or parts.elides_last
    if elided < 0 or elided and not has_dots:
        raise UserInputError(
            f"EinsumDense: the equation '{parts.text}' is for inputs of rank "
            f"{len(parts.inputs)}{' or more' * has_dots}. Received: input_shape={input_shape}"
        )
    return elided


def _output_sizes(parts: _Equation, elided: int, input_shape: Shape, output_shape: Shape) -> Shape:
    """`output_shape` with the batch axis and the elided axes. Raises for another count of axes."""
    batch = input_shape[0]
    if parts.elides_first:
        sizes = (batch, *input_shape[1:elided], *output_shape)
    else:
        sizes = (batch, *output_shape, *input_shape[len(parts.inputs) :])
    expected = len(parts.outputs) + elided
    if len(sizes) != expected:
        raise UserInputError(
            f"EinsumDense: the equation '{parts.text}' has {expected} output axes for "
            f"inputs of shape {input_shape}, but output_shape={output_shape} gives "
            f"{len(sizes)} with the batch axis."
        )
    return sizes


def _check_letters(
    parts: _Equation, input_sizes: dict[str, int | None], output_sizes: dict[str, int | None]
) -> None:
    """Raises where input and output disagree on a size, or a letter has none."""
    for letter in parts.inputs:
        size = output_sizes.get(letter)
        if size is not None and size != input_sizes[letter]:
            raise UserInputError(
                f"Input shape and output shape do not match at shared dimension '{letter}'. "
                f"Input shape is {input_sizes[letter]}, and output shape is {size}."
            )
    for letter in parts.outputs:
        if letter not in parts.inputs and letter not in parts.kernel:
            raise UserInputError(
                f"Dimension '{letter}' was specified in the output '{parts.outputs}' but has no "
                f"corresponding dim in the input spec '{parts.inputs}' or weight spec "
                f"'{parts.kernel}'"
            )
    for letter in parts.kernel:
        if letter not in output_sizes and letter not in input_sizes:
            raise UserInputError(
                f"Weight dimension '{letter}' did not have a match in either the input spec "
                f"'{parts.inputs}' or the output spec '{parts.outputs}'. For this layer, the "
                "weight must be fully specified."
            )


def _bias_shape(bias_axes: str, outputs: str, sizes: dict[str, int | None], trailing: int) -> Shape:
    """Shape of the bias: its axes from the first letter on, 1 where it has none.

    `trailing` is the number of axes behind the letters, which "..." stands for.
    """
    for letter in bias_axes:
        if letter not in outputs:
            raise UserInputError(
                f"Bias dimension '{letter}' was requested, but is not part of the output spec "
                f"'{outputs}'"
            )
    first = min(outputs.find(letter) for letter in bias_axes)
    along = tuple(sizes[letter] if letter in bias_axes else 1 for letter in outputs[first:])
    return along + (1,) * trailing
