"""`keras.preprocessing.image`: image files, and images changed at random. A table of contents."""

from typing import TYPE_CHECKING

from fkeras.core import namespaces
from fkeras.data.image_files import array_to_img as array_to_img
from fkeras.data.image_files import img_to_array as img_to_array
from fkeras.data.image_files import load_img as load_img
from fkeras.data.image_files import save_img as save_img
from fkeras.data.image_generators import DataFrameIterator as DataFrameIterator
from fkeras.data.image_generators import DirectoryIterator as DirectoryIterator
from fkeras.data.image_generators import ImageDataGenerator as ImageDataGenerator
from fkeras.data.image_generators import Iterator as Iterator
from fkeras.data.image_generators import NumpyArrayIterator as NumpyArrayIterator
from fkeras.data.image_generators import apply_affine_transform as apply_affine_transform
from fkeras.data.image_generators import apply_brightness_shift as apply_brightness_shift
from fkeras.data.image_generators import apply_channel_shift as apply_channel_shift
from fkeras.data.image_generators import random_brightness as random_brightness
from fkeras.data.image_generators import random_channel_shift as random_channel_shift
from fkeras.data.image_generators import random_rotation as random_rotation
from fkeras.data.image_generators import random_shear as random_shear
from fkeras.data.image_generators import random_shift as random_shift
from fkeras.data.image_generators import random_zoom as random_zoom
from fkeras.data.smart_resize import smart_resize as smart_resize

if not TYPE_CHECKING:  # a checker must see that other names do not exist
    __getattr__, __dir__ = namespaces.of(__name__)
