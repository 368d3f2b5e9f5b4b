import numpy as np
import pytest

import fkeras
from fkeras.errors import UserInputError

windows_of = fkeras.utils.timeseries_dataset_from_array
DATA = np.arange(12)

CASES = [
    ({"sequence_length": 4}, [list(range(i, i + 4)) for i in range(9)]),
    ({"sequence_length": 3, "sequence_stride": 4}, [[0, 1, 2], [4, 5, 6], [8, 9, 10]]),
    ({"sequence_length": 3, "sampling_rate": 5}, [[0, 5, 10], [1, 6, 11]]),
    ({"sequence_length": 3, "start_index": 2, "end_index": 6}, [[2, 3, 4], [3, 4, 5]]),
    ({"sequence_length": 12}, [DATA.tolist()]),
]


@pytest.mark.parametrize("options, expected", CASES)
def test_windows_and_targets(options, expected):
    dataset = windows_of(DATA, DATA * 10, batch_size=2, **options)
    x, y = zip(*dataset.as_numpy_iterator())
    assert np.concatenate(x).tolist() == expected
    assert np.concatenate(y).tolist() == [row[0] * 10 for row in expected]
    assert [w.tolist() for w in windows_of(DATA, None, batch_size=None, **options)] == expected


def test_fewer_targets_than_windows():
    dataset = windows_of(DATA[:6], DATA[4:6], 3, batch_size=9)
    x, y = next(iter(dataset))
    assert x.tolist() == [[0, 1, 2], [1, 2, 3]] and y.tolist() == [4, 5]


def test_several_features_and_a_random_order():
    data = np.arange(20.0).reshape(10, 2)
    dataset = windows_of(data, np.arange(10), 3, batch_size=8, shuffle=True, seed=1)
    first, second = next(iter(dataset)), next(iter(dataset))
    assert first[0].shape == (8, 3, 2) and first[1].tolist() != second[1].tolist()
    np.testing.assert_array_equal(first[0][:, 0, 0], first[1] * 2)
    again = next(iter(windows_of(data, np.arange(10), 3, batch_size=8, shuffle=True, seed=1)))
    np.testing.assert_array_equal(first[0], again[0])


ERRORS = [
    ({"start_index": -1}, "`start_index` must be 0 or greater"),
    ({"start_index": 12}, "`start_index` must be lower than the length"),
    ({"start_index": 5, "end_index": 4}, "must be higher than `start_index`"),
    ({"end_index": 12}, "`end_index` must be lower than the length"),
    ({"end_index": -1}, "`end_index` must be higher than 0"),
    ({"sampling_rate": 0}, "`sampling_rate` must be higher than 0"),
    ({"sampling_rate": 12}, "`sampling_rate` must be lower than the length"),
    ({"sequence_stride": 0}, "`sequence_stride` must be higher than 0"),
    ({"sequence_stride": 12}, "`sequence_stride` must be lower than the length"),
    ({"sequence_length": 13}, "spans 13 steps. Received 12"),
    ({"format": "torch"}, "format"),
]


@pytest.mark.parametrize("options, message", ERRORS)
def test_errors(options, message):
    with pytest.raises(UserInputError, match=message):
        windows_of(DATA, None, **{"sequence_length": 3, **options})
