"""`SwapEMAWeights`: validates and saves with the moving averages of the weights."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from fkeras.callbacks.callback import Callback
from fkeras.errors import UserInputError
from fkeras.optimizers.parameter_info import read_value, write_value

if TYPE_CHECKING:
    from flax import nnx

    from fkeras.core.values.variable import Variable


class SwapEMAWeights(Callback):
    """Puts the moving averages of the weights in their place while the model is evaluated or used,
    and the weights back afterwards. For optimizers with `use_ema=True`.

    Args:
        swap_on_epoch: whether the averages also stand in the model between the end of an epoch and
            the beginning of the next, so that a `ModelCheckpoint` behind this callback saves them.

    Raises:
        UserInputError: an optimizer without averages.

    Examples:
        >>> import fkeras, numpy as np
        >>> model = fkeras.Sequential([fkeras.Input((3,)), fkeras.layers.Dense(1)])
        >>> model.compile(fkeras.optimizers.SGD(use_ema=True), "mse")
        >>> x, y = np.ones((4, 3)), np.ones((4, 1))
        >>> swap = fkeras.callbacks.SwapEMAWeights()
        >>> h = model.fit(x, y, validation_data=(x, y), callbacks=[swap], verbose=0)
    """

    def __init__(self, swap_on_epoch: bool = False) -> None:
        super().__init__()
        self.swap_on_epoch = swap_on_epoch
        self._averages_are_in_model = False

    def get_state(self) -> dict[str, Any]:
        return {"averages_are_in_model": self._averages_are_in_model}

    def set_state(self, state: dict[str, Any]) -> None:
        self._averages_are_in_model = state["averages_are_in_model"]

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        list(self._pairs())  # an optimizer without averages is told of before the first step

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        if self.swap_on_epoch:
            self._put_in_model(False)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        if not self.swap_on_epoch:
            return
        self._put_in_model(True)
        if epoch == self.params["epochs"] - 1:
            # `fit` ends by putting the averages into the model: they have to be there still.
            for variable, average in self._pairs():
                write_value(average, read_value(variable))

    def on_test_begin(self, logs: dict[str, Any] | None = None) -> None:
        self._put_in_model(True)

    def on_test_end(self, logs: dict[str, Any] | None = None) -> None:
        self._put_in_model(False)

    def on_predict_begin(self, logs: dict[str, Any] | None = None) -> None:
        self._put_in_model(True)

    def on_predict_end(self, logs: dict[str, Any] | None = None) -> None:
        self._put_in_model(False)

    def _put_in_model(self, averages: bool) -> None:
        if averages == self._averages_are_in_model:
            return
        for variable, average in self._pairs():
            value = read_value(variable)
            write_value(variable, read_value(average))
            write_value(average, value)
        self._averages_are_in_model = averages

    def _pairs(self) -> Iterator[tuple[nnx.Variable, Variable]]:
        """(parameter, its average) for all that have one."""
        optimizer = self.model.optimizer
        optimizer = getattr(optimizer, "inner_optimizer", optimizer)  # behind loss scaling
        inner = list(getattr(optimizer, "optimizers", None) or [optimizer])
        if not any(getattr(one, "use_ema", False) for one in inner):
            raise UserInputError(
                "SwapEMAWeights must be used when `use_ema=True` is set on the optimizer. "
                f"Received: {optimizer!r} without averages. Compile with "
                "`fkeras.optimizers.Adam(use_ema=True)`, say."
            )
        for one in inner:
            if getattr(one, "use_ema", False) and one.built:
                averages = one._held_by_parameter("average")
                for variable, average in zip(one.bound_variables, averages):
                    if average is not None:
                        yield variable, average
