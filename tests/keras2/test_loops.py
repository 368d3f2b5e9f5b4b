"""`foldl`, `foldr` and `rnn` of Keras 2's backend, against loops in Python."""

import numpy as np
import pytest

import fkeras
from fkeras import backend as K  # noqa: N812
from fkeras.errors import UserInputError

rng = np.random.default_rng(0)
X = rng.normal(size=(2, 4, 3)).astype("float32")
MASK = np.array([[1, 0, 1, 0], [0, 1, 1, 1]], bool)
FACTOR = np.float32(0.5)


def step(x, states):
    new = x + states[1] * states[0]  # the last is a constant
    return 2 * new, [new]


def loop(x, mask=None, zeros=False):
    state, last, outputs = np.zeros((2, 3), "float32"), np.zeros((2, 3), "float32"), []
    for t in range(x.shape[1]):
        output, (new,) = step(x[:, t], [state, FACTOR])
        if mask is not None:
            kept = mask[:, t, None]
            output = np.where(kept, output, 0.0 if zeros else last)
            new = np.where(kept, new, state)
        state, last = new, output
        outputs.append(output)
    return last, np.stack(outputs, 1), state


def run(x, **options):
    return K.rnn(step, x, [np.zeros((2, 3), "float32")], constants=[FACTOR], **options)


ROWS = {
    "plain": (lambda: run(X), lambda: loop(X)),
    "masked": (lambda: run(X, mask=MASK), lambda: loop(X, MASK)),
    "masked with zeros": (
        lambda: run(X, mask=MASK[..., None], zero_output_for_mask=True),
        lambda: loop(X, MASK, zeros=True),
    ),
    "backwards": (lambda: run(X, go_backwards=True), lambda: loop(X[:, ::-1])),
    "unrolled": (lambda: run(X, unroll=True, input_length=4), lambda: loop(X)),
}


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)
def test_rnn_is_a_loop_over_steps(row):
    (last, outputs, states), (expected_last, expected_outputs, state) = (make() for make in row)
    np.testing.assert_allclose(last, expected_last, rtol=1e-5)
    np.testing.assert_allclose(outputs, expected_outputs, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(states[0], state, rtol=1e-5)


def test_rnn_with_the_steps_first_and_the_last_output_alone():
    last, outputs, _ = run(X.swapaxes(0, 1), time_major=True, return_all_outputs=False)
    np.testing.assert_allclose(outputs[0], last)
    np.testing.assert_allclose(last, loop(X)[0], rtol=1e-5)
    with pytest.raises(UserInputError, match="at least 3 axes"):
        run(X[0])


def test_rnn_in_a_graph():
    inputs = fkeras.Input((4, 3), batch_size=2)
    last, outputs, _ = run(inputs)
    assert outputs.shape == (2, 4, 3)
    np.testing.assert_allclose(K.function([inputs], [last])([X])[0], loop(X)[0], rtol=1e-5)


@pytest.mark.parametrize(
    "ours, expected",
    [
        (lambda: K.foldl(lambda a, x: a - x, np.array([1.0, 2.0, 4.0])), -5.0),
        (lambda: K.foldr(lambda a, x: a - x, np.array([1.0, 2.0, 4.0])), 1.0),
        (lambda: K.foldl(lambda a, x: a * x, np.array([2.0, 3.0]), np.float32(10.0)), 60.0),
    ],
)
def test_folds(ours, expected):
    assert float(ours()) == expected
