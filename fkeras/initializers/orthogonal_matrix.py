"""Matrices with orthogonal rows or columns."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import jax.numpy as jnp
import numpy as np

from fkeras.core.randomness.blocks import affine
from fkeras.errors import UserInputError
from fkeras.initializers.random_initializer import RandomInitializer

if TYPE_CHECKING:
    from fkeras.initializers.random_initializer import Numbers
    from fkeras.types import Config, SeedLike


class Orthogonal(RandomInitializer):
    """A random matrix with orthogonal columns of length `gain`.

    Where it has fewer rows than columns, the rows are orthogonal. A shape of more than two axes is
    taken as a matrix of (all but the last, last). It comes from the QR decomposition of normal
    numbers.

    Args:
        gain: length of the rows or columns.
        seed: int, `SeedGenerator`, or None: the weight's place in the model decides.

    Raises:
        UserInputError: when called with a shape of less than two axes.

    Examples:
        >>> import fkeras
        >>> q = fkeras.initializers.Orthogonal(seed=0)((3, 3))
        >>> bool(abs(q.T @ q - fkeras.ops.eye(3)).max() < 1e-5)
        True

    References:
        Saxe et al., 2014, https://openreview.net/forum?id=_wzZwKpTDF_9C
    """

    kind = "normal"

    def __init__(self, gain: float = 1.0, seed: SeedLike | None = None) -> None:
        super().__init__(seed)
        self.gain = gain

    def shaped(self, numbers: Numbers, shape: tuple[int, ...], dtype: str) -> Numbers:
        if len(shape) < 2:
            raise UserInputError(
                "The tensor to initialize must be at least two-dimensional. "
                f"Received: shape={shape} of rank {len(shape)}."
            )
        rows, columns = math.prod(shape[:-1]), shape[-1]
        if rows * columns == 0:
            return numbers
        tall = numbers.reshape(max(rows, columns), min(rows, columns))
        q, r = jnp.linalg.qr(jnp.asarray(tall))
        xp = jnp
        if isinstance(numbers, np.ndarray):
            q, r, xp = np.asarray(q), np.asarray(r), np
        # QR leaves the signs to the algorithm; with a positive diagonal of r the distribution is
        # uniform.
        q = q * xp.where(xp.diagonal(r) < 0, np.float32(-1), np.float32(1))[None]
        return affine(q.T if rows < columns else q, self.gain)

    def get_config(self) -> Config:
        return {"gain": self.gain, **super().get_config()}
