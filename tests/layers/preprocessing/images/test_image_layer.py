"""What all layers for images have in common, seen on `RandomFlip`."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import fkeras
from fkeras import layers
from fkeras.data import Dataset
from fkeras.errors import UserInputError
from fkeras.layers.preprocessing.images.image_layer import RandomImageLayer


def _images(count=8, dtype="float32"):
    rng = np.random.default_rng(0)
    return rng.integers(0, 255, (count, 4, 3, 2)).astype(dtype)


def _layer(**options):
    return layers.RandomFlip("horizontal", **{"seed": 1, **options})


def _apply(layer, data, key=0):
    return layer.apply({"params": {}}, data, training=True, rngs=jax.random.key(key))[0]


def test_an_image_is_changed_alike_whatever_stands_behind_it():
    images, layer = _images(), _layer()
    whole = _apply(layer, images)
    np.testing.assert_array_equal(_apply(layer, images[:3]), whole[:3])
    np.testing.assert_array_equal(_apply(layer, images[0]), whole[0])
    is_flipped = [not np.array_equal(a, b) for a, b in zip(images, whole)]
    assert 0 < sum(is_flipped) < 8


def test_each_key_and_each_call_of_the_object_draws_anew():
    images, layer = _images(32), _layer()
    assert not np.array_equal(_apply(layer, images, 0), _apply(layer, images, 1))
    first, second = layer(images), layer(images)
    assert not np.array_equal(first, second)
    np.testing.assert_array_equal(_layer()(images), first)


def test_jit_draws_what_the_eager_call_draws():
    images, layer = _images(), _layer()
    compiled = jax.jit(lambda data: _apply(layer, data))
    np.testing.assert_array_equal(compiled(images), _apply(layer, images))


def test_in_inference_images_rest():
    images = _images(dtype="uint8")
    resting = _layer()(images, training=False)
    np.testing.assert_array_equal(resting, images)
    assert resting.dtype == "float32"


@pytest.mark.parametrize("dtype", ["uint8", "float16", "mixed_bfloat16"])
def test_images_come_out_in_the_compute_dtype(dtype):
    layer = _layer(dtype=dtype)
    assert layer(_images()).dtype == layer.compute_dtype
    assert layer(_images(dtype="uint8")).dtype == layer.compute_dtype


def _sample(count=2):
    return {
        "images": _images(count),
        "labels": np.arange(count),
        "bounding_boxes": {
            "boxes": np.array([[[0.0, 0, 1, 2], [1, 1, 3, 4]]] * count),
            "labels": np.array([[1, 2]] * count),
        },
        "segmentation_masks": np.arange(count * 12).reshape(count, 4, 3, 1).astype("int16"),
    }


def test_what_belongs_to_an_image_goes_along():
    sample, layer = _sample(6), _layer(bounding_box_format="xyxy", dtype="mixed_bfloat16")
    before = jax.tree.map(np.array, sample)
    changed = _apply(layer, sample)
    jax.tree.map(np.testing.assert_array_equal, sample, before)  # the user's dict is the user's
    np.testing.assert_array_equal(changed["labels"], sample["labels"])
    assert changed["segmentation_masks"].dtype == "int16"
    assert changed["bounding_boxes"]["boxes"].dtype == "float32"
    for i in range(6):
        one = jax.tree.map(lambda leaf, i=i: leaf[i], changed)
        is_flipped = not np.array_equal(one["images"], sample["images"][i])
        flip = slice(None, None, -1 if is_flipped else 1)
        np.testing.assert_array_equal(one["images"], sample["images"][i][:, flip])
        np.testing.assert_array_equal(
            one["segmentation_masks"], sample["segmentation_masks"][i][:, flip]
        )
        boxes = [[2, 0, 3, 2], [0, 1, 2, 4]] if is_flipped else [[0, 0, 1, 2], [1, 1, 3, 4]]
        np.testing.assert_array_equal(one["bounding_boxes"]["boxes"], boxes)
        np.testing.assert_array_equal(one["bounding_boxes"]["labels"], [1, 2])


def test_a_single_image_takes_its_boxes_and_mask_along():
    sample = jax.tree.map(lambda leaf: leaf[0], _sample())
    layer = _layer(bounding_box_format="rel_xyxy")
    changed = layer(sample)
    assert jax.tree.map(jnp.shape, changed) == jax.tree.map(jnp.shape, sample)


def test_lists_of_boxes_are_filled_up():
    layer = _layer(bounding_box_format="xyxy")
    boxes = {
        "boxes": [[[0, 0, 1, 1]], [], [[1, 1, 2, 2], [0, 0, 3, 4]]],
        "labels": [[5], [], [6, 7]],
    }
    rested = layer({"images": _images(3), "bounding_boxes": boxes}, training=False)
    assert rested["bounding_boxes"]["boxes"].shape == (3, 2, 4)
    np.testing.assert_array_equal(rested["bounding_boxes"]["labels"], [[5, -1], [-1, -1], [6, 7]])


def test_graphs_of_dicts_know_their_shapes_and_compute():
    sample = {name: _sample()[name] for name in ("images", "labels")}
    inputs = {"images": fkeras.Input((None, None, 2)), "labels": fkeras.Input((), dtype="int32")}
    outputs = _layer()(inputs)
    assert outputs["images"].shape == (None, None, None, 2)
    assert (outputs["labels"].shape, outputs["labels"].dtype) == ((None,), "int32")
    model = fkeras.Model(inputs, outputs)
    np.testing.assert_array_equal(model(sample, training=False)["images"], sample["images"])


def test_a_model_trains_behind_it_and_rests_in_predict():
    model = fkeras.Sequential([_layer(), layers.Flatten(), layers.Dense(1, use_bias=False)])
    model.compile("sgd", "mse")
    images = _images() / 255
    model.fit(images, np.ones(8), verbose=0)
    kernel = model.layers[-1].kernel
    expected = images.reshape(8, -1) @ np.asarray(kernel)
    np.testing.assert_allclose(model.predict(images, verbose=0), expected, rtol=1e-5)


@pytest.mark.parametrize("seed", [1, None])
def test_datasets_draw_alike_whichever_thread_computes(seed):
    fkeras.utils.set_random_seed(0)
    layer = _layer(seed=seed)
    images = np.tile(_images(1), (60, 1, 1, 1))

    def passes(parallel):
        dataset = Dataset.from_tensor_slices(images).map(layer, num_parallel_calls=parallel)
        return [np.stack([image.numpy() for image in dataset]) for _ in range(2)]

    first, second = passes(None)
    assert 10 < np.sum((first != images).any(axis=(1, 2, 3))) < 50
    assert not np.array_equal(first, second)  # each pass draws anew
    for alike in passes(4), passes(None):
        np.testing.assert_array_equal(alike, [first, second])


def test_datasets_that_go_on_draw_on():
    dataset = Dataset.from_tensor_slices(_images()).map(_layer()).repeat()
    iterator = iter(dataset)
    elements = [next(iterator).numpy() for _ in range(11)]
    state = iterator.get_state()
    later = [next(iterator).numpy() for _ in range(9)]
    again = iter(dataset)
    again.set_state(state)
    np.testing.assert_array_equal([next(again).numpy() for _ in range(9)], later)
    assert not np.array_equal(elements[:8], [*elements[8:], *later[:5]])


def test_configs_hold_the_format_of_boxes_where_there_is_one():
    layer = _layer(bounding_box_format="xywh", data_format="channels_first")
    config = layer.get_config()
    assert {"seed": 1, "bounding_box_format": "xywh", "data_format": "channels_first"}.items() <= (
        config.items()
    )
    assert "bounding_box_format" not in _layer().get_config()
    assert layers.RandomFlip.from_config(config).get_config() == config


class Brighter(RandomImageLayer):
    def draw(self, key, height, width):
        return {"amount": jax.random.uniform(key, (1, 1, 1))}

    def change_images(self, images, transformation):
        return images + transformation["amount"]


def test_a_subclass_is_its_draw_and_its_change():
    sample = _sample()
    changed = _apply(Brighter(bounding_box_format="xyxy"), sample)
    amounts = np.asarray(changed["images"] - sample["images"])
    assert (np.ptp(amounts, axis=(1, 2, 3)) < 1e-4).all() and np.ptp(amounts) > 1e-2
    for name in ("labels", "bounding_boxes", "segmentation_masks"):
        jax.tree.map(np.testing.assert_array_equal, changed[name], sample[name])


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (np.ones((4, 3)), "rank 3 or 4.*images\\[\\.\\.\\., None\\]"),
        (np.ones((1, 2, 4, 3, 2)), "rank 3"),
        ({"image": _images()}, "under 'images'.*\\['image'\\]"),
        (
            {"images": _images(), "segmentation_masks": np.ones((8, 4, 3))},
            "masks\\[\\.\\.\\., None",
        ),
        ({"images": _images(), "bounding_boxes": [1]}, "'boxes' and 'labels'"),
        (
            {"images": _images(), "bounding_boxes": {"boxes": np.ones((8, 4, 5)), "labels": []}},
            "\\(batch, boxes, 4\\)",
        ),
        (
            {"images": _images(), "bounding_boxes": {"boxes": np.ones((8, 1, 4)), "labels": 1}},
            "rank 2 or 3",
        ),
    ],
    ids=["gray", "rank 5", "key", "mask", "no dict", "no boxes", "labels"],
)
def test_what_is_no_sample_is_refused(data, message):
    with pytest.raises(UserInputError, match=f"'it' .*RandomFlip.*{message}"):
        _layer(bounding_box_format="xyxy", name="it")(data)


def test_boxes_without_a_format_are_refused():
    with pytest.raises(UserInputError, match="bounding_box_format='xyxy'"):
        _layer()(_sample())
    with pytest.raises(UserInputError, match="Unknown format of boxes"):
        _layer(bounding_box_format="xyz")
