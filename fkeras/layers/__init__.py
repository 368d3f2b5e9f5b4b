"""Layers: what models are made of. Each is a `Layer`, callable as an object and, by `init` and
`apply`, as a pure function.
"""

from typing import TYPE_CHECKING

from fkeras.core import namespaces
from fkeras.core.config import registry
from fkeras.layers.activations.activation import Activation as Activation
from fkeras.layers.activations.relu import ELU as ELU
from fkeras.layers.activations.relu import LeakyReLU as LeakyReLU
from fkeras.layers.activations.relu import PReLU as PReLU
from fkeras.layers.activations.relu import ReLU as ReLU
from fkeras.layers.activations.softmax import Softmax as Softmax
from fkeras.layers.attention.attention import AdditiveAttention as AdditiveAttention
from fkeras.layers.attention.attention import Attention as Attention
from fkeras.layers.attention.grouped_query_attention import (
    GroupedQueryAttention as GroupedQueryAttention,
)
from fkeras.layers.attention.multi_head_attention import MultiHeadAttention as MultiHeadAttention
from fkeras.layers.audio.mel_spectrogram import MelSpectrogram as MelSpectrogram
from fkeras.layers.audio.stft_spectrogram import STFTSpectrogram as STFTSpectrogram
from fkeras.layers.base.input_spec import InputSpec as InputSpec
from fkeras.layers.base.layer import Layer as Layer
from fkeras.layers.by_name import deserialize as deserialize
from fkeras.layers.by_name import serialize as serialize
from fkeras.layers.convolutional.conv import Conv1D as Conv1D
from fkeras.layers.convolutional.conv import Conv2D as Conv2D
from fkeras.layers.convolutional.conv import Conv3D as Conv3D
from fkeras.layers.convolutional.conv_transpose import Conv1DTranspose as Conv1DTranspose
from fkeras.layers.convolutional.conv_transpose import Conv2DTranspose as Conv2DTranspose
from fkeras.layers.convolutional.conv_transpose import Conv3DTranspose as Conv3DTranspose
from fkeras.layers.convolutional.depthwise_conv import DepthwiseConv1D as DepthwiseConv1D
from fkeras.layers.convolutional.depthwise_conv import DepthwiseConv2D as DepthwiseConv2D
from fkeras.layers.convolutional.separable_conv import SeparableConv1D as SeparableConv1D
from fkeras.layers.convolutional.separable_conv import SeparableConv2D as SeparableConv2D
from fkeras.layers.core.dense import Dense as Dense
from fkeras.layers.core.einsum_dense import EinsumDense as EinsumDense
from fkeras.layers.core.embedding import Embedding as Embedding
from fkeras.layers.core.embedding import ReversibleEmbedding as ReversibleEmbedding
from fkeras.layers.core.identity import Identity as Identity
from fkeras.layers.core.input_layer import Input as Input
from fkeras.layers.core.input_layer import InputLayer as InputLayer
from fkeras.layers.core.lambda_layer import Lambda as Lambda
from fkeras.layers.core.masking import Masking as Masking
from fkeras.layers.core.repeat import Repeat as Repeat
from fkeras.layers.core.ternary_dense import TernaryDense as TernaryDense
from fkeras.layers.core.wrapper import Wrapper as Wrapper
from fkeras.layers.foreign.flax_layer import FlaxLayer as FlaxLayer
from fkeras.layers.foreign.jax_layer import JaxLayer as JaxLayer

# Dropped by Keras 3; `core/former_names.py` lists them.
from fkeras.layers.former import dense_of_keras1 as _dense_of_keras1
from fkeras.layers.former import locally_connected as _locally_connected
from fkeras.layers.former import random_size as _random_size
from fkeras.layers.former import thresholded_relu as _thresholded_relu
from fkeras.layers.merging.concatenate import Concatenate as Concatenate
from fkeras.layers.merging.concatenate import concatenate as concatenate
from fkeras.layers.merging.dot import Dot as Dot
from fkeras.layers.merging.dot import dot as dot
from fkeras.layers.merging.elementwise import Add as Add
from fkeras.layers.merging.elementwise import Average as Average
from fkeras.layers.merging.elementwise import Maximum as Maximum
from fkeras.layers.merging.elementwise import Minimum as Minimum
from fkeras.layers.merging.elementwise import Multiply as Multiply
from fkeras.layers.merging.elementwise import Subtract as Subtract
from fkeras.layers.merging.elementwise import add as add
from fkeras.layers.merging.elementwise import average as average
from fkeras.layers.merging.elementwise import maximum as maximum
from fkeras.layers.merging.elementwise import minimum as minimum
from fkeras.layers.merging.elementwise import multiply as multiply
from fkeras.layers.merging.elementwise import subtract as subtract
from fkeras.layers.normalization.batch_normalization import BatchNormalization as BatchNormalization
from fkeras.layers.normalization.group_normalization import GroupNormalization as GroupNormalization
from fkeras.layers.normalization.layer_normalization import LayerNormalization as LayerNormalization
from fkeras.layers.normalization.rms_normalization import RMSNormalization as RMSNormalization
from fkeras.layers.normalization.spectral_normalization import (
    SpectralNormalization as SpectralNormalization,
)
from fkeras.layers.normalization.unit_normalization import UnitNormalization as UnitNormalization
from fkeras.layers.pooling.adaptive_pooling import (
    AdaptiveAveragePooling1D as AdaptiveAveragePooling1D,
)
from fkeras.layers.pooling.adaptive_pooling import (
    AdaptiveAveragePooling2D as AdaptiveAveragePooling2D,
)
from fkeras.layers.pooling.adaptive_pooling import (
    AdaptiveAveragePooling3D as AdaptiveAveragePooling3D,
)
from fkeras.layers.pooling.adaptive_pooling import AdaptiveMaxPooling1D as AdaptiveMaxPooling1D
from fkeras.layers.pooling.adaptive_pooling import AdaptiveMaxPooling2D as AdaptiveMaxPooling2D
from fkeras.layers.pooling.adaptive_pooling import AdaptiveMaxPooling3D as AdaptiveMaxPooling3D
from fkeras.layers.pooling.global_pooling import GlobalAveragePooling1D as GlobalAveragePooling1D
from fkeras.layers.pooling.global_pooling import GlobalAveragePooling2D as GlobalAveragePooling2D
from fkeras.layers.pooling.global_pooling import GlobalAveragePooling3D as GlobalAveragePooling3D
from fkeras.layers.pooling.global_pooling import GlobalMaxPooling1D as GlobalMaxPooling1D
from fkeras.layers.pooling.global_pooling import GlobalMaxPooling2D as GlobalMaxPooling2D
from fkeras.layers.pooling.global_pooling import GlobalMaxPooling3D as GlobalMaxPooling3D
from fkeras.layers.pooling.pooling import AveragePooling1D as AveragePooling1D
from fkeras.layers.pooling.pooling import AveragePooling2D as AveragePooling2D
from fkeras.layers.pooling.pooling import AveragePooling3D as AveragePooling3D
from fkeras.layers.pooling.pooling import MaxPooling1D as MaxPooling1D
from fkeras.layers.pooling.pooling import MaxPooling2D as MaxPooling2D
from fkeras.layers.pooling.pooling import MaxPooling3D as MaxPooling3D
from fkeras.layers.preprocessing.category_encoding import CategoryEncoding as CategoryEncoding
from fkeras.layers.preprocessing.discretization import Discretization as Discretization
from fkeras.layers.preprocessing.hashed_crossing import HashedCrossing as HashedCrossing
from fkeras.layers.preprocessing.hashing import Hashing as Hashing
from fkeras.layers.preprocessing.host_layer import HostLayer as HostLayer
from fkeras.layers.preprocessing.images.aug_mix import AugMix as AugMix
from fkeras.layers.preprocessing.images.center_crop import CenterCrop as CenterCrop
from fkeras.layers.preprocessing.images.equalizing import AutoContrast as AutoContrast
from fkeras.layers.preprocessing.images.equalizing import (
    ContrastLimitedAdaptiveHistogramEqualization as ContrastLimitedAdaptiveHistogramEqualization,
)
from fkeras.layers.preprocessing.images.equalizing import Equalization as Equalization
from fkeras.layers.preprocessing.images.grays import (
    RandomColorDegeneration as RandomColorDegeneration,
)
from fkeras.layers.preprocessing.images.grays import RandomGrayscale as RandomGrayscale
from fkeras.layers.preprocessing.images.hues import RandomHue as RandomHue
from fkeras.layers.preprocessing.images.hues import RandomSaturation as RandomSaturation
from fkeras.layers.preprocessing.images.lightness import RandomBrightness as RandomBrightness
from fkeras.layers.preprocessing.images.lightness import RandomContrast as RandomContrast
from fkeras.layers.preprocessing.images.max_num_bounding_boxes import (
    MaxNumBoundingBoxes as MaxNumBoundingBoxes,
)
from fkeras.layers.preprocessing.images.mixing import CutMix as CutMix
from fkeras.layers.preprocessing.images.mixing import MixUp as MixUp
from fkeras.layers.preprocessing.images.rand_augment import RandAugment as RandAugment
from fkeras.layers.preprocessing.images.random_color_jitter import (
    RandomColorJitter as RandomColorJitter,
)
from fkeras.layers.preprocessing.images.random_crop import RandomCrop as RandomCrop
from fkeras.layers.preprocessing.images.random_elastic_transform import (
    RandomElasticTransform as RandomElasticTransform,
)
from fkeras.layers.preprocessing.images.random_erasing import RandomErasing as RandomErasing
from fkeras.layers.preprocessing.images.random_flip import RandomFlip as RandomFlip
from fkeras.layers.preprocessing.images.random_perspective import (
    RandomPerspective as RandomPerspective,
)
from fkeras.layers.preprocessing.images.random_rotation import RandomRotation as RandomRotation
from fkeras.layers.preprocessing.images.random_shear import RandomShear as RandomShear
from fkeras.layers.preprocessing.images.random_translation import (
    RandomTranslation as RandomTranslation,
)
from fkeras.layers.preprocessing.images.random_zoom import RandomZoom as RandomZoom
from fkeras.layers.preprocessing.images.resizing import Resizing as Resizing
from fkeras.layers.preprocessing.images.sharpness import RandomGaussianBlur as RandomGaussianBlur
from fkeras.layers.preprocessing.images.sharpness import RandomSharpness as RandomSharpness
from fkeras.layers.preprocessing.images.tones import RandomInvert as RandomInvert
from fkeras.layers.preprocessing.images.tones import RandomPosterization as RandomPosterization
from fkeras.layers.preprocessing.images.tones import Solarization as Solarization
from fkeras.layers.preprocessing.integer_lookup import IntegerLookup as IntegerLookup
from fkeras.layers.preprocessing.normalization import Normalization as Normalization

# Inside of models that cross columns; it has no public name.
from fkeras.layers.preprocessing.pipeline import Pipeline as Pipeline
from fkeras.layers.preprocessing.rescaling import Rescaling as Rescaling
from fkeras.layers.preprocessing.string_lookup import StringLookup as StringLookup
from fkeras.layers.preprocessing.text_vectorization import TextVectorization as TextVectorization
from fkeras.layers.regularization.activity_regularization import (
    ActivityRegularization as ActivityRegularization,
)
from fkeras.layers.regularization.alpha_dropout import AlphaDropout as AlphaDropout
from fkeras.layers.regularization.dropout import Dropout as Dropout
from fkeras.layers.regularization.dropout import SpatialDropout1D as SpatialDropout1D
from fkeras.layers.regularization.dropout import SpatialDropout2D as SpatialDropout2D
from fkeras.layers.regularization.dropout import SpatialDropout3D as SpatialDropout3D
from fkeras.layers.regularization.noise import GaussianDropout as GaussianDropout
from fkeras.layers.regularization.noise import GaussianNoise as GaussianNoise
from fkeras.layers.reshaping.cropping import Cropping1D as Cropping1D
from fkeras.layers.reshaping.cropping import Cropping2D as Cropping2D
from fkeras.layers.reshaping.cropping import Cropping3D as Cropping3D
from fkeras.layers.reshaping.flatten import Flatten as Flatten
from fkeras.layers.reshaping.permute import Permute as Permute
from fkeras.layers.reshaping.repeat_vector import RepeatVector as RepeatVector
from fkeras.layers.reshaping.reshape import Reshape as Reshape
from fkeras.layers.reshaping.up_sampling import UpSampling1D as UpSampling1D
from fkeras.layers.reshaping.up_sampling import UpSampling2D as UpSampling2D
from fkeras.layers.reshaping.up_sampling import UpSampling3D as UpSampling3D
from fkeras.layers.reshaping.zero_padding import ZeroPadding1D as ZeroPadding1D
from fkeras.layers.reshaping.zero_padding import ZeroPadding2D as ZeroPadding2D
from fkeras.layers.reshaping.zero_padding import ZeroPadding3D as ZeroPadding3D
from fkeras.layers.rnn.bidirectional import Bidirectional as Bidirectional
from fkeras.layers.rnn.conv_lstm import ConvLSTM1D as ConvLSTM1D
from fkeras.layers.rnn.conv_lstm import ConvLSTM2D as ConvLSTM2D
from fkeras.layers.rnn.conv_lstm import ConvLSTM3D as ConvLSTM3D
from fkeras.layers.rnn.gru import GRU as GRU
from fkeras.layers.rnn.gru import GRUCell as GRUCell
from fkeras.layers.rnn.lstm import LSTM as LSTM
from fkeras.layers.rnn.lstm import LSTMCell as LSTMCell
from fkeras.layers.rnn.rnn import RNN as RNN
from fkeras.layers.rnn.simple_rnn import SimpleRNN as SimpleRNN
from fkeras.layers.rnn.simple_rnn import SimpleRNNCell as SimpleRNNCell
from fkeras.layers.rnn.stacked_rnn_cells import StackedRNNCells as StackedRNNCells
from fkeras.layers.rnn.time_distributed import TimeDistributed as TimeDistributed

# Keras's other names.
AvgPool1D = AveragePooling1D
AvgPool2D = AveragePooling2D
AvgPool3D = AveragePooling3D
Convolution1D = Conv1D
Convolution1DTranspose = Conv1DTranspose
Convolution2D = Conv2D
Convolution2DTranspose = Conv2DTranspose
Convolution3D = Conv3D
Convolution3DTranspose = Conv3DTranspose
GlobalAvgPool1D = GlobalAveragePooling1D
GlobalAvgPool2D = GlobalAveragePooling2D
GlobalAvgPool3D = GlobalAveragePooling3D
GlobalMaxPool1D = GlobalMaxPooling1D
GlobalMaxPool2D = GlobalMaxPooling2D
GlobalMaxPool3D = GlobalMaxPooling3D
GroupQueryAttention = GroupedQueryAttention
MaxPool1D = MaxPooling1D
MaxPool2D = MaxPooling2D
MaxPool3D = MaxPooling3D
SeparableConvolution1D = SeparableConv1D
SeparableConvolution2D = SeparableConv2D

registry.add_builtins(
    "keras.layers",
    {
        name: obj
        for name, obj in list(globals().items())
        if isinstance(obj, type)
        and issubclass(obj, Layer)
        and name in (obj.__name__, vars(obj).get("_exported_as"))
    },
)

registry.add_builtins(
    "keras.layers",
    {
        cls.__name__: cls
        for cls in (
            _dense_of_keras1.Highway,
            _dense_of_keras1.MaxoutDense,
            _locally_connected.LocallyConnected1D,
            _locally_connected.LocallyConnected2D,
            _random_size.RandomHeight,
            _random_size.RandomWidth,
            _thresholded_relu.ThresholdedReLU,
        )
    },
)

if not TYPE_CHECKING:  # a checker must see that other names do not exist
    __getattr__, __dir__ = namespaces.of(__name__)
