"""`KerasClassifier` and `KerasRegressor` of Keras 2: a function that builds the model, and its
arguments and those of `fit` all in one.

New code takes `SKLearnClassifier` and `SKLearnRegressor`.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin

from fkeras.core.warn_once import warn_user
from fkeras.errors import UserInputError
from fkeras.models import Model

if TYPE_CHECKING:
    from fkeras.types import ArrayLike


class _Wrapper(BaseEstimator):
    """What both share.

    Args:
        build_fn: function that returns a compiled model. None: the subclass's `__call__`.
        **sk_params: arguments of `build_fn`, and of the model's `fit`, `predict` and `evaluate`,
            told apart by their names.
    """

    def __init__(self, build_fn: Callable[..., Model] | None = None, **sk_params: Any) -> None:
        warn_user(
            f"`{type(self).__name__}` is of Keras 2: `keras.wrappers.SKLearnClassifier` and "
            "`SKLearnRegressor` are its successors."
        )
        self.build_fn = build_fn
        self.sk_params = sk_params
        self.check_params(sk_params)

    def check_params(self, params: dict[str, Any]) -> None:
        """Raises for a name that none of the functions takes."""
        known = {name for function in self._functions() for name in _arguments(function)}
        for name in params:
            if name not in known and name != "nb_epoch":
                raise UserInputError(
                    f"{type(self).__name__}: {name} is not a legal parameter: neither the function "
                    "that builds the model nor `fit`, `predict` and `evaluate` take it."
                )

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        return {**self.sk_params, "build_fn": self.build_fn}

    def set_params(self, **params: Any) -> Self:
        self.check_params({k: v for k, v in params.items() if k != "build_fn"})
        self.build_fn = params.pop("build_fn", self.build_fn)
        self.sk_params = {**self.sk_params, **params}
        return self

    def filter_sk_params(
        self, fn: Callable[..., Any], override: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        """Those of the parameters that a function takes, and `override`."""
        taken = _arguments(fn)
        return {k: v for k, v in self.sk_params.items() if k in taken} | (override or {})

    def fit(self, x: ArrayLike, y: ArrayLike, **kwargs: Any) -> Any:
        """Builds a model and trains it.

        Returns:
            The history of its `fit`, as Keras 2 did.
        """
        builder = self._builder()
        self.model = builder(**self.filter_sk_params(builder))
        self.n_features_in_ = np.shape(x)[-1]
        arguments = self.filter_sk_params(Model.fit, kwargs)
        self.history = self.model.fit(x, self._encoded(np.asarray(y)), **arguments)
        return self.history

    def _encoded(self, y: np.ndarray) -> np.ndarray:
        """Targets as the model is trained on them."""
        return y

    def _outputs(self, x: ArrayLike, kwargs: dict[str, Any]) -> np.ndarray:
        arguments = {"verbose": 0, **self.filter_sk_params(Model.predict, kwargs)}
        return np.asarray(self.model.predict(x, **arguments))

    def _builder(self) -> Callable[..., Model]:
        if self.build_fn is not None:
            return self.build_fn
        if not callable(self):
            raise UserInputError(f"{type(self).__name__}: pass `build_fn`.")
        return self.__call__

    def _functions(self) -> list[Callable[..., Any]]:
        return [self._builder(), Model.fit, Model.predict, Model.evaluate]

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "model")


class KerasClassifier(ClassifierMixin, _Wrapper):
    """A classifier from a function that builds a model: Keras 2's wrapper.

    Args:
        build_fn: function that returns a compiled model.
        **sk_params: its arguments, and those of `fit`: `epochs`, `batch_size`, `verbose`.

    Attributes:
        classes_: the labels, sorted.

    Examples:
        >>> import warnings, fkeras, numpy as np
        >>> warnings.simplefilter("ignore")
        >>> def make(width=2):
        ...     model = fkeras.Sequential([
        ...         fkeras.Input((1,)),
        ...         fkeras.layers.Dense(width, activation="relu"),
        ...         fkeras.layers.Dense(1, activation="sigmoid"),
        ...     ])
        ...     model.compile("adam", "binary_crossentropy", metrics=["accuracy"])
        ...     return model
        >>> classifier = KerasClassifier(build_fn=make, width=4, epochs=2, verbose=0)
        >>> X, y = np.array([[0.0], [1.0], [2.0], [3.0]]), np.array([0, 0, 1, 1])
        >>> history = classifier.fit(X, y)
        >>> classifier.predict_proba(X).shape
        (4, 2)
    """

    def _encoded(self, y: np.ndarray) -> np.ndarray:
        if y.ndim == 2 and y.shape[1] > 1:
            self.classes_ = np.arange(y.shape[1])
            return y
        self.classes_, numbers = np.unique(y, return_inverse=True)
        numbers = numbers.reshape(-1)
        if self.model.loss == "categorical_crossentropy":
            return np.eye(len(self.classes_), dtype="float32")[numbers]
        return numbers

    def predict(self, x: ArrayLike, **kwargs: Any) -> np.ndarray:
        """The likeliest label of each row."""
        outputs = self._outputs(x, kwargs)
        if outputs.shape[-1] > 1:
            return self.classes_[outputs.argmax(axis=-1)]
        return self.classes_[(outputs > 0.5).astype("int32").reshape(-1)]

    def predict_proba(self, x: ArrayLike, **kwargs: Any) -> np.ndarray:
        """The probability of each class, (samples, classes)."""
        outputs = self._outputs(x, kwargs)
        return np.hstack([1 - outputs, outputs]) if outputs.shape[1] == 1 else outputs

    def score(self, x: ArrayLike, y: ArrayLike, **kwargs: Any) -> float:
        """The share of rows whose label is right."""
        y = np.asarray(y)
        if y.ndim == 2 and y.shape[1] > 1:
            y = self.classes_[y.argmax(axis=1)]
        arguments = {k: v for k, v in kwargs.items() if k != "sample_weight"}
        right = self.predict(x, **arguments) == y.reshape(-1)
        return float(np.average(right, weights=kwargs.get("sample_weight")))


class KerasRegressor(RegressorMixin, _Wrapper):
    """A regressor from a function that builds a model: Keras 2's wrapper.

    Args:
        build_fn: function that returns a compiled model.
        **sk_params: its arguments, and those of `fit`: `epochs`, `batch_size`, `verbose`.
    """

    def predict(self, x: ArrayLike, **kwargs: Any) -> np.ndarray:
        """The model's outputs, (samples,) where it has one."""
        return np.squeeze(self._outputs(x, kwargs), axis=-1)

    def score(self, x: ArrayLike, y: ArrayLike, **kwargs: Any) -> float:
        """The loss with its sign changed, so that more is better."""
        arguments = {"verbose": 0, **self.filter_sk_params(Model.evaluate, kwargs)}
        result = self.model.evaluate(x, y, **arguments)
        return -float(result[0] if isinstance(result, list) else result)


def _arguments(function: Callable[..., Any]) -> set[str]:
    return set(inspect.signature(function).parameters) - {"self", "x", "y"}
