"""`RandomHeight` and `RandomWidth`, which Keras 3 dropped."""

from __future__ import annotations

from typing import TYPE_CHECKING, Unpack

import jax
import numpy as np

from fkeras import ops, random
from fkeras.core.symbolic.keras_tensor import KerasTensor
from fkeras.errors import UserInputError
from fkeras.layers.base.layer import Layer
from fkeras.layers.base.options import LayerOptions

if TYPE_CHECKING:
    from fkeras.types import SeedLike, Shape, Tensor


class _RandomSize(Layer):
    """Images, stretched along one axis by a factor drawn for the batch.

    The size of the result is drawn, so that the layer works on values alone: inside of a compiled
    step all sizes are fixed.
    """

    _axis = -3

    def __init__(
        self,
        factor: float | tuple[float, float],
        interpolation: str = "bilinear",
        seed: SeedLike | None = None,
        **kwargs: Unpack[LayerOptions],
    ):
        super().__init__(**kwargs)
        lower, upper = factor if isinstance(factor, tuple | list) else (-factor, factor)
        if upper < lower or lower <= -1.0:
            raise UserInputError(
                f"{type(self).__name__}: `factor` must be a number in [0, 1), or a pair of "
                f"numbers above -1, the smaller one first. Received: factor={factor}"
            )
        self.factor = factor
        self.interpolation = interpolation
        self.seed = seed
        self.seed_generator = random.SeedGenerator(seed)
        self._range = (1.0 + lower, 1.0 + upper)

    def call(self, inputs: Tensor, training: bool = True) -> Tensor:
        if not training:
            return inputs
        if isinstance(inputs, jax.core.Tracer):
            raise UserInputError(
                f"Layer '{self.name}' ({type(self).__name__}) draws the size of its output, which "
                "a compiled step cannot: call it on the images before `fit`, or use a layer that "
                "keeps their size."
            )
        drawn = random.uniform((), *self._range, seed=self.seed_generator)
        size = [inputs.shape[-3], inputs.shape[-2]]
        size[self._axis + 3] = max(1, int(np.asarray(drawn) * size[self._axis + 3]))
        return ops.image.resize(inputs, tuple(size), interpolation=self.interpolation)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        shape = list(input_shape)
        shape[self._axis] = None
        return tuple(shape)

    def compute_output_spec(self, inputs: KerasTensor, training: bool = True) -> KerasTensor:
        return KerasTensor(self.compute_output_shape(inputs.shape), dtype=self.compute_dtype)


class RandomHeight(_RandomSize):
    """Images of a height that is drawn for each batch; the inputs themselves in inference.

    It works on values alone: inside of a compiled step all sizes are fixed.

    Args:
        factor: greatest fraction of the height that is added or taken off, in [0, 1); or a pair of
            fractions, (-0.2, 0.3) for 20 % smaller to 30 % larger.
        interpolation: as in `fkeras.ops.image.resize`.
        seed: int or `SeedGenerator`; None for the process's.

    Shape:
        `(batch, height, width, channels)` -> `(batch, any height, width, channels)`; without the
        batch too.
    """

    _axis = -3


class RandomWidth(_RandomSize):
    """Images of a width that is drawn for each batch; the inputs themselves in inference.

    It works on values alone: inside of a compiled step all sizes are fixed.

    Args:
        factor: greatest fraction of the width that is added or taken off, in [0, 1); or a pair of
            fractions, (-0.2, 0.3) for 20 % narrower to 30 % wider.
        interpolation: as in `fkeras.ops.image.resize`.
        seed: int or `SeedGenerator`; None for the process's.

    Shape:
        `(batch, height, width, channels)` -> `(batch, height, any width, channels)`; without the
        batch too.
    """

    _axis = -2
