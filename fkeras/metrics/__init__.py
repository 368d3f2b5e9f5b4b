"""What training reports, under Keras's names. A table of contents."""

from typing import TYPE_CHECKING

from fkeras.core import namespaces
from fkeras.losses.crossentropy import binary_crossentropy as binary_crossentropy
from fkeras.losses.crossentropy import categorical_crossentropy as categorical_crossentropy
from fkeras.losses.crossentropy import (
    sparse_categorical_crossentropy as sparse_categorical_crossentropy,
)
from fkeras.losses.divergence import kl_divergence as kl_divergence
from fkeras.losses.divergence import poisson as poisson
from fkeras.losses.focal import binary_focal_crossentropy as binary_focal_crossentropy
from fkeras.losses.focal import (
    categorical_focal_crossentropy as categorical_focal_crossentropy,
)
from fkeras.losses.margin import categorical_hinge as categorical_hinge
from fkeras.losses.margin import hinge as hinge
from fkeras.losses.margin import squared_hinge as squared_hinge
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
from fkeras.metrics.accuracy import Accuracy as Accuracy
from fkeras.metrics.accuracy import BinaryAccuracy as BinaryAccuracy
from fkeras.metrics.accuracy import CategoricalAccuracy as CategoricalAccuracy
from fkeras.metrics.accuracy import SparseCategoricalAccuracy as SparseCategoricalAccuracy
from fkeras.metrics.accuracy import SparseTopKCategoricalAccuracy as SparseTopKCategoricalAccuracy
from fkeras.metrics.accuracy import TopKCategoricalAccuracy as TopKCategoricalAccuracy
from fkeras.metrics.accuracy import binary_accuracy as binary_accuracy
from fkeras.metrics.accuracy import categorical_accuracy as categorical_accuracy
from fkeras.metrics.accuracy import sparse_categorical_accuracy as sparse_categorical_accuracy
from fkeras.metrics.accuracy import (
    sparse_top_k_categorical_accuracy as sparse_top_k_categorical_accuracy,
)
from fkeras.metrics.accuracy import top_k_categorical_accuracy as top_k_categorical_accuracy
from fkeras.metrics.auc import AUC as AUC
from fkeras.metrics.by_name import deserialize as deserialize
from fkeras.metrics.by_name import get as get
from fkeras.metrics.by_name import serialize as serialize
from fkeras.metrics.confusion import FalseNegatives as FalseNegatives
from fkeras.metrics.confusion import FalsePositives as FalsePositives
from fkeras.metrics.confusion import Precision as Precision
from fkeras.metrics.confusion import Recall as Recall
from fkeras.metrics.confusion import TrueNegatives as TrueNegatives
from fkeras.metrics.confusion import TruePositives as TruePositives
from fkeras.metrics.correlation import ConcordanceCorrelation as ConcordanceCorrelation
from fkeras.metrics.correlation import PearsonCorrelation as PearsonCorrelation
from fkeras.metrics.correlation import concordance_correlation as concordance_correlation
from fkeras.metrics.correlation import pearson_correlation as pearson_correlation
from fkeras.metrics.crossentropy import BinaryCrossentropy as BinaryCrossentropy
from fkeras.metrics.crossentropy import CategoricalCrossentropy as CategoricalCrossentropy
from fkeras.metrics.crossentropy import KLDivergence as KLDivergence
from fkeras.metrics.crossentropy import Poisson as Poisson
from fkeras.metrics.crossentropy import (
    SparseCategoricalCrossentropy as SparseCategoricalCrossentropy,
)
from fkeras.metrics.f_score import F1Score as F1Score
from fkeras.metrics.f_score import FBetaScore as FBetaScore
from fkeras.metrics.iou import BinaryIoU as BinaryIoU
from fkeras.metrics.iou import IoU as IoU
from fkeras.metrics.iou import MeanIoU as MeanIoU
from fkeras.metrics.iou import OneHotIoU as OneHotIoU
from fkeras.metrics.iou import OneHotMeanIoU as OneHotMeanIoU
from fkeras.metrics.margin import CategoricalHinge as CategoricalHinge
from fkeras.metrics.margin import Hinge as Hinge
from fkeras.metrics.margin import SquaredHinge as SquaredHinge
from fkeras.metrics.metric import Metric as Metric
from fkeras.metrics.operating_point import PrecisionAtRecall as PrecisionAtRecall
from fkeras.metrics.operating_point import RecallAtPrecision as RecallAtPrecision
from fkeras.metrics.operating_point import SensitivityAtSpecificity as SensitivityAtSpecificity
from fkeras.metrics.operating_point import SpecificityAtSensitivity as SpecificityAtSensitivity
from fkeras.metrics.r2_score import R2Score as R2Score
from fkeras.metrics.reduction import Mean as Mean
from fkeras.metrics.reduction import MeanMetricWrapper as MeanMetricWrapper
from fkeras.metrics.reduction import Sum as Sum
from fkeras.metrics.regression import CosineSimilarity as CosineSimilarity
from fkeras.metrics.regression import LogCoshError as LogCoshError
from fkeras.metrics.regression import MeanAbsoluteError as MeanAbsoluteError
from fkeras.metrics.regression import MeanAbsolutePercentageError as MeanAbsolutePercentageError
from fkeras.metrics.regression import MeanSquaredError as MeanSquaredError
from fkeras.metrics.regression import MeanSquaredLogarithmicError as MeanSquaredLogarithmicError
from fkeras.metrics.regression import RootMeanSquaredError as RootMeanSquaredError

if not TYPE_CHECKING:  # a checker must see that other names do not exist
    __getattr__, __dir__ = namespaces.of(__name__)
