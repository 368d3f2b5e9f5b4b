import numpy as np
import pytest

from fkeras.data import make_source
from fkeras.errors import UserInputError, UserTypeError

IDS = np.array([0, 1, 2, 1])

MISSING = "`class_weight` has no weight for class"

# Most of the dicts below leave classes out, which then count as 1.
pytestmark = pytest.mark.filterwarnings(f"ignore:{MISSING}:UserWarning")


def weights_of(y, class_weight, sample_weight=None, role="fit"):
    return (
        make_source(np.zeros(len(y)), y, sample_weight, class_weight=class_weight, role=role)
        .arrays[2]
        .tolist()
    )


@pytest.mark.parametrize(
    "y",
    [
        IDS,
        IDS[:, None],
        IDS.astype(float),
        np.eye(3)[IDS],
        np.eye(3, dtype=int)[IDS],
        IDS.tolist(),
        [IDS],
    ],
    ids=["ids", "column", "floats", "one-hot", "int one-hot", "list", "one output"],
)
def test_weights_of_classes_become_weights_of_samples(y):
    if isinstance(y, list) and isinstance(y[0], np.ndarray):
        assert make_source(np.zeros(4), y, class_weight={0: 2.0}).arrays[2].tolist() == [2, 1, 1, 1]
    else:
        assert weights_of(y, {0: 2.0, 2: 0.5}) == [2, 1, 0.5, 1]


def test_keys_may_be_integral_floats_and_numpy_ints():
    assert weights_of(IDS, dict(zip(np.unique(IDS.astype(float)), [3, 1, 1]))) == [3, 1, 1, 1]
    assert weights_of(IDS, dict(zip(np.unique(IDS), [3, 1, 1]))) == [3, 1, 1, 1]


def test_weights_of_samples_are_multiplied():
    assert weights_of(IDS, {1: 2.0}, np.array([1.0, 2.0, 3.0, 0.0])) == [1, 4, 3, 0]
    assert weights_of(IDS, {1: 2.0}, np.array([[1.0], [2.0], [3.0], [0.0]])) == [[1], [4], [3], [0]]


def test_negative_ids_are_no_class():
    assert weights_of(np.array([-1, 0, 1]), {0: 2.0}) == [1, 2, 1]


def test_a_single_batch_may_lack_classes():
    assert weights_of(np.array([0, 1]), {7: 2.0}, role="batch") == [1, 1]
    assert weights_of(np.array([0, 0]), {0: 0.5, 1: 2.0}) == [0.5, 0.5], "two classes always exist"


BAD = [
    (IDS, {"0": 1.0}, UserTypeError, "keys must be class ids.*'0' of type str"),
    (IDS, {0.5: 1.0}, UserTypeError, "keys must be class ids"),
    (IDS, {True: 1.0}, UserTypeError, "keys must be class ids"),
    (IDS, {-1: 1.0}, UserTypeError, "keys must be class ids"),
    (IDS, {0: "heavy"}, UserTypeError, "weight of class 0"),
    (IDS, {0: -1.0}, UserTypeError, "weight of class 0"),
    (IDS, [1.0, 2.0], UserTypeError, r"dict\(enumerate\(weights\)\)"),
    (IDS, {7: 2.0}, UserInputError, "class 7, which does not exist.*0 to 2"),
    (np.eye(3)[IDS], {3: 2.0}, UserInputError, "class 3, which does not exist"),
    (np.array([0.5, 1.0, 2.0]), {0: 2.0}, UserInputError, "fractions"),
    (np.ones((4, 3)), {0: 2.0}, UserInputError, "not one-hot.*sample_weight"),
    (np.ones((4, 3, 2)), {0: 2.0}, UserInputError, "one class for each sample"),
    ([IDS, IDS], {0: 2.0}, UserInputError, "single output"),
]


@pytest.mark.parametrize(
    "y, class_weight, error, words", BAD, ids=[words[:30] for *_, words in BAD]
)
def test_weights_that_would_have_no_effect_are_refused(y, class_weight, error, words):
    with pytest.raises(error, match=words):
        make_source(
            np.zeros(len(y[0]) if isinstance(y, list) else len(y)), y, class_weight=class_weight
        )


def test_weights_of_classes_need_targets():
    with pytest.raises(UserInputError, match="needs targets"):
        make_source(np.zeros(3), class_weight={0: 1.0})


def test_streams_are_weighted_batch_by_batch():
    batches = ((np.zeros(2), np.array([i, 0])) for i in range(3))
    source = make_source(batches, class_weight={2: 5.0})
    assert [b[2].tolist() for b in source.epoch(0)] == [[1, 1], [1, 1], [5, 1]]
    with pytest.raises(UserTypeError, match="class ids"):
        make_source(iter([]), class_weight={"2": 5.0})
    with pytest.raises(UserInputError, match="needs one array of targets"):
        next(make_source(iter([(np.zeros(2),)]), class_weight={2: 5.0}).epoch(0))


@pytest.mark.parametrize(
    "y, class_weight, classes",
    [
        (IDS, {0: 1.0, 1: 2.0}, "class 2"),
        (IDS, {2: 1.0}, "classes 0, 1"),
        (IDS[:, None], {0: 1.0, 1: 2.0}, "class 2"),
        (np.eye(3)[IDS], {0: 1.0, 1: 2.0}, "class 2"),
        (np.arange(9), {0: 1.0}, "classes 1, 2, 3, 4, 5, ..."),
    ],
)
@pytest.mark.parametrize("role", ["fit", "batch"])
def test_classes_without_a_weight_are_told(y, class_weight, classes, role):
    with pytest.warns(UserWarning, match=f"for {classes}, which the targets hold: 1 is taken"):
        weights = weights_of(y, class_weight, role=role)
    assert 1.0 in weights


def test_classes_without_a_weight_are_told_once_in_a_stream():
    batches = [(np.zeros(2), np.array([0, i])) for i in (1, 2, 2)]
    with pytest.warns(UserWarning, match=f"{MISSING} 2") as told:
        list(make_source(iter(batches), class_weight={0: 1.0, 1: 2.0}).epoch(0))
    assert len(told) == 1


@pytest.mark.filterwarnings("error")
def test_a_dict_that_names_all_classes_or_none_says_nothing():
    assert weights_of(np.array([-1, 0, 1]), {0: 2.0, 1: 3.0}) == [1, 2, 3]
    assert len(make_source(np.zeros(4), IDS, class_weight={}).arrays) == 2
    batches = [(np.zeros(2), np.array([0, 1]))]
    assert len(next(make_source(iter(batches), class_weight={}).epoch(0))) == 2
