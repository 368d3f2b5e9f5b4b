"""The state of the process, and what kind a dtype or tensor is."""

import gc

from fkeras.core import names, settings
from fkeras.core.dtypes import standardize_dtype
from fkeras.core.symbolic.keras_tensor import KerasTensor


def clear_session(free_memory: bool = True) -> None:
    """Starts automatic names again at `dense`, and goes back to the default dtype policy.

    Random numbers stay seeded as they were; models that exist stay usable.

    Args:
        free_memory: also collect garbage, so that the arrays of deleted models are freed now.

    Examples:
        >>> import fkeras
        >>> fkeras.backend.clear_session()
        >>> fkeras.layers.Dense(2).name, fkeras.layers.Dense(2).name
        ('dense', 'dense_1')
    """
    names.reset()
    settings.put("dtype_policy", None)
    settings.put("interactive_logging", True)
    if free_memory:
        gc.collect()


def is_float_dtype(dtype) -> bool:
    """Whether a dtype is floating, of any width.

    >>> is_float_dtype("bfloat16"), is_float_dtype("int32")
    (True, False)
    """
    return "float" in standardize_dtype(dtype)


def is_int_dtype(dtype) -> bool:
    """Whether a dtype is an integer, signed or not; False for bool."""
    return "int" in standardize_dtype(dtype)


def is_keras_tensor(x) -> bool:
    """Whether `x` is symbolic: the output of `fkeras.Input` or of a layer called on one."""
    return isinstance(x, KerasTensor)
