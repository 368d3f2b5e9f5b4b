"""`TensorLayout`: which axis of a tensor goes along which axis of a mesh; `LayoutMap`: rules for
many tensors, by their paths.
"""

from __future__ import annotations

import collections
import functools
import math
import re
from collections.abc import Iterator, MutableMapping, Sequence
from typing import TYPE_CHECKING, Any

from jax.sharding import NamedSharding, PartitionSpec, Sharding

from fkeras.core import placement
from fkeras.core.symbolic.keras_tensor import KerasTensor
from fkeras.distribution.mesh import DeviceMesh
from fkeras.errors import UserInputError, UserTypeError

if TYPE_CHECKING:
    from fkeras.types import Shape, Tensor

    Axes = Sequence[str | None]


class TensorLayout:
    """How a tensor is cut over a mesh.

    Args:
        axes: for each axis of the tensor the name of the mesh axis that it is cut along, or None
            where all of it is on each device.
        device_mesh: the mesh; None where a `LayoutMap` will give its own.

    Raises:
        UserInputError: the mesh has no axis of such a name.

    Examples:
        >>> import fkeras
        >>> mesh = fkeras.distribution.DeviceMesh((1,), ["model"], ["cpu:0"])
        >>> fkeras.distribution.TensorLayout((None, "model"), mesh).axes
        (None, 'model')
    """

    def __init__(self, axes: Axes, device_mesh: DeviceMesh | None = None) -> None:
        self._axes = tuple(axes)
        self._device_mesh = device_mesh
        self._check_axes()

    @property
    def axes(self) -> tuple[str | None, ...]:
        """Names of mesh axes, or None, one an axis of the tensor."""
        return self._axes

    @property
    def device_mesh(self) -> DeviceMesh | None:
        """The mesh; may be set once where it is None."""
        return self._device_mesh

    @device_mesh.setter
    def device_mesh(self, device_mesh: DeviceMesh) -> None:
        if self._device_mesh is not None:
            raise UserInputError(
                f"Cannot override device mesh value. Existing value is {self._device_mesh}"
            )
        self._device_mesh = device_mesh
        self._check_axes()

    @functools.cached_property
    def backend_layout(self) -> NamedSharding:
        """The same as a `jax.sharding.NamedSharding`."""
        if self._device_mesh is None:
            raise UserInputError(
                "Cannot create sharding when device mesh is not set for TensorLayout."
            )
        return NamedSharding(self._device_mesh.backend_mesh, PartitionSpec(*self._axes))

    def check_fit(self, shape: Shape, name: str) -> None:
        """Whether a tensor of this shape can be cut so.

        Raises:
            UserInputError: it has another number of axes, or one that does not divide evenly.
        """
        if len(self._axes) > len(shape):
            raise UserInputError(
                f"The layout {self._axes} of {name} names {len(self._axes)} axes. Its shape is "
                f"{tuple(shape)}: give one entry an axis, None where it is not cut."
            )
        for position, (axis, size) in enumerate(zip(self._axes, shape)):
            names = () if axis is None else (axis,) if isinstance(axis, str) else axis
            parts = math.prod(map(self._device_mesh.axis_size, names))
            if size % parts:
                raise UserInputError(
                    f"The layout {self._axes} cuts axis {position} of {name} (shape "
                    f"{tuple(shape)}) along {axis!r}: {size} is not divisible by the {parts} "
                    "devices there. Use None for this axis, or another size."
                )

    def _check_axes(self) -> None:
        if self._device_mesh is None:
            return
        known = set(self._device_mesh.axis_names)
        unknown = set()
        for axis in self._axes:
            unknown |= set((axis,) if isinstance(axis, str) else axis or ()) - known
        if unknown:
            raise UserInputError(
                f"Invalid axis names for Layout. Valid axis names: {sorted(known)}, Got "
                f"{sorted(unknown)}"
            )

    def __repr__(self) -> str:
        return f"<TensorLayout axes={self.axes}, device_mesh={self.device_mesh}>"


class LayoutMap(MutableMapping):
    """Layouts by path. A key is a regular expression that must match the whole path.

    Paths are those of Variables (`variable.path`, such as `dense/kernel`), and of outputs of
    layers (`dense/output`).

    Args:
        device_mesh: the mesh for layouts that are given as tuples.

    Examples:
        >>> import fkeras
        >>> mesh = fkeras.distribution.DeviceMesh((1, 1), ["batch", "model"], ["cpu:0"])
        >>> rules = fkeras.distribution.LayoutMap(mesh)
        >>> rules[".*kernel"] = (None, "model")
        >>> rules["dense/kernel"].axes, rules["dense/bias"]
        ((None, 'model'), None)
    """

    def __init__(self, device_mesh: DeviceMesh) -> None:
        self._layouts: dict[str, TensorLayout] = collections.OrderedDict()
        self._device_mesh = device_mesh

    @property
    def device_mesh(self) -> DeviceMesh:
        """The mesh of the layouts."""
        return self._device_mesh

    def __getitem__(self, key: str) -> TensorLayout | None:
        """The layout of a path: that of its own key, else of the one rule that matches, or None.

        Raises:
            UserInputError: several rules match.
        """
        rule = self.rule_of(key)
        return None if rule is None else self._layouts[rule]

    def rule_of(self, path: str) -> str | None:
        """The key whose layout a path gets.

        Raises:
            UserInputError: several match.
        """
        if path in self._layouts:
            return path
        matching = [pattern for pattern in self._layouts if re.fullmatch(pattern, path)]
        if len(matching) > 1:
            raise UserInputError(
                f"Path '{path}' matches multiple layout specification keys: {matching}. Please "
                "make sure each tensor/variable path only matches at most one layout specification "
                "key in the LayoutMap."
            )
        return matching[0] if matching else None

    def __setitem__(self, key: str, layout: TensorLayout | Axes) -> None:
        if key in self._layouts:
            raise UserInputError(
                f"{key} already exist in the LayoutMap with value {self._layouts[key]}. Please "
                "make sure to not use duplicated keys."
            )
        if isinstance(layout, tuple):
            layout = TensorLayout(layout)
        if not isinstance(layout, TensorLayout):
            raise UserTypeError(f"{layout} should be a TensorLayout type, got {type(layout)}")
        if layout.device_mesh is None and self._device_mesh is not None:
            layout.device_mesh = self._device_mesh
        self._layouts[key] = layout

    def __delitem__(self, key: str) -> None:
        del self._layouts[key]

    def __contains__(self, key: object) -> bool:
        return key in self._layouts

    def __len__(self) -> int:
        return len(self._layouts)

    def __iter__(self) -> Iterator[str]:
        return iter(self._layouts)


def distribute_tensor(tensor: Tensor, layout: TensorLayout | Sharding | Any) -> Tensor:
    """A tensor laid out over devices; inside a compiled function, a wish that the compiler fulfils.

    Args:
        tensor: an array or a tracer; a KerasTensor comes back as it is.
        layout: a `TensorLayout`, or a JAX sharding or format.

    Returns:
        The same values.

    Examples:
        >>> import fkeras, jax.numpy as jnp
        >>> mesh = fkeras.distribution.DeviceMesh((1,), ["batch"], ["cpu:0"])
        >>> layout = fkeras.distribution.TensorLayout(("batch", None), mesh)
        >>> fkeras.distribution.distribute_tensor(jnp.ones((4, 2)), layout).shape
        (4, 2)
    """
    if isinstance(tensor, KerasTensor):
        return tensor
    if isinstance(layout, TensorLayout):
        layout = layout.backend_layout
    return placement.place(tensor, layout)
