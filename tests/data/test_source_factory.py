"""From what users pass to sources."""

import numpy as np
import pytest

import fkeras
from fkeras.data import ArraySource, PyDataset, StreamSource, make_source
from fkeras.errors import UserInputError, UserTypeError

X = np.ones((6, 2))


@pytest.mark.parametrize(
    "value, kind",
    [
        (X, ArraySource),
        (X.tolist(), ArraySource),
        ({"a": X}, ArraySource),
        (iter([(X, X)]), StreamSource),
    ],
    ids=["array", "list", "dict", "generator"],
)
def test_data_find_their_source(value, kind):
    assert type(make_source(value)) is kind


ROLES = [
    ("fit", "steps_per_epoch"),
    ("validation", "validation_steps"),
    ("evaluate", "steps"),
    ("predict", "steps"),
    ("batch", "steps"),
]


@pytest.mark.parametrize("role, argument", ROLES)
def test_messages_name_the_argument_of_the_method(role, argument):
    with pytest.raises(UserInputError, match=f"`{argument}` must be a positive integer.*=0"):
        make_source(X, steps_per_epoch=0, role=role)

    class Endless(PyDataset):
        num_batches = None

    with pytest.raises(UserInputError, match=f"without end .*pass `{argument}`"):
        make_source(Endless(), role=role)


@pytest.mark.parametrize("size", [True, "8", None.__class__, 2.5, 1j])
def test_a_batch_size_is_a_whole_number(size):
    with pytest.raises(UserTypeError, match="`batch_size` must be a positive integer"):
        make_source(X, batch_size=size)


def test_steps_that_are_a_fraction_are_rounded_up_as_in_keras_2():
    assert make_source(X, steps_per_epoch=np.ceil(1.5)).steps == 2
    with pytest.warns(UserWarning, match="steps_per_epoch=1.5, which is taken as 2"):
        assert make_source(X, steps_per_epoch=1.5).steps == 2


@pytest.mark.parametrize("size", [2, 2.0, np.int8(2), np.float32(2)])
def test_whole_numbers_of_every_type_are_taken(size):
    source = make_source(X, batch_size=size)
    assert source.batch_size == 2 and type(source.batch_size) is int


def test_classes_may_be_missing_in_a_single_batch_alone():
    targets = np.array([0, 1, 0, 1, 0, 1])
    class_weight = {0: 1.0, 1: 1.0, 2: 1.0}
    make_source(X, targets, class_weight=class_weight, role="batch")
    with pytest.raises(UserInputError, match="class 2, which does not exist"):
        make_source(X, targets, class_weight=class_weight, role="fit")


@pytest.mark.parametrize(
    "value, message",
    [
        (len, "is the function 'len'. If it is a generator, call it: `len\\(\\)`"),
        ("data.csv", "Unrecognized data type: `x` is a str"),
        (b"data", "Unrecognized data type: `x` is a bytes"),
        (3, "Unrecognized data type: `x` is a int"),
    ],
)
def test_what_is_no_data_is_explained(value, message):
    with pytest.raises(UserTypeError, match=message):
        make_source(value)


def test_nothing_is_no_data():
    with pytest.raises(UserInputError, match="`images` is None"):
        make_source(None, argument_names=("images", "labels", "weights"))


@pytest.mark.parametrize("argument, value", [("y", X), ("sample_weight", X)])
def test_a_stream_makes_its_batches_itself(argument, value):
    with pytest.raises(UserInputError, match=f"`{argument}`"):
        make_source(iter([(X, X)]), **{argument: value})


def test_a_batch_size_beside_a_dataset_is_left_out_with_a_warning():
    dataset = fkeras.data.Dataset.from_tensor_slices((X, X)).batch(len(X))
    with pytest.warns(UserWarning, match="`batch_size=2` has no effect: `x` is a Dataset"):
        source = make_source(dataset, batch_size=2)
    assert len(source.peek()[0]) == len(X)


def test_a_batch_size_beside_a_generator_is_an_error():
    with pytest.raises(UserInputError, match="`batch_size=2` has no effect: `x` is a generator"):
        make_source(iter([(X, X)]), batch_size=2)
