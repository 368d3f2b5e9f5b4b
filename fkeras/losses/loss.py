"""`Loss`: what `compile(loss=...)` takes as an object; and the loss made of a plain function."""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Self

import jax
import jax.numpy as jnp

from fkeras.core import dtype_policy, names, settings, tracebacks, user_code
from fkeras.core.config import constructor, serialization
from fkeras.core.nested import any_leaf, map_structure
from fkeras.core.values.masks import get_mask
from fkeras.errors import UserInputError
from fkeras.losses.alignment import squeeze_or_expand_to_same_rank
from fkeras.losses.expectation import expectation_of
from fkeras.losses.reduction import Reduction, reduce_weighted_values, standardize_reduction
from fkeras.ops.promotion import is_integral
from fkeras.ops.tensors import convert_to_tensor

if TYPE_CHECKING:
    from fkeras.types import Config, DTypePolicyLike, Nested, PyTree, Tensor, TensorLike


class Loss:
    """A loss to subclass: `call(y_true, y_pred)` returns one loss per example.

    The base class converts targets and predictions, and weighs, masks and reduces the losses.

    Args:
        name: None for an automatic name.
        reduction: `'sum_over_batch_size'` (the same as `'mean'`) divides the weighted sum by the
            number of losses, `'mean_with_sample_weight'` by the sum of the weights, `'sum'` by
            nothing; `'none'` and None return every loss.
        dtype: in which the loss is computed; None for floatx. Of a `DTypePolicy` the compute dtype
            counts.

    Raises:
        UserInputError: unknown reduction; in a call, weights that do not fit, or a `call` that
            returns None.

    Examples:
        >>> import jax.numpy as jnp, fkeras
        >>> class SquaredError(fkeras.losses.Loss):
        ...     def call(self, y_true, y_pred):
        ...         return jnp.mean(jnp.square(y_pred - y_true), axis=-1)
        >>> float(SquaredError()([[0.0], [2.0]], [[1.0], [2.0]]))
        0.5
    """

    # Whether targets are class ids: those stay integers, for in a narrow float dtype 257 would
    # become 256.
    _targets_are_ids = False

    _arguments: tuple[tuple[Any, ...], dict[str, Any]]

    def __new__(cls, *args: Any, **kwargs: Any) -> Self:
        self = object.__new__(cls)
        self._arguments = (args, kwargs)  # for `get_config`
        return self

    @tracebacks.filtered
    def __init__(
        self,
        name: str | None = None,
        reduction: Reduction = "sum_over_batch_size",
        dtype: DTypePolicyLike | None = None,
    ):
        self.name = name or names.auto_name(type(self).__name__)
        self.reduction = standardize_reduction(reduction)
        self._dtype_policy = dtype_policy.get(dtype or settings.floatx())
        self._has_own_dtype = dtype is not None

    @property
    def dtype(self) -> str:
        """The dtype that the loss is computed in."""
        return self._dtype_policy.compute_dtype

    @tracebacks.filtered
    def __call__(
        self,
        y_true: Nested[TensorLike],
        y_pred: Nested[TensorLike],
        sample_weight: TensorLike | None = None,
    ) -> Tensor:
        """The reduced loss.

        Args:
            y_true: targets; for a loss of one's own also a structure of them.
            y_pred: predictions. Where they carry a mask, masked losses do not count.
            sample_weight: number, or one per example, or one per loss; None for ones.
        """
        in_mask = get_mask(y_pred)
        y_true = _map_arrays(self._convert_target, y_true)
        y_pred = _map_arrays(self._convert, y_pred)
        try:
            losses = self.call(y_true, y_pred)
        except Exception as error:
            user_code.raise_explained(
                error, lambda: f"Loss {self._described()!r}", {"y_true": y_true, "y_pred": y_pred}
            )
        if losses is None:
            raise UserInputError(
                f"loss fn {self._described()} returned None. Does its last line lack a `return`?"
            )
        if isinstance(losses, (str, tuple, list, dict)):
            raise UserInputError(
                f"loss fn {self._described()} returned a {type(losses).__name__}. It must return "
                "one array: a loss for each example, or a number."
            )
        out_mask = get_mask(losses)  # of what the loss itself leaves out, as `ignore_class` does
        masks = [mask for mask in (in_mask, out_mask) if mask is not None]
        mask = functools.reduce(operator.and_, masks) if masks else None
        return reduce_weighted_values(losses, sample_weight, mask, self.reduction, self.dtype)

    def call(self, y_true: PyTree, y_pred: PyTree) -> Tensor:
        """One loss per example: the shape of `y_pred` without its last axis, as a rule."""
        raise NotImplementedError(f"{type(self).__name__} must define `call(y_true, y_pred)`.")

    def _convert(self, x: TensorLike) -> Tensor:
        return convert_to_tensor(x, dtype=self.dtype)

    def _convert_target(self, x: TensorLike) -> Tensor:
        x = convert_to_tensor(x)
        if self._targets_are_ids and is_integral(jnp.dtype(x.dtype)):
            return x
        return self._convert(x)

    def _described(self) -> str:
        """What the user calls this loss, for messages."""
        return self.name

    def get_config(self) -> Config:
        """The constructor's arguments as plain values, from its signature."""
        arguments = constructor.bind_arguments(type(self), *self._arguments)
        config = constructor.config_from_signature(self, arguments)
        if self._has_own_dtype and "dtype" in config:
            config["dtype"] = self._dtype_policy.name
        else:
            config.pop("dtype", None)
        return config

    @classmethod
    def from_config(cls, config: Config) -> Self:
        """A loss from what `get_config` returned."""
        arguments = {
            key: serialization.deserialize_keras_object(value) for key, value in config.items()
        }
        return cls(**arguments)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} name={self.name}>"


def _map_arrays(convert: Callable[[Any], Tensor], structure: Nested[TensorLike]) -> PyTree:
    """Every array of a nested structure converted; a list of plain numbers is one array."""
    is_structure = isinstance(structure, dict)
    if isinstance(structure, (list, tuple)):
        is_structure = any_leaf(lambda leaf: hasattr(leaf, "shape"), structure)
    return map_structure(convert, structure) if is_structure else convert(structure)


class LossFunctionWrapper(Loss):
    """A loss made of `fn(y_true, y_pred, **kwargs)`, which returns one loss per example.

    `y_true` reaches `fn` in the loss's dtype and at the rank of `y_pred`: targets (n,) come as (n,
    1) beside predictions (n, 1), so that their difference is not (n, n).

    Args:
        fn: the function.
        reduction, name, dtype: as for `Loss`.
        **kwargs: passed on to `fn` in each call.
    """

    def __init__(
        self,
        fn: Callable[..., Any],
        reduction: Reduction = "sum_over_batch_size",
        name: str | None = None,
        dtype: DTypePolicyLike | None = None,
        **kwargs: Any,
    ):
        super().__init__(name=name, reduction=reduction, dtype=dtype)
        self.fn = fn
        self._fn_kwargs = kwargs
        expectation = expectation_of(fn)
        self._targets_are_ids = expectation is not None and expectation.targets_are_ids
        for key, value in kwargs.items():  # `get_config` reads them there
            if not hasattr(self, key):
                setattr(self, key, value)

    def call(self, y_true: PyTree, y_pred: PyTree) -> Tensor:
        return self.fn(*_at_same_rank(y_true, y_pred), **self._fn_kwargs)

    def get_config(self) -> Config:
        config = super().get_config()
        if "fn" in config:
            config.update(serialization.serialize_dict({"fn": self.fn, **self._fn_kwargs}))
        return config

    def _described(self) -> str:
        return getattr(self.fn, "__name__", self.name)


def _at_same_rank(y_true: PyTree, y_pred: PyTree) -> tuple[PyTree, PyTree]:
    """Each target beside its prediction at the same rank, where the structures are the same."""
    trues, structure = jax.tree.flatten(y_true)
    preds, pred_structure = jax.tree.flatten(y_pred)
    if structure != pred_structure:
        return y_true, y_pred  # the function knows what to do with them
    pairs = [squeeze_or_expand_to_same_rank(true, pred) for true, pred in zip(trues, preds)]
    return (
        jax.tree.unflatten(structure, [true for true, _ in pairs]),
        jax.tree.unflatten(structure, [pred for _, pred in pairs]),
    )
