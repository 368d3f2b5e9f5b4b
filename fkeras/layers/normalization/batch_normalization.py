"""BatchNormalization: mean 0 and variance 1 over the batch, and over what was seen in training."""

from __future__ import annotations

import math
import warnings
from typing import TYPE_CHECKING

import jax
import jax.numpy as jnp

from fkeras import initializers, ops
from fkeras.core.settings import epsilon as tiny
from fkeras.errors import UserInputError
from fkeras.layers.base.input_spec import InputSpec
from fkeras.layers.normalization.affine import Affine, check_axes

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fkeras.types import Identifier, Shape, Tensor

_CLIPS = ("rmax", "rmin", "dmax")


class BatchNormalization(Affine):
    """Gives each channel mean 0 and variance 1, then a learned scale and shift.

    In training it uses the batch's own statistics and keeps moving averages of them; in inference
    it uses those. A frozen layer (`trainable = False`) runs in inference mode even with
    `training=True`. Statistics are computed in float32 at least.

    Args:
        axis: the axis of the channels.
        momentum: of the moving averages: `moving = momentum * moving + (1 - momentum) * batch`.
        epsilon: added to the variance.
        center: whether to learn a shift `beta`.
        scale: whether to learn a scale `gamma`.
        beta_initializer, gamma_initializer, moving_mean_initializer, moving_variance_initializer:
            how the weights start.
        beta_regularizer, gamma_regularizer: functions of the weights that add to the loss.
        beta_constraint, gamma_constraint: functions applied to the weights after each update.
        renorm: whether to correct the batch's statistics towards the moving ones in training (batch
            renormalisation).
        renorm_clipping: dict with any of `rmax`, `rmin`, `dmax`: bounds of the correction.
        renorm_momentum: of the averages that the correction uses.
        synchronized: must be False: under `jax.jit` a sharded batch has the statistics of all
            devices already.

    Shape:
        Any; the output has the shape of the input. A mask, True where a position counts, has one
            axis less.

    Raises:
        UserInputError: an axis that the input does not have, a mask of another rank.

    Warns:
        UserWarning: training on a single value per channel, whose variance is 0.

    Examples:
        >>> import fkeras, jax, jax.numpy as jnp
        >>> layer = fkeras.layers.BatchNormalization(momentum=0.5)
        >>> variables = layer.init(jax.random.key(0), (2, 1))
        >>> y, state = layer.apply(variables, jnp.array([[1.0], [3.0]]), training=True)
        >>> y.round(2).tolist(), state["moving_mean"].tolist()
        ([[-1.0], [1.0]], [1.0])

    References:
        Ioffe and Szegedy, 2015, https://arxiv.org/abs/1502.03167; Ioffe, 2017,
            https://arxiv.org/abs/1702.03275 (renorm).
    """

    def __init__(
        self,
        axis: int = -1,
        momentum: float = 0.99,
        epsilon: float = 1e-3,
        center: bool = True,
        scale: bool = True,
        beta_initializer: Identifier = "zeros",
        gamma_initializer: Identifier = "ones",
        moving_mean_initializer: Identifier = "zeros",
        moving_variance_initializer: Identifier = "ones",
        beta_regularizer: Identifier | None = None,
        gamma_regularizer: Identifier | None = None,
        beta_constraint: Identifier | None = None,
        gamma_constraint: Identifier | None = None,
        renorm: bool = False,
        renorm_clipping: Mapping[str, float] | None = None,
        renorm_momentum: float = 0.99,
        synchronized: bool = False,
        **kwargs,
    ):
        super().__init__(**kwargs)
        if synchronized:
            raise UserInputError(
                "Argument synchronized=True is not supported: under `jax.jit` a sharded batch has "
                "the statistics of all devices already. Leave it False."
            )
        self._set_affine(
            float(epsilon),
            center,
            scale,
            beta_initializer,
            gamma_initializer,
            beta_regularizer,
            gamma_regularizer,
            beta_constraint,
            gamma_constraint,
        )
        self.axis = int(axis)
        self.momentum = float(momentum)
        self.moving_mean_initializer = initializers.get(moving_mean_initializer)
        self.moving_variance_initializer = initializers.get(moving_variance_initializer)
        self.renorm = renorm
        self.renorm_clipping = _checked_clipping(renorm_clipping) if renorm else renorm_clipping
        self.renorm_momentum = renorm_momentum
        self.synchronized = synchronized

    def build(self, input_shape: Shape) -> None:
        check_axes(self, self.axis, input_shape)
        channels = input_shape[self.axis]
        self._add_affine((channels,))

        def state(name: str | None, initializer):
            return self.add_weight(
                name=name,
                shape=(channels,),
                initializer=initializer,
                trainable=False,
                autocast=False,
            )

        self.moving_mean = state("moving_mean", self.moving_mean_initializer)
        self.moving_variance = state("moving_variance", self.moving_variance_initializer)
        if self.renorm:
            self.moving_stddev = state("moving_stddev", self._stddev_initializer)
            self.renorm_mean = state("renorm_mean", self.moving_mean_initializer)
            self.renorm_stddev = state("renorm_stddev", self._stddev_initializer)
        self.input_spec = InputSpec(ndim=len(input_shape), axes={self.axis: channels})

    def _stddev_initializer(self, shape, dtype=None):
        return jnp.sqrt(self.moving_variance_initializer(shape, dtype=dtype))

    def call(
        self, inputs: Tensor, training: bool | None = None, mask: Tensor | None = None
    ) -> Tensor:
        x = inputs.astype(jnp.promote_types(inputs.dtype, jnp.float32))
        gamma, beta = (
            None if v is None else v.value.astype(x.dtype) for v in (self.gamma, self.beta)
        )
        mean, variance = (
            self.moving_mean.value.astype(x.dtype),
            self.moving_variance.value.astype(x.dtype),
        )
        if training and self.trainable:
            moving_mean, moving_variance = mean, variance
            mean, variance = self._moments(x, mask)
            if self.renorm:
                gamma, beta = self._renormed(mean, variance, gamma, beta)
                self._update_renorm(mean, variance)
            else:
                self.moving_mean.assign(moving_mean * self.momentum + mean * (1.0 - self.momentum))
                self.moving_variance.assign(
                    moving_variance * self.momentum + variance * (1.0 - self.momentum)
                )
        out = ops.batch_normalization(
            x, mean, variance, axis=self.axis, offset=beta, scale=gamma, epsilon=self.epsilon
        )
        return out.astype(self.compute_dtype)

    def _moments(self, x: Tensor, mask: Tensor | None) -> tuple[Tensor, Tensor]:
        """Mean and variance over all axes but that of the channels."""
        channels = self.axis % x.ndim
        axes = tuple(i for i in range(x.ndim) if i != channels)
        if math.prod(x.shape[i] for i in axes) == 1:
            warnings.warn(
                f"BatchNormalization '{self.name}' is trained on inputs of shape {x.shape}, a "
                "single value per channel: the variance is 0 and the output is `beta` whatever "
                "the input. Use larger batches (`drop_remainder=True` where only the last one is "
                "small), or LayerNormalization.",
                stacklevel=2,
            )
        if mask is None:
            return jnp.mean(x, axes), jnp.var(x, axes)
        if mask.ndim != x.ndim - 1:
            raise UserInputError(
                "The mask provided should be one dimension less than the inputs. "
                f"Received: mask.shape={mask.shape}, inputs.shape={x.shape}"
            )
        counts = jnp.broadcast_to(mask.astype(bool)[..., None], x.shape)
        number = (
            jnp.sum(counts, axes, keepdims=True).astype(x.dtype) + tiny()
        )  # a batch without any gives 0, not NaN
        mean = jnp.sum(jnp.where(counts, x, 0), axes, keepdims=True) / number
        variance = jnp.sum(jnp.square(jnp.where(counts, x - mean, 0)), axes, keepdims=True) / number
        return mean.reshape(-1), variance.reshape(-1)

    def _renormed(
        self, mean: Tensor, variance: Tensor, gamma: Tensor | None, beta: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        """Scale and shift that take normalised values to what the averages would have made of
        them.
        """
        stddev = jnp.sqrt(variance + self.epsilon)
        known_mean = self.renorm_mean.value.astype(mean.dtype)
        known_stddev = jnp.maximum(
            self.renorm_stddev.value.astype(mean.dtype), math.sqrt(self.epsilon)
        )
        clip = self.renorm_clipping
        r, d = stddev / known_stddev, (mean - known_mean) / known_stddev
        r = jnp.clip(r, clip.get("rmin"), clip.get("rmax"))
        if clip.get("dmax") is not None:
            d = jnp.clip(d, -clip["dmax"], clip["dmax"])
        r, d = jax.lax.stop_gradient(r), jax.lax.stop_gradient(d)
        scale, shift = (r, d) if gamma is None else (r * gamma, d * gamma)
        return scale, shift if beta is None else shift + beta

    def _update_renorm(self, mean: Tensor, variance: Tensor) -> None:
        stddev = jnp.sqrt(variance + self.epsilon)

        def move(variable, new, momentum: float):
            return variable.assign(
                variable.value.astype(new.dtype) * momentum + new * (1.0 - momentum)
            )

        move(self.renorm_mean, mean, self.renorm_momentum)
        move(self.renorm_stddev, stddev, self.renorm_momentum)
        move(self.moving_mean, mean, self.momentum)
        moved = move(self.moving_stddev, stddev, self.momentum)
        self.moving_variance.assign(jnp.maximum(moved * moved - self.epsilon, 0))


def _checked_clipping(clipping):
    clipping = dict(clipping or {})
    if set(clipping) - set(_CLIPS):
        raise UserInputError(
            f"Received invalid keys for `renorm_clipping` argument: {clipping}. Supported values: "
            f"{list(_CLIPS)}."
        )
    rmax, rmin, dmax = (clipping.get(name) for name in _CLIPS)
    if rmax is not None and rmin is not None and rmax < rmin:
        raise UserInputError(
            "rmax should be greater than rmin in the `renorm_clipping` argument. Received: "
            f"rmax={rmax}, rmin={rmin}."
        )
    if dmax is not None and dmax < 0:
        raise UserInputError(
            f"dmax should be non-negative in the `renorm_clipping` argument. Received: dmax={dmax}."
        )
    return clipping
