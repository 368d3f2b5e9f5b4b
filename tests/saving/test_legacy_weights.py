"""Arrays by layer and position."""

import numpy as np
import pytest

import fkeras
from fkeras import layers
from fkeras.errors import IncompatibleFileError, UserInputError
from fkeras.saving.legacy_weights import record_legacy
from fkeras.saving.record import record_weights
from fkeras.saving.restoring import restore_weights
from tests.saving.models import Counted, dense


def record(model):
    return record_weights(model, layout="layers")


def test_trained_arrays_come_first_in_each_layer():
    inner = fkeras.Sequential([fkeras.Input((3,)), layers.BatchNormalization(), layers.Dense(2)])
    saved = record_legacy(fkeras.Sequential([fkeras.Input((3,)), inner]))
    names = [name.rpartition("/")[2] for name, _ in saved.layers[0][1]]
    assert names == ["gamma", "beta", "kernel", "bias", "moving_mean", "moving_variance"]
    assert saved.count() == 6


def test_what_the_model_holds_itself_comes_apart():
    class Net(fkeras.Model):
        def __init__(self):
            super().__init__()
            self.head = layers.Dense(1)
            self.scale = self.add_weight(shape=(3,), initializer="ones", name="scale")

        def call(self, x):
            return self.head(x * self.scale)

    first, second = Net(), Net()
    for net in (first, second):
        net(np.ones((1, 3)))
    first.scale.assign([1.0, 2.0, 3.0])
    assert [name for name, _ in record(first).legacy.top] == [first.scale.path]
    restore_weights(second, record(first))
    np.testing.assert_array_equal(second.scale.numpy(), [1.0, 2.0, 3.0])


def test_by_name_pairs_namesakes_and_leaves_the_rest():
    source = dense((4, 1), ("body", "head"))
    target = dense((4, 4, 1), ("body", "new", "head"))
    before = target.get_layer("new").get_weights()
    assert restore_weights(target, record(source), by_name=True) == []
    for name in ("body", "head"):
        np.testing.assert_array_equal(
            source.get_layer(name).kernel.numpy(), target.get_layer(name).kernel.numpy()
        )
    np.testing.assert_array_equal(target.get_layer("new").kernel.numpy(), before[0])


def test_the_same_names_in_another_order_find_each_other():
    source, target = dense((3, 3), ("a", "b")), dense((3, 3), ("b", "a"))
    restore_weights(target, record(source))
    np.testing.assert_array_equal(
        source.get_layer("a").kernel.numpy(), target.get_layer("a").kernel.numpy()
    )


WRONG = [
    (lambda: dense((4,), (None,)), {}, "Layer count mismatch.*Model expected 1.*found 2"),
    (lambda: dense((5, 1)), {}, r"dense.*kernel: file \(3, 4\), model \(3, 5\)"),
    (lambda: fkeras.Sequential([fkeras.Input((3,)), Counted(), layers.Dense(1)]), {}, "arrays"),
]


@pytest.mark.parametrize("make, options, message", WRONG)
def test_what_does_not_fit_is_refused(make, options, message):
    model = make()
    before = model.get_weights()
    with pytest.raises(IncompatibleFileError, match=f"(?s){message}"):
        restore_weights(model, record(dense()), **options)
    for a, b in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("layout", ["stores", "paths"])
def test_by_name_is_for_this_layout_only(layout):
    with pytest.raises(UserInputError, match="by_name=True"):
        restore_weights(dense(), record_weights(dense(), layout=layout), by_name=True)
