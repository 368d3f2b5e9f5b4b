"""Calibration: blocks of layers are gone through one after the other, and the numbers of each
block's weights are chosen by looking at its inputs, which come through the blocks before with
theirs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import jax
import jax.numpy as jnp

from fkeras.errors import UserInputError, UserTypeError
from fkeras.layers.base.layer import Layer
from fkeras.layers.quantized.observing import observing
from fkeras.layers.quantized.quantizable import Quantizable
from fkeras.quantizers import awq, gptq

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np

    from fkeras.quantizers import AWQConfig, GPTQConfig

_BATCH = 8  # samples that go through a block at once, where a config does not say it


class Statistics(Protocol):
    """What is remembered of the inputs of one layer."""

    def add(self, rows: jax.Array) -> None:
        """Takes further inputs, `(samples, features)`."""

    def numbers(self, kernel: jax.Array) -> dict[str, jax.Array]:
        """What takes the place of a kernel `(outputs, inputs)`, by attribute of the layer."""


class _Curvature:
    """For GPTQ: the mean product of two inputs."""

    def __init__(self, features: int, config: GPTQConfig) -> None:
        self.config = config
        self.count = 0
        self.curvature = jnp.zeros((features, features), "float32")

    def add(self, rows: jax.Array) -> None:
        self.curvature = gptq.add_to_curvature(self.curvature, self.count, rows)
        self.count += len(rows)

    def numbers(self, kernel: jax.Array) -> dict[str, jax.Array]:
        found = gptq.quantize(kernel, self.curvature, self.config)
        return {
            "quantized_kernel": found.numbers,
            "kernel_scale": found.scale,
            "kernel_zero": found.zero,
            "g_idx": found.groups,
        }


class _Magnitudes:
    """For AWQ: the mean size of each input, and some of them."""

    def __init__(self, features: int, config: AWQConfig) -> None:
        self.config = config
        self.count = 0
        self.magnitudes = jnp.zeros(features, "float32")
        self.sample = jnp.zeros((0, features), "float32")

    def add(self, rows: jax.Array) -> None:
        self.magnitudes = awq.add_to_magnitudes(self.magnitudes, self.count, rows)
        missing = awq.SAMPLE_ROWS - len(self.sample)
        if missing and self.config.apply_clip:
            self.sample = jnp.concatenate([self.sample, rows[:missing].astype("float32")])
        self.count += len(rows)

    def numbers(self, kernel: jax.Array) -> dict[str, jax.Array]:
        found = awq.quantize(kernel, self.magnitudes, self.sample, self.config)
        return {
            "quantized_kernel": found.numbers,
            "kernel_scale": found.scale,
            "kernel_zero": found.zero,
            "awq_scales": found.input_scales,
            "g_idx": found.groups,
        }


_STATISTICS: dict[str, Any] = {"gptq": _Curvature, "awq": _Magnitudes}


def check_structure(structure: Any, mode: str) -> None:
    """Raises where a structure does not say which blocks to go through."""
    blocks = structure.get("sequential_blocks") if isinstance(structure, dict) else None
    if not blocks:
        raise UserInputError(
            f"Mode '{mode}': No sequential blocks found in the provided structure to quantize. It "
            "must be a dict with lists of layers under 'pre_block_layers' (may be empty) and "
            f"'sequential_blocks'. Received: {structure!r}"
        )
    for layer in (*structure.get("pre_block_layers", ()), *blocks):
        if not isinstance(layer, Layer):
            raise UserTypeError(
                f"Mode '{mode}': the structure of layers holds {layer!r}, which is no layer."
            )


def calibrate(
    samples: np.ndarray, structure: dict[str, list[Layer]], config: GPTQConfig | AWQConfig
) -> None:
    """Gives numbers to all layers of the blocks that wait for data.

    Args:
        samples: what the first layer takes, one sample behind the other.
        structure: the layers that samples go through before, and the blocks.
        config: what to do in detail.

    Raises:
        UserInputError: the blocks do not call a layer that waits, or its inputs cannot be used.
    """
    size = getattr(config, "calibration_batch_size", _BATCH)
    batches = [jnp.asarray(samples[i : i + size]) for i in range(0, len(samples), size)]
    for layer in structure.get("pre_block_layers", ()):
        batches = [_first(layer(batch)) for batch in batches]
    blocks = structure["sequential_blocks"]
    for i, block in enumerate(blocks):
        _calibrate_block(block, batches, config)
        if i + 1 < len(blocks):
            batches = [_first(block(batch)) for batch in batches]


def _calibrate_block(
    block: Layer, batches: Sequence[jax.Array], config: GPTQConfig | AWQConfig
) -> None:
    waiting = [
        layer
        for layer in block._flatten_layers()
        if isinstance(layer, Quantizable) and layer._waits_for_calibration
    ]
    if not waiting:
        return
    make = _STATISTICS[config.mode]
    seen: dict[int, Statistics] = {
        id(layer): make(layer._calibrated_scheme.layout.rows, config) for layer in waiting
    }

    def observe(layer: Quantizable, rows: jax.Array) -> None:
        if isinstance(rows, jax.core.Tracer):
            raise UserInputError(
                f"Layer '{layer.name}' is called inside a program that JAX traces (a loop, `jit`, "
                "`vmap`), where calibration cannot look at its inputs. Leave it out with `filters`."
            )
        if id(layer) in seen:
            seen[id(layer)].add(rows)

    with observing(observe):
        for batch in batches:
            block(batch)
    unseen = [layer.path for layer in waiting if not seen[id(layer)].count]
    if unseen:
        raise UserInputError(
            f"Block '{block.name}' does not call {unseen}, so that there is nothing to calibrate "
            "them with. Leave them out with `filters`."
        )
    for layer in waiting:
        scheme = layer._calibrated_scheme
        kernel = scheme.layout.as_columns(layer._adapted_variable.value).T
        found = seen.pop(id(layer)).numbers(kernel)
        found["quantized_kernel"] = scheme.packed(found["quantized_kernel"])
        layer._take_calibrated(found)


def _first(outputs: Any) -> jax.Array:
    """The first output: what the next block takes."""
    return outputs[0] if isinstance(outputs, (list, tuple)) else outputs
