"""`tf.experimental.numpy`: the functions of `keras.ops` that bear NumPy's names."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from fkeras.compat.tensorflow import dtypes
from fkeras.compat.tensorflow.notes import without_effect
from fkeras.ops import numpy as numpy_ops


def _random(name: str) -> Any:
    """A function of NumPy's generator, whose numbers have the precision of the others here."""

    def function(*args: Any, **kwargs: Any) -> jax.Array:
        return jnp.asarray(getattr(np.random, name)(*args, **kwargs))

    function.__name__ = name
    return function


NAMES: dict[str, Any] = {
    **{name: getattr(numpy_ops, name) for name in dir(numpy_ops) if not name.startswith("_")},
    **{name: getattr(np, name) for name in ("e", "inf", "nan", "newaxis", "pi")},
    **{name: value for name, value in dtypes.NAMES.items() if hasattr(np, name)},
    "array": numpy_ops.array,
    "asarray": numpy_ops.array,
    "experimental_enable_numpy_behavior": without_effect("experimental_enable_numpy_behavior"),
    "ndarray": jax.Array,
}
RANDOM: dict[str, Any] = {
    name: _random(name)
    for name in ("normal", "poisson", "rand", "randint", "randn", "random", "uniform")
} | {"seed": np.random.seed}
