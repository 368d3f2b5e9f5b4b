"""Formats: each turns a `ModelRecord` into bytes and back. A table of contents."""

from fkeras.saving.formats.by_suffix import UNZIPPED as UNZIPPED
from fkeras.saving.formats.by_suffix import format_at as format_at
from fkeras.saving.formats.by_suffix import format_for as format_for
from fkeras.saving.formats.by_suffix import read_at as read_at
from fkeras.saving.formats.format import Format as Format
from fkeras.saving.formats.hdf5 import WeightsFile as WeightsFile
from fkeras.saving.formats.sharded_hdf5 import ShardedWeights as ShardedWeights
