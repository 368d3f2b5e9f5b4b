"""Dtype policies: which dtype a layer computes in, and which it keeps its weights in."""

from fkeras.core.dtype_policy import AWQDTypePolicy as AWQDTypePolicy
from fkeras.core.dtype_policy import DTypePolicy as DTypePolicy
from fkeras.core.dtype_policy import DTypePolicyMap as DTypePolicyMap
from fkeras.core.dtype_policy import FloatDTypePolicy as FloatDTypePolicy
from fkeras.core.dtype_policy import GPTQDTypePolicy as GPTQDTypePolicy
from fkeras.core.dtype_policy import Int4DTypePolicy as Int4DTypePolicy
from fkeras.core.dtype_policy import QuantizedDTypePolicy as QuantizedDTypePolicy
from fkeras.core.dtype_policy import QuantizedFloat8DTypePolicy as QuantizedFloat8DTypePolicy
from fkeras.core.dtype_policy import TernaryDTypePolicy as TernaryDTypePolicy
from fkeras.core.dtype_policy import deserialize as deserialize
from fkeras.core.dtype_policy import get as get
from fkeras.core.dtype_policy import serialize as serialize
