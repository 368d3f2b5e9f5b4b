"""`RandAugment` and `AugMix` are what their layers make of each image, one after the other."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from fkeras import layers
from fkeras.errors import UserInputError

rng = np.random.default_rng(0)
IMAGES = rng.integers(0, 256, (6, 8, 7, 3)).astype("float32")
MASKS = rng.integers(0, 4, (6, 8, 7, 1)).astype("uint8")
STATELESS = {"params": {}, "state": {}}
POLICIES = {"RandAugment": {"num_ops": 2}, "AugMix": {"num_chains": 2, "chain_depth": 2}}


def make(name, **options):
    return getattr(layers, name)(**{**POLICIES[name], **options})


def applied(layer, data, seed=0):
    return layer.apply(STATELESS, data, training=True, rngs=jax.random.key(seed))[0]


def through(layer, images, choice, drawn, method="transform_images"):
    """A batch of one through the layer that was chosen for it."""
    names = layer._names
    if choice == len(names):
        return images
    return getattr(getattr(layer, names[choice]), method)(images, drawn.get(names[choice]))


def of_row(drawn, *place):
    """What was drawn for one image in one round, as a batch of one."""
    return jax.tree.map(lambda value: value[place][None], drawn)


def test_rand_augment_is_its_layers_one_after_the_other():
    layer = make("RandAugment", num_ops=3, factor=0.5)
    drawn = layer.get_random_transformation(IMAGES, seed=1)
    changed = layer.transform_images(IMAGES, drawn)
    masks = layer.transform_segmentation_masks(MASKS, drawn)
    for i in range(len(IMAGES)):
        image, mask = IMAGES[i : i + 1], MASKS[i : i + 1]
        for op in range(3):
            choice, one = int(drawn["layer_idxes"][i, op]), of_row(drawn["transforms"], i, op)
            image = through(layer, image, choice, one)
            mask = through(layer, mask, choice, one, "transform_segmentation_masks")
        np.testing.assert_allclose(changed[i], image[0], atol=1e-3)
        np.testing.assert_array_equal(masks[i], mask[0])
    assert masks.dtype == np.uint8


def test_every_layer_is_chosen():
    layer = make("RandAugment", num_ops=1)
    drawn = layer.get_random_transformation(np.zeros((300, 4, 4, 3)), seed=0)
    assert set(drawn["layer_idxes"].ravel().tolist()) == set(range(11))
    layer = make("AugMix", all_ops=False)
    drawn = layer.get_random_transformation(np.zeros((300, 4, 4, 3)), seed=0)
    assert set(drawn["layer_idxes"].ravel().tolist()) == set(range(8))  # 7: none
    np.testing.assert_allclose(drawn["chain_mixing_weights"].sum(-1), 1, atol=1e-5)


def test_aug_mix_is_a_mixture_of_chains():
    layer = make("AugMix", factor=0.4)
    drawn = layer.get_random_transformation(IMAGES, seed=1)
    changed = layer.transform_images(IMAGES, drawn)
    for i in range(len(IMAGES)):
        mixture = 0
        for chain in range(2):
            image = IMAGES[i : i + 1]
            for depth in range(2):
                choice = int(drawn["layer_idxes"][i, chain, depth])
                image = through(layer, image, choice, of_row(drawn["transforms"], i, chain, depth))
            mixture = mixture + drawn["chain_mixing_weights"][i, chain] * image[0]
        weight = drawn["weight_sample"][i]
        expected = np.clip(weight * IMAGES[i] + (1 - weight) * mixture, 0, 255)
        np.testing.assert_allclose(changed[i], expected, atol=1e-3)


def test_boxes_follow_the_pixels():
    layer = make("RandAugment", num_ops=1, bounding_box_format="xyxy")
    boxes = {"boxes": np.tile([[[2.0, 3, 6, 7]]], (6, 1, 1)), "labels": np.ones((6, 1))}
    drawn = layer.get_random_transformation(IMAGES, seed=2)
    changed = layer.transform_bounding_boxes(boxes, drawn)["boxes"]
    for i, choice in enumerate(drawn["layer_idxes"][:, 0].tolist()):
        expected = boxes["boxes"][i]
        if choice < 3:  # shear, translation, rotation
            part = getattr(layer, layer._names[choice])
            moving = type(part)(**{**part.get_config(), "bounding_box_format": "xyxy"})
            one = of_row(drawn["transforms"], i, 0)[layer._names[choice]]
            of_one = {key: value[i : i + 1] for key, value in boxes.items()}
            expected = moving.transform_bounding_boxes(
                of_one, {**one, "input_shape": IMAGES.shape}
            )["boxes"][0]
        np.testing.assert_allclose(changed[i], expected, atol=1e-4)


@pytest.mark.parametrize("name", POLICIES)
def test_policies_see_each_image_by_itself(name):
    layer = make(name)
    small, large = applied(layer, IMAGES[:2]), applied(layer, IMAGES)
    np.testing.assert_allclose(small, large[:2], atol=1e-3)
    assert not np.allclose(large, applied(layer, IMAGES, seed=1), atol=1)
    assert large.shape == IMAGES.shape and large.min() >= 0 and large.max() <= 255.01


@pytest.mark.parametrize("name", POLICIES)
def test_policies_trace_and_rest_in_inference(name):
    layer = make(name)
    traced = jax.jit(lambda images: applied(layer, images))(IMAGES)
    np.testing.assert_allclose(traced, applied(layer, IMAGES), atol=1e-3)
    np.testing.assert_array_equal(layer(IMAGES, training=False), IMAGES)


@pytest.mark.parametrize("name", POLICIES)
def test_policies_take_channels_first_bytes_and_gray(name):
    layer = make(name, data_format="channels_first")
    first = applied(layer, np.moveaxis(IMAGES, -1, 1).astype("uint8"))
    np.testing.assert_allclose(np.moveaxis(first, 1, -1), applied(make(name), IMAGES), atol=1e-3)
    assert applied(make(name), IMAGES[..., :1]).shape == (6, 8, 7, 1)
    assert applied(make(name, dtype="uint8"), IMAGES.astype("uint8")).dtype == jnp.uint8


@pytest.mark.parametrize("name", POLICIES)
def test_configs_of_policies_are_those_of_keras(keras, name):
    options = {"seed": 3, "factor": 0.4, "name": "a"}
    theirs = getattr(keras.layers, name)(**options).get_config()
    ours = getattr(layers, name)(**options).get_config()
    assert {key: ours[key] for key in theirs if key != "dtype"} == {
        key: value for key, value in theirs.items() if key != "dtype"
    }
    assert getattr(layers, name).from_config(ours).get_config() == ours


def test_no_layers_change_nothing():
    np.testing.assert_array_equal(applied(make("RandAugment", num_ops=0), IMAGES), IMAGES)


BAD = [
    ("RandAugment", {"num_ops": -1}, "`num_ops`"),
    ("RandAugment", {"factor": 2}, "`factor`"),
    ("AugMix", {"num_chains": 0}, "`num_chains`"),
    ("AugMix", {"alpha": 0}, "`alpha`"),
]


@pytest.mark.parametrize("name, options, words", BAD)
def test_wrong_arguments_of_policies_are_told(name, options, words):
    with pytest.raises(UserInputError, match=words):
        make(name, **options)
