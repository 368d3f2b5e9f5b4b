import pytest

from fkeras import KerasTensor
from fkeras.core.symbolic.node import FunctionOperation, Node


def test_a_record_knows_its_inputs_and_outputs_and_they_know_it():
    operation, x, y = FunctionOperation(len), KerasTensor((2,)), KerasTensor((3,))
    first, second = KerasTensor((4,)), KerasTensor((5,))
    Node(operation, (), {}, KerasTensor((1,)))
    node = Node(operation, ([x, 1],), {"b": 2, "a": {"y": y}}, {"p": first, "q": [second, None]})
    assert [t.shape for t in node.input_tensors] == [(2,), (3,)]
    assert [t.shape for t in node.output_tensors] == [(4,), (5,)]
    assert first._keras_history == (operation, 1, 0)
    assert second._keras_history == (operation, 1, 1)
    assert operation._inbound_nodes[1] is node


def test_a_tensor_that_keeps_no_history_gets_none():
    y = KerasTensor((2,), record_history=False)
    Node(FunctionOperation(len), (), {}, y)
    assert y._keras_history is None


@pytest.mark.parametrize(("name", "expected"), [(None, "len"), ("mine", "mine")])
def test_a_function_in_a_graph_has_a_name_and_computes(name, expected):
    operation = FunctionOperation(len, name)
    assert operation.name == expected and repr(operation) == f"<Op len, name={expected}>"
    assert operation([1, 2]) == operation.call([1, 2]) == 2
