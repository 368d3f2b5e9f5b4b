import jax
import jax.numpy as jnp
import numpy as np
import pytest

from fkeras.core.contraction import einsum

SIZES = {"b": 2, "q": 3, "k": 4, "h": 5, "d": 6, "e": 7, "i": 2, "j": 3}

PRODUCTS = [
    "bqhd,bkhd->bhqk",
    "bhqk,bkhd->bqhd",
    "bqd,dhe->bqhe",
    "bqhe,hed->bqd",
    "bq,qe->be",
    "qb,qe->eb",
    "b,b->",
    "b,e->be",
    "b,e->eb",
    "bq,bq->bq",
]
OTHERS = ["bq,qe", "bii,ie->be", "bqj,qe->be", "...q,qe->...e", "b q , q e -> b e"]


def arrays(equation, dtype="float32"):
    rng = np.random.default_rng(0)
    names = equation.replace(" ", "").replace("...", "b").split("->")[0].split(",")
    return [jnp.asarray(rng.normal(size=[SIZES[n] for n in name]), dtype) for name in names]


@pytest.mark.parametrize("equation", [*PRODUCTS, *OTHERS])
def test_numbers_are_those_of_jax(equation):
    a, b = arrays(equation)
    np.testing.assert_allclose(
        einsum(equation, a, b), jnp.einsum(equation, a, b), rtol=1e-5, atol=1e-5
    )


def primitives(function, *args):
    """The operations of a program, those of inner programs too."""

    def walk(jaxpr):
        for equation in jaxpr.eqns:
            inner = equation.params.get("jaxpr")
            if inner is not None:
                yield from walk(inner.jaxpr)
            else:
                yield equation.primitive.name, str(equation.params.get("dimension_numbers"))

    return list(walk(jax.make_jaxpr(function)(*args).jaxpr))


# Not where two axes are summed: JAX takes them in the order of a set.
@pytest.mark.parametrize("equation", PRODUCTS[:3])
def test_the_program_is_that_of_jax(equation):
    args = arrays(equation)
    own = primitives(lambda a, b: einsum(equation, a, b), *args)
    want = primitives(lambda a, b: jnp.einsum(equation, a, b), *args)
    assert own == want


@pytest.mark.parametrize("preferred", [None, "float32"])
def test_dtypes_are_those_of_jax(preferred):
    a, _ = arrays("bq,qe->be", "bfloat16")
    for _, b in (arrays("bq,qe->be", "bfloat16"), arrays("bq,qe->be")):
        own = einsum("bq,qe->be", a, b, preferred_element_type=preferred)
        want = jnp.einsum("bq,qe->be", a, b, preferred_element_type=preferred)
        assert own.dtype == want.dtype
        np.testing.assert_allclose(own.astype("float32"), want.astype("float32"), rtol=1e-2)
