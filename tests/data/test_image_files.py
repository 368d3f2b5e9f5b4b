"""Image files and arrays, against Keras's functions on the same files."""

import io
import pathlib
import sys

import numpy as np
import pytest
from PIL import Image

import fkeras
from fkeras.errors import UserInputError, UserTypeError

utils = fkeras.utils
RANDOM = np.random.default_rng(2)


@pytest.mark.filterwarnings("ignore:'mode' parameter:DeprecationWarning")
@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("options", [{}, {"scale": False}, {"dtype": "float64"}])
@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
def test_images_of_arrays(keras, channels, options, data_format):
    shape = (5, 4, channels) if data_format == "channels_last" else (channels, 5, 4)
    x = RANDOM.uniform(0, 255, shape)
    ours = utils.array_to_img(x, data_format, **options)
    theirs = keras.utils.array_to_img(x, data_format, **options)
    assert ours.mode == theirs.mode and ours.size == theirs.size == (4, 5)
    np.testing.assert_array_equal(np.asarray(ours), np.asarray(theirs))


def test_arrays_of_few_and_of_large_values():
    assert np.asarray(utils.array_to_img(np.full((2, 2, 1), 7.0))).tolist() == [[0, 0], [0, 0]]
    deep = utils.array_to_img(np.array([[[0], [70000]]]), scale=False)
    assert deep.mode == "I" and np.asarray(deep).tolist() == [[0, 70000]]
    whole = utils.array_to_img(np.array([[[0], [3]]]), dtype="int32")
    assert np.asarray(whole).tolist() == [[0, 255]]


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA", "I", "I;16"])
@pytest.mark.parametrize("data_format", ["channels_last", "channels_first", None])
@pytest.mark.parametrize("dtype", [None, "uint8"])
def test_arrays_of_images(keras, mode, data_format, dtype):
    image = Image.new(mode, (4, 5), 7 if mode[0] in "LI" else "red")
    ours = utils.img_to_array(image, data_format, dtype)
    theirs = keras.utils.img_to_array(image, data_format, dtype)
    assert ours.dtype == theirs.dtype and ours.flags.writeable
    np.testing.assert_array_equal(ours, theirs)


def test_arrays_are_taken_as_images():
    assert utils.img_to_array(np.ones((3, 2))).shape == (3, 2, 1)
    with pytest.raises(UserInputError, match="Unsupported image shape"):
        utils.img_to_array(np.ones(3))


@pytest.fixture(scope="module")
def picture(tmp_path_factory):
    path = tmp_path_factory.mktemp("pictures") / "picture.png"
    Image.fromarray(RANDOM.integers(0, 256, (11, 17, 4)).astype("uint8")).save(path)
    return path


@pytest.mark.parametrize("color_mode", ["rgb", "rgba", "grayscale"])
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"target_size": (11, 17)},
        {"target_size": (6, 20)},
        {"target_size": (6, 20), "interpolation": "bilinear", "keep_aspect_ratio": True},
        {"target_size": (20, 6), "interpolation": "lanczos", "keep_aspect_ratio": True},
        *({"target_size": (5, 5), "interpolation": i} for i in ("bicubic", "hamming", "box")),
    ],
    ids=str,
)
def test_files_are_read_as_by_keras(keras, picture, color_mode, options):
    ours = utils.load_img(picture, color_mode, **options)
    theirs = keras.utils.load_img(picture, color_mode, **options)
    assert ours.mode == theirs.mode
    np.testing.assert_array_equal(np.asarray(ours), np.asarray(theirs))


@pytest.mark.parametrize(
    "source", [str, pathlib.Path, lambda p: str(p).encode(), lambda p: io.BytesIO(p.read_bytes())]
)
def test_where_images_are_read_from(picture, source):
    assert utils.load_img(source(picture)).size == (17, 11)


def test_deep_grey_stays_deep(tmp_path):
    Image.fromarray(np.array([[300, 7]], np.int32)).save(tmp_path / "deep.tiff")
    image = utils.load_img(tmp_path / "deep.tiff", color_mode="grayscale")
    assert utils.img_to_array(image)[0, :, 0].tolist() == [300.0, 7.0]


@pytest.mark.parametrize(
    "name, file_format, kind",
    [
        ("a.png", None, "PNG"),
        ("a.JPG", None, "JPEG"),
        ("a.jpeg", None, "JPEG"),
        ("a.tif", None, "TIFF"),
        ("a.bmp", "png", "PNG"),
        ("a", "jpg", "JPEG"),
    ],
)
def test_files_are_written_in_the_format_of_their_name(tmp_path, name, file_format, kind):
    x = RANDOM.uniform(size=(6, 5, 3))
    utils.save_img(tmp_path / name, x, file_format=file_format)
    with Image.open(tmp_path / name) as image:
        assert image.format == kind and image.size == (5, 6)


def test_files_without_loss_keep_values_and_jpeg_drops_transparency(tmp_path):
    x = RANDOM.integers(0, 256, (4, 6, 5)).astype("float32")
    file = io.BytesIO()
    utils.save_img(file, x, "channels_first", "png", scale=False)
    file.seek(0)
    read = utils.img_to_array(utils.load_img(file, "rgba"), "channels_first")
    np.testing.assert_array_equal(read, x)
    with pytest.warns(UserWarning, match="RGBA"):
        utils.save_img(tmp_path / "a.jpg", x, "channels_first", quality=90)
    with Image.open(tmp_path / "a.jpg") as image:
        assert image.mode == "RGB"


@pytest.mark.parametrize(
    "call, error, said",
    [
        (lambda p: utils.array_to_img(np.ones((2, 3))), UserInputError, "rank 3"),
        (lambda p: utils.array_to_img(np.ones((2, 3, 2))), UserInputError, "channel number: 2"),
        (lambda p: utils.array_to_img(np.ones((2, 3, 3)), "last"), UserInputError, "data_format"),
        (lambda p: utils.load_img(p, "rgbx"), UserInputError, "color_mode must be"),
        (lambda p: utils.load_img(p, target_size=(2, 2), interpolation="cubic"), None, "'bicubic'"),
        (lambda p: utils.load_img(3), UserTypeError, "path should be path-like"),
    ],
)
def test_wrong_arguments(picture, call, error, said):
    with pytest.raises(error or UserInputError, match=said):
        call(picture)


@pytest.mark.parametrize("function", ["load_img", "array_to_img", "save_img"])
def test_without_pillow_the_extra_is_named(monkeypatch, function):
    monkeypatch.setitem(sys.modules, "PIL", None)
    arguments = ("a.png", np.ones((2, 2, 1))) if function == "save_img" else (np.ones((2, 2, 1)),)
    with pytest.raises(ImportError, match=f"{function} needs Pillow: .*fkeras.data."):
        getattr(utils, function)(*arguments)
