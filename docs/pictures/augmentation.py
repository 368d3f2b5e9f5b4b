"""Makes the pictures of layers for images: what each does to a photograph.

    python docs/pictures/augmentation.py [NAME ...]

A picture has the photograph on its left and four draws beside it. The photographs come
with scikit-learn.
"""

from __future__ import annotations

import pathlib
import sys

import numpy as np
from fkeras import layers
from PIL import Image
from sklearn.datasets import load_sample_image

FOLDER = pathlib.Path(__file__).parent
SIDE = 96  # pixels of one image
DRAWS = 4
GAP = 4  # pixels between images

# What each layer is shown with.
OPTIONS: dict[str, dict[str, object]] = {
    "AugMix": {"factor": 0.5},
    "AutoContrast": {},
    "CenterCrop": {"height": 60, "width": 60},
    "ContrastLimitedAdaptiveHistogramEqualization": {"tile_grid_size": (4, 4)},
    "CutMix": {},
    "Equalization": {},
    "MixUp": {"alpha": 1.0},
    "RandAugment": {},
    "RandomBrightness": {"factor": 0.4},
    "RandomColorDegeneration": {"factor": (0.0, 1.0)},
    "RandomColorJitter": {
        "brightness_factor": 0.2,
        "contrast_factor": (0.5, 0.5),
        "saturation_factor": (0.3, 0.7),
        "hue_factor": 0.2,
    },
    "RandomContrast": {"factor": (0.8, 0.8)},
    "RandomCrop": {"height": 60, "width": 60},
    "RandomElasticTransform": {"factor": (1.0, 1.0), "scale": 1.0},
    "RandomErasing": {"factor": (1.0, 1.0)},
    "RandomFlip": {},
    "RandomGaussianBlur": {"factor": (1.0, 1.0), "kernel_size": 7},
    "RandomGrayscale": {},
    "RandomHue": {"factor": 0.6},
    "RandomInvert": {},
    "RandomPerspective": {},
    "RandomPosterization": {"factor": 4},
    "RandomRotation": {"factor": 0.2},
    "RandomSaturation": {"factor": (0.1, 0.9)},
    "RandomSharpness": {"factor": (0.0, 1.0)},
    "RandomShear": {"x_factor": 0.4, "y_factor": 0.4},
    "RandomTranslation": {"height_factor": 0.3, "width_factor": 0.3},
    "RandomZoom": {"height_factor": 0.4},
    "Resizing": {"height": 24, "width": 24},
    "Solarization": {"threshold_factor": 1.0},
}
# The same in every draw: one is shown.
FIXED = {
    "AutoContrast",
    "CenterCrop",
    "ContrastLimitedAdaptiveHistogramEqualization",
    "Equalization",
    "Resizing",
}


def photograph(name: str) -> np.ndarray:
    """A photograph of scikit-learn's as a square: (SIDE, SIDE, 3), bytes."""
    image = Image.fromarray(load_sample_image(f"{name}.jpg"))
    width, height = image.size
    left = (width - height) // 2
    square = image.crop((left, 0, left + height, height))
    return np.asarray(square.resize((SIDE, SIDE), Image.Resampling.LANCZOS))


def changed_images(name: str) -> list[np.ndarray]:
    """The photograph, and what a layer makes of it."""
    flower, china = photograph("flower"), photograph("china")
    layer = getattr(layers, name)(**OPTIONS[name])
    if name in FIXED:
        return [flower, np.asarray(layer(flower))]
    images = np.stack([flower] * DRAWS + [china] * DRAWS)
    drawn = dict(layer.get_random_transformation(images, seed=1))
    if "permutation_order" in drawn:
        drawn["permutation_order"] = np.arange(2 * DRAWS)[::-1]
    return [flower, *np.asarray(layer.transform_images(images, drawn))[:DRAWS]]


def strip(images: list[np.ndarray]) -> Image.Image:
    """Images side by side on white, all as large as the first."""
    columns = []
    for image in images:
        pixels = Image.fromarray(np.clip(np.round(image), 0, 255).astype("uint8"))
        # As they are, so that one sees the size of what was cut out.
        field = Image.new("RGB", (SIDE, SIDE), "white")
        field.paste(pixels, ((SIDE - pixels.width) // 2, (SIDE - pixels.height) // 2))
        columns += [np.asarray(field), np.full((SIDE, GAP, 3), 255, "uint8")]
    return Image.fromarray(np.concatenate(columns[:-1], axis=1))


def main(names: list[str]) -> None:
    for name in names or OPTIONS:
        path = FOLDER / f"{name}.webp"
        strip(changed_images(name)).save(path, quality=80, method=6)
        sys.stdout.write(f"{path.name}: {path.stat().st_size} bytes\n")


if __name__ == "__main__":
    main(sys.argv[1:])
