import numpy as np
import pytest
from PIL import Image

import fkeras
from fkeras.data import Dataset
from fkeras.errors import UserInputError

images_of = fkeras.utils.image_dataset_from_directory
RAMP = np.arange(6 * 8 * 3, dtype=np.uint8).reshape(6, 8, 3)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    root = tmp_path_factory.mktemp("images")
    (root / "kind").mkdir()
    Image.fromarray(RAMP).save(root / "kind" / "a.png")
    Image.fromarray(RAMP).save(root / "kind" / "b.bmp")
    Image.fromarray(np.full((6, 8), 90, np.uint8)).save(root / "kind" / "c.gif")
    Image.fromarray(np.full((6, 8), 90 * 257, np.uint16)).save(root / "kind" / "d.png")
    Image.fromarray(np.full((6, 8, 4), 120, np.uint8), "RGBA").save(root / "kind" / "e.png")
    Image.fromarray(np.full((6, 8, 3), 130, np.uint8)).save(root / "kind" / "f.jpg", quality=100)
    return root


def batch_of(folder, **options):
    options = {"image_size": (6, 8), "labels": None, "shuffle": False, "verbose": False, **options}
    return next(images_of(folder, **options).as_numpy_iterator())


MODES = [("rgb", 3), ("grayscale", 1), ("rgba", 4)]


@pytest.mark.parametrize("mode, channels", MODES)
def test_files_of_all_kinds(folder, mode, channels):
    batch = batch_of(folder, color_mode=mode)
    assert batch.shape == (6, 6, 8, channels) and batch.dtype == np.float32
    for image, level in zip(batch[2:], (90, 90, 120, 130)):
        np.testing.assert_allclose(image[..., 0], level, atol=1)
    if mode == "rgb":
        np.testing.assert_array_equal(batch[:2], [RAMP, RAMP])
    if mode == "rgba":
        assert batch[4, ..., 3].max() == 120 and batch[0, ..., 3].min() == 255


def test_channels_first_and_one_number_for_both_sides(folder):
    batch = batch_of(folder, data_format="channels_first", image_size=4)
    assert batch.shape == (6, 3, 4, 4)


def test_proportions(folder):
    cropped = batch_of(folder, crop_to_aspect_ratio=True, image_size=(6, 6))[0]
    np.testing.assert_array_equal(cropped, RAMP[:, 1:7])
    with pytest.warns(UserWarning, match="`smart_resize` is called `crop_to_aspect_ratio` today"):
        formerly = batch_of(folder, smart_resize=True, image_size=(6, 6))[0]
    np.testing.assert_array_equal(formerly, cropped)
    with pytest.raises(TypeError, match=r"unrecognized keyword arguments: \['smart'\]"):
        images_of(folder, smart=True)
    padded = batch_of(folder, pad_to_aspect_ratio=True, image_size=(8, 8))[0]
    np.testing.assert_array_equal(padded[1:7], RAMP)
    assert not padded[[0, 7]].any()


def test_labels_names_and_training(folder):
    dataset = images_of(folder, image_size=(2, 2), batch_size=3, seed=1, verbose=False)
    assert isinstance(dataset, Dataset) and len(dataset) == 2 and len(dataset.file_paths) == 6
    flat = dataset.map(lambda x, y: (x.reshape(len(x), -1) / 255, y))
    model = fkeras.Sequential([fkeras.layers.Dense(1)])
    model.compile("sgd", "mse")
    assert np.isfinite(model.fit(flat, verbose=0).history["loss"][0])


ERRORS = [
    ({"color_mode": "cmyk"}, "`color_mode` must be one of"),
    ({"image_size": (1, 2, 3)}, "Invalid `image_size`"),
    ({"interpolation": "bilinaer"}, "`interpolation` should be.*Did you mean 'bilinear'"),
    ({"crop_to_aspect_ratio": True, "pad_to_aspect_ratio": True}, "Only one of"),
]


@pytest.mark.parametrize("options, message", ERRORS)
def test_errors(folder, options, message):
    with pytest.raises(UserInputError, match=message):
        images_of(folder, verbose=False, **options)


def test_a_broken_file_is_named(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "broken.png").write_bytes(b"nothing")
    with pytest.raises(UserInputError, match="broken.png' cannot be read"):
        list(images_of(tmp_path, verbose=False))
