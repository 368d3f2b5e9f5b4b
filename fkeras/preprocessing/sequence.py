"""`keras.preprocessing.sequence`: windows, pairs, padding. A table of contents."""

from typing import TYPE_CHECKING

from fkeras.core import namespaces
from fkeras.data import pad_sequences as pad_sequences
from fkeras.data.timeseries_generator import TimeseriesGenerator as TimeseriesGenerator
from fkeras.data.word_pairs import make_sampling_table as make_sampling_table
from fkeras.data.word_pairs import skipgrams as skipgrams

if not TYPE_CHECKING:  # a checker must see that other names do not exist
    __getattr__, __dir__ = namespaces.of(__name__)
