"""Keras's paths of what a model holds."""

import numpy as np
import pytest

import fkeras
from fkeras import layers
from fkeras.saving.stores import owners_by_path, record_assets, record_stores, restore_assets
from tests.saving.models import dense


def subclassed(K):
    """Attributes, lists, dicts, nesting; what one is met by first is Keras's to say."""

    class Block(K.layers.Layer):
        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            self._private = K.layers.Dense(2)
            self.alpha = K.layers.Dense(2)

        def build(self, shape):
            self._private.build(shape)
            self.alpha.build(shape)

        def call(self, x):
            return self.alpha(self._private(x))

    class Net(K.Model):
        def __init__(self):
            super().__init__()
            self.zeta = K.layers.Dense(2)
            self.blocks = [Block(), [K.layers.Dense(2), K.layers.Dense(2)]]
            self.by_name = {"b": K.layers.Dense(2), "a": K.layers.LayerNormalization()}
            self.alias = self.zeta
            self.more = K.Sequential([K.layers.Dense(2)])

        @property
        def head(self):
            return self._head

        def build(self, shape):
            self._head = K.layers.Dense(2)
            self._head.build(shape)
            super().build(shape)

        def call(self, x):
            x = self.blocks[0](self.zeta(x))
            x = self.blocks[1][1](self.blocks[1][0](x))
            return self._head(self.more(self.by_name["a"](self.by_name["b"](x))))

    net = Net()
    net(np.ones((1, 2), "float32"))
    return net


@pytest.mark.filterwarnings("ignore:__array__ implementation")  # Keras's own
def test_stores_of_a_subclassed_model_are_kerass(keras, tmp_path):
    import h5py

    def stores(K):
        path = tmp_path / f"{K.__name__}.weights.h5"
        subclassed(K).save_weights(path)
        found = {}
        with h5py.File(path) as file:
            file.visititems(lambda name, item: found.update({name: getattr(item, "shape", None)}))
        return found

    ours, theirs = stores(fkeras), stores(keras)
    assert ours == theirs
    assert "blocks/container/dense_1/vars/0" in ours and "head/vars/0" in ours


def test_a_layer_that_is_met_twice_has_one_store():
    shared = layers.Dense(3)
    x = fkeras.Input((3,))
    model = fkeras.Model(x, shared(shared(x)))
    assert list(owners_by_path(model)) == ["", "layers/input_layer", "layers/dense"]


def test_the_optimizer_can_be_left_out():
    model = dense(compiled=True)
    assert "optimizer" in record_stores(model)
    assert "optimizer" not in record_stores(model, include_optimizer=False)


class Vocabulary(layers.Layer):
    words = ("first",)

    def save_assets(self, folder):
        with open(f"{folder}/words.txt", "w") as file:
            file.write("\n".join(self.words))

    def load_assets(self, folder):
        with open(f"{folder}/words.txt") as file:
            self.words = tuple(file.read().split("\n"))


def test_layers_may_have_files_of_their_own():
    first, second = Vocabulary(), Vocabulary()
    second.words = ("größer", "kleiner")
    model = fkeras.Sequential([fkeras.Input((3,)), first, second])
    assets = record_assets(model)
    assert list(assets) == ["layers/vocabulary/words.txt", "layers/vocabulary_1/words.txt"]
    second.words = ()
    restore_assets(model, assets)
    assert second.words == ("größer", "kleiner")


@pytest.mark.parametrize("name", ["../words.txt", "/words.txt", "a\\..\\b", "C:x"])
def test_files_stay_in_their_folder(name):
    model = fkeras.Sequential([fkeras.Input((3,)), Vocabulary()])
    with pytest.raises(ValueError, match="Cache entry|folder"):
        restore_assets(model, {name: b"x"})
