import jax.numpy as jnp
import numpy as np
import pytest
from jax.experimental import sparse

from fkeras import KerasTensor, Variable
from fkeras.core.symbolic import argument_kinds as kinds


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (1, kinds.PLAIN),
        ("text", kinds.PLAIN),
        (None, kinds.PLAIN),
        (np.ones(1), kinds.PLAIN),
        (jnp.ones(1), kinds.PLAIN),
        (KerasTensor((1,)), kinds.SYMBOLIC),
        (Variable(1.0), kinds.READ),
        (sparse.BCOO.fromdense(jnp.ones(1)), kinds.SPARSE),
        ([1, [2.0]], kinds.PLAIN),
        ({"a": [Variable(1.0)], "b": KerasTensor((1,))}, kinds.READ | kinds.SYMBOLIC),
    ],
)
def test_arguments_are_told_apart_by_their_type(value, kind):
    assert kinds.kinds_in([value]) == kind
    assert kinds.any_symbolic(value, 1) is bool(kind & kinds.SYMBOLIC)


def test_subclasses_are_of_their_base_classes_kind():
    class Mine(list):
        pass

    class Special(KerasTensor):
        pass

    assert kinds.kinds_in([Mine([Special((1,))])]) == kinds.SYMBOLIC
    assert kinds.read(Variable(2.0)).tolist() == 2.0 and kinds.read("x") == "x"
    assert kinds.densify(3) == 3
