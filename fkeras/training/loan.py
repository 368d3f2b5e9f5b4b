"""Who holds the values while a loop runs: the loop's arrays are donated from step to step, the
Variables stand aside.

During `fit` a Variable's slot holds a stand-in. Whoever reads it (a callback calling `get_weights`)
makes the loop put all current values back; the loop then goes on with copies, so that no array that
may have been read is ever donated, and takes up what was written. The reader may be another thread:
it waits while a device call consumes values (`Loan.lock`).
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeAlias

import jax
import jax.numpy as jnp

from fkeras.core.values import stand_ins

if TYPE_CHECKING:
    from fkeras.core.values.variable import Variable

Values: TypeAlias = tuple[list[jax.Array], ...]

copy_tree = jax.jit(lambda tree: jax.tree.map(jnp.copy, tree))


class Loan:
    """Groups of Variables whose values a loop holds.

    Args:
        groups: lists of Variables.

    Attributes:
        values: the current values, in the same groups. The loop replaces them after each device
            call.
        is_written_back: whether the Variables hold these very values, where they may be read.
        lock: held from before values are given to a call until its results are `values`.
    """

    def __init__(self, groups: Sequence[Sequence[Variable]]) -> None:
        self.groups = groups
        self.is_written_back = False
        self._values: Values | None = None
        self.lock = threading.RLock()
        self._stand_in = stand_ins.HeldByLoop(self.write_back, self.lock)

    @property
    def values(self) -> Values | None:
        return self._values

    @values.setter
    def values(self, values: Values | None) -> None:
        with self.lock:
            self._values = values
            if values is not None and self.is_written_back:
                # Variables were read while the call was traced: they hold what it has consumed.
                self._put_stand_ins()

    def exchange(self, values: Values) -> None:
        """Takes values in place of those that no call has consumed: who read them may keep them."""
        with self.lock:
            was_read, self.is_written_back = self.is_written_back, False
            self._values = values
            if was_read:
                self.write_back()

    def take_over(self) -> Values:
        """Begins the loan.

        Returns:
            What stood in the Variables. The loop has copies, since these may be held elsewhere.
        """
        for variable in (v for group in self.groups for v in group):
            variable._raw_value  # noqa: B018  draws what has no value yet
        with self.lock:
            return self._copy_from_variables()

    def _copy_from_variables(self) -> Values:
        held = tuple([stand_ins.private_value(v) for v in group] for group in self.groups)
        self._values = copy_tree(held)
        self._put_stand_ins()
        return held

    def _put_stand_ins(self) -> None:
        for group in self.groups:
            for variable in group:
                stand_ins.put_value(variable, self._stand_in)
        self.is_written_back = False

    def write_back(self) -> None:
        """Puts the current values into the Variables."""
        with self.lock:
            if self.is_written_back or self.values is None:
                return
            for group, values in zip(self.groups, self.values):
                for variable, value in zip(group, values):
                    stand_ins.put_value(variable, value)
            self.is_written_back = True

    def values_to_donate(self) -> Values:
        """Values that the next device call may consume, where `lock` is held until it is back."""
        with self.lock:
            if self.is_written_back:
                self._copy_from_variables()
            return self.values

    def finish(self) -> None:
        """Ends the loan: the Variables hold the last values."""
        with self.lock:
            self.write_back()
            self.values = None
