import pytest

import fkeras
from fkeras import layers
from fkeras.utils import get_source_inputs


@pytest.mark.parametrize(
    "combine, names",
    [
        (lambda a, b: a, ["a"]),
        (lambda a, b: layers.Dense(3)(a), ["a"]),
        (lambda a, b: layers.Add()([layers.Dense(2)(b), a]), ["b", "a"]),
        (lambda a, b: layers.concatenate([a * b, b, a]), ["a", "b"]),
        (lambda a, b: fkeras.Sequential([layers.Dense(2)])(b), ["b"]),
    ],
)
def test_inputs_are_found_in_the_order_of_arguments(combine, names):
    a, b = fkeras.Input((2,), name="a"), fkeras.Input((2,), name="b")
    assert [x.name for x in get_source_inputs(combine(a, b))] == names


def test_what_is_no_symbolic_tensor_and_what_nobody_recorded():
    assert get_source_inputs(3) == 3
    lonely = fkeras.KerasTensor((2,))
    assert get_source_inputs(lonely) == [lonely]


def test_deep_graphs_need_no_recursion():
    x = inputs = fkeras.Input((2,))
    for _ in range(1100):
        x = -x
    assert get_source_inputs(x)[0] is inputs
