"""What a compiled model learns from the shapes of its first batch."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import fkeras
from fkeras import layers
from fkeras.errors import UserInputError
from fkeras.training import first_batch

X, Y = np.ones((4, 3), "float32"), np.ones((4, 1), "float32")
SHAPES = jax.ShapeDtypeStruct((4, 3), "float32"), jax.ShapeDtypeStruct((4, 1), "float32")


def deferred(**arguments):
    model = fkeras.Sequential([layers.Dense(2), layers.Dense(1)])
    model.compile("adam", "mse", **arguments)
    return model


@pytest.mark.parametrize("batch", [(X, Y), SHAPES])
def test_shapes_alone_build_weights_losses_metrics_and_slots(batch):
    model = deferred(metrics=["mae"])
    first_batch.prepare(model, model._compiled, batch)
    assert model.built and len(model.weights) == 4
    assert model._compiled.loss.built and model._compiled.metrics.built
    assert model.optimizer.built and len(model.optimizer.bound_variables) == 4


def test_once_prepared_nothing_is_traced_again():
    traces = []

    class Counting(layers.Layer):
        def call(self, x):
            traces.append(1)
            return x

    model = fkeras.Sequential([Counting(), layers.Dense(1)])
    model.compile("adam", "mse")
    first_batch.prepare(model, model._compiled, (X, Y))
    count = len(traces)
    first_batch.prepare(model, model._compiled, (X, Y))
    assert len(traces) == count


def test_a_first_step_may_be_traced_before_anything_is_known():
    model = fkeras.Sequential([fkeras.Input((3,)), layers.Dense(1)])
    model.compile("sgd", "mse")
    _, logs = jax.jit(model.step)(model.train_state(), (X, Y))
    assert np.isfinite(logs["loss"])


def test_losses_are_resolved_by_what_compute_loss_hands_them():
    class Halved(fkeras.Model):
        def __init__(self):
            super().__init__()
            self.head = layers.Dense(2)

        def call(self, x):
            return self.head(x)

        def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
            return super().compute_loss(x, y, y_pred[:, :1], sample_weight, training)

    model = Halved()
    model.compile("sgd", "mse")
    first_batch.prepare(model, model._compiled, SHAPES)
    assert model._compiled.loss.built and model._compiled.loss.outputs.single


def test_outputs_are_known_by_shape_with_their_masks():
    ids = fkeras.Input((5,), dtype="int32")
    model = fkeras.Model(ids, layers.Embedding(7, 2, mask_zero=True)(ids))
    specs, masked, *_ = first_batch.output_specs(model, model._compiled, np.zeros((4, 5), "int32"))
    assert (specs.shape, specs.dtype, masked) == ((4, 5, 2), jnp.float32, True)
    assert len(model._compiled.output_specs) == 1
    first_batch.output_specs(model, model._compiled, jax.ShapeDtypeStruct((4, 5), "int32"))
    assert len(model._compiled.output_specs) == 1


def test_there_must_be_inputs():
    model = deferred()
    with pytest.raises(UserInputError, match="`evaluate`: x is None"):
        first_batch.prepare(model, model._compiled, (None, Y), "evaluate")


@pytest.mark.parametrize(
    ("value", "shape", "dtype"),
    [(np.zeros((2, 3)), (2, 3), "float32"), ([[1, 2]], None, None), (3, (), "int32")],
)
def test_structs_have_the_dtypes_that_the_device_gives(value, shape, dtype):
    struct = first_batch.structs_of(value)
    if shape is None:  # a list is a structure
        assert [s.shape for s in struct[0]] == [(), ()]
    else:
        assert (struct.shape, struct.dtype) == (shape, dtype)
    assert first_batch.structs_of(None) is None and first_batch.structs_of(SHAPES)[0] is SHAPES[0]
