"""FarmHash's Fingerprint64 of many strings at once, and how fingerprints are joined."""

from __future__ import annotations

import numpy as np

from fkeras.data.text.packed_strings import PackedStrings

_K0 = np.uint64(0xC3A5C85C97CB3127)
_K1 = np.uint64(0xB492B66FBE98F273)
_K2 = np.uint64(0x9AE16A3B2F90404F)
_JOIN = np.uint64(0xC6A4A7935BD1E995)
_LOW_HALF = np.uint64(0xFFFFFFFF)


def fingerprint64(strings: PackedStrings) -> np.ndarray:
    """(strings,) uint64: the hash that TensorFlow numbers buckets by, the same on every machine.

    References:
        FarmHash, https://github.com/google/farmhash

    Examples:
        >>> (fingerprint64(PackedStrings.of(["A", "B", "C", "D", "E"])) % 3).tolist()
        [1, 0, 1, 1, 2]
    """
    lengths = strings.lengths
    result = np.empty(len(strings), np.uint64)
    lower = -1
    for upper, function in _BY_LENGTH:
        rows = np.flatnonzero((lengths > lower) & (lengths <= upper))
        if rows.size:
            result[rows] = function(_Reader(strings.take(rows)))
        lower = upper
    return result


def join_fingerprints(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """One fingerprint of a pair, which depends on the order: TensorFlow's FingerprintCat64.

    Args:
        first, second: uint64.
    """
    result = first ^ _JOIN ^ (_shift_mix(second * _JOIN) * _JOIN)
    return _shift_mix(_shift_mix(result * _JOIN) * _JOIN)


class _Reader:
    """Reads parts of strings; positions count from their starts, or back from their ends."""

    def __init__(self, strings: PackedStrings) -> None:
        self._strings = strings
        self.lengths = strings.lengths.astype(np.uint64)

    def take(self, rows: np.ndarray) -> _Reader:
        return _Reader(self._strings.take(rows))

    def at(self, position: int | np.ndarray) -> np.ndarray:
        return self._strings.words(self._strings.starts + position)

    def from_end(self, distance: int) -> np.ndarray:
        return self._strings.words(self._strings.ends - distance)

    def byte(self, positions: np.ndarray) -> np.ndarray:
        return self._strings.buffer[positions].astype(np.uint64)

    def three_bytes(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The first byte, the one in the middle, and the last one."""
        starts, ends = self._strings.starts, self._strings.ends
        return self.byte(starts), self.byte(starts + (ends - starts) // 2), self.byte(ends - 1)


def _of_nothing(reader: _Reader) -> np.ndarray:
    return np.full(len(reader.lengths), _K2)


def _of_1_to_3(reader: _Reader) -> np.ndarray:
    first, middle, last = reader.three_bytes()
    y = first + (middle << np.uint64(8))
    z = reader.lengths + (last << np.uint64(2))
    return _shift_mix(y * _K2 ^ z * _K0) * _K2


def _of_4_to_7(reader: _Reader) -> np.ndarray:
    first = (reader.at(0) & _LOW_HALF) << np.uint64(3)
    last = reader.from_end(4) & _LOW_HALF
    return _mix(reader.lengths + first, last, _multiplier(reader))


def _of_8_to_16(reader: _Reader) -> np.ndarray:
    mul = _multiplier(reader)
    a = reader.at(0) + _K2
    b = reader.from_end(8)
    return _mix(_rotate(b, 37) * mul + a, (_rotate(a, 25) + b) * mul, mul)


def _of_17_to_32(reader: _Reader) -> np.ndarray:
    mul = _multiplier(reader)
    a = reader.at(0) * _K1
    b = reader.at(8)
    c = reader.from_end(8) * mul
    d = reader.from_end(16) * _K2
    return _mix(_rotate(a + b, 43) + _rotate(c, 30) + d, a + _rotate(b + _K2, 18) + c, mul)


def _of_33_to_64(reader: _Reader) -> np.ndarray:
    mul = _multiplier(reader)
    a = reader.at(0) * _K2
    b = reader.at(8)
    c = reader.from_end(8) * mul
    d = reader.from_end(16) * _K2
    y = _rotate(a + b, 43) + _rotate(c, 30) + d
    z = _mix(y, a + _rotate(b + _K2, 18) + c, mul)
    e = reader.at(16) * mul
    f = reader.at(24)
    g = (y + reader.from_end(32)) * mul
    h = (z + reader.from_end(24)) * mul
    return _mix(_rotate(e + f, 43) + _rotate(g, 30) + h, e + _rotate(f + a, 18) + g, mul)


class _LongState:
    """What is carried from 64 bytes to the next."""

    def __init__(self, reader: _Reader) -> None:
        count = len(reader.lengths)
        seed = np.full(count, 81, np.uint64)
        zeros = np.zeros(count, np.uint64)
        self.y = seed * _K1 + np.uint64(113)
        self.z = _shift_mix(self.y * _K2 + np.uint64(113)) * _K2
        self.v = (zeros, zeros)
        self.w = (zeros, zeros)
        self.x = seed * _K2 + reader.at(0)

    def take(self, rows: np.ndarray) -> _LongState:
        part = object.__new__(_LongState)
        for name in "xyz":
            setattr(part, name, getattr(self, name)[rows])
        for name in "vw":
            setattr(part, name, tuple(value[rows] for value in getattr(self, name)))
        return part

    def round(self, reader: _Reader, at: int | np.ndarray, mul: np.ndarray, last: bool) -> None:
        """The part of 64 bytes from `at` on; the last one weighs two of the values nine times."""
        weight = np.uint64(9 if last else 1)
        x = _rotate(self.x + self.y + self.v[0] + reader.at(at + 8), 37) * mul
        y = _rotate(self.y + self.v[1] + reader.at(at + 48), 42) * mul
        x = x ^ (self.w[1] * weight)
        y = y + self.v[0] * weight + reader.at(at + 40)
        z = _rotate(self.z + self.w[0], 33) * mul
        parts = [reader.at(at + offset) for offset in range(0, 64, 8)]
        self.v = _weak(parts[:4], self.v[1] * mul, x + self.w[0])
        self.w = _weak(parts[4:], z + self.w[1], y + parts[2])
        self.x, self.y, self.z = z, y, x


def _of_more(reader: _Reader) -> np.ndarray:
    """Strings of more than 64 bytes. Those of as many whole parts of 64 are done together."""
    parts = (reader.lengths - np.uint64(1)) >> np.uint64(6)
    result = np.empty(len(parts), np.uint64)
    state = _LongState(reader)
    rows = np.arange(len(parts))
    for done in range(int(parts.max())):
        state.round(reader, 64 * done, _K1, last=False)
        ends = parts == done + 1
        if ends.any():
            result[rows[ends]] = _finish(reader.take(ends), state.take(ends))
            rows = rows[~ends]
            parts = parts[~ends]
            state = state.take(~ends)
            reader = reader.take(~ends)
    return result


def _finish(reader: _Reader, state: _LongState) -> np.ndarray:
    mul = _K1 + ((state.z & np.uint64(0xFF)) << np.uint64(1))
    first = state.w[0] + ((reader.lengths - np.uint64(1)) & np.uint64(63))
    v = state.v[0] + first
    state.v = (v, state.v[1])
    state.w = (first + v, state.w[1])
    state.round(reader, reader.lengths.astype(np.int64) - 64, mul, last=True)
    return _mix(
        _mix(state.v[0], state.w[0], mul) + _shift_mix(state.y) * _K0 + state.z,
        _mix(state.v[1], state.w[1], mul) + state.x,
        mul,
    )


_BY_LENGTH = (
    (0, _of_nothing),
    (3, _of_1_to_3),
    (7, _of_4_to_7),
    (16, _of_8_to_16),
    (32, _of_17_to_32),
    (64, _of_33_to_64),
    (np.iinfo(np.int64).max, _of_more),
)


def _multiplier(reader: _Reader) -> np.ndarray:
    return _K2 + reader.lengths * np.uint64(2)


def _shift_mix(value: np.ndarray) -> np.ndarray:
    return value ^ (value >> np.uint64(47))


def _rotate(value: np.ndarray, bits: int) -> np.ndarray:
    """To the right."""
    return (value >> np.uint64(bits)) | (value << np.uint64(64 - bits))


def _mix(u: np.ndarray, v: np.ndarray, mul: np.ndarray) -> np.ndarray:
    a = _shift_mix((u ^ v) * mul)
    return _shift_mix((v ^ a) * mul) * mul


def _weak(parts: list[np.ndarray], a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Two values of 32 bytes and two seeds."""
    a = a + parts[0]
    b = _rotate(b + a + parts[3], 21)
    total = a + parts[1] + parts[2]
    return total + parts[3], b + _rotate(total, 44) + a
