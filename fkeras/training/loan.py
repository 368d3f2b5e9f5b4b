"""Who holds the values while a loop runs: the loop's arrays are donated from step to step, the
Variables stand aside.

During `fit` a Variable's slot holds a stand-in. Whoever reads it (a callback calling `get_weights`)
makes the loop put all current values back; the loop then goes on with copies, so that no array that
somebody may have seen is ever donated, and takes up what was written.
"""

import jax
import jax.numpy as jnp

from fkeras.core.values import stand_ins

copy_tree = jax.jit(lambda tree: jax.tree.map(jnp.copy, tree))


class Loan:
    """Groups of Variables whose values a loop holds.

    Args:
        groups: tuple of lists of Variables.

    Attributes:
        values: the current values, in the same groups. The loop replaces them after each device
            call.
    """

    def __init__(self, groups):
        self.groups = groups
        self.values = None
        self.seen = False
        self._stand_in = stand_ins.HeldByLoop(self.bring)

    def open(self):
        """Takes the values over. What stood in the Variables is copied, since somebody may hold it,
        and returned.
        """
        for variable in (v for group in self.groups for v in group):
            variable._raw_value  # noqa: B018  draws what has no value yet
        return self._take()

    def _take(self):
        held = tuple([stand_ins.private_value(v) for v in group] for group in self.groups)
        self.values = copy_tree(held)
        for group in self.groups:
            for variable in group:
                stand_ins.put_value(variable, self._stand_in)
        self.seen = False
        return held

    def bring(self):
        """Puts the current values into the Variables."""
        if self.seen or self.values is None:
            return
        for group, values in zip(self.groups, self.values):
            for variable, value in zip(group, values):
                stand_ins.put_value(variable, value)
        self.seen = True

    def ready(self):
        """Values that the next device call may consume."""
        if self.seen:
            self._take()
        return self.values

    def close(self):
        """Ends the loan: the Variables hold the last values."""
        self.bring()
        self.values = None
