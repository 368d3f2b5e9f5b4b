"""A hash table that NumPy asks for many keys at once."""

from __future__ import annotations

import numpy as np

from fkeras.data.text.packed_strings import PackedStrings

_SPREAD = np.uint64(0x9E3779B97F4A7C15)  # 2**64 over the golden ratio


class KeyTable:
    """The places of keys, by open addressing: a key stands in the first slot that was free from
    its own on.

    Args:
        keys: (keys,) uint64, each once.

    Examples:
        >>> import numpy as np
        >>> table = KeyTable(np.array([30, 10, 20], np.uint64))
        >>> table.find(np.array([10, 11, 30], np.uint64)).tolist()
        [1, -1, 0]
    """

    def __init__(self, keys: np.ndarray) -> None:
        self._keys = keys
        bits = max(2, int(4 * len(keys)).bit_length())  # less than half full
        self._shift = np.uint64(64 - bits)
        self._last = (1 << bits) - 1
        self._slots = np.full(1 << bits, -1, np.int32 if len(keys) < 2**31 else np.int64)
        pending = np.arange(len(keys))
        slots = self._home(keys)
        while pending.size:
            free = self._slots[slots] < 0
            self._slots[slots[free]] = pending[free]  # of several the last one gets it
            homeless = self._slots[slots] != pending
            pending = pending[homeless]
            slots = (slots[homeless] + 1) & self._last

    def _home(self, keys: np.ndarray) -> np.ndarray:
        return ((keys * _SPREAD) >> self._shift).astype(np.int64)

    def find(self, keys: np.ndarray) -> np.ndarray:
        """(keys,) the place of each, -1 for a key that is not there."""
        slots = self._home(keys)
        found = self._slots[slots].astype(np.int64)
        if not len(self._keys):
            return found
        is_other = (found >= 0) & (self._keys[found] != keys)
        pending = np.flatnonzero(is_other)
        slots = slots[pending]
        while pending.size:
            slots = (slots + 1) & self._last
            places = self._slots[slots]
            found[pending] = places
            is_other = (places >= 0) & (self._keys[places] != keys[pending])
            pending = pending[is_other]
            slots = slots[is_other]
        return found


class StringTable:
    """The places of strings: found by a hash, and compared byte by byte.

    Args:
        strings: the strings, each once.

    Examples:
        >>> table = StringTable(PackedStrings.of(["sun", "rain"]))
        >>> table.find(PackedStrings.of(["rain", "snow", "sun"])).tolist()
        [1, -1, 0]
    """

    def __init__(self, strings: PackedStrings) -> None:
        self._strings = strings
        self._seed = np.uint64(1)
        hashes = _hashes(strings, self._seed)
        while len(np.unique(hashes)) < len(strings):  # two strings of one hash: take another hash
            self._seed += np.uint64(2)
            hashes = _hashes(strings, self._seed)
        self._table = KeyTable(hashes)

    def find(self, strings: PackedStrings) -> np.ndarray:
        """(strings,) the place of each, -1 for a string that is not there."""
        found = self._table.find(_hashes(strings, self._seed))
        rows = np.flatnonzero(found >= 0)
        known = self._strings.take(found[rows])
        strings = strings.take(rows)
        found[rows[~_are_equal(known, strings)]] = -1
        return found


def _hashes(strings: PackedStrings, seed: np.uint64) -> np.ndarray:
    """(strings,) uint64, quickly made."""
    lengths = strings.lengths
    hashes = _mixed(strings.blocks(0) + seed, lengths.astype(np.uint64))
    rows = np.flatnonzero(lengths > 8)
    index = 1
    while rows.size:
        hashes[rows] = _mixed(hashes[rows] + seed, strings.take(rows).blocks(index))
        index += 1
        rows = rows[lengths[rows] > 8 * index]
    return hashes


def _mixed(value: np.ndarray, other: np.ndarray) -> np.ndarray:
    value = (value ^ (value >> np.uint64(32))) * _SPREAD
    return (value ^ (value >> np.uint64(29))) + other * np.uint64(0xC2B2AE3D27D4EB4F)


def _are_equal(first: PackedStrings, second: PackedStrings) -> np.ndarray:
    """(strings,) whether strings at the same place are the same."""
    lengths = first.lengths
    equal = (lengths == second.lengths) & (first.blocks(0) == second.blocks(0))
    rows = np.flatnonzero(equal & (lengths > 8))
    index = 1
    while rows.size:
        same = first.take(rows).blocks(index) == second.take(rows).blocks(index)
        equal[rows[~same]] = False
        index += 1
        rows = rows[same & (lengths[rows] > 8 * index)]
    return equal
