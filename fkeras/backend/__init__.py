"""`keras.backend`: settings, dtypes and sessions, and the functions of arrays that older scripts
call as `K.mean(x)`.

New code uses `fkeras.ops`. The older functions load when one is first used.
"""

import importlib
from typing import TYPE_CHECKING

from fkeras.core.device import device as device
from fkeras.core.dtypes import standardize_dtype as standardize_dtype
from fkeras.core.kinds import is_float_dtype as is_float_dtype
from fkeras.core.kinds import is_int_dtype as is_int_dtype
from fkeras.core.kinds import is_keras_tensor as is_keras_tensor
from fkeras.core.name_scope import name_scope as name_scope
from fkeras.core.names import get_uid as get_uid
from fkeras.core.public_settings import backend as backend
from fkeras.core.session import clear_session as clear_session
from fkeras.core.settings import epsilon as epsilon
from fkeras.core.settings import floatx as floatx
from fkeras.core.settings import image_data_format as image_data_format
from fkeras.core.settings import set_epsilon as set_epsilon
from fkeras.core.settings import set_floatx as set_floatx
from fkeras.core.settings import set_image_data_format as set_image_data_format
from fkeras.ops.promotion import result_type as result_type

if not TYPE_CHECKING:  # a checker must see that other names do not exist

    def __getattr__(name):
        if name.startswith("_"):
            raise AttributeError(name)
        functions = importlib.import_module("fkeras.backend.functions")
        try:
            return getattr(functions, name)
        except AttributeError:
            raise AttributeError(
                f"`fkeras.backend` has no {name!r}. Look for it in `fkeras.ops`, "
                "`fkeras.layers` or `jax.numpy`."
            ) from None

    def __dir__():
        functions = importlib.import_module("fkeras.backend.functions")
        hidden = {"TYPE_CHECKING", "functions", "importlib", "ops"}
        names = {*globals(), *vars(functions)} - hidden
        return sorted(name for name in names if not name.startswith("_"))
