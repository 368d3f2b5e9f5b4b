"""`tf.TensorArray`: a list of tensors, of which each is written once."""

from __future__ import annotations

from typing import Any

from fkeras.compat.tensorflow import arranging, creation
from fkeras.compat.tensorflow.calls import known, shape_of
from fkeras.errors import UserInputError
from fkeras.types import DTypeLike, ShapeLike, Tensor, TensorLike


class TensorArray:
    """A list of tensors. Loops of Python write into it, also inside of compiled steps, where they
    are unrolled.

    Args:
        dtype: of the tensors.
        size: how many.
        dynamic_size: whether it grows by `write`.
        element_shape: of a tensor, for places that were not written; None for that of the others.
        clear_after_read, tensor_array_name, handle, flow, infer_shape, name: not used.
        colocate_with_first_write_call: not used.
    """

    def __init__(
        self,
        dtype: DTypeLike,
        size: TensorLike | None = None,
        dynamic_size: bool | None = None,
        clear_after_read: bool | None = None,
        tensor_array_name: str | None = None,
        handle: Any = None,
        flow: Any = None,
        infer_shape: bool = True,
        element_shape: ShapeLike | None = None,
        colocate_with_first_write_call: bool = True,
        name: str | None = None,
    ) -> None:
        self.dtype = dtype
        self.element_shape = element_shape
        self.dynamic_size = bool(dynamic_size)
        self._values: list[Any] = [None] * (0 if size is None else int(size))

    def size(self, name: str | None = None) -> Tensor:
        """How many tensors there are places for."""
        return creation.constant(len(self._values))

    def write(self, index: TensorLike, value: TensorLike, name: str | None = None) -> TensorArray:
        """Puts a tensor at a place.

        Raises:
            UserInputError: there is no such place.
        """
        place = self._place(index, "write")
        if place >= len(self._values):
            if not self.dynamic_size:
                raise UserInputError(
                    f"TensorArray.write: index {place} of {len(self._values)} places. Pass "
                    "`dynamic_size=True` for one that grows."
                )
            self._values += [None] * (place + 1 - len(self._values))
        self._values[place] = creation.convert_to_tensor(value, self.dtype)
        return self

    def read(self, index: TensorLike, name: str | None = None) -> Tensor:
        """The tensor at a place.

        Raises:
            UserInputError: nothing was written there.
        """
        place = self._place(index, "read")
        if place >= len(self._values) or self._values[place] is None:
            raise UserInputError(f"TensorArray.read: nothing was written at index {place}.")
        return self._values[place]

    def stack(self, name: str | None = None) -> Tensor:
        """All tensors along a new first axis; zeros where nothing was written."""
        return arranging.stack(self._written())

    def concat(self, name: str | None = None) -> Tensor:
        """All tensors one behind the other, along their first axis."""
        return arranging.concat(self._written(), 0)

    def gather(self, indices: TensorLike, name: str | None = None) -> Tensor:
        """Some of the tensors along a new first axis."""
        return arranging.stack([self.read(i) for i in known(indices, "TensorArray.gather")])

    def unstack(self, value: TensorLike, name: str | None = None) -> TensorArray:
        """Puts the rows of a tensor at its places."""
        rows = creation.convert_to_tensor(value, self.dtype)
        self._values = [rows[i] for i in range(shape_of(rows)[0])]
        return self

    def scatter(
        self, indices: TensorLike, value: TensorLike, name: str | None = None
    ) -> TensorArray:
        """Puts the rows of a tensor at places."""
        rows = creation.convert_to_tensor(value, self.dtype)
        for i, index in enumerate(known(indices, "TensorArray.scatter")):
            self.write(index, rows[i])
        return self

    def split(self, value: TensorLike, lengths: TensorLike, name: str | None = None) -> TensorArray:
        """Puts parts of a tensor, of these lengths, at its places."""
        start = 0
        parts = []
        for length in known(lengths, "TensorArray.split"):
            parts.append(value[start : start + int(length)])
            start += int(length)
        self._values = parts
        return self

    def identity(self) -> TensorArray:
        """Itself."""
        return self

    def close(self, name: str | None = None) -> None:
        """Forgets the tensors."""
        self._values = []

    def _place(self, index: TensorLike, method: str) -> int:
        return int(known(index, f"TensorArray.{method}: `index`"))

    def _written(self) -> list[Any]:
        found = next((value for value in self._values if value is not None), None)
        if found is None and self.element_shape is None:
            raise UserInputError("TensorArray: nothing was written into it.")
        shape = self.element_shape if found is None else shape_of(found)
        zeros = creation.cast(creation.fill(shape, 0), self.dtype)
        return [zeros if value is None else value for value in self._values]


NAMES: dict[str, Any] = {"TensorArray": TensorArray}
