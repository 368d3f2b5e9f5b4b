"""Moving averages in the place of weights."""

import numpy as np
import pytest

import fkeras
from fkeras import callbacks

X = np.random.default_rng(0).normal(size=(8, 3)).astype("float32")
Y = X.sum(axis=1, keepdims=True)
AVERAGED = {"use_ema": True, "ema_momentum": 0.5}


def model(optimizer=None):
    made = fkeras.Sequential([fkeras.Input((3,)), fkeras.layers.Dense(1)])
    fkeras.utils.set_random_seed(3)
    made.compile(optimizer or fkeras.optimizers.SGD(0.05, **AVERAGED), "mse")
    return made


OPTIMIZERS = [
    lambda: fkeras.optimizers.SGD(0.05, **AVERAGED),
    lambda: fkeras.optimizers.LossScaleOptimizer(fkeras.optimizers.Adam(0.05, **AVERAGED)),
]


@pytest.mark.parametrize("make", OPTIMIZERS)
def test_validation_sees_the_averages(make):
    made = model(make())
    swap = callbacks.SwapEMAWeights()
    history = made.fit(
        X, Y, epochs=3, batch_size=4, validation_data=(X, Y), callbacks=[swap], verbose=0
    )
    # `fit` ends by putting the averages into the model.
    assert history.history["val_loss"][-1] == pytest.approx(made.evaluate(X, Y, verbose=0), 1e-5)


def test_training_goes_on_with_the_weights():
    plain, swapped = model(), model()
    swapped.set_weights(plain.get_weights())
    for made, added in ((plain, []), (swapped, [callbacks.SwapEMAWeights(swap_on_epoch=True)])):
        made.fit(X, Y, epochs=3, validation_data=(X, Y), callbacks=added, shuffle=False, verbose=0)
    for a, b in zip(plain.get_weights(), swapped.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-6)


def test_a_checkpoint_behind_it_saves_the_averages(tmp_path):
    made = model()
    swap = callbacks.SwapEMAWeights(swap_on_epoch=True)
    save = callbacks.ModelCheckpoint(tmp_path / "{epoch}.keras")
    made.fit(X, Y, epochs=2, callbacks=[swap, save], verbose=0)
    saved = fkeras.saving.load_model(tmp_path / "2.keras")
    for a, b in zip(made.get_weights(), saved.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_an_optimizer_without_averages_is_refused():
    with pytest.raises(ValueError, match="SwapEMAWeights must be used when `use_ema=True` is set"):
        model("sgd").fit(X, Y, callbacks=[callbacks.SwapEMAWeights()], verbose=0)


def test_weights_that_a_hook_sets_for_a_validation_count_in_short_epochs_too():
    """Short epochs and their validation are one device call, where no callback stands between."""

    class Zeros(callbacks.Callback):
        def on_test_begin(self, logs=None):
            self.before = self.model.get_weights()
            self.model.set_weights([0 * w for w in self.before])

        def on_test_end(self, logs=None):
            self.model.set_weights(self.before)

    history = model().fit(X, Y, validation_data=(X, Y), callbacks=[Zeros()], verbose=0)
    assert history.history["val_loss"][0] == pytest.approx(float(np.mean(Y**2)), 1e-5)
