"""Discretization: numbers as the bins that they lie in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import jax.numpy as jnp
import numpy as np

from fkeras import ops
from fkeras.core import settings
from fkeras.core.symbolic.keras_tensor import KerasTensor
from fkeras.core.warn_once import warn_user
from fkeras.data.adapting import input_batches
from fkeras.errors import NotBuiltError, UserInputError, UserTypeError
from fkeras.layers.base import arguments
from fkeras.layers.base.layer import Layer
from fkeras.layers.preprocessing import hot_encoding, quantiles

if TYPE_CHECKING:
    from collections.abc import MutableMapping, Sequence

    from fkeras.data.source import InMemory, Stream
    from fkeras.types import ArrayLike, Config, DTypePolicyLike, Shape, Tensor

_MODES = ("int", "one_hot", "multi_hot", "count")
_IDS_AXIS = 1  # of the ids of one sample, where there is one vector for all of them


class Discretization(Layer):
    """Puts numbers into bins, and returns the bins' indices.

    The bins are given, or found by `adapt` so that about equally many values lie in each.

    Args:
        bin_boundaries: ascending numbers; `[0, 1]` makes the bins (-inf, 0), [0, 1) and [1, inf).
        num_bins: number of bins that `adapt` shall find, positive; in the place of
            `bin_boundaries`.
        epsilon: how exact `adapt` finds quantiles, a fraction in (0, 1); smaller takes more memory.
        output_mode: 'int': indices; 'one_hot': a vector for each value; 'multi_hot' and 'count': a
            vector for all values along axis 1, of the bins there are, or how often.
        sparse: whether vectors are `jax.experimental.sparse.BCOO` arrays; not for 'int'.

    Shape:
        Any; with 'one_hot' `(..., n)` -> `(..., n, bins)`, but `(..., 1)` -> `(..., bins)`; with
        'multi_hot' and 'count' `(batch, n, ...)` -> `(batch, ..., bins)`.

    Raises:
        UserInputError: both or neither of `bin_boundaries` and `num_bins`, boundaries that do not
            ascend, an unknown mode; a call before `adapt`.

    Examples:
        >>> import fkeras, numpy as np
        >>> fkeras.layers.Discretization([0.0, 1.0])([-0.5, 0.5, 1.0]).tolist()
        [0, 1, 2]
        >>> layer = fkeras.layers.Discretization(num_bins=4)
        >>> layer.adapt(np.arange(100.0))
        >>> layer([10.0, 30.0, 60.0, 90.0]).tolist()
        [0, 1, 2, 3]
    """

    def __init__(
        self,
        bin_boundaries: Sequence[float] | None = None,
        num_bins: int | None = None,
        epsilon: float = 0.01,
        output_mode: str = "int",
        sparse: bool = False,
        dtype: DTypePolicyLike | None = None,
        name: str | None = None,
        **kwargs: Any,
    ):
        super().__init__(name=name, dtype=dtype, **kwargs)
        if output_mode not in _MODES:
            raise UserInputError(
                "Discretization: `output_mode` must be one of "
                f"{', '.join(map(repr, _MODES))}. Received: output_mode={output_mode!r}"
            )
        if sparse and output_mode == "int":
            raise UserInputError(
                "`sparse=True` may only be used if `output_mode` is 'one_hot', 'multi_hot' or "
                f"'count'. Received: sparse={sparse} and output_mode={output_mode!r}"
            )
        if num_bins is not None and bin_boundaries is not None:
            raise UserInputError(
                "Both `num_bins` and `bin_boundaries` should not be set: give the boundaries, or "
                f"the number of bins that `adapt` shall find. Received: num_bins={num_bins} and "
                f"bin_boundaries={bin_boundaries}"
            )
        if num_bins is None and bin_boundaries is None:
            raise UserInputError(
                "You need to set either `num_bins` or `bin_boundaries` of Discretization."
            )
        if not 0 < epsilon < 1:
            raise UserInputError(
                f"Discretization: `epsilon` must lie in (0, 1). Received: epsilon={epsilon}"
            )
        self.bin_boundaries = None if bin_boundaries is None else _boundaries(bin_boundaries)
        self.num_bins = None if num_bins is None else _number_of_bins(num_bins)
        self.epsilon = epsilon
        self.output_mode = output_mode
        self.sparse = sparse
        self.summary = None if bin_boundaries else quantiles.EMPTY
        self.autocast = False  # of the numbers: half precision would move them to other bins

    @property
    def input_dtype(self) -> str:
        """The dtype that numbers are compared in: `floatx`."""
        return settings.floatx()

    @property
    def output_dtype(self) -> str:
        """The dtype of what a call returns."""
        return "int32" if self.output_mode == "int" else self.compute_dtype

    # -- learning the bins -------------------------------------------------------

    def adapt(self, data: InMemory | Stream, steps: int | None = None) -> None:
        """Finds `num_bins` bins with about equally many values of the data in each. What was
        learnt before is forgotten.

        Args:
            data: array, frame, column; or batches of arrays: a list of them, a generator, a
                `PyDataset`, a `fkeras.data.Dataset`. Of pairs (x, y) the first counts.
            steps: number of batches to take; None for all.

        Raises:
            UserInputError: the layer was given its boundaries; no data, NaN, or no numbers.
        """
        if self.num_bins is None:
            raise UserInputError(
                f"Discretization '{self.name}' was given `bin_boundaries`: there is nothing to "
                "adapt. Make it with `num_bins` instead."
            )
        self.reset_state()
        for batch in input_batches(data, f"Discretization '{self.name}'", steps):
            self.update_state(batch)
        self.finalize_state()

    def update_state(self, data: ArrayLike) -> None:
        """Takes one more batch into account; `finalize_state` makes bins of what was seen."""
        values = np.asarray(data).astype("float32")
        if not np.isfinite(values).all():
            raise UserInputError(
                f"Discretization '{self.name}' cannot adapt to data with NaN or infinity "
                f"({int((~np.isfinite(values)).sum())} of {values.size} values). Fill or drop them."
            )
        summary = quantiles.summarized(values, self.epsilon)
        self.summary = quantiles.merged(summary, self.summary, self.epsilon)

    def finalize_state(self) -> None:
        """Makes the bins of all batches seen since `reset_state`."""
        if self.num_bins is None:
            return
        if not self.summary.shape[1]:
            raise UserInputError(f"Discretization '{self.name}' has seen no values to adapt to.")
        found = quantiles.boundaries(self.summary, self.num_bins).tolist()
        if self._info.called and self.bin_boundaries not in (None, found):
            warn_user(
                f"Discretization '{self.name}' has other bins now. Programs that were compiled "
                "before (`fit`, `predict`, `jax.jit`) keep the former ones: call `compile()` again."
            )
        self.bin_boundaries = found

    def reset_state(self) -> None:
        """Forgets the batches seen so far."""
        if self.num_bins is not None:
            self.summary = quantiles.EMPTY

    # -- the call ----------------------------------------------------------------

    def call(self, inputs: Tensor) -> Tensor:
        if self.bin_boundaries is None:
            raise NotBuiltError(
                f"Discretization '{self.name}' has no bins yet. You need to either pass "
                "`bin_boundaries` or call `adapt(data)` before you use it."
            )
        numbers = jnp.asarray(inputs)
        if not jnp.issubdtype(numbers.dtype, jnp.floating):
            numbers = numbers.astype(self.input_dtype)
        # In the wider of the two dtypes: bins are told apart exactly.
        limits = jnp.asarray(self.bin_boundaries, jnp.promote_types(numbers.dtype, "float32"))
        ids = ops.digitize(numbers, limits)
        if self.output_mode == "int":
            return ids.astype(self.output_dtype)
        return hot_encoding.encode(
            ids,
            self.output_mode,
            self._depth(),
            self.output_dtype,
            axis=_IDS_AXIS if ids.ndim > 1 else -1,
            sparse=self.sparse,
        )

    def _depth(self) -> int:
        return self.num_bins if self.bin_boundaries is None else len(self.bin_boundaries) + 1

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        if self.output_mode == "int":
            return input_shape
        shape = tuple(input_shape)
        axis = _IDS_AXIS if len(shape) > 1 else -1
        return hot_encoding.encoded_shape(shape, self.output_mode, self._depth(), axis)

    def compute_output_spec(self, inputs: KerasTensor) -> KerasTensor:
        return KerasTensor(
            self.compute_output_shape(inputs.shape), dtype=self.output_dtype, sparse=self.sparse
        )

    # -- files -------------------------------------------------------------------

    def load_own_variables(self, store: MutableMapping[str, ArrayLike]) -> None:
        if len(store.keys()) == 1:  # a summary, in files of Keras before 3
            self.summary = np.asarray(store["0"])

    def get_config(self) -> Config:
        return {
            "bin_boundaries": self.bin_boundaries,
            "num_bins": self.num_bins,
            "epsilon": self.epsilon,
            "output_mode": self.output_mode,
            "sparse": self.sparse,
            "name": self.name,
            "dtype": super().get_config()["dtype"],
        }

    @classmethod
    def from_config(cls, config: Config) -> Self:
        """A layer from what `get_config` returned; one that was adapted has its bins."""
        found = config.get("bin_boundaries")
        if found is None or config.get("num_bins") is None:
            return super().from_config(config)
        layer = super().from_config({**config, "bin_boundaries": None})
        layer.bin_boundaries = _boundaries(found)
        return layer


def _boundaries(values: Sequence[float]) -> list[float]:
    try:
        limits = np.asarray(values, np.float64)
    except (TypeError, ValueError):
        limits = np.full((), np.nan)
    if limits.ndim != 1:
        raise UserTypeError(
            "Discretization: `bin_boundaries` must be a list of numbers. Received: "
            f"bin_boundaries={values!r}"
        )
    if np.isnan(limits).any() or (np.diff(limits) < 0).any():
        raise UserInputError(
            "Discretization: `bin_boundaries` must ascend. Received: "
            f"bin_boundaries={limits.tolist()}. Sort them: `sorted(...)`."
        )
    return limits.tolist()


def _number_of_bins(num_bins: int) -> int:
    num_bins = arguments.whole(num_bins)
    if not arguments.is_int(num_bins) or num_bins < 1:
        raise UserInputError(
            "Discretization: `num_bins` must be a positive integer. Received: "
            f"num_bins={num_bins!r}"
        )
    return int(num_bins)
