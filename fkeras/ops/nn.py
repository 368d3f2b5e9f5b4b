"""`ops.nn`: what layers compute."""

from typing import TYPE_CHECKING

from fkeras.core import namespaces
from fkeras.ops.attention import dot_product_attention as dot_product_attention
from fkeras.ops.blocks import depth_to_space as depth_to_space
from fkeras.ops.blocks import fold as fold
from fkeras.ops.blocks import space_to_depth as space_to_depth
from fkeras.ops.blocks import unfold as unfold
from fkeras.ops.convolution import conv as conv
from fkeras.ops.convolution import conv_transpose as conv_transpose
from fkeras.ops.convolution import depthwise_conv as depthwise_conv
from fkeras.ops.convolution import separable_conv as separable_conv
from fkeras.ops.crossentropy import binary_crossentropy as binary_crossentropy
from fkeras.ops.crossentropy import categorical_crossentropy as categorical_crossentropy
from fkeras.ops.crossentropy import (
    sparse_categorical_crossentropy as sparse_categorical_crossentropy,
)
from fkeras.ops.ctc import ctc_decode as ctc_decode
from fkeras.ops.ctc import ctc_loss as ctc_loss
from fkeras.ops.encodings import multi_hot as multi_hot
from fkeras.ops.encodings import one_hot as one_hot
from fkeras.ops.image_filter import psnr as psnr
from fkeras.ops.math import polar as polar
from fkeras.ops.nonlinearities import celu as celu
from fkeras.ops.nonlinearities import elu as elu
from fkeras.ops.nonlinearities import gelu as gelu
from fkeras.ops.nonlinearities import glu as glu
from fkeras.ops.nonlinearities import hard_shrink as hard_shrink
from fkeras.ops.nonlinearities import hard_sigmoid as hard_sigmoid
from fkeras.ops.nonlinearities import hard_silu as hard_silu
from fkeras.ops.nonlinearities import hard_swish as hard_swish
from fkeras.ops.nonlinearities import hard_tanh as hard_tanh
from fkeras.ops.nonlinearities import leaky_relu as leaky_relu
from fkeras.ops.nonlinearities import log_sigmoid as log_sigmoid
from fkeras.ops.nonlinearities import log_softmax as log_softmax
from fkeras.ops.nonlinearities import relu as relu
from fkeras.ops.nonlinearities import relu6 as relu6
from fkeras.ops.nonlinearities import selu as selu
from fkeras.ops.nonlinearities import sigmoid as sigmoid
from fkeras.ops.nonlinearities import silu as silu
from fkeras.ops.nonlinearities import soft_shrink as soft_shrink
from fkeras.ops.nonlinearities import softmax as softmax
from fkeras.ops.nonlinearities import softplus as softplus
from fkeras.ops.nonlinearities import softsign as softsign
from fkeras.ops.nonlinearities import sparse_plus as sparse_plus
from fkeras.ops.nonlinearities import sparse_sigmoid as sparse_sigmoid
from fkeras.ops.nonlinearities import sparsemax as sparsemax
from fkeras.ops.nonlinearities import squareplus as squareplus
from fkeras.ops.nonlinearities import swish as swish
from fkeras.ops.nonlinearities import tanh_shrink as tanh_shrink
from fkeras.ops.nonlinearities import threshold as threshold
from fkeras.ops.normalization import batch_normalization as batch_normalization
from fkeras.ops.normalization import layer_normalization as layer_normalization
from fkeras.ops.normalization import moments as moments
from fkeras.ops.normalization import normalize as normalize
from fkeras.ops.normalization import rms_normalization as rms_normalization
from fkeras.ops.pooling import adaptive_average_pool as adaptive_average_pool
from fkeras.ops.pooling import adaptive_max_pool as adaptive_max_pool
from fkeras.ops.pooling import average_pool as average_pool
from fkeras.ops.pooling import max_pool as max_pool

if not TYPE_CHECKING:  # a checker must see that other names do not exist
    __getattr__, __dir__ = namespaces.of(__name__)
