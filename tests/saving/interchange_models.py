"""Models that both Keras and fkeras can make: one of each kind of architecture. `K` is either
library.
"""

import numpy as np

RANDOM = np.random.default_rng(3)
FLAT = RANDOM.normal(size=(6, 4)).astype("float32")
STEPS = RANDOM.normal(size=(6, 5, 4)).astype("float32")
IMAGES = RANDOM.normal(size=(6, 8, 8, 3)).astype("float32")
WORDS = RANDOM.integers(1, 9, size=(6, 5)).astype("int32")
ONE = RANDOM.normal(size=(6, 1)).astype("float32")
CLASSES = RANDOM.integers(0, 3, size=(6,)).astype("int32")

MODELS = {}  # name -> function (K) -> (model, inputs, targets or None)


def model(function):
    MODELS[function.__name__] = function
    return function


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
