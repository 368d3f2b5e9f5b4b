"""Models with a `Repeat` in files: as if its blocks were separate layers."""

import h5py
import numpy as np
import pytest

import fkeras
from fkeras import layers
from fkeras.saving.blocks import trained_blocks, weights_of_blocks
from tests.saving.models import X, Y, dense


def test_variables_of_others_keep_their_own_path():
    stranger = fkeras.Variable(1.0, name="stranger")
    model = dense()
    trained = trained_blocks(model, [model.weights[1], stranger])
    assert trained.paths == ("dense/bias", "stranger")
    assert trained.places == [(0, ()), (1, ())]


def block(K):
    return K.Sequential(
        [K.Input((3,)), K.layers.Dense(3, activation="tanh"), K.layers.BatchNormalization()]
    )


def compiled(K, *middle):
    """An inner model with a stack of equal blocks in the middle, trained for a step."""
    inner = K.Sequential([K.Input((3,)), K.layers.Dense(3), *middle, K.layers.Dense(1)])
    inner.compile("adam", "mse")
    inner.train_on_batch(X, Y)
    return inner


def repeated():
    return compiled(fkeras, layers.Repeat(block(fkeras), 3))


def separate(K):
    return compiled(K, *(block(K) for _ in range(3)))


def content(path):
    arrays = {}
    with h5py.File(path) as file:
        file.visititems(
            lambda name, member: (
                arrays.update({name: member[()]}) if isinstance(member, h5py.Dataset) else None
            )
        )
    return arrays


def assert_equal(values, expected):
    for a, b in zip(values, expected, strict=True):
        np.testing.assert_array_equal(np.asarray(a), np.asarray(b))


@pytest.fixture(scope="module")
def models():
    return repeated(), separate(fkeras)


def test_a_repeat_has_the_file_of_separate_layers(models, tmp_path):
    """And so each reads the other's, with the optimizer's state."""
    model, apart = models
    model.save_weights(tmp_path / "repeat.weights.h5")
    apart.load_weights(tmp_path / "repeat.weights.h5")
    apart.save_weights(tmp_path / "apart.weights.h5")
    ours, theirs = (content(tmp_path / f"{name}.weights.h5") for name in ("repeat", "apart"))
    assert ours.keys() == theirs.keys() and "layers/sequential_2/layers/dense/vars/0" in ours
    for name, array in ours.items():
        np.testing.assert_array_equal(array, theirs[name])
    again = repeated()
    again.load_weights(tmp_path / "apart.weights.h5")
    assert_equal(again.get_weights(), model.get_weights())
    assert_equal(again.optimizer.variables, model.optimizer.variables)


@pytest.mark.filterwarnings("ignore:__array__ implementation")  # Keras's own
@pytest.mark.parametrize("name", ["x.weights.h5", "x.h5", "x.weights.json"])
def test_keras_reads_the_weights_into_separate_layers(keras, models, tmp_path, name):
    model, theirs = models[0], separate(keras)
    model.save_weights(tmp_path / name)
    theirs.load_weights(tmp_path / name)
    np.testing.assert_allclose(
        theirs.predict(X, verbose=0), model.predict(X, verbose=0), rtol=1e-5, atol=1e-6
    )


@pytest.mark.parametrize("name", ["model.keras", "model.h5", "model"])
def test_whole_models_come_back_and_go_on(models, tmp_path, name):
    model = models[0]
    model.save(tmp_path / name)
    again = fkeras.saving.load_model(tmp_path / name)
    assert_equal(again.get_weights(), model.get_weights())
    assert_equal(again.optimizer.variables, model.optimizer.variables)


def nested():
    inner = fkeras.Sequential([layers.Repeat(layers.Dense(3), 2), layers.Dense(3)])
    return fkeras.Sequential([fkeras.Input((3,)), layers.Repeat(inner, 2), layers.Dense(1)])


class Holder(fkeras.Model):
    """A stack under an attribute, and in a list."""

    def __init__(self):
        super().__init__()
        self.blocks = layers.Repeat(layers.Dense(3), 2)
        self.both = [layers.Dense(3), layers.Repeat(layers.Dense(3), 2)]

    def call(self, x):
        return self.both[1](self.both[0](self.blocks(x)))


class Own(layers.Layer):
    """Writes its arrays itself."""

    def build(self, shape):
        self.scale = self.add_weight(shape=(shape[-1],), name="scale", initializer="normal")

    def call(self, x):
        return x * self.scale

    def save_own_variables(self, store):
        store["scale"] = self.scale.numpy()

    def load_own_variables(self, store):
        self.scale.assign(store["scale"])


def with_own():
    return fkeras.Sequential([fkeras.Input((3,)), layers.Repeat(Own(), 2), layers.Dense(1)])


PLACES = [
    (nested, "layers/sequential_1/layers/dense_1/vars/1"),
    (Holder, "blocks/dense_1/vars/0"),
    (Holder, "both/dense_2/vars/0"),
    (with_own, "layers/own/vars/scale"),
]


@pytest.mark.parametrize("make, place", PLACES)
def test_stacks_in_all_places_come_back(tmp_path, make, place):
    model, again = make(), make()
    model(X), again(X)
    model.save_weights(tmp_path / "model.weights.h5")
    assert place in content(tmp_path / "model.weights.h5")
    again.load_weights(tmp_path / "model.weights.h5")
    assert_equal(again.get_weights(), model.get_weights())


def test_what_is_wrong_with_one_block_is_told(tmp_path, models):
    stack = [layers.Dense(3), *(block(fkeras) for _ in range(2)), layers.Dense(1)]
    other = fkeras.Sequential([fkeras.Input((3,)), *stack])
    other.save_weights(tmp_path / "two.weights.h5")
    with pytest.raises(ValueError, match="layers/sequential_2/layers/dense/kernel.*not in the"):
        models[0].load_weights(tmp_path / "two.weights.h5")


def test_the_weights_of_blocks_come_trained_ones_first(models):
    repeat = models[0].layers[1]
    for i, weights in enumerate(weights_of_blocks(repeat)):
        assert [w.name for w in weights] == [
            *("kernel", "bias", "gamma", "beta", "moving_mean", "moving_variance")
        ]
        np.testing.assert_array_equal(weights[0], repeat.get_weights()[6 * i])
