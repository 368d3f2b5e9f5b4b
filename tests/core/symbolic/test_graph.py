import jax.numpy as jnp
import numpy as np
import pytest

import fkeras
from fkeras import KerasTensor, layers, ops
from fkeras.core.symbolic.graph import Graph, TensorRef
from fkeras.core.symbolic.node import Node
from fkeras.errors import UserInputError


class Add(fkeras.Operation):
    """Adds its arguments; counts its calls on arrays."""

    def __init__(self, name=None):
        super().__init__(name)
        self.calls = 0

    def call(self, *xs):
        self.calls += not isinstance(xs[0], KerasTensor)
        return sum(xs)


def names_of(graph):
    return [operation.name for operation in graph.operations]


def test_a_replay_computes_what_the_calls_computed():
    x, y = fkeras.Input((3,)), fkeras.Input((3,))
    graph = Graph([x, y], [ops.exp(x) * y + 1, x - y])
    a, b = np.float32([1, 2, 3]), np.float32([4, 5, 6])
    first, second = graph.replay([a, b])
    np.testing.assert_allclose(first, np.exp(a) * b + 1, rtol=1e-6)
    np.testing.assert_allclose(second, a - b)


def test_a_shared_node_is_run_once():
    x, add = fkeras.Input((2,)), Add("add")
    shared = add(x, x)
    graph = Graph([x], [shared + 1, shared * 2, shared])
    assert [out.tolist() for out in graph.replay([jnp.ones(2)])] == [[3, 3], [4, 4], [2, 2]]
    assert len([step for step in graph.steps if graph.operations[step.operation] is add]) == 1
    # evaluated once for its shape under two fills, once in the replay
    add.calls = 0
    graph.replay([jnp.ones(2)])
    assert add.calls == 1


def test_an_operation_called_twice_has_two_steps():
    x, add = fkeras.Input((2,)), Add("add")
    graph = Graph([x], [add(add(x, x), x)])
    assert graph.replay([jnp.ones(2)])[0].tolist() == [3, 3]
    assert [step.node for step in graph.steps] == [0, 1] and names_of(graph).count("add") == 1


def test_operations_come_in_the_order_of_keras(keras):
    def build(module):
        a, b = module.Input((4,), name="a"), module.Input((4,), name="b")
        dense = module.layers.Dense(4, name="shared")
        x = module.layers.Add(name="sum")([dense(a), module.layers.Dense(4, name="left")(b)])
        x = module.layers.ReLU(name="relu")(x)
        y = module.layers.Concatenate(name="cat")([x, dense(b)])
        return module.Model([a, b], [y, module.layers.Dense(1, name="head")(x)])

    assert [la.name for la in build(fkeras).layers] == [la.name for la in build(keras).layers]


def test_an_input_may_cut_in_the_middle():
    x = fkeras.Input((2,), name="x")
    before = Add("before")
    middle = before(x, x)
    graph = Graph([middle], [middle * 10])
    assert graph.replay([jnp.ones(2)])[0].tolist() == [10, 10]
    assert before not in graph.operations


def test_an_input_that_cuts_off_one_of_two_outputs_keeps_the_value_it_was_given():
    class Pair(fkeras.Operation):
        def call(self, x):
            return x + 1, x + 2

    x = fkeras.Input((2,))
    first, second = Pair()(x)
    graph = Graph([x, first], [first, second])
    one, two = graph.replay([jnp.zeros(2), jnp.full(2, 50.0)])
    assert one.tolist() == [50, 50] and two.tolist() == [2, 2]


def test_outputs_may_be_inputs_and_stand_twice():
    x = fkeras.Input((2,))
    graph = Graph([x], [x, x])
    value = jnp.ones(2)
    assert graph.replay([value]) == [value, value] and graph.steps == []


def test_an_input_that_no_output_needs_is_listed_all_the_same():
    x, unused = fkeras.Input((2,), name="x"), fkeras.Input((2,), name="unused")
    graph = Graph([x, unused], [x + 1])
    assert "unused" in names_of(graph)
    assert graph.replay([jnp.ones(2), None])[0].tolist() == [2, 2]


def test_arguments_keep_their_structure():
    x, y = fkeras.Input((2,)), fkeras.Input((2,))
    graph = Graph([x, y], [layers.Concatenate(axis=-1)([x, y])])
    (step,) = graph.steps
    assert isinstance(step.args[0], list)
    assert [ref.index for ref in step.args[0]] == [0, 1]
    assert repr(TensorRef(3)) == "TensorRef(3)"
    assert graph.replay([jnp.ones((1, 2)), jnp.zeros((1, 2))])[0].tolist() == [[1, 1, 0, 0]]


def test_values_are_let_go_of_after_their_last_use():
    x = fkeras.Input((2,))
    a = x + 1
    b = a * 2
    graph = Graph([x], [b + a])
    freed = [slot for free in graph._free for slot in free]
    assert sorted(freed) == [0, 1, 2] and graph.output_slots == [3]


def test_a_plan_without_its_operations_is_given_them_at_replay():
    x, add = fkeras.Input((2,)), Add("add")
    graph = Graph([x], [ops.negative(add(x, x))])
    plan = graph.without_operations(lambda operation: not hasattr(operation, "fn"))
    assert [op is None for op in plan.operations] == [True, True, False]
    operations = [None, lambda a, b: a * 100, plan.operations[2]]
    assert plan.replay([jnp.ones(2)], operations)[0].tolist() == [-100, -100]
    assert not hasattr(plan, "nodes")


def test_each_operation_can_be_called_in_another_way():
    x = fkeras.Input((2,))
    graph = Graph([x], [Add("add")(x, x)])
    called = []
    graph.replay([jnp.ones(2)], call=lambda op: called.append(op.name) or op)
    assert called == ["add"]


def test_an_optional_output_may_be_missing():
    class Maybe(fkeras.Operation):
        def call(self, x):
            return (x, x) if isinstance(x, KerasTensor) else (x, None)

        def compute_output_spec(self, x):
            return KerasTensor(x.shape), KerasTensor(x.shape)

    x = fkeras.Input((2,))
    graph = Graph([x], list(Maybe()(x)))
    assert graph.replay([jnp.ones(2)])[1] is None


def test_graphs_deeper_than_pythons_stack():
    start = x = fkeras.Input((1,))
    for _ in range(1500):
        y = KerasTensor((None, 1))
        Node(Add(), (x, x), {}, y)
        x = y
    graph = Graph([start], [x])
    assert len(graph.steps) == 1500 and len(graph.operations) == 1501
    assert graph.replay([jnp.zeros(1)])[0].tolist() == [0]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda x: Graph([x], [1.0]), "All `outputs` values must be KerasTensors"),
        (lambda x: Graph([np.ones(2)], [x]), "All `inputs` values must be KerasTensors"),
        (lambda x: Graph([x], [KerasTensor((2,)) + x], "net"), "'net' depend on .* neither among"),
        (
            lambda x: Graph([x], [x + fkeras.Input((2,), name="forgotten")]),
            "depend on the input 'forgotten' of shape .* not among `inputs`",
        ),
    ],
)
def test_graphs_that_cannot_be_are_errors_with_names(make, message):
    with pytest.raises(UserInputError, match=message):
        make(fkeras.Input((2,)))


def test_a_cycle_is_an_error():
    x, loop = fkeras.Input((2,)), Add("loop")
    y = loop(x, x)
    node = loop._inbound_nodes[0]
    node.inputs = [x, y]  # its own output among its inputs
    with pytest.raises(UserInputError, match="cycle at <Operation name=loop>"):
        Graph([x], [y])
