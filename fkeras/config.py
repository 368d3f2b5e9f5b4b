"""Global settings: default dtypes, image layout, logging, limits for debugging."""

from typing import TYPE_CHECKING

from fkeras.core import namespaces
from fkeras.core.compilation_cache import enable_compilation_cache as enable_compilation_cache
from fkeras.core.dtype_policy import dtype_policy as dtype_policy
from fkeras.core.dtype_policy import set_dtype_policy as set_dtype_policy
from fkeras.core.freed_memory import keep_freed_memory as keep_freed_memory
from fkeras.core.public_settings import backend as backend
from fkeras.core.public_settings import disable_flash_attention as disable_flash_attention
from fkeras.core.public_settings import disable_interactive_logging as disable_interactive_logging
from fkeras.core.public_settings import disable_traceback_filtering as disable_traceback_filtering
from fkeras.core.public_settings import enable_flash_attention as enable_flash_attention
from fkeras.core.public_settings import enable_interactive_logging as enable_interactive_logging
from fkeras.core.public_settings import enable_traceback_filtering as enable_traceback_filtering
from fkeras.core.public_settings import (
    enable_unsafe_deserialization as enable_unsafe_deserialization,
)
from fkeras.core.public_settings import is_flash_attention_enabled as is_flash_attention_enabled
from fkeras.core.public_settings import (
    is_interactive_logging_enabled as is_interactive_logging_enabled,
)
from fkeras.core.public_settings import is_nnx_enabled as is_nnx_enabled
from fkeras.core.public_settings import (
    is_traceback_filtering_enabled as is_traceback_filtering_enabled,
)
from fkeras.core.public_settings import max_epochs as max_epochs
from fkeras.core.public_settings import max_steps_per_epoch as max_steps_per_epoch
from fkeras.core.public_settings import set_backend as set_backend
from fkeras.core.public_settings import set_max_epochs as set_max_epochs
from fkeras.core.public_settings import set_max_steps_per_epoch as set_max_steps_per_epoch
from fkeras.core.settings import epsilon as epsilon
from fkeras.core.settings import floatx as floatx
from fkeras.core.settings import image_data_format as image_data_format
from fkeras.core.settings import set_epsilon as set_epsilon
from fkeras.core.settings import set_floatx as set_floatx
from fkeras.core.settings import set_image_data_format as set_image_data_format

if not TYPE_CHECKING:  # a checker must see that other names do not exist
    __getattr__, __dir__ = namespaces.of(__name__)
