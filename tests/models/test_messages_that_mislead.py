"""Messages name what exists, and the argument that is at fault."""

import numpy as np
import pytest

import fkeras
from fkeras import layers
from fkeras.errors import UserInputError, UserTypeError

X = np.zeros((8, 4), "float32")
Y = np.zeros((8, 1), "float32")
WORDS = np.array([["a"] * 4] * 8)


def model():
    built = fkeras.Sequential([fkeras.Input((4,)), layers.Dense(1)])
    built.compile("sgd", "mse")
    return built


@pytest.mark.parametrize(
    "call, words",
    [
        (lambda m: m.fit(X, Y, epoch=2), ["'epoch'", "'epochs'"]),
        (lambda m: m.fit(X, Y, epoch=2, bach_size=1), ["'epochs'", "'batch_size'", "'bach_size'"]),
        (lambda m: m.predict(X, batchsize=2), ["'batchsize'", "'batch_size'"]),
        (lambda m: m.evaluate(X, Y, metric=2), ["Its arguments: x, y, batch_size"]),
        (lambda m: m.compile("sgd", "mse", metric=["mae"]), ["'metrics'"]),
        (lambda m: m.compile("sgd", "mse", lr=0.1), ["`compile` got", "Its arguments: optimizer"]),
    ],
)
def test_all_unknown_arguments_are_named_with_the_nearest(call, words):
    with pytest.raises(UserTypeError, match="got unexpected keyword argument") as caught:
        call(model())
    assert [word for word in words if word not in str(caught.value)] == []
    assert "unknown" not in str(caught.value)


@pytest.mark.parametrize("data", [X, (X,), {"a": X}, [X]])
def test_validation_data_without_targets_is_named(data):
    with pytest.raises(UserInputError, match=r"validation_data"):
        model().fit(X, Y, validation_data=data, verbose=0)


def test_a_loss_without_targets_speaks_of_y():
    with pytest.raises(UserInputError, match="no targets were given: pass `y`") as caught:
        model().fit(X, verbose=0)
    assert "validation" not in str(caught.value)


@pytest.mark.parametrize(
    "call, name",
    [
        (lambda m: m.fit(WORDS, Y, verbose=0), "x"),
        (lambda m: m.evaluate(WORDS, Y, verbose=0), "x"),
        (lambda m: m.predict(WORDS, verbose=0), "x"),
        (lambda m: m.train_on_batch(WORDS, Y), "x"),
        (lambda m: m.fit(iter([(WORDS, Y)]), verbose=0), "x"),
        (lambda m: m.fit(X, Y, validation_data=(WORDS, Y), verbose=0), "validation_data"),
        (lambda m: m.fit(X, WORDS[:, 0], verbose=0), "y"),
    ],
)
@pytest.mark.parametrize("built", [True, False])
def test_strings_are_told_how_to_become_numbers(call, name, built):
    subject = model() if built else fkeras.Sequential([layers.Dense(1)])
    subject.compile("sgd", "mse")
    with pytest.raises(UserInputError, match=rf"^{name} holds strings.*np.unique") as caught:
        call(subject)
    assert "StringLookup" in str(caught.value)
