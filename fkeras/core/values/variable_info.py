"""What fkeras keeps about a Variable beside its value, in NNX's metadata of the Variable."""

from fkeras.core import jax_private

KEY = "fk"  # in NNX's metadata, where other libraries may keep entries of their own


class VariableInfo:
    """What fkeras keeps about a Variable beside its value; shared by NNX's copies of it, compared
    by identity.
    """

    __slots__ = (
        "name",
        "path",
        "shape",
        "dtype",
        "initializer",
        "trainable",
        "autocast",
        "regularizer",
        "constraint",
        "aggregation",
        "synchronization",
        "layout",
        "kind",
        "read_deeply",
        "origin",
        "overwrite_with_gradient",
        "no_weight_decay",
    )

    def __init__(self, **values):
        for slot in self.__slots__:
            setattr(self, slot, values.pop(slot, None))
        self.read_deeply = False


class AdoptedInfo:
    """What fkeras keeps about a Variable of a foreign NNX module."""

    kind, autocast, regularizer, constraint, initializer = "weight", False, None, None, None

    def __init__(self, name, path, trainable):
        self.name, self.path, self.trainable, self.read_deeply = name, path, trainable, False


def info_of(variable):
    """The `VariableInfo` or `AdoptedInfo` of a Variable, or None for one of a foreign module that was
    not adopted yet.
    """
    return jax_private.metadata(variable).get(KEY)


def put_info(variable, info) -> None:
    """Keeps the information with a Variable, whatever trace is open."""
    jax_private.set_metadata(variable, KEY, info)
