"""What fits, and what is put back."""

import numpy as np
import pytest

import fkeras
from fkeras import layers
from fkeras.core.values.variable import Variable
from fkeras.errors import IncompatibleFileError
from fkeras.saving.match import Match, list_skipped, listed, unfit

FIT = [
    ("float32", np.zeros(3, "float64"), None),
    ("float32", np.zeros(3, "float16"), None),
    ("bfloat16", np.zeros(3, "float32"), None),
    ("int32", np.zeros(3, "int64"), None),
    ("uint32", np.zeros(3, "int32"), None),
    ("float32", np.zeros(3, "complex64"), "file complex64, model float32"),
    ("float32", np.zeros(3, "int8"), "file int8, model float32"),
    ("float32", np.zeros(3, "bool"), "file bool, model float32"),
    ("int32", np.zeros(3, "float32"), "file float32, model int32"),
    ("float32", np.zeros((3, 1), "float32"), r"file \(3, 1\), model \(3,\)"),
    ("float32", None, r"not in the file, model \(3,\)"),
]


@pytest.mark.parametrize("dtype, value, problem", FIT)
def test_arrays_fit_by_shape_and_kind_of_number(dtype, value, problem):
    match = Match()
    match.add("kernel", Variable("zeros", shape=(3,), dtype=dtype), value)
    if problem is None:
        assert len(match.pairs) == 1
        match.refuse_problems("The weights")
        return
    with pytest.raises(
        IncompatibleFileError, match=f"The weights do not fit.*\n  kernel: {problem}"
    ):
        match.refuse_problems("The weights")
    assert unfit(Variable("zeros", shape=(3,), dtype=dtype), value)


def test_long_lists_are_cut():
    lines = listed([(f"w{i}", "missing") for i in range(20)], most=3).splitlines()
    assert lines == ["  w0: missing", "  w1: missing", "  w2: missing", "  and 17 more"]
    assert list_skipped([f"w{i}" for i in range(60)], 70).endswith("and 10 more")


class Own(layers.Dense):
    """Keeps its arrays under names of its own."""

    def save_own_variables(self, store):
        store["matrix"] = self.kernel
        store["offset"] = self.bias

    def load_own_variables(self, store):
        self.kernel.assign(store["matrix"])
        if np.any(np.asarray(store["offset"]) < 0):
            raise ValueError("negative offsets")
        self.bias.assign(store["offset"])


@pytest.mark.parametrize("suffix", [".weights.h5", ".keras"])
def test_layers_may_read_and_write_their_arrays_themselves(tmp_path, suffix):
    model = fkeras.Sequential([fkeras.Input((3,)), Own(2), layers.Dense(1)])
    model.layers[0].bias.assign([1.0, 2.0])
    path = tmp_path / f"own{suffix}"
    (model.save if suffix == ".keras" else model.save_weights)(path)
    other = fkeras.Sequential([fkeras.Input((3,)), Own(2), layers.Dense(1)])
    other.load_weights(path)
    for a, b in zip(model.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_where_a_layer_refuses_its_arrays_nothing_is_set(tmp_path):
    model = fkeras.Sequential([fkeras.Input((3,)), layers.Dense(3), Own(2)])
    model.layers[1].bias.assign([1.0, -2.0])
    model.save_weights(tmp_path / "own.weights.h5")
    other = fkeras.Sequential([fkeras.Input((3,)), layers.Dense(3), Own(2)])
    before = other.get_weights()
    with pytest.raises(IncompatibleFileError, match="layers/own: .*says: negative offsets"):
        other.load_weights(tmp_path / "own.weights.h5")
    for a, b in zip(before, other.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
