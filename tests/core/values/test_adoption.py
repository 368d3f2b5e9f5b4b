import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

import fkeras
from fkeras.core.values import lending
from fkeras.core.values.adoption import adopt
from fkeras.core.values.variable_info import info_of
from fkeras.errors import PureCallError


def adopted(kind=nnx.Param, name="block/kernel"):
    v = kind(jnp.ones(2))
    adopt(v, name, isinstance(v, nnx.Param))
    return v


@pytest.mark.parametrize("kind", [nnx.Param, nnx.BatchStat, nnx.Variable])
def test_an_adopted_variable_stays_what_it_was(kind):
    v = kind(jnp.ones(2))
    before = type(v)
    adopt(v, "block/kernel", True)
    assert isinstance(v, before) and type(v).__name__ == before.__name__
    assert type(v).__module__ == before.__module__
    assert v.get_value().tolist() == [1, 1]
    _, state = nnx.split(v, kind)
    assert len(jax.tree.leaves(state)) == 1


def test_one_class_is_made_for_each_kind():
    assert type(adopted()) is type(adopted())
    assert type(adopted()) is not type(adopted(nnx.BatchStat))


def test_it_takes_part_in_lending():
    v = adopted()
    doubled, (after,) = lending.call(lambda: (v * 2).tolist(), [v], [jnp.full((2,), 3.0)])
    assert doubled == [6, 6] and after.tolist() == [3, 3] and v.get_value().tolist() == [1, 1]

    def write():
        v.set_value(v + 1)

    _, (after,) = lending.call(write, [v], [jnp.zeros(2)])
    assert after.tolist() == [1, 1] and v.get_value().tolist() == [1, 1]


def test_a_second_adoption_keeps_the_first_name():
    v = adopted()
    cls = type(v)
    adopt(v, "another", False)
    assert type(v) is cls and info_of(v).path == "block/kernel" and info_of(v).trainable


def test_it_is_named_where_it_was_not_lent():
    v = adopted()
    with pytest.raises(PureCallError, match="'block/kernel', which is not among the variables"):
        lending.call(lambda: v.get_value(), [], [], strict=True)


def test_autocast_leaves_foreign_variables_alone():
    v = adopted()
    with lending.autocast("bfloat16"):
        assert v.get_value().dtype == jnp.float32


def test_a_foreign_module_on_a_layer_gets_gradients_by_apply():
    class Wrapper(fkeras.layers.Layer):
        def __init__(self):
            super().__init__()
            self.inner = nnx.Linear(2, 3, rngs=nnx.Rngs(0))

        def call(self, x):
            return self.inner(x)

    layer, x = Wrapper(), jnp.ones((4, 2))
    variables = layer.init(layer.build_key, x)
    gradients = jax.grad(lambda p: layer.apply({**variables, "params": p}, x)[0].sum())(
        variables["params"]
    )
    np.testing.assert_allclose(gradients["inner"]["kernel"], np.full((2, 3), 4.0))
    np.testing.assert_allclose(gradients["inner"]["bias"], np.full(3, 4.0))
