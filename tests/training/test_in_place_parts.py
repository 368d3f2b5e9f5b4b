"""`compiled_loss` and `compiled_metrics`, as steps in tf.keras's form call them."""

import numpy as np
import pytest

import fkeras
from fkeras import layers

X, Y = np.ones((4, 2), "float32"), np.zeros((4, 1), "float32")


def compiled(**options):
    model = fkeras.Sequential([fkeras.Input((2,)), layers.Dense(1)])
    model.compile("sgd", **options)
    return model


def test_the_compiled_loss_is_a_function_that_counts():
    model = compiled(loss="mse")
    loss = model.compiled_loss(Y, Y + 2.0, regularization_losses=[np.float32(1.0)])
    assert float(loss) == 5.0 and [m.name for m in model.compiled_loss.metrics] == ["loss"]
    assert float(model.metrics[0].result()) == 5.0
    model.compiled_loss.reset_state()
    assert float(model.metrics[0].result()) == 0.0


def test_without_a_loss_or_metrics_there_is_none():
    model = compiled()
    assert model.compiled_loss is None
    assert model.compiled_metrics.update_state(Y, Y) is None


def test_own_steps_can_be_called_with_a_batch_alone():
    model = compiled(loss="mse", metrics=["mae"])
    model.evaluate(X, Y, verbose=0)  # makes the metrics
    before = model.get_weights()[1].copy()
    logs = model.test_step((X, Y))
    assert float(logs["mae"]) == pytest.approx(abs(model.predict(X, verbose=0)).mean(), rel=1e-5)
    np.testing.assert_array_equal(model.get_weights()[1], before)
    np.testing.assert_allclose(model.predict_step(X), model.predict(X, verbose=0), rtol=1e-6)
    model.train_on_batch(X, Y)
    count = int(model.optimizer.iterations)
    model.train_step((X, Y))
    assert int(model.optimizer.iterations) == count + 1
