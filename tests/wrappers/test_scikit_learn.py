import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import make_classification
from sklearn.model_selection import GridSearchCV, cross_val_score

import fkeras
from fkeras import layers
from fkeras.errors import UserInputError
from fkeras.wrappers.scikit_learn import KerasClassifier, KerasRegressor

pytestmark = pytest.mark.filterwarnings("ignore:.*is of Keras 2")


def network(width=4, units=1, activation="sigmoid", loss="binary_crossentropy"):
    model = fkeras.Sequential(
        [
            fkeras.Input((4,)),
            layers.Dense(width, activation="relu"),
            layers.Dense(units, activation=activation),
        ]
    )
    model.compile("adam", loss, metrics=["accuracy"] if activation else None)
    return model


def test_arguments_go_where_they_belong():
    X, y = make_classification(20, 4, random_state=0)
    wrapper = KerasClassifier(build_fn=network, width=7, epochs=3, verbose=0)
    history = wrapper.fit(X, y, batch_size=5)
    assert len(history.epoch) == 3 and wrapper.model.layers[0].units == 7
    assert wrapper.predict_proba(X).shape == (20, 2)
    np.testing.assert_allclose(wrapper.predict_proba(X).sum(axis=1), 1, rtol=1e-6)
    assert wrapper.score(X, y) == np.mean(wrapper.predict(X) == y)
    assert clone(wrapper).get_params() == wrapper.get_params()
    with pytest.raises(UserInputError, match="depth is not a legal parameter"):
        KerasClassifier(build_fn=network, depth=3)


@pytest.mark.parametrize("loss", ["categorical_crossentropy", "sparse_categorical_crossentropy"])
def test_labels_of_several_classes(loss):
    X, y = make_classification(30, 4, n_informative=3, n_redundant=0, n_classes=3, random_state=0)
    options = {"units": 3, "activation": "softmax", "loss": loss}
    wrapper = KerasClassifier(build_fn=network, epochs=1, verbose=0, **options)
    wrapper.fit(X, np.array(["a", "b", "c"])[y])
    assert set(wrapper.predict(X)) <= set("abc")


def test_searches_and_validations():
    X, y = make_classification(24, 4, random_state=0)
    wrapper = KerasClassifier(build_fn=network, epochs=1, verbose=0)
    search = GridSearchCV(wrapper, {"width": [3, 5], "batch_size": [8]}, cv=2).fit(X, y)
    assert search.best_params_["width"] in (3, 5)
    options = {"activation": None, "loss": "mse"}
    regressor = KerasRegressor(build_fn=network, epochs=1, verbose=0, **options)
    assert np.all(cross_val_score(regressor, X, X[:, 0], cv=2) < 0)
