"""`tf.GradientTape`: right values are those of `jax.grad`, or of arithmetic."""

import gc

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import fkeras
from fkeras import layers, losses, ops, optimizers
from fkeras.compat import standins
from fkeras.core import jax_private
from fkeras.core.values import lending
from fkeras.errors import UserInputError, UserTypeError

tf = standins.find("tensorflow")


def variable(value):
    return tf.Variable(value)


def closed_over_by_jit(v, x):
    return jax.jit(lambda y: y * v.value)(x) + v.value


@jax.custom_jvp
def tripled(x):
    return x * x


tripled.defjvp(lambda primals, tangents: (tripled(primals[0]), 3.0 * tangents[0]))


@tf.custom_gradient
def fivefold(x):
    return x * x, lambda upstream: upstream * 5.0


@jax.custom_vjp
def reversal(x):
    return x


reversal.defvjp(lambda x: (x, None), lambda _, upstream: (-upstream,))


# Name, function of (Variable, array), the derivative by the Variable at 2, where the array is 3.
BLOCKS = [
    ("operators", lambda v, x: v * v * x + 1, 12.0),
    ("power of tf", lambda v, x: tf.pow(v, 3.0) * x, 36.0),
    ("ops", lambda v, x: ops.square(v) * x, 12.0),
    ("jax.numpy", lambda v, x: jnp.sin(v.value) * x, 3 * np.cos(2.0)),
    ("a branch on a value", lambda v, x: v * x if v > 1 else -v, 3.0),
    ("a number read", lambda v, x: v * float(v), 2.0),
    ("printed", lambda v, x: (str(v * x), v * x)[1], 3.0),
    ("NumPy is constant", lambda v, x: v * np.asarray(v * x), 6.0),
    ("stop_gradient", lambda v, x: v * tf.stop_gradient(v), 2.0),
    ("stop_gradient in a jit", lambda v, x: v * jax.jit(jax.lax.stop_gradient)(v.value), 2.0),
    ("reversed gradient", lambda v, x: v * 5 + reversal(v.value), 4.0),
    ("a jitted function", lambda v, x: jax.jit(lambda y: y * y)(v.value), 4.0),
    ("a jitted closure", closed_over_by_jit, 4.0),
    ("handed through a jit", lambda v, x: jax.jit(lambda y: (y, y * 2))(v.value)[0] * v.value, 4.0),
    ("scan", lambda v, x: jax.lax.scan(lambda c, _: (c * x, None), v.value, length=3)[0], 27.0),
    ("cond", lambda v, x: jax.lax.cond(x > 0, lambda y: y * y, lambda y: y, v.value), 4.0),
    ("checkpoint", lambda v, x: jax.checkpoint(lambda y: y * y)(v.value), 4.0),
    ("vmap", lambda v, x: jax.vmap(lambda y: y * v.value)(jnp.arange(3.0)).sum(), 3.0),
    ("grad inside", lambda v, x: jax.grad(lambda y: y**3)(v.value), 12.0),
    ("custom_jvp", lambda v, x: tripled(v.value), 3.0),
    ("custom_gradient", lambda v, x: fivefold(v), 5.0),
    ("relu", lambda v, x: jax.nn.relu(v.value * x), 3.0),
    ("indexing", lambda v, x: tf.stack([v * x, v])[0], 3.0),
    ("cast", lambda v, x: tf.cast(tf.cast(v, tf.float16) * 2, tf.float32), 2.0),
    ("written in the block", lambda v, x: (v * x, v.assign_add(1.0), v * v)[0] + v * v, 3 + 6.0),
]


@pytest.mark.parametrize("block, expected", [row[1:] for row in BLOCKS], ids=[r[0] for r in BLOCKS])
def test_gradients_by_a_variable(block, expected):
    v, x = variable(2.0), jnp.asarray(3.0)
    with tf.GradientTape() as tape:
        y = block(v, x)
    np.testing.assert_allclose(tape.gradient(y, v), expected, rtol=1e-3)


def test_a_value_that_a_loop_closed_over_is_never_lost():
    v, x = variable([2.0, 2.0]), jnp.asarray(3.0)
    with tf.GradientTape() as tape:
        y = jax.lax.scan(lambda c, _: (c * v.value, None), jnp.ones(2) * x, length=2)[0]
    np.testing.assert_allclose(tape.gradient(y, v), [12.0, 12.0])
    with tf.GradientTape() as tape:
        y = jax.lax.scan(
            lambda c, _: (jax.jit(lambda a: a * v.value)(c), None), jnp.ones(2) * x, length=2
        )[0]
    try:
        np.testing.assert_allclose(tape.gradient(y, v), [12.0, 12.0])
    except UserInputError as error:
        assert "as an argument" in str(error)

    @jax.custom_jvp
    def closed(x):
        return x * v.value

    closed.defjvp(lambda primals, tangents: (closed(*primals), tangents[0] * v.value))
    with tf.GradientTape() as tape:
        y = closed(v.value)
    with pytest.raises(UserInputError, match="custom_jvp_call.*as an argument"):
        tape.gradient(y, v)


@pytest.mark.parametrize(
    "make", [tf.constant, jnp.asarray, lambda x: tf.convert_to_tensor(np.asarray(x, "float32"))]
)
@pytest.mark.parametrize(
    "block",
    [
        lambda x: tf.reduce_sum(x * x * x),
        lambda x: tf.reduce_sum(tf.pow(x, 3.0)),
        lambda x: ops.sum(ops.power(x, 3)),
        lambda x: jnp.sum(jnp.power(x, 3)),
        lambda x: jnp.ones(2) * x @ (x * x),
        lambda x: sum(row**3 for row in x),
        lambda x: x[0] ** 3 + x[1] ** 3,
        lambda x: tf.reduce_sum(layers.Activation("linear")(x) ** 3),
        lambda x: losses.mean_squared_error(np.zeros(2), x**1.5) * 2,
        lambda x: losses.MeanSquaredError("sum")(x, np.zeros(2)) * 0 + tf.reduce_sum(x**3),
        lambda x: tf.reduce_sum(jax.jit(lambda a: a**3)(x)),
    ],
)
def test_watched_tensors(make, block):
    x = make([2.0, 3.0])
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = block(x)
    np.testing.assert_allclose(tape.gradient(y, x), [12.0, 27.0], rtol=1e-5)


def test_what_is_not_watched_or_does_not_reach_is_none():
    v, w, x, frozen = variable(2.0), variable(1.0), tf.constant(3.0), tf.Variable(1.0, False)
    with tf.GradientTape(persistent=True) as tape:
        y = v * x * frozen
    assert tape.gradient(y, [x, w, frozen]) == [None, None, None]
    assert tape.gradient(y, {"a": v, "b": [w]}) == {"a": 3.0, "b": [None]}
    zeros = tape.gradient(y, [v, w], unconnected_gradients="zero")
    assert [float(z) for z in zeros] == [3.0, 0.0]
    assert tape.gradient(y, [w], unconnected_gradients=tf.UnconnectedGradients.ZERO) == [0.0]
    assert tape.gradient([y, v * 1], v) == 3.0  # v * 1 was made after the block
    assert float(tape.gradient(y, v, output_gradients=tf.constant(2.0))) == 6.0
    assert tape.gradient(tf.argmax([v.value, 1.0]), v) is None
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(w)
        y = v * w
    assert tape.gradient(y, [v, w]) == [None, 2.0]


def test_intermediate_values_are_sources_beside_what_they_come_from():
    v = variable(2.0)
    with tf.GradientTape(persistent=True) as tape:
        middle = v * v
        with tape.stop_recording():
            constant = v * 10
        y = middle * middle + constant
    assert [float(g) for g in tape.gradient(y, [middle, v])] == [8.0, 32.0]
    assert float(tape.gradient(middle, middle)) == 1.0
    tape.reset()
    assert tape.gradient(y, v) is None


def test_tapes_side_by_side_and_updates_between():
    v, w = variable(2.0), variable(3.0)
    with tf.GradientTape() as first, tf.GradientTape() as second:
        a, b = v * w, v * v * w
    by_first = first.gradient(a, v)
    optimizers.SGD(1.0).apply_gradients([(by_first, v)])
    assert float(v) == -1.0
    assert [float(g) for g in second.gradient(b, [v, w])] == [12.0, 4.0]  # at v = 2


def test_second_derivatives():
    x = variable(3.0)
    with tf.GradientTape() as outer:
        with tf.GradientTape() as inner:
            y = tf.nn.relu(x) ** 3
        slope = inner.gradient(y, x)
    assert float(slope) == 27.0
    assert float(outer.gradient(slope, x)) == 18.0


def test_jacobians():
    v, x = variable([1.0, 2.0]), tf.constant([[1.0, 2.0], [3.0, 4.0]])
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(x)
        y = x * x * v
    right = jax.jacrev(lambda v: jnp.asarray(x) ** 2 * v)(v.value)
    np.testing.assert_allclose(tape.jacobian(y, [v])[0], right)
    by_x = jax.vmap(jax.jacrev(lambda row: row**2 * v.value))(jnp.asarray(x))
    np.testing.assert_allclose(tape.batch_jacobian(y, x), by_x)
    w = variable(1.0)
    assert tape.jacobian(y, w) is None
    assert tape.jacobian(y, w, unconnected_gradients="zero").shape == (2, 2)


def test_a_penalty_on_gradients_is_that_of_jax():
    critic = fkeras.Sequential([layers.Input((3,)), layers.Dense(4, "tanh"), layers.Dense(1)])
    x = tf.constant(X[:, 0, :3])
    with tf.GradientTape() as outer:
        with tf.GradientTape() as inner:
            inner.watch(x)
            score = critic(x)
        penalty = tf.reduce_mean(tf.norm(inner.gradient(score, x), axis=1) ** 2)
    gradients = outer.gradient(penalty, critic.trainable_variables)

    def pure(values):
        slope = jax.grad(lambda a: jnp.sum(critic.stateless_call(values, [], a)[0]))(X[:, 0, :3])
        return jnp.mean(jnp.sum(slope**2, 1))

    right = jax.grad(pure)([v.value for v in critic.trainable_variables])
    for found, expected in zip(gradients[:3], right):
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6)
    assert gradients[3] is None  # the last bias moves no slope


def test_half_precision_and_losses_that_layers_add():
    layer = layers.Dense(2, dtype="mixed_float16", activity_regularizer="l2")
    layer.build((None, 3))
    with tf.GradientTape() as tape:
        total = tf.reduce_sum(tf.cast(layer(X[:, 0, :3]), "float32")) + sum(layer.losses)
    gradients = tape.gradient(total, layer.trainable_variables)
    x, (kernel, bias) = jnp.asarray(X[:, 0, :3]), [v.value for v in layer.trainable_variables]

    def pure(kernel, bias):
        y = x @ kernel + bias
        return jnp.sum(y) + 0.01 * jnp.sum(y**2) / len(x)

    for found, right in zip(gradients, jax.grad(pure, (0, 1))(kernel, bias), strict=True):
        assert found.dtype == jnp.float32
        np.testing.assert_allclose(found, right, rtol=2e-2, atol=2e-2)


def test_misuse_is_told():
    v = variable(2.0)
    with tf.GradientTape() as tape:
        y = v * v
    with pytest.raises(UserTypeError, match="have left the tape"):
        tape.gradient(y.tolist(), v)
    with pytest.raises(UserTypeError, match="as sources"):
        tape.gradient(y, ["v"])
    tape.gradient(y, v)
    with pytest.raises(UserInputError, match="persistent=True"):
        tape.gradient(y, v)
    with pytest.raises(UserTypeError, match=r"tf\.constant"):
        tape.watch(np.ones(2))
    with pytest.raises(UserInputError, match="not recording"), tape.stop_recording():
        pass


def test_an_error_in_the_block_and_a_forgotten_tape_leave_nothing_behind():
    gc.collect()
    before = list(lending.before_write)
    with pytest.raises(ZeroDivisionError), tf.GradientTape() as tape:
        raise ZeroDivisionError
    del tape
    gc.collect()
    assert lending.before_write == before
    assert jax_private.is_eager(jax_private.innermost_trace())


def network():
    return fkeras.Sequential(
        [
            layers.Input((4, 4)),
            layers.LSTM(3, return_sequences=True),
            layers.Conv1D(3, 2, activation="relu"),
            layers.BatchNormalization(),
            layers.Dropout(0.5, seed=1),
            layers.GlobalAveragePooling1D(),
            layers.Dense(2, activation="softmax", kernel_regularizer="l2"),
        ]
    )


X = np.random.default_rng(0).normal(size=(6, 4, 4)).astype("float32")
Y = np.array([0, 1, 1, 0, 1, 0])


def test_a_training_step_has_the_gradients_of_the_pure_form():
    fkeras.utils.set_random_seed(1)
    model = network()
    loss_fn = losses.SparseCategoricalCrossentropy()
    trainable = [v.value for v in model.trainable_variables]
    rest = [v.value for v in model.non_trainable_variables]
    with tf.GradientTape() as tape:
        predicted = model(X, training=True)
        loss = loss_fn(Y, predicted) + sum(model.losses)
    gradients = tape.gradient(loss, model.trainable_variables)

    def pure(values):
        outputs, after, extra = model.stateless_call(
            values, rest, X, training=True, return_losses=True
        )
        return loss_fn(Y, outputs) + sum(extra), (outputs, after)

    (expected, (outputs, after)), by_values = jax.value_and_grad(pure, has_aux=True)(trainable)
    np.testing.assert_allclose(predicted, outputs, rtol=1e-5)  # the same dropout
    np.testing.assert_allclose(loss, expected, rtol=1e-5)
    for found, right in zip(gradients, by_values, strict=True):
        np.testing.assert_allclose(found, right, rtol=1e-4, atol=1e-6)
    for v, value in zip(model.non_trainable_variables, after, strict=True):
        np.testing.assert_allclose(v.value, value, rtol=1e-5)  # written once


class WithTape(fkeras.Model):
    """A network with a step in tf.keras's form."""

    def __init__(self, has_tape):
        super().__init__()
        self.dense, self.out = layers.Dense(3, activation="relu"), layers.Dense(1)
        self.norm, self.has_tape = layers.BatchNormalization(), has_tape

    def call(self, x, training=None):
        return self.out(self.norm(self.dense(x), training=training))

    def train_step(self, data):
        if not self.has_tape:
            return super().train_step(data)
        x, y = data
        with tf.GradientTape() as tape:
            y_pred = self(x, training=True)
            loss = self.compiled_loss(y, y_pred, regularization_losses=self.losses)
        gradients = tape.gradient(loss, self.trainable_variables)
        self.optimizer.apply_gradients(zip(gradients, self.trainable_variables))
        self.compiled_metrics.update_state(y, y_pred)
        return {m.name: m.result() for m in self.metrics}


def test_train_step_with_a_tape_is_the_own_step_under_fit():
    x, y = X[:, 0], X[:, 0].sum(-1, keepdims=True)
    found = []
    for has_tape in (False, True):
        fkeras.utils.set_random_seed(3)
        model = WithTape(has_tape)
        model.compile("adam", "mse", metrics=["mae"])
        history = model.fit(x, y, batch_size=3, epochs=3, shuffle=False, verbose=0).history
        found.append((history, model.get_weights()))
    (own, own_weights), (taped, taped_weights) = found
    assert own.keys() == taped.keys()
    for name in own:
        np.testing.assert_allclose(taped[name], own[name], rtol=1e-4)
    for a, b in zip(taped_weights, own_weights, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)


class Rivals(fkeras.Model):
    """Two networks with an optimizer each, and no `call`."""

    def __init__(self):
        super().__init__()
        self.one, self.two = [
            fkeras.Sequential([layers.Input((4,)), layers.Dense(1)]) for _ in range(2)
        ]

    def compile(self, first, second):
        super().compile()
        self.first, self.second = first, second

    def train_step(self, data):
        x, y = data
        with tf.GradientTape() as tape_one, tf.GradientTape() as tape_two:
            a, b = self.one(x), self.two(x)
            one, two = tf.reduce_mean((a - y) ** 2), tf.reduce_mean((a - b) ** 2)
        for tape, loss, network, optimizer in (
            (tape_one, one, self.one, self.first),
            (tape_two, two, self.two, self.second),
        ):
            gradients = tape.gradient(loss, network.trainable_variables)
            optimizer.apply_gradients(zip(gradients, network.trainable_variables))
        return {"one": one, "two": two}


def test_two_optimizers_of_a_model_under_fit_are_those_of_a_loop(tmp_path):
    x, y = X[:, 0], X[:, 0, :1]
    found = []
    for in_loop in (True, False):
        fkeras.utils.set_random_seed(1)
        model = Rivals()
        model.compile(optimizers.Adam(0.1), optimizers.SGD(0.1, momentum=0.9))
        for _ in range(2):
            if in_loop:
                [model.train_step((x[i : i + 3], y[i : i + 3])) for _ in range(2) for i in (0, 3)]
            else:
                logs = model.fit(x, y, batch_size=3, epochs=2, shuffle=False, verbose=0).history
        assert int(model.first.iterations) == int(model.second.iterations) == 8
        found.append([*model.get_weights(), *(v.numpy() for v in model.second.variables)])
    assert sorted(logs) == ["one", "two"]
    for in_loop, by_fit in zip(*found, strict=True):
        np.testing.assert_allclose(by_fit, in_loop, rtol=1e-4, atol=1e-5)
    model.train_on_batch(x, y)
    assert int(model.first.iterations) == 9
    with pytest.raises(UserInputError, match="one optimizer; model"):
        model.train_state()
    backup = fkeras.callbacks.BackupAndRestore(tmp_path / "b")
    checkpoint = fkeras.callbacks.ModelCheckpoint(tmp_path / "w.weights.h5", save_weights_only=True)
    model.fit(x, y, verbose=0, callbacks=[backup, checkpoint])
    before = model.get_weights()
    model.fit(x, y, verbose=0)
    model.load_weights(tmp_path / "w.weights.h5")
    for a, b in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(a, b)


class Pairs(fkeras.Model):
    """Trained on pairs, called on one half of such a pair."""

    def __init__(self):
        super().__init__()
        inputs = layers.Input((4,)), layers.Input((4,))
        dense = layers.Dense(2)
        self.pair = fkeras.Model(inputs, dense(inputs[0]) - dense(inputs[1]))
        self.half = fkeras.Model(inputs[0], dense(inputs[0]))

    def call(self, x):
        return self.half(x["half"])

    def train_step(self, data):
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(self.pair(data) ** 2)
        variables = self.pair.trainable_variables
        self.optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables))
        return {"loss": loss}


def test_a_model_of_built_ones_is_not_called_where_its_own_step_trains():
    model = Pairs()
    model.compile("sgd")
    rows = fkeras.data.Dataset.from_tensor_slices((X[:, 0], X[:, 1])).batch(3)
    losses = model.fit(rows, epochs=3, verbose=0).history["loss"]
    assert losses == sorted(losses, reverse=True)
    assert model.predict({"half": X[:, 0]}, verbose=0).shape == (6, 2)
