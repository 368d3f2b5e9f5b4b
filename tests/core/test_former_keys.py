"""Keys of logs in older Keras."""

import pickle
import warnings

import pytest

from fkeras.core.former_keys import FormerKeys, today

LOGS = {"loss": 1.0, "accuracy": 0.5, "val_accuracy": 0.25, "head_accuracy": 0.75, "mae": 2.0}
LOGS["val_mae"] = 4.0


@pytest.mark.parametrize(
    "key, name",
    [
        ("acc", "accuracy"),
        ("val_acc", "val_accuracy"),
        ("head_acc", "head_accuracy"),
        ("val_mean_absolute_error", "val_mae"),
        ("mean_squared_error", None),
        ("lr", None),  # not among these logs
        ("accuracy", None),  # no former key
        ("mac", None),
        (3, None),
    ],
)
def test_what_a_former_key_stands_for(key, name):
    assert today(key, LOGS) == name


@pytest.mark.parametrize(
    "read", [lambda d: d["acc"], lambda d: d.get("acc"), lambda d: 0.5 * ("acc" in d) + 0.0]
)
def test_it_is_answered_with_one_warning_and_not_listed(read):
    logs = FormerKeys(LOGS)
    with pytest.warns(UserWarning, match="'acc' of older Keras is called 'accuracy'") as caught:
        assert read(logs) == 0.5
        assert logs["val_acc"] == 0.25
    assert len(caught) == 1
    assert list(logs) == list(LOGS) and logs == LOGS


def test_other_keys_are_a_dicts():
    logs = FormerKeys(LOGS)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert logs.get("nothing", 7) == 7 and "nothing" not in logs and logs["mae"] == 2.0
        with pytest.raises(KeyError, match="nothing"):
            _ = logs["nothing"]
        assert type(pickle.loads(pickle.dumps(logs))) is dict
        assert FormerKeys({"acc": 1.0})["acc"] == 1.0
