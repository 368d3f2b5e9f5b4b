"""Arguments of layers in Keras 1 and 2, as today's.

A name that a class takes itself is left alone: `init` or `p` may be the user's own.
"""

from __future__ import annotations

import inspect
from typing import Any

from fkeras.core.warn_once import warn_user
from fkeras.errors import UserInputError

_WEIGHTS = {
    "init": "kernel_initializer",
    "W_regularizer": "kernel_regularizer",
    "b_regularizer": "bias_regularizer",
    "W_constraint": "kernel_constraint",
    "b_constraint": "bias_constraint",
    "bias": "use_bias",
}
_CONVOLUTION = {
    **_WEIGHTS,
    "nb_filter": "filters",
    "filter_length": "kernel_size",
    "subsample": "strides",
    "subsample_length": "strides",
    "border_mode": "padding",
    "dim_ordering": "data_format",
    "atrous_rate": "dilation_rate",
}
_POOLING = {
    "pool_length": "pool_size",
    "stride": "strides",
    "border_mode": "padding",
    "dim_ordering": "data_format",
}
_RECURRENT = {
    **_WEIGHTS,
    "output_dim": "units",
    "inner_init": "recurrent_initializer",
    "inner_activation": "recurrent_activation",
    "U_regularizer": "recurrent_regularizer",
    "U_constraint": "recurrent_constraint",
    "dropout_W": "dropout",
    "dropout_U": "recurrent_dropout",
    "nb_filter": "filters",
    "border_mode": "padding",
    "subsample": "strides",
    "dim_ordering": "data_format",
}
_RATE = {"p": "rate"}
# Class -> former argument -> today's. A class counts for its subclasses.
_RENAMED: dict[str, dict[str, str]] = {
    "Dense": {**_WEIGHTS, "output_dim": "units"},
    "MaxoutDense": {**_WEIGHTS, "output_dim": "units"},
    "Highway": _WEIGHTS,
    "Convolution": _CONVOLUTION,
    "RNN": _RECURRENT,
    "_Pooling": _POOLING,
    "Embedding": {
        "init": "embeddings_initializer",
        "W_regularizer": "embeddings_regularizer",
        "W_constraint": "embeddings_constraint",
    },
    "BatchNormalization": {"beta_init": "beta_initializer", "gamma_init": "gamma_initializer"},
    "PReLU": {"init": "alpha_initializer"},
    "Dropout": _RATE,
    "GaussianDropout": _RATE,
    "AlphaDropout": _RATE,
    "GaussianNoise": {"sigma": "stddev"},
    "UpSampling1D": {"length": "size"},
    "Model": {"input": "inputs", "output": "outputs"},
}
_EVERYWHERE = {"dim_ordering": "data_format"}
# Arguments that have no meaning left, and the values that they may have: any for None.
_DROPPED: dict[str, tuple[Any, ...] | None] = {
    "consume_less": None,
    "time_major": (False,),
    "mode": (0,),
    "fused": None,
    "renorm": (False,),
    "renorm_clipping": (None,),
    "renorm_momentum": None,
    "virtual_batch_size": (None,),
    "adjustment": (None,),
    "forget_bias_init": ("one", "ones"),
    "experimental_autocast": None,
    "ragged": (False, None),
    "sparse": (False, None),
    "dynamic": (False,),
}
_OF_EMBEDDING = {"dropout": None}  # was a dropout of words; Keras 2 ignored it, too
_FORMATS = {"tf": "channels_last", "th": "channels_first", "default": None}
NAMES = frozenset(
    [*_DROPPED, *_EVERYWHERE, "nb_row", "nb_col", "dropout"]
    + [name for table in _RENAMED.values() for name in table]
)


def translate(cls: type, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[tuple, dict]:
    """Arguments of a constructor with today's names, with one warning for those that were not.

    Args:
        cls: the class that is called. args, kwargs: what it is called with.

    Raises:
        UserInputError: a former argument asks for what there is no longer.
    """
    own = _explicit(cls)
    former = [name for name in kwargs if name in NAMES and name not in own]
    if not former:
        return args, kwargs
    accepted = {*inspect.signature(cls).parameters, "inputs", "outputs"}
    table = {name: new for name, new in _table_of(cls).items() if new in accepted}
    if {"nb_row", "nb_col"} & set(former) or _is_keras1_kernel(cls, args, former, table):
        args, kwargs = _with_kernel_size(args, kwargs)
    told = []
    translated = {}
    for name, value in kwargs.items():
        if name in own or name not in NAMES:
            translated[name] = value
        elif name in table:
            translated[table[name]] = _FORMATS.get(value, value) if name in _FORMAT_NAMES else value
            told.append(f"`{name}` is called `{table[name]}`")
        elif name in _dropped_by(cls):
            _check_dropped(cls, name, value)
            told.append(f"`{name}` has no effect")
        else:
            translated[name] = value  # the constructor will say that it does not know it
    if told:
        warn_user(f"{cls.__name__}: arguments of older Keras: {', '.join(told)} today.")
    return args, translated


_FORMAT_NAMES = ("dim_ordering",)


def _explicit(cls: type) -> set[str]:
    parameters = inspect.signature(cls.__init__).parameters.values()
    return {p.name for p in parameters if p.kind is not p.VAR_KEYWORD}


def _table_of(cls: type) -> dict[str, str]:
    """Former arguments of a class: today's names, of those that it or its bases take."""
    names = [base.__name__ for base in cls.__mro__]
    table = dict(_EVERYWHERE)
    for name in reversed(names):
        table.update(_RENAMED.get(name, {}))
    return table


def _dropped_by(cls: type) -> set[str]:
    names = {base.__name__ for base in cls.__mro__}
    return {*_DROPPED, *(_OF_EMBEDDING if "Embedding" in names else ())}


def _check_dropped(cls: type, name: str, value: Any) -> None:
    allowed = _DROPPED.get(name)
    if allowed is not None and value not in allowed:
        raise UserInputError(
            f"{cls.__name__}: the argument `{name}` of older Keras is gone, and {name}={value!r} "
            "cannot be left out without other results."
        )


def _is_keras1_kernel(
    cls: type, args: tuple[Any, ...], former: list[str], table: dict[str, str]
) -> bool:
    """Whether `Convolution2D(32, 3, 3, border_mode="same")` was written: rows and columns."""
    is_convolution = table.get("nb_filter") == "filters"
    written_then = any(name in table or name == "mode" for name in former)
    ints = len(args) == 3 and all(isinstance(arg, int) for arg in args)
    return is_convolution and written_then and ints and "2D" in cls.__name__


def _with_kernel_size(args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[tuple, dict]:
    """Rows and columns of a kernel as one argument."""
    kwargs = dict(kwargs)
    rows = kwargs.pop("nb_row", args[1] if len(args) > 1 else None)
    columns = kwargs.pop("nb_col", args[2] if len(args) > 2 else rows)
    return args[:1], {**kwargs, "kernel_size": (rows, columns)}
