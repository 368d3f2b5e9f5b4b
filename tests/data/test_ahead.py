import gc
import itertools
import threading
import time

import pytest

from fkeras.data import prefetch
from fkeras.data.ahead import ahead_if_slow, ordered_map


def threads():
    return [t for t in threading.enumerate() if t.name.startswith("fkeras-")]


@pytest.fixture(autouse=True)
def _no_thread_is_left():
    yield
    assert not threads()


def test_items_come_in_order_and_the_thread_ends():
    assert list(prefetch(range(100), depth=3)) == list(range(100))


def test_items_are_made_ahead_and_not_further():
    made, enough = [], threading.Event()

    def items():
        for i in itertools.count():
            made.append(i)
            if i == 3:  # one given away, two waiting, one in hand
                enough.set()
            yield i

    with prefetch(items(), depth=2) as ahead:
        assert next(ahead) == 0
        assert enough.wait(600)
        time.sleep(0.1)
        assert made == [0, 1, 2, 3]


def test_exceptions_arrive_as_they_are():
    def failing():
        yield 1
        raise ConnectionError("network down")

    ahead = prefetch(failing())
    assert next(ahead) == 1
    with pytest.raises(ConnectionError, match="network down") as caught:
        next(ahead)
    assert caught.traceback[-1].name == "failing"
    assert list(ahead) == []


def test_leaving_early_ends_the_thread():
    with prefetch(itertools.count()) as ahead:
        next(ahead)
    assert list(ahead) == []


def test_forgetting_it_ends_the_thread():
    ahead = prefetch(itertools.count())
    (thread,) = threads()
    next(ahead)
    del ahead
    gc.collect()
    thread.join(600)
    assert not thread.is_alive()


def test_only_slow_iterators_move_to_a_thread():
    names = []

    def items(seconds):
        for i in range(6):
            time.sleep(seconds)
            names.append(threading.current_thread().name)
            yield i

    assert list(ahead_if_slow(items(0.0), seconds=10.0)) == list(range(6))
    assert set(names) == {threading.current_thread().name}
    names.clear()
    # The first one says it, where it takes what the trial as a whole may take.
    assert list(ahead_if_slow(items(0.01), trial=2, seconds=0.005)) == list(range(6))
    assert [n == "fkeras-prefetch" for n in names] == [False, True, True, True, True, True]
    assert list(ahead_if_slow(iter([1]))) == [1]


def test_a_slow_iterator_left_early_ends_its_thread():
    slow = (time.sleep(0.002) or i for i in itertools.count())
    ahead = ahead_if_slow(slow, trial=1, seconds=0.0)
    assert [next(ahead) for _ in range(3)] == [0, 1, 2] and threads()
    ahead.close()


def test_ordered_map_is_lazy_and_leaves_no_thread():
    done = ordered_map(lambda i: i * i, itertools.count(), workers=2, depth=3)
    assert [next(done) for _ in range(4)] == [0, 1, 4, 9]
    done.close()
