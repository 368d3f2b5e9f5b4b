"""What training asks of each source."""

import numpy as np
import pytest

import fkeras
from fkeras.data import ArraySource, Source, StreamSource, make_source
from fkeras.errors import UserTypeError

X, Y = np.arange(10.0).reshape(5, 2), np.arange(5)


def arrays():
    return make_source(X, Y, batch_size=2)


def generator():
    return make_source((X[i : i + 2], Y[i : i + 2]) for i in range(0, 5, 2))


def batches():
    class Batches:
        def __iter__(self):
            return ((X[i : i + 2], Y[i : i + 2]) for i in range(0, 5, 2))

    return make_source(Batches())


@pytest.mark.parametrize("make", [arrays, generator, batches])
def test_the_first_batch_can_be_seen_and_is_not_lost(make):
    source = make()
    assert isinstance(source, Source)
    x, y = source.peek()
    assert (x.shape, y.tolist()) == ((2, 2), [0, 1])
    assert [y.tolist() for _, y in source.epoch()] == [[0, 1], [2, 3], [4]]


@pytest.mark.parametrize("make, in_memory", [(arrays, True), (generator, False), (batches, False)])
def test_only_arrays_lie_in_memory(make, in_memory):
    source = make()
    assert source.in_memory is in_memory is isinstance(source, ArraySource)
    assert source.in_memory is not isinstance(source, StreamSource)


def test_a_batch_smaller_than_the_batch_size_can_be_seen_too():
    assert make_source(X, batch_size=32).peek()[0].shape == (5, 2)


def test_the_order_of_the_samples_does_not_matter_to_a_look():
    assert make_source(X, Y, shuffle=True, batch_size=2).peek()[1].tolist() == [0, 1]


@pytest.mark.parametrize("make", [generator, batches])
def test_streams_have_no_columns_and_no_hint(make):
    assert make().columns == {} and make().targets_hint == ""


def test_a_source_has_batches():
    class Nothing(Source):
        in_memory = False

    with pytest.raises(TypeError, match="abstract"):
        Nothing()


def test_sources_of_ones_own_stay_themselves():
    class Twice(Source):
        in_memory, steps, columns = False, 2, {}

        def peek(self):
            return (X,)

        def epoch(self, order=None):
            return iter([(X,), (X,)])

    source = Twice()
    assert make_source(source) is source
    with pytest.raises(UserTypeError, match=r"Twice cannot feed .* override `map_inputs"):
        source.map_inputs(lambda inputs: inputs)


def test_names_are_exported():
    assert fkeras.data.Source is Source
