"""Sums and means over everything seen."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp

from fkeras.core.config import registry, serialization
from fkeras.core.nested import any_leaf
from fkeras.core.values.masks import get_mask, set_mask
from fkeras.errors import UserInputError
from fkeras.losses.alignment import squeeze_or_expand_to_same_rank
from fkeras.losses.expectation import expectation_of
from fkeras.losses.precision import at_least_float32
from fkeras.losses.reduction import divide_no_nan, fit_weights, masked_weights
from fkeras.metrics.metric import Metric
from fkeras.metrics.probability_check import warn_unless_probabilities
from fkeras.ops.tensors import as_array, convert_to_tensor

if TYPE_CHECKING:
    from fkeras.types import Config, DTypeLike, DTypePolicyLike, TensorLike


def per_sample(
    values: TensorLike,
    sample_weight: TensorLike | None,
    reduce: Callable[..., jax.Array],
    dtype: DTypeLike,
) -> tuple[jax.Array, jax.Array | None]:
    """One weighted value per example, and one weight per example (None: all 1).

    Args:
        values: (batch, ...) or a number.
        sample_weight: number, (batch,), or more of the leading axes of `values`; None.
        reduce: `jnp.sum` or `jnp.mean`, for the axes after the first.
        dtype: of both results.
    """
    mask = get_mask(values)  # of what the function itself left out, as `ignore_class` does
    values = convert_to_tensor(values, dtype=dtype)
    weights = None if sample_weight is None else convert_to_tensor(sample_weight, dtype=dtype)
    if mask is not None:
        weights = masked_weights(weights, mask, dtype, "sum")
    if weights is not None:
        if weights.ndim == values.ndim + 1 and weights.shape[-1] == 1:
            weights = weights[..., 0]
        # First the axes that have one weight, then, weighted, those that have one each.
        values = reduce(values, axis=tuple(range(weights.ndim, values.ndim)))
        weights = jnp.broadcast_to(fit_weights(weights, values.shape), values.shape)
        values = values * weights
        weights = reduce(weights, axis=tuple(range(1, weights.ndim)))
    return reduce(values, axis=tuple(range(1, values.ndim))), weights


def _is_array(x):
    """Whether it is one array, and no structure of them; a list of plain numbers is one array."""
    if isinstance(x, (list, tuple)):
        return not any_leaf(lambda leaf: hasattr(leaf, "shape"), x)
    return hasattr(x, "shape")


class Sum(Metric):
    """The weighted sum of all values.

    Args:
        name, dtype: as for `Metric`.

    Examples:
        >>> import fkeras
        >>> total = fkeras.metrics.Sum()
        >>> total.update_state([1.0, 3.0])
        >>> float(total([10.0], sample_weight=[0.5]))
        9.0
    """

    def __init__(self, name: str = "sum", dtype: DTypePolicyLike | None = None):
        super().__init__(name=name, dtype=dtype)
        self.total = self._add_sum((), "total", self.dtype)

    def update_state(self, values: TensorLike, sample_weight: TensorLike | None = None) -> None:
        """Adds values (any shape), weighted by `sample_weight`, which fits their leading axes."""
        values, _ = per_sample(values, sample_weight, jnp.sum, self.total.dtype)
        self.total.assign_add(jnp.sum(values))

    def reset_state(self) -> None:
        self.total.assign(0)

    def result(self) -> jax.Array:
        return self.total.value.astype(self.dtype)


class Mean(Metric):
    """The weighted mean of all values; 0 before the first.

    Args:
        name, dtype: as for `Metric`.

    Examples:
        >>> import fkeras
        >>> mean = fkeras.metrics.Mean()
        >>> mean.update_state([1.0, 3.0])
        >>> float(mean([8.0]))
        4.0
    """

    def __init__(self, name: str = "mean", dtype: DTypePolicyLike | None = None):
        super().__init__(name=name, dtype=dtype)
        self.total = self._add_sum((), "total", self.dtype)
        self.count = self._add_sum((), "count", self.dtype)

    def update_state(self, values: TensorLike, sample_weight: TensorLike | None = None) -> None:
        """Takes in values (batch, ...), averaged over all axes but the first.

        `sample_weight` fits their leading axes.
        """
        values, sample_weight = per_sample(values, sample_weight, jnp.mean, self.total.dtype)
        self.total.assign_add(jnp.sum(values))
        if sample_weight is not None:
            count = jnp.sum(sample_weight)
        else:  # a static number: no array of ones is added up
            count = values.shape[0] if values.ndim else 1
        self.count.assign_add(count)

    def reset_state(self) -> None:
        self.total.assign(0)
        self.count.assign(0)

    def result(self) -> jax.Array:
        return self._mean().astype(self.dtype)

    def _mean(self) -> jax.Array:
        """The mean in the dtype of its sums."""
        return divide_no_nan(self.total.value, self.count.value)


class MeanMetricWrapper(Mean):
    """The mean of `fn(y_true, y_pred, **kwargs)` over all examples.

    Both come to `fn` at one rank, as they come to a loss: targets (n,) as (n, 1) beside predictions
    (n, 1), so that their difference is not (n, n). Floats narrower than 32 bits come as float32.

    Args:
        fn: function that returns one value per example or position.
        name, dtype: as for `Metric`.
        **kwargs: passed on to `fn`.

    Raises:
        UserInputError: `fn` returned None.

    Examples:
        >>> import fkeras
        >>> metric = fkeras.metrics.MeanMetricWrapper(fkeras.losses.mean_squared_error)
        >>> float(metric([[0.0], [1.0]], [[2.0], [1.0]]))
        2.0
    """

    def __init__(
        self,
        fn: Callable[..., Any],
        name: str | None = None,
        dtype: DTypePolicyLike | None = None,
        **kwargs,
    ):
        super().__init__(name=name, dtype=dtype)
        self._fn = fn
        self._fn_kwargs = kwargs
        for key, value in kwargs.items():  # `get_config` reads them there
            if not hasattr(self, key):
                setattr(self, key, value)
        expectation = expectation_of(fn)
        if expectation is not None:  # a loss
            self._direction = "down"
            takes_probabilities = expectation.predictions == "probabilities"
            self._needs_probabilities = takes_probabilities and not kwargs.get("from_logits")
            if "from_logits" in kwargs:
                self._option_for_logits = "from_logits=True"

    def update_state(
        self, y_true: TensorLike, y_pred: TensorLike, sample_weight: TensorLike | None = None
    ) -> None:
        """Takes in a batch; a mask on `y_pred` counts as weights 0 and 1."""
        warn_unless_probabilities(self, y_pred)
        mask = get_mask(y_pred)  # before the function, whose result has none
        values = self._fn(*self._converted(y_true, y_pred), **self._fn_kwargs)
        if values is None:
            raise UserInputError(
                f"metric fn {getattr(self._fn, '__name__', self.name)} returned None. Does its "
                "last line lack a `return`?"
            )
        # A single number has used the mask already, unless weights are to be fitted to it too.
        if mask is not None and (getattr(values, "ndim", 0) or sample_weight is not None):
            dtype = self.total.dtype
            if sample_weight is not None:
                sample_weight = as_array(sample_weight, dtype)
            sample_weight = masked_weights(sample_weight, as_array(mask), dtype, "sum")
        super().update_state(values, sample_weight=sample_weight)

    def _converted(self, y_true, y_pred):
        """What `fn` is called with."""
        if not (_is_array(y_true) and _is_array(y_pred)):
            return y_true, y_pred  # structures: the function knows what to do with them
        expectation, mask = expectation_of(self._fn), get_mask(y_pred)
        if expectation is None or not expectation.targets_are_ids:
            y_true, y_pred = at_least_float32(as_array(y_true)), at_least_float32(as_array(y_pred))
        if registry.home_of(self._fn) is None:  # fkeras's own see to it themselves
            y_true, y_pred = squeeze_or_expand_to_same_rank(y_true, y_pred)
        if mask is not None:
            set_mask(y_pred, mask)
        return y_true, y_pred

    def get_config(self) -> Config:
        config = super().get_config()
        if "fn" in config:
            config.update(serialization.serialize_dict({"fn": self._fn, **self._fn_kwargs}))
        return config
