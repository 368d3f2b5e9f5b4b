"""What training makes small, under Keras's names. A table of contents.

Functions give one loss per example, classes one number.
"""

from typing import TYPE_CHECKING

from fkeras.core import namespaces
from fkeras.losses.by_name import deserialize as deserialize
from fkeras.losses.by_name import get as get
from fkeras.losses.by_name import serialize as serialize
from fkeras.losses.crossentropy import BinaryCrossentropy as BinaryCrossentropy
from fkeras.losses.crossentropy import CategoricalCrossentropy as CategoricalCrossentropy
from fkeras.losses.crossentropy import (
    CategoricalGeneralizedCrossEntropy as CategoricalGeneralizedCrossEntropy,
)
from fkeras.losses.crossentropy import (
    SparseCategoricalCrossentropy as SparseCategoricalCrossentropy,
)
from fkeras.losses.crossentropy import binary_crossentropy as binary_crossentropy
from fkeras.losses.crossentropy import categorical_crossentropy as categorical_crossentropy
from fkeras.losses.crossentropy import (
    categorical_generalized_cross_entropy as categorical_generalized_cross_entropy,
)
from fkeras.losses.crossentropy import (
    sparse_categorical_crossentropy as sparse_categorical_crossentropy,
)
from fkeras.losses.divergence import KLDivergence as KLDivergence
from fkeras.losses.divergence import Poisson as Poisson
from fkeras.losses.divergence import kl_divergence as kl_divergence
from fkeras.losses.divergence import poisson as poisson
from fkeras.losses.embedding import Circle as Circle
from fkeras.losses.embedding import circle as circle
from fkeras.losses.focal import BinaryFocalCrossentropy as BinaryFocalCrossentropy
from fkeras.losses.focal import CategoricalFocalCrossentropy as CategoricalFocalCrossentropy
from fkeras.losses.focal import binary_focal_crossentropy as binary_focal_crossentropy
from fkeras.losses.focal import (
    categorical_focal_crossentropy as categorical_focal_crossentropy,
)
from fkeras.losses.loss import Loss as Loss
from fkeras.losses.loss import LossFunctionWrapper as LossFunctionWrapper
from fkeras.losses.margin import CategoricalHinge as CategoricalHinge
from fkeras.losses.margin import Hinge as Hinge
from fkeras.losses.margin import SquaredHinge as SquaredHinge
from fkeras.losses.margin import categorical_hinge as categorical_hinge
from fkeras.losses.margin import hinge as hinge
from fkeras.losses.margin import squared_hinge as squared_hinge
from fkeras.losses.overlap import Dice as Dice
from fkeras.losses.overlap import Tversky as Tversky
from fkeras.losses.overlap import dice as dice
from fkeras.losses.overlap import tversky as tversky
from fkeras.losses.regression import CosineSimilarity as CosineSimilarity
from fkeras.losses.regression import Huber as Huber
from fkeras.losses.regression import LogCosh as LogCosh
from fkeras.losses.regression import MeanAbsoluteError as MeanAbsoluteError
from fkeras.losses.regression import MeanAbsolutePercentageError as MeanAbsolutePercentageError
from fkeras.losses.regression import MeanSquaredError as MeanSquaredError
from fkeras.losses.regression import MeanSquaredLogarithmicError as MeanSquaredLogarithmicError
from fkeras.losses.regression import cosine_similarity as cosine_similarity
from fkeras.losses.regression import huber as huber
from fkeras.losses.regression import log_cosh as log_cosh
from fkeras.losses.regression import mean_absolute_error as mean_absolute_error
from fkeras.losses.regression import (
    mean_absolute_percentage_error as mean_absolute_percentage_error,
)
from fkeras.losses.regression import mean_squared_error as mean_squared_error
from fkeras.losses.regression import (
    mean_squared_logarithmic_error as mean_squared_logarithmic_error,
)
from fkeras.losses.sequence import CTC as CTC
from fkeras.losses.sequence import ctc as ctc

if not TYPE_CHECKING:  # a checker must see that other names do not exist
    __getattr__, __dir__ = namespaces.of(__name__)
