"""`tf.strings`: texts as arrays of bytes, on the host."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from fkeras.compat.tensorflow.calls import known
from fkeras.compat.tensorflow.dtypes import numpy_dtype
from fkeras.compat.tensorflow.ragged import RaggedTensor, of_each
from fkeras.data.pipeline.host_array import HostArray, host_array
from fkeras.data.text.fingerprints import fingerprint64
from fkeras.data.text.packed_strings import PackedStrings
from fkeras.data.text.siphash import siphash64
from fkeras.errors import UserInputError
from fkeras.types import ArrayLike, Axis, DTypeLike


def _texts(input: Any, what: str) -> np.ndarray:
    array = known(input, what)
    if array.dtype != object:
        raise UserInputError(f"{what} takes texts. Received: {array.dtype} {array.shape}.")
    if any(isinstance(text, str) for text in array.flat):  # as layers that look words up give them
        array = np.frompyfunc(_as_bytes, 1, 1)(array)
        array = np.asarray(array, object)
    return array


def _each(
    function: Callable[[bytes], Any], input: Any, what: str, dtype: Any = object
) -> HostArray:
    """A function of each text."""
    texts = _texts(input, what)
    result = np.empty(texts.shape, dtype)
    for index in np.ndindex(texts.shape):
        result[index] = function(texts[index])
    return host_array(result)


def _as_bytes(text: Any) -> bytes:
    text = text.numpy() if hasattr(text, "numpy") else text
    text = text.item() if isinstance(text, np.ndarray) else text
    return text.encode() if isinstance(text, str) else text


def lower(input: ArrayLike, encoding: str = "", name: str | None = None) -> HostArray:
    """The texts in small letters: those of ASCII alone, of all with `encoding='utf-8'`."""
    if encoding:
        return _each(lambda t: t.decode().lower().encode(), input, "tf.strings.lower")
    return _each(bytes.lower, input, "tf.strings.lower")


def upper(input: ArrayLike, encoding: str = "", name: str | None = None) -> HostArray:
    """The texts in capital letters: those of ASCII alone, of all with `encoding='utf-8'`."""
    if encoding:
        return _each(lambda t: t.decode().upper().encode(), input, "tf.strings.upper")
    return _each(bytes.upper, input, "tf.strings.upper")


def strip(input: ArrayLike, name: str | None = None) -> HostArray:
    """The texts without white space at both ends."""
    return _each(bytes.strip, input, "tf.strings.strip")


def length(input: ArrayLike, unit: str = "BYTE", name: str | None = None) -> HostArray:
    """How many bytes, or with `unit='UTF8_CHAR'` characters, each text has."""
    count = len if unit == "BYTE" else lambda t: len(t.decode("utf8", "replace"))
    return _each(count, input, "tf.strings.length", np.int32)


def split(
    input: ArrayLike, sep: str | None = None, maxsplit: int = -1, name: str | None = None
) -> Any:
    """The parts of texts between separators; None: white space.

    Returns:
        An array of the parts of one text; of several texts a ragged tensor.
    """
    texts = _texts(input, "tf.strings.split")
    separator = _as_bytes(sep) or None if sep is not None else None
    parts = [_row(text.split(separator, maxsplit)) for text in texts.ravel()]
    return _parts(parts, texts.shape)


def bytes_split(input: ArrayLike, name: str | None = None) -> Any:
    """The bytes of texts, one by one."""
    return _characters(input, lambda text: [text[i : i + 1] for i in range(len(text))])


def unicode_split(
    input: ArrayLike, input_encoding: str = "UTF-8", errors: str = "replace", **options: Any
) -> Any:
    """The characters of texts, one by one."""
    errors = "strict" if errors == "strict" else "replace"
    return _characters(
        input, lambda text: [c.encode() for c in text.decode(input_encoding, errors)]
    )


def _characters(input: Any, function: Callable[[bytes], list[bytes]]) -> Any:
    texts = _texts(input, "tf.strings.bytes_split")
    parts = [_row(function(text)) for text in texts.ravel()]
    return _parts(parts, texts.shape)


def unicode_decode(input: ArrayLike, input_encoding: str = "UTF-8", **options: Any) -> Any:
    """The code points of the characters of texts."""
    texts = _texts(input, "tf.strings.unicode_decode")
    rows = [
        host_array(np.array([ord(c) for c in t.decode(input_encoding, "replace")], np.int32))
        for t in texts.ravel()
    ]
    return _parts(rows, texts.shape, np.int32)


def unicode_encode(input: ArrayLike, output_encoding: str = "UTF-8", **options: Any) -> HostArray:
    """The text of code points in the last axis."""
    codes = known(input, "tf.strings.unicode_encode")
    result = np.empty(codes.shape[:-1], object)
    for index in np.ndindex(result.shape):
        result[index] = "".join(map(chr, codes[index])).encode(output_encoding)
    return host_array(result)


def _parts(rows: list[Any], shape: Sequence[int], dtype: DTypeLike = object) -> Any:
    """The parts of one text, or ragged those of several."""
    empty = RaggedTensor(np.zeros(0, dtype), [0])
    return rows[0] if not shape else of_each(rows, shape, empty)


def _row(parts: Sequence[bytes]) -> HostArray:
    row = np.empty(len(parts), object)
    row[:] = parts
    return host_array(row)


def regex_replace(
    input: ArrayLike,
    pattern: str,
    rewrite: str,
    replace_global: bool = True,
    name: str | None = None,
) -> HostArray:
    r"""The texts with each match of a pattern replaced; `\1` stands for its first group."""
    compiled, new = re.compile(_as_bytes(pattern)), _as_bytes(rewrite)
    count = 0 if replace_global else 1
    return _each(lambda t: compiled.sub(new, t, count), input, "tf.strings.regex_replace")


def regex_full_match(input: ArrayLike, pattern: str, name: str | None = None) -> HostArray:
    """Whether each text as a whole matches the pattern."""
    compiled = re.compile(_as_bytes(pattern))
    return _each(lambda t: bool(compiled.fullmatch(t)), input, "tf.strings.regex_full_match", bool)


def join(inputs: Sequence[ArrayLike], separator: str = "", name: str | None = None) -> HostArray:
    """The texts of several arrays, joined element by element."""
    arrays = np.broadcast_arrays(*(_texts(x, "tf.strings.join") for x in inputs))
    result = np.empty(arrays[0].shape, object)
    for index in np.ndindex(result.shape):
        result[index] = _as_bytes(separator).join(a[index] for a in arrays)
    return host_array(result)


def reduce_join(
    inputs: ArrayLike,
    axis: Axis | None = None,
    keepdims: bool = False,
    separator: str = "",
    name: str | None = None,
) -> HostArray:
    """The texts along an axis as one; None: all of them."""
    texts, between = _texts(inputs, "tf.strings.reduce_join"), _as_bytes(separator)
    if axis is None:
        joined = np.array(between.join(texts.ravel().tolist()), object)
        return host_array(joined.reshape((1,) * texts.ndim) if keepdims else joined)
    rows = np.moveaxis(texts, int(axis), -1)
    result = np.empty(rows.shape[:-1], object)
    for index in np.ndindex(result.shape):
        result[index] = between.join(rows[index].tolist())
    return host_array(np.expand_dims(result, int(axis)) if keepdims else result)


def substr(
    input: ArrayLike, pos: int, len: int, unit: str = "BYTE", name: str | None = None
) -> HostArray:
    """The part of each text from `pos` on, `len` long."""
    start, count = int(pos), int(len)

    def cut(text: bytes) -> bytes:
        whole: Any = text if unit == "BYTE" else text.decode()
        begin = start if start >= 0 else whole.__len__() + start
        part = whole[begin : begin + count]
        return part if unit == "BYTE" else part.encode()

    return _each(cut, input, "tf.strings.substr")


def as_string(
    input: ArrayLike,
    precision: int = -1,
    scientific: bool = False,
    shortest: bool = False,
    width: int = -1,
    fill: str = "",
    name: str | None = None,
) -> HostArray:
    """Numbers as texts; floats with six digits behind the point unless told otherwise."""
    values = known(input, "tf.strings.as_string")
    digits = f".{precision}" if precision >= 0 else ""
    kind = "e" if scientific else "g" if shortest else "f"
    size = f"{fill}{width}" if width >= 0 else ""

    def text(value: Any) -> bytes:
        if isinstance(value, bytes):
            return value
        if isinstance(value, (bool, np.bool_)):
            return b"true" if value else b"false"
        if isinstance(value, (int, np.integer)):
            return (f"%{size}d" % value).encode()
        return (f"%{size}{digits}{kind}" % value).encode()

    result = np.empty(values.shape, object)
    for index in np.ndindex(values.shape):
        result[index] = text(values[index])
    return host_array(result)


def to_number(
    input: ArrayLike, out_type: DTypeLike = "float32", name: str | None = None
) -> HostArray:
    """The numbers that the texts spell.

    Raises:
        UserInputError: one of them spells none.
    """
    dtype = numpy_dtype(out_type)

    def number(text: bytes) -> Any:
        try:
            return float(text) if dtype.kind == "f" else int(text)
        except ValueError:
            raise UserInputError(
                f"tf.strings.to_number: {text!r} is no number of dtype {dtype}."
            ) from None

    return _each(number, input, "tf.strings.to_number", dtype)


def format_text(
    template: str,
    inputs: Any,
    placeholder: str = "{}",
    summarize: int = 3,
    name: str | None = None,
) -> HostArray:
    """A text with values in the places of `{}`."""
    inputs = inputs if isinstance(inputs, (list, tuple)) else [inputs]
    for value in inputs:
        shown = value.numpy() if hasattr(value, "numpy") else value
        shown = shown.decode() if isinstance(shown, bytes) else str(shown)
        template = template.replace(placeholder, shown, 1)
    return host_array(template)


def to_text(bytes_or_text: Any, encoding: str = "utf-8") -> str:
    """Bytes or a text as `str`: `tf.compat.as_str`."""
    value = _plain(bytes_or_text)
    return value.decode(encoding) if isinstance(value, bytes) else str(value)


def to_bytes(bytes_or_text: Any, encoding: str = "utf-8") -> bytes:
    """Bytes or a text as `bytes`: `tf.compat.as_bytes`."""
    value = _plain(bytes_or_text)
    return value if isinstance(value, bytes) else str(value).encode(encoding)


def to_hash_bucket_fast(input: ArrayLike, num_buckets: int, name: str | None = None) -> HostArray:
    """A bucket for each text, by FarmHash's Fingerprint64."""
    return _bucket(fingerprint64, input, num_buckets, "tf.strings.to_hash_bucket_fast")


def to_hash_bucket_strong(
    input: ArrayLike, num_buckets: int, key: Sequence[int], name: str | None = None
) -> HostArray:
    """A bucket for each text, by SipHash with a key of two integers."""
    function = lambda strings: siphash64(strings, key)
    return _bucket(function, input, num_buckets, "tf.strings.to_hash_bucket_strong")


def _bucket(
    function: Callable[[PackedStrings], np.ndarray], input: ArrayLike, count: int, what: str
) -> HostArray:
    texts = _texts(input, what)
    hashes = function(PackedStrings.of_bytes(texts.ravel().tolist()))
    return host_array((hashes % np.uint64(count)).astype(np.int64).reshape(texts.shape))


def _plain(value: Any) -> Any:
    value = value.numpy() if hasattr(value, "numpy") else value
    return value.item() if isinstance(value, np.ndarray) else value


NAMES: dict[str, Any] = {
    "as_string": as_string,
    "bytes_split": bytes_split,
    "format": format_text,
    "join": join,
    "length": length,
    "lower": lower,
    "reduce_join": reduce_join,
    "regex_full_match": regex_full_match,
    "regex_replace": regex_replace,
    "split": split,
    "strip": strip,
    "substr": substr,
    "to_hash_bucket_fast": to_hash_bucket_fast,
    "to_hash_bucket_strong": to_hash_bucket_strong,
    "to_number": to_number,
    "unicode_decode": unicode_decode,
    "unicode_encode": unicode_encode,
    "unicode_split": unicode_split,
    "upper": upper,
}
IN_COMPAT: dict[str, Any] = {
    "as_bytes": to_bytes,
    "as_str": to_text,
    "as_str_any": to_text,
    "as_text": to_text,
}
