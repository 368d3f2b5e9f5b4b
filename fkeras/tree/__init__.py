"""Nested structures: lists, tuples, namedtuples, deques and dicts with leaves in them.

None is a leaf; subclasses of these are too.
"""

from typing import TYPE_CHECKING

from fkeras.core import namespaces
from fkeras.tree.comparison import assert_same_paths as assert_same_paths
from fkeras.tree.comparison import assert_same_structure as assert_same_structure
from fkeras.tree.flattening import flatten as flatten
from fkeras.tree.flattening import flatten_with_path as flatten_with_path
from fkeras.tree.flattening import pack_sequence_as as pack_sequence_as
from fkeras.tree.mapping import MAP_TO_NONE as MAP_TO_NONE
from fkeras.tree.mapping import lists_to_tuples as lists_to_tuples
from fkeras.tree.mapping import map_shape_structure as map_shape_structure
from fkeras.tree.mapping import map_structure as map_structure
from fkeras.tree.mapping import map_structure_up_to as map_structure_up_to
from fkeras.tree.mapping import traverse as traverse
from fkeras.tree.nodes import is_nested as is_nested
from fkeras.tree.selection import combine as combine
from fkeras.tree.selection import partition as partition
from fkeras.tree.selection import path_labels as path_labels
from fkeras.tree.selection import path_mask as path_mask

if not TYPE_CHECKING:  # a checker must see that other names do not exist
    __getattr__, __dir__ = namespaces.of(__name__)
