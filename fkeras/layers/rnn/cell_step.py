"""The arithmetic of a recurrent cell: one for a single step and for whole sequences."""

from __future__ import annotations

import dataclasses
from typing import Protocol, TypedDict

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


class Loop(Protocol):
    """What runs over all steps at once; a mask is bool (time, batch, 1), the last step is last."""

    def __call__(
        self,
        projected: Tensor,
        mask: Tensor | None,
        states: list[Tensor],
        *,
        sequences: bool,
        unroll: bool | int,
    ) -> tuple[Tensor | None, list[Tensor]]:
        """The first states of all steps, or None without `sequences`, and the last states."""


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

    def loop(self, weights: CellWeights, noise: CellNoise) -> Loop | None:
        """A loop over all steps that is faster than `advance` step by step; None: there is none."""
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
