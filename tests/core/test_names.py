import pytest

import fkeras
from fkeras.core import names


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("LayerNormalization", "layer_normalization"),
        ("Conv2D", "conv2d"),
        ("Conv2DTranspose", "conv2d_transpose"),
        ("LSTM", "lstm"),
        ("GRUCell", "gru_cell"),
        ("my_layer", "my_layer"),
        ("A<B>", "ab"),
        ("", ""),
    ],
)
def test_class_names_in_snake_case_are_those_of_keras(name, expected, keras):
    from keras.src.utils.naming import to_snake_case

    assert names.to_snake_case(name) == expected == to_snake_case(name)


def test_automatic_names_count_from_the_second_on():
    assert [names.auto_name("Dense") for _ in range(3)] == ["dense", "dense_1", "dense_2"]
    assert names.auto_name("Conv2D") == "conv2d"
    names.reset()
    assert names.auto_name("Dense") == "dense"


def test_uids_count_from_one_per_prefix():
    assert [names.get_uid("a"), names.get_uid("a"), names.get_uid("b")] == [1, 2, 1]


@pytest.mark.parametrize(
    ("obj", "expected"),
    [
        (len, "len"),
        (lambda x: x, "lambda"),
        (fkeras.layers.Dense, "dense"),
        (fkeras.layers.Flatten(name="mine"), "mine"),
        (3, "int"),
    ],
)
def test_objects_have_readable_names(obj, expected):
    assert names.object_name(obj) == expected


def test_paths_are_made_of_the_open_scopes():
    assert names.current_path() == ""
    with names.scope("a"), names.scope("b"):
        assert names.current_path() == "a/b"
        with names.scope("c", parent="x/y"):
            assert names.current_path() == "x/y/c"
        with names.scope("c", parent=""):
            assert names.current_path() == "c"
        assert names.current_path() == "a/b"
    assert names.current_path() == ""


def test_a_variable_carries_the_path_of_where_it_was_made():
    with names.scope("encoder"):
        v = fkeras.Variable(0.0, name="scale")
    assert v.path == "encoder/scale"
