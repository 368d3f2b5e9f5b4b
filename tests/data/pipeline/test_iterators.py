"""Orders, and positions that are kept and set."""

import json
import threading

import numpy as np
import pytest

from fkeras.data import Dataset
from fkeras.errors import UserInputError
from fkeras.utils import set_random_seed


def numbers(dataset):
    return [np.asarray(e).tolist() for e in dataset.as_numpy_iterator()]


def made(n):
    return Dataset.range(n).map(lambda v: v)


@pytest.mark.parametrize("source", [Dataset.range, made])
@pytest.mark.parametrize("size", [3, 10, 99])
def test_a_shuffle_is_a_new_order_at_each_pass_and_the_same_in_each_process(source, size):
    make = lambda: source(10).shuffle(size, seed=7)
    dataset = make()
    first, second = numbers(dataset), numbers(dataset)
    assert sorted(first) == sorted(second) == list(range(10))
    assert first != second and list(range(10)) not in (first, second)
    again = make()
    assert (numbers(again), numbers(again)) == (first, second)
    # An element waits for at most as many as the buffer holds.
    assert all(value < place + size for place, value in enumerate(first))


def test_rows_are_drawn_as_elements_are():
    for size in (4, 50, 3000):
        orders = [numbers(source(2500).shuffle(size, seed=1)) for source in (Dataset.range, made)]
        assert orders[0] == orders[1]


def test_no_reshuffle():
    dataset = Dataset.range(9).shuffle(9, seed=1, reshuffle_each_iteration=False)
    assert numbers(dataset) == numbers(dataset) == numbers(dataset.repeat(2))[9:]


def test_repeat_shuffles_anew():
    values = numbers(Dataset.range(9).shuffle(9, seed=1).repeat(2))
    assert sorted(values[:9]) == sorted(values[9:]) and values[:9] != values[9:]


def test_a_shuffle_without_a_seed_is_the_process_s():
    orders = []
    for seed in (1, 1, 2):
        set_random_seed(seed)
        orders.append(numbers(Dataset.range(20).shuffle(20)))
    assert orders[0] == orders[1] != orders[2]


def test_every_place_is_equally_likely():
    dataset = Dataset.range(4).shuffle(4, seed=5)
    firsts = [next(dataset.as_numpy_iterator()) for _ in range(2000)]
    assert np.bincount(firsts, minlength=4).min() > 430  # 500 expected; 4 deviations are 77


def test_draws_and_samples():
    first = numbers(Dataset.random(seed=4).take(3))
    assert first == numbers(Dataset.random(seed=4).take(3)) and len(set(first)) == 3
    data = [Dataset.from_tensors(i).repeat() for i in range(2)]
    drawn = numbers(Dataset.sample_from_datasets(data, [0.8, 0.2], seed=1).take(1000))
    assert 150 < sum(drawn) < 250


def test_a_sample_stops_where_it_is_told_to():
    data = [Dataset.range(2), Dataset.range(10, 1000)]
    stopped = numbers(Dataset.sample_from_datasets(data, seed=1, stop_on_empty_dataset=True))
    assert stopped[-1] >= 10 or stopped[-1] == 1
    assert len(stopped) < 100 < len(numbers(Dataset.sample_from_datasets(data, seed=1)))


def ragged():
    for i in range(20):
        yield i, np.full(i % 3, i)


DATASETS = {
    "rows": lambda: Dataset.range(20).batch(3),
    "shuffled rows": lambda: Dataset.range(20).shuffle(20, seed=1).repeat(3).batch(3),
    "a small buffer": lambda: Dataset.range(20).shuffle(4, seed=1).repeat(3).batch(3),
    "shuffled elements": lambda: made(20).shuffle(5, seed=1).repeat().batch(3).take(17),
    "functions": lambda: made(20).shuffle(5, seed=1).filter(lambda v: v % 3 > 0).repeat(4),
    "two shuffles": lambda: made(9).shuffle(9, 1).concatenate(made(9).shuffle(3, 2)).repeat(3),
    "zip": lambda: Dataset.zip(made(9).shuffle(9, 1), made(9)).repeat(3).enumerate(),
    "cached": lambda: made(9).cache().shuffle(4, seed=1).repeat(4).prefetch(2),
    "windows": lambda: made(20).window(3, 2).flat_map(lambda w: w.batch(3)).shuffle(4, seed=1),
    "interleaved": lambda: made(5).interleave(lambda v: Dataset.range(v), 2).shuffle(3, seed=1),
    "sampled": lambda: Dataset.sample_from_datasets([made(9), made(20)], seed=3).shard(2, 1),
    "generated": lambda: Dataset.from_generator(ragged).padded_batch(4).map(lambda i, v: i),
    "without end": lambda: Dataset.range(7).shuffle(7, seed=2).repeat().shuffle(3, seed=1).take(30),
    "skipped": lambda: Dataset.range(20).shuffle(20, seed=1).skip(5).repeat(2).batch(2).unbatch(),
}


@pytest.mark.parametrize("name", DATASETS)
@pytest.mark.parametrize("before", [0, 1])
def test_a_position_is_kept_and_set(name, before):
    dataset, other = DATASETS[name](), DATASETS[name]()
    for _ in range(before):
        list(dataset)
    expected = list(map(str, dataset.as_numpy_iterator()))
    later = list(map(str, dataset.as_numpy_iterator()))
    for position in {0, 1, len(expected) // 2, len(expected) - 1, len(expected)}:
        kept = DATASETS[name]()
        for _ in range(before):
            list(kept)
        elements = kept.as_numpy_iterator()
        for _ in range(position):
            next(elements)
        state = json.loads(json.dumps(elements.get_state()))
        again = other.as_numpy_iterator()
        next(again)
        again.set_state(state)
        assert again.get_state() == state
        assert list(map(str, again)) == expected[position:]
        # The pass after is the one that would have come.
        assert list(map(str, other.as_numpy_iterator())) == later


def test_a_position_in_long_data_is_found_without_making_what_went_by():
    calls = []
    make = lambda: Dataset.range(1000).shuffle(50, seed=1).map(lambda v: calls.append(v) or v)
    elements = iter(make())
    expected = [next(elements) for _ in range(901)][-1]
    state = {**elements.get_state(), "elements": 900}
    calls.clear()
    again = iter(make())
    again.set_state(state)
    assert next(again) == expected and len(calls) == 1


def test_a_state_of_another_pipeline_is_an_error():
    state = iter(Dataset.range(3).shuffle(3)).get_state()
    with pytest.raises(UserInputError, match="1 random steps. This one has 0: range.batch"):
        iter(Dataset.range(3).batch(2)).set_state(state)


def test_two_passes_at_once_do_not_disturb_each_other():
    make = lambda: Dataset.range(20).shuffle(4, seed=1).repeat(3)
    alone = make()
    expected = numbers(alone)
    dataset = make()
    one = dataset.as_numpy_iterator()
    first = [next(one) for _ in range(5)]
    list(dataset)
    assert [int(v) for v in (*first, *one)] == expected


def test_threads_end_with_the_pass():
    import time

    slow = lambda v: (time.sleep(3e-3), v)[1]
    dataset = Dataset.range(50).map(slow, num_parallel_calls=2).prefetch(2)
    elements = iter(dataset)
    for _ in range(6):
        next(elements)
    elements.close()
    assert list(elements) == []
    ours = [t for t in threading.enumerate() if t.name.startswith("fkeras-")]
    for thread in ours:
        thread.join(600)
    assert not any(t.is_alive() for t in ours)


def test_functions_run_side_by_side():
    both = threading.Barrier(2, timeout=600)  # one alone would wait for ever
    assert numbers(Dataset.range(4).map(lambda v: (both.wait(), v)[1], 2)) == [0, 1, 2, 3]


def test_a_file_keeps_the_elements_of_a_whole_pass(tmp_path):
    path, calls = tmp_path / "kept", []

    def element(i, v):
        calls.append(int(i))
        return {"a": (v, b"x\0"), "b": np.array([b"y", b"zz\0"], object)}, float(i)

    make = lambda: Dataset.from_generator(ragged).take(3).map(element).cache(path)
    part = iter(make())
    next(part)
    part.close()
    del part
    assert list(tmp_path.iterdir()) == []  # not a whole pass
    calls.clear()
    expected = list(map(str, make().as_numpy_iterator()))
    assert calls == [0, 1, 2]
    assert list(map(str, make().repeat(2).as_numpy_iterator())) == expected * 2
    assert calls == [0, 1, 2]
    path.write_bytes(b"something else")
    with pytest.raises(Exception, match="not a zip|cache"):
        list(make())
