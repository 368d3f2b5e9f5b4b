"""A recurrent layer around one cell of its own, of which it shows the settings."""

from __future__ import annotations

from typing import Any, Literal

from fkeras.errors import UserInputError
from fkeras.layers.rnn.rnn import RNN
from fkeras.types import Config, Nested, Tensor


class CellSetting:
    """An attribute of a layer that is read from, and set on, its cell."""

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def __get__(self, layer: CellLayer | None, owner: type | None = None) -> Any:
        return self if layer is None else getattr(layer.cell, self.name)

    def __set__(self, layer: CellLayer, value: Any) -> None:
        setattr(layer.cell, self.name, value)


class CellLayer(RNN):
    """The base of `SimpleRNN`, `GRU`, `LSTM` and the convolutional LSTMs."""

    activation = CellSetting()
    use_bias = CellSetting()
    kernel_initializer = CellSetting()
    recurrent_initializer = CellSetting()
    bias_initializer = CellSetting()
    kernel_regularizer = CellSetting()
    recurrent_regularizer = CellSetting()
    bias_regularizer = CellSetting()
    kernel_constraint = CellSetting()
    recurrent_constraint = CellSetting()
    bias_constraint = CellSetting()
    dropout = CellSetting()
    recurrent_dropout = CellSetting()
    seed = CellSetting()

    @staticmethod
    def arguments_for_cell(kwargs: dict[str, Any]) -> dict[str, Any]:
        """What of a layer's further arguments is for its cell.

        `implementation` is taken out of `kwargs`; what both need is left for the layer, too.
        """
        # A dtype given to the layer is the cell's too, where the arithmetic is.
        arguments = {name: kwargs[name] for name in ("dtype", "trainable") if name in kwargs}
        if "implementation" in kwargs:
            arguments["implementation"] = kwargs.pop("implementation")
        return arguments

    @staticmethod
    def checked_use_cudnn(value: bool | Literal["auto"]) -> bool | Literal["auto"]:
        """`value`, if Keras would take it; XLA compiles the loop either way."""
        if not (isinstance(value, bool) or value == "auto"):
            raise UserInputError(
                "Invalid valid received for argument `use_cudnn`. Expected one of {'auto', True, "
                f"False}}. Received: use_cudnn={value}"
            )
        return value

    def call(
        self,
        sequences: Tensor,
        initial_state: Nested[Tensor] | None = None,
        mask: Tensor | None = None,
        training: bool | None = False,
    ) -> Tensor | tuple[Nested[Tensor], ...]:
        return super().call(sequences, initial_state=initial_state, mask=mask, training=training)

    def get_config(self) -> Config:
        config = super().get_config()
        # The cell is made again from the settings; the others are not in Keras's configs.
        for name in ("cell", "use_cudnn", "rank"):
            config.pop(name, None)
        return config
