"""Layers that change colours, and those that mix images: the same draws give Keras's numbers."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import fkeras
from fkeras import layers
from fkeras.errors import UserInputError

rng = np.random.default_rng(0)
IMAGES = rng.integers(0, 256, (3, 9, 7, 3)).astype("float32")
IMAGES[0, ..., 0] = 7  # a channel of one value
EACH = np.array([0.2, 0.9, 1.7], "float32")
EACH_4D = EACH.reshape(3, 1, 1, 1)
SOME = np.array([True, False, True])
MIXING = {"mix_weight": EACH / 2, "permutation_order": np.array([2, 0, 1])}
BLUR = {"should_apply_blur": SOME, "blur_factor": np.array([0.7, 1.3], "float32")}
ERASING = {"apply_erasing": SOME, "batch_masks": IMAGES[..., :1] > 100, "fill_value": 9.0}
CLAHE = "ContrastLimitedAdaptiveHistogramEqualization"

# class, options, what was drawn
ROWS = [
    ("RandomBrightness", {"factor": 0.5}, {"rgb_delta": EACH_4D * 50 - 60}),
    ("RandomContrast", {"factor": 0.5}, {"contrast_factor": EACH_4D}),
    ("RandomHue", {"factor": 0.5}, {"factor": EACH / 2 - 0.4}),
    ("RandomSaturation", {"factor": 0.5}, {"factor": EACH / 2}),
    ("RandomColorDegeneration", {"factor": 0.5}, {"factor": EACH_4D}),
    ("RandomSharpness", {"factor": 0.5}, {"factor": EACH}),
    ("RandomPosterization", {"factor": 4}, {"shift_factor": np.array([0, 3, 7], "uint8")}),
    ("RandomInvert", {}, {"apply_inversion": SOME}),
    ("RandomErasing", {}, ERASING),
    ("RandomGaussianBlur", {"kernel_size": (5, 3)}, BLUR),
    ("Solarization", {}, {"additions": EACH_4D * 40, "thresholds": EACH_4D * 90}),
    ("AutoContrast", {}, None),
    (CLAHE, {"tile_grid_size": (2, 3)}, None),
    (CLAHE, {"tile_grid_size": (4, 2), "clip_limit": 0}, None),
    ("MixUp", {}, MIXING),
    ("CutMix", {}, {**MIXING, "batch_masks": IMAGES[..., :1] > 100}),
]
IDS = [f"{name}-{i}" for i, (name, _, _) in enumerate(ROWS)]
# Layers that draw, with options.
RANDOM = {
    "RandomBrightness": {"factor": 0.5},
    "RandomContrast": {"factor": 0.5},
    "RandomHue": {"factor": 0.5},
    "RandomSaturation": {"factor": (0.2, 0.8)},
    "RandomColorDegeneration": {"factor": 0.9},
    "RandomColorJitter": {
        "brightness_factor": 0.2,
        "contrast_factor": 0.3,
        "saturation_factor": (0.3, 0.7),
        "hue_factor": 0.2,
    },
    "RandomGrayscale": {},
    "RandomSharpness": {"factor": 0.9},
    "RandomPosterization": {"factor": 5},
    "RandomInvert": {},
    "RandomErasing": {},
    "RandomGaussianBlur": {},
    "Solarization": {"addition_factor": 0.3, "threshold_factor": 0.8},
}
MIXERS = {"MixUp": {}, "CutMix": {}}
STATELESS = {"params": {}, "state": {}}


def make(name, **options):
    return getattr(layers, name)(**{**RANDOM.get(name, {}), **options})


def applied(layer, data, seed=0):
    """The changed data, by a key of its own."""
    return layer.apply(STATELESS, data, training=True, rngs=jax.random.key(seed))[0]


def to_first(value):
    """Channels first, of arrays that have channels."""
    return np.moveaxis(value, -1, 1) if np.ndim(value) == 4 else value


@pytest.mark.parametrize("name, options, drawn", ROWS, ids=IDS)
@pytest.mark.parametrize("top", [255, 1])
def test_the_same_draws_give_the_numbers_of_keras(keras, name, options, drawn, top):
    if name not in MIXERS:
        options = {**options, "value_range": (0, top)}
    if name == "RandomSaturation":  # Keras clips saturations to the range of values
        options["value_range"] = (0, 1)
        top = 1
    images = IMAGES / 255 * top
    theirs = getattr(keras.layers, name)(**options).transform_images(jnp.asarray(images), drawn)
    ours = getattr(layers, name)(**options).transform_images(images, drawn)
    assert ours.dtype == theirs.dtype
    np.testing.assert_allclose(ours, theirs, atol=1e-6 * top, rtol=1e-5)


@pytest.mark.parametrize("name, options, drawn", ROWS, ids=IDS)
def test_channels_may_come_first(name, options, drawn):
    last = getattr(layers, name)(**options).transform_images(IMAGES, drawn)
    layer = getattr(layers, name)(**options, data_format="channels_first")
    first = layer.transform_images(
        to_first(IMAGES), drawn and {key: to_first(value) for key, value in drawn.items()}
    )
    np.testing.assert_allclose(np.moveaxis(first, 1, -1), last, atol=1e-4)


@pytest.mark.parametrize("name, options, drawn", ROWS, ids=IDS)
def test_bytes_are_taken_as_floats_are(name, options, drawn):
    layer = getattr(layers, name)(**options)
    changed = layer.transform_images(IMAGES.astype("uint8"), drawn)
    np.testing.assert_array_equal(changed, layer.transform_images(IMAGES, drawn))


@pytest.mark.parametrize("name", RANDOM)
def test_an_image_is_changed_alike_in_any_batch(name):
    layer = make(name)
    small, large = applied(layer, IMAGES[:2]), applied(layer, np.tile(IMAGES, (2, 1, 1, 1)))
    np.testing.assert_array_equal(small, large[:2])
    np.testing.assert_array_equal(small[0], applied(layer, IMAGES[0]))
    assert not np.array_equal(large, applied(layer, np.tile(IMAGES, (2, 1, 1, 1)), seed=1))


@pytest.mark.parametrize("name", {**RANDOM, **MIXERS})
def test_jit_gives_what_eager_gives(name):
    layer = make(name)
    traced = jax.jit(lambda images: applied(layer, images))(IMAGES)
    np.testing.assert_allclose(traced, applied(layer, IMAGES), atol=1e-3)


@pytest.mark.parametrize("name", {**RANDOM, **MIXERS})
def test_nothing_changes_in_inference(name):
    np.testing.assert_array_equal(make(name)(IMAGES, training=False), IMAGES)


@pytest.mark.parametrize("name", RANDOM)
def test_what_belongs_to_an_image_stays(name):
    data = {
        "images": IMAGES,
        "labels": np.eye(3, dtype="float32"),
        "segmentation_masks": np.ones((3, 9, 7, 1), "uint8"),
        "bounding_boxes": {"boxes": np.ones((3, 2, 4), "float32"), "labels": np.ones((3, 2))},
    }
    changed = applied(make(name, bounding_box_format="xyxy"), data)
    assert changed["segmentation_masks"].dtype == np.uint8
    for key in ("labels", "segmentation_masks", "bounding_boxes"):
        jax.tree.map(np.testing.assert_array_equal, changed[key], data[key])


@pytest.mark.parametrize("name", {**RANDOM, **MIXERS})
def test_values_stay_in_their_range(name):
    options = {} if name in {**MIXERS, "RandomGrayscale": {}} else {"value_range": (-1, 1)}
    changed = applied(make(name, **options), IMAGES / 127.5 - 1)
    assert changed.min() >= -1.0001 and changed.max() <= 1.0001


@pytest.mark.parametrize("name", [*RANDOM, *MIXERS, "AutoContrast", "Equalization", CLAHE])
def test_configs_are_those_of_keras(keras, name):
    options = {**RANDOM.get(name, {}), "name": "a"}
    if name not in ("AutoContrast", "Equalization", CLAHE):
        options["seed"] = 3
    theirs = getattr(keras.layers, name)(**options).get_config()
    layer = getattr(layers, name)(**options)
    ours = layer.get_config()
    for key in theirs.keys() - {"dtype"}:
        np.testing.assert_equal(_tuples(ours[key]), _tuples(theirs[key]), key)
    assert type(layer).from_config(ours).get_config() == ours


def _tuples(value):
    return tuple(value) if isinstance(value, list) else value


def test_contrast_is_drawn_around_one():
    layer = layers.RandomContrast((0.25, 0.5))
    drawn = layer.get_random_transformation(np.zeros((500, 2, 2, 1)), seed=0)["contrast_factor"]
    assert drawn.shape == (500, 1, 1, 1)
    assert 0.75 <= drawn.min() < 0.8 and 1.45 < drawn.max() <= 1.5


def test_solarization_draws_in_widths_of_the_range():
    layer = layers.Solarization(addition_factor=(0.2, 0.4), threshold_factor=(0.5, 0.5))
    drawn = layer.get_random_transformation(np.zeros((500, 2, 2, 1)), seed=0)
    assert 51 <= drawn["additions"].min() < 53 and 100 < drawn["additions"].max() <= 102
    np.testing.assert_allclose(drawn["thresholds"], 127.5)


def test_all_numbers_of_bits_are_kept():
    layer = layers.RandomPosterization((2, 4))
    drawn = layer.get_random_transformation(np.zeros((50, 2, 2, 1)), seed=0)
    assert set(np.asarray(drawn["shift_factor"]).tolist()) == {4, 5, 6}


@pytest.mark.parametrize("name", ["RandomInvert", "RandomErasing", "RandomGaussianBlur"])
def test_the_chance_is_drawn_from_the_factor(name):
    key = {"RandomErasing": "apply_erasing", "RandomGaussianBlur": "should_apply_blur"}
    layer = getattr(layers, name)(factor=(0.2, 0.4))
    drawn = layer.get_random_transformation(np.zeros((2000, 1, 1, 1)), seed=0)
    share = np.mean(drawn[key.get(name, "apply_inversion")])
    assert 0.26 < share < 0.34


def test_saturated_colors_stay_colors():
    strongest = layers.RandomSaturation((1.0, 1.0))(IMAGES, training=True)
    hsv = fkeras.ops.image.rgb_to_hsv(strongest / 255)
    is_colored = IMAGES.max(-1) > IMAGES.min(-1)
    np.testing.assert_allclose(hsv[..., 1][is_colored], 1.0, atol=1e-5)
    np.testing.assert_allclose(strongest.max(-1), IMAGES.max(-1))
    gray = layers.RandomSaturation((0.0, 0.0))(IMAGES, training=True)
    np.testing.assert_allclose(gray, np.repeat(IMAGES.max(-1, keepdims=True), 3, -1))


def test_two_half_turns_of_the_hue_give_the_image_back():
    layer = layers.RandomHue((1.0, 1.0))
    np.testing.assert_allclose(layer(layer(IMAGES)), IMAGES, atol=1e-3)


def test_jitter_is_its_parts_one_after_the_other():
    layer = make("RandomColorJitter")
    drawn = layer.get_random_transformation(IMAGES, seed=1)
    images = IMAGES
    for name in ("brightness", "contrast", "saturation", "hue"):
        images = getattr(layer, f"random_{name}").transform_images(images, drawn[name])
    np.testing.assert_array_equal(layer.transform_images(IMAGES, drawn), images)


@pytest.mark.parametrize("fill, expected", [(7, [7, 7, 7]), ([1, 300, 3], [1, 255, 3])])
@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
def test_rectangles_are_filled_with_a_color(fill, expected, data_format):
    layer = layers.RandomErasing((1, 1), fill_value=fill, data_format=data_format, seed=0)
    images = np.full((4, 20, 10, 3), 100.0)
    is_first = data_format == "channels_first"
    changed = layer(to_first(images) if is_first else images, training=True)
    changed = np.moveaxis(changed, 1, -1) if is_first else np.asarray(changed)
    is_erased = (changed != 100).any(-1)
    assert is_erased.any((1, 2)).all() and not is_erased.all((1, 2)).any()
    np.testing.assert_array_equal(changed[is_erased], np.tile(expected, (is_erased.sum(), 1)))
    for mask in is_erased:  # a rectangle is the product of its rows and columns
        np.testing.assert_array_equal(mask, mask.any(1)[:, None] & mask.any(0)[None])


def test_labels_and_boxes_are_mixed_as_images_are():
    layer = layers.MixUp(bounding_box_format="xyxy", seed=0)
    boxes = np.arange(24.0).reshape(3, 2, 4)
    of_boxes = {"boxes": boxes, "labels": np.arange(6).reshape(3, 2)}
    labels = layer.transform_labels(np.eye(3), MIXING)
    weights = MIXING["mix_weight"][:, None]
    np.testing.assert_allclose(labels, weights * np.eye(3) + (1 - weights) * np.eye(3)[[2, 0, 1]])
    mixed = layer.transform_bounding_boxes(of_boxes, MIXING)
    np.testing.assert_array_equal(mixed["boxes"], np.concatenate([boxes, boxes[[2, 0, 1]]], 1))
    np.testing.assert_array_equal(mixed["labels"], [[0, 1, 4, 5], [2, 3, 0, 1], [4, 5, 2, 3]])
    masks = layer.transform_segmentation_masks(IMAGES.astype("uint8"), MIXING)
    np.testing.assert_allclose(masks, layer.transform_images(IMAGES, MIXING), rtol=1e-6)


def test_masks_and_labels_follow_the_cut():
    images = np.arange(1.0, 9.0).reshape(8, 1, 1, 1) * np.ones((8, 40, 30, 3))
    masks = images[..., :1].astype("uint8")
    data = {"images": images, "labels": np.eye(8), "segmentation_masks": masks}
    mixed = applied(layers.CutMix(), data)
    np.testing.assert_array_equal(mixed["images"][..., :1], mixed["segmentation_masks"])
    shares = [(mixed["segmentation_masks"] == i + 1).mean((1, 2, 3)) for i in range(8)]
    np.testing.assert_allclose(mixed["labels"], np.stack(shares, 1), atol=1e-6)
    assert mixed["segmentation_masks"].dtype == np.uint8


@pytest.mark.parametrize("bins", [256, 100, 16])
@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
def test_each_channel_of_each_image_is_equalized(bins, data_format):
    expected = np.stack([equalized(image, bins) for image in IMAGES])
    is_first = data_format == "channels_first"
    layer = layers.Equalization(bins=bins, data_format=data_format)
    changed = layer(to_first(IMAGES) if is_first else IMAGES)
    np.testing.assert_array_equal(np.moveaxis(changed, 1, -1) if is_first else changed, expected)
    in_unit = layers.Equalization(value_range=(0, 1), bins=bins)(IMAGES / 255)
    np.testing.assert_allclose(in_unit * 255, expected, atol=1e-3)


def equalized(image, bins):
    """By the definition, in exact arithmetic."""
    result = image.copy()
    for channel in range(image.shape[-1]):
        places = image[..., channel].astype(int) * (bins - 1) // 255
        totals = np.cumsum(np.bincount(places.ravel(), minlength=bins))
        first = totals[totals > 0][0]
        if totals[-1] > first:
            table = np.round((totals - first) * 255 / (totals[-1] - first))
            result[..., channel] = table[places]
    return result


def test_equalization_agrees_with_keras(keras):
    # Image by image: Keras makes one histogram of a whole batch.
    for image in IMAGES:
        theirs = keras.layers.Equalization().transform_images(jnp.asarray(image), None)
        # Theirs is a rounded quotient of floats, ours is exact.
        assert np.abs(layers.Equalization()(image) - theirs).max() <= 1


def test_bytes_in_the_unit_range_keep_their_levels():
    levels = np.arange(256, dtype="float32").reshape(1, 16, 16, 1)
    in_unit = layers.RandomPosterization((8, 8), value_range=(0, 1))(levels / 255, training=True)
    np.testing.assert_allclose(in_unit * 255, levels, atol=1e-3)


def test_models_train_with_changed_images():
    model = fkeras.Sequential(
        [
            layers.Input((9, 7, 3)),
            layers.RandomColorJitter(brightness_factor=0.2, hue_factor=0.1, seed=0),
            layers.Equalization(),
            layers.Flatten(),
            layers.Dense(1),
        ]
    )
    model.compile("sgd", "mse")
    history = model.fit(IMAGES / 255, np.ones((3, 1)), verbose=0)
    assert np.isfinite(history.history["loss"]).all()


BAD = [
    ("RandomBrightness", {"factor": 1.1}, "`factor`"),
    ("RandomBrightness", {"factor": 0.1, "value_range": "wrong"}, "`value_range`"),
    ("RandomBrightness", {"factor": 0.1, "value_range": [10]}, "`value_range`"),
    ("RandomHue", {"factor": 0.1, "value_range": (1, 1)}, "`value_range`"),
    ("RandomContrast", {"factor": (0.5, 0.2)}, "upside down"),
    ("RandomGrayscale", {"factor": -0.1}, "`factor`"),
    ("RandomPosterization", {"factor": 9}, "`factor`"),
    ("RandomGaussianBlur", {"kernel_size": 4}, "odd"),
    ("RandomGaussianBlur", {"sigma": 2.0}, "`sigma`"),
    ("RandomErasing", {"fill_value": "red"}, "`fill_value`"),
    ("Solarization", {"threshold_factor": 2}, "`threshold_factor`"),
    ("Equalization", {"bins": 1}, "bins"),
    (CLAHE, {"tile_grid_size": 8}, "`tile_grid_size`"),
    ("MixUp", {"alpha": 0}, "`alpha`"),
    ("CutMix", {"factor": 2}, "`factor`"),
]


@pytest.mark.parametrize(
    "name, options, words", BAD, ids=[f"{b[0]}-{i}" for i, b in enumerate(BAD)]
)
def test_wrong_arguments_are_told(name, options, words):
    with pytest.raises(UserInputError, match=words):
        getattr(layers, name)(**options)


@pytest.mark.parametrize("name", ["MixUp", "CutMix"])
def test_classes_by_number_cannot_be_mixed(name):
    with pytest.raises(UserInputError, match="one_hot"):
        make(name)({"images": IMAGES, "labels": np.array([0, 1, 2])}, training=True)


def test_boxes_cannot_be_cut():
    boxes = {"boxes": np.ones((3, 1, 4)), "labels": np.ones((3, 1))}
    layer = layers.CutMix(bounding_box_format="xyxy")
    with pytest.raises(UserInputError, match="MixUp"):
        layer({"images": IMAGES, "bounding_boxes": boxes}, training=True)


def test_a_fill_value_has_a_number_for_each_channel():
    with pytest.raises(UserInputError, match="3 channels"):
        layers.RandomErasing(fill_value=[1, 2])(IMAGES, training=True)


@pytest.mark.parametrize("name", [*RANDOM, *MIXERS, "AutoContrast", "Equalization", CLAHE])
def test_no_dtype_or_rank_is_promoted_unasked(name):
    data = {"images": IMAGES[:2], "labels": np.eye(2, dtype="float32")}
    with jax.numpy_rank_promotion("raise"), jax.numpy_dtype_promotion("strict"):
        applied(make(name), data)


@pytest.mark.parametrize("name", [*RANDOM, *MIXERS, "AutoContrast", "Equalization", CLAHE])
def test_bytes_come_out_where_bytes_are_asked_for(name):
    in_bytes = applied(make(name, dtype="uint8"), IMAGES.astype("uint8"))
    assert in_bytes.dtype == np.uint8
    assert np.abs(applied(make(name), IMAGES) - in_bytes.astype("float32")).max() <= 0.51
