"""Logs lie on the device until they are read, in alphabetical order."""

import copy
import pickle

import jax.numpy as jnp
import numpy as np
import pytest

from fkeras.training import logs as logs_module
from fkeras.training.logs import Logs, as_number, to_python


@pytest.fixture
def fetches(monkeypatch):
    """The logs that were fetched, one list an access."""
    seen, real = [], logs_module.to_python
    monkeypatch.setattr(logs_module, "to_python", lambda v: seen.append(sorted(v)) or real(v))
    return seen


def batch_logs():
    return Logs({"mae": jnp.float32(0.5), "loss": jnp.float32(0.25)})


LOOKS = {
    "index": lambda logs: logs["loss"],
    "get": lambda logs: logs.get("loss"),
    "items": lambda logs: list(logs.items()),
    "values": lambda logs: list(logs.values()),
    "iterate": list,
    "reverse": lambda logs: list(reversed(logs)),
    "equal": lambda logs: logs == {},
    "unequal": lambda logs: logs != {},
    "repr": repr,
    "or": lambda logs: logs | {"a": 1},
    "ror": lambda logs: {"a": 1} | logs,
    "copy": lambda logs: logs.copy(),
    "deepcopy": copy.deepcopy,
    "dict": dict,
    "pickle": lambda logs: pickle.loads(pickle.dumps(logs)),
    "pop": lambda logs: logs.pop("loss"),
    "popitem": lambda logs: logs.popitem(),
    "setdefault": lambda logs: logs.setdefault("loss", 1),
    "update": lambda logs: logs.update(a=1),
}


@pytest.mark.parametrize("name", LOOKS)
def test_every_way_of_reading_fetches_once(fetches, name):
    logs = batch_logs()
    assert fetches == []
    LOOKS[name](logs)
    logs.get("mae")
    assert fetches == [["loss", "mae"]]
    assert all(type(value) in (float, int) for value in logs.values())


def test_counting_and_asking_for_a_name_fetches_nothing(fetches):
    logs = batch_logs()
    assert len(logs) == 2 and "loss" in logs and "val_loss" not in logs
    assert fetches == []


def test_names_come_in_order_and_values_as_floats():
    assert list(batch_logs().items()) == [("loss", 0.25), ("mae", 0.5)]
    assert type(pickle.loads(pickle.dumps(batch_logs()))) is dict


def test_a_hook_may_write():
    logs = batch_logs()
    logs |= {"rate": 1.0}
    logs["loss"] = 2.0
    assert logs == {"loss": 2.0, "mae": 0.5, "rate": 1.0}


def test_scalars_become_floats_and_larger_arrays_numpy():
    result = to_python({"loss": jnp.float32(1.5), "counts": jnp.arange(2), "text": "a"})
    assert result["loss"] == 1.5 and type(result["loss"]) is float
    assert isinstance(result["counts"], np.ndarray) and result["text"] == "a"
    assert to_python(jnp.float32(2.0)) == 2.0


def test_numbers_inside_of_dicts_are_found():
    assert as_number({"a": np.float32(1.0), "b": {"c": np.int32(2)}}) == {"a": 1.0, "b": {"c": 2.0}}
