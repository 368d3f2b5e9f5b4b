"""Joining, repeating, padding and reshaping, with the argument names of Keras 2."""

from __future__ import annotations

import math

from fkeras import ops
from fkeras.core.settings import standardize_data_format
from fkeras.errors import UserInputError


def concatenate(tensors, axis=-1):
    """Arrays joined along one axis, the last by default."""
    return ops.concatenate(tensors, axis)


def expand_dims(x, axis=-1):
    """`x` with an axis of length 1 added, at the end by default."""
    return ops.expand_dims(x, axis)


def flatten(x):
    """`x` as one axis, the batch included."""
    return ops.reshape(x, (-1,))


def batch_flatten(x):
    """(batch, ...) -> (batch, features)"""
    return ops.reshape(x, (-1, math.prod(x.shape[1:])))


def repeat(x, n):
    """(batch, features) -> (batch, n, features)"""
    return ops.repeat(ops.expand_dims(x, 1), n, axis=1)


def repeat_elements(x, rep, axis):
    """Each element along one axis `rep` times in a row."""
    return ops.repeat(x, rep, axis=axis)


def gather(reference, indices):
    """Rows of `reference` by their indices."""
    return ops.take(reference, indices, axis=0)


def one_hot(indices, num_classes):
    """(...,) ints -> (..., num_classes) floats."""
    return ops.one_hot(indices, num_classes)


def temporal_padding(x, padding=(1, 1)):
    """Zeros before and after the steps of (batch, steps, features)."""
    return ops.pad(x, ((0, 0), tuple(padding), (0, 0)))


def spatial_2d_padding(x, padding=((1, 1), (1, 1)), data_format=None):
    """Zeros around the rows and columns of images."""
    return _pad_spatial(x, padding, data_format)


def spatial_3d_padding(x, padding=((1, 1), (1, 1), (1, 1)), data_format=None):
    """Zeros around the three spatial axes of volumes."""
    return _pad_spatial(x, padding, data_format)


def _pad_spatial(x, padding, data_format):
    around = [tuple(p) for p in padding]
    last = standardize_data_format(data_format) == "channels_last"
    return ops.pad(x, [(0, 0), *around, (0, 0)] if last else [(0, 0), (0, 0), *around])


def bias_add(x, bias, data_format=None):
    """`x` plus a bias of shape (channels,), or of the shape of one sample with the channels
    last.
    """
    if len(bias.shape) not in (1, len(x.shape) - 1):
        raise UserInputError(
            f"Unexpected bias dimensions {len(bias.shape)}. Expected it to be 1 or "
            f"{len(x.shape) - 1} dimensions"
        )
    if standardize_data_format(data_format) == "channels_first":
        if len(bias.shape) == 1:
            bias = ops.reshape(bias, (-1, *[1] * (len(x.shape) - 2)))
        else:
            bias = ops.moveaxis(bias, -1, 0)
    return x + bias
