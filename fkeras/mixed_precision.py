"""Older names for dtype policies, and loss scaling. New code uses
`fkeras.config.set_dtype_policy("mixed_bfloat16")`.
"""

from typing import TYPE_CHECKING

from fkeras.core import namespaces
from fkeras.core.dtype_policy import DTypePolicy as DTypePolicy
from fkeras.core.dtype_policy import dtype_policy as dtype_policy
from fkeras.core.dtype_policy import set_dtype_policy as set_dtype_policy
from fkeras.optimizers import LossScaleOptimizer as LossScaleOptimizer

Policy = DTypePolicy
global_policy = dtype_policy
set_global_policy = set_dtype_policy

if not TYPE_CHECKING:  # a checker must see that other names do not exist
    __getattr__, __dir__ = namespaces.of(__name__)
