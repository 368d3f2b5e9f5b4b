"""Models as pictures. A table of contents."""

from typing import TYPE_CHECKING

from fkeras.core import namespaces
from fkeras.diagrams.plot_model import model_to_dot as model_to_dot
from fkeras.diagrams.plot_model import plot_model as plot_model

if not TYPE_CHECKING:  # a checker must see that other names do not exist
    __getattr__, __dir__ = namespaces.of(__name__)
