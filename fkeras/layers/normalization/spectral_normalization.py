"""SpectralNormalization: a layer whose kernel has spectral norm 1."""

from __future__ import annotations

from typing import TYPE_CHECKING, Unpack

import jax
import jax.numpy as jnp

from fkeras import initializers
from fkeras.core.values import lending
from fkeras.errors import UserInputError
from fkeras.layers.base import arguments
from fkeras.layers.base.input_spec import InputSpec
from fkeras.layers.base.options import LayerOptions
from fkeras.layers.core.wrapper import Wrapper

if TYPE_CHECKING:
    from fkeras.core.values.variable import Variable
    from fkeras.layers.base.layer import Layer
    from fkeras.types import Shape, Tensor


class SpectralNormalization(Wrapper):
    """Divides the kernel of a layer by its largest singular value.

    That bounds how much the layer can stretch its input. The singular value is found by power
    iteration, a few steps in each training call that go on from those of the last one. The kernel
    itself stays as it is: the layer sees `kernel / sigma`. Inference uses the normalised kernel
    once a training call has found a singular vector, and the kernel itself before. (Keras on JAX
    normalises in training and uses the kernel itself in inference, so that the two compute
    different functions.)

    Args:
        layer: the layer to wrap, with a weight `kernel` or `embeddings`.
        power_iterations: steps of power iteration in a training call, positive.

    Shape:
        Those of the layer. The state `vector_u` is `(1, kernel.shape[-1])`.

    Examples:
        >>> import fkeras, jax, jax.numpy as jnp
        >>> dense = fkeras.layers.Dense(3, kernel_initializer="ones")
        >>> layer = fkeras.layers.SpectralNormalization(dense, power_iterations=5)
        >>> variables = layer.init(jax.random.key(0), (1, 3))
        >>> layer.apply(variables, jnp.ones((1, 3)), training=True)[0].round(3)
        Array([[1., 1., 1.]], dtype=float32)

    References:
        Miyato et al., 2018, https://arxiv.org/abs/1802.05957
    """

    def __init__(self, layer: Layer, power_iterations: int = 1, **kwargs: Unpack[LayerOptions]):
        super().__init__(layer, **kwargs)
        if not arguments.is_int(power_iterations) or power_iterations <= 0:
            raise UserInputError(
                "`power_iterations` should be greater than zero. Received: "
                f"`power_iterations={power_iterations}`"
            )
        self.power_iterations = int(power_iterations)

    def build(self, input_shape: Shape) -> None:
        super().build(input_shape)
        # The same Variable as the layer's, so that there is one weight, under this layer's path.
        self.kernel = self._wrapped_kernel()
        self.vector_u = self.add_weight(
            name="vector_u",
            shape=(1, self.kernel.shape[-1]),
            dtype=self.kernel.dtype,
            trainable=False,
            initializer=initializers.TruncatedNormal(stddev=0.02),
        )
        self.input_spec = InputSpec(min_ndim=1, axes={-1: input_shape[-1]})

    def _wrapped_kernel(self) -> Variable:
        """The weight of the layer that is normalised."""
        for name in ("kernel", "embeddings"):
            if getattr(self.layer, name, None) is not None:
                return getattr(self.layer, name)
        raise UserInputError(
            f"{type(self.layer).__name__} object has no attribute 'kernel' nor 'embeddings'"
        )

    def call(self, inputs: Tensor, training: bool | None = False) -> Tensor:
        with lending.autocast(None):  # the kernel itself, not rounded to the compute dtype
            kernel = self.kernel.value
            u = self.vector_u.value
        # Whatever the rank: (all axes but the outputs, outputs).
        matrix = kernel.reshape(-1, kernel.shape[-1])
        wide = matrix.astype(jnp.promote_types(matrix.dtype, jnp.float32))
        right, left = _power_iteration(wide, u, self.power_iterations if training else 1)
        usable = jnp.any(matrix != 0)
        if training:
            self.vector_u.assign(jnp.where(usable, right.astype(u.dtype), u))
        else:  # a singular vector has length 1; a fresh one, of small random numbers, has not
            tolerance = 1e-3 if u.dtype == wide.dtype else 2e-2  # of a length in half precision
            usable &= jnp.abs(jnp.sum(jnp.square(u.astype(wide.dtype))) - 1) < tolerance
        # The vectors count as constants: the gradient of sigma is that of `left @ matrix @ right`.
        sigma = jnp.where(usable, (left @ wide @ right.T).reshape(()), 1).astype(kernel.dtype)
        output, _ = lending.call(
            self.layer, [self.kernel], [kernel / sigma], inputs, strict=lending.in_pure_call()
        )
        return output.astype(inputs.dtype) if jnp.issubdtype(inputs.dtype, jnp.floating) else output

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return self.layer.compute_output_shape(input_shape)


def _power_iteration(matrix: Tensor, start: Tensor, steps: int) -> tuple[Tensor, Tensor]:
    """The right and left singular vectors `(1, columns)`, `(1, rows)` after some steps."""
    right = start.astype(matrix.dtype)
    for _ in range(steps):
        left = _unit(right @ matrix.T)
        right = _unit(left @ matrix)
    return jax.lax.stop_gradient(right), jax.lax.stop_gradient(left)


def _unit(x: Tensor) -> Tensor:
    """x divided by its norm."""
    return x * jax.lax.rsqrt(jnp.maximum(jnp.sum(jnp.square(x)), 1e-12))
