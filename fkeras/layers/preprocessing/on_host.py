"""`OnHost`: a layer of the device, computed on the host."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from fkeras.core.config import serialization
from fkeras.core.symbolic.keras_tensor import KerasTensor
from fkeras.layers.preprocessing.host_layer import HostLayer

if TYPE_CHECKING:
    from fkeras.layers.base.layer import Layer
    from fkeras.types import Config


class OnHost(HostLayer):
    """Another layer's outputs as NumPy arrays, before the device's part of a model runs.

    For what layers on the host need: a `HashedCrossing` of bins that `Discretization` finds.

    Args:
        layer: the other layer, or its config.
    """

    def __init__(self, layer: Layer | Config, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        is_config = isinstance(layer, dict)
        self.layer = serialization.deserialize_keras_object(layer) if is_config else layer

    @property
    def input_dtype(self) -> str:
        """That of the other layer."""
        return self.layer.input_dtype

    def call(self, inputs: Any) -> np.ndarray:
        return np.asarray(self.layer(inputs))

    def compute_output_spec(self, inputs: KerasTensor) -> KerasTensor:
        return self.layer.compute_output_spec(inputs)

    def get_config(self) -> Config:
        layer = serialization.serialize_keras_object(self.layer)
        return {**super().get_config(), "layer": layer}
