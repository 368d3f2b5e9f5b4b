import jax.numpy as jnp
from flax import nnx

from fkeras import Variable
from fkeras.core.values.variable_info import KEY, AdoptedInfo, VariableInfo, info_of, put_info


def test_what_was_not_said_is_none_and_nothing_was_read_deeply():
    info = VariableInfo(name="w", shape=(2,), read_deeply=True)
    assert (info.name, info.shape, info.dtype, info.constraint) == ("w", (2,), None, None)
    assert info.read_deeply is False


def test_a_foreign_variable_has_no_information_until_it_is_put():
    v = nnx.Param(jnp.ones(2))
    assert info_of(v) is None
    put_info(v, AdoptedInfo("w", "block/w", True))
    assert (info_of(v).path, info_of(v).trainable, info_of(v).autocast) == ("block/w", True, False)
    assert v.get_metadata()[KEY] is info_of(v)


def test_copies_that_nnx_makes_share_it():
    v = Variable(1.0, name="w")
    graph, state = nnx.split(v)
    assert info_of(nnx.merge(graph, state)) is info_of(v)
