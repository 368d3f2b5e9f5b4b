"""One step on one batch: what is looked at again at later batches, and what is remembered."""

import jax
import numpy as np
import pytest

import fkeras
from fkeras import data as data_module
from fkeras import layers
from fkeras.errors import UserInputError

RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(4, 3)).astype("float32")
Y = np.array([0, 1, 1, 0], "int32")


def made(loss="sparse_categorical_crossentropy"):
    model = fkeras.Sequential([layers.Input((3,)), layers.Dense(2, activation="softmax")])
    model.compile("sgd", loss, metrics=["accuracy"])
    return model


@pytest.fixture
def sources(monkeypatch):
    """The calls of `make_source`, which looks at a batch as a whole."""
    calls, make = [], data_module.make_source

    def counted(*args, **kwargs):
        calls.append(args[0])
        return make(*args, **kwargs)

    monkeypatch.setattr(data_module, "make_source", counted)
    return calls


METHODS = ("train_on_batch", "test_on_batch", "predict_on_batch")


def call(model, method, x, y):
    arguments = (x,) if method == "predict_on_batch" else (x, y)
    return getattr(model, method)(*arguments)


@pytest.mark.parametrize("method", METHODS)
def test_a_batch_of_known_shapes_and_dtypes_is_looked_at_once(method, sources):
    model = made()
    for _ in range(3):
        call(model, method, X, Y)
    assert len(sources) == 1
    call(model, method, X[:3], Y[:3])
    call(model, method, X.astype("float64"), Y)
    assert len(sources) == 3


def test_each_method_looks_for_itself(sources):
    model = made()
    for method in METHODS:
        call(model, method, X, Y)
    assert len(sources) == 3


def test_what_was_remembered_changes_no_number():
    fast, slow = made(), made()
    slow.set_weights(fast.get_weights())
    for i in range(3):
        x = X * (i + 1)
        remembered = fast.train_on_batch(x, Y)
        slow._compiled.plain_batches.clear()
        assert remembered == slow.train_on_batch(x, Y)
    for ours, other in zip(fast.get_weights(), slow.get_weights()):
        np.testing.assert_array_equal(ours, other)


def test_arrays_to_convert_are_converted_each_time(sources):
    model, plain = made(), made()
    plain.set_weights(model.get_weights())
    for i in range(3):
        x = X.astype("float64") + i
        results = model.train_on_batch(x, Y.astype("int64"))
        assert results == plain.train_on_batch(x.astype("float32"), Y)
    assert len(sources) == 2


def with_one(array, value):
    array = array.copy()
    array.flat[-1] = value
    return array


@pytest.mark.parametrize(
    ("x", "y"),
    [(with_one(X, np.nan), Y), (X, with_one(Y, 2)), (X, with_one(Y, -1))],
    ids=["nan", "no such class", "below 0"],
)
def test_values_are_judged_at_each_batch(x, y):
    model = made()
    for _ in range(2):
        model.train_on_batch(X, Y)
    with pytest.raises(UserInputError):
        model.train_on_batch(x, y)


def test_an_int_that_does_not_fit_is_refused_at_each_batch():
    model = made()
    for _ in range(2):
        model.train_on_batch(X, Y.astype("int64"))
    with pytest.raises(UserInputError, match="does not fit"):
        model.train_on_batch(X, with_one(Y.astype("int64"), 2**40))


def test_targets_of_another_length_are_refused_behind_known_batches():
    model = made()
    for _ in range(2):
        model.train_on_batch(X, Y)
    with pytest.raises(UserInputError, match="same number of samples"):
        model.train_on_batch(X, Y[:3])


@pytest.mark.parametrize("method", METHODS)
def test_a_known_batch_is_refused_inside_of_a_trace(method):
    model = made()
    for _ in range(2):
        call(model, method, X, Y)
    with pytest.raises(UserInputError, match="trace"):
        jax.jit(lambda a: call(model, method, X, Y) + a)(1.0)


def test_weights_and_weights_of_classes_are_looked_at_each_time(sources):
    model = made()
    plain = model.test_on_batch(X, Y)
    model.test_on_batch(X, Y)
    weighted = [model.test_on_batch(X, Y, np.array([1, 0, 0, 0], "float32")) for _ in range(2)]
    model.train_on_batch(X, Y)
    model.train_on_batch(X, Y, class_weight={0: 2.0, 1: 1.0})
    assert len(sources) == 5 and weighted[0] == weighted[1] != plain


@pytest.mark.parametrize("change", ["compile", "layers", "floatx"])
def test_a_changed_model_has_its_batches_looked_at_again(change, sources):
    model = made()
    for _ in range(2):
        model.predict_on_batch(X)
    if change == "compile":
        model.compile("sgd", "mse")
    elif change == "layers":
        model.add(layers.Dense(5))
    else:
        fkeras.config.set_floatx("float16")
    try:
        outputs = model.predict_on_batch(X)
    finally:
        fkeras.config.set_floatx("float32")
    assert outputs.shape == (4, 5 if change == "layers" else 2)
    assert len(sources) == 2


def test_nothing_accumulates_between_batches():
    model = made()
    alone = [model.test_on_batch(X[i : i + 2], Y[i : i + 2], return_dict=True) for i in (0, 2)]
    again = [model.test_on_batch(X[i : i + 2], Y[i : i + 2], return_dict=True) for i in (0, 2)]
    assert alone == again
    model.optimizer.learning_rate = 0.0
    trained = [model.train_on_batch(X[:2], Y[:2], return_dict=True) for _ in range(3)]
    assert trained[0] == trained[1] == trained[2] == alone[0]
    for metric in model.metrics:
        assert all(np.isfinite(v.numpy()).all() for v in metric.variables)


def test_weights_that_are_set_between_steps_are_those_of_the_next():
    model, other = made(), made()
    model.train_on_batch(X, Y)
    other.set_weights([w + 1 for w in model.get_weights()])
    model.set_weights(other.get_weights())
    assert model.train_on_batch(X, Y) == other.train_on_batch(X, Y)


def test_a_flag_toggled_behind_known_batches_is_told():
    model = made()
    for _ in range(2):
        model.train_on_batch(X, Y)
    model.layers[0].trainable = False
    with pytest.warns(UserWarning, match="was changed after"):
        model.train_on_batch(X, Y)


def test_a_step_that_is_refused_while_it_runs_changes_nothing():
    model = made()
    for _ in range(3):
        model.train_on_batch(X, Y)
    before, steps = model.get_weights(), model._compiled.progress.steps
    for _ in range(2):
        with pytest.raises(UserInputError, match="class ids"):
            model.train_on_batch(X, with_one(Y, 2))
    assert model._compiled.progress.steps == steps
    assert all(map(np.array_equal, model.get_weights(), before))
    model.train_on_batch(X, Y)
    assert int(model.optimizer.iterations) == steps + 1


def test_metrics_that_are_resolved_behind_a_prediction_count():
    metric = fkeras.metrics.SparseCategoricalAccuracy()
    model = fkeras.Sequential([layers.Input((3,)), layers.Dense(2, activation="softmax")])
    model.compile(fkeras.optimizers.SGD(0.0), "sparse_categorical_crossentropy", metrics=[metric])
    right = np.mean(model.predict_on_batch(X).argmax(-1) == Y)
    for _ in range(3):
        assert model.train_on_batch(X, Y)[1] == pytest.approx(right)
        assert float(metric.result()) == pytest.approx(right)


@pytest.mark.parametrize("loss", ["mse", "binary_crossentropy", "poisson"])
def test_targets_of_later_batches_are_held_against_their_bounds(loss):
    model = fkeras.Sequential([layers.Input((3,)), layers.Dense(1, activation="sigmoid")])
    model.compile("sgd", loss)
    y = Y.reshape(4, 1).astype("float32")
    for _ in range(3):
        model.train_on_batch(X, y)
    wrong = [np.nan] + {"mse": [], "poisson": [-1.0]}.get(loss, [-1.0, 2.0])
    for value in wrong:
        with pytest.raises(UserInputError):
            model.train_on_batch(X, with_one(y, value))
    for value in {"mse": [-1.0, 9.0], "poisson": [9.0]}.get(loss, [0.5]):
        model.train_on_batch(X, with_one(y, value))
