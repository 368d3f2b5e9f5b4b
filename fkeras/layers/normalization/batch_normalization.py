"""BatchNormalization: mean 0 and variance 1 over the batch, and over what was seen in training."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Unpack

import jax
import jax.numpy as jnp

from fkeras import initializers, ops
from fkeras.core import settings
from fkeras.core.values.masks import check_mask
from fkeras.core.warn_once import warn_user
from fkeras.errors import UserInputError
from fkeras.layers.base import arguments
from fkeras.layers.base.input_spec import InputSpec
from fkeras.layers.base.options import LayerOptions
from fkeras.layers.normalization.affine import Affine, check_axes

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fkeras.core.values.variable import Variable
    from fkeras.types import DTypeLike, Identifier, Shape, Tensor

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
        Ioffe and Szegedy, 2015, https://arxiv.org/abs/1502.03167
        Ioffe, 2017, https://arxiv.org/abs/1702.03275 (renorm)
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
        **kwargs: Unpack[LayerOptions],
    ):
        super().__init__(**kwargs)
        if synchronized:
            raise UserInputError(
                "Argument synchronized=True is not supported: under `jax.jit` a sharded batch has "
                "the statistics of all devices already. Leave it False."
            )
        self._set_affine(
            epsilon=float(epsilon),
            center=center,
            scale=scale,
            beta_initializer=beta_initializer,
            gamma_initializer=gamma_initializer,
            beta_regularizer=beta_regularizer,
            gamma_regularizer=gamma_regularizer,
            beta_constraint=beta_constraint,
            gamma_constraint=gamma_constraint,
        )
        self.axis = arguments.one_axis("BatchNormalization", axis)
        for name, value in (("momentum", momentum), ("renorm_momentum", renorm_momentum)):
            if not 0 <= value <= 1:
                raise UserInputError(
                    f"BatchNormalization: `{name}`, what is kept of a moving average, must be in "
                    f"[0, 1]. Received: {name}={value}"
                )
        self.momentum = float(momentum)
        self.moving_mean_initializer = initializers.get(moving_mean_initializer)
        self.moving_variance_initializer = initializers.get(moving_variance_initializer)
        self.renorm = renorm
        # Without `renorm` it means nothing, and is kept for the config only.
        self.renorm_clipping = _checked_clipping(renorm_clipping) if renorm else renorm_clipping
        self.renorm_momentum = renorm_momentum
        self.synchronized = synchronized

    def build(self, input_shape: Shape) -> None:
        check_axes(self, self.axis, input_shape)
        channels = input_shape[self.axis]
        self._add_affine((channels,), self.center, self.scale)

        def add_state(name: str, initializer: Identifier) -> Variable:
            return self.add_weight(
                name=name,
                shape=(channels,),
                initializer=initializer,
                trainable=False,
                autocast=False,
            )

        self.moving_mean = add_state("moving_mean", self.moving_mean_initializer)
        self.moving_variance = add_state("moving_variance", self.moving_variance_initializer)
        if self.renorm:
            self.moving_stddev = add_state("moving_stddev", self._stddev_initializer)
            self.renorm_mean = add_state("renorm_mean", self.moving_mean_initializer)
            self.renorm_stddev = add_state("renorm_stddev", self._stddev_initializer)
        self.input_spec = InputSpec(ndim=len(input_shape), axes={self.axis: channels})

    def _stddev_initializer(self, shape: Shape, dtype: DTypeLike | None = None) -> Tensor:
        """First standard deviations: the root of what the variances start as."""
        return jnp.sqrt(self.moving_variance_initializer(shape, dtype=dtype))

    def call(
        self, inputs: Tensor, training: bool | None = None, mask: Tensor | None = None
    ) -> Tensor:
        # Squares of float16 overflow, and bfloat16 has too few digits for a variance.
        x = inputs.astype(jnp.promote_types(inputs.dtype, jnp.float32))
        gamma = None if self.gamma is None else self.gamma.value.astype(x.dtype)
        beta = None if self.beta is None else self.beta.value.astype(x.dtype)
        if training and self.trainable:  # a frozen layer runs in inference mode
            mean, variance = self._moments(x, mask)
            if self.renorm:
                # The correction uses the averages as they were before this batch.
                gamma, beta = self._renormed(mean, variance, gamma, beta)
                self._update_renorm(mean, variance)
            else:
                _move(self.moving_mean, mean, self.momentum)
                _move(self.moving_variance, variance, self.momentum)
        else:
            mean = self.moving_mean.value.astype(x.dtype)
            variance = self.moving_variance.value.astype(x.dtype)
        out = ops.batch_normalization(
            x, mean, variance, axis=self.axis, offset=beta, scale=gamma, epsilon=self.epsilon
        )
        return out.astype(self.compute_dtype)

    def _moments(self, x: Tensor, mask: Tensor | None) -> tuple[Tensor, Tensor]:
        """Mean and variance over all axes but that of the channels."""
        channels = self.axis % x.ndim
        axes = tuple(i for i in range(x.ndim) if i != channels)
        if math.prod(x.shape[i] for i in axes) == 1:
            warn_user(
                f"BatchNormalization '{self.name}' is trained on inputs of shape {x.shape}, a "
                "single value per channel: the variance is 0 and the output is `beta` whatever "
                "the input. Use larger batches (`drop_remainder=True` where only the last one is "
                "small), or LayerNormalization."
            )
        if mask is None:
            return jnp.mean(x, axes), jnp.var(x, axes)
        if mask.ndim != x.ndim - 1:
            raise UserInputError(
                "The mask provided should be one dimension less than the inputs. "
                f"Received: mask.shape={mask.shape}, inputs.shape={x.shape}"
            )
        check_mask(f"BatchNormalization '{self.name}'", mask, x.shape[:-1])
        counts = jnp.broadcast_to(mask.astype(bool)[..., None], x.shape)
        # The epsilon: a batch without any unmasked position gives 0, not NaN.
        number = jnp.sum(counts, axes, keepdims=True).astype(x.dtype) + settings.epsilon()
        # `where` on the values rather than a product with the mask: NaN * 0 is NaN.
        mean = jnp.sum(jnp.where(counts, x, 0), axes, keepdims=True) / number
        deviations = jnp.where(counts, x - mean, 0)
        variance = jnp.sum(jnp.square(deviations), axes, keepdims=True) / number
        return mean.reshape(-1), variance.reshape(-1)

    def _renormed(
        self, mean: Tensor, variance: Tensor, gamma: Tensor | None, beta: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        """Scale and shift that give what normalising by the averages would have given.

        `r` and `d` are the paper's: `(x - average) / average_stddev` is
        `(x - mean) / stddev * r + d`. They count as constants in the gradient.
        """
        stddev = jnp.sqrt(variance + self.epsilon)
        average = self.renorm_mean.value.astype(mean.dtype)
        average_stddev = self.renorm_stddev.value.astype(mean.dtype)
        average_stddev = jnp.maximum(average_stddev, math.sqrt(self.epsilon))
        bounds = self.renorm_clipping
        r = jnp.clip(stddev / average_stddev, bounds.get("rmin"), bounds.get("rmax"))
        d = (mean - average) / average_stddev
        if bounds.get("dmax") is not None:
            d = jnp.clip(d, -bounds["dmax"], bounds["dmax"])
        scale = jax.lax.stop_gradient(r)
        shift = jax.lax.stop_gradient(d)
        if gamma is not None:
            scale = scale * gamma
            shift = shift * gamma
        return scale, shift if beta is None else shift + beta

    def _update_renorm(self, mean: Tensor, variance: Tensor) -> None:
        """Moves all averages. The moving variance follows from the moving standard deviation."""
        stddev = jnp.sqrt(variance + self.epsilon)
        _move(self.renorm_mean, mean, self.renorm_momentum)
        _move(self.renorm_stddev, stddev, self.renorm_momentum)
        _move(self.moving_mean, mean, self.momentum)
        moving_stddev = _move(self.moving_stddev, stddev, self.momentum)
        self.moving_variance.assign(jnp.maximum(moving_stddev * moving_stddev - self.epsilon, 0))


def _move(average: Variable, new: Tensor, momentum: float) -> Tensor:
    """Moves an average towards a new value; returns what it became."""
    return average.assign(average.value.astype(new.dtype) * momentum + new * (1.0 - momentum))


def _checked_clipping(clipping: Mapping[str, float] | None) -> dict[str, float]:
    """The bounds of the correction as a dict. Raises where they cannot be right."""
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
