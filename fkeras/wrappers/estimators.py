"""`SKLearnClassifier` and its kin: models in scikit-learn's pipelines, searches, validations."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import sklearn
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin, TransformerMixin
from sklearn.utils import validation
from sklearn.utils.metadata_routing import MetadataRequest
from sklearn.utils.multiclass import type_of_target
from sklearn.utils.validation import check_is_fitted

from fkeras.errors import UserInputError
from fkeras.models import Model, clone_model

if TYPE_CHECKING:
    from fkeras.callbacks import History
    from fkeras.types import ArrayLike


class _Estimator(BaseEstimator):
    """What the estimators share.

    Args:
        model: a compiled model, which is cloned at each `fit`; or a function `(X=, y=,
            **model_kwargs)` that returns one. `y` is what the model is trained on: for a classifier
            one column a class.
        warm_start: whether a second `fit` goes on with the weights of the first; a given model is
            then trained itself instead of a clone.
        model_kwargs: further arguments of the function. A search varies them as a whole:
            `{"model_kwargs": [{"width": 8}, {"width": 16}]}`.
        fit_kwargs: arguments of the model's `fit`; those given to `fit` go before them.

    Attributes:
        model_: the trained model.
        history_: what its `fit` returned.
    """

    def __init__(
        self,
        model: Model | Callable[..., Model],
        warm_start: bool = False,
        model_kwargs: Mapping[str, Any] | None = None,
        fit_kwargs: Mapping[str, Any] | None = None,
    ) -> None:
        self.model = model
        self.warm_start = warm_start
        self.model_kwargs = model_kwargs
        self.fit_kwargs = fit_kwargs

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.non_deterministic = True
        return tags

    def __sklearn_clone__(self) -> Self:
        """What `sklearn.base.clone` makes: a model is copied as it is, weights included."""
        parameters = self.get_params(deep=False)
        if isinstance(self.model, Model):
            parameters["model"] = copy.deepcopy(self.model)
        return type(self)(**parameters)

    @property
    def epoch_(self) -> int:
        """How many epochs the last `fit` has run."""
        history: History | None = getattr(self, "history_", None)
        return 0 if history is None else len(history.epoch)

    def set_fit_request(self, **kwargs: bool | str | None) -> Self:
        """What scikit-learn's metadata routing may pass to `fit`, such as `sample_weight=True`.

        Raises:
            RuntimeError: `sklearn.set_config(enable_metadata_routing=True)` was not called.
        """
        if not sklearn.get_config().get("enable_metadata_routing"):
            raise RuntimeError(
                "`set_fit_request` needs metadata routing: "
                "`sklearn.set_config(enable_metadata_routing=True)`."
            )
        request = MetadataRequest(owner=self)
        for parameter, alias in kwargs.items():
            request.fit.add_request(param=parameter, alias=alias)
        self._metadata_request = request
        return self

    def fit(self, X: ArrayLike, y: ArrayLike, **kwargs: Any) -> Self:
        """Trains the model.

        Args:
            X: array (samples, features); for models that take strings also texts, (samples,).
            y: array (samples,) or (samples, outputs).
            **kwargs: arguments of the model's `fit`, such as `epochs`.

        Raises:
            UserInputError: the model is not compiled.
        """
        X, y = validation.validate_data(self, X, y, multi_output=True, **_options_for(X))
        y = self._encoded(y)
        model = self._model_for(X, y)
        if not model.compiled or model.loss is None or model.optimizer is None:
            raise UserInputError(
                f"{type(self).__name__}: the model must be compiled with an optimizer and a loss: "
                "`model.compile('adam', loss=...)`."
            )
        self.history_ = model.fit(X, y, **{**(self.fit_kwargs or {}), **kwargs})
        self.model_ = model
        return self

    def predict(self, X: ArrayLike) -> np.ndarray:
        """The model's outputs for rows of X, in the form of the targets that it was trained on."""
        return self._decoded(self._outputs(X))

    def _outputs(self, X: ArrayLike) -> np.ndarray:
        check_is_fitted(self)
        X = validation.validate_data(self, X, reset=False, **_options_for(X))
        return np.asarray(self.model_.predict(X, verbose=0))

    def _model_for(self, X: np.ndarray, y: np.ndarray) -> Model:
        if self.warm_start and hasattr(self, "model_"):
            return self.model_
        if not isinstance(self.model, Model):
            return self.model(X=X, y=y, **(self.model_kwargs or {}))
        return self.model if self.warm_start else clone_model(self.model)

    def _encoded(self, y: np.ndarray) -> np.ndarray:
        """Targets as the model is trained on them: in columns."""
        self._target_rank = y.ndim
        return y.reshape(-1, 1) if y.ndim == 1 else y

    def _decoded(self, outputs: np.ndarray) -> np.ndarray:
        """Outputs in the form of the targets."""
        if self._target_rank == 1 and outputs.ndim == 2:
            return np.squeeze(outputs, axis=1)
        return outputs


def _options_for(X: ArrayLike) -> dict[str, Any]:
    """How scikit-learn is to look at rows: strings stay strings, and need no second axis."""
    values = np.asarray(X)
    is_text = values.dtype.kind in "US" or (
        values.dtype.kind == "O" and values.size > 0 and isinstance(values.flat[0], (str, bytes))
    )
    return {"dtype": None, "ensure_2d": False, "allow_nd": True} if is_text else {}


class SKLearnClassifier(ClassifierMixin, _Estimator):
    """A model as a classifier of scikit-learn. It is trained on one column a class (0 and 1), so
    that its last layer has as many units as there are classes, two for two.

    Args:
        model, warm_start, model_kwargs, fit_kwargs: see `SKLearnRegressor`.

    Attributes:
        classes_: the labels, sorted.
        model_: the trained model.
        history_: what its `fit` returned.

    Examples:
        >>> import fkeras, numpy as np
        >>> def make(X, y):
        ...     model = fkeras.Sequential([
        ...         fkeras.Input(X.shape[1:]),
        ...         fkeras.layers.Dense(y.shape[1], activation="softmax"),
        ...     ])
        ...     model.compile("adam", "categorical_crossentropy")
        ...     return model
        >>> X, y = np.array([[0.0], [1.0], [2.0], [3.0]]), np.array(["a", "a", "b", "b"])
        >>> classifier = SKLearnClassifier(make, fit_kwargs={"epochs": 2, "verbose": 0}).fit(X, y)
        >>> classifier.decision_function(X).shape, classifier.predict(X).shape
        ((4, 2), (4,))
    """

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.poor_score = True
        return tags

    def decision_function(self, X: ArrayLike) -> np.ndarray:
        """The model's outputs as they are, one column a class."""
        return self._outputs(X)

    def _encoded(self, y: np.ndarray) -> np.ndarray:
        kind = type_of_target(y)
        if kind == "unknown":
            raise UserInputError(f"Unknown label type for data: {y!r}")
        if kind not in ("binary", "multiclass"):
            raise UserInputError(
                "Only binary and multiclass target types are supported. Target type: "
                f"{kind}. Use `SKLearnRegressor` for targets that are no classes."
            )
        labels = y.reshape(-1) if y.ndim == 2 and y.shape[1] == 1 else y
        self.classes_ = np.unique(labels)
        if len(self.classes_) == 1:
            raise UserInputError("Classifier can't train when only one class is present.")
        self._target_rank = y.ndim
        return (labels[:, None] == self.classes_).astype("float32")

    def _decoded(self, outputs: np.ndarray) -> np.ndarray:
        if outputs.ndim != 2 or outputs.shape[1] != len(self.classes_):
            raise UserInputError(
                f"SKLearnClassifier: the model must return one column for each of the "
                f"{len(self.classes_)} classes. Received outputs of shape {outputs.shape}."
            )
        labels = self.classes_[outputs.argmax(axis=1)]
        return labels if self._target_rank == 1 else labels[:, None]


class SKLearnRegressor(RegressorMixin, _Estimator):
    """A model as a regressor of scikit-learn.

    Args:
        model: a compiled model, which is cloned at each `fit`; or a function `(X=, y=,
            **model_kwargs)` that returns one.
        warm_start: whether a second `fit` goes on with the weights of the first; a given model is
            then trained itself instead of a clone.
        model_kwargs: further arguments of the function. A search varies them as a whole:
            `{"model_kwargs": [{"width": 8}, {"width": 16}]}`.
        fit_kwargs: arguments of the model's `fit`; those given to `fit` go before them.

    Attributes:
        model_: the trained model.
        history_: what its `fit` returned.

    Examples:
        >>> import fkeras, numpy as np
        >>> model = fkeras.Sequential([fkeras.Input((1,)), fkeras.layers.Dense(1)])
        >>> model.compile(fkeras.optimizers.SGD(0.1), "mse")
        >>> X = np.array([[0.0], [1.0], [2.0]])
        >>> regressor = SKLearnRegressor(model, fit_kwargs={"epochs": 200, "verbose": 0})
        >>> bool(regressor.fit(X, 2 * X[:, 0]).score(X, 2 * X[:, 0]) > 0.99)
        True
    """

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.regressor_tags.poor_score = True
        return tags

    def _encoded(self, y: np.ndarray) -> np.ndarray:
        if type_of_target(y) == "unknown":
            raise UserInputError(f"Unknown label type for data: {y!r}")
        return super()._encoded(y)


class SKLearnTransformer(TransformerMixin, _Estimator):
    """A model as a transformer of scikit-learn: its outputs are the features of what comes next.

    Args:
        model, warm_start, model_kwargs, fit_kwargs: see `SKLearnRegressor`.

    Attributes:
        model_: the trained model.
        history_: what its `fit` returned.

    Examples:
        >>> import fkeras, numpy as np
        >>> model = fkeras.Sequential([fkeras.Input((3,)), fkeras.layers.Dense(2)])
        >>> model.compile("sgd", "mse")
        >>> X, y = np.ones((4, 3)), np.ones((4, 2))
        >>> SKLearnTransformer(model, fit_kwargs={"verbose": 0}).fit(X, y).transform(X).shape
        (4, 2)
    """

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = []
        return tags

    def transform(self, X: ArrayLike) -> np.ndarray:
        """The model's outputs for rows of X."""
        return self._outputs(X)
