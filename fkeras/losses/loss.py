"""`Loss`: what `compile(loss=...)` takes as an object; and the loss made of a plain function."""

from collections.abc import Callable

import jax
import jax.numpy as jnp

from fkeras.core import dtype_policy, names, settings
from fkeras.core.config import constructor, serialization
from fkeras.core.nested import map_structure
from fkeras.core.values.masks import get_mask
from fkeras.errors import UserInputError
from fkeras.losses.alignment import squeeze_or_expand_to_same_rank
from fkeras.losses.reduction import reduce_weighted_values, standardize_reduction
from fkeras.ops.promotion import is_integral
from fkeras.ops.tensors import convert_to_tensor


class Loss:
    """A loss to subclass: `call(y_true, y_pred)` returns one loss per example, the base weighs,
    masks and reduces them.

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

    def __new__(cls, *args, **kwargs):
        self = object.__new__(cls)
        self._arguments = (args, kwargs)
        return self

    def __init__(self, name=None, reduction="sum_over_batch_size", dtype=None):
        self.name = name or names.auto_name(type(self).__name__)
        self.reduction = standardize_reduction(reduction)
        self._dtype_policy = dtype_policy.get(dtype or settings.floatx())
        self._has_own_dtype = dtype is not None

    @property
    def dtype(self) -> str:
        """The dtype that the loss is computed in."""
        return self._dtype_policy.compute_dtype

    def __call__(self, y_true, y_pred, sample_weight=None):
        in_mask = get_mask(y_pred)
        y_true, y_pred = _arrays(y_true, self._target), _arrays(y_pred, self._float)
        try:
            losses = self.call(y_true, y_pred)
        except jax.errors.TracerArrayConversionError as error:
            raise UserInputError(
                f"Loss {self._described()!r} hands its arguments to NumPy, which cannot compute "
                "with traced values and knows no gradients. Use the function of `fkeras.ops` or "
                "`jax.numpy` with the same name."
            ) from error
        if losses is None:
            raise UserInputError(
                f"loss fn {self._described()} returned None. Does its last line lack a `return`?"
            )
        out_mask = get_mask(losses)
        mask = out_mask if in_mask is None else in_mask if out_mask is None else in_mask & out_mask
        if sample_weight is not None:
            sample_weight = self._float(sample_weight)
        return reduce_weighted_values(losses, sample_weight, mask, self.reduction, self.dtype)

    def call(self, y_true, y_pred):
        """One loss per example: the shape of `y_pred` without its last axis, as a rule."""
        raise NotImplementedError(f"{type(self).__name__} must define `call(y_true, y_pred)`.")

    def _float(self, x):
        return convert_to_tensor(x, dtype=self.dtype)

    def _target(self, x):
        x = convert_to_tensor(x)
        return x if self._targets_are_ids and is_integral(jnp.dtype(x.dtype)) else self._float(x)

    def _described(self):
        return self.name

    def get_config(self) -> dict:
        """The constructor's arguments as plain values, from its signature."""
        arguments = constructor.bind_arguments(type(self), *self._arguments)
        config = constructor.config_from_signature(self, arguments)
        if self._has_own_dtype and "dtype" in config:
            config["dtype"] = self._dtype_policy.name
        else:
            config.pop("dtype", None)
        return config

    @classmethod
    def from_config(cls, config: dict):
        """A loss from what `get_config` returned."""
        return cls(**{k: serialization.deserialize_keras_object(v) for k, v in config.items()})

    def __repr__(self):
        return f"<{type(self).__name__} name={self.name}>"


def _arrays(structure, convert):
    """Every array of a nested structure converted; a list of plain numbers is one array."""
    if (
        isinstance(structure, dict)
        or isinstance(structure, (list, tuple))
        and any(hasattr(x, "shape") for x in jax.tree.leaves(structure))
    ):
        return map_structure(convert, structure)
    return convert(structure)


class LossFunctionWrapper(Loss):
    """A loss made of `fn(y_true, y_pred, **kwargs)`, which returns one loss per example.

    `y_true` reaches `fn` in the loss's dtype and at the rank of `y_pred`: targets (n,) come as (n,
    1) beside predictions (n, 1), so that their difference is not (n, n).

    Args:
        fn: the function.
        reduction, name, dtype: as for `Loss`.
        **kwargs: passed on to `fn` in each call.
    """

    def __init__(self, fn, reduction="sum_over_batch_size", name=None, dtype=None, **kwargs):
        super().__init__(name=name, reduction=reduction, dtype=dtype)
        self.fn: Callable = fn
        self._fn_kwargs = kwargs
        for key, value in kwargs.items():
            if not hasattr(self, key):
                setattr(self, key, value)

    def call(self, y_true, y_pred):
        return self.fn(*_at_same_rank(y_true, y_pred), **self._fn_kwargs)

    def get_config(self):
        config = super().get_config()
        if "fn" in config:
            config.update(serialization.serialize_dict({"fn": self.fn, **self._fn_kwargs}))
        return config

    def _described(self):
        return getattr(self.fn, "__name__", self.name)


def _at_same_rank(y_true, y_pred):
    (true, structure), (pred, other) = jax.tree.flatten(y_true), jax.tree.flatten(y_pred)
    if structure != other:
        return y_true, y_pred  # the function knows what to do with them
    pairs = [squeeze_or_expand_to_same_rank(t, p) for t, p in zip(true, pred)]
    return jax.tree.unflatten(structure, [t for t, _ in pairs]), jax.tree.unflatten(
        structure, [p for _, p in pairs]
    )
