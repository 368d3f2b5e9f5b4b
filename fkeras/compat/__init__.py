"""Runs scripts written for Keras or tf.keras with fkeras in their place. `install()` does it in a
running program.
"""

from fkeras.compat.imports import install as install
