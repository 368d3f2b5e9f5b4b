"""What layers share that move values about and compute nothing."""

from fkeras.core.symbolic.keras_tensor import KerasTensor
from fkeras.layers.base.layer import Layer


class Rearranging(Layer):
    """A layer whose output has the dtype of its input: integers stay integers.

    Abstract: subclasses give `compute_output_shape` and `call`.
    """

    def compute_output_spec(self, inputs: KerasTensor) -> KerasTensor:
        return KerasTensor(
            self.compute_output_shape(inputs.shape), dtype=inputs.dtype, sparse=inputs.sparse
        )
