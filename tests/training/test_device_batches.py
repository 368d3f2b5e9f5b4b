"""How a source's batches reach the device."""

import gc
import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.sparse

from fkeras.data import make_source
from fkeras.training import device_batches
from fkeras.training.fused_loops import Batching

X = np.arange(14, dtype="float32").reshape(7, 2)


def source(**arguments):
    return make_source(X, np.arange(7), batch_size=3, **arguments)


def firsts(batches):
    return [batch[0][:, 0].tolist() for batch in batches]


def test_arrays_go_to_the_device_when_they_will_be_wanted_again():
    arrays = source()
    assert device_batches.placed(arrays, again=False) is arrays.arrays
    placed = device_batches.placed(arrays, again=True)
    assert all(isinstance(a, jax.Array) for a in placed)
    assert device_batches.placed(arrays, again=False) is placed


def test_what_is_on_the_device_goes_with_its_source():
    gc.collect()  # what earlier tests have left
    arrays = source()
    device_batches.placed(arrays, again=True)
    count = len(device_batches._on_device)
    del arrays
    gc.collect()
    assert len(device_batches._on_device) == count - 1


def test_batches_of_one_pass_in_any_order_from_any_batch_on():
    order = np.array([6, 5, 4, 3, 2, 1, 0])
    assert firsts(device_batches.batches_of(source())) == [[0, 2, 4], [6, 8, 10], [12]]
    assert firsts(device_batches.batches_of(source(), order)) == [[12, 10, 8], [6, 4, 2], [0]]
    assert firsts(device_batches.batches_of(source(), order, first=2)) == [[0]]
    assert firsts(device_batches.batches_of(source(), first=3)) == []
    stream = make_source((X[i : i + 1],) for i in range(2))
    assert firsts(device_batches.batches_of(stream)) == [[0], [2]]


def test_arrays_can_be_gone_through_without_end():
    endless = device_batches.endless_batches(source())
    assert firsts(itertools.islice(endless, 4))[2:] == [[12], [0, 2, 4]]
    stream = make_source((X[i : i + 1],) for i in range(2))
    assert firsts(device_batches.endless_batches(stream)) == [[0], [2]]


@pytest.mark.parametrize(("rows", "expected"), [(7, (3, 1)), (6, (3, 0)), (2, (3, 2))])
def test_sizes_of_batches(rows, expected):
    arrays = make_source(X[:rows], batch_size=3)
    assert device_batches.batching_of(arrays) == Batching(*expected)
    assert device_batches.batching_of(None) == Batching(0, 0)


def test_shapes_of_batches_in_the_dtypes_that_the_device_has():
    x, y = device_batches.batch_shapes(source())
    assert (x.shape, x.dtype, y.shape, y.dtype) == ((3, 2), jnp.float32, (3,), jnp.int32)
    assert device_batches.batch_shapes(source(), 1)[0].shape == (1, 2)


def test_only_numbers_can_lie_on_the_device():
    assert device_batches.is_numeric(([X], {"y": jnp.ones(2)}))
    assert not device_batches.is_numeric((X, np.array(["a"])))
    assert not device_batches.is_numeric(make_source(scipy.sparse.csr_matrix(X)).arrays)


def test_what_is_too_large_stays_on_the_host(monkeypatch):
    monkeypatch.setattr(device_batches, "_BYTES", X.nbytes)
    assert device_batches.fits_on_device([X])
    assert not device_batches.fits_on_device([X, X])


def test_a_permutation_is_sent_as_ints_of_the_device():
    assert device_batches.permutation(None) is None
    assert device_batches.permutation(np.arange(3, dtype=np.int64)).dtype == jnp.int32
