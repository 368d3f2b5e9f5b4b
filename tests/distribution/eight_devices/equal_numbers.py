"""The same numbers on one device and on many: strategies x forms of a pass x what is trained."""

import functools
import warnings

import numpy as np
import pytest

import fkeras
from fkeras import distribution, layers

# Sums are taken in another order: a few units in the last place, which training carries on.
TOLERANCE = 2e-6


class Watcher(fkeras.callbacks.Callback):
    """Looks at each batch: the loop goes step by step."""

    def on_train_batch_end(self, batch, logs=None):
        pass


def data(rows=103):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(rows, 8)).astype("float32")
    return x, rng.integers(0, 3, rows)


def mlp(**options):
    fkeras.utils.set_random_seed(1)
    model = fkeras.Sequential(
        [
            fkeras.Input((8,)),
            layers.Dense(32, activation="relu", name="up"),
            layers.BatchNormalization(),
            layers.Dropout(0.3),
            layers.Dense(3, name="down", activation="softmax", dtype="float32"),
        ],
        name="net",
    )
    optimizer = options.pop("optimizer", lambda: fkeras.optimizers.Adam(1e-2, global_clipnorm=1.0))
    model.compile(optimizer(), "sparse_categorical_crossentropy", metrics=["accuracy"], **options)
    return model


def model_parallel():
    mesh = distribution.DeviceMesh((2, 4), ["batch", "model"])
    rules = distribution.LayoutMap(mesh)
    rules["net/up/kernel"] = (None, "model")
    rules["net/up/bias"] = ("model",)
    rules["net/down/kernel"] = ("model", None)
    rules["net/up/output"] = ("batch", "model")
    return distribution.ModelParallel(layout_map=rules)


STRATEGIES = {
    "data parallel on 8": distribution.DataParallel,
    "data parallel on 4": lambda: distribution.DataParallel(devices=[f"cpu:{i}" for i in range(4)]),
    "data parallel on 2": lambda: distribution.DataParallel(devices=["cpu:6", "cpu:3"]),
    "fsdp": lambda: distribution.FSDP(min_size=0),
    "model parallel": model_parallel,
}


def stream():
    x, y = data()
    for start in range(0, 103, 13):
        yield x[start : start + 13], y[start : start + 13]


def whole_epochs(model):
    return model.fit(*data(), batch_size=13, epochs=3, validation_split=0.2, verbose=0)


def step_by_step(model):
    callbacks = [Watcher()]
    options = {"batch_size": 13, "epochs": 3, "validation_split": 0.2, "verbose": 0}
    return model.fit(*data(), callbacks=callbacks, **options)


def many_steps(model):
    return model.fit(*data(330), batch_size=8, epochs=1, verbose=0)


def weighted(model):
    weights = np.linspace(0.5, 2, 103)
    options = {"batch_size": 16, "epochs": 2, "verbose": 0}
    return model.fit(*data(), sample_weight=weights, **options)


def class_weighted(model):
    weights = {0: 1.0, 1: 0.2, 2: 3.0}
    return model.fit(*data(), class_weight=weights, batch_size=16, epochs=2, verbose=0)


def from_stream(model):
    return model.fit(stream(), verbose=0)


def small_batches(model):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return model.fit(*data(25), batch_size=5, epochs=2, verbose=0)


def on_batches(model):
    x, y = data()
    logs = [model.train_on_batch(x[i : i + 10], y[i : i + 10]) for i in range(0, 50, 10)]
    history = fkeras.callbacks.History()
    history.history = {"loss": [entry[0] for entry in logs]}
    return history


FORMS = [
    whole_epochs,
    step_by_step,
    many_steps,
    weighted,
    class_weighted,
    from_stream,
    small_batches,
    on_batches,
]


@functools.cache
def on_one_device(form, **options):
    return results(form, mlp(**options))


def results(form, model):
    history = form(model).history
    x, y = data()
    return {
        "weights": model.get_weights(),
        "slots": [variable.numpy() for variable in model.optimizer.variables],
        "history": [history[name] for name in sorted(history)],
        "prediction": [model.predict(x, batch_size=10, verbose=0), model.predict(x[:3], verbose=0)],
        "evaluation": model.evaluate(x, y, batch_size=10, verbose=0),
    }


def assert_equal(found, expected, tolerance=TOLERANCE):
    for name, values in expected.items():
        for one, other in zip(found[name], values, strict=True):
            np.testing.assert_allclose(one, other, rtol=tolerance, atol=tolerance, err_msg=name)


@pytest.mark.parametrize(
    ("strategy", "form"),
    [
        *[("data parallel on 8", form) for form in FORMS],
        *[("fsdp", form) for form in (whole_epochs, step_by_step, from_stream)],
    ],
    ids=lambda value: getattr(value, "__name__", value),
)
def test_each_form_of_a_pass_gives_the_numbers_of_one_device(strategy, form):
    with STRATEGIES[strategy]().scope():
        assert_equal(results(form, mlp()), on_one_device(form))


@pytest.mark.parametrize("strategy", ["data parallel on 4", "data parallel on 2", "model parallel"])
@pytest.mark.parametrize("form", [whole_epochs, step_by_step], ids=lambda form: form.__name__)
def test_each_strategy_gives_the_numbers_of_one_device(strategy, form):
    with STRATEGIES[strategy]().scope():
        assert_equal(results(form, mlp()), on_one_device(form))


OPTIMIZERS = {
    "accumulation": lambda: fkeras.optimizers.SGD(0.1, gradient_accumulation_steps=3),
    "moving average": lambda: fkeras.optimizers.AdamW(1e-2, use_ema=True, weight_decay=0.1),
    "schedule": lambda: fkeras.optimizers.RMSprop(
        fkeras.optimizers.schedules.CosineDecay(1e-2, 20)
    ),
    "adafactor": lambda: fkeras.optimizers.Adafactor(1e-2),
}


@pytest.mark.parametrize(
    ("strategy", "name"),
    [
        ("data parallel on 8", "accumulation"),
        ("data parallel on 8", "schedule"),
        ("fsdp", "moving average"),
        ("fsdp", "adafactor"),
    ],
)
def test_optimizers_keep_their_numbers(strategy, name):
    optimizer = OPTIMIZERS[name]
    with STRATEGIES[strategy]().scope():
        found = results(whole_epochs, mlp(optimizer=optimizer))
    assert_equal(found, on_one_device(whole_epochs, optimizer=optimizer), 1e-5)


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_mixed_precision_within_its_rounding(policy):
    fkeras.config.set_dtype_policy(policy)
    try:
        expected = results(whole_epochs, mlp())
        with distribution.DataParallel().scope():
            found = results(whole_epochs, mlp())
    finally:
        fkeras.config.set_dtype_policy("float32")
    assert_equal(found, expected, 2e-2)
    assert found["prediction"][0].dtype == np.float32


def test_a_model_made_outside_moves_to_the_devices_that_count_when_it_is_trained():
    model = mlp()
    with distribution.DataParallel().scope():
        assert_equal(results(whole_epochs, model), on_one_device(whole_epochs))
        assert len(model.weights[0].value.sharding.device_set) == 8


def test_a_model_compiled_inside_is_trained_on_its_devices_outside_too():
    with distribution.DataParallel().scope():
        model = mlp()
    assert distribution.distribution() is None
    assert_equal(results(whole_epochs, model), on_one_device(whole_epochs))
    assert len(model.weights[0].value.sharding.device_set) == 8


def test_the_process_wide_setting_counts_like_a_scope():
    distribution.set_distribution(distribution.DataParallel())
    try:
        assert_equal(results(whole_epochs, mlp()), on_one_device(whole_epochs))
    finally:
        distribution.set_distribution(None)


@pytest.mark.filterwarnings("ignore:Model .* has no weights")
def test_dropout_draws_one_mask_of_the_whole_batch():
    x = np.ones((16, 5), "float32")

    def masks():
        fkeras.utils.set_random_seed(0)
        model = fkeras.Sequential([fkeras.Input((5,)), layers.Dropout(0.5, seed=3)])
        model.compile(loss="mse")
        return model.fit(x, x, batch_size=16, epochs=3, verbose=0).history["loss"]

    alone = masks()
    with distribution.DataParallel().scope():
        assert masks() == alone


def test_a_convolutional_and_a_recurrent_model():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(20, 6, 6, 2)).astype("float32")
    y = rng.normal(size=(20, 2)).astype("float32")

    def trained():
        fkeras.utils.set_random_seed(0)
        inputs = fkeras.Input((6, 6, 2))
        hidden = layers.Conv2D(4, 3, activation="relu")(inputs)
        hidden = layers.Reshape((16, 4))(hidden)
        model = fkeras.Model(inputs, layers.Dense(2)(layers.LSTM(8)(hidden)))
        model.compile("adam", "mse")
        model.fit(x, y, batch_size=8, epochs=2, verbose=0)
        return model.get_weights()

    expected = trained()
    for make in (distribution.DataParallel, lambda: distribution.FSDP(min_size=0)):
        with make().scope():
            for found, value in zip(trained(), expected, strict=True):
                np.testing.assert_allclose(found, value, rtol=1e-5, atol=1e-6)


class Block(layers.Layer):
    """Attention by heads and a pair of dense layers, as they repeat in a transformer."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.attention = layers.MultiHeadAttention(4, 2, use_bias=False, name="attention")
        self.up, self.down = layers.Dense(16, name="up"), layers.Dense(8, name="down")
        self.dropout = layers.Dropout(0.2)

    def call(self, x):
        x = x + self.attention(x, x)
        return x + self.down(self.dropout(self.up(x)))


def transformer():
    fkeras.utils.set_random_seed(2)
    inputs = fkeras.Input((3, 8))
    hidden = layers.Repeat(Block(name="block"), 3, name="blocks")(inputs)
    model = fkeras.Model(inputs, layers.Dense(2, name="head")(hidden[:, 0]), name="net")
    model.compile(fkeras.optimizers.SGD(0.1, momentum=0.9, clipnorm=1.0), "mse")
    return model


def cut_by_tensor_parallel():
    mesh = distribution.DeviceMesh((2, 4), ["batch", "model"])
    return distribution.ModelParallel(
        layout_map=distribution.tensor_parallel(transformer(), mesh, "model")
    )


@functools.cache
def repeated_on_one_device():
    return trained_with_blocks()[0]


def trained_with_blocks():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(13, 3, 8)).astype("float32")
    y = rng.normal(size=(13, 2)).astype("float32")
    model = transformer()
    losses = [model.train_on_batch(x, y) for _ in range(3)]
    return [*model.get_weights(), losses], model.trainable_variables


@pytest.mark.parametrize(
    "make",
    [lambda: distribution.FSDP(min_size=0), cut_by_tensor_parallel],
    ids=["fsdp", "tensor parallel"],
)
def test_blocks_that_repeat(make):
    with make().scope():
        found, variables = trained_with_blocks()
    for one, other in zip(found, repeated_on_one_device(), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=2e-6)
    stacks = [v.value.sharding.spec for v in variables if v.path.startswith("blocks/")]
    assert all(not spec or spec[0] is None for spec in stacks), "each device runs all blocks"
    assert sum(any(spec) for spec in stacks) >= 7, "most of them cut"
