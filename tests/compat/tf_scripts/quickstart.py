# TensorFlow 2 quickstart for beginners (numbers made up in place of MNIST)
import numpy as np
import tensorflow as tf

print("TensorFlow version:", tf.__version__)
tf.random.set_seed(0)

rng = np.random.default_rng(0)
x_train = rng.integers(0, 256, (64, 8, 8)).astype("float64")
y_train = rng.integers(0, 10, 64)
x_train = x_train / 255.0

model = tf.keras.models.Sequential(
    [
        tf.keras.layers.Input((8, 8)),
        tf.keras.layers.Flatten(),
        tf.keras.layers.Dense(16, activation="relu"),
        tf.keras.layers.Dropout(0.2),
        tf.keras.layers.Dense(10),
    ]
)

predictions = model(x_train[:1]).numpy()
print(predictions.shape, tf.nn.softmax(predictions).numpy().sum().round(4))
loss_fn = tf.keras.losses.SparseCategoricalCrossentropy(from_logits=True)
assert loss_fn(y_train[:1], predictions).numpy() > 0

model.compile(optimizer="adam", loss=loss_fn, metrics=["accuracy"])
model.fit(x_train, y_train, epochs=1, verbose=0)
loss, accuracy = model.evaluate(x_train, y_train, verbose=0)

probability_model = tf.keras.Sequential([model, tf.keras.layers.Softmax()])
best = tf.argmax(probability_model(x_train[:5]), axis=1).numpy()
assert best.shape == (5,) and best.dtype.kind == "i"
