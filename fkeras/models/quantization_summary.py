"""The text that `Model.quantization_summary` prints."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import jax.numpy as jnp

if TYPE_CHECKING:
    from fkeras.models.model import Model

_BYTES_OF_FLOAT = 4


def render(model: Model) -> str:
    """How the quantized layers of a model keep their weights, and how much smaller they are than
    with float32. What is kept beside the numbers (scales, the bias) is not counted.
    """
    lines = [f"Quantization summary for '{model.name}'", "=" * 65]
    layers = [layer for layer in model._flatten_layers() if layer._info.schemes]
    if not layers:
        return "\n".join([*lines, "No quantized layers found."])
    kept, parameters = 0, 0
    for layer in layers:
        for scheme in layer._info.schemes.values():
            first, *_ = scheme.attributes().values()
            variable = vars(layer)[first]
            size = math.prod(variable.shape) * jnp.dtype(variable.dtype).itemsize
            lines += [
                f"Layer: {layer.path}",
                f"  dtype policy : {layer.dtype_policy.name}",
                f"  weight store : {variable.dtype} ({size} bytes)",
            ]
            kept += size
            parameters += math.prod(scheme.layout.shape)
    as_floats = _BYTES_OF_FLOAT * parameters
    return "\n".join(
        [
            *lines,
            "-" * 65,
            f"Quantized layers : {len(layers)}",
            f"Quantized params : {parameters}",
            f"Weight storage   : {kept} bytes quantized vs {as_floats} bytes float32 "
            f"({as_floats / kept:.2f}x smaller)",
        ]
    )
