"""`HashedCrossing`: pairs of categories as numbers of bins, by a hash."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from fkeras.core.symbolic.keras_tensor import KerasTensor
from fkeras.data.text.fingerprints import fingerprint64, join_fingerprints
from fkeras.data.text.packed_strings import PackedStrings, texts_of
from fkeras.errors import UserInputError
from fkeras.layers.preprocessing import host_encoding
from fkeras.layers.preprocessing.host_layer import HostLayer
from fkeras.layers.preprocessing.output_modes import check_output_mode, refuse_sparse

if TYPE_CHECKING:
    from fkeras.types import Shape

_KEY = 0xDECAFCAFFE  # TensorFlow's


class HashedCrossing(HostLayer):
    """Combinations of categories as numbers of bins: the hash of two or more values of a row.

    A network that sees latitude and longitude apart cannot tell places; their cross can. It
    computes on the host, with NumPy. Integers count as they are, strings by FarmHash's
    Fingerprint64.

    Args:
        num_bins: how many bins there are.
        output_mode: 'int': numbers in [0, num_bins); 'one_hot': a vector of 0 and 1.
        sparse: TensorFlow only; True is an error.
        name: None for an automatic name.
        dtype: of the outputs: None for 'int64' with 'int', else the global policy's.
        **kwargs: as of `Layer`.

    Shape:
        Inputs: two or more, all of shape (), (batch,) or (batch, 1). Output: the same with 'int';
        (batch, num_bins) with 'one_hot'.

    Raises:
        UserInputError: fewer than two inputs, other shapes, values that are neither strings nor
            whole numbers, missing ones.

    Examples:
        >>> import numpy as np, fkeras
        >>> letters = np.array(["A", "B", "A", "B", "A"])
        >>> numbers = np.array([101, 101, 101, 102, 102])
        >>> fkeras.layers.HashedCrossing(num_bins=5)((letters, numbers))
        array([1, 4, 1, 1, 3])
        >>> layer = fkeras.layers.HashedCrossing(num_bins=5, output_mode="one_hot")
        >>> layer((letters[:2], numbers[:2]))
        array([[0., 1., 0., 0., 0.],
               [0., 0., 0., 0., 1.]], dtype=float32)
    """

    def __init__(
        self,
        num_bins: int,
        output_mode: str = "int",
        sparse: bool = False,
        name: str | None = None,
        dtype: str | None = None,
        **kwargs: Any,
    ) -> None:
        if output_mode == "int" and dtype is None:
            dtype = "int64"
        super().__init__(name=name, dtype=dtype, **kwargs)
        who = self._who = f"{type(self).__name__} '{self.name}'"
        if num_bins is None or num_bins <= 0:
            raise UserInputError(
                f"{who}: `num_bins` must be 1 or more. Received: num_bins={num_bins}"
            )
        refuse_sparse(sparse, who)
        self.num_bins = num_bins
        self.output_mode = check_output_mode(output_mode, ("int", "one_hot"), who)
        self.sparse = sparse

    def _on_host(self, value: Any) -> Any:
        if isinstance(value, (list, tuple)):  # two columns, not one array of both
            return [super(HashedCrossing, self)._on_host(column) for column in value]
        return super()._on_host(value)

    def call(self, inputs: Sequence[Any]) -> np.ndarray:
        shape = self._check_shapes(inputs)
        hashes = np.full(int(np.prod(shape, dtype=np.int64)), _KEY, np.uint64)
        for column in inputs:
            hashes = join_fingerprints(hashes, self._fingerprints(np.asarray(column)))
        numbers = (hashes % np.uint64(self.num_bins)).astype(np.int64).reshape(shape)
        return host_encoding.encode(numbers, self.output_mode, self.num_bins, self.compute_dtype)

    def _fingerprints(self, column: np.ndarray) -> np.ndarray:
        if column.dtype.kind in "iu":
            return column.ravel().astype(np.int64).view(np.uint64)
        if column.dtype.kind not in "OUS":
            raise UserInputError(
                f"{self._who}: all inputs should have an integer or string dtype. Received: dtype "
                f"{column.dtype}. Bins of numbers come from `Discretization`."
            )
        texts = texts_of(column, self._who, encoding=None)
        return fingerprint64(PackedStrings.of(texts.ravel().tolist()))

    def _check_shapes(self, inputs: Any) -> Shape:
        """The shape that all inputs have."""
        if not isinstance(inputs, (list, tuple)):
            raise UserInputError(
                f"{self._who} should be called on a list or tuple of inputs, such as `(a, b)`. "
                f"Received: {type(inputs).__name__}"
            )
        if len(inputs) < 2:
            raise UserInputError(
                f"{self._who} should be called on at least two inputs. Received: {len(inputs)}"
            )
        shapes = [tuple(column.shape) for column in inputs]
        first = shapes[0]
        if len(first) > 2 or (len(first) == 2 and first[1] != 1):
            raise UserInputError(
                f"{self._who}: all inputs should have shape `()`, `(batch_size,)` or "
                f"`(batch_size, 1)`. Received: {shapes}"
            )
        if any(shape != first for shape in shapes):
            raise UserInputError(
                f"{self._who}: all inputs should have equal shape. Received: {shapes}"
            )
        return first

    def compute_output_shape(self, input_shape: Sequence[Shape]) -> Shape:
        """The shape of the first input, or with vectors at the end."""
        if not input_shape or not isinstance(input_shape[0], (list, tuple)):
            raise UserInputError(
                f"{self._who}: expected the shapes of two inputs or more. Received: {input_shape}"
            )
        return host_encoding.encoded_shape(tuple(input_shape[0]), self.output_mode, self.num_bins)

    def compute_output_spec(self, inputs: Sequence[KerasTensor]) -> KerasTensor:
        """The outputs' shape and dtype."""
        shape = self._check_shapes(inputs)
        shape = host_encoding.encoded_shape(shape, self.output_mode, self.num_bins)
        return KerasTensor(shape, self.compute_dtype)
