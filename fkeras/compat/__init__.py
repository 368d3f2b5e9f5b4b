"""Runs scripts written for Keras or tf.keras with fkeras in their place. `install()` does it in a
running program, `uninstall()` takes it back.
"""

from typing import TYPE_CHECKING

from fkeras.compat.imports import install as install
from fkeras.compat.imports import uninstall as uninstall
from fkeras.core import namespaces

if not TYPE_CHECKING:  # a checker must see that other names do not exist
    __getattr__, __dir__ = namespaces.of(__name__)
