"""EinsumDense: a linear map described by an einsum equation."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import jax.numpy as jnp

from fkeras import activations, constraints, initializers, regularizers
from fkeras.errors import UserInputError
from fkeras.layers.base import arguments
from fkeras.layers.base.input_spec import InputSpec
from fkeras.layers.base.layer import Layer

if TYPE_CHECKING:
    from fkeras.types import Config, Identifier, Shape, ShapeLike, Tensor


class EinsumDense(Layer):
    """`activation(einsum(equation, inputs, kernel) + bias)`: `Dense` over any axes.

    Args:
        equation: such as `'abc,cd->abd'`: axes of the input, of the kernel, of the output. The
            first output axis is the batch. Axes that are left as they are can be written `...` at
            the start or the end.
        output_shape: sizes of the output's axes, without the batch axis and those behind `...`: an
            int or a tuple, with None for a size that is the input's.
        activation: name or function; None for none.
        bias_axes: letters of the output axes that the bias has, such as `'d'`; None for no bias.
        kernel_initializer, bias_initializer: how the weights start. Fans are counted over the axes
            that the equation sums over.
        kernel_regularizer, bias_regularizer: functions of the weights that add to the loss.
        kernel_constraint, bias_constraint: functions applied to the weights after each update.
        lora_rank, lora_alpha, gptq_unpacked_column_size, quantization_config: None; low-rank
            adaptation and quantization belong to another release.

    Shape:
        As the equation says.

    Raises:
        UserInputError: an equation of another form, letters without a size, sizes that do not
            agree.

    Examples:
        >>> import fkeras, jax
        >>> layer = fkeras.layers.EinsumDense("abc,cde->abde", output_shape=(None, 8, 4), bias_axes="de")
        >>> variables = layer.init(jax.random.key(0), (2, 10, 32))
        >>> jax.tree.map(lambda a: a.shape, variables["params"])
        {'bias': (8, 4), 'kernel': (32, 8, 4)}
    """

    def __init__(
        self,
        equation: str,
        output_shape: ShapeLike,
        activation: Identifier | None = None,
        bias_axes: str | None = None,
        kernel_initializer: Identifier = "glorot_uniform",
        bias_initializer: Identifier = "zeros",
        kernel_regularizer: Identifier | None = None,
        bias_regularizer: Identifier | None = None,
        kernel_constraint: Identifier | None = None,
        bias_constraint: Identifier | None = None,
        lora_rank: int | None = None,
        lora_alpha: float | None = None,
        gptq_unpacked_column_size: int | None = None,
        quantization_config: object | None = None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        arguments.refuse_unsupported(
            "EinsumDense",
            lora_rank=lora_rank,
            lora_alpha=lora_alpha,
            quantization_config=quantization_config,
            gptq_unpacked_column_size=gptq_unpacked_column_size,
        )
        self.equation = equation
        self.partial_output_shape = (
            (output_shape,) if isinstance(output_shape, int) else tuple(output_shape)
        )
        self.bias_axes = bias_axes
        self.activation = activations.get(activation)
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.bias_initializer = initializers.get(bias_initializer)
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.bias_regularizer = regularizers.get(bias_regularizer)
        self.kernel_constraint = constraints.get(kernel_constraint)
        self.bias_constraint = constraints.get(bias_constraint)

    def build(self, input_shape: Shape) -> None:
        arguments.refuse_unsupported(
            "EinsumDense", quantization_mode=self.quantization_mode
        )  # of a dtype policy such as 'int8_from_float32'
        shapes = _Shapes(
            self.equation, self.bias_axes, tuple(input_shape), self.partial_output_shape
        )
        self.kernel = self.add_weight(
            name="kernel",
            shape=shapes.kernel,
            initializer=self._initializer_over(shapes),
            regularizer=self.kernel_regularizer,
            constraint=self.kernel_constraint,
        )
        self.bias = None
        if shapes.bias is not None:
            self.bias = self.add_weight(
                name="bias",
                shape=shapes.bias,
                initializer=self.bias_initializer,
                regularizer=self.bias_regularizer,
                constraint=self.bias_constraint,
            )
        self.input_spec = InputSpec(ndim=len(input_shape))

    def _initializer_over(self, shapes):
        """The initializer, told which axes of the kernel are summed over where it counts fans and
        does not know.
        """
        initializer = self.kernel_initializer
        if (
            getattr(initializer, "input_axes", self) is not None
            and getattr(initializer, "output_axes", self) is not None
        ):
            return initializer
        config = {
            **initializer.get_config(),
            "seed": initializer.seed,
            "input_axes": shapes.input_axes,
            "output_axes": shapes.output_axes,
        }
        return type(initializer).from_config(config)

    def call(self, inputs: Tensor, training: bool | None = None) -> Tensor:
        x = jnp.einsum(self.equation, inputs, self.kernel.value)
        if self.bias is not None:
            x = x + self.bias
        return x if self.activation is None else self.activation(x)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return _Shapes(
            self.equation, self.bias_axes, tuple(input_shape), self.partial_output_shape
        ).output

    def get_config(self) -> Config:
        return {**super().get_config(), "output_shape": self.partial_output_shape}


_FORMS = (
    r"([a-zA-Z]+),([a-zA-Z]+)->([a-zA-Z]+)",
    r"0([a-zA-Z]+),([a-zA-Z]+)->0([a-zA-Z]+)",
    r"([a-zA-Z]{2,})0,([a-zA-Z]+)->([a-zA-Z]+)0",
)


class _Shapes:
    """Shapes of kernel, bias (None for none) and output, and the kernel's axes that are summed over
    or not, from an equation.
    """

    def __init__(self, equation: str, bias_axes: str | None, input_shape: Shape, output_shape):
        dotted = equation.replace("...", "0")
        found = next((m for m in (re.fullmatch(form, dotted) for form in _FORMS) if m), None)
        if found is None:
            raise UserInputError(
                f"Invalid einsum equation '{equation}'. Equations must be in the form "
                "[X],[Y]->[Z], ...[X],[Y]->...[Z], or [X]...,[Y]->[Z]...."
            )
        given, kernel, out = found.groups()
        leads = dotted.startswith("0")
        elided = len(input_shape) - len(given)
        if elided < 0 or elided and "0" not in dotted:
            raise UserInputError(
                f"EinsumDense: the equation '{equation}' is for inputs of rank "
                f"{len(given)}{' or more' * ('0' in dotted)}. Received: input_shape={input_shape}"
            )
        if leads:
            output = (input_shape[0], *input_shape[1:elided], *output_shape)
            sizes_in, sizes_out = (
                dict(zip(given, input_shape[elided:])),
                dict(zip(out, output[elided:])),
            )
        else:
            output = (input_shape[0], *output_shape, *input_shape[len(given) :])
            sizes_in, sizes_out = dict(zip(given, input_shape)), dict(zip(out, output))
        if len(output) != len(out) + elided:
            raise UserInputError(
                f"EinsumDense: the equation '{equation}' has {len(out) + elided} output axes for "
                f"inputs of shape {input_shape}, but output_shape={output_shape} gives "
                f"{len(output)} with the batch axis."
            )
        for letter in given:
            if sizes_out.get(letter) is not None and sizes_out[letter] != sizes_in[letter]:
                raise UserInputError(
                    f"Input shape and output shape do not match at shared dimension '{letter}'. "
                    f"Input shape is {sizes_in[letter]}, and output shape is {sizes_out[letter]}."
                )
        for letter in out:
            if letter not in given and letter not in kernel:
                raise UserInputError(
                    f"Dimension '{letter}' was specified in the output '{out}' but has no "
                    f"corresponding dim in the input spec '{given}' or weight spec '{kernel}'"
                )
        for letter in kernel:
            if letter not in sizes_out and letter not in sizes_in:
                raise UserInputError(
                    f"Weight dimension '{letter}' did not have a match in either the input spec "
                    f"'{given}' or the output spec '{out}'. For this layer, the weight must be "
                    "fully specified."
                )
        known = {**sizes_in, **{k: v for k, v in sizes_out.items() if v is not None}}
        letters = f"{' ' * elided}{out}" if leads else out
        self.output = tuple(
            known.get(letter) if size is None else size
            for letter, size in zip(letters.ljust(len(output)), output)
        )
        self.kernel = tuple(known[letter] for letter in kernel)
        self.input_axes = [i for i, letter in enumerate(kernel) if letter not in sizes_out]
        self.output_axes = [i for i, letter in enumerate(kernel) if letter in sizes_out]
        self.bias = (
            None
            if bias_axes is None
            else _bias_shape(bias_axes, out, sizes_out, 0 if leads else elided)
        )


def _bias_shape(bias_axes: str | None, out, sizes, trailing):
    for letter in bias_axes:
        if letter not in out:
            raise UserInputError(
                f"Bias dimension '{letter}' was requested, but is not part of the output spec "
                f"'{out}'"
            )
    first = min(out.find(letter) for letter in bias_axes)
    return (
        *(sizes[letter] if letter in bias_axes else 1 for letter in out[first:]),
        *(1,) * trailing,
    )
