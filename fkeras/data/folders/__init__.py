"""Datasets of the files in a folder; and of arrays, in two parts or in windows."""

from fkeras.data.folders.audio import audio_dataset_from_directory as audio_dataset_from_directory
from fkeras.data.folders.images import image_dataset_from_directory as image_dataset_from_directory
from fkeras.data.folders.split_dataset import split_dataset as split_dataset
from fkeras.data.folders.text import text_dataset_from_directory as text_dataset_from_directory
from fkeras.data.folders.timeseries import (
    timeseries_dataset_from_array as timeseries_dataset_from_array,
)
