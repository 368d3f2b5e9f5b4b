"""Activation functions, and how they are found by name: a table of contents.

All but `linear` take any array-like of numbers.
"""

from typing import TYPE_CHECKING

from fkeras.activations.by_name import deserialize as deserialize
from fkeras.activations.by_name import get as get
from fkeras.activations.by_name import serialize as serialize
from fkeras.activations.functions import celu as celu
from fkeras.activations.functions import elu as elu
from fkeras.activations.functions import exponential as exponential
from fkeras.activations.functions import gelu as gelu
from fkeras.activations.functions import glu as glu
from fkeras.activations.functions import hard_shrink as hard_shrink
from fkeras.activations.functions import hard_sigmoid as hard_sigmoid
from fkeras.activations.functions import hard_silu as hard_silu
from fkeras.activations.functions import hard_silu as hard_swish
from fkeras.activations.functions import hard_tanh as hard_tanh
from fkeras.activations.functions import leaky_relu as leaky_relu
from fkeras.activations.functions import linear as linear
from fkeras.activations.functions import log_sigmoid as log_sigmoid
from fkeras.activations.functions import log_softmax as log_softmax
from fkeras.activations.functions import mish as mish
from fkeras.activations.functions import relu as relu
from fkeras.activations.functions import relu6 as relu6
from fkeras.activations.functions import selu as selu
from fkeras.activations.functions import sigmoid as sigmoid
from fkeras.activations.functions import silu as silu
from fkeras.activations.functions import silu as swish
from fkeras.activations.functions import soft_shrink as soft_shrink
from fkeras.activations.functions import softmax as softmax
from fkeras.activations.functions import softplus as softplus
from fkeras.activations.functions import softsign as softsign
from fkeras.activations.functions import sparse_plus as sparse_plus
from fkeras.activations.functions import sparse_sigmoid as sparse_sigmoid
from fkeras.activations.functions import sparsemax as sparsemax
from fkeras.activations.functions import squareplus as squareplus
from fkeras.activations.functions import tanh as tanh
from fkeras.activations.functions import tanh_shrink as tanh_shrink
from fkeras.activations.functions import threshold as threshold
from fkeras.core import namespaces

if not TYPE_CHECKING:  # a checker must see that other names do not exist
    __getattr__, __dir__ = namespaces.of(__name__)
