"""`keras.preprocessing`: images, texts and sequences before training. A table of contents."""

from typing import TYPE_CHECKING

from fkeras.core import namespaces
from fkeras.data.folders import image_dataset_from_directory as image_dataset_from_directory
from fkeras.data.folders import text_dataset_from_directory as text_dataset_from_directory
from fkeras.data.folders import timeseries_dataset_from_array as timeseries_dataset_from_array
from fkeras.preprocessing import image as image
from fkeras.preprocessing import sequence as sequence
from fkeras.preprocessing import text as text

if not TYPE_CHECKING:  # a checker must see that other names do not exist
    __getattr__, __dir__ = namespaces.of(__name__, submodules=("image", "sequence", "text"))
