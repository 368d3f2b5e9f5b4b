"""The array functions of Keras 2's backend (`K.mean`, `K.clip`, `K.dot`, ...), for losses and
layers in older scripts.

Arguments and results are those of Keras 2 where they differ from `fkeras.ops`: axes that default to
the last, `sqrt` that clips at zero, `hard_sigmoid` with slope 0.2.
"""

from fkeras import ops
from fkeras.core.settings import epsilon as epsilon
from fkeras.core.settings import floatx as floatx
from fkeras.core.settings import image_data_format as image_data_format
from fkeras.keras2.arithmetic import argmax as argmax
from fkeras.keras2.arithmetic import argmin as argmin
from fkeras.keras2.arithmetic import clip as clip
from fkeras.keras2.arithmetic import cumprod as cumprod
from fkeras.keras2.arithmetic import cumsum as cumsum
from fkeras.keras2.arithmetic import elu as elu
from fkeras.keras2.arithmetic import hard_sigmoid as hard_sigmoid
from fkeras.keras2.arithmetic import identity as identity
from fkeras.keras2.arithmetic import in_top_k as in_top_k
from fkeras.keras2.arithmetic import l2_normalize as l2_normalize
from fkeras.keras2.arithmetic import print_tensor as print_tensor
from fkeras.keras2.arithmetic import relu as relu
from fkeras.keras2.arithmetic import sqrt as sqrt
from fkeras.keras2.choices import map_fn as map_fn
from fkeras.keras2.choices import stop_gradient as stop_gradient
from fkeras.keras2.choices import switch as switch
from fkeras.keras2.convolutions import batch_normalization as batch_normalization
from fkeras.keras2.convolutions import conv1d as conv1d
from fkeras.keras2.convolutions import conv2d as conv2d
from fkeras.keras2.convolutions import conv2d_transpose as conv2d_transpose
from fkeras.keras2.convolutions import conv3d as conv3d
from fkeras.keras2.convolutions import depthwise_conv2d as depthwise_conv2d
from fkeras.keras2.convolutions import pool2d as pool2d
from fkeras.keras2.convolutions import pool3d as pool3d
from fkeras.keras2.convolutions import resize_images as resize_images
from fkeras.keras2.convolutions import resize_volumes as resize_volumes
from fkeras.keras2.convolutions import separable_conv2d as separable_conv2d
from fkeras.keras2.loops import foldl as foldl
from fkeras.keras2.loops import foldr as foldr
from fkeras.keras2.loops import rnn as rnn
from fkeras.keras2.losses import binary_crossentropy as binary_crossentropy
from fkeras.keras2.losses import binary_focal_crossentropy as binary_focal_crossentropy
from fkeras.keras2.losses import categorical_crossentropy as categorical_crossentropy
from fkeras.keras2.losses import categorical_focal_crossentropy as categorical_focal_crossentropy
from fkeras.keras2.losses import ctc_batch_cost as ctc_batch_cost
from fkeras.keras2.losses import ctc_decode as ctc_decode
from fkeras.keras2.losses import ctc_label_dense_to_sparse as ctc_label_dense_to_sparse
from fkeras.keras2.losses import sparse_categorical_crossentropy as sparse_categorical_crossentropy
from fkeras.keras2.products import batch_dot as batch_dot
from fkeras.keras2.products import dot as dot
from fkeras.keras2.random_numbers import dropout as dropout
from fkeras.keras2.random_numbers import random_bernoulli as random_bernoulli
from fkeras.keras2.random_numbers import random_binomial as random_binomial
from fkeras.keras2.random_numbers import random_normal as random_normal
from fkeras.keras2.random_numbers import random_normal_variable as random_normal_variable
from fkeras.keras2.random_numbers import random_uniform as random_uniform
from fkeras.keras2.random_numbers import random_uniform_variable as random_uniform_variable
from fkeras.keras2.random_numbers import truncated_normal as truncated_normal
from fkeras.keras2.sessions import get_session as get_session
from fkeras.keras2.sessions import get_variable_shape as get_variable_shape
from fkeras.keras2.sessions import image_dim_ordering as image_dim_ordering
from fkeras.keras2.sessions import is_tensor as is_tensor
from fkeras.keras2.sessions import is_variable as is_variable
from fkeras.keras2.sessions import manual_variable_initialization as manual_variable_initialization
from fkeras.keras2.sessions import reset_uids as reset_uids
from fkeras.keras2.sessions import set_image_dim_ordering as set_image_dim_ordering
from fkeras.keras2.sessions import set_session as set_session
from fkeras.keras2.shapes import batch_flatten as batch_flatten
from fkeras.keras2.shapes import bias_add as bias_add
from fkeras.keras2.shapes import cast as cast
from fkeras.keras2.shapes import concatenate as concatenate
from fkeras.keras2.shapes import expand_dims as expand_dims
from fkeras.keras2.shapes import flatten as flatten
from fkeras.keras2.shapes import gather as gather
from fkeras.keras2.shapes import one_hot as one_hot
from fkeras.keras2.shapes import repeat as repeat
from fkeras.keras2.shapes import repeat_elements as repeat_elements
from fkeras.keras2.shapes import shape as shape
from fkeras.keras2.shapes import slice as slice
from fkeras.keras2.shapes import spatial_2d_padding as spatial_2d_padding
from fkeras.keras2.shapes import spatial_3d_padding as spatial_3d_padding
from fkeras.keras2.shapes import temporal_padding as temporal_padding
from fkeras.keras2.variables import arange as arange
from fkeras.keras2.variables import batch_get_value as batch_get_value
from fkeras.keras2.variables import batch_set_value as batch_set_value
from fkeras.keras2.variables import cast_to_floatx as cast_to_floatx
from fkeras.keras2.variables import constant as constant
from fkeras.keras2.variables import count_params as count_params
from fkeras.keras2.variables import dtype as dtype
from fkeras.keras2.variables import eval as eval
from fkeras.keras2.variables import eye as eye
from fkeras.keras2.variables import get_value as get_value
from fkeras.keras2.variables import moving_average_update as moving_average_update
from fkeras.keras2.variables import ones as ones
from fkeras.keras2.variables import set_value as set_value
from fkeras.keras2.variables import update as update
from fkeras.keras2.variables import update_add as update_add
from fkeras.keras2.variables import update_sub as update_sub
from fkeras.keras2.variables import variable as variable
from fkeras.keras2.variables import zeros as zeros
from fkeras.layers.base.learning_phase import in_test_phase as in_test_phase
from fkeras.layers.base.learning_phase import in_train_phase as in_train_phase
from fkeras.layers.base.learning_phase import learning_phase as learning_phase
from fkeras.layers.base.learning_phase import set_learning_phase as set_learning_phase
from fkeras.models.backend_function import function as function
from fkeras.models.backend_function import is_placeholder as is_placeholder
from fkeras.models.backend_function import placeholder as placeholder
from fkeras.models.gradients import gradients as gradients
from fkeras.ops import abs as abs
from fkeras.ops import all as all
from fkeras.ops import any as any
from fkeras.ops import cos as cos
from fkeras.ops import equal as equal
from fkeras.ops import exp as exp
from fkeras.ops import greater as greater
from fkeras.ops import greater_equal as greater_equal
from fkeras.ops import less as less
from fkeras.ops import less_equal as less_equal
from fkeras.ops import log as log
from fkeras.ops import logsumexp as logsumexp
from fkeras.ops import max as max
from fkeras.ops import maximum as maximum
from fkeras.ops import mean as mean
from fkeras.ops import min as min
from fkeras.ops import minimum as minimum
from fkeras.ops import ndim as ndim
from fkeras.ops import not_equal as not_equal
from fkeras.ops import ones_like as ones_like
from fkeras.ops import prod as prod
from fkeras.ops import reshape as reshape
from fkeras.ops import round as round
from fkeras.ops import sigmoid as sigmoid
from fkeras.ops import sign as sign
from fkeras.ops import sin as sin
from fkeras.ops import softmax as softmax
from fkeras.ops import softplus as softplus
from fkeras.ops import softsign as softsign
from fkeras.ops import sparse as _sparse
from fkeras.ops import square as square
from fkeras.ops import squeeze as squeeze
from fkeras.ops import stack as stack
from fkeras.ops import std as std
from fkeras.ops import sum as sum
from fkeras.ops import tanh as tanh
from fkeras.ops import tile as tile
from fkeras.ops import transpose as transpose
from fkeras.ops import var as var
from fkeras.ops import zeros_like as zeros_like

int_shape = ops.shape
is_sparse = _sparse.is_sparse
permute_dimensions = ops.transpose
pow = ops.power
reverse = ops.flip
to_dense = _sparse.dense
