"""`ops.image` against Keras, row by row, and what Keras cannot vouch for."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from fkeras import ops
from fkeras.core import settings
from fkeras.core.symbolic.keras_tensor import KerasTensor
from fkeras.errors import UserInputError, UserTypeError

rng = np.random.default_rng(0)
FIRST, LAST = {"data_format": "channels_first"}, {"data_format": "channels_last"}


def uniform(*shape):
    return rng.uniform(0, 1, shape).astype("float32")


def bytes_(*shape):
    return rng.integers(0, 256, shape).astype("uint8")


IMAGES, IMAGE, VOLUMES = uniform(2, 9, 7, 3), uniform(3, 8, 9), uniform(2, 5, 6, 4, 2)
SHIFT = np.array([[1.1, 0.2, -1.5, -0.1, 0.9, 2.0, 0, 0], [1, 0, 0.5, 0, 1, 0, 0, 0]], "float32")
CORNERS = np.array([[0, 0], [6, 0], [0, 8], [6, 8]], "float32")
MOVED = CORNERS + np.array([[1, 0.5], [-1, 1], [0, -1], [0.5, -2]], "float32")
COORDINATES = rng.uniform(-2, 9, (3, 4, 5)).astype("float32")

ROWS = [
    ("rgb_to_grayscale", (IMAGES,), {}),
    ("rgb_to_grayscale", (uniform(3, 4, 5),), {"batch": (), **FIRST}),
    ("rgb_to_hsv", (IMAGES,), {}),
    ("rgb_to_hsv", (IMAGE,), {"batch": (), **FIRST}),
    ("hsv_to_rgb", (IMAGES,), {}),
    ("resize", (IMAGES, (4, 11)), {}),
    ("resize", (IMAGES, (4, 5), "bicubic", True), {}),
    ("resize", (IMAGES, (12, 5), "lanczos3"), {}),
    ("resize", (IMAGE, (5, 4), "nearest"), {"batch": (), **FIRST}),
    ("resize", (bytes_(2, 5, 6, 3), (7, 4)), {"grad": ()}),
    ("resize", (bytes_(5, 6, 3), (7, 4), "bicubic"), {"grad": (), "batch": ()}),
    ("resize", (IMAGES, (4, 8)), {"crop_to_aspect_ratio": True}),
    ("resize", (IMAGE, (8, 4)), {"crop_to_aspect_ratio": True, "batch": (), **FIRST}),
    ("resize", (IMAGES, (4, 8)), {"pad_to_aspect_ratio": True, "fill_value": 0.5}),
    ("resize", (IMAGE, (8, 4)), {"pad_to_aspect_ratio": True, "batch": (), **FIRST}),
    (
        "resize",
        (bytes_(4, 6, 3), (5, 5)),
        {"pad_to_aspect_ratio": True, "fill_value": 7, "grad": (), "batch": ()},
    ),
    (
        "scale_and_translate",
        (
            IMAGES,
            (2, 5, 6, 3),
            np.array([0.6, 0.8], "float32"),
            np.array([0.5, -1], "float32"),
            (1, 2),
            "linear",
        ),
        {"batch": ()},
    ),
    (
        "scale_and_translate",
        (
            IMAGES,
            (2, 5, 6, 3),
            np.array([0.6], "float32"),
            np.array([0.5], "float32"),
            (1,),
            "cubic",
            False,
        ),
        {"batch": ()},
    ),
    ("pad_images", (IMAGES, 1, 2), {"target_height": 12, "target_width": 9}),
    ("pad_images", (IMAGE, 1, 2, 3, 4), {"batch": (), **FIRST}),
    ("crop_images", (IMAGES, 1, 2), {"target_height": 5, "target_width": 4}),
    ("crop_images", (IMAGE, None, 2, 3, None, 4, 5), {"batch": (), **FIRST}),
    ("extract_patches", (IMAGES, 3), {}),
    ("extract_patches", (IMAGES, (3, 2), (1, 2), 2), {}),
    ("extract_patches", (IMAGES, (4, 3), 2), {"padding": "same"}),
    ("extract_patches", (IMAGE, (3, 4)), {"padding": "same", "batch": (), **FIRST}),
    ("extract_patches_3d", (VOLUMES, 2), {}),
    ("extract_patches_3d", (VOLUMES, (2, 3, 1), (1, 2, 2)), {"padding": "same"}),
    ("affine_transform", (IMAGES, SHIFT), {"low": False, "batch": (0, 1)}),
    ("affine_transform", (IMAGES, SHIFT, "nearest", "reflect"), {"low": False, "batch": (0, 1)}),
    (
        "affine_transform",
        (IMAGE, SHIFT[0], "bilinear", "constant", 0.3),
        {"low": False, "batch": (), **FIRST},
    ),
    (
        "perspective_transform",
        (IMAGES, np.stack([CORNERS, MOVED]), np.stack([MOVED, CORNERS])),
        {"batch": (0, 1, 2), "low": False, "rtol": 1e-4},
    ),
    (
        "perspective_transform",
        (IMAGES[0], CORNERS, MOVED, "nearest", 0.2),
        {"batch": (), "low": False},
    ),
    ("map_coordinates", (uniform(7, 8, 9), COORDINATES, 1), {"batch": (), "grad": (0, 1)}),
    ("map_coordinates", (bytes_(7, 8, 9), COORDINATES, 1, "mirror"), {"batch": (), "grad": ()}),
    ("map_coordinates", (uniform(7, 8, 9), COORDINATES, 0, "wrap"), {"batch": (), "grad": (0,)}),
    ("gaussian_blur", (IMAGES, (3, 5), (1.0, 0.7)), {**LAST, "rtol": 1e-4}),
    ("gaussian_blur", (IMAGE, (4, 3)), {"batch": (), **FIRST, "rtol": 1e-4}),
    ("sobel_edges", (IMAGES,), {"rtol": 1e-4}),
    (
        "ssim",
        (uniform(2, 13, 12, 3), uniform(2, 13, 12, 3)),
        {"batch": (0, 1), "low": False, "rtol": 1e-4},
    ),
    ("ssim", (IMAGES[0], IMAGES[1], 2.0, 5, 1.0), {"batch": (), "low": False, "rtol": 1e-4}),
]


@pytest.mark.parametrize(
    ("name", "args", "options"), ROWS, ids=[f"{i}-{r[0]}" for i, r in enumerate(ROWS)]
)
def test_an_op_equals_keras(contract, name, args, options):
    contract(f"image.{name}", *args, **options)


def test_the_global_data_format_is_the_default():
    settings.set_image_data_format("channels_first")
    blurred = ops.image.gaussian_blur(IMAGE)
    settings.set_image_data_format("channels_last")
    np.testing.assert_allclose(
        blurred, np.moveaxis(ops.image.gaussian_blur(np.moveaxis(IMAGE, 0, -1)), -1, 0), rtol=1e-5
    )


def test_unknown_sizes_stay_unknown_or_become_the_target():
    x = KerasTensor((None, None, None, 3))
    assert ops.image.resize(x, (4, 5), crop_to_aspect_ratio=True).shape == (None, 4, 5, 3)
    assert ops.image.pad_images(x, 1, 2, target_height=20, target_width=30).shape == (
        None,
        20,
        30,
        3,
    )
    assert ops.image.pad_images(x, 1, 2, bottom_padding=3, right_padding=1).shape == (
        None,
        None,
        None,
        3,
    )
    assert ops.image.crop_images(x, 1, 2, target_height=20, target_width=30).shape == (
        None,
        20,
        30,
        3,
    )
    assert ops.image.extract_patches(x, 4).shape == (None, None, None, 48)
    assert ops.image.reconstruct_patches(
        KerasTensor((None, None, None, 48)), 4, (8, 8), padding="same"
    ).shape == (None, 8, 8, 3)
    assert ops.image.elastic_transform(x).shape == x.shape


@pytest.mark.parametrize(
    ("x", "size", "padding", "data_format"),
    [
        (uniform(2, 8, 6, 3), (4, 2), "valid", "channels_last"),
        (uniform(9, 7, 3), 4, "same", "channels_last"),
        (bytes_(2, 3, 9, 7), 4, "same", "channels_first"),
        (VOLUMES, (2, 3, 2), "same", "channels_last"),
        (uniform(2, 4, 6, 4), (2, 3, 2), "valid", "channels_first"),
    ],
)
def test_reconstruct_patches_undoes_extract_patches(x, size, padding, data_format):
    count = 3 if np.size(size) == 3 else 2
    spatial = x.shape[-count - 1 : -1] if data_format == "channels_last" else x.shape[-count:]
    patches = ops.image.extract_patches(x, size, padding=padding, data_format=data_format)
    assert patches.dtype == x.dtype
    back = ops.image.reconstruct_patches(
        patches, size, spatial, padding=padding, data_format=data_format
    )
    np.testing.assert_array_equal(back, x)
    symbolic = ops.image.reconstruct_patches(
        KerasTensor(patches.shape), size, spatial, padding=padding, data_format=data_format
    )
    assert symbolic.shape == x.shape


def test_affine_transform_divides_by_the_projective_part():
    x, numbers = uniform(5, 6, 1), [1.23, 0.11, 0.31, 0.02, 1.07, 0.17, 0.05, 0.13]
    out = ops.image.affine_transform(x, np.array(numbers, "float32"), "nearest")
    for row in range(5):
        for column in range(6):
            at = np.array([column, row, 1.0])
            j, i = (
                round(float(v @ at / (np.array(numbers[6:] + [1.0]) @ at)))
                for v in np.reshape(numbers[:6], (2, 3))
            )
            assert out[row, column, 0] == (x[i, j, 0] if i < 5 and j < 6 else 0)


def test_low_precision_does_not_round_positions():
    x = jnp.arange(600, dtype="bfloat16").reshape(1, 600, 1)
    np.testing.assert_array_equal(
        ops.image.affine_transform(x, jnp.array([1, 0, 1, 0, 1, 0, 0, 0], "bfloat16"))[0, :-1],
        x[0, 1:],
    )


def test_a_blur_of_integers_rounds():
    x = bytes_(6, 5, 3)
    expected = np.round(np.asarray(ops.image.gaussian_blur(x.astype("float32"))))
    np.testing.assert_array_equal(ops.image.gaussian_blur(x), expected)


def test_elastic_transform_moves_every_image_by_its_own_two_fields():
    ramp = np.broadcast_to(np.arange(48.0, dtype="float32"), (48, 48))
    x = np.stack([np.stack([ramp, ramp.T], -1)] * 2)
    out = ops.image.elastic_transform(x, alpha=10.0, sigma=1.0, seed=3)
    np.testing.assert_array_equal(
        out, ops.image.elastic_transform(x, alpha=10.0, sigma=1.0, seed=3)
    )
    shifts = np.moveaxis(np.asarray(out - x)[:, 12:-12, 12:-12], -1, 1).reshape(
        4, -1
    )  # (image and axis, pixel)
    assert 0.1 < shifts.std() < 10
    assert np.abs(np.corrcoef(shifts) - np.eye(4)).max() < 0.4
    assert ops.image.elastic_transform(bytes_(6, 5, 3), seed=1).dtype == "uint8"


def test_ssim_of_equal_images_is_one():
    np.testing.assert_allclose(ops.image.ssim(IMAGES, IMAGES, filter_size=5), [1, 1], rtol=1e-5)


ERRORS = [
    (lambda: ops.image.resize(uniform(4, 4), (2, 2)), "expected rank 3"),
    (lambda: ops.image.resize(IMAGES, (2, 2, 3)), "tuple of 2 integers"),
    (lambda: ops.image.resize(IMAGES, (0, 2)), "positive height and width"),
    (lambda: ops.image.resize(IMAGES, (2, 2), "linear"), "argument `interpolation`"),
    (lambda: ops.image.resize(IMAGES, (2, 2), fill_mode="reflect"), "Only `'constant'`"),
    (
        lambda: ops.image.resize(
            IMAGES, (2, 2), crop_to_aspect_ratio=True, pad_to_aspect_ratio=True
        ),
        "Only one of",
    ),
    (lambda: ops.image.rgb_to_grayscale(uniform(4, 4, 2)), "expected 3 .RGB. or 1"),
    (lambda: ops.image.rgb_to_hsv(bytes_(4, 4, 3)), "expected float dtype"),
    (lambda: ops.image.hsv_to_rgb(uniform(4, 4, 6)), "received images with 6 channels"),
    (
        lambda: ops.image.pad_images(IMAGES, 1, 1, 1),
        "exactly two of left_padding, right_padding, target_width",
    ),
    (
        lambda: ops.image.pad_images(IMAGES, 1, 1, 1, 1, 20),
        "exactly two of top_padding, bottom_padding, target_height",
    ),
    (
        lambda: ops.image.pad_images(IMAGES, 1, 1, target_height=5, target_width=9),
        "bottom_padding must be >= 0.*-5",
    ),
    (lambda: ops.image.crop_images(IMAGES, 6, 1, 6, 1), "target_height must be >= 0"),
    (
        lambda: ops.image.scale_and_translate(IMAGES, IMAGES.shape, [1.0], [0.0], [1], "nearest"),
        "argument `method`",
    ),
    (
        lambda: ops.image.affine_transform(IMAGES, np.ones(6)),
        r"expected transform \(8,\) or \(2, 8\)",
    ),
    (lambda: ops.image.affine_transform(IMAGES, np.ones((1, 2, 8))), "Invalid transform rank"),
    (lambda: ops.image.affine_transform(IMAGES, SHIFT, "cubic"), "argument `interpolation`"),
    (lambda: ops.image.affine_transform(IMAGES, SHIFT, fill_mode="zeros"), "argument `fill_mode`"),
    (
        lambda: ops.image.perspective_transform(IMAGES, CORNERS[:3], MOVED[:3]),
        "Invalid start_points shape",
    ),
    (
        lambda: ops.image.perspective_transform(IMAGES, CORNERS, MOVED[None]),
        "must have the same shape",
    ),
    (
        lambda: ops.image.map_coordinates(uniform(7, 8), COORDINATES, 1),
        "First dim of `coordinates`",
    ),
    (lambda: ops.image.map_coordinates(uniform(7, 8, 9), COORDINATES, 3), "argument `order`"),
    (lambda: ops.image.extract_patches(IMAGES, (3,)), "length 2 or 3"),
    (lambda: ops.image.extract_patches(IMAGES, 12), "do not fit"),
    (lambda: ops.image.extract_patches(uniform(4, 4), 2), "rank 3 or 4"),
    (
        lambda: ops.image.reconstruct_patches(uniform(2, 2, 2, 12), 2, (4, 5)),
        "requires output_size to equal",
    ),
    (
        lambda: ops.image.reconstruct_patches(uniform(2, 2, 2, 12), 2, (4, 9), padding="same"),
        r"width \(9\) must be in the range",
    ),
    (lambda: ops.image.reconstruct_patches(uniform(2, 2, 2, 13), 2, (4, 4)), "not divisible"),
    (lambda: ops.image.sobel_edges(IMAGE), "expected rank 4"),
    (lambda: ops.image.ssim(IMAGES, IMAGES[:1]), "must have the same shape"),
    (lambda: ops.image.ssim(IMAGES, IMAGES), "at least filter_size=11"),
]


@pytest.mark.parametrize(("call", "words"), ERRORS, ids=range(len(ERRORS)))
def test_a_wrong_argument_is_explained(call, words):
    with pytest.raises(UserInputError, match=words):
        call()


def test_a_patch_size_of_a_wrong_type_is_a_type_error():
    with pytest.raises(UserTypeError, match="Expected an int or a tuple"):
        ops.image.extract_patches(IMAGES, "3")
    with pytest.raises(UserTypeError, match="length 3"):
        ops.image.extract_patches_3d(VOLUMES, (2, 2))
    with pytest.raises(NotImplementedError, match="non-overlapping"):
        ops.image.reconstruct_patches(uniform(2, 2, 2, 12), 2, (4, 4), strides=1)


def test_warps_and_resizes_can_be_batched_by_vmap():
    turned = jax.vmap(lambda image, transform: ops.image.affine_transform(image, transform))(
        IMAGES, SHIFT
    )
    np.testing.assert_allclose(
        turned, ops.image.affine_transform(IMAGES, SHIFT), rtol=1e-5, atol=1e-6
    )


INTEGER_OPS = {
    "rgb_to_grayscale": lambda x: ops.image.rgb_to_grayscale(x),
    "resize": lambda x: ops.image.resize(x, (3, 7)),
    "bicubic": lambda x: ops.image.resize(x, (9, 7), interpolation="bicubic"),
    "affine_transform": lambda x: ops.image.affine_transform(x, SHIFT[0]),
    "perspective_transform": lambda x: ops.image.perspective_transform(x, CORNERS, MOVED),
    "gaussian_blur": lambda x: ops.image.gaussian_blur(x, (3, 3), (1.0, 1.0)),
    "elastic_transform": lambda x: ops.image.elastic_transform(x, seed=1),
}


@pytest.mark.parametrize("name", INTEGER_OPS)
def test_integers_are_rounded_and_not_cut(name):
    x = bytes_(2, 6, 5, 3)
    got = INTEGER_OPS[name](x)
    exact = np.clip(INTEGER_OPS[name](x.astype("float32")), 0, 255)
    assert got.dtype == "uint8"
    assert np.abs(np.asarray(got, "float32") - exact).max() <= 0.5 + 1e-3
