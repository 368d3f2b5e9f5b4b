import jax
import numpy as np
import pytest

from fkeras import layers, ops
from fkeras.errors import UserInputError


def _images(count=4):
    return np.random.default_rng(0).uniform(0, 255, (count, 20, 24, 3)).astype("float32")


def test_it_moves_pixels_by_a_blurred_field():
    # A ramp along each axis shows where its pixels come from.
    ramp = np.stack(np.meshgrid(np.arange(40.0), np.arange(40.0)), axis=-1)[None]
    layer = layers.RandomElasticTransform(factor=(1, 1), scale=(1, 1), fill_mode="nearest")
    drawn = layer.get_random_transformation(ramp)
    shifts = np.asarray(layer.transform_images(ramp, drawn) - ramp)[0]
    deviation = 0.05 * 40
    noise = deviation * jax.random.normal(
        jax.random.wrap_key_data(drawn["seed"][0], impl="threefry2x32"), (2, 40, 40)
    )
    window = int(6 * deviation) | 1
    blurred = ops.image.gaussian_blur(
        np.moveaxis(np.asarray(noise), 0, -1)[None], (window, window), (deviation, deviation)
    )
    expected = 0.1 * 40 * np.asarray(blurred)[0]
    inside = np.s_[10:30, 10:30]  # the ramp ends at the edges
    np.testing.assert_allclose(shifts[inside], expected[inside], atol=1e-2)
    assert 0.3 < np.abs(expected).max() < 10


def test_masks_are_bent_as_their_images():
    images = np.round(_images())
    layer = layers.RandomElasticTransform((1, 1), (1, 1), interpolation="nearest", seed=1)
    changed = layer({"images": images, "segmentation_masks": images.astype("int32")})
    assert not np.array_equal(changed["images"], images)
    np.testing.assert_array_equal(changed["images"], changed["segmentation_masks"])


def test_images_are_bent_with_the_given_probability():
    images = np.tile(_images(1), (200, 1, 1, 1))
    bent = layers.RandomElasticTransform(factor=(0.25, 0.25), scale=(0.5, 1), seed=0)(images)
    share = np.mean((np.asarray(bent) != images).any(axis=(1, 2, 3)))
    assert 0.15 < share < 0.35


@pytest.mark.parametrize("options", [{"factor": 0}, {"scale": 0}], ids=str)
def test_nothing_is_bent_where_nothing_can_be(options):
    images = _images()
    np.testing.assert_array_equal(layers.RandomElasticTransform(**options)(images), images)


def test_values_stay_in_their_range():
    layer = layers.RandomElasticTransform(
        value_range=(0, 1), fill_mode="constant", fill_value=-5.0, seed=1
    )
    bent = layer(_images() / 255)
    assert bent.min() >= 0


def test_boxes_are_refused():
    layer = layers.RandomElasticTransform(bounding_box_format="xyxy", name="it")
    boxes = {"boxes": np.ones((4, 1, 4)), "labels": np.ones((4, 1))}
    with pytest.raises(UserInputError, match="'it'.*boxes cannot follow"):
        layer({"images": _images(), "bounding_boxes": boxes})


def test_channels_first_bends_alike():
    images = _images()
    last = layers.RandomElasticTransform(seed=1)(images)
    first = layers.RandomElasticTransform(seed=1, data_format="channels_first")(
        np.moveaxis(images, -1, 1)
    )
    np.testing.assert_allclose(np.moveaxis(np.asarray(first), 1, -1), last, atol=1e-4)
