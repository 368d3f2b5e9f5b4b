"""SimpleRNN, LSTM and GRU: `RNN` with their cells."""

import inspect

from fkeras.layers.base.layer import Layer
from fkeras.layers.rnn.cells import GRUCell, LSTMCell, SimpleRNNCell
from fkeras.layers.rnn.time_loop import RNN


class _WithCell(RNN):
    """An RNN whose constructor takes its cell's arguments."""

    cell_class: type

    def _make(self, arguments, kwargs):
        names = inspect.signature(self.cell_class.__init__).parameters
        cell = self.cell_class(**{k: v for k, v in arguments.items() if k in names}, dtype=kwargs.get("dtype"),
                               trainable=kwargs.get("trainable", True), name=self.cell_class.__name__.lower().replace("cell", "_cell"))
        RNN.__init__(self, cell, **{k: arguments[k] for k in ("return_sequences", "return_state", "go_backwards", "stateful", "unroll")}, **kwargs)

    def __getattr__(self, name):
        if name.startswith("_") or name == "cell" or "cell" not in vars(self):
            raise AttributeError(name)
        if name in inspect.signature(self.cell_class.__init__).parameters:
            return getattr(self.cell, name)
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def get_config(self):
        config = Layer.get_config(self)
        for name in ("cell", "implementation", "use_cudnn", "zero_output_for_mask"):
            config.pop(name, None)
        return config


def _own(values):
    return {k: v for k, v in values.items() if k not in ("self", "kwargs", "__class__")}


class SimpleRNN(_WithCell):
    """A fully connected recurrence: `h = activation(x @ kernel + h @ recurrent_kernel + bias)`.

    Args:
        units: size of the state. The rest as in `SimpleRNNCell` and `RNN`.

    Shape:
        `(batch, time, features)` -> `(batch, units)`, or `(batch, time, units)` with `return_sequences`.
    """

    cell_class = SimpleRNNCell

    def __init__(self, units, activation="tanh", use_bias=True, kernel_initializer="glorot_uniform", recurrent_initializer="orthogonal",
                 bias_initializer="zeros", kernel_regularizer=None, recurrent_regularizer=None, bias_regularizer=None, activity_regularizer=None,
                 kernel_constraint=None, recurrent_constraint=None, bias_constraint=None, dropout=0.0, recurrent_dropout=0.0,
                 return_sequences=False, return_state=False, go_backwards=False, stateful=False, unroll=False, seed=None, **kwargs):
        self._make(_own(locals()), {**kwargs, "activity_regularizer": activity_regularizer})


class LSTM(_WithCell):
    """Long short-term memory (Hochreiter and Schmidhuber, 1997).

    Args:
        units: size of the two states. The rest as in `LSTMCell` and `RNN`. use_cudnn: kept for Keras's signature.

    Shape:
        `(batch, time, features)` -> `(batch, units)`, or `(batch, time, units)` with `return_sequences`. Kernel `(features, 4 units)`,
        recurrent kernel `(units, 4 units)`, bias `(4 units,)`: gates input, forget, candidate, output.

    Examples:
        >>> import fkeras, numpy as np
        >>> fkeras.layers.LSTM(4)(np.ones((2, 5, 3), "float32")).shape
        (2, 4)
    """

    cell_class = LSTMCell

    def __init__(self, units, activation="tanh", recurrent_activation="sigmoid", use_bias=True, kernel_initializer="glorot_uniform",
                 recurrent_initializer="orthogonal", bias_initializer="zeros", unit_forget_bias=True, kernel_regularizer=None,
                 recurrent_regularizer=None, bias_regularizer=None, activity_regularizer=None, kernel_constraint=None, recurrent_constraint=None,
                 bias_constraint=None, dropout=0.0, recurrent_dropout=0.0, seed=None, return_sequences=False, return_state=False,
                 go_backwards=False, stateful=False, unroll=False, use_cudnn="auto", **kwargs):
        kwargs.pop("implementation", None)
        self._make(_own(locals()), {**kwargs, "activity_regularizer": activity_regularizer})


class GRU(_WithCell):
    """Gated recurrent unit (Cho et al., 2014); `reset_after=True` is the variant of cuDNN.

    Args:
        units: size of the state. The rest as in `GRUCell` and `RNN`. use_cudnn: kept for Keras's signature.

    Shape:
        `(batch, time, features)` -> `(batch, units)`, or `(batch, time, units)` with `return_sequences`. Kernel `(features, 3 units)`,
        recurrent kernel `(units, 3 units)`, bias `(2, 3 units)`: gates update, reset, candidate.

    Examples:
        >>> import fkeras, numpy as np
        >>> fkeras.layers.GRU(4, return_sequences=True)(np.ones((2, 5, 3), "float32")).shape
        (2, 5, 4)
    """

    cell_class = GRUCell

    def __init__(self, units, activation="tanh", recurrent_activation="sigmoid", use_bias=True, kernel_initializer="glorot_uniform",
                 recurrent_initializer="orthogonal", bias_initializer="zeros", kernel_regularizer=None, recurrent_regularizer=None,
                 bias_regularizer=None, activity_regularizer=None, kernel_constraint=None, recurrent_constraint=None, bias_constraint=None,
                 dropout=0.0, recurrent_dropout=0.0, seed=None, return_sequences=False, return_state=False, go_backwards=False, stateful=False,
                 unroll=False, reset_after=True, use_cudnn="auto", **kwargs):
        kwargs.pop("implementation", None)
        self._make(_own(locals()), {**kwargs, "activity_regularizer": activity_regularizer})
