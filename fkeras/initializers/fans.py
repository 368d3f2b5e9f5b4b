"""How many inputs and outputs a weight connects."""

import math

from fkeras.errors import UserInputError


def compute_fans(shape, input_axes=None, output_axes=None) -> tuple[int, int]:
    """`(fan_in, fan_out)` of a weight.

    Args:
        shape: a vector counts for both; a matrix is (inputs, outputs); more axes are those of a convolution's kernel,
            (*window, inputs, outputs), where each input reaches an output through the whole window.
        input_axes: axes that count as inputs, and
        output_axes: as outputs. Given both, they replace the rule above; with one alone it stands.

    Examples:
        >>> compute_fans((3, 3, 8, 16))
        (72, 144)
        >>> compute_fans((32, 4, 16), input_axes=[0], output_axes=[1, 2])
        (32, 64)
    """
    shape = tuple(shape)
    if input_axes is not None and output_axes is not None:
        return _product(shape, input_axes, "input_axes"), _product(shape, output_axes, "output_axes")
    if len(shape) < 2:
        return (int(shape[0]),) * 2 if shape else (1, 1)
    window = math.prod(shape[:-2])
    return int(shape[-2] * window), int(shape[-1] * window)


def _product(shape, axes, name):
    if not all(-len(shape) <= axis < len(shape) for axis in axes):
        raise UserInputError(f"`{name}` must name axes of the weight, which has shape {shape}. Received: {name}={axes}")
    return int(math.prod(shape[axis] for axis in axes))
