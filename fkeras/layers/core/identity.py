"""Identity: nothing happens."""

from fkeras.core.nested import map_structure
from fkeras.core.symbolic.keras_tensor import KerasTensor
from fkeras.layers.base.layer import Layer


class Identity(Layer):
    """Returns its input. For a place in a model that may hold a layer or none.

    Shape:
        Any, nested structures too.
    """

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.supports_masking = True

    def call(self, inputs):
        return inputs

    def compute_output_shape(self, input_shape):
        return input_shape

    def compute_output_spec(self, inputs):
        return map_structure(lambda x: KerasTensor(x.shape, dtype=x.dtype, sparse=x.sparse), inputs)
