"""SipHash-2-4 of many strings at once: a hash that nobody can predict without its key."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from fkeras.data.text.packed_strings import PackedStrings

_CONSTANTS = (0x736F6D6570736575, 0x646F72616E646F6D, 0x6C7967656E657261, 0x7465646279746573)


def siphash64(strings: PackedStrings, key: Sequence[int]) -> np.ndarray:
    """(strings,) uint64.

    Args:
        strings: the strings.
        key: two integers, of which 64 bits count.

    References:
        Aumasson and Bernstein, SipHash: a fast short-input PRF, 2012,
        https://www.131002.net/siphash/siphash.pdf

    Examples:
        >>> (siphash64(PackedStrings.of(["A", "B", "C", "D", "E"]), (133, 137)) % 3).tolist()
        [1, 2, 1, 0, 2]
    """
    lengths = strings.lengths
    keys = [int(part) & (1 << 64) - 1 for part in (*key, *key)]
    state = [np.full(len(strings), k ^ c, np.uint64) for k, c in zip(keys, _CONSTANTS)]
    whole = lengths // 8
    for index in range(int(whole.max(initial=0))):
        rows = np.flatnonzero(whole > index)
        part = [value[rows] for value in state]
        _absorb(part, strings.take(rows).blocks(index))
        for value, changed in zip(state, part):
            value[rows] = changed
    rest = PackedStrings(strings.buffer, strings.starts + 8 * whole, strings.ends).blocks(0)
    _absorb(state, rest | (lengths.astype(np.uint64) << np.uint64(56)))
    state[2] = state[2] ^ np.uint64(0xFF)
    for _ in range(4):
        _round(state)
    return state[0] ^ state[1] ^ state[2] ^ state[3]


def _absorb(state: list[np.ndarray], block: np.ndarray) -> None:
    state[3] = state[3] ^ block
    _round(state)
    _round(state)
    state[0] = state[0] ^ block


def _round(state: list[np.ndarray]) -> None:
    a, b, c, d = state
    a = a + b
    b = _rotate(b, 13) ^ a
    a = _rotate(a, 32)
    c = c + d
    d = _rotate(d, 16) ^ c
    a = a + d
    d = _rotate(d, 21) ^ a
    c = c + b
    b = _rotate(b, 17) ^ c
    state[:] = a, b, _rotate(c, 32), d


def _rotate(value: np.ndarray, bits: int) -> np.ndarray:
    """To the left."""
    return (value << np.uint64(bits)) | (value >> np.uint64(64 - bits))
