"""Who holds the values while a loop runs: the loop's arrays are donated from step to step, the
Variables stand aside.

During `fit` a Variable's slot holds a stand-in. Whoever reads it (a callback calling `get_weights`)
makes the loop put all current values back; the loop then goes on with copies, so that no array that
may have been read is ever donated, and takes up what was written. The reader may be another thread:
it waits while a device call consumes values (`Loan.lock`).
"""

from __future__ import annotations

import functools
import math
import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeAlias

import jax
import jax.numpy as jnp

from fkeras.core import placement
from fkeras.core.freed_memory import give_back
from fkeras.core.values import stand_ins
from fkeras.errors import StateLostError

if TYPE_CHECKING:
    from fkeras.core.values.variable import Variable

Values: TypeAlias = tuple[list[jax.Array], ...]

# Bytes of weights, optimizer state and metrics beyond which nothing is held twice. At a state of
# 60 MiB that saves half of the peak above the imports, and costs some 50 ms a `fit`; but a failed
# step then loses the state, which small models are spared.
LARGE_STATE = 64 * 2**20

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

    def take_over(self) -> Values | None:
        """Begins the loan.

        Returns:
            What stood in the Variables; None where the state is large. The loop has copies, since
            these may be held elsewhere.
        """
        for variable in (v for group in self.groups for v in group):
            variable._raw_value  # noqa: B018  draws what has no value yet
        with self.lock:
            held = self._copy_from_variables(gives_back=True)
        if held is None:
            give_back()
        return held

    def is_large(self) -> bool:
        """Whether the state is too large to be held twice."""
        return self._num_bytes > LARGE_STATE

    def is_consumed(self) -> bool:
        """Whether a call has taken values whose successors are not here yet."""
        leaves = jax.tree.leaves(self._values)
        return any(isinstance(x, jax.Array) and x.is_deleted() for x in leaves)

    @functools.cached_property
    def _num_bytes(self):
        return sum(_num_bytes(stand_ins.private_value(v)) for group in self.groups for v in group)

    def _copy_from_variables(self, gives_back: bool = False) -> Values | None:
        if self.is_large():
            self._copy_one_by_one(gives_back)
            return None
        held = tuple([stand_ins.private_value(v) for v in group] for group in self.groups)
        self._values = copy_tree(held)
        self._put_stand_ins()
        return held

    def _copy_one_by_one(self, gives_back):
        """Copies of which each original may go before the next is made.

        Args:
            gives_back: whether the originals' memory goes to the system meanwhile: the copies do
                not find it where glibc has another heap for each thread.
        """
        copies: Values = tuple([] for _ in self.groups)
        waiting = 0  # bytes whose originals may not be free yet
        part = self._num_bytes // 8
        try:
            for group, copied in zip(self.groups, copies):
                for variable in group:
                    value = stand_ins.private_value(variable)
                    copied.append(placement.copied(value))
                    stand_ins.put_value(variable, self._stand_in)
                    waiting += _num_bytes(value)
                    if waiting >= part:
                        copied[-1].block_until_ready()
                        waiting = 0
                        if gives_back:
                            give_back()
        except BaseException:
            for group, copied in zip(self.groups, copies):
                for variable, value in zip(group, copied):
                    stand_ins.put_value(variable, value)
            raise
        self._values = copies
        self.is_written_back = False

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

    def lose(self, message: str) -> None:
        """Ends the loan without values. Who reads a Variable gets the error; it can be assigned.

        Args:
            message: of the `StateLostError`.
        """

        def draw():
            raise StateLostError(message)

        with self.lock:
            for group, values in zip(self.groups, self._values or ()):
                for variable, value in zip(group, values):
                    lost = stand_ins.NotDrawnYet(value.shape, value.dtype, draw)
                    stand_ins.put_value(variable, lost)
            self._values = None

    def finish(self) -> None:
        """Ends the loan: the Variables hold the last values."""
        with self.lock:
            self.write_back()
            self.values = None


def _num_bytes(value):
    return math.prod(value.shape) * value.dtype.itemsize
