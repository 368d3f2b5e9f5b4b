"""A recurrent layer around one cell of its own, of which it shows the settings."""

from __future__ import annotations

import inspect

from fkeras.errors import UserInputError
from fkeras.layers.rnn.rnn import RNN
from fkeras.types import Config, Nested, Tensor


class CellLayer(RNN):
    """The base of `SimpleRNN`, `GRU`, `LSTM` and the convolutional LSTMs."""

    @staticmethod
    def for_cell(kwargs) -> dict:
        """Takes what is the cell's out of a layer's further arguments; what both need is left for
        the layer, too.
        """
        own = {"implementation": kwargs.pop("implementation")} if "implementation" in kwargs else {}
        return own | {name: kwargs[name] for name in ("dtype", "trainable") if name in kwargs}

    @staticmethod
    def checked_use_cudnn(value: Tensor):
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
    ) -> Tensor:
        return super().call(sequences, initial_state=initial_state, mask=mask, training=training)

    def get_config(self) -> Config:
        config = super().get_config()
        return {
            name: value
            for name, value in config.items()
            if name not in ("cell", "use_cudnn", "rank")
        }


def shows(cell_class):
    """Class decorator: what a constructor shares with the cell's is read from, and set on, the
    cell.
    """

    def decorate(cls):
        of_cell = inspect.signature(cell_class.__init__).parameters
        for name, parameter in inspect.signature(cls.__init__).parameters.items():
            if name in of_cell and name != "self" and parameter.kind is not parameter.VAR_KEYWORD:
                setattr(cls, name, _on_cell(name))
        return cls

    return decorate


def _on_cell(name: str | None):
    return property(
        lambda self: getattr(self.cell, name),
        lambda self, value: setattr(self.cell, name, value),
        doc=f"The cell's `{name}`.",
    )
