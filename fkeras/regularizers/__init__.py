"""Penalties on weights and outputs, under Keras's names: a table of contents.

Names in small letters are the same classes.
"""

from typing import TYPE_CHECKING

from fkeras.core import namespaces
from fkeras.regularizers.by_name import deserialize as deserialize
from fkeras.regularizers.by_name import get as get
from fkeras.regularizers.by_name import serialize as serialize
from fkeras.regularizers.penalties import L1 as L1
from fkeras.regularizers.penalties import L1L2 as L1L2
from fkeras.regularizers.penalties import L2 as L2
from fkeras.regularizers.penalties import OrthogonalRegularizer as OrthogonalRegularizer
from fkeras.regularizers.regularizer import Regularizer as Regularizer

l1 = L1
l2 = L2
l1_l2 = L1L2
orthogonal_regularizer = OrthogonalRegularizer

if not TYPE_CHECKING:  # a checker must see that other names do not exist
    __getattr__, __dir__ = namespaces.of(__name__)
