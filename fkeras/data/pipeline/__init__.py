"""`Dataset`: elements that come one after the other, made when they are asked for.

A `Dataset` (the face, with tf.data's names) has a `Node`, which knows how its elements are made
from those of the nodes before it. Elements are NumPy values throughout; what a user's function is
given is a NumPy subclass with `numpy()`.
"""

from fkeras.data.pipeline.dataset import Dataset as Dataset
from fkeras.data.pipeline.host_array import HostArray as HostArray
from fkeras.data.pipeline.iterators import DatasetIterator as DatasetIterator
from fkeras.data.pipeline.node import AUTOTUNE as AUTOTUNE
from fkeras.data.pipeline.node import INFINITE_CARDINALITY as INFINITE_CARDINALITY
from fkeras.data.pipeline.node import UNKNOWN_CARDINALITY as UNKNOWN_CARDINALITY
from fkeras.data.pipeline.tensor_spec import TensorSpec as TensorSpec
from fkeras.data.pipeline.text_lines import TextLineDataset as TextLineDataset
from fkeras.data.pipeline.text_lines import TFRecordDataset as TFRecordDataset
