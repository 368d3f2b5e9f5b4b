"""What layers do to colours, written by hand in JAX for one image and a key, for
`benchmarks.augmentation`.
"""

import jax
import jax.numpy as jnp
from jax.scipy.ndimage import map_coordinates

TOP = 255.0


def brightness(key, image):
    shift = jax.random.uniform(key, minval=-0.5, maxval=0.5) * TOP
    return jnp.clip(image + shift, 0, TOP)


def contrast(key, image):
    factor = jax.random.uniform(key, minval=0.5, maxval=1.5)
    mean = image.mean((0, 1))
    return jnp.clip((image - mean) * factor + mean, 0, TOP)


def _to_hsv(image):
    red, green, blue = jnp.moveaxis(image, -1, 0)
    value, least = image.max(-1), image.min(-1)
    span = value - least
    safe = jnp.where(span > 0, span, 1)
    hue = jnp.where(value == green, 2 + (blue - red) / safe, 4 + (red - green) / safe)
    hue = jnp.where(value == red, (green - blue) / safe, hue) / 6 % 1
    saturation = jnp.where(value > 0, span / jnp.where(value > 0, value, 1), 0)
    return jnp.where(span > 0, hue, 0), saturation, value


def _to_rgb(hue, saturation, value):
    shifted = (hue[..., None] * 6 + jnp.array([5.0, 3.0, 1.0])) % 6
    part = jnp.clip(jnp.minimum(shifted, 4 - shifted), 0, 1)
    return value[..., None] * (1 - saturation[..., None] * part)


def hue(key, image):
    hue, saturation, value = _to_hsv(image / TOP)
    turn = jax.random.uniform(key, minval=-0.25, maxval=0.25)
    return _to_rgb(hue + turn, saturation, value) * TOP


def saturation(key, image):
    factor = jax.random.uniform(key, minval=0.2, maxval=0.8)
    hue, saturation, value = _to_hsv(image / TOP)
    return _to_rgb(hue, jnp.clip(saturation * factor / (1 - factor), 0, 1), value) * TOP


def jitter(key, image):
    a, b, c, d = jax.random.split(key, 4)
    return hue(d, saturation(c, contrast(b, brightness(a, image))))


def _filtered(image, kernel):
    planes = jnp.moveaxis(image, -1, 0)[:, None]  # (channels, 1, height, width)
    filtered = jax.lax.conv_general_dilated(planes, kernel[None, None], (1, 1), "SAME")
    return jnp.moveaxis(filtered[:, 0], 0, -1)


def sharpness(key, image):
    amount = 1 - 2 * jax.random.uniform(key)
    smooth = _filtered(image, jnp.ones((3, 3)).at[1, 1].set(5) / 13)
    return jnp.clip(image + amount * (smooth - image), 0, TOP)


def blur(key, image):
    for_chance, for_sigmas = jax.random.split(key)
    probability, threshold = jax.random.uniform(for_chance, (2,))
    at = jnp.arange(-2, 3)
    weights = jnp.exp(-0.5 * (at / (jax.random.uniform(for_sigmas, (2, 1)) + 1e-6)) ** 2)
    weights = weights / weights.sum(1, keepdims=True)
    blurred = _filtered(_filtered(image, weights[:1]), weights[1:].T)
    return jnp.clip(jnp.where(threshold < probability, blurred, image), 0, TOP)


def equalization(key, image):
    def of_channel(values):
        levels = values.astype(int).ravel()
        totals = jnp.cumsum(jnp.bincount(levels, length=256))
        first = totals[jnp.argmax(totals > 0)]
        table = jnp.round((totals - first) * 255 / jnp.maximum(totals[-1] - first, 1))
        return table[levels].reshape(values.shape)

    return jax.vmap(of_channel, -1, -1)(image)


def erasing(key, image):
    a, b, c, d = jax.random.split(key, 4)
    probability, threshold = jax.random.uniform(a, (2,))
    size = jnp.array(image.shape[:2])
    sides = jnp.sqrt(jax.random.uniform(b, (2,), minval=0.02, maxval=0.33)) * size
    start = jax.random.uniform(c, (2,)) * (size - sides)
    rows, columns = (jnp.arange(n) for n in image.shape[:2])
    is_row = (rows >= start[0]) & (rows < start[0] + sides[0])
    is_column = (columns >= start[1]) & (columns < start[1] + sides[1])
    noise = jnp.clip(jax.random.normal(d, image.shape) * TOP, 0, TOP)
    mask = is_row[:, None, None] & is_column[None, :, None] & (threshold < probability)
    return jnp.where(mask, noise, image)


def _moved(image, matrix, shift):
    height, width, _ = image.shape
    rows, columns = jnp.meshgrid(jnp.arange(height), jnp.arange(width), indexing="ij")
    x = matrix[0, 0] * columns + matrix[0, 1] * rows + shift[0]
    y = matrix[1, 0] * columns + matrix[1, 1] * rows + shift[1]
    return jax.vmap(lambda plane: map_coordinates(plane, [y, x], 1, "reflect"), -1, -1)(image)


def _shear(key, image):
    x, y = jax.random.uniform(key, (2,), maxval=0.5)
    return _moved(image, jnp.array([[1, x], [y, 1]]), jnp.zeros(2))


def _translation(key, image):
    shift = -jax.random.uniform(key, (2,), maxval=0.5) * image.shape[0]
    return _moved(image, jnp.eye(2), shift)


def _rotation(key, image):
    angle = jax.random.uniform(key, maxval=jnp.pi)
    cos, sin = jnp.cos(angle), jnp.sin(angle)
    matrix, middle = jnp.array([[cos, -sin], [sin, cos]]), (image.shape[0] - 1) / 2
    return _moved(image, matrix, middle - matrix @ jnp.full(2, middle))


def _gray(key, image):
    gray = (image @ jnp.array([0.2989, 0.587, 0.114]))[..., None]
    return image + jax.random.uniform(key, maxval=0.5) * (gray - image)


def _posterization(key, image):
    dropped = jax.random.randint(key, (), 4, 8).astype(jnp.uint8)
    return (image.astype(jnp.uint8) >> dropped << dropped).astype(image.dtype)


def _solarization(key, image):
    addition, threshold = jax.random.uniform(key, (2,), maxval=TOP / 2)
    lighter = jnp.clip(image + addition, 0, TOP)
    return jnp.where(lighter < threshold, lighter, TOP - lighter)


def _stretched(key, image):
    low, high = image.min((0, 1)), image.max((0, 1))
    return jnp.clip((image - low) * (TOP / jnp.maximum(high - low, 1e-6)), 0, TOP)


_OPERATIONS = (
    _shear,
    _translation,
    _rotation,
    brightness,
    _gray,
    contrast,
    sharpness,
    _posterization,
    _solarization,
    _stretched,
    equalization,
)


def rand_augment(key, image):
    for one in jax.random.split(key, 2):
        for_choice, for_operation = jax.random.split(one)
        choice = jax.random.randint(for_choice, (), 0, len(_OPERATIONS))
        image = jax.lax.switch(choice, _OPERATIONS, for_operation, image)
    return image


# layer, options for images of a side, the same by hand
CASES = [
    ("RandomBrightness", lambda side: {"factor": 0.5}, brightness),
    ("RandomContrast", lambda side: {"factor": (0.5, 0.5)}, contrast),
    ("RandomHue", lambda side: {"factor": 0.5}, hue),
    ("RandomSaturation", lambda side: {"factor": (0.2, 0.8)}, saturation),
    (
        "RandomColorJitter",
        lambda side: {
            "brightness_factor": 0.5,
            "contrast_factor": (0.5, 0.5),
            "saturation_factor": (0.2, 0.8),
            "hue_factor": 0.5,
        },
        jitter,
    ),
    ("RandomSharpness", lambda side: {"factor": (0.0, 1.0)}, sharpness),
    ("RandomGaussianBlur", lambda side: {"kernel_size": 5}, blur),
    ("Equalization", lambda side: {}, equalization),
    ("RandomErasing", lambda side: {}, erasing),
    ("RandAugment", lambda side: {}, rand_augment),
]
