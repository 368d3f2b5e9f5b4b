"""Data for training: sources of batches from whatever users have. A table of contents."""

from typing import TYPE_CHECKING

from fkeras.core import namespaces
from fkeras.data.ahead import prefetch as prefetch
from fkeras.data.arrays import ArraySource as ArraySource
from fkeras.data.batch_checks import as_arrays as as_arrays
from fkeras.data.checks import check_columns as check_columns
from fkeras.data.checks import check_finite as check_finite
from fkeras.data.checks import unscaled_images as unscaled_images
from fkeras.data.packing import pack_x_y_sample_weight as pack_x_y_sample_weight
from fkeras.data.packing import unpack_x_y_sample_weight as unpack_x_y_sample_weight
from fkeras.data.pipeline import AUTOTUNE as AUTOTUNE
from fkeras.data.pipeline import INFINITE_CARDINALITY as INFINITE_CARDINALITY
from fkeras.data.pipeline import UNKNOWN_CARDINALITY as UNKNOWN_CARDINALITY
from fkeras.data.pipeline import Dataset as Dataset
from fkeras.data.pipeline import DatasetIterator as DatasetIterator
from fkeras.data.pipeline import HostArray as HostArray
from fkeras.data.pipeline import TensorSpec as TensorSpec
from fkeras.data.pipeline import TextLineDataset as TextLineDataset
from fkeras.data.pipeline import TFRecordDataset as TFRecordDataset
from fkeras.data.py_dataset import PyDataset as PyDataset
from fkeras.data.sequences import pad_sequences as pad_sequences
from fkeras.data.source import Source as Source
from fkeras.data.source_factory import make_source as make_source
from fkeras.data.split import train_validation_split as train_validation_split
from fkeras.data.streams import StreamSource as StreamSource
from fkeras.data.structure import iterate_named as iterate_named

if not TYPE_CHECKING:  # a checker must see that other names do not exist
    __getattr__, __dir__ = namespaces.of(__name__)
