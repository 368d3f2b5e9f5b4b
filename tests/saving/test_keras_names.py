"""Checkpoints that Keras's own `OrbaxCheckpoint` wrote."""

import numpy as np
import pytest

import fkeras
from fkeras.saving import keras_names
from tests.saving.models import X, Y


def nested(of):
    """Nested, with names of the user and of the library."""
    inner = of.Sequential([of.layers.Dense(4), of.layers.BatchNormalization()], name="block")
    model = of.Sequential(
        [
            of.Input((3,)),
            of.layers.Dense(4, activation="relu"),
            inner,
            of.layers.Dropout(0.5),
            of.layers.Dense(1, name="head"),
        ]
    )
    model.compile(of.optimizers.Adam(0.05), "mse")
    return model


def with_a_recurrence(of):
    inputs = of.Input((3,))
    steps = of.layers.Reshape((3, 1))(inputs)
    hidden = of.layers.Bidirectional(of.layers.LSTM(2))(steps)
    model = of.Model(inputs, of.layers.Dense(1)(hidden))
    model.compile(of.optimizers.SGD(0.05, momentum=0.9), "mse")
    return model


@pytest.mark.filterwarnings("ignore")  # Keras's and Orbax's own
@pytest.mark.parametrize("make", [nested, with_a_recurrence])
def test_what_keras_wrote_is_read(keras, tmp_path, make):
    make(keras)  # counters of names begin elsewhere
    theirs = make(keras)
    options = {"max_to_keep": None, "save_on_background": False}
    saves = [
        keras.callbacks.OrbaxCheckpoint(str(tmp_path / "whole"), **options),
        keras.callbacks.OrbaxCheckpoint(
            str(tmp_path / "weights"), save_weights_only=True, **options
        ),
    ]
    theirs.fit(X, Y, epochs=2, verbose=0, callbacks=saves)
    expected = theirs.predict(X, verbose=0)
    model = fkeras.saving.load_model(tmp_path / "whole")
    np.testing.assert_allclose(model.predict(X, verbose=0), expected, atol=1e-6)
    for one, other in zip(model.optimizer.variables, theirs.optimizer.variables, strict=True):
        np.testing.assert_array_equal(np.asarray(one), np.asarray(other), err_msg=one.path)
    ours = make(fkeras)
    for path in ("weights", "whole", "whole/1"):
        ours.set_weights([w * 0 for w in ours.get_weights()])
        ours.load_weights(tmp_path / path)
        np.testing.assert_allclose(ours.predict(X, verbose=0), expected, atol=1e-6)
    with pytest.raises(ValueError, match="weights without an architecture"):
        fkeras.saving.load_model(tmp_path / "weights")


PAIRS = [
    ({"a/kernel", "block/a/kernel"}, {"m/a/kernel": "a/kernel", "m/block/a/kernel": None}),
    ({"m/a/kernel"}, {"a/kernel": "m/a/kernel"}),
    ({"dense_7/bias", "dense_10/bias"}, {"dense/bias": "dense_7/bias", "dense_1/bias": None}),
]


@pytest.mark.parametrize("ours, theirs", PAIRS)
def test_names_that_end_alike_belong_together(ours, theirs):
    model = fkeras.Sequential([fkeras.Input((3,)), fkeras.layers.Dense(1)])
    found = keras_names.translate(model, ours, theirs)
    assert set(found.values()) == ours
    for name, expected in theirs.items():
        assert expected is None or found[name] == expected


def test_names_that_have_no_partner_stay():
    model = fkeras.Sequential([fkeras.Input((3,)), fkeras.layers.Dense(1)])
    names = ["m/a/kernel", "m/b/kernel"]
    assert keras_names.translate(model, {"a/kernel", "c/kernel"}, names) == {n: n for n in names}
