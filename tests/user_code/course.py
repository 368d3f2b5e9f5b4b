"""An ordinary day with Keras, as courses and notebooks write it. It runs, and type checkers find
nothing wrong in it (`tests/test_type_checkers.py`).
"""

import csv
import math
import pathlib

import jax
import jax.numpy as jnp
import numpy as np
import optax

import fkeras
from fkeras import Input, Model, Sequential, callbacks, layers, losses, metrics, ops, optimizers

rng = np.random.default_rng(0)
x_train = rng.normal(size=(64, 28, 28, 1)).astype("float32")
y_train = rng.integers(0, 10, 64)

# A convnet, as in every course.
model = Sequential(
    [
        Input((28, 28, 1)),
        layers.Conv2D(8, (3, 3), activation="relu", padding="same"),
        layers.MaxPooling2D((2, 2)),
        layers.Conv2D(16, 3, strides=2),
        layers.BatchNormalization(),
        layers.Activation("relu"),
        layers.Flatten(),
        layers.Dropout(0.5),
        layers.Dense(10, activation="softmax"),
    ],
    name="convnet",
)
model.summary()
model.compile(
    optimizer=optimizers.Adam(learning_rate=optimizers.schedules.CosineDecay(1e-3, 1000)),
    loss="sparse_categorical_crossentropy",
    metrics=["accuracy", metrics.SparseTopKCategoricalAccuracy(k=3, name="top3")],
)
history = model.fit(
    x_train,
    y_train,
    batch_size=16,
    epochs=2,
    validation_split=0.25,
    verbose=2,
    class_weight={0: 1.0, 1: 2.0},
    callbacks=[
        callbacks.EarlyStopping(monitor="val_loss", patience=2, restore_best_weights=True),
        callbacks.TerminateOnNaN(),
        callbacks.CSVLogger("log.csv"),
    ],
)
best = max(history.history["val_accuracy"])
print(best, history.epoch, sorted(history.history))
results = model.evaluate(x_train, y_train, verbose=0)
print(f"loss {results[0]:.3f}, accuracy {results[1]:.3f}")
named = model.evaluate(x_train, y_train, verbose=0, return_dict=True)
print(named["loss"])
probabilities = model.predict(x_train[:5])
print(probabilities.argmax(axis=1), probabilities.shape, probabilities[:, 0].mean())
weights = model.get_weights()
model.set_weights(weights)
print(len(weights), weights[0].shape, model.count_params())
model.save("model_folder")
again = fkeras.models.load_model("model_folder")
print(again.predict(x_train[:1], verbose=0).shape)
for layer in model.layers:
    layer.trainable = False
    print(layer.name, [tuple(w.shape) for w in layer.weights])
first = model.get_layer("conv2d")
kernel = first.get_weights()[0]
print(kernel.mean())

# A functional model with two inputs and two outputs.
title = Input(shape=(None,), dtype="int32", name="title")
body = Input(shape=(None,), dtype="int32", name="body")
embed = layers.Embedding(1000, 16, mask_zero=True)
a = layers.LSTM(8)(embed(title))
b = layers.Bidirectional(layers.GRU(8, return_sequences=True))(embed(body))
b = layers.GlobalAveragePooling1D()(b)
joined = layers.concatenate([a, b])
joined = layers.LayerNormalization()(joined) * 2 + 1
priority = layers.Dense(1, name="priority", activation="sigmoid")(joined)
kind = layers.Dense(4, name="kind")(joined)
two = Model(inputs=[title, body], outputs=[priority, kind])
two.compile(
    optimizer="rmsprop",
    loss={
        "priority": "binary_crossentropy",
        "kind": losses.SparseCategoricalCrossentropy(from_logits=True),
    },
    loss_weights={"priority": 1.0, "kind": 0.2},
    metrics={"kind": ["accuracy"]},
)
ids = rng.integers(1, 1000, (8, 5))
two.fit(
    {"title": ids, "body": ids},
    {"priority": np.zeros((8, 1)), "kind": np.zeros((8,))},
    epochs=1,
    verbose=0,
)
priorities, kinds = two.predict([ids, ids], verbose=0)
print(priorities.shape, kinds.shape)


# Layers, losses, metrics, callbacks and models of one's own.
class Attention(layers.Layer):
    def __init__(self, units: int, rate: float = 0.1, **kwargs):
        super().__init__(**kwargs)
        self.units = units
        self.query = layers.Dense(units)
        self.key = layers.Dense(units)
        self.drop = layers.Dropout(rate)

    def build(self, input_shape):
        self.scale = self.add_weight(shape=(), initializer="ones", name="scale")
        self.counter = self.add_weight(shape=(), initializer="zeros", trainable=False)
        super().build(input_shape)

    def call(self, inputs, mask=None, training=False):
        scores = ops.matmul(self.query(inputs), ops.transpose(self.key(inputs), (0, 2, 1)))
        scores = scores * self.scale / math.sqrt(self.units)
        if mask is not None:
            scores = ops.where(mask[:, None, :], scores, -1e9)
        self.counter.assign_add(1.0)
        self.add_loss(1e-3 * ops.mean(ops.square(scores)))
        return ops.matmul(self.drop(ops.softmax(scores), training=training), inputs)

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {**super().get_config(), "units": self.units}


class Contrastive(losses.Loss):
    def __init__(self, margin=1.0, name="contrastive"):
        super().__init__(name=name)
        self.margin = margin

    def call(self, y_true, y_pred):
        return y_true * y_pred**2 + (1 - y_true) * ops.maximum(self.margin - y_pred, 0) ** 2


class F1(metrics.Metric):
    def __init__(self, name="f1", **kwargs):
        super().__init__(name=name, **kwargs)
        self.hits = self.add_weight(name="hits", initializer="zeros")
        self.total = self.add_weight(name="total", initializer="zeros")

    def update_state(self, y_true, y_pred, sample_weight=None):
        guessed = ops.cast(y_pred > 0.5, "float32")
        self.hits.assign_add(ops.sum(guessed * y_true))
        self.total.assign_add(ops.sum(guessed) + ops.sum(y_true))

    def result(self):
        return 2 * self.hits / ops.maximum(self.total, 1.0)


class Log(callbacks.Callback):
    def on_train_begin(self, logs=None):
        self.seen = []

    def on_epoch_end(self, epoch, logs=None):
        logs = logs or {}
        self.seen.append(logs["loss"])
        if epoch > 10:
            self.model.stop_training = True
        print(epoch, logs.get("val_loss"), self.model.optimizer.learning_rate)


class Autoencoder(fkeras.Model):
    def __init__(self, latent_dim):
        super().__init__()
        self.latent_dim = latent_dim
        self.encoder = Sequential([layers.Dense(8, activation="relu"), layers.Dense(latent_dim)])
        self.decoder = Sequential([layers.Dense(8, activation="relu"), layers.Dense(4)])
        self.distance = metrics.Mean(name="distance")

    @property
    def metrics(self):
        return [*super().metrics, self.distance]

    def call(self, inputs, training=None):
        return self.decoder(self.encoder(inputs), training=training)

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        return ops.mean(ops.square(x - y_pred))

    def train_step(self, state, data):
        logs, state = super().train_step(state, data)
        return logs, state


auto = Autoencoder(2)
auto.compile(optimizer=optimizers.SGD(0.1, momentum=0.9, nesterov=True, clipnorm=1.0))
x = rng.normal(size=(32, 4)).astype("float32")
auto.fit(x, x, epochs=1, verbose=0, callbacks=[Log()])
codes = auto.encoder(x)
print(codes.shape, codes[0], float(ops.mean(codes)), np.asarray(codes).std())
auto.optimizer.learning_rate = 0.01
auto.compile(optax.adamw(1e-3), loss=Contrastive(), metrics=[F1(), "mae"])


def perceptual(y_true, y_pred):
    return ops.mean(ops.abs(y_true - y_pred), axis=-1)


auto.compile("adam", loss=perceptual)


# Data from a generator, a PyDataset.
class Batches(fkeras.utils.PyDataset):
    def __init__(self, x, size, **kwargs):
        super().__init__(**kwargs)
        self.x, self.size = x, size

    def __len__(self):
        return math.ceil(len(self.x) / self.size)

    def __getitem__(self, index):
        rows = self.x[index * self.size : (index + 1) * self.size]
        return rows, rows


def generate():
    while True:
        yield x[:8], x[:8]


auto.fit(
    Batches(x, 8, workers=2),
    epochs=1,
    verbose=0,
    callbacks=[
        callbacks.ReduceLROnPlateau(monitor="loss", factor=0.5),
        callbacks.LearningRateScheduler(lambda epoch, rate: rate * 0.9),
    ],
)
auto.fit(generate(), steps_per_epoch=2, epochs=1, verbose=0)
loss = None
for epoch in range(2):
    for start in range(0, len(x), 8):
        loss = auto.train_on_batch(x[start : start + 8], x[start : start + 8])
    print(epoch, loss)

# The pure face.
net = Sequential([layers.Dense(8, activation="tanh"), layers.Dense(1)])
variables = net.init(jax.random.key(0), x)


def loss_of(params):
    outputs, _ = net.apply({**variables, "params": params}, x, training=True)
    return jnp.mean(outputs**2)


value, gradients = jax.value_and_grad(loss_of)(variables["params"])
print(float(value), jax.tree.map(jnp.shape, gradients))
net.compile("adam", "mse", metrics=["mae"])
state = net.init_state(jax.random.key(0), (x, x[:, :1]))
step = jax.jit(net.step, donate_argnums=0)
for _ in range(3):
    state, logs = step(state, (x, x[:, :1]))
    print(int(state.step), float(logs["loss"]))
net.set_train_state(state)
print(net.predict(x, verbose=0)[:3, 0])

# Losses, metrics, initializers and ops by themselves.
mse = losses.MeanSquaredError()
print(float(mse([[0.0]], [[1.0]])), float(losses.mean_squared_error(x, x)[0]))
auc = metrics.AUC()
auc.update_state([0, 1], [0.2, 0.8])
print(float(auc.result()))
auc.reset_state()
init = fkeras.initializers.HeNormal(seed=1)
print(init((2, 3)), init(shape=(2, 3)).shape)
z = ops.convert_to_tensor(x)
z = ops.reshape(z, (-1, 2, 2))
print(z.shape, z.T.shape, (z + 1)[0], ops.concatenate([z, z], axis=-1).dtype)
v = fkeras.Variable(1.0)
v.assign(v + 1)
print(v.numpy(), float(v), v.value)
fkeras.utils.set_random_seed(1)
fkeras.config.set_floatx("float32")
one_hot = fkeras.utils.to_categorical(y_train, 10)
print(one_hot.shape, pathlib.Path("log.csv").exists(), csv.__name__)
