"""`Hashing`: categories as numbers of bins, by a hash."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from fkeras.core import settings
from fkeras.core.symbolic.keras_tensor import KerasTensor
from fkeras.data.text.fingerprints import fingerprint64
from fkeras.data.text.packed_strings import PackedStrings, texts_of
from fkeras.data.text.siphash import siphash64
from fkeras.errors import UserInputError
from fkeras.layers.preprocessing import host_encoding
from fkeras.layers.preprocessing.host_layer import HostLayer
from fkeras.layers.preprocessing.output_modes import check_output_mode, refuse_sparse, salt_pair

if TYPE_CHECKING:
    from fkeras.types import Shape


class Hashing(HostLayer):
    """Strings or integers as numbers of bins, by a hash that is the same on every machine: no
    vocabulary is needed, and different values may share a bin.

    It computes on the host, with NumPy; a model that begins with it takes strings, and trains on
    its numbers.

    Args:
        num_bins: how many bins there are, that of `mask_value` counted.
        mask_value: the value that stands for "nothing here": it gets bin 0 for itself, unless there
            is one bin only. None: there is none.
        salt: one or two integers: bins follow from SipHash with this key, which nobody can predict
            who does not have it. None: FarmHash's Fingerprint64.
        output_mode: 'int': numbers in [0, num_bins); 'one_hot': a vector for each value;
            'multi_hot': one for all values of the last axis, 1 where a bin is among them; 'count':
            how often.
        sparse: TensorFlow only; True is an error.
        **kwargs: as of `Layer`. `dtype` is that of the outputs: 'int64' or 'int32' with 'int', else
            `floatx`.

    Shape:
        Any, and the same with 'int'. 'one_hot' adds an axis, or takes the place of a last one of
        size 1; other modes take the place of the last axis.

    Raises:
        UserInputError: arguments that cannot be; missing values (None, NaN) in a call.

    References:
        FarmHash, https://github.com/google/farmhash; Aumasson and Bernstein, SipHash, 2012,
        https://www.131002.net/siphash/siphash.pdf

    Examples:
        >>> import fkeras
        >>> fkeras.layers.Hashing(num_bins=3)([["A"], ["B"], ["C"], ["D"], ["E"]]).ravel()
        array([1, 0, 1, 1, 2])
        >>> fkeras.layers.Hashing(num_bins=3, mask_value="")(["A", "", "D"])
        array([1, 0, 2])
        >>> fkeras.layers.Hashing(num_bins=3, salt=[133, 137])(["A", "B", "C", "D", "E"])
        array([1, 2, 1, 0, 2])
        >>> fkeras.layers.Hashing(num_bins=3, output_mode="count")([0, 1, 2, 3, 4])
        array([2., 2., 1.], dtype=float32)
    """

    def __init__(
        self,
        num_bins: int,
        mask_value: str | int | None = None,
        salt: int | Sequence[int] | None = None,
        output_mode: str = "int",
        sparse: bool = False,
        **kwargs: Any,
    ) -> None:
        if kwargs.get("dtype") is None:
            kwargs["dtype"] = "int64" if output_mode == "int" else settings.floatx()
        super().__init__(**kwargs)
        who = self._who = f"{type(self).__name__} '{self.name}'"
        if num_bins is None or num_bins <= 0:
            raise UserInputError(
                f"{who}: `num_bins` cannot be `None`, 0 or negative. Received: num_bins={num_bins}"
            )
        refuse_sparse(sparse, who)
        self.num_bins = num_bins
        self.mask_value = mask_value
        self.salt = salt_pair(salt, who)
        self.output_mode = check_output_mode(
            output_mode, ("int", "one_hot", "multi_hot", "count"), who
        )
        self.sparse = sparse
        if output_mode == "int" and self.dtype not in ("int32", "int64"):
            raise UserInputError(
                f"{who}: with `output_mode='int'`, `dtype` has to be 'int32' or 'int64'. Received: "
                f"dtype={self.dtype!r}"
            )

    def call(self, inputs: Any) -> np.ndarray:
        keys, shape = category_keys(inputs, self._who)
        bins = self.num_bins
        has_mask = self.mask_value is not None and bins > 1
        hashes = fingerprint64(keys) if self.salt is None else siphash64(keys, self.salt)
        numbers = (hashes % np.uint64(bins - has_mask)).astype(np.int64).reshape(shape)
        if has_mask:
            numbers = np.where(self._is_mask(inputs), 0, numbers + 1)
        return host_encoding.encode(numbers, self.output_mode, bins, self.dtype)

    def _is_mask(self, inputs: Any) -> np.ndarray:
        array = np.asarray(inputs)
        mask = self.mask_value
        if array.dtype.kind not in "OUS":
            if isinstance(mask, str):
                raise UserInputError(
                    f"{self._who}: `mask_value` is the string {mask!r}, and the inputs are "
                    f"numbers, of dtype {array.dtype}. Give a number."
                )
            return array == mask
        if not isinstance(mask, (str, bytes)):
            raise UserInputError(
                f"{self._who}: `mask_value` is {mask!r}, and the inputs are strings. Give a string."
            )
        text = mask if isinstance(mask, str) else mask.decode()
        return np.isin(texts_of(array, self._who, "utf-8"), [text])

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """The shape of the outputs: that of the inputs, or with vectors at the end."""
        return host_encoding.encoded_shape(input_shape, self.output_mode, self.num_bins)

    def compute_output_spec(self, inputs: KerasTensor) -> KerasTensor:
        """The outputs' shape and dtype."""
        return KerasTensor(self.compute_output_shape(inputs.shape), self.dtype)


def category_keys(values: Any, who: str) -> tuple[PackedStrings, Shape]:
    """Strings, or numbers as strings of their digits; fractions are cut off.

    Args:
        values: strings, bytes, or numbers, of any shape.
        who: what messages call the one who asks.

    Raises:
        UserInputError: missing values; what is neither.
    """
    if hasattr(values, "to_numpy") and not isinstance(values, np.ndarray):
        values = values.to_numpy()
    array = np.asarray(values)
    if array.dtype.kind == "O" and _holds_integers(array):
        array = array.astype(np.int64)
    if array.dtype.kind == "f":
        missing = int(np.sum(~np.isfinite(array)))
        if missing:
            raise UserInputError(
                f"{who}: {missing} of {array.size} numbers are NaN or infinite. Fill or drop them: "
                "`column.fillna(-1)`, `column.dropna()`."
            )
        array = array.astype(np.int64)
    if array.dtype.kind in "iu":
        return PackedStrings.of_integers(array), array.shape
    if array.dtype.kind == "b":
        array = np.where(array, "true", "false")
    texts = texts_of(array, who, encoding=None)
    return PackedStrings.of(texts.ravel().tolist()), texts.shape


def _holds_integers(array: np.ndarray) -> bool:
    kinds = set(map(type, array.ravel()))
    return bool(kinds) and all(issubclass(kind, (int, np.integer)) for kind in kinds)
