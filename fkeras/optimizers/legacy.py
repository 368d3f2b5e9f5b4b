"""`keras.optimizers.legacy`, which Keras 3 only remembers in an error."""


class LegacyOptimizerWarning:
    """Raises on construction, as in Keras 3.

    Raises:
        ImportError: always; says what to write.
    """

    def __init__(self, *args, **kwargs):
        raise ImportError(
            "`optimizers.legacy` is gone since Keras 3. The optimizers under `fkeras.optimizers` "
            "have the same arithmetic; in place of the argument `decay`, pass "
            "`schedules.InverseTimeDecay(learning_rate, 1, decay)` as learning rate."
        )


Adagrad = Adam = Ftrl = RMSprop = SGD = Optimizer = LegacyOptimizerWarning
