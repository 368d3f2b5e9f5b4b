"""Images as bytes of files, by Pillow: `tf.image.decode_jpeg`, `tf.io.encode_png`, ..."""

from __future__ import annotations

import io
from types import ModuleType
from typing import Any

import numpy as np

from fkeras.compat.tensorflow.image_colors import convert_image_dtype
from fkeras.data.pipeline.host_array import HostArray, host_array
from fkeras.errors import UserInputError
from fkeras.types import ArrayLike, DTypeLike

_MODES = {1: "L", 2: "LA", 3: "RGB", 4: "RGBA"}


def _pillow() -> ModuleType:
    try:
        from PIL import Image
    except ImportError:
        raise ImportError(
            "Images in files are read and written by Pillow: `pip install pillow`."
        ) from None
    return Image


def as_bytes(contents: Any) -> bytes:
    """The bytes of a string of any kind."""
    contents = contents.numpy() if hasattr(contents, "numpy") else contents
    if isinstance(contents, np.ndarray):
        contents = contents.item()
    if isinstance(contents, str):
        return contents.encode()
    if not isinstance(contents, bytes):
        raise UserInputError(
            f"Expected the bytes of a file, as `tf.io.read_file` gives them. Received: "
            f"{type(contents).__name__}."
        )
    return contents


def _frames(contents: Any, channels: int | None) -> list[np.ndarray]:
    """The pictures of a file, (height, width, channels) each."""
    image_module = _pillow()
    try:
        picture = image_module.open(io.BytesIO(as_bytes(contents)))
    except image_module.UnidentifiedImageError:
        raise UserInputError(
            "Unknown image file format. One of JPEG, PNG, GIF, BMP required."
        ) from None
    if channels == 1 and picture.format == "JPEG":
        picture.draft("L", picture.size)  # the brightness that the file has
    frames = []
    for number in range(getattr(picture, "n_frames", 1)):
        picture.seek(number)
        frames.append(_pixels(picture, channels))
    return frames


def _pixels(picture: Any, channels: int | None) -> np.ndarray:
    if picture.mode.startswith("I") and not channels:  # 16 bits of grey
        return np.asarray(picture).astype(np.uint16)[..., None]
    mode = _MODES.get(channels or 0)
    if mode is None:  # as in the file; palettes and inks become colours
        mode = picture.mode if picture.mode in _MODES.values() else "RGB"
        if picture.mode == "1":
            mode = "L"
        elif picture.mode == "P" and "transparency" in picture.info:
            mode = "RGBA"
    if mode == "L" and picture.mode in ("P", "RGB", "RGBA"):
        # Rounded down, as by the PNG library that TensorFlow has.
        colors = np.asarray(picture.convert("RGB")).astype(np.float32)
        return (colors @ np.float32([0.299, 0.587, 0.114])).astype(np.uint8)[..., None]
    array = np.asarray(picture.convert(mode))
    return array if array.ndim == 3 else array[..., None]


def decode_image(
    contents: Any,
    channels: int | None = None,
    dtype: DTypeLike = "uint8",
    name: str | None = None,
    expand_animations: bool = True,
) -> HostArray:
    """The picture in the bytes of a JPEG, PNG, GIF or BMP file.

    Args:
        contents: the bytes.
        channels: 1 for grey, 3 for colours, 4 with transparency; None or 0: as in the file.
        dtype: 'uint8'; a float dtype gives values in [0, 1].
        name: not used.
        expand_animations: whether a GIF gives all its pictures, on a first axis.

    Returns:
        (height, width, channels).
    """
    contents = as_bytes(contents)
    if contents[:3] == b"GIF":
        frames = decode_gif(contents)
        return _in_dtype(frames if expand_animations else frames[0], dtype)
    return _in_dtype(_frames(contents, channels)[0], dtype)


def _in_dtype(pixels: np.ndarray, dtype: DTypeLike) -> HostArray:
    return convert_image_dtype(host_array(np.ascontiguousarray(pixels)), dtype)


def decode_jpeg(
    contents: Any,
    channels: int = 0,
    ratio: int = 1,
    fancy_upscaling: bool = True,
    try_recover_truncated: bool = False,
    acceptable_fraction: float = 1,
    dct_method: str = "",
    name: str | None = None,
) -> HostArray:
    """The picture in the bytes of a JPEG file, (height, width, channels) in uint8."""
    pixels = _frames(contents, channels)[0]
    return host_array(np.ascontiguousarray(pixels[::ratio, ::ratio]))


def decode_png(
    contents: Any, channels: int = 0, dtype: DTypeLike = "uint8", name: str | None = None
) -> HostArray:
    """The picture in the bytes of a PNG file, (height, width, channels)."""
    return _in_dtype(_frames(contents, channels)[0], dtype)


def decode_bmp(contents: Any, channels: int = 0, name: str | None = None) -> HostArray:
    """The picture in the bytes of a BMP file, (height, width, channels) in uint8."""
    return _in_dtype(_frames(contents, channels)[0], "uint8")


def decode_gif(contents: Any, name: str | None = None) -> HostArray:
    """The pictures in the bytes of a GIF file, (pictures, height, width, 3) in uint8."""
    return host_array(np.stack(_frames(contents, 3)))


def _encode(image: ArrayLike, file_format: str, **options: Any) -> HostArray:
    pixels = np.asarray(image)
    if pixels.ndim != 3 or pixels.shape[-1] not in _MODES or pixels.dtype.kind != "u":
        raise UserInputError(
            f"An image file takes (height, width, channels) in uint8. Received: {pixels.dtype} "
            f"{pixels.shape}. Try `tf.image.convert_image_dtype(image, tf.uint8)`."
        )
    picture = _pillow().fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels)
    buffer = io.BytesIO()
    picture.save(buffer, file_format, **options)
    return host_array(np.array(buffer.getvalue(), object))


def encode_jpeg(
    image: ArrayLike,
    format: str = "",
    quality: int = 95,
    progressive: bool = False,
    optimize_size: bool = False,
    chroma_downsampling: bool = True,
    name: str | None = None,
    **density: Any,
) -> HostArray:
    """The bytes of a JPEG file."""
    return _encode(
        image,
        "JPEG",
        quality=int(quality),
        progressive=progressive,
        optimize=optimize_size,
        subsampling="4:2:0" if chroma_downsampling else "4:4:4",
    )


def encode_png(image: ArrayLike, compression: int = -1, name: str | None = None) -> HostArray:
    """The bytes of a PNG file."""
    return _encode(image, "PNG", compress_level=6 if compression < 0 else int(compression))


def is_jpeg(contents: Any, name: str | None = None) -> bool:
    """Whether these are the bytes of a JPEG file."""
    return as_bytes(contents)[:3] == b"\xff\xd8\xff"


NAMES: dict[str, Any] = {
    "decode_and_crop_jpeg": lambda contents, crop_window, channels=0, **options: decode_jpeg(
        contents, channels
    )[
        int(crop_window[0]) : int(crop_window[0]) + int(crop_window[2]),
        int(crop_window[1]) : int(crop_window[1]) + int(crop_window[3]),
    ],
    "decode_bmp": decode_bmp,
    "decode_gif": decode_gif,
    "decode_image": decode_image,
    "decode_jpeg": decode_jpeg,
    "decode_png": decode_png,
    "encode_jpeg": encode_jpeg,
    "encode_png": encode_png,
    "is_jpeg": is_jpeg,
}
