"""What every layer's constructor takes beside its own arguments, for type checkers: `**kwargs` that
are written `Unpack[LayerOptions]` let an editor complete names and flag misspelt ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypedDict

import numpy as np

from fkeras.types import DTypePolicyLike, Identifier, Shape


class CommonOptions(TypedDict, total=False):
    """Options of all layers, by keyword.

    Attributes:
        name: None for an automatic name.
        dtype: dtype name or policy; None for the global policy.
        trainable: whether training changes the weights.
        autocast: whether float inputs are cast to the compute dtype.
        input_shape, batch_input_shape, batch_size, input_dim, input_length: the shape of the input
            on the first layer of a Sequential, in the ways of older scripts.
        weights: first values of the weights, as `get_weights` returns them.
    """

    name: str | None
    dtype: DTypePolicyLike | None
    trainable: bool
    autocast: bool
    input_shape: Shape | int
    batch_input_shape: Shape
    batch_size: int | None
    input_dim: int
    input_length: int | None
    input_dtype: str
    weights: Sequence[np.ndarray] | None


class LayerOptions(CommonOptions, total=False):
    """`CommonOptions` and the regularizer of outputs, where it is not an argument of its own.

    Attributes:
        activity_regularizer: function of the output whose value is added to the loss.
    """

    activity_regularizer: Identifier | None
