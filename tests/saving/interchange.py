"""Models that both Keras and fkeras can make, and one program that writes and reads all of them.

    python -m tests.saving.interchange keras DIRECTORY

writes each model to DIRECTORY/keras and reads what fkeras wrote to DIRECTORY/fkeras. What it finds
goes to DIRECTORY/keras/report.json. `K` is either library.
"""

import json
import os
import pathlib
import sys
import traceback

import numpy as np

from tests.layers.test_contract import ROWS

RANDOM = np.random.default_rng(3)
FLAT = RANDOM.normal(size=(6, 4)).astype("float32")
STEPS = RANDOM.normal(size=(6, 5, 4)).astype("float32")
IMAGES = RANDOM.normal(size=(6, 8, 8, 3)).astype("float32")
WORDS = RANDOM.integers(1, 9, size=(6, 5)).astype("int32")
ONE = RANDOM.normal(size=(6, 1)).astype("float32")
CLASSES = RANDOM.integers(0, 3, size=(6,)).astype("int32")

MODELS = {}  # name -> function (K) -> (model, inputs, targets or None)
# Of `.h5` files: what Keras cannot write, and what it cannot read although it wrote it.
KERAS_CANNOT_WRITE = {"trained_by_adafactor.h5", "subclassed.h5"}
KERAS_CANNOT_READ = {
    "trained_by_adafactor.h5",
    "trained_by_lamb.h5",
    "trained_by_scaled.h5",
    "half_precision_weights.h5",
    "functions_of_ops.h5",
    "subclassed.h5",
}


def model(function):
    MODELS[function.__name__] = function
    return function


# -- architectures -----------------------------------------------------------------------------


@model
def stack(K):
    L = K.layers
    stacked = K.Sequential([K.Input((4,)), L.Dense(3, activation="relu"), L.Dense(1)])
    return stacked, FLAT, None


@model
def stack_without_input(K):
    L = K.layers
    stacked = K.Sequential([L.Dense(3, name="first"), L.BatchNormalization(), L.Dense(1)])
    stacked.build((None, 4))
    return stacked, FLAT, None


@model
def convolutions(K):
    L = K.layers
    return (
        K.Sequential(
            [
                K.Input((8, 8, 3)),
                L.Conv2D(4, 3, padding="same", kernel_regularizer=K.regularizers.L2(0.01)),
                L.BatchNormalization(momentum=0.9),
                L.Activation("swish"),
                L.MaxPooling2D(),
                L.DepthwiseConv2D(3),
                L.Flatten(),
                L.Dense(2, kernel_initializer="he_normal", bias_constraint="non_neg"),
            ]
        ),
        IMAGES,
        None,
    )


@model
def functional_graph(K):
    L = K.layers
    x = K.Input((4,), name="x")
    hidden = L.Dense(4, activation="tanh", name="hidden")(x)
    joined = L.Concatenate()([x, L.Add()([x, hidden])])
    return K.Model(x, L.Dense(1, name="head")(joined), name="graph"), FLAT, None


@model
def two_inputs_and_two_outputs(K):
    L = K.layers
    a, b = K.Input((4,), name="a"), K.Input((4,), name="b")
    both = L.Dense(3)(L.Multiply()([a, b]))
    outputs = [L.Dense(1, name="first")(both), L.Dense(2, name="second")(both)]
    return K.Model([a, b], outputs), [FLAT, FLAT[::-1].copy()], None


@model
def dictionaries(K):
    L = K.layers
    inputs = {"a": K.Input((4,), name="a"), "b": K.Input((4,), name="b")}
    both = L.Dense(3)(L.Subtract()([inputs["a"], inputs["b"]]))
    outputs = {"mean": L.Dense(1)(both), "rest": L.Dense(2)(both)}
    return K.Model(inputs, outputs), {"a": FLAT, "b": FLAT[::-1].copy()}, None


@model
def shared_layers(K):
    L = K.layers
    a, b = K.Input((4,), name="a"), K.Input((4,), name="b")
    encoder = L.Dense(3, name="encoder")
    return (
        K.Model([a, b], L.Dense(1)(L.Average()([encoder(a), encoder(b)]))),
        [FLAT, FLAT[::-1].copy()],
        None,
    )


@model
def models_in_models(K):
    L = K.layers
    inner = K.Sequential([K.Input((4,)), L.Dense(3), L.Dense(4)], name="inner")
    x = K.Input((4,))
    middle = K.Model(x, L.Add()([x, inner(x)]), name="middle")
    y = K.Input((4,))
    return K.Model(y, L.Dense(2)(middle(L.Dense(4)(y)))), FLAT, None


@model
def recurrent(K):
    L = K.layers
    return (
        K.Sequential(
            [
                K.Input((5, 4)),
                L.LSTM(3, return_sequences=True),
                L.GRU(3, return_sequences=True, reset_after=False),
                L.RNN([L.LSTMCell(2), L.GRUCell(3)], return_sequences=True),
                L.SimpleRNN(2),
            ]
        ),
        STEPS,
        None,
    )


@model
def wrapped(K):
    L = K.layers
    return (
        K.Sequential(
            [
                K.Input((5, 4)),
                L.Bidirectional(L.LSTM(3, return_sequences=True)),
                L.TimeDistributed(L.Dense(3, activation="relu")),
                L.Bidirectional(
                    L.GRU(2), merge_mode="sum", backward_layer=L.LSTM(2, go_backwards=True)
                ),
            ]
        ),
        STEPS,
        None,
    )


@model
def words(K):
    L = K.layers
    return (
        K.Sequential(
            [
                K.Input((5,), dtype="int32"),
                L.Embedding(10, 4, mask_zero=True),
                L.LSTM(3),
                L.Dense(3, activation="softmax"),
            ]
        ),
        WORDS,
        None,
    )


@model
def attention(K):
    L = K.layers
    x = K.Input((5, 4))
    attended = L.MultiHeadAttention(2, 3)(x, x)
    grouped = L.GroupQueryAttention(4, 4, 2)(attended, x)
    normal = L.LayerNormalization()(L.Add()([x, grouped]))
    return K.Model(x, L.Dense(1)(L.Attention(use_scale=True)([normal, x]))), STEPS, None


@model
def mixed_precision(K):
    L = K.layers
    x = K.Input((4,))
    hidden = L.Dense(3, dtype="mixed_bfloat16", activation="relu")(x)
    return K.Model(x, L.Dense(1, dtype="float32")(hidden)), FLAT, None


@model
def half_precision_weights(K):
    L = K.layers
    dtypes = ("bfloat16", "float16", "float32")
    return (
        K.Sequential([K.Input((4,)), *(L.Dense(3, dtype=dtype) for dtype in dtypes)]),
        FLAT,
        None,
    )


@model
def random_layers(K):
    L = K.layers
    return (
        K.Sequential([K.Input((4,)), L.GaussianNoise(0.1), L.Dropout(0.5, seed=3), L.Dense(1)]),
        FLAT,
        None,
    )


@model
def frozen(K):
    stacked = K.Sequential([K.Input((4,)), K.layers.Dense(3, trainable=False), K.layers.Dense(1)])
    stacked.layers[1].trainable = True
    stacked.compile("adam", "mse")
    return stacked, FLAT, ONE


@model
def functions_of_ops(K):
    ops = K.ops
    a, b = K.Input((4, 3), name="a"), K.Input((4, 3), name="b")
    c = ops.mean(a[:, 1:] + 2 * b[:, 1:] @ np.ones((3, 3), "float32"), axis=1, keepdims=True)
    c = ops.relu(ops.concatenate([c, c], axis=-1))
    first, second = ops.split(c, 2, axis=-1)
    d = ops.where(first > second, first, -second) ** 2 / 3.0 - 1
    d = ops.einsum("bij,bkj->bik", d, ops.transpose(a, [0, 2, 1])[:, :, :3])
    d = ops.clip(ops.expand_dims(d, -1), -1.0, 1.0)
    return (
        K.Model([a, b], K.layers.Dense(1)(ops.reshape(d, (-1, 3)))),
        [STEPS[:, :4, :3].copy(), STEPS[:, 1:, 1:].copy()],
        None,
    )


_customs = {}


def customs(K):
    """Classes and functions of a program's own, registered once in each library."""
    if K.__name__ in _customs:
        return _customs[K.__name__]
    register = K.saving.register_keras_serializable("interchange")

    @register
    class Scaled(K.layers.Layer):
        def __init__(self, units=2, inner=None, **kwargs):
            super().__init__(**kwargs)
            self.units = units
            self.inner = inner if inner is not None else K.layers.Dense(units)

        def build(self, shape):
            if not self.inner.built:
                self.inner.build(shape)
            self.scale = self.add_weight(shape=(), initializer="ones", name="scale")
            self.count = self.add_weight(shape=(), trainable=False, name="count")

        def call(self, x):
            return self.inner(x) * self.scale

        def get_config(self):
            inner = K.saving.serialize_keras_object(self.inner)
            return {**super().get_config(), "units": self.units, "inner": inner}

        @classmethod
        def from_config(cls, config):
            inner = K.saving.deserialize_keras_object(config.pop("inner"))
            return cls(inner=inner, **config)

    @register
    class Net(K.Model):
        def __init__(self, units=3, **kwargs):
            super().__init__(**kwargs)
            self.units = units
            self.zeta = K.layers.Dense(units)
            self.blocks = [Scaled(units, name=f"block_{i}") for i in range(2)]
            self.by_name = {"last": K.Sequential([K.layers.Dense(1)])}

        def call(self, x):
            for block in [self.zeta, *self.blocks]:
                x = block(x)
            return self.by_name["last"](x)

        def get_config(self):
            return {**super().get_config(), "units": self.units}

    @register
    class Squared(K.losses.Loss):
        def call(self, y_true, y_pred):
            return K.ops.mean((y_true - y_pred) ** 2, axis=-1)

    @register
    def absolute(y_true, y_pred):
        return K.ops.mean(K.ops.abs(y_true - y_pred), axis=-1)

    @register
    def double(x):
        return 2 * x

    _customs[K.__name__] = Scaled, Net, Squared, absolute, double
    return _customs[K.__name__]


@model
def custom_layer_and_loss(K):
    Scaled, _, Squared, absolute, double = customs(K)
    made = K.Sequential([K.Input((4,)), Scaled(3), K.layers.Dense(1, activation=double)])
    made.compile(K.optimizers.Adam(0.01), Squared(), metrics=[absolute])
    return made, FLAT, ONE


@model
def subclassed(K):
    net = customs(K)[1]()
    net(FLAT)
    net.compile(K.optimizers.SGD(0.01, momentum=0.9), "mean_squared_error")
    return net, FLAT, ONE


# -- compiled ----------------------------------------------------------------------------------


def compiled(name, inputs, targets, make):
    """A stack that is compiled as `make(K)` says."""

    def build(K):
        L = K.layers
        stacked = K.Sequential([K.Input((4,)), L.Dense(3, activation="relu"), L.Dense(1)])
        stacked.compile(**make(K))
        return stacked, inputs, targets

    MODELS[name] = build


def _schedule(K):
    return K.optimizers.schedules.ExponentialDecay(0.01, 2, 0.5)


OPTIMIZERS = {
    "sgd": lambda K: K.optimizers.SGD(0.01, momentum=0.9, nesterov=True),
    "rmsprop": lambda K: K.optimizers.RMSprop(centered=True, momentum=0.5),
    "adam": lambda K: K.optimizers.Adam(0.01, amsgrad=True, clipnorm=1.0),
    "adamw": lambda K: K.optimizers.AdamW(0.01, weight_decay=0.1),
    "adagrad": lambda K: K.optimizers.Adagrad(0.01),
    "adadelta": lambda K: K.optimizers.Adadelta(1.0),
    "adamax": lambda K: K.optimizers.Adamax(0.01),
    "nadam": lambda K: K.optimizers.Nadam(0.01),
    "ftrl": lambda K: K.optimizers.Ftrl(0.01),
    "lion": lambda K: K.optimizers.Lion(0.001),
    "adafactor": lambda K: K.optimizers.Adafactor(0.01),
    "lamb": lambda K: K.optimizers.Lamb(0.01),
    "muon": lambda K: K.optimizers.Muon(0.01),
    "average": lambda K: K.optimizers.Adam(0.01, use_ema=True, ema_momentum=0.5),
    "accumulated": lambda K: K.optimizers.SGD(0.01, gradient_accumulation_steps=2),
    "scheduled": lambda K: K.optimizers.Adam(_schedule(K)),
    "scaled": lambda K: K.optimizers.LossScaleOptimizer(K.optimizers.Adam(0.01)),
}
for _name, _make in OPTIMIZERS.items():
    compiled(
        f"trained_by_{_name}",
        FLAT,
        ONE,
        lambda K, make=_make: {"optimizer": make(K), "loss": "mse"},
    )

compiled(
    "losses_and_metrics_in_full",
    FLAT,
    ONE,
    lambda K: {
        "optimizer": "adam",
        "loss": "mean_squared_error",
        "metrics": ["mean_absolute_error", K.metrics.RootMeanSquaredError(name="rms")],
        "weighted_metrics": [K.metrics.MeanSquaredError()],
    },
)
compiled(
    "losses_as_objects",
    FLAT,
    ONE,
    lambda K: {"optimizer": "sgd", "loss": K.losses.MeanSquaredError(reduction="sum")},
)


@model
def compiled_and_never_trained(K):
    made = K.Sequential([K.Input((4,)), K.layers.Dense(1)])
    made.compile(K.optimizers.Adam(0.25), "mean_squared_error")
    return made, FLAT, None


@model
def losses_by_output(K):
    made, x, _ = two_inputs_and_two_outputs(K)
    made.compile(
        K.optimizers.Adam(0.01),
        loss={"first": "mean_squared_error", "second": "mean_absolute_error"},
        loss_weights={"first": 1.0, "second": 0.5},
        metrics={"first": ["mean_absolute_error"]},
    )
    return made, x, {"first": ONE, "second": np.concatenate([ONE, ONE], 1)}


@model
def classes(K):
    L = K.layers
    made = K.Sequential([K.Input((4,)), L.Dense(3, activation="softmax")])
    made.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return made, FLAT, CLASSES


# -- one layer each ----------------------------------------------------------------------------

IMAGE_SEQUENCE = (2, 3, 6, 6, 2)
MORE_LAYERS = [
    ("Embedding", {"input_dim": 7, "output_dim": 3}, [(2, 5)]),
    ("ReversibleEmbedding", {"input_dim": 7, "output_dim": 3}, [(2, 5)]),
    ("Masking", {"mask_value": 2.0}, [(2, 5, 3)]),
    ("SimpleRNN", {"units": 3, "return_sequences": True}, [(2, 5, 3)]),
    ("LSTM", {"units": 3, "unit_forget_bias": False}, [(2, 5, 3)]),
    ("GRU", {"units": 3, "go_backwards": True}, [(2, 5, 3)]),
    ("ConvLSTM1D", {"filters": 2, "kernel_size": 3}, [(2, 3, 6, 2)]),
    ("ConvLSTM2D", {"filters": 2, "kernel_size": 3}, [IMAGE_SEQUENCE]),
    ("Attention", {"use_scale": True, "score_mode": "concat"}, [(2, 5, 3), (2, 4, 3)]),
    ("AdditiveAttention", {}, [(2, 5, 3), (2, 4, 3)]),
]


def layer_models():
    """(name, function (K) -> model) for each layer by itself."""
    rows = [(cls, options, shapes) for cls, options, shapes, _ in ROWS] + MORE_LAYERS
    # Files hold the sum of weight and adapters, not what `get_weights` gives: see `test_low_rank`.
    rows = [row for row in rows if "lora_rank" not in row[1]]
    for number, (cls, options, shapes) in enumerate(rows):

        def build(K, cls=cls, options=options, shapes=shapes):
            inputs = [K.Input(shape[1:], name=f"x{i}") for i, shape in enumerate(shapes)]
            layer = getattr(K.layers, cls)(**options)
            return K.Model(inputs, layer(inputs if len(inputs) > 1 else inputs[0]))

        yield f"{number:03d}_{cls}", build


# -- writing and reading -----------------------------------------------------------------------


def fill(made):
    """Gives all weights values that no initializer gives."""
    random = np.random.default_rng(7)
    made.set_weights([random.uniform(0.5, 1.0, w.shape) for w in made.get_weights()])


def write_model(K, name, folder):
    made, x, y = MODELS[name](K)
    fill(made)
    for _ in range(0 if y is None else 2):
        made.train_on_batch(x, y)
    expected = {"weights": made.get_weights(), "outputs": predict(made, x)}
    made.save(str(folder / f"{name}.keras"))
    made.save_weights(str(folder / f"{name}.weights.h5"))
    if K.__name__ == "fkeras" or f"{name}.h5" not in KERAS_CANNOT_WRITE:
        made.save(str(folder / f"{name}.h5"))
    if y is not None:
        made.train_on_batch(x, y)
        expected["after"] = made.get_weights()
    write_arrays(folder / name, expected)


def check_model(K, name, folder, suffix):
    """Raises AssertionError where a file does not give the model that was written to it."""
    expected = read_arrays(folder / name)
    own, x, y = MODELS[name](K)
    if suffix == ".weights.h5":
        made = own
        made.load_weights(str(folder / f"{name}{suffix}"))
    else:
        made = K.saving.load_model(str(folder / f"{name}{suffix}"))
        assert type(made).__name__ == type(own).__name__ and made.compiled == own.compiled
        assert len(made.layers) == len(own.layers)
    near(made.get_weights(), expected["weights"], 0)
    near(predict(made, x), expected["outputs"], 1e-6)
    # Keras cannot train what it has read from a `.h5`: it builds the optimizer for no variables.
    goes_on = suffix == ".keras" or (suffix == ".h5" and K.__name__ == "fkeras")
    if y is not None and goes_on:
        assert int(np.asarray(made.optimizer.iterations)) == 1 if "accumulated" in name else 2
        made.train_on_batch(x, y)
        near(made.get_weights(), expected["after"], 1e-5)


def write_layer(K, name, build, folder):
    made = build(K)
    fill(made)
    made.save(str(folder / f"{name}.keras"))
    made.save(str(folder / f"{name}.h5"))
    write_arrays(folder / name, {"weights": made.get_weights()})


def check_layer(K, name, folder, suffix):
    made = K.saving.load_model(str(folder / f"{name}{suffix}"))
    near(made.get_weights(), read_arrays(folder / name)["weights"], 0)


def predict(made, x):
    outputs = made.predict_on_batch(x)
    if isinstance(outputs, dict):
        outputs = [outputs[key] for key in sorted(outputs)]
    return list(outputs) if isinstance(outputs, (list, tuple)) else [outputs]


def near(found, expected, tolerance):
    assert len(found) == len(expected), f"{len(found)} arrays, expected {len(expected)}"
    for a, b in zip(found, expected):
        half = np.asarray(a).dtype.itemsize == 2
        np.testing.assert_allclose(
            np.asarray(a, "float32"),
            b,
            rtol=max(tolerance, 1e-2 * half * bool(tolerance)),
            atol=max(tolerance, 1e-2 * half * bool(tolerance)),
        )


def write_arrays(path, arrays):
    flat = {
        f"{kind}/{i:03d}": np.asarray(value, "float32")
        for kind, values in arrays.items()
        for i, value in enumerate(values)
    }
    np.savez(f"{path}.npz", **flat)


def read_arrays(path):
    arrays = {}
    with np.load(f"{path}.npz") as flat:
        for key in sorted(flat):
            arrays.setdefault(key.split("/")[0], []).append(flat[key])
    return {"weights": [], "outputs": [], **arrays}


SUFFIXES = (".keras", ".weights.h5", ".h5")


def write_all(K, folder, report):
    folder.mkdir()
    for name in MODELS:
        attempt(report, f"write {name}", write_model, K, name, folder)
    for name, build in layer_models():
        attempt(report, f"write {name}", write_layer, K, name, build, folder)


def check_all(K, folder, report):
    left_out = KERAS_CANNOT_READ if K.__name__ == "keras" else KERAS_CANNOT_WRITE
    for name in MODELS:
        for suffix in SUFFIXES:
            if f"{name}{suffix}" in left_out:
                continue
            attempt(report, f"read {name}{suffix}", check_model, K, name, folder, suffix)
    for name, _ in layer_models():
        for suffix in (".keras", ".h5"):
            attempt(report, f"read {name}{suffix}", check_layer, K, name, folder, suffix)


def attempt(report, what, function, *arguments):
    try:
        function(*arguments)
    except Exception:
        report[what] = traceback.format_exc()[-1500:]


def main(directory):
    os.environ["KERAS_BACKEND"] = "jax"
    import keras

    report = {}
    write_all(keras, directory / "keras", report)
    check_all(keras, directory / "fkeras", report)
    (directory / "keras" / "report.json").write_text(json.dumps(report))


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]))
