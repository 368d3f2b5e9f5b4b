"""NumPy integers are taken wherever an int is, and configs hold Python's."""

import json

import numpy as np
import pytest

import fkeras
from fkeras import layers, losses, metrics, ops, optimizers

X = np.arange(24.0, dtype="float32").reshape(2, 3, 4)

# name -> what is called with integers made by `i`
OPS = {
    "array_split": lambda i: ops.array_split(X, i(2), axis=i(2)),
    "split": lambda i: ops.split(X, i(2), axis=i(2)),
    "normalize": lambda i: ops.normalize(X, axis=i(1), order=i(2)),
    "tensordot": lambda i: ops.tensordot(X, X, axes=i(3)),
    "vander": lambda i: ops.vander(X[0, 0], N=i(3)),
    "stft": lambda i: ops.stft(np.ones((1, 32), "float32"), i(8), i(4), i(8)),
    "extract_patches": lambda i: ops.image.extract_patches(X[..., None], i(2), strides=i(1)),
    "histogram": lambda i: ops.histogram(X[0, 0], bins=i(3))[0],
    "argpartition": lambda i: ops.argpartition(X, i(1)),
    "glu": lambda i: ops.glu(X, axis=i(2)),
    "one_hot": lambda i: ops.one_hot([0, 1], i(3), axis=i(-1)),
    "top_k": lambda i: ops.top_k(X, i(2))[0],
    "reshape": lambda i: ops.reshape(X, (i(6), i(4))),
    "max_pool": lambda i: ops.max_pool(X, i(2), strides=i(1)),
    "zeros": lambda i: ops.zeros((i(2), i(3))),
    "tril": lambda i: ops.tril(X, k=i(1)),
    "segment_sum": lambda i: ops.segment_sum(X[0, 0], np.array([0, 0, 1, 1]), i(2)),
    "Dice": lambda i: losses.Dice(axis=i(1))(X > 3, X / 24),
}


@pytest.mark.parametrize("integer", [np.int64, np.int32, np.uint8])
@pytest.mark.parametrize("name", OPS)
def test_operations(name, integer):
    if integer is np.uint8 and name == "one_hot":
        pytest.skip("an axis of -1")
    got, expected = OPS[name](integer), OPS[name](int)
    if not isinstance(got, (list, tuple)):
        got, expected = [got], [expected]
    for a, b in zip(got, expected, strict=True):
        np.testing.assert_array_equal(a, b)


CONSTRUCTORS = {
    "gradient accumulation": lambda i: optimizers.SGD(gradient_accumulation_steps=i(2)),
    "averages": lambda i: optimizers.Adam(use_ema=True, ema_overwrite_frequency=i(3)),
    "a whole rate": lambda i: optimizers.SGD(i(1), momentum=i(0)),
    "Muon": lambda i: optimizers.Muon(ns_steps=i(3)),
    "loss scaling": lambda i: optimizers.LossScaleOptimizer(
        optimizers.SGD(name="inner"), dynamic_growth_steps=i(3)
    ),
    "schedule": lambda i: optimizers.schedules.CosineDecay(i(1), i(10), warmup_steps=i(2)),
    "loss": lambda i: losses.SparseCategoricalCrossentropy(ignore_class=i(-1), axis=i(-1)),
    "metric": lambda i: metrics.IoU(num_classes=i(3), target_class_ids=[i(0), i(1)]),
    "metric of a curve": lambda i: metrics.AUC(num_thresholds=i(5)),
    "top k": lambda i: metrics.TopKCategoricalAccuracy(k=i(2)),
    "initializer": lambda i: fkeras.initializers.GlorotUniform(seed=i(3)),
    "layer": lambda i: layers.Dense(i(2)),
}


@pytest.mark.parametrize("name", CONSTRUCTORS)
def test_constructors_and_their_configs(name):
    got, expected = CONSTRUCTORS[name](np.int64), CONSTRUCTORS[name](int)
    configs = [{**o.get_config(), "name": None} for o in (got, expected)]
    assert json.dumps(configs[0]) == json.dumps(configs[1])


@pytest.mark.parametrize("integer", [np.int64, np.int32])
def test_training(integer):
    x, i = np.ones((8, 2), "float32"), integer
    model = fkeras.Sequential([fkeras.Input((i(2),)), layers.Dense(i(1))])
    model.compile("sgd", "mse", steps_per_execution=i(2), loss_weights=i(2))
    options = {"validation_data": (x, x[:, :1]), "verbose": i(0)}
    history = model.fit(
        x,
        x[:, :1],
        batch_size=i(4),
        epochs=i(4),
        initial_epoch=i(0),
        validation_batch_size=i(4),
        validation_freq=i(2),
        **options,
    ).history
    assert len(history["loss"]) == 4 and len(history["val_loss"]) == 2
    history = model.fit(x, x[:, :1], epochs=i(2), validation_freq=[i(2)], **options).history
    assert len(history["val_loss"]) == 1
    model.steps_per_execution = i(1)
    model.evaluate(x, x[:, :1], batch_size=i(4), steps=i(2), verbose=i(0))
    assert model.predict(x, batch_size=i(8), verbose=i(0)).shape == (8, 1)
