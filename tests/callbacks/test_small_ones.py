"""CSVLogger, LambdaCallback, TerminateOnNaN."""

import math

import numpy as np
import pytest

from fkeras.callbacks import CallbackList, CSVLogger, LambdaCallback, TerminateOnNaN
from fkeras.errors import UserInputError, UserTypeError

from .models import FakeModel, run


def logged(path, epochs, start=0, **kwargs):
    run(CallbackList(CSVLogger(path, **kwargs), model=FakeModel()), epochs, start=start)
    return path.read_text().splitlines()


def test_one_line_an_epoch(tmp_path):
    epochs = [{"loss": 0.5, "accuracy": 1}, {"loss": 0.25, "accuracy": 2, "val_loss": 0.75}]
    assert logged(tmp_path / "log.csv", epochs) == [
        "epoch,accuracy,loss,val_accuracy,val_loss",
        "0,1,0.5,NA,NA",
        "1,2,0.25,NA,0.75",
    ]
    assert logged(tmp_path / "log.csv", epochs[1:], separator="\t") == [
        "epoch\taccuracy\tloss\tval_loss",
        "0\t2\t0.25\t0.75",
    ]


def test_appending_keeps_the_order_of_the_columns_there(tmp_path):
    path = tmp_path / "log.csv"
    path.write_text("epoch,loss,accuracy,val_loss\r\n0,3,4,5\r\n")
    assert logged(path, [{"accuracy": 1, "loss": 2}], append=True, start=1)[1:] == [
        "0,3,4,5",
        "1,2,1,NA",
    ]
    with pytest.warns(UserWarning, match="no column for f1"):
        assert logged(path, [{"f1": 0, "loss": 7}], append=True, start=2)[-1] == "2,7,NA,NA"
    assert logged(tmp_path / "new.csv", [{"loss": 1.0, "val_loss": 2.0}], append=True) == [
        "epoch,loss,val_loss",
        "0,1.0,2.0",
    ]


def test_appending_twice_with_one_callback(tmp_path):
    logger = CallbackList(CSVLogger(str(tmp_path / "log.csv"), append=True), model=FakeModel())
    for start in (0, 1):
        run(logger, [{"loss": 1.0, "val_loss": 2.0}], start=start)
    assert (tmp_path / "log.csv").read_text().splitlines() == [
        "epoch,loss,val_loss",
        "0,1.0,2.0",
        "1,1.0,2.0",
    ]


def test_the_file_is_complete_after_each_epoch(tmp_path):
    logger = CSVLogger(tmp_path / "log.csv")
    logger.on_train_begin()
    logger.on_epoch_end(0, {"loss": math.nan, "val_loss": np.array([1, 2])})
    assert (tmp_path / "log.csv").read_text().splitlines()[1] == '0,nan,"""[1, 2]"""'


def test_a_misspelt_hook_is_named():
    with pytest.raises(UserInputError, match="'on_epoch_ned'. Did you mean 'on_epoch_end'"):
        LambdaCallback(on_epoch_ned=lambda epoch, logs: None)


def test_functions_become_hooks_and_other_names_attributes():
    calls = []
    callback = LambdaCallback(
        on_train_begin=lambda logs: calls.append("train"),
        on_test_begin=lambda logs: calls.append("test"),
        note=1,
        on_predict_end=None,
    )
    callbacks = CallbackList(callback)
    callbacks.on_train_begin()
    callbacks.on_test_begin()
    callbacks.on_predict_end()
    assert calls == ["train", "test"] and callback.note == 1


@pytest.mark.parametrize("loss", [math.nan, math.inf, -math.inf, np.float32("nan")])
def test_a_loss_that_is_no_number_stops_training(loss, capsys):
    model = FakeModel()
    callbacks = CallbackList(TerminateOnNaN(), model=model)
    callbacks.on_train_batch_end(0, {"loss": 1.0})
    callbacks.on_train_batch_end(1, {})
    assert not model.stop_training
    callbacks.on_train_batch_end(2, {"loss": loss})
    assert (
        model.stop_training
        and capsys.readouterr().out == "Batch 2: Invalid loss, terminating training\n"
    )
    with pytest.raises(RuntimeError, match="NaN or Inf loss encountered at batch 3"):
        CallbackList(TerminateOnNaN(raise_error=True)).on_train_batch_end(3, {"loss": loss})


def test_looking_for_nan_does_not_split_device_calls():
    assert not CallbackList(TerminateOnNaN()).needs_batch_hooks("train")


def test_hooks_are_functions():
    with pytest.raises(UserTypeError, match="`on_epoch_end` must be a function. Received: 3"):
        LambdaCallback(on_epoch_end=3)
