"""Dtype policies: which dtype a layer computes in, and which it keeps its weights in."""

from typing import TYPE_CHECKING

from fkeras.core import namespaces
from fkeras.core.dtype_policy import DTypePolicy as DTypePolicy
from fkeras.core.dtype_policy import DTypePolicyMap as DTypePolicyMap
from fkeras.core.dtype_policy import FloatDTypePolicy as FloatDTypePolicy
from fkeras.core.dtype_policy import deserialize as deserialize
from fkeras.core.dtype_policy import get as get
from fkeras.core.dtype_policy import serialize as serialize
from fkeras.core.quantized_policies import AWQDTypePolicy as AWQDTypePolicy
from fkeras.core.quantized_policies import GPTQDTypePolicy as GPTQDTypePolicy
from fkeras.core.quantized_policies import Int4DTypePolicy as Int4DTypePolicy
from fkeras.core.quantized_policies import QuantizedDTypePolicy as QuantizedDTypePolicy
from fkeras.core.quantized_policies import QuantizedFloat8DTypePolicy as QuantizedFloat8DTypePolicy
from fkeras.core.quantized_policies import TernaryDTypePolicy as TernaryDTypePolicy

if not TYPE_CHECKING:  # a checker must see that other names do not exist
    __getattr__, __dir__ = namespaces.of(__name__)
