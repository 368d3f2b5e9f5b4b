"""The base of all constraints."""


class Constraint:
    """A projection that training applies to a weight after each update: `constraint(w)` returns an
    array of the same shape.

    Examples:
        >>> import fkeras
        >>> class AtMostOne(fkeras.constraints.Constraint):
        ...     def __call__(self, w):
        ...         return fkeras.ops.minimum(w, 1.0)
        >>> AtMostOne()(fkeras.ops.array([0.5, 2.0])).tolist()
        [0.5, 1.0]
    """

    def __call__(self, w):
        """The projected weight. Here the weight itself."""
        return w

    def get_config(self) -> dict:
        """The arguments of the constructor, as plain values."""
        return {}

    @classmethod
    def from_config(cls, config):
        """A constraint from the dict that `get_config` returned."""
        return cls(**config)
