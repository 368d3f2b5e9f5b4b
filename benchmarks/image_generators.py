"""`ImageDataGenerator.flow` beside Keras's, in one run: milliseconds a batch of 32 images.

python -m benchmarks.image_generators
"""

import importlib
import time

import numpy as np

import fkeras

CASES = {
    "rescale": {"rescale": 1 / 255},
    "flips": {"rescale": 1 / 255, "horizontal_flip": True},
    "usual": {
        "rescale": 1 / 255,
        "rotation_range": 40,
        "width_shift_range": 0.2,
        "height_shift_range": 0.2,
        "shear_range": 0.2,
        "zoom_range": 0.2,
        "horizontal_flip": True,
    },
    "brightness": {"brightness_range": (0.5, 1.5)},
    "standardized": {"samplewise_center": True, "samplewise_std_normalization": True},
}
SIDES = (32, 128)
REPEATS = 7


def milliseconds(source, batches):
    start = time.perf_counter()
    for i in range(batches):
        source[i]
    return 1000 * (time.perf_counter() - start) / batches


def main():
    theirs = importlib.import_module("keras.src.legacy.preprocessing.image")
    print(f"{'case':14} {'side':>5} {'fkeras ms':>10} {'keras ms':>10} {'ratio':>7}")
    for side in SIDES:
        images = np.random.default_rng(0).uniform(0, 255, (128, side, side, 3)).astype("float32")
        for name, arguments in CASES.items():
            sources = [
                module.ImageDataGenerator(**arguments).flow(images, batch_size=32, seed=0)
                for module in (fkeras.preprocessing.image, theirs)
            ]
            # Turn by turn, so that what else the machine does meets both.
            times = [[milliseconds(source, 4) for source in sources] for _ in range(REPEATS)]
            ours, other = np.min(times, axis=0)
            print(f"{name:14} {side:5} {ours:10.2f} {other:10.2f} {ours / other:7.2f}")


if __name__ == "__main__":
    main()
