"""Gradient descent, with momentum or without."""

from fkeras.errors import UserInputError
from fkeras.optimizers.optimizer import Optimizer


class SGD(Optimizer):
    """Gradient descent: `param -= learning_rate * gradient`.

    With momentum: `v = momentum * v - learning_rate * gradient; param += v`; with `nesterov` the
    last is `param += momentum * v - learning_rate * gradient`. Other arguments: see `Optimizer`.

    Args:
        momentum: fraction in [0, 1] of the last change that is kept.
        nesterov: look ahead along the momentum.

    Examples:
        >>> import fkeras
        >>> w = fkeras.Variable([1.0, 2.0])
        >>> fkeras.optimizers.SGD(0.5).apply([[1.0, 2.0]], [w])
        >>> w.numpy().tolist()
        [0.5, 1.0]
    """

    def __init__(
        self,
        learning_rate=0.01,
        momentum=0.0,
        nesterov=False,
        weight_decay=None,
        clipnorm=None,
        clipvalue=None,
        global_clipnorm=None,
        use_ema=False,
        ema_momentum=0.99,
        ema_overwrite_frequency=None,
        loss_scale_factor=None,
        gradient_accumulation_steps=None,
        name=None,
        **kwargs,
    ):
        super().__init__(
            learning_rate,
            weight_decay,
            clipnorm,
            clipvalue,
            global_clipnorm,
            use_ema,
            ema_momentum,
            ema_overwrite_frequency,
            loss_scale_factor,
            gradient_accumulation_steps,
            name,
            **kwargs,
        )
        if (
            isinstance(momentum, bool)
            or not isinstance(momentum, (int, float))
            or not 0 <= momentum <= 1
        ):
            raise UserInputError(
                f"`momentum` must be a float between [0, 1]. Received: momentum={momentum!r}"
            )
        self.momentum, self.nesterov = momentum, nesterov

    @property
    def momentums(self):
        """The momentum Variable of each parameter."""
        return self._held_by_parameter("momentum") if self.momentum else []

    def slot_groups(self):
        return [("momentum",)] if self.momentum else []

    def leaf_step(self, gradient, param, slots, learning_rate, info):
        change = gradient * learning_rate
        if not self.momentum:
            return param - change, {}
        momentum = slots["momentum"] * self.momentum - change
        return param + (momentum * self.momentum - change if self.nesterov else momentum), {
            "momentum": momentum
        }
