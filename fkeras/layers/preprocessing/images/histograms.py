"""Equalized histograms: of whole channels, and of tiles of them with limited contrast."""

from __future__ import annotations

import functools
import math
from typing import TYPE_CHECKING

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from fkeras.layers.preprocessing.images.colors import BYTES, to_levels

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fkeras.types import DataFormat

LEVELS = 256  # of a tile's histogram


def planes(images: jax.Array, data_format: DataFormat | None) -> jax.Array:
    """Images as (..., channels, height, width)."""
    return images if data_format == "channels_first" else jnp.moveaxis(images, -1, -3)


def from_planes(channels: jax.Array, data_format: DataFormat | None) -> jax.Array:
    """The way back from `planes`."""
    return channels if data_format == "channels_first" else jnp.moveaxis(channels, -3, -1)


def count(values: jax.Array, bins: int) -> jax.Array:
    """How often each of 0, ..., bins - 1 is among the last axis: (..., n) to (..., bins).

    Values are scattered: a comparison with each bin costs a hundred times as much on a CPU.

    Args:
        values: ints in [0, bins).
        bins: how many there are.
    """
    flat = values.reshape(-1, values.shape[-1])
    rows = jnp.arange(flat.shape[0])[:, None]
    counts = jnp.zeros((flat.shape[0], bins), jnp.int32)
    counts = counts.at[rows, flat].add(1, mode="promise_in_bounds")
    return counts.reshape(*values.shape[:-1], bins)


def look_up(table: jax.Array, places: jax.Array) -> jax.Array:
    """(..., bins) at (..., n), row by row."""
    return jnp.take_along_axis(table, places, axis=-1, mode="promise_in_bounds")


def _rounded_shares(parts: jax.Array, wholes: jax.Array, pixels: int) -> jax.Array:
    """255 * parts / wholes, rounded, halves to even; parts below 0 count as 0.

    In integers as long as they suffice: histograms of small images have many halves, and a quotient
    of floats falls to one side or the other, depending on what XLA makes of it.

    Args:
        parts, wholes: ints, parts no larger than wholes.
        pixels: the most that a whole can be.
    """
    parts = jnp.maximum(parts, 0)
    if pixels >= 2**23:
        return jnp.round(parts.astype(jnp.float32) * 255.0 / wholes.astype(jnp.float32))
    twice = (2 * wholes).astype(jnp.uint32)
    dividend = parts.astype(jnp.uint32) * 510 + wholes.astype(jnp.uint32)
    halves_up = lax.div(dividend, jnp.broadcast_to(twice, dividend.shape))
    is_half = dividend == halves_up * twice
    return halves_up - (is_half & (halves_up % 2 == 1)).astype(jnp.uint32)


# Tables are made row by row: what makes one, XLA would otherwise put into the loop that looks
# pixels up in it, and compute an entry anew for each pixel. It leaves a loop of rows as it is. Both
# functions are compiled by themselves, since outside of a program such a loop would be compiled at
# each call.


@functools.partial(jax.jit, static_argnums=(1, 2))
def _spreading_tables(
    counts: jax.Array, pixels: int, dtype: np.dtype
) -> tuple[jax.Array, jax.Array]:
    """(rows, bins) what the bins of each channel become, and whether it has several values.

    Args:
        counts: (rows, bins) pixels in each bin of each channel.
        pixels: of a channel.
        dtype: of the tables.
    """

    def spread(counts: jax.Array) -> tuple[jax.Array, jax.Array]:
        totals = jnp.cumsum(counts)
        first = totals[jnp.argmax(totals > 0)]  # pixels of the darkest value, which becomes 0
        others = totals[-1] - first
        shares = _rounded_shares(totals - first, jnp.maximum(others, 1), pixels)
        return shares.astype(dtype), others > 0

    return lax.map(spread, counts)


@functools.partial(jax.jit, static_argnums=1)
def _tables(tiles: jax.Array, clip_limit: float) -> jax.Array:
    """(planes, rows, columns, levels) what each level of each tile becomes.

    Args:
        tiles: (planes, rows, columns, pixels of a tile), levels.
        clip_limit: as of `equalize_tiles`.
    """
    return lax.map(lambda tiles: _tables_of_plane(tiles, clip_limit), tiles)


def equalize(images: jax.Array, bins: int, data_format: DataFormat | None) -> jax.Array:
    """Images in [0, 255] whose values are spread evenly, channel by channel.

    A channel of one value, or of values in one bin, stays as it is.

    Args:
        images: floats of rank 3 or 4.
        bins: of the histogram.
        data_format: `'channels_last'` or `'channels_first'`.
    """
    *leading, _, _, _ = images.shape
    is_last = data_format == "channels_last"
    channels = images.shape[-1 if is_last else -3]
    shape = (*leading, 1, 1, channels) if is_last else (*leading, channels, 1, 1)
    rows = math.prod(shape)  # one for each channel of each image
    # One table of all rows, so that pixels stay where they are.
    starts = jnp.arange(rows, dtype=jnp.int32).reshape(shape) * bins
    places = to_levels(images, bins) + starts
    counts = jnp.zeros(rows * bins, jnp.int32)
    counts = counts.at[places.reshape(-1)].add(1, mode="promise_in_bounds").reshape(rows, bins)
    table, has_several = _spreading_tables(counts, images.size // max(rows, 1), images.dtype)
    equalized = table.reshape(-1).at[places].get(mode="promise_in_bounds")
    return jnp.where(has_several.reshape(shape), equalized, images)


def _tiles(channels: jax.Array, grid: Sequence[int]) -> jax.Array:
    """(..., height, width), multiples of the grid, as (..., rows, columns, pixels of a tile)."""
    *leading, height, width = channels.shape
    rows, columns = grid
    cut = channels.reshape(*leading, rows, height // rows, columns, width // columns)
    return jnp.swapaxes(cut, -3, -2).reshape(*leading, rows, columns, -1)


def _tables_of_plane(places: jax.Array, clip_limit: float) -> jax.Array:
    """What each level of each tile becomes: (..., pixels of a tile) to (..., levels)."""
    pixels = places.shape[-1]
    counts = count(places, LEVELS).astype(jnp.float32)
    if clip_limit > 0:
        clipped = jnp.minimum(counts, clip_limit * pixels / LEVELS)
        counts = clipped + jnp.sum(counts - clipped, axis=-1, keepdims=True) / LEVELS
    totals = jnp.cumsum(counts, axis=-1)
    first = totals[..., :1]
    others = pixels - first
    return jnp.clip((totals - first) * 255.0 / jnp.where(others == 0, 1.0, others), *BYTES)


def _neighbours(length: int, tile: int, count: int) -> tuple[jax.Array, jax.Array, jax.Array]:
    """For each pixel along an axis the tiles before and behind it, and the weight of the latter."""
    position = (jnp.arange(length, dtype=jnp.float32) - tile / 2.0) / tile
    before = jnp.floor(position)
    weight = position - before
    before = before.astype(jnp.int32)
    # Beyond the middle of the outermost tile there is only that one.
    return jnp.clip(before, 0, count - 1), jnp.clip(before + 1, 0, count - 1), weight


def equalize_tiles(
    images: jax.Array,
    grid: Sequence[int],
    clip_limit: float,
    data_format: DataFormat | None,
) -> jax.Array:
    """Images in [0, 255], equalized tile by tile (CLAHE), each pixel between its nearest tiles.

    Args:
        images: floats of rank 3 or 4.
        grid: how many tiles along the height and the width. Where they do not divide the image it
            is continued by its mirror image.
        clip_limit: how many times the mean a level of a tile's histogram may count; what is above
            is shared by all levels. 0 or less for no limit.
        data_format: `'channels_last'` or `'channels_first'`.
    """
    channels = planes(images, data_format)
    height, width = channels.shape[-2:]
    rows, columns = grid
    tile_height, tile_width = -(-height // rows), -(-width // columns)
    missing = [(0, tile_height * rows - height), (0, tile_width * columns - width)]
    places = to_levels(channels)  # (..., channels, height, width)
    padded = jnp.pad(places, [(0, 0)] * (places.ndim - 2) + missing, mode="symmetric")
    tiles = _tiles(padded, grid)
    tables = _tables(tiles.reshape(-1, *tiles.shape[-3:]), clip_limit)

    top, bottom, weight_y = _neighbours(height, tile_height, rows)
    left, right, weight_x = _neighbours(width, tile_width, columns)
    flat_tables = tables.reshape(*tiles.shape[:-3], -1)  # (..., channels, entries of all tiles)
    flat_places = places.reshape(*places.shape[:-2], -1)

    def at(row: jax.Array, column: jax.Array) -> jax.Array:
        """What the pixels become by the tables of these tiles."""
        start = ((row[:, None] * columns + column[None, :]) * LEVELS).reshape(-1)
        start = jnp.broadcast_to(start, flat_places.shape)
        return look_up(flat_tables, flat_places + start).reshape(places.shape)

    weight_x = jnp.broadcast_to(weight_x, places.shape)
    weight_y = jnp.broadcast_to(weight_y[:, None], places.shape)
    above = at(top, left) * (1.0 - weight_x) + at(top, right) * weight_x
    below = at(bottom, left) * (1.0 - weight_x) + at(bottom, right) * weight_x
    return from_planes(above * (1.0 - weight_y) + below * weight_y, data_format)
