import functools

import numpy as np
import pytest
import sklearn
from sklearn.base import clone
from sklearn.datasets import load_iris, make_classification
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import estimator_checks_generator

import fkeras
from fkeras import layers
from fkeras.errors import UserInputError
from fkeras.wrappers import SKLearnClassifier, SKLearnRegressor, SKLearnTransformer


def network(X, y, loss="mse", activation=None, width=None, eager=False):
    units = y.shape[1] if y.ndim > 1 else 1
    hidden = [] if width is None else [layers.Dense(width, activation="relu")]
    model = fkeras.Sequential(
        [fkeras.Input((X.shape[1],)), *hidden, layers.Dense(units, activation=activation)]
    )
    model.compile(fkeras.optimizers.RMSprop(0.01), loss, run_eagerly=eager)
    return model


def classifier(epochs=5, **options):
    chosen = {"loss": "categorical_crossentropy", "activation": "softmax", **options}
    fit_kwargs = {"epochs": epochs, "verbose": 0}
    return SKLearnClassifier(network, model_kwargs=chosen, fit_kwargs=fit_kwargs)


# Those of scikit-learn's checks that do not train for their own sake: that takes a minute. What it
# asks that a network drawn anew at each `fit` cannot give is left out, too: equal results of two
# fits, and the accuracy of a solver.
CHECKS = {
    "check_classifiers_one_label",
    "check_classifiers_regression_target",
    "check_complex_data",
    "check_dict_unchanged",
    "check_do_not_raise_errors_in_init_or_set_param",
    "check_dont_overwrite_attributes",
    "check_estimator_cloneable",
    "check_estimator_get_tags_default_keys",
    "check_estimator_sparse_array",
    "check_estimators_empty_data_messages",
    "check_estimators_nan_inf",
    "check_estimators_unfitted",
    "check_fit2d_1feature",
    "check_fit2d_predict1d",
    "check_get_params_invariance",
    "check_n_features_in",
    "check_parameters_default_constructible",
    "check_regressor_multioutput",
    "check_set_params",
    "check_supervised_y_no_nan",
    "check_transformer_data_not_an_array",
}
# Steps that run once are not worth compiling.
_ONCE = {"model_kwargs": {"eager": True}, "fit_kwargs": {"verbose": 0, "batch_size": 1000}}
ESTIMATORS = {
    "classifier": lambda: classifier(epochs=1, eager=True),
    "regressor": lambda: SKLearnRegressor(network, **_ONCE),
    "transformer": lambda: SKLearnTransformer(network, **_ONCE),
}


@pytest.mark.parametrize("name", ESTIMATORS)
def test_scikit_learns_own_checks(name):
    failed = {}
    for estimator, check in estimator_checks_generator(ESTIMATORS[name]()):
        called = check.func.__name__ if isinstance(check, functools.partial) else check.__name__
        if called not in CHECKS:
            continue
        try:
            check(estimator)
        except sklearn.exceptions.SkipTestWarning:
            pass
        except Exception as error:
            if type(error).__name__ != "SkipTest":
                failed[called] = error
    assert not failed


def test_a_classifier_learns_and_names_labels():
    X, y = load_iris(return_X_y=True)
    names = np.array(["setosa", "versicolor", "virginica"])[y]
    fkeras.utils.set_random_seed(0)
    pipeline = make_pipeline(StandardScaler(), classifier(epochs=60, width=16))
    assert pipeline.fit(X, names).score(X, names) > 0.9
    assert set(pipeline.predict(X)) <= set(names)
    assert pipeline.decision_function(X).shape == (150, 3)
    assert pipeline[-1].epoch_ == 60


def test_searches_and_validations():
    X, y = make_classification(60, 4, random_state=0)
    fkeras.utils.set_random_seed(0)
    grid = {"model_kwargs": [{"loss": "mse", "width": 3}, {"loss": "mse", "width": 8}]}
    search = GridSearchCV(classifier(), grid, cv=2).fit(X, y)
    assert search.best_params_["model_kwargs"]["width"] in (3, 8)
    assert search.best_estimator_.fit_kwargs == {"epochs": 5, "verbose": 0}
    assert cross_val_score(classifier(), X, y, cv=2).shape == (2,)


def test_arguments_of_fit_go_before_those_of_the_estimator_and_stay_out_of_it():
    X, y = make_classification(12, 4, random_state=0)
    estimator = classifier(epochs=3)
    estimator.fit(X, y, epochs=1)
    assert estimator.epoch_ == 1
    assert estimator.fit_kwargs["epochs"] == 3
    assert estimator.fit(X, y).epoch_ == 3


def test_a_model_is_cloned_unless_it_is_to_go_on():
    X, y = np.ones((4, 4)), np.array([1, 2, 1, 2])
    model = network(X, np.ones((4, 2)), "categorical_crossentropy", "softmax")
    before = model.get_weights()
    estimator = SKLearnClassifier(model, fit_kwargs={"verbose": 0}).fit(X, y)
    assert estimator.model_ is not model
    for a, b in zip(before, model.get_weights()):
        np.testing.assert_array_equal(a, b)
    going_on = SKLearnClassifier(model, warm_start=True, fit_kwargs={"verbose": 0}).fit(X, y)
    assert going_on.model_ is model and going_on.fit(X, y).model_ is model
    copied = clone(going_on)
    assert copied.model is not model and copied.fit_kwargs == {"verbose": 0}
    np.testing.assert_array_equal(copied.model.get_weights()[0], model.get_weights()[0])


def test_targets_keep_their_form():
    X = np.random.default_rng(0).normal(size=(6, 3))
    for y in (X[:, 0], X[:, :1], X[:, :2]):
        assert SKLearnRegressor(network, fit_kwargs={"verbose": 0}).fit(X, y).predict(X).shape == (
            y.shape
        )


def test_texts_are_rows():
    def of_texts(X, y):
        vectorize = layers.TextVectorization(output_mode="multi_hot")
        vectorize.adapt(X)
        model = fkeras.Sequential([vectorize, layers.Dense(y.shape[1], activation="softmax")])
        model.compile(fkeras.optimizers.Adam(0.1), "categorical_crossentropy")
        return model

    texts = ["good film", "bad film", "a good one", "a bad one"] * 5
    kinds = np.array(["yes", "no"] * 10)
    one = SKLearnClassifier(of_texts, fit_kwargs={"epochs": 20, "verbose": 0})
    for rows in (texts, np.array(texts), np.array(texts, object)):
        assert one.fit(rows, kinds).score(rows, kinds) == 1.0
    assert cross_val_score(one, texts, kinds, cv=2).tolist() == [1.0, 1.0]
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        one.fit(texts[:3], kinds)


def test_metadata_may_be_routed_to_fit():
    X, y = make_classification(12, 4, random_state=0)
    with pytest.raises(RuntimeError, match="enable_metadata_routing"):
        classifier().set_fit_request(sample_weight=True)
    with sklearn.config_context(enable_metadata_routing=True):
        estimator = classifier().set_fit_request(sample_weight=True)
        assert estimator.get_metadata_routing().fit.requests == {"sample_weight": True}


def test_wrong_uses_are_told():
    X, y = make_classification(12, 4, random_state=0)
    with pytest.raises(UserInputError, match="must be compiled"):
        SKLearnRegressor(fkeras.Sequential([fkeras.Input((4,)), layers.Dense(1)])).fit(X, y)
    with pytest.raises(UserInputError, match="only one class"):
        classifier().fit(X, np.zeros(12))
    with pytest.raises(UserInputError, match="Target type: continuous"):
        classifier().fit(X, X[:, 0])
    one = SKLearnClassifier(network, fit_kwargs={"verbose": 0}).fit(X, y)
    one.model_ = network(X, X[:, 0])
    with pytest.raises(UserInputError, match="one column for each of the 2 classes"):
        one.predict(X)
    with pytest.raises(sklearn.exceptions.NotFittedError):
        classifier().predict(X)
