"""Models that are compiled and trained: a stack with each optimizer, losses and metrics of many
kinds.
"""

import numpy as np

from tests.saving.interchange_models import (
    CLASSES,
    FLAT,
    MODELS,
    ONE,
    model,
    two_inputs_and_two_outputs,
)


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
