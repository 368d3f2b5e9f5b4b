"""Files of tf.keras 2, for `test_tf_keras_files.py`. Made once, in an environment of its own:

pip install "tensorflow-cpu==2.15.*"
python tests/saving/make_tf_keras_files.py tests/saving/data/tf_keras
"""

import pathlib
import sys

import numpy as np
import tensorflow as tf

K = tf.keras
L = K.layers
RANDOM = np.random.default_rng(5)
FLAT = RANDOM.normal(size=(4, 3)).astype("float32")
STEPS = RANDOM.normal(size=(4, 3, 2)).astype("float32")
IMAGES = RANDOM.normal(size=(4, 6, 6, 2)).astype("float32")
WORDS = RANDOM.integers(1, 5, size=(4, 3)).astype("int32")
ONE = RANDOM.normal(size=(4, 1)).astype("float32")


def stack(optimizer):
    made = K.Sequential([L.Dense(3, input_shape=(3,), activation="relu"), L.Dense(1)])
    made.compile(optimizer, "mse", metrics=["mae"])
    return made, FLAT


def convolutions():
    layers = [
        L.Conv2D(2, 3, padding="same", kernel_regularizer="l2", input_shape=(6, 6, 2)),
        L.BatchNormalization(),
        L.ReLU(),
        L.MaxPooling2D(),
        L.SeparableConv2D(2, 2),
        L.Conv2DTranspose(2, 2),
        L.GlobalAveragePooling2D(),
        L.Dropout(0.5),
        L.Dense(1, kernel_initializer="he_normal"),
    ]
    made = K.Sequential(layers)
    made.compile("sgd", K.losses.MeanSquaredError(), metrics=[K.metrics.MeanAbsoluteError()])
    return made, IMAGES


def recurrent():
    x = K.Input((3, 2))
    h = L.Bidirectional(L.LSTM(2, return_sequences=True))(x)
    h = L.TimeDistributed(L.Dense(2))(h)
    h = L.GRU(2, return_sequences=True)(h)
    h = L.RNN([L.LSTMCell(2), L.GRUCell(2)])(h)
    return K.Model(x, L.Dense(1)(h)), STEPS


def words():
    made = K.Sequential([L.Embedding(5, 2, mask_zero=True, input_length=3), L.LSTM(2), L.Dense(1)])
    return made, WORDS


def attention():
    x = K.Input((3, 2))
    h = L.LayerNormalization()(L.Add()([x, L.MultiHeadAttention(2, 2)(x, x)]))
    return K.Model(x, L.Dense(1)(L.Flatten()(h))), STEPS


def shared_and_nested():
    inner = K.Sequential([L.Dense(3, input_shape=(3,)), L.BatchNormalization()], name="inner")
    y = K.Input((3,))
    middle = K.Model(y, L.Add()([y, inner(y)]), name="middle")
    a, b = K.Input((3,), name="a"), K.Input((3,), name="b")
    joined = L.Concatenate(axis=1)([middle(a), middle(b)])
    made = K.Model([a, b], {"first": L.Dense(1, name="first")(joined), "second": joined})
    return made, [FLAT, FLAT[::-1].copy()]


def mixed_precision():
    made = K.Sequential(
        [
            L.Dense(3, input_shape=(3,), dtype=K.mixed_precision.Policy("mixed_float16")),
            L.Dense(1, dtype="float32"),
        ]
    )
    return made, FLAT


optimizers = K.optimizers
legacy = K.optimizers.legacy
MODELS = {
    "adam": lambda: stack(optimizers.Adam(0.01)),
    "adam_amsgrad": lambda: stack(optimizers.Adam(0.01, amsgrad=True)),
    "sgd_momentum": lambda: stack(optimizers.SGD(0.01, momentum=0.9)),
    "rmsprop": lambda: stack(optimizers.RMSprop(0.01)),
    "scheduled": lambda: stack(
        optimizers.Adam(optimizers.schedules.ExponentialDecay(0.01, 2, 0.5))
    ),
    "legacy_adam": lambda: stack(legacy.Adam(0.01)),
    "legacy_adam_amsgrad": lambda: stack(legacy.Adam(0.01, amsgrad=True)),
    "legacy_sgd_momentum": lambda: stack(legacy.SGD(0.01, momentum=0.9)),
    "legacy_rmsprop": lambda: stack(legacy.RMSprop(0.01)),
    "legacy_adagrad": lambda: stack(legacy.Adagrad(0.01)),
    "convolutions": convolutions,
    "recurrent": recurrent,
    "words": words,
    "attention": attention,
    "shared_and_nested": shared_and_nested,
    "mixed_precision": mixed_precision,
}


def write(name, folder):
    K.backend.clear_session()
    K.utils.set_random_seed(1)
    made, x = MODELS[name]()
    if made.optimizer is not None:
        made.train_on_batch(x, ONE)
        made.train_on_batch(x, ONE)
    outputs = made.predict(x, verbose=0)
    outputs = list(outputs.values()) if isinstance(outputs, dict) else [outputs]
    inputs = x if isinstance(x, list) else [x]
    made.save(folder / f"{name}.h5")
    made.save(folder / f"{name}.keras")
    made.save_weights(folder / f"{name}.weights.h5")
    expected = {f"output{i}": y for i, y in enumerate(outputs)}
    expected |= {f"input{i}": x for i, x in enumerate(inputs)}
    if made.optimizer is not None and name != "convolutions":
        made.train_on_batch(x, ONE)
        expected |= {"target": ONE}
        expected |= {f"after{i}": w for i, w in enumerate(made.get_weights())}
    np.savez(folder / f"{name}.npz", **expected)


if __name__ == "__main__":
    folder = pathlib.Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for name in MODELS:
        write(name, folder)
