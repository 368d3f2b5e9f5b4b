"""The base of initializers."""


class Initializer:
    """Gives a weight its first value. Subclass it and define `__call__(shape, dtype=None)`.

    Any function of `(shape, dtype)` serves as well; a class adds a config, so that models that use it can be saved.

    Examples:
        >>> import fkeras
        >>> class Sevens(fkeras.initializers.Initializer):
        ...     def __call__(self, shape, dtype=None):
        ...         return 7 * fkeras.ops.ones(shape, dtype)
        >>> fkeras.layers.Dense(2, kernel_initializer=Sevens()).kernel_initializer((1, 2), "int32").tolist()
        [[7, 7]]
    """

    def __call__(self, shape, dtype=None):
        """The values.

        Args:
            shape: tuple of ints.
            dtype: dtype of the values; None for `floatx()`.
        """
        raise NotImplementedError(f"{type(self).__name__} must implement the `__call__(shape, dtype=None)` method.")

    def get_config(self) -> dict:
        """The constructor's arguments as plain values."""
        return {}

    @classmethod
    def from_config(cls, config: dict):
        """An initializer from what `get_config` gave."""
        return cls(**config)

    def clone(self):
        """A new initializer with the same config."""
        return type(self).from_config(self.get_config())
