"""Names of Keras 1 and 2 that have another name today: the one table of them.

A namespace answers to them with one warning and does not list them. A value is the name that the
same namespace has today, or `module:name` for what has a home of its own.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from fkeras.core.scoped import Scoped
from fkeras.core.warn_once import warn_user

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

_PACKAGE = "fkeras"

_SHORT_LOSSES = {
    "mse": "mean_squared_error",
    "mae": "mean_absolute_error",
    "mape": "mean_absolute_percentage_error",
    "msle": "mean_squared_logarithmic_error",
    "kld": "kl_divergence",
    "bce": "binary_crossentropy",
}
_LOSSES = {
    **_SHORT_LOSSES,
    **{name.upper(): today for name, today in _SHORT_LOSSES.items()},
    "kullback_leibler_divergence": "kl_divergence",
    "logcosh": "log_cosh",
    "cosine": "cosine_similarity",
    "cosine_proximity": "cosine_similarity",
}

FORMER: dict[str, dict[str, str]] = {
    "losses": {**_LOSSES, "Reduction": "fkeras.losses.reduction:ReductionNames"},
    "metrics": {
        **_LOSSES,
        "cosine": "fkeras.metrics.regression:cosine_similarity",
        "cosine_proximity": "fkeras.metrics.regression:cosine_similarity",
    },
    "initializers": {
        "normal": "RandomNormal",
        "uniform": "RandomUniform",
        "one": "Ones",
        "zero": "Zeros",
        "get_fans": "fkeras.initializers.scaling:compute_fans",
    },
    "constraints": {"maxnorm": "MaxNorm", "nonneg": "NonNeg", "unitnorm": "UnitNorm"},
    "regularizers": {
        "l1l2": "L1L2",
        "activity_l1": "L1",
        "activity_l2": "L2",
        "activity_l1l2": "L1L2",
        "WeightRegularizer": "L1L2",
        "ActivityRegularizer": "L1L2",
    },
    "optimizers": {
        name.lower(): name for name in "SGD RMSprop Adagrad Adadelta Adam Adamax Nadam Ftrl".split()
    },
    "layers": {
        "CuDNNLSTM": "LSTM",
        "CuDNNGRU": "GRU",
        "Deconvolution2D": "Conv2DTranspose",
        "Deconv2D": "Conv2DTranspose",
        "Deconvolution3D": "Conv3DTranspose",
        "Deconv3D": "Conv3DTranspose",
        "AtrousConvolution1D": "Conv1D",
        "AtrousConv1D": "Conv1D",
        "AtrousConvolution2D": "Conv2D",
        "AtrousConv2D": "Conv2D",
        "TimeDistributedDense": "Dense",
        "Recurrent": "RNN",
        "ThresholdedReLU": "fkeras.layers.former.thresholded_relu:ThresholdedReLU",
        "RandomHeight": "fkeras.layers.former.random_size:RandomHeight",
        "RandomWidth": "fkeras.layers.former.random_size:RandomWidth",
        "LocallyConnected1D": "fkeras.layers.former.locally_connected:LocallyConnected1D",
        "LocallyConnected2D": "fkeras.layers.former.locally_connected:LocallyConnected2D",
        "Highway": "fkeras.layers.former.dense_of_keras1:Highway",
        "MaxoutDense": "fkeras.layers.former.dense_of_keras1:MaxoutDense",
        "merge": "fkeras.layers.former.merge:merge",
        "Merge": "fkeras.models.former_merge:Merge",
    },
    "models": {
        "Graph": "Model",
        "Container": "Model",
        "Network": "Model",
        "model_from_yaml": "fkeras.models.yaml_text:model_from_yaml",
    },
    "utils": {
        "print_summary": "fkeras.keras2.model_tools:print_summary",
        "multi_gpu_model": "fkeras.keras2.model_tools:multi_gpu_model",
        "probas_to_classes": "fkeras.keras2.model_tools:probas_to_classes",
        "convert_all_kernels_in_model": "fkeras.keras2.model_tools:convert_all_kernels_in_model",
        "count_params": "fkeras.keras2.model_tools:count_params",
        "plot": "plot_model",
        "normalize_data_format": "fkeras.core.settings:standardize_data_format",
        "normalize_tuple": "fkeras.keras2.convolution_sizes:normalize_tuple",
        "normalize_padding": "fkeras.keras2.convolution_sizes:normalize_padding",
        "conv_output_length": "fkeras.keras2.convolution_sizes:conv_output_length",
        "conv_input_length": "fkeras.keras2.convolution_sizes:conv_input_length",
        "deconv_length": "fkeras.keras2.convolution_sizes:deconv_length",
        "deconv_output_length": "fkeras.keras2.convolution_sizes:deconv_length",
    },
    "mixed_precision": {"set_policy": "set_dtype_policy"},
    "callbacks": {"BaseLogger": "fkeras.callbacks.base_logger:BaseLogger"},
}

_loaders: list[Callable[[str], Any]] = []  # the one that loads a module by its name
_silent: Scoped[bool] = Scoped(False)


def install(load: Callable[[str], Any]) -> None:
    """Takes the function that loads a module by its name: core knows nothing of those above."""
    _loaders[:] = [load]


def silently() -> AbstractContextManager:
    """Context manager: names are looked up without a warning inside, since the user's own line
    will ask again.
    """
    return _silent.inside(True)


def is_silent() -> bool:
    """Whether lookups are silent now."""
    return _silent.value


def today(room: str, name: str) -> str | None:
    """What a room's former name is called today; None where it is no former name.

    Examples:
        >>> today("losses", "mse")
        'mean_squared_error'
    """
    return FORMER.get(room, {}).get(name)


def find(room: str, name: str) -> Any:
    """The object of a former name, with one warning; None where there is none.

    Args:
        room: such as 'losses'. name: such as 'mse'.
    """
    now = today(room, name)
    if now is None:
        return None
    home, _, attribute = now.rpartition(":")
    value = getattr(_loaders[0](home or f"{_PACKAGE}.{room}"), attribute)
    if not home:
        tell(f"`keras.{room}.{name}` is called `keras.{room}.{attribute}` today.")
    else:
        tell(f"`keras.{room}.{name}` is a name of older Keras.")
    return value


def tell(message: str) -> None:
    """One warning at the user's line, unless lookups are silent."""
    if not _silent.value:
        warn_user(message)
