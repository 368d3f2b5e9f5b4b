"""SpectralNormalization: a layer whose kernel has spectral norm 1."""

from __future__ import annotations

from typing import TYPE_CHECKING

import jax
import jax.numpy as jnp

from fkeras import initializers
from fkeras.core.values import lending
from fkeras.errors import UserInputError
from fkeras.layers.base.input_spec import InputSpec
from fkeras.layers.core.wrapper import Wrapper

if TYPE_CHECKING:
    from fkeras.types import Shape, Tensor


class SpectralNormalization(Wrapper):
    """Divides the kernel of a layer by its largest singular value, which bounds how much the layer
    can stretch its input.

    The singular value is found by power iteration, a few steps in each training call that go on
    from those of the last one. The kernel itself stays as it is: the layer sees `kernel / sigma`.
    Inference uses the normalised kernel once a training call has found a singular vector, and the
    kernel itself before. (Keras on JAX normalises in training and uses the kernel itself in
    inference, so that the two compute different functions.)

    Args:
        layer: the layer to wrap, with a weight `kernel` or `embeddings`.
        power_iterations: steps of power iteration in a training call, positive.

    Shape:
        Those of the layer. The state `vector_u` is `(1, kernel.shape[-1])`.

    Examples:
        >>> import fkeras, jax, jax.numpy as jnp
        >>> layer = fkeras.layers.SpectralNormalization(fkeras.layers.Dense(3, kernel_initializer="ones"), power_iterations=5)
        >>> variables = layer.init(jax.random.key(0), (1, 3))
        >>> layer.apply(variables, jnp.ones((1, 3)), training=True)[0].round(3)
        Array([[1., 1., 1.]], dtype=float32)

    References:
        Miyato et al., 2018, https://arxiv.org/abs/1802.05957
    """

    def __init__(self, layer: Layer, power_iterations: int = 1, **kwargs):
        super().__init__(layer, **kwargs)
        if power_iterations <= 0:
            raise UserInputError(
                "`power_iterations` should be greater than zero. Received: "
                f"`power_iterations={power_iterations}`"
            )
        self.power_iterations = power_iterations

    def build(self, input_shape: Shape) -> None:
        super().build(input_shape)
        self.kernel = self._wrapped_kernel()
        self.vector_u = self.add_weight(
            name="vector_u",
            shape=(1, self.kernel.shape[-1]),
            dtype=self.kernel.dtype,
            trainable=False,
            initializer=initializers.TruncatedNormal(stddev=0.02),
        )
        self.input_spec = InputSpec(min_ndim=1, axes={-1: input_shape[-1]})

    def _wrapped_kernel(self):
        for name in ("kernel", "embeddings"):
            if getattr(self.layer, name, None) is not None:
                return getattr(self.layer, name)
        raise UserInputError(
            f"{type(self.layer).__name__} object has no attribute 'kernel' nor 'embeddings'"
        )

    def call(self, inputs: Tensor, training: bool | None = False) -> Tensor:
        with lending.autocast(None):
            kernel, u = self.kernel.value, self.vector_u.value
        matrix = kernel.reshape(-1, kernel.shape[-1])
        found = u
        for _ in range(self.power_iterations if training else 1):
            v = _unit(found @ matrix.T)
            found = _unit(v @ matrix)
        found, v = jax.lax.stop_gradient(found), jax.lax.stop_gradient(v)
        usable = jnp.any(matrix != 0)
        if training:
            self.vector_u.assign(jnp.where(usable, found, u))
        else:  # a vector that was found has length 1; a fresh one, of small random numbers, has not
            usable &= jnp.abs(jnp.sum(jnp.square(u)) - 1) < 1e-3
        sigma = jnp.where(usable, (v @ matrix @ found.T).reshape(()), 1)
        output, _ = lending.call(
            self.layer, [self.kernel], [kernel / sigma], inputs, strict=lending.in_pure_call()
        )
        return output.astype(inputs.dtype) if jnp.issubdtype(inputs.dtype, jnp.floating) else output

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return self.layer.compute_output_shape(input_shape)


def _unit(x: Tensor):
    """x divided by its norm."""
    return x * jax.lax.rsqrt(jnp.maximum(jnp.sum(jnp.square(x)), 1e-12))
