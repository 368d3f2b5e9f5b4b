"""Layers for images beside the same written by hand in JAX, and beside Keras's, in one run: CPU
milliseconds of all threads for a batch in a compiled call, and ratios.

    python -m benchmarks.augmentation [--only WORD] [--side 128] [--batch 32] [--repeats 40]

By hand is what one writes for a single image and a key, under `jax.vmap`.
"""

import argparse
import os
import time
from functools import partial

import numpy as np

os.environ.setdefault("KERAS_BACKEND", "jax")

import jax
import jax.numpy as jnp
from jax.scipy.ndimage import map_coordinates

import fkeras
from benchmarks import colors_by_hand


def _read(image, rows, columns, mode="reflect"):
    """Pixels at positions: (height, width) each."""
    read = partial(map_coordinates, coordinates=[rows, columns], order=1, mode=mode)
    return jax.vmap(read, -1, -1)(image)


def _grid(image):
    """Rows and columns from the middle."""
    height, width, _ = image.shape
    rows, columns = jnp.meshgrid(jnp.arange(height), jnp.arange(width), indexing="ij")
    return rows - (height - 1) / 2, columns - (width - 1) / 2


def _from_middle(image, rows, columns, mode="reflect"):
    height, width, _ = image.shape
    return _read(image, rows + (height - 1) / 2, columns + (width - 1) / 2, mode)


def flip(key, image):
    return jnp.where(jax.random.bernoulli(key), image[:, ::-1], image)


def rotation(key, image, mode="reflect"):
    angle = jax.random.uniform(key, minval=-0.4 * jnp.pi, maxval=0.4 * jnp.pi)
    rows, columns = _grid(image)
    cos, sin = jnp.cos(angle), jnp.sin(angle)
    return _from_middle(image, sin * columns + cos * rows, cos * columns - sin * rows, mode)


def zoom(key, image):
    zoomed = jax.random.uniform(key, minval=0.8, maxval=1.2)
    rows, columns = _grid(image)
    return _from_middle(image, rows * zoomed, columns * zoomed)


def translation(key, image):
    down, right = jax.random.uniform(key, (2,), minval=-0.2, maxval=0.2) * image.shape[0]
    rows, columns = _grid(image)
    return _from_middle(image, rows - down, columns - right)


def shear(key, image):
    x, y = jax.random.uniform(key, (2,), minval=-0.3, maxval=0.3)
    height, width, _ = image.shape
    rows, columns = jnp.meshgrid(jnp.arange(height), jnp.arange(width), indexing="ij")
    return _read(image, rows + y * columns, columns + x * rows)


def crop(key, image):
    side = image.shape[0]
    top, left = jax.random.randint(key, (2,), 0, side - side // 2 + 1)
    return jax.lax.dynamic_slice(image, (top, left, 0), (side // 2, side // 2, 3))


def resizing(key, image):
    side = image.shape[0] // 2
    return jax.image.resize(image, (side, side, 3), "bilinear", antialias=False)


# layer, options for images of a side, the same by hand
CASES = [
    ("RandomFlip", lambda side: {"mode": "horizontal"}, flip),
    ("RandomRotation", lambda side: {"factor": 0.2}, rotation),
    (
        "RandomRotation",
        lambda side: {"factor": 0.2, "fill_mode": "constant"},
        partial(rotation, mode="constant"),
    ),
    ("RandomZoom", lambda side: {"height_factor": 0.2}, zoom),
    ("RandomTranslation", lambda side: {"height_factor": 0.2, "width_factor": 0.2}, translation),
    ("RandomShear", lambda side: {"x_factor": 0.3, "y_factor": 0.3}, shear),
    ("RandomCrop", lambda side: {"height": side // 2, "width": side // 2}, crop),
    ("Resizing", lambda side: {"height": side // 2, "width": side // 2}, resizing),
]


def of_layer(layer):
    """The compiled call of a layer of fkeras."""
    return jax.jit(
        lambda images, key: layer.apply({"params": {}}, images, training=True, rngs=key)[0]
    )


def by_hand(function):
    """The compiled function of a batch."""

    def of_batch(images, key):
        return jax.vmap(function)(jax.random.split(key, images.shape[0]), images)

    return jax.jit(of_batch)


def of_keras(layer, images):
    """The compiled call of a layer of Keras."""
    layer(images)  # which builds it
    state = [variable.value for variable in layer.non_trainable_variables]
    call = jax.jit(lambda images, state: layer.stateless_call([], state, images, training=True)[0])
    try:
        call(images, state)
    except (IndexError, TypeError, ValueError):  # what Keras cannot compile
        return None
    return lambda images, key: call(images, state)


def milliseconds(calls, images, key, repeats):
    """The median of several calls of each, turn by turn, so that what else the machine does meets
    all. Times are of the CPU, which other programs disturb less than the clock on the wall.
    """
    times = np.empty((repeats, len(calls)))
    for turn in range(-1, repeats):  # the first compiles
        for i in np.roll(range(len(calls)), turn):  # none always comes behind the slowest
            start = time.process_time()
            jax.block_until_ready(calls[i](images, key))
            if turn >= 0:
                times[turn, i] = 1000 * (time.process_time() - start)
    return np.median(times, axis=0)


def main():
    import keras

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="")
    parser.add_argument("--side", type=int, default=128)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--repeats", type=int, default=40)
    options = parser.parse_args()
    shape = (options.batch, options.side, options.side, 3)
    images = jnp.asarray(np.random.default_rng(0).uniform(0, 255, shape), "float32")
    print("| layer | fkeras, CPU ms | by hand | Keras | to by hand | to Keras |")
    print("|---|---:|---:|---:|---:|---:|")
    for name, arguments, function in [*CASES, *colors_by_hand.CASES]:
        if options.only not in name:
            continue
        given = arguments(options.side)
        key, repeats = jax.random.key(0), options.repeats
        layer = getattr(fkeras.layers, name)(**given)
        calls = [of_layer(layer), by_hand(function)]
        ours, hand = milliseconds(calls, images, key, repeats)
        # By itself where it takes fifty times as long: little of the caches is left behind it.
        call = of_keras(getattr(keras.layers, name)(**given), images)
        theirs = milliseconds([call], images, key, repeats) if call else ()
        if call and theirs[0] < 4 * ours:
            ours, hand, *theirs = milliseconds([*calls, call], images, key, repeats)
        words = "".join(f", {k}={v}" for k, v in given.items() if k == "fill_mode")
        other = f"{theirs[0]:.2f}" if len(theirs) else "not compiled"
        ratio = f"{ours / theirs[0]:.2f}" if len(theirs) else "–"
        cells = [f"`{name}`{words}", f"{ours:.2f}", f"{hand:.2f}", other, f"{ours / hand:.2f}"]
        print(f"| {' | '.join([*cells, ratio])} |", flush=True)


if __name__ == "__main__":
    main()
