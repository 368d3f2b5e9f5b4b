"""The networks, in Keras's words: `keras` is whichever library is measured. All end in logits."""


def small_mlp(keras, x):
    return _stack(keras, x, [keras.layers.Dense(16, activation="relu"), keras.layers.Dense(3)])


def mlp(keras, x):
    dense = keras.layers.Dense
    return _stack(
        keras, x, [dense(128, activation="relu"), dense(128, activation="relu"), dense(10)]
    )


def wide_mlp(keras, x):
    return _stack(
        keras,
        x,
        [*(keras.layers.Dense(1024, activation="relu") for _ in range(8)), keras.layers.Dense(10)],
    )


def convnet(keras, x):
    layers = keras.layers
    return _stack(
        keras,
        x,
        [
            layers.Conv2D(16, 3, activation="relu"),
            layers.MaxPooling2D(),
            layers.Conv2D(32, 3, activation="relu"),
            layers.MaxPooling2D(),
            layers.Flatten(),
            layers.Dense(10),
        ],
    )


def resnet(keras, x):
    layers = keras.layers

    def conv(h, filters, stride=1, size=3):
        h = layers.Conv2D(filters, size, strides=stride, padding="same", use_bias=False)(h)
        return layers.BatchNormalization()(h)

    inputs = keras.Input(x.shape[1:])
    h = layers.ReLU()(conv(inputs, 16))
    for filters, first in ((16, 1), (32, 2), (64, 2)):
        for block in range(3):
            stride = first if block == 0 else 1
            shortcut = conv(h, filters, stride, 1) if stride > 1 else h
            h = conv(layers.ReLU()(conv(h, filters, stride)), filters)
            h = layers.ReLU()(layers.Add()([h, shortcut]))
    return keras.Model(inputs, layers.Dense(10)(layers.GlobalAveragePooling2D()(h)))


def lstm(keras, x):
    return _stack(
        keras,
        x,
        [keras.layers.Embedding(1000, 32), keras.layers.LSTM(64), keras.layers.Dense(2)],
        dtype="int32",
    )


def transformer(keras, x):
    return _encoder(keras, x, vocabulary=1000, blocks=1, heads=4, size=16, hidden=128)


def transformer12(keras, x):
    return _encoder(keras, x, vocabulary=8000, blocks=12, heads=8, size=32, hidden=1024)


def _encoder(keras, x, vocabulary, blocks, heads, size, hidden):
    layers = keras.layers
    inputs = keras.Input(x.shape[1:], dtype="int32")
    h = layers.Embedding(vocabulary, heads * size)(inputs)
    for _ in range(blocks):
        h = layers.LayerNormalization()(h + layers.MultiHeadAttention(heads, size)(h, h))
        h = layers.LayerNormalization()(
            h + layers.Dense(heads * size)(layers.Dense(hidden, activation="relu")(h))
        )
    return keras.Model(inputs, layers.Dense(2)(layers.GlobalAveragePooling1D()(h)))


def resnet50(keras, x):
    layers = keras.layers

    def conv(h, filters, size=1, stride=1):
        h = layers.Conv2D(filters, size, strides=stride, padding="same", use_bias=False)(h)
        return layers.BatchNormalization()(h)

    inputs = keras.Input(x.shape[1:])
    h = layers.MaxPooling2D(3, 2, padding="same")(layers.ReLU()(conv(inputs, 64, 7, 2)))
    for filters, blocks, first in ((64, 3, 1), (128, 4, 2), (256, 6, 2), (512, 3, 2)):
        for block in range(blocks):
            stride = first if block == 0 else 1
            shortcut = conv(h, 4 * filters, 1, stride) if block == 0 else h
            h = layers.ReLU()(conv(layers.ReLU()(conv(h, filters, 1, stride)), filters, 3))
            h = layers.ReLU()(layers.Add()([conv(h, 4 * filters), shortcut]))
    return keras.Model(inputs, layers.Dense(1000)(layers.GlobalAveragePooling2D()(h)))


def _stack(keras, x, layers, dtype="float32"):
    return keras.Sequential([keras.Input(x.shape[1:], dtype=dtype), *layers])


NETWORKS = {
    f.__name__: f
    for f in (small_mlp, mlp, wide_mlp, convnet, resnet, lstm, transformer, resnet50, transformer12)
}
