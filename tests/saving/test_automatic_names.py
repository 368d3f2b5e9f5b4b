"""Names that the library chose, in files that go from process to process."""

import numpy as np
import pytest

import fkeras
from fkeras import layers
from fkeras.core import names
from fkeras.saving import automatic_names
from tests.saving.models import X, Y


def net():
    """A random layer too: its draws follow from its place."""
    inner = fkeras.Sequential([layers.Dense(4), layers.Dropout(0.5)])
    model = fkeras.Sequential([fkeras.Input((3,)), inner, layers.Dense(1), layers.Dense(1)])
    model.compile(fkeras.optimizers.Adam(0.05), "mse")
    return model


def after_others(count):
    """As in a process that has made other layers before."""
    names.reset()
    for _ in range(count):
        layers.Dense(1), layers.Dropout(0.5)
        fkeras.Sequential()
    return net()


@pytest.mark.parametrize("name", ["model", "model.keras", "model.h5"])
@pytest.mark.parametrize("before, after", [(0, 2), (2, 0), (3, 1)])
def test_a_model_goes_on_bit_by_bit_whatever_was_made_before(tmp_path, name, before, after):
    model = after_others(before)
    model.fit(X, Y, batch_size=4, verbose=0)
    model.save(tmp_path / name)
    after_others(after)
    again = fkeras.saving.load_model(tmp_path / name)
    states = [m.train_state().params for m in (model, again)]
    assert repr(states[0]) == repr(states[1])  # of the same places
    histories = [m.fit(X, Y, batch_size=4, epochs=2, verbose=0).history for m in (model, again)]
    assert histories[0] == histories[1]
    third = after_others(after)
    again.save_weights(tmp_path / "weights")
    third.load_weights(tmp_path / "weights")
    for one, other in zip(third.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


TRANSLATIONS = [
    (["dense/kernel", "dense_1/kernel"], {"dense_3/kernel": 0, "dense_4/kernel": 1}),
    (["dense/kernel", "head/kernel"], {"dense_3/kernel": 0, "head/kernel": 1}),
    (["dense_1/kernel", "dense/kernel"], {"dense/kernel": 1, "dense_1/kernel": 0}),
    (["dense/kernel", "head/kernel"], {"dense_3/kernel": None, "top/kernel": None}),
    (["dense/kernel", "block_1/kernel"], {"dense/kernel": None, "block_2/kernel": None}),
    (["dense/kernel"], {"dense_1/kernel": None, "dense_2/kernel": None}),
]


@pytest.mark.parametrize("ours, theirs", TRANSLATIONS)
def test_paths_that_differ_in_counters_only_are_translated(ours, theirs):
    """What differs in more, or was named by the user, stays as it is."""
    model = fkeras.Sequential([fkeras.Input((3,)), layers.Dense(1)])
    expected = {path: path if i is None else ours[i] for path, i in theirs.items()}
    assert automatic_names.translate(model, ours, theirs) == expected


def test_slots_follow_the_weights_that_they_belong_to():
    translation = {"dense_1/kernel": "dense/kernel"}
    for name, expected in [
        ("momentum/dense_1/kernel", "momentum/dense/kernel"),
        ("momentum/other/dense_1/kernel", "momentum/other/dense/kernel"),
        ("iteration", "iteration"),
    ]:
        assert automatic_names.translate_slot(name, translation) == expected
