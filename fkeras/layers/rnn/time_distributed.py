"""TimeDistributed: a layer on each time step."""

import jax

from fkeras.errors import UserInputError
from fkeras.layers.base import signature
from fkeras.layers.core.wrapper import Wrapper


class TimeDistributed(Wrapper):
    """Applies a layer to every time step, with the same weights.

    Args:
        layer: the layer for one step.

    Shape:
        `(batch, time, ...)` -> `(batch, time, *output of the layer)`.

    Examples:
        >>> import fkeras, numpy as np
        >>> fkeras.layers.TimeDistributed(fkeras.layers.Dense(4))(np.ones((2, 5, 3), "float32")).shape
        (2, 5, 4)
    """

    def __init__(self, layer, **kwargs):
        super().__init__(layer, **kwargs)
        self.supports_masking = True

    @staticmethod
    def _one(shape):
        if not isinstance(shape, (tuple, list)) or len(shape) < 3:
            raise UserInputError("`TimeDistributed` Layer should be passed an `input_shape` with at least 3 dimensions, received: "
                                 f"{shape}")
        return (shape[0], *shape[2:])

    def build(self, input_shape):
        if not self.layer.built:
            self.layer.build(self._one(input_shape))

    def compute_output_shape(self, input_shape):
        inner = self.layer.compute_output_shape(self._one(input_shape))
        return (inner[0], input_shape[1], *inner[1:])

    def call(self, inputs, training=None, mask=None):
        batch, time = inputs.shape[:2]
        flat = inputs.reshape((batch * time, *inputs.shape[2:]))
        kwargs = {}
        if mask is not None and mask.ndim > 2 and "mask" in signature.of(self.layer).parameters:
            kwargs["mask"] = mask.reshape((batch * time, *mask.shape[2:]))
        outputs = self.layer(flat, training=training, **kwargs)
        return jax.tree.map(lambda x: x.reshape((batch, time, *x.shape[1:])), outputs)
