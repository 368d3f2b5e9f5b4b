"""RepeatVector: one vector as a sequence."""

from __future__ import annotations

from typing import TYPE_CHECKING, Unpack

import jax.numpy as jnp

from fkeras.errors import UserInputError, UserTypeError
from fkeras.layers.base import arguments
from fkeras.layers.base.input_spec import InputSpec
from fkeras.layers.base.options import LayerOptions
from fkeras.layers.reshaping.rearranging import Rearranging

if TYPE_CHECKING:
    from fkeras.types import Shape, Tensor


class RepeatVector(Rearranging):
    """Each vector `n` times, as a sequence.

    Args:
        n: how often, positive.

    Shape:
        `(batch, features)` -> `(batch, n, features)`.

    Examples:
        >>> import fkeras, jax.numpy as jnp
        >>> fkeras.layers.RepeatVector(3)(jnp.ones((2, 5))).shape
        (2, 3, 5)
    """

    def __init__(self, n: int, **kwargs: Unpack[LayerOptions]):
        super().__init__(**kwargs)
        if not arguments.is_int(n):
            raise UserTypeError(f"Expected an integer value for `n`, got {type(n)}.")
        if n <= 0:
            raise UserInputError(f"Argument `n` should be a positive integer. Received: n={n}")
        self.n = int(n)
        self.input_spec = InputSpec(ndim=2)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return (input_shape[0], self.n, input_shape[1])

    def call(self, inputs: Tensor) -> Tensor:
        repeated = self.compute_output_shape(inputs.shape)  # (batch, n, features)
        return jnp.broadcast_to(inputs[:, None, :], repeated)
