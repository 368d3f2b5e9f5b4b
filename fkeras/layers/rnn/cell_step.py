"""The arithmetic of a recurrent cell: one for a single step and for whole sequences."""

from __future__ import annotations

import dataclasses
from typing import Any, TypedDict

import jax.numpy as jnp

from fkeras import ops
from fkeras.layers.rnn import recurrence
from fkeras.types import Tensor


class CellWeights(TypedDict):
    """The values of a cell's weights, in its compute dtype."""

    kernel: Tensor
    recurrent_kernel: Tensor
    bias: Tensor | None


class CellNoise(TypedDict):
    """Factors of dropout: (batch, features), or (gates, batch, features); None for no dropout."""

    inputs: Tensor | None
    state: Tensor | None


@dataclasses.dataclass(frozen=True)
class Step:
    """The arithmetic of a cell, hashable, without weights."""

    def project(self, x: Tensor, weights: CellWeights, noise: CellNoise) -> Tensor:
        """What the inputs add to the gates.

        Args:
            x: (batch, features), or those of all steps: (time, batch, features).
            weights: the cell's.
            noise: factors on the inputs, the same at all steps.
        """
        raise NotImplementedError(f"{type(self).__name__} must define `project`.")

    def advance(
        self, projected: Tensor, states: list[Tensor], weights: CellWeights, noise: CellNoise
    ) -> list[Tensor]:
        """The new states, of which the first is the output; `projected` is of one step."""
        raise NotImplementedError(f"{type(self).__name__} must define `advance`.")

    def run_whole(
        self,
        inputs: Tensor,
        states: list[Tensor],
        weights: CellWeights,
        noise: CellNoise,
        mask: Tensor | None,
        **options: Any,
    ) -> tuple[Tensor, Tensor | None, list[Tensor]] | None:
        """What `recurrence.run` returns, or None where nothing is faster than step by step."""
        return None

    def is_plain(self) -> bool:
        """Whether all functions in it depend on their arguments alone."""
        return all(
            recurrence.is_plain_function(value) for value in vars(self).values() if callable(value)
        )


def multiply_with_noise(x: Tensor, kernel: Tensor, noise: Tensor | None) -> Tensor:
    """`x @ kernel`, with dropout noise on `x`.

    Args:
        x: (..., batch, features).
        kernel: (features, gates * units).
        noise: (batch, features) for all gates alike, (gates, batch, features) for each its own, or
            None.
    """
    if noise is None:
        return ops.matmul(x, kernel)
    if noise.ndim == 2:
        return ops.matmul(x * noise, kernel)
    # One product for all gates: each sees the inputs through its own noise.
    gates, features = noise.shape[0], kernel.shape[0]
    by_gate = kernel.reshape(features, gates, -1)  # (features, gates, units)
    outputs = jnp.einsum("...gbf,fgu->...bgu", x[..., None, :, :] * noise, by_gate)
    return outputs.reshape(*x.shape[:-1], -1)
