"""Weights that are not negative."""

from fkeras import ops
from fkeras.constraints.constraint import Constraint


class NonNeg(Constraint):
    """Negative weights become 0.

    Examples:
        >>> NonNeg()(ops.array([-1.0, 2.0])).tolist()
        [0.0, 2.0]
    """

    def __call__(self, w):
        return ops.maximum(ops.convert_to_tensor(w), 0)
