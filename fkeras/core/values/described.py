"""What a Variable says of itself: properties over its `VariableInfo`."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from fkeras.core import jax_private
from fkeras.core.values import lending, trainable_scope
from fkeras.core.values.variable_info import KEY
from fkeras.errors import UserInputError

if TYPE_CHECKING:
    from fkeras.core.values.variable_info import VariableInfo


class Described:
    """Mixed into `Variable`: its name, shape, dtype and settings."""

    __slots__ = ()

    @property
    def _meta(self) -> VariableInfo:
        return jax_private.metadata(self)[KEY]

    @property
    def name(self) -> str:
        """Its own name, without those of the objects it was made in."""
        return self._meta.name

    @property
    def path(self) -> str:
        """Its name behind the names of what it was made in: `'encoder/dense/kernel'`."""
        return self._meta.path

    @property
    def shape(self) -> tuple[int, ...]:
        info = self._meta
        return lending.shape_of_lent(self, info.shape) if info.blocks else info.shape

    @property
    def ndim(self) -> int:
        return len(self.shape)

    @property
    def size(self) -> int:
        """Number of elements."""
        return int(np.prod(self.shape, dtype=np.int64))

    @property
    def dtype(self) -> str:
        """The dtype that it reads in here: inside a layer's call that may be the compute dtype."""
        compute_dtype = lending.autocast_dtype()
        if compute_dtype is not None and self._meta.autocast and "float" in self._meta.dtype:
            return compute_dtype
        return self._meta.dtype

    @property
    def handle(self) -> VariableInfo:
        """What is kept about it; the same object for all of NNX's copies of the Variable."""
        return self._meta

    @property
    def aggregation(self) -> str:
        return self._meta.aggregation

    @property
    def synchronization(self) -> str | None:
        return self._meta.synchronization

    @property
    def autocast(self) -> bool:
        """Whether it reads in the compute dtype inside a layer's call."""
        return self._meta.autocast

    @autocast.setter
    def autocast(self, value: bool) -> None:
        self._meta.autocast = value

    @property
    def overwrite_with_gradient(self) -> bool:
        """Whether the optimizer puts the gradient in its place."""
        return self._meta.overwrite_with_gradient

    @overwrite_with_gradient.setter
    def overwrite_with_gradient(self, value: bool) -> None:
        self._meta.overwrite_with_gradient = value

    @property
    def layout(self) -> Any:
        """How it lies on several devices, or None."""
        return self._meta.layout

    @layout.setter
    def layout(self, value: Any) -> None:
        self._meta.layout = value

    @property
    def initializer(self) -> Callable[..., Any] | None:
        """What draws its first value; None where an array was given."""
        return self._meta.initializer

    @initializer.setter
    def initializer(self, value: Callable[..., Any] | None) -> None:
        self._meta.initializer = value

    @property
    def trainable(self) -> bool:
        """Whether training changes it."""
        return trainable_scope.is_trainable(self._meta)

    @trainable.setter
    def trainable(self, value: bool) -> None:
        trainable_scope.set_trainable(self._meta, bool(value))
        if value:  # said of this one by itself
            self._meta.is_held_fixed = False

    @property
    def regularizer(self) -> Callable[..., Any] | None:
        """Function of the value whose result is added to the loss, or None."""
        return self._meta.regularizer

    @regularizer.setter
    def regularizer(self, value: Callable[..., Any] | None) -> None:
        if value is not None and not callable(value):
            raise UserInputError(
                "Invalid value for attribute `regularizer`. Expected a `Regularizer` or `None`. "
                f"Received: regularizer={value}"
            )
        self._meta.regularizer = value

    @property
    def constraint(self) -> Callable[..., Any] | None:
        """Function of the value that is applied after each update, or None."""
        return self._meta.constraint

    @constraint.setter
    def constraint(self, value: Callable[..., Any] | None) -> None:
        if value is not None and not callable(value):
            raise UserInputError(
                "Invalid value for attribute `constraint`. Expected a `Constraint` or `None`. "
                f"Received: constraint={value}"
            )
        self._meta.constraint = value
