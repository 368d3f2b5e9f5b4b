"""What models take from records, and what they refuse."""

import dataclasses

import numpy as np
import pytest
from flax import nnx

import fkeras
from fkeras import layers
from fkeras.errors import UserInputError
from fkeras.saving.match import list_skipped
from fkeras.saving.record import ModelRecord, OptimizerRecord, record_model, record_weights
from fkeras.saving.restoring import match_weights, restore_weights, revive_model
from tests.saving.models import X, Y, dense, with_everything


def by_position(record):
    """As a file of format 1 gives it."""
    weights = {f"{i:05d}": array for i, array in enumerate(record.weights.values())}
    return dataclasses.replace(record, weights=weights, by_position=True, layers=())


def changed(model):
    """The same model with other weights."""
    model.set_weights([w + 1 for w in model.get_weights()])
    return model


@pytest.mark.parametrize("positions", [False, True])
def test_weights_come_back(positions):
    model = with_everything()
    record = by_position(record_weights(model)) if positions else record_weights(model)
    before = model.get_weights()
    assert restore_weights(changed(model), record) == []
    for restored, value in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(restored, value)


def test_the_weights_of_a_foreign_module_come_back():
    """Its Variables are not fkeras's own."""
    layer = layers.FlaxLayer(nnx.Linear(3, 2, rngs=nnx.Rngs(0)))
    model = fkeras.Sequential([fkeras.Input((3,)), layer])
    model.compile("sgd", "mse")
    model.fit(X, np.zeros((8, 2)), verbose=0)
    record, before = record_weights(model), model.get_weights()
    restore_weights(changed(model), record)
    for restored, value in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(restored, value)


def test_weights_find_their_place_whatever_their_order():
    model = dense(units=(3, 3))
    record = record_weights(model)
    backwards = dataclasses.replace(record, weights=dict(reversed(record.weights.items())))
    restore_weights(changed(model), backwards)
    np.testing.assert_array_equal(model.layers[1].kernel.numpy(), record.weights["dense_1/kernel"])


def test_a_revived_model_goes_on_as_the_first_one():
    model = dense(compiled=True)
    model.fit(X, Y, batch_size=4, epochs=2, verbose=0)
    again = revive_model(record_model(model))
    assert record_model(again).lifetime == record_model(model).lifetime
    histories = [m.fit(X, Y, batch_size=4, epochs=2, verbose=0).history for m in (model, again)]
    assert histories[0] == histories[1]


def test_without_compile_the_optimizer_is_left_out():
    model = dense(compiled=True)
    model.fit(X, Y, verbose=0)
    assert not revive_model(record_model(model), compile=False).compiled


MISMATCHES = [
    ((5, 1), (None, None), "dense/kernel: file \\(3, 4\\), model \\(3, 5\\)"),
    ((4, 1), (None, "head"), "head/kernel: not in the file, model \\(4, 1\\)"),
    ((4, 1), (None, "head"), "dense_1/kernel: file \\(4, 1\\), not in the model"),
]


@pytest.mark.parametrize("units, names, words", MISMATCHES)
def test_what_does_not_fit_is_listed_and_nothing_is_set(units, names, words):
    record = record_weights(dense())
    model = dense(units, names)
    before = model.get_weights()
    with pytest.raises(UserInputError, match=f"(?s)do not fit the model:\n.*{words}"):
        restore_weights(model, record)
    for value, old in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(value, old)


def test_skip_mismatch_pairs_equal_paths_only():
    """By position the two (3, 3) kernels would fit each other."""
    source = dense((3, 3), ("first", "second"))
    target = dense((3, 3), ("second", "first"))
    skipped = restore_weights(target, record_weights(source), skip_mismatch=True)
    assert skipped == []
    for name in ("first", "second"):
        np.testing.assert_array_equal(
            target.get_layer(name).kernel.numpy(), source.get_layer(name).kernel.numpy()
        )


def test_skip_mismatch_leaves_the_others_and_names_them():
    source, target = dense((4, 2)), dense((4, 5))
    head = target.layers[1].kernel.numpy().copy()
    skipped = restore_weights(target, record_weights(source), skip_mismatch=True)
    assert skipped == [
        "dense_1/kernel: file (4, 2), model (4, 5)",
        "dense_1/bias: file (2,), model (5,)",
    ]
    np.testing.assert_array_equal(target.layers[0].kernel, source.layers[0].kernel)
    np.testing.assert_array_equal(target.layers[1].kernel, head)


def test_skip_mismatch_takes_what_both_have():
    source, target = dense((4, 1), ("body", "old_head")), dense((4, 1), ("body", "new_head"))
    skipped = restore_weights(target, record_weights(source), skip_mismatch=True)
    assert [line.split(":")[0] for line in skipped] == [
        "new_head/kernel",
        "new_head/bias",
        "old_head/kernel",
        "old_head/bias",
    ]
    np.testing.assert_array_equal(target.layers[0].kernel, source.layers[0].kernel)


def test_skip_mismatch_with_nothing_in_common_is_an_error():
    with pytest.raises(UserInputError, match="None of the weights in the file fits the model"):
        restore_weights(dense(names=("a", "b")), record_weights(dense()), skip_mismatch=True)


@pytest.mark.parametrize("skip_mismatch", [False, True])
def test_positions_need_the_same_number_of_weights(skip_mismatch):
    record = by_position(record_weights(dense((4, 1))))
    model = dense((4, 1, 1), (None, None, None))
    before = model.get_weights()
    with pytest.raises(UserInputError, match="holds 4 arrays of weights, the model has 6"):
        restore_weights(model, record, skip_mismatch)
    for value, old in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(value, old)


def test_positions_that_do_not_fit_are_named_by_path():
    record = by_position(record_weights(dense((4, 2))))
    assert match_weights(dense((4, 5)), record).problems == {
        "dense_1/kernel": "file (4, 2), model (4, 5)",
        "dense_1/bias": "file (2,), model (5,)",
    }
    assert len(restore_weights(dense((4, 5)), record, skip_mismatch=True)) == 2


def test_a_record_without_weights_fits_a_model_without_weights():
    model = fkeras.Sequential([fkeras.Input((3,)), fkeras.layers.ReLU()])
    assert restore_weights(model, ModelRecord({}), skip_mismatch=True) == []


def revived_with(**changes):
    model = dense(compiled=True)
    model.fit(X, Y, verbose=0)
    record = record_model(model)
    optimizer = dataclasses.replace(record.optimizer, **changes)
    return revive_model(dataclasses.replace(record, optimizer=optimizer))


def test_optimizer_state_of_other_weights_is_refused():
    trained = ("dense_1/bias", "dense_1/kernel", "dense/bias", "dense/kernel")
    with pytest.raises(UserInputError, match="(?s)other weights.*dense_1/bias.*compile=False"):
        revived_with(trained=trained, names=None)


def test_optimizer_state_of_another_length_is_refused():
    with pytest.raises(UserInputError, match="holds 1 arrays of optimizer state, the model has 10"):
        revived_with(values=(np.zeros((), "int32"),))


def test_optimizer_state_of_other_shapes_is_refused():
    values = tuple(np.zeros((7,), "float32") for _ in range(10))
    with pytest.raises(UserInputError, match=r"(?s)optimizer's state .*iteration: file \(7,\)"):
        revived_with(values=values)


def test_optimizer_state_that_does_not_say_what_it_trains_goes_by_position():
    model = revived_with(trained=None, names=None)
    assert int(model.optimizer.iterations.numpy()) == 1


def test_optimizer_state_is_left_out_where_there_is_no_optimizer():
    record = dataclasses.replace(
        record_model(dense()), optimizer=OptimizerRecord((np.zeros(3),), None)
    )
    assert revive_model(record).optimizer is None


def test_the_list_of_skipped_weights_is_cut():
    text = list_skipped([f"layer_{i}/kernel: not in the file" for i in range(60)], 3)
    assert "60 weights" in text and "layer_49" in text and "layer_50" not in text
    assert text.endswith("and 10 more")
