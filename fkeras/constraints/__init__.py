"""Projections of weights, under Keras's names: a table of contents.

Names in small letters are the same classes.
"""

from typing import TYPE_CHECKING

from fkeras.constraints.by_name import deserialize as deserialize
from fkeras.constraints.by_name import get as get
from fkeras.constraints.by_name import serialize as serialize
from fkeras.constraints.constraint import Constraint as Constraint
from fkeras.constraints.norms import MaxNorm as MaxNorm
from fkeras.constraints.norms import MinMaxNorm as MinMaxNorm
from fkeras.constraints.norms import NonNeg as NonNeg
from fkeras.constraints.norms import UnitNorm as UnitNorm
from fkeras.core import namespaces

max_norm = MaxNorm
min_max_norm = MinMaxNorm
non_neg = NonNeg
unit_norm = UnitNorm

if not TYPE_CHECKING:  # a checker must see that other names do not exist
    __getattr__, __dir__ = namespaces.of(__name__)
