import gc
import itertools
import threading

import jax
import numpy as np
import pytest

import fkeras
from fkeras.data import Dataset, PyDataset, StreamSource, make_source
from fkeras.errors import UserInputError, UserTypeError


def batch(i, rows=2):
    return np.full((rows, 3), float(i)), np.full(rows, i)


def ids(batches):
    return [int(b[1][0]) for b in batches]


class Again:
    """An iterable that starts again; closes what it opened."""

    def __init__(self, count, make=batch):
        self.count, self.make, self.opened, self.closed = count, make, 0, 0

    def __iter__(self):
        self.opened += 1
        try:
            yield from map(self.make, range(self.count))
        finally:
            self.closed += 1


class Counted(Again):
    __len__ = lambda self: self.count


class TfData(Again):
    as_numpy_iterator = Again.__iter__
    cardinality = lambda self: np.int64(self.count)


class Loader(Again):
    dataset, batch_size = None, 2
    __len__ = lambda self: self.count


class Squares(PyDataset):
    def __init__(self, count=4, **kwargs):
        super().__init__(**kwargs)
        self.count, self.calls = count, []

    @property
    def num_batches(self):
        return self.count

    def __getitem__(self, index):
        self.calls.append(index)
        return batch(index)

    def on_epoch_begin(self):
        self.calls.append("begin")

    def on_epoch_end(self):
        self.calls.append("end")


class Old:
    """Written for another library's `Sequence`."""

    __len__ = lambda self: 3
    __getitem__ = lambda self, i: batch(i)
    on_epoch_end = lambda self: None


KINDS = [
    (Again(3), "iterable", None),
    (Counted(3), "iterable", 3),
    (TfData(3), "tf.data.Dataset", 3),
    (TfData(-2), "tf.data.Dataset", None),
    (Loader(3), "DataLoader", 3),
    (Squares(3), "PyDataset", 3),
    (Old(), "PyDataset", 3),
    (iter([batch(0)]), "generator", None),
    ((batch(i) for i in range(3)), "generator", None),
]


@pytest.mark.parametrize("data, kind, steps", KINDS, ids=[type(d).__name__ for d, *_ in KINDS])
def test_streams_are_known_by_what_they_can_do(data, kind, steps):
    source = make_source(data)
    assert isinstance(source, StreamSource) and not hasattr(source, "order")
    assert (source.kind, source.steps) == (kind, steps)


@pytest.mark.parametrize("make", [Again, Counted, TfData, Loader, Squares])
def test_each_epoch_has_all_batches(make):
    source = make_source(make(3))
    assert ids(source.epoch(0)) == ids(source.epoch(1)) == [0, 1, 2]


def test_a_generator_goes_on_where_the_last_epoch_stopped_and_ends_once():
    made = (batch(i) for i in range(5))
    source = make_source(made, steps_per_epoch=2)
    for expected in ([0, 1], [2, 3]):
        epoch = source.epoch(0)
        assert ids(itertools.islice(epoch, 2)) == expected
        epoch.close()
    assert ids(source.epoch(2)) == [4] and ids(source.epoch(3)) == []


@pytest.mark.parametrize(
    "make", [lambda: (batch(i) for i in range(3)), lambda: Again(3), lambda: Squares(3)]
)
def test_peek_loses_no_batch(make):
    source = make_source(make())
    assert int(source.peek()[1][0]) == int(source.peek()[1][0]) == 0
    assert ids(source.epoch(0)) == [0, 1, 2]


def test_an_iterable_left_early_is_closed():
    data = Again(5)
    source = make_source(data)
    source.peek()
    epoch = source.epoch(0)
    next(epoch)
    epoch.close()
    assert (data.opened, data.closed) == (1, 1)


def test_steps_of_the_user_run_over_the_end():
    data = Counted(3)
    source = make_source(data, steps_per_epoch=2)
    assert source.steps is None
    epoch = source.epoch(0)
    assert ids(itertools.islice(epoch, 8)) == [0, 1, 2, 0, 1, 2, 0, 1]
    epoch.close()
    assert data.opened == data.closed == 3
    assert make_source(Counted(3), steps_per_epoch=3).steps == 3
    assert ids(make_source(Counted(3), steps_per_epoch=3).epoch(0)) == [0, 1, 2]


REFUSED = [
    ({"y": np.ones(2)}, UserInputError, "`y` should not be passed.*part of the generator"),
    ({"sample_weight": np.ones(2)}, UserInputError, "`sample_weight` should not be passed"),
    ({"class_weight": {"a": 1}}, UserTypeError, "class ids"),
]


@pytest.mark.parametrize("kwargs, error, words", REFUSED, ids=[next(iter(k)) for k, *_ in REFUSED])
def test_arguments_that_a_stream_decides_itself_are_refused(kwargs, error, words):
    with pytest.raises(error, match=words):
        make_source((batch(i) for i in range(3)), **kwargs)


def test_default_batch_size_is_for_arrays_only():
    assert make_source(Squares(), default_batch_size=8, role="validation").steps == 4


@pytest.mark.parametrize("data", [iter([]), Again(0)])
def test_nothing_to_peek_at(data):
    with pytest.raises(UserInputError, match="must yield at least one batch"):
        make_source(data).peek()


@pytest.mark.parametrize("data", [Counted(0), Squares(0)])
def test_no_batches_are_told_at_once(data):
    with pytest.raises(UserInputError, match="has 0 batches"):
        make_source(data)


@pytest.mark.parametrize(
    "wrap", [lambda make: make(), lambda make: type("It", (), {"__iter__": lambda self: make()})()]
)
def test_exceptions_of_the_data_arrive_as_they_are(wrap):
    def failing():
        yield batch(0)
        raise OSError("disk gone")

    epoch = make_source(wrap(failing)).epoch(0)
    next(epoch)
    with pytest.raises(OSError, match="disk gone"):
        next(epoch)


# -- PyDataset -----------------------------------------------------------------


def test_hooks_surround_the_batches_of_an_epoch():
    data = Squares(2)
    source = make_source(data)
    list(source.epoch(0))
    assert data.calls == ["begin", 0, 1, "end"]


def test_hooks_run_where_an_epoch_is_left_early():
    data = Squares(3)
    epoch = make_source(data).epoch(0)
    next(epoch)
    epoch.close()
    assert data.calls == ["begin", 0, "end"]


def test_hooks_surround_the_steps_of_the_user():
    data = Squares(3)
    epoch = make_source(data, steps_per_epoch=2).epoch(0)
    assert ids(itertools.islice(epoch, 5)) == [0, 1, 2, 0, 1]
    epoch.close()
    assert data.calls == ["begin", 0, 1, "end", "begin", 2, 0, "end", "begin", 1, "end"]


def test_batches_come_in_a_new_order_that_the_epoch_decides():
    source = make_source(Squares(9), shuffle=True)
    first, second = ids(source.epoch(0)), ids(source.epoch(1))
    assert sorted(first) == sorted(second) == list(range(9)) and first != second != list(range(9))
    assert ids(make_source(Squares(9), shuffle=True).epoch(1)) == second


def test_without_end_the_user_must_tell_the_steps():
    with pytest.raises(UserInputError, match="pass `validation_steps`"):
        make_source(Squares(None), role="validation")
    epoch = make_source(Squares(None), steps_per_epoch=2).epoch(0)
    assert ids(itertools.islice(epoch, 5)) == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("steps", [None, 3])
def test_workers_keep_the_order(steps):
    seen, gate = set(), threading.Barrier(2, timeout=600)

    class Slow(Squares):
        def __getitem__(self, index):
            if index < 2:
                gate.wait()  # passes only where two threads work at a time
            seen.add(threading.current_thread().name)
            return batch(index)

    data = Slow(6, workers=2, max_queue_size=2)
    epoch = make_source(data, steps_per_epoch=steps).epoch(0)
    assert ids(itertools.islice(epoch, 6)) == list(range(6)) and len(seen) == 2
    epoch.close()
    assert not [t for t in threading.enumerate() if t.name in seen], "threads are gone"


def test_exceptions_of_workers_arrive_as_they_are():
    class Failing(Squares):
        def __getitem__(self, index):
            if index == 2:
                raise KeyError("no such picture")
            return batch(index)

    before = threading.active_count()
    with pytest.raises(KeyError, match="no such picture"):
        list(make_source(Failing(workers=3)).epoch(0))
    assert threading.active_count() == before


def test_processes_are_threads():
    with pytest.warns(UserWarning, match="made by threads"):
        make_source(Squares(workers=2, use_multiprocessing=True))


def test_forgotten_super_init_warns_and_works():
    class Careless(PyDataset):
        def __init__(self):
            pass

        __len__ = lambda self: 2
        __getitem__ = lambda self, i: batch(i)

    data = Careless()
    with pytest.warns(UserWarning, match=r"call `super\(\).__init__"):
        assert data.workers == 1
    with pytest.warns(UserWarning):
        assert ids(make_source(data).epoch(0)) == [0, 1]


def test_a_dataset_needs_its_methods():
    with pytest.raises(NotImplementedError, match="__getitem__"):
        PyDataset()[0]
    with pytest.raises(NotImplementedError, match="You need to implement"):
        _ = PyDataset().num_batches


def test_a_dataset_can_be_iterated_by_hand():
    assert ids(Squares(3)) == [0, 1, 2]
    assert ids(itertools.islice(Squares(None), 4)) == [0, 1, 2, 3]


def test_a_watch_sees_every_batch_also_the_one_that_was_peeked_at():
    batches = [(np.full((2, 1), float(i)),) for i in range(3)]
    seen = []

    def watch(batch):
        seen.append(float(batch[0][0, 0]))
        if batch[0][0, 0] == 2:
            raise UserInputError("too much.")

    source = make_source(iter(batches))
    source.peek()
    source.watch(watch)
    with pytest.raises(UserInputError, match=r"^batch 2 of `x` \(a generator\): too much."):
        list(source.epoch(0))
    assert seen == [0, 1, 2]


class OneBatch(PyDataset):
    __len__ = lambda self: 300
    __getitem__ = lambda self, index: batch(index % 5)


def forever():
    yield from map(batch, itertools.cycle(range(5)))


@pytest.mark.parametrize(
    "train",
    [
        lambda model: model.fit(forever(), steps_per_epoch=300, verbose=0),
        lambda model: model.fit(OneBatch(), verbose=0),
        lambda model: model.fit(OneBatch(workers=2), verbose=0),
        lambda model: model.fit(Dataset.from_generator(forever), steps_per_epoch=300, verbose=0),
        lambda model: [model.train_on_batch(*batch(i % 5)) for i in range(300)],
    ],
    ids=["generator", "PyDataset", "PyDataset, 2 workers", "Dataset", "train_on_batch"],
)
def test_nothing_is_left_of_batches_that_passed(train):
    model = fkeras.Sequential([fkeras.layers.Dense(1)])
    model.compile("sgd", "mse")

    def held():
        gc.collect()
        return len(jax.live_arrays()), len(gc.get_objects())

    train(model)
    train(model)
    arrays, objects = held()
    train(model)
    more_arrays, more_objects = held()
    # Of 300 batches: less than one thing for three of them.
    assert more_arrays - arrays < 10 and more_objects - objects < 100
