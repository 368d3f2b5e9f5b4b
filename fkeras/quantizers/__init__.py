"""Weights in few bits, under Keras's names: a table of contents."""

from typing import TYPE_CHECKING

from fkeras.core import namespaces
from fkeras.quantizers.abs_max import abs_max_quantize as abs_max_quantize
from fkeras.quantizers.abs_max import (
    abs_max_quantize_grouped_with_zero_point as abs_max_quantize_grouped_with_zero_point,
)
from fkeras.quantizers.by_name import deserialize as deserialize
from fkeras.quantizers.by_name import get as get
from fkeras.quantizers.by_name import serialize as serialize
from fkeras.quantizers.calibrated_configs import AWQConfig as AWQConfig
from fkeras.quantizers.calibrated_configs import GPTQConfig as GPTQConfig
from fkeras.quantizers.configs import Float8QuantizationConfig as Float8QuantizationConfig
from fkeras.quantizers.configs import Int4QuantizationConfig as Int4QuantizationConfig
from fkeras.quantizers.configs import Int8QuantizationConfig as Int8QuantizationConfig
from fkeras.quantizers.configs import QuantizationConfig as QuantizationConfig
from fkeras.quantizers.configs import TernaryQuantizationConfig as TernaryQuantizationConfig
from fkeras.quantizers.fake_quantization import (
    fake_quant_with_min_max_vars as fake_quant_with_min_max_vars,
)
from fkeras.quantizers.float8 import compute_float8_amax_history as compute_float8_amax_history
from fkeras.quantizers.float8 import compute_float8_scale as compute_float8_scale
from fkeras.quantizers.float8 import quantize_and_dequantize as quantize_and_dequantize
from fkeras.quantizers.packing import pack_int2 as pack_int2
from fkeras.quantizers.packing import pack_int4 as pack_int4
from fkeras.quantizers.packing import pack_ternary as pack_ternary
from fkeras.quantizers.packing import unpack_int2 as unpack_int2
from fkeras.quantizers.packing import unpack_int4 as unpack_int4
from fkeras.quantizers.packing import unpack_ternary as unpack_ternary
from fkeras.quantizers.quantizer import AbsMaxQuantizer as AbsMaxQuantizer
from fkeras.quantizers.quantizer import Quantizer as Quantizer
from fkeras.quantizers.report import QuantizationReport as QuantizationReport

if not TYPE_CHECKING:  # a checker must see that other names do not exist
    __getattr__, __dir__ = namespaces.of(__name__)
