import jax
import jax.numpy as jnp
import numpy as np
import pytest

import fkeras
from fkeras import layers
from fkeras.data import Dataset
from fkeras.errors import UserInputError, UserTypeError


def _pipeline():
    return layers.Pipeline(
        [
            layers.Resizing(6, 6, bounding_box_format="xyxy"),
            layers.RandomFlip(seed=1, bounding_box_format="xyxy"),
            layers.RandomRotation(0.2, seed=2, bounding_box_format="xyxy"),
        ]
    )


def _images():
    return np.random.default_rng(0).integers(0, 255, (4, 8, 7, 3)).astype("float32")


def test_it_is_its_layers_one_after_the_other():
    pipeline, expected = _pipeline(), _images()
    for layer in _pipeline().layers:
        expected = layer(expected)
    np.testing.assert_array_equal(pipeline(_images()), expected)


def test_training_reaches_its_layers():
    pipeline = _pipeline()
    resized = layers.Resizing(6, 6)(_images())
    np.testing.assert_array_equal(pipeline(_images(), training=False), resized)
    assert not np.array_equal(pipeline(_images(), training=True), resized)


def test_dicts_pass_through():
    boxes = {"boxes": np.ones((4, 1, 4)), "labels": np.ones((4, 1), "int32")}
    changed = _pipeline()({"images": _images(), "bounding_boxes": boxes})
    assert changed["images"].shape == (4, 6, 6, 3)
    assert changed["bounding_boxes"]["boxes"].shape == (4, 1, 4)


def test_pure_calls_draw_by_their_key():
    pipeline = layers.Pipeline([layers.RandomFlip(), layers.RandomRotation(0.5)])
    variables = pipeline.init(jax.random.key(0), _images())

    @jax.jit
    def run(key):
        return pipeline.apply(variables, _images(), training=True, rngs=key)[0]

    np.testing.assert_array_equal(run(jax.random.key(1)), run(jax.random.key(1)))
    assert not np.array_equal(run(jax.random.key(1)), run(jax.random.key(2)))


def test_it_stands_in_models_and_in_datasets():
    model = fkeras.Sequential([_pipeline(), layers.Flatten(), layers.Dense(1)])
    model.compile("sgd", "mse")
    images = _images() / 255
    model.fit(images, np.ones(4), verbose=0)
    assert model.predict(images, verbose=0).shape == (4, 1)
    batches = list(Dataset.from_tensor_slices(images).batch(2).map(_pipeline()))
    assert [np.shape(batch) for batch in batches] == [(2, 6, 6, 3)] * 2


def test_masks_go_to_the_layers_that_take_them():
    seen = []

    class Sees(layers.Layer):
        def call(self, x, mask=None):
            seen.append(mask)
            return x

        def compute_mask(self, x, mask=None):
            return jnp.array([True])

    layers.Pipeline([Sees(), Sees()])(np.zeros(1), mask=np.array([False]))
    assert [mask.tolist() for mask in seen] == [[False], [True]]


def test_a_config_makes_it_again(keras):
    pipeline = _pipeline()
    config = pipeline.get_config()
    again = layers.Pipeline.from_config(config)
    assert again.get_config() == config
    np.testing.assert_array_equal(again(_images()), pipeline(_images()))
    theirs = keras.layers.Pipeline.from_config(config)
    assert [type(layer).__name__ for layer in theirs.layers] == [
        type(layer).__name__ for layer in pipeline.layers
    ]


@pytest.mark.parametrize("config", [{"name": "it"}, {"layers": None}], ids=str)
def test_configs_without_layers_are_refused(config):
    with pytest.raises(UserInputError, match="'layers'"):
        layers.Pipeline.from_config(config)


def test_what_is_no_layer_is_refused():
    with pytest.raises(UserTypeError, match="list of layers.*function"):
        layers.Pipeline([layers.RandomFlip(), lambda x: x])
