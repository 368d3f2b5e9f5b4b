"""Threefry-2x32 in NumPy: the words of `jax.random`'s generator without a compiled program.

Whole numbers of 32 bits, so that the words are JAX's on any device. A block of the block generator
takes NumPy no longer than XLA, whose program for it takes a fifth of a second to compile.

References:
    Salmon et al., 2011, "Parallel random numbers: as easy as 1, 2, 3"
"""

from __future__ import annotations

import numpy as np

_ROTATIONS = ((13, 15, 26, 6), (17, 29, 16, 24))  # of the even and of the odd groups of rounds
_PARITY = 0x1BD11BDA
_GROUPS = 5  # of four rounds each
_WORD = 0xFFFFFFFF


def words(
    key_data: np.ndarray, first: np.ndarray, second: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """What the generator makes of pairs of words, element by element.

    Args:
        key_data: uint32[2].
        first, second: uint32 arrays of equal shape, at least one axis.

    Returns:
        Two uint32 arrays of that shape.
    """
    # Sums of Python's integers are cut by hand: a scalar of NumPy's would warn of its overflow.
    low, high = (int(word) for word in np.asarray(key_data, np.uint32))
    schedule = [low, high, low ^ high ^ _PARITY]
    x, y = first + np.uint32(low), second + np.uint32(high)
    for group in range(_GROUPS):
        for distance in _ROTATIONS[group % 2]:
            x += y
            y = (y << np.uint32(distance)) | (y >> np.uint32(32 - distance))
            y ^= x
        x += np.uint32(schedule[(group + 1) % 3])
        y += np.uint32((schedule[(group + 2) % 3] + group + 1) & _WORD)
    return x, y


def fold_in(key_data: np.ndarray, word: int) -> np.ndarray:
    """uint32[2] of a key and a number: that of `jax.random.fold_in`."""
    pair = np.zeros(1, np.uint32), np.array([word & _WORD], np.uint32)
    return np.concatenate(words(key_data, *pair))


def key_data_of_int(seed: int) -> np.ndarray:
    """uint32[2] of a seed below 2**32: that of `jax.random.key`."""
    return np.array([0, seed & _WORD], np.uint32)
