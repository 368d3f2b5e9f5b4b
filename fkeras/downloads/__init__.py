"""Files by their address, in the cache of Keras, with a progress bar. A table of contents."""

from typing import TYPE_CHECKING

from fkeras.core import namespaces
from fkeras.downloads.get_file import get_file as get_file

if not TYPE_CHECKING:  # a checker must see that other names do not exist
    __getattr__, __dir__ = namespaces.of(__name__)
