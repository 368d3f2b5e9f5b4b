"""Images changed at random while a model is trained, batch by batch. A table of contents."""

from fkeras.data.image_generators.array_iterator import NumpyArrayIterator as NumpyArrayIterator
from fkeras.data.image_generators.directory_iterator import DirectoryIterator as DirectoryIterator
from fkeras.data.image_generators.frame_iterator import DataFrameIterator as DataFrameIterator
from fkeras.data.image_generators.generator import ImageDataGenerator as ImageDataGenerator
from fkeras.data.image_generators.geometry import apply_affine_transform as apply_affine_transform
from fkeras.data.image_generators.geometry import random_rotation as random_rotation
from fkeras.data.image_generators.geometry import random_shear as random_shear
from fkeras.data.image_generators.geometry import random_shift as random_shift
from fkeras.data.image_generators.geometry import random_zoom as random_zoom
from fkeras.data.image_generators.intensity import apply_brightness_shift as apply_brightness_shift
from fkeras.data.image_generators.intensity import apply_channel_shift as apply_channel_shift
from fkeras.data.image_generators.intensity import random_brightness as random_brightness
from fkeras.data.image_generators.intensity import random_channel_shift as random_channel_shift
from fkeras.data.image_generators.iterator import Iterator as Iterator
