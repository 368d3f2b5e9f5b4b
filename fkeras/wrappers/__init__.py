"""`keras.wrappers`: models as estimators of scikit-learn, loaded with the first of them."""

import importlib
from typing import TYPE_CHECKING

from fkeras.core import namespaces

if TYPE_CHECKING:
    from fkeras.wrappers import scikit_learn as scikit_learn
    from fkeras.wrappers.estimators import SKLearnClassifier as SKLearnClassifier
    from fkeras.wrappers.estimators import SKLearnRegressor as SKLearnRegressor
    from fkeras.wrappers.estimators import SKLearnTransformer as SKLearnTransformer

_ESTIMATORS = ("SKLearnClassifier", "SKLearnRegressor", "SKLearnTransformer")
_MODULES = ("scikit_learn",)

if not TYPE_CHECKING:  # a checker must see that other names do not exist

    def __getattr__(name):
        if name not in (*_ESTIMATORS, *_MODULES):
            raise AttributeError(namespaces.describe_missing(__name__, name, __dir__))
        module = "estimators" if name in _ESTIMATORS else name
        try:
            loaded = importlib.import_module(f"{__name__}.{module}")
        except ModuleNotFoundError as error:
            if error.name != "sklearn":
                raise
            raise ModuleNotFoundError(
                f"`fkeras.wrappers.{name}` needs scikit-learn: `pip install scikit-learn`, or "
                "`pip install fkeras[sklearn]`.",
                name="sklearn",
            ) from error
        return getattr(loaded, name) if name in _ESTIMATORS else loaded

    def __dir__():
        return [*_ESTIMATORS, *_MODULES]
