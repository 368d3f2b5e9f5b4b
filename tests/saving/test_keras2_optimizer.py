"""The state of Keras 2's optimizers, whose arrays have names."""

import numpy as np
import pytest

import fkeras
from fkeras.saving.keras2_optimizer import reorder

OPTIMIZERS = fkeras.optimizers


def named(*names):
    return tuple((name, np.float32(i)) for i, name in enumerate(names))


ORDERS = [
    (OPTIMIZERS.Adam, named("Adam/iter:0", "Adam/k/m:0", "Adam/b/m:0", "Adam/k/v:0", "Adam/b/v:0"),
     [0, None, 1, 3, 2, 4]),
    (OPTIMIZERS.Adam, named("iteration:0", "Adam/m/k:0", "Adam/v/k:0", "Adam/m/b:0", "Adam/v/b:0"),
     [0, None, 1, 2, 3, 4]),
    (OPTIMIZERS.Adamax, named("a/iter:0", "a/k/m:0", "a/b/m:0", "a/k/v:0", "a/b/v:0"),
     [0, None, 1, 3, 2, 4]),
    (OPTIMIZERS.SGD, named("iteration:0", "SGD/m/k:0", "SGD/m/b:0"), [0, None]),
    (OPTIMIZERS.Adam, named("iteration:0", "Adam/m/k:0"), None),
    (OPTIMIZERS.RMSprop, named("iteration:0", "SGD/m/k:0", "SGD/m/b:0"), None),
]  # fmt: skip


@pytest.mark.parametrize("cls, saved, expected", ORDERS)
def test_arrays_find_their_places_by_name(cls, saved, expected):
    model = fkeras.Sequential([fkeras.Input((3,)), fkeras.layers.Dense(1)])
    optimizer = cls()
    optimizer.build(model.trainable_variables)
    values = reorder(optimizer, saved)
    assert (None if values is None else [None if v is None else int(v) for v in values]) == expected
