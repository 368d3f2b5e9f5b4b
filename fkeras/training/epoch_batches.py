"""`EpochBatches`: which batches an epoch of `fit` takes where it is run step by step."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from fkeras.core.warn_once import warn_user
from fkeras.errors import UserInputError
from fkeras.training import agreement

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fkeras.core.placement import Distribution
    from fkeras.data import Source
    from fkeras.training.fit_options import FitOptions
    from fkeras.training.progress import Progress


class EpochBatches:
    """A pass for each epoch; with `steps_per_epoch`, on from where the last epoch stopped.

    Args:
        source: where batches come from.
        options: what `fit` was asked for.
        progress: the model's lifetime counts: they decide the order of samples.
        distribution: of the model.
    """

    def __init__(
        self,
        source: Source,
        options: FitOptions,
        progress: Progress,
        distribution: Distribution | None = None,
    ) -> None:
        self._source = source
        self._options = options
        self._progress = progress
        self._distribution = distribution
        self.limit: int | None = options.steps_per_epoch or source.steps
        # Whether the user's number of steps cuts the data into epochs.
        self._goes_on = options.steps_per_epoch is not None and (
            source.in_memory or source.steps is None
        )
        self._stream: Iterator[tuple] | None = None
        self._has_warned = False

    @contextlib.contextmanager
    def opened(self, epoch: int) -> Iterator[Iterator[tuple]]:
        """The batches of an epoch. What is not gone on with is closed at the end."""
        if self._goes_on:
            if self._stream is None:
                self._stream = self._new_pass(epoch)
            yield self._stream
            return
        batches = self._new_pass(epoch)
        try:
            yield batches
        finally:
            if hasattr(batches, "close"):  # a generator; threads may stand behind it
                batches.close()

    def _new_pass(self, epoch):
        source = self._source
        if source.in_memory:
            epoch_order = source.order(self._options.order_seed, self._progress.epochs)
            return iter(source.epoch(epoch_order))
        return agreement.shared(iter(source.epoch(epoch)), source, self._distribution)

    def restart(self) -> bool:
        """Begins a new pass over arrays. Returns whether there can be one."""
        if self._source.in_memory:
            self._stream = None
        return self._source.in_memory

    def ran_out(self, epoch: int, taken: int) -> bool:
        """Says that an epoch got fewer batches than it should, or none.

        Args:
            epoch: the epoch. taken: how many batches it got.

        Returns:
            Whether training ends with this epoch.

        Raises:
            UserInputError: where there was no batch at all, from the beginning.
        """
        limit, options = self.limit, self._options
        is_short = limit is not None and taken < limit
        if is_short and self.restart():
            self._warn_of_short_pass()
            return False
        if taken == 0 and epoch == options.initial_epoch:
            raise UserInputError(
                "The data given to `fit` holds no batch at all. If it is a generator, it may have "
                "been used up: make a new one for each call."
            )
        if is_short:
            warn_user(
                "Your input ran out of data; interrupting training. It should have given "
                f"{limit} batches for each of {options.epochs} epochs; epoch {epoch + 1} got "
                f"{taken}."
            )
            return True
        if taken == 0:
            warn_user(f"Your input ran out of data; interrupting training after {epoch} epochs.")
            return True
        return False

    def _warn_of_short_pass(self):
        if not self._has_warned:
            self._has_warned = True
            warn_user(
                f"Your input ran out of data: `steps_per_epoch={self.limit}`, but the arrays give "
                f"{self._source.steps} batches a pass. The epoch ends there and the next one "
                "begins a new pass."
            )
