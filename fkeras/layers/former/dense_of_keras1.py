"""`Highway` and `MaxoutDense`, layers of Keras 1."""

from __future__ import annotations

from typing import TYPE_CHECKING, Unpack

from fkeras import activations, initializers, ops, regularizers
from fkeras.layers.base.layer import Layer
from fkeras.layers.base.options import LayerOptions

if TYPE_CHECKING:
    from fkeras.types import Identifier, Shape, Tensor


class Highway(Layer):
    """`gate * activation(x @ W + b) + (1 - gate) * x`, where the gate is learnt too.

    Args:
        activation: name or function; None for none.
        use_bias: whether biases are added; that of the gate starts at -2, nearly closed.
        kernel_initializer: how the weights start.
        kernel_regularizer: function of the weights that adds to the loss.

    Shape:
        `(batch, features)`, in and out.
    """

    def __init__(
        self,
        activation: Identifier | None = None,
        use_bias: bool = True,
        kernel_initializer: Identifier = "glorot_uniform",
        kernel_regularizer: Identifier | None = None,
        **kwargs: Unpack[LayerOptions],
    ):
        super().__init__(**kwargs)
        self.activation = activations.get(activation)
        self.use_bias = use_bias
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.kernel_regularizer = regularizers.get(kernel_regularizer)

    def build(self, input_shape: Shape) -> None:
        features = input_shape[-1]
        for name, start in (("kernel", "zeros"), ("gate", initializers.Constant(-2.0))):
            kernel = self.add_weight(
                name=name,
                shape=(features, features),
                initializer=self.kernel_initializer,
                regularizer=self.kernel_regularizer,
            )
            setattr(self, name, kernel)
            bias = None
            if self.use_bias:
                bias = self.add_weight(name=f"{name}_bias", shape=(features,), initializer=start)
            setattr(self, f"{name}_bias", bias)

    def call(self, inputs: Tensor) -> Tensor:
        gate = ops.sigmoid(self._linear(inputs, self.gate, self.gate_bias))
        outputs = self._linear(inputs, self.kernel, self.kernel_bias)
        outputs = outputs if self.activation is None else self.activation(outputs)
        return gate * outputs + (1 - gate) * inputs

    @staticmethod
    def _linear(x, kernel, bias):
        product = ops.matmul(x, kernel)
        return product if bias is None else product + bias

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return input_shape


class MaxoutDense(Layer):
    """The largest of several linear maps, element by element.

    Args:
        units: size of the output's last axis.
        nb_feature: number of the maps.
        use_bias: whether biases are added.
        kernel_initializer: how the weights start.
        kernel_regularizer: function of the weights that adds to the loss.

    Shape:
        `(batch, features)` -> `(batch, units)`. Kernel `(nb_feature, features, units)`.
    """

    def __init__(
        self,
        units: int,
        nb_feature: int = 4,
        use_bias: bool = True,
        kernel_initializer: Identifier = "glorot_uniform",
        kernel_regularizer: Identifier | None = None,
        **kwargs: Unpack[LayerOptions],
    ):
        super().__init__(**kwargs)
        self.units = units
        self.nb_feature = nb_feature
        self.use_bias = use_bias
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.kernel_regularizer = regularizers.get(kernel_regularizer)

    def build(self, input_shape: Shape) -> None:
        shape = (self.nb_feature, input_shape[-1], self.units)
        self.kernel = self.add_weight(
            name="kernel",
            shape=shape,
            initializer=self.kernel_initializer,
            regularizer=self.kernel_regularizer,
        )
        self.bias = None
        if self.use_bias:
            self.bias = self.add_weight(
                name="bias", shape=(self.nb_feature, self.units), initializer="zeros"
            )

    def call(self, inputs: Tensor) -> Tensor:
        outputs = ops.einsum("bf,nfu->bnu", inputs, self.kernel)
        outputs = outputs if self.bias is None else outputs + self.bias
        return ops.max(outputs, axis=1)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return (*input_shape[:-1], self.units)
