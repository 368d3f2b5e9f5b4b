"""What a record says of a model."""

import jax
import numpy as np
import pytest
from flax import nnx

import fkeras
from fkeras import layers
from fkeras.saving.record import (
    LayerRecord,
    record_model,
    record_weights,
    trained_blocks,
    variables_by_path,
)
from tests.saving.models import Counted, X, Y, dense, with_everything


def test_weights_go_by_structural_path_in_keras_order():
    model = with_everything()
    record = record_model(model)
    assert list(record.weights) == [
        "block/dense/kernel",
        "block/dense/bias",
        "block/batch_normalization/gamma",
        "block/batch_normalization/beta",
        "block/batch_normalization/moving_mean",
        "block/batch_normalization/moving_variance",
        "dropout/seed_generator/state",
        "dense/kernel",
        "dense/bias",
    ]
    for array, variable in zip(record.weights.values(), model.variables, strict=True):
        np.testing.assert_array_equal(array, np.asarray(variable))


def test_paths_do_not_depend_on_what_the_process_has_built_before():
    first = record_weights(dense())
    for _ in range(3):
        layers.Dense(1)
    assert list(record_weights(dense()).weights) == list(first.weights)


def test_attributes_and_lists_make_the_path():
    model = fkeras.Sequential([fkeras.Input((3,)), Counted()])
    assert list(record_weights(model).weights) == [
        "counted/offset",
        "counted/blocks_0/kernel",
        "counted/blocks_0/bias",
        "counted/blocks_1/kernel",
        "counted/blocks_1/bias",
    ]


def test_two_variables_of_one_path_get_names_of_their_own():
    layer = Counted()
    layer.blocks_0 = layers.Dense(2)
    layer.blocks_0.build((None, 3))
    model = fkeras.Sequential([fkeras.Input((3,)), layer])
    named = variables_by_path(model)
    assert len(named) == len(model.variables) == 7
    assert {"counted/blocks_0/kernel", "counted/blocks_0_1/kernel"} <= set(named)


def test_a_shared_layer_is_recorded_once():
    shared, inputs = layers.Dense(3), fkeras.Input((3,))
    model = fkeras.Model(inputs, shared(shared(inputs)))
    assert list(record_weights(model).weights) == ["dense/kernel", "dense/bias"]


def test_each_layer_has_its_own_weights_and_no_other():
    model = fkeras.Sequential([fkeras.Input((3,)), Counted(), layers.Dense(1, name="head")])
    assert record_weights(model).layers == (
        LayerRecord("counted", "Counted", ("counted/offset",)),
        LayerRecord(
            "counted/blocks_0", "Dense", ("counted/blocks_0/kernel", "counted/blocks_0/bias")
        ),
        LayerRecord(
            "counted/blocks_1", "Dense", ("counted/blocks_1/kernel", "counted/blocks_1/bias")
        ),
        LayerRecord("head", "Dense", ("head/kernel", "head/bias")),
    )


def test_the_variables_of_foreign_modules_and_generators_belong_to_their_layer():
    foreign = layers.FlaxLayer(nnx.Linear(3, 2, rngs=nnx.Rngs(0)))
    inner = fkeras.Sequential([foreign, layers.Dropout(0.5)], name="inner")
    model = fkeras.Sequential([fkeras.Input((3,)), inner])
    owners = {layer.path: set(layer.weights) for layer in record_weights(model).layers}
    assert owners == {
        "inner/flax_layer": {"inner/flax_layer/module/bias", "inner/flax_layer/module/kernel"},
        "inner/dropout": {"inner/dropout/seed_generator/state"},
    }


def test_the_weights_of_the_model_itself_are_its_own():
    class Scaled(fkeras.Model):
        def build(self, input_shape):
            self.scale = self.add_weight(shape=(3,), name="scale")

        def call(self, x):
            return x * self.scale

    model = Scaled()
    model.build((None, 3))
    assert record_weights(model).layers == (LayerRecord("", "Scaled", ("scale",)),)


def test_the_optimizer_says_what_it_trains():
    model = with_everything()
    record = record_model(model).optimizer
    assert record.trained[:2] == ("block/dense/kernel", "block/dense/bias")
    assert len(record.trained) == len(model.trainable_variables)
    assert [v.shape for v in record.values] == [tuple(v.shape) for v in model.optimizer.variables]
    assert int(record.values[0]) == 2  # iterations


@pytest.mark.parametrize("compiled", [False, True])
def test_an_optimizer_that_has_no_state_yet_is_not_recorded(compiled):
    assert record_model(dense(compiled=compiled)).optimizer is None


def test_the_optimizer_can_be_left_out():
    assert record_model(with_everything(), include_optimizer=False).optimizer is None


def test_lifetime_counts_steps_and_epochs_and_keeps_the_key():
    model = dense(compiled=True)
    model.fit(X, Y, batch_size=2, epochs=3, verbose=0)
    lifetime = record_model(model).lifetime
    assert (lifetime.steps, lifetime.epochs) == (12, 3)
    assert list(lifetime.key) == jax.random.key_data(model.build_key).tolist()
    assert model.training_progress == {"steps": 12, "epochs": 3}


def test_weights_alone_have_no_config_and_no_lifetime():
    record = record_weights(with_everything())
    assert record.config is record.optimizer is record.lifetime is None
    assert not record.assets and not record.by_position


def test_variables_of_others_keep_their_own_path():
    stranger = fkeras.Variable(1.0, name="stranger")
    model = dense()
    trained = trained_blocks(model, [model.weights[1], stranger])
    assert trained.paths == ("dense/bias", "stranger")
    assert trained.places == [(0, ()), (1, ())]


def test_a_record_is_a_snapshot():
    model = dense()
    record = record_weights(model)
    before = {path: array.copy() for path, array in record.weights.items()}
    model.set_weights([w + 1 for w in model.get_weights()])
    for path, array in record.weights.items():
        np.testing.assert_array_equal(array, before[path])
