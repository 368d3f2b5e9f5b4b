"""First values of weights, under Keras's names: a table of contents.

Names in small letters are the same classes.
"""

from typing import TYPE_CHECKING

from fkeras.core import namespaces
from fkeras.initializers.by_name import deserialize as deserialize
from fkeras.initializers.by_name import get as get
from fkeras.initializers.by_name import serialize as serialize
from fkeras.initializers.constants import Constant as Constant
from fkeras.initializers.constants import Identity as Identity
from fkeras.initializers.constants import Ones as Ones
from fkeras.initializers.constants import Zeros as Zeros
from fkeras.initializers.distributions import RandomNormal as RandomNormal
from fkeras.initializers.distributions import RandomUniform as RandomUniform
from fkeras.initializers.distributions import TruncatedNormal as TruncatedNormal
from fkeras.initializers.fourier import STFT as STFT
from fkeras.initializers.initializer import Initializer as Initializer
from fkeras.initializers.orthogonal_matrix import Orthogonal as Orthogonal
from fkeras.initializers.scaling import GlorotNormal as GlorotNormal
from fkeras.initializers.scaling import GlorotUniform as GlorotUniform
from fkeras.initializers.scaling import HeNormal as HeNormal
from fkeras.initializers.scaling import HeUniform as HeUniform
from fkeras.initializers.scaling import LecunNormal as LecunNormal
from fkeras.initializers.scaling import LecunUniform as LecunUniform
from fkeras.initializers.scaling import VarianceScaling as VarianceScaling

constant = Constant
identity = Identity
IdentityInitializer = Identity
ones = Ones
zeros = Zeros
random_normal = RandomNormal
random_uniform = RandomUniform
truncated_normal = TruncatedNormal
stft = STFT
STFTInitializer = STFT
orthogonal = Orthogonal
OrthogonalInitializer = Orthogonal
glorot_normal = GlorotNormal
glorot_uniform = GlorotUniform
he_normal = HeNormal
he_uniform = HeUniform
lecun_normal = LecunNormal
lecun_uniform = LecunUniform
variance_scaling = VarianceScaling

if not TYPE_CHECKING:  # a checker must see that other names do not exist
    __getattr__, __dir__ = namespaces.of(__name__)
