"""Functions of arrays under Keras's names: thin over jax.numpy, jax.nn and jax.lax.

On arrays they compute; on `KerasTensor`s they are recorded. Dtypes follow Keras's promotion rules.
A table of contents, no code.
"""

from typing import TYPE_CHECKING

from fkeras.core import namespaces
from fkeras.ops import image as image
from fkeras.ops import linalg as linalg
from fkeras.ops import nn as nn
from fkeras.ops import numpy as numpy
from fkeras.ops import operators as operators
from fkeras.ops.control_flow import associative_scan as associative_scan
from fkeras.ops.control_flow import cond as cond
from fkeras.ops.control_flow import fori_loop as fori_loop
from fkeras.ops.control_flow import map as map
from fkeras.ops.control_flow import scan as scan
from fkeras.ops.control_flow import switch as switch
from fkeras.ops.control_flow import vectorized_map as vectorized_map
from fkeras.ops.control_flow import while_loop as while_loop
from fkeras.ops.custom_gradient import custom_gradient as custom_gradient
from fkeras.ops.joining import unstack as unstack
from fkeras.ops.linalg import cholesky as cholesky
from fkeras.ops.linalg import cholesky_inverse as cholesky_inverse
from fkeras.ops.linalg import det as det
from fkeras.ops.linalg import eig as eig
from fkeras.ops.linalg import eigh as eigh
from fkeras.ops.linalg import inv as inv
from fkeras.ops.linalg import jvp as jvp
from fkeras.ops.linalg import lstsq as lstsq
from fkeras.ops.linalg import lu_factor as lu_factor
from fkeras.ops.linalg import matrix_power as matrix_power
from fkeras.ops.linalg import matrix_rank as matrix_rank
from fkeras.ops.linalg import norm as norm
from fkeras.ops.linalg import pinv as pinv
from fkeras.ops.linalg import qr as qr
from fkeras.ops.linalg import solve as solve
from fkeras.ops.linalg import solve_triangular as solve_triangular
from fkeras.ops.linalg import svd as svd
from fkeras.ops.math import cdist as cdist
from fkeras.ops.math import erf as erf
from fkeras.ops.math import erfc as erfc
from fkeras.ops.math import erfinv as erfinv
from fkeras.ops.math import gammainc as gammainc
from fkeras.ops.math import in_top_k as in_top_k
from fkeras.ops.math import logdet as logdet
from fkeras.ops.math import logsumexp as logsumexp
from fkeras.ops.math import rsqrt as rsqrt
from fkeras.ops.math import top_k as top_k
from fkeras.ops.math import view_as_complex as view_as_complex
from fkeras.ops.math import view_as_real as view_as_real
from fkeras.ops.nn import *  # noqa: F403
from fkeras.ops.numpy import *  # noqa: F403
from fkeras.ops.rearranging import rearrange as rearrange
from fkeras.ops.scattering import scatter as scatter
from fkeras.ops.scattering import scatter_update as scatter_update
from fkeras.ops.scattering import slice as slice
from fkeras.ops.scattering import slice_update as slice_update
from fkeras.ops.segment import segment_max as segment_max
from fkeras.ops.segment import segment_min as segment_min
from fkeras.ops.segment import segment_prod as segment_prod
from fkeras.ops.segment import segment_sum as segment_sum
from fkeras.ops.spectral import extract_sequences as extract_sequences
from fkeras.ops.spectral import fft as fft
from fkeras.ops.spectral import fft2 as fft2
from fkeras.ops.spectral import ifft2 as ifft2
from fkeras.ops.spectral import irfft as irfft
from fkeras.ops.spectral import istft as istft
from fkeras.ops.spectral import rfft as rfft
from fkeras.ops.spectral import stft as stft
from fkeras.ops.tensors import cast as cast
from fkeras.ops.tensors import convert_to_numpy as convert_to_numpy
from fkeras.ops.tensors import convert_to_tensor as convert_to_tensor
from fkeras.ops.tensors import dtype as dtype
from fkeras.ops.tensors import is_tensor as is_tensor
from fkeras.ops.tensors import saturate_cast as saturate_cast
from fkeras.ops.tensors import shape as shape
from fkeras.ops.tensors import stop_gradient as stop_gradient

if not TYPE_CHECKING:  # a checker must see that other names do not exist
    __getattr__, __dir__ = namespaces.of(__name__, submodules=("image", "linalg", "nn", "numpy"))
