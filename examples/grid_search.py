"""A network in a pipeline of scikit-learn: a search over its widths, on the iris data."""

import keras
from sklearn.datasets import load_iris
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler


def make_model(X, y, width):
    model = keras.Sequential(
        [
            keras.Input((X.shape[1],)),
            keras.layers.Dense(width, activation="relu"),
            keras.layers.Dense(y.shape[1], activation="softmax"),
        ]
    )
    model.compile(keras.optimizers.Adam(0.02), "categorical_crossentropy")
    return model


keras.utils.set_random_seed(0)
X, y = load_iris(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0, stratify=y)

network = keras.wrappers.SKLearnClassifier(
    make_model, fit_kwargs={"epochs": 60, "batch_size": 16, "verbose": 0}
)
search = GridSearchCV(
    make_pipeline(StandardScaler(), network),
    {"sklearnclassifier__model_kwargs": [{"width": 2}, {"width": 16}]},
    cv=3,
)
search.fit(X_train, y_train)
print("best:", search.best_params_)
print(f"accuracy of unseen flowers: {search.score(X_test, y_test):.2f}")
assert search.score(X_test, y_test) > 0.85
