"""`K.gradients` and `K.function` on graphs, against `jax.grad` and arithmetic."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import fkeras
from fkeras import backend as K  # noqa: N812
from fkeras import layers
from fkeras.errors import UserInputError, UserTypeError

rng = np.random.default_rng(0)
X = rng.normal(size=(3, 4)).astype("float32")


def model_of():
    inputs = fkeras.Input((4,))
    hidden = layers.Dense(3, activation="tanh", name="hidden")(inputs)
    return fkeras.Model(inputs, layers.Dense(2, name="head")(hidden))


def test_by_an_input_an_inner_tensor_and_a_weight():
    model = model_of()
    hidden, head = model.get_layer("hidden"), model.get_layer("head")
    loss = K.sum(K.square(model.output[:, 1]))
    asked = [model.input, hidden.output, head.kernel]
    by_input, by_hidden, by_kernel = K.function([model.input], K.gradients(loss, asked))([X])

    def total(x, kernel):
        return jnp.sum((jnp.tanh(x @ hidden.kernel) @ kernel)[:, 1] ** 2)

    np.testing.assert_allclose(by_input, jax.grad(total)(X, head.kernel.value), rtol=1e-4)
    np.testing.assert_allclose(by_kernel, jax.grad(total, 1)(X, head.kernel.value), rtol=1e-4)
    slope = 2 * np.asarray(model(X))[:, 1:] * np.asarray(head.kernel)[:, 1]
    np.testing.assert_allclose(by_hidden, slope, rtol=1e-4)


def test_of_a_gradient_and_of_what_does_not_reach():
    x, other = fkeras.Input((1,)), fkeras.Input((1,))
    cube = x * x * x
    first = K.gradients(cube, x)[0]
    second = K.gradients([first], [x, other])
    assert second[1] is None
    values = K.function(x, [first, second[0]])(np.array([[2.0]]))
    assert [float(v[0, 0]) for v in values] == [12.0, 12.0]


@pytest.mark.parametrize(
    "call, words",
    [
        (lambda: K.gradients(K.constant(1.0), fkeras.Input((1,))), "jax.grad"),
        (lambda: K.gradients(fkeras.Input((1,)), "x"), "by KerasTensors and Variables"),
        (lambda: K.function([np.ones(2)], []), "inputs are `Input`s"),
        (lambda: K.function([fkeras.Input((1,))], [])([1, 2]), "takes 1 values"),
    ],
)
def test_what_cannot_be_is_told(call, words):
    with pytest.raises((UserTypeError, UserInputError), match=words):
        call()


def test_a_function_gives_numpy_in_the_structure_of_its_outputs():
    model = model_of()
    double = K.function(model.inputs, {"double": 2 * model.output, "kernel": model.weights[0]})(X)
    assert type(double["double"]) is np.ndarray
    np.testing.assert_allclose(double["double"], 2 * model.predict(X, verbose=0), rtol=1e-5)
    np.testing.assert_array_equal(double["kernel"], model.weights[0])


def test_the_phase_can_be_fed_and_no_state_is_kept():
    inputs = fkeras.Input((4,))
    model = fkeras.Model(inputs, layers.Dropout(0.5)(layers.BatchNormalization()(inputs)))
    run = K.function([model.input, K.learning_phase()], [model.output])
    before = model.get_weights()
    tested, trained = run([X, 0])[0], run([X, 1])[0]
    np.testing.assert_allclose(tested, model.predict(X, verbose=0), rtol=1e-5)
    assert (trained == 0).any() and not (tested == 0).any()
    for old, new in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


def test_updates_are_assigned():
    x, count = fkeras.Input((1,)), fkeras.Variable(np.zeros(1, "float32"))
    run = K.function([x], [x], updates=[(count, K.sum(x, axis=0))])
    run([np.array([[1.0], [2.0]])])
    assert count.numpy().tolist() == [3.0]


def test_layers_know_their_phase():
    class Noise(layers.Layer):
        def call(self, x, training=None):
            return K.in_train_phase(lambda: x + 1, x, training=training)

    layer = Noise()
    assert float(layer(np.zeros(()))) == 0.0 and float(layer(np.zeros(()), training=True)) == 1.0
    assert K.in_test_phase(1, 2) == 1 and K.in_train_phase(1, 2, training=1) == 1
    assert K.learning_phase() == 0
    with pytest.raises(UserInputError, match="0 or 1"):
        K.set_learning_phase(2)
