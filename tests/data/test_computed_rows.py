"""Rows of inputs that are computed batch by batch."""

import numpy as np
import pytest

from fkeras.data import ArraySource, computed_rows
from fkeras.data.computed_rows import ComputedRows, computed

X = {"a": np.arange(6), "b": np.arange(6.0)}


def total(arrays):
    return arrays["a"] + arrays["b"]


def test_rows_are_taken_by_slice_and_by_number():
    rows = ComputedRows(total, X)
    assert (len(rows), rows.shape) == (6, (6,))
    assert rows.take(slice(1, 3)).tolist() == [2, 4]
    assert rows.take(np.array([5, 0])).tolist() == [10, 0]


def test_what_fits_in_memory_is_computed_at_once(monkeypatch):
    assert computed(total, X).tolist() == [0, 2, 4, 6, 8, 10]
    monkeypatch.setattr(computed_rows, "_ROWS_TRIED", 2)
    assert computed(total, X).tolist() == [0, 2, 4, 6, 8, 10]
    monkeypatch.setattr(computed_rows, "_MOST_BYTES", 47)
    rows = computed(total, X)
    assert isinstance(rows, ComputedRows) and computed(total, rows) is rows


@pytest.mark.parametrize("most", [1, 1000])
def test_a_source_has_its_inputs_mapped_in_every_order(monkeypatch, most):
    monkeypatch.setattr(computed_rows, "_ROWS_TRIED", 2)
    monkeypatch.setattr(computed_rows, "_MOST_BYTES", most)
    source = ArraySource(X, np.arange(6), batch_size=4, shuffle=True)
    source.map_inputs(total)
    assert source.is_computed == (most == 1)
    for x, y in source.epoch(source.order(0, 0)):
        assert x.tolist() == (2 * y).tolist()
    assert source.peek()[0].tolist() == [0, 2, 4, 6]
