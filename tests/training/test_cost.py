import jax
import jax.numpy as jnp
import numpy as np
import pytest

import fkeras
from fkeras import layers
from fkeras.training import cost, first_batch


def of(function, *shapes):
    return cost.estimate_cost(
        jax.make_jaxpr(function)(*(jax.ShapeDtypeStruct(s, "float32") for s in shapes)).jaxpr
    )


def test_operations_of_a_product():
    assert of(jnp.matmul, (100, 200), (200, 300)) == (2.0 * 100 * 200 * 300, False)


def test_a_scan_counts_all_of_its_trips():
    def loop(x, w):
        return jax.lax.scan(lambda x, _: (x @ w, None), x, length=7)[0]

    assert of(loop, (100, 100), (100, 100))[0] == 7 * of(jnp.matmul, (100, 100), (100, 100))[0]


def test_inner_programs_count():
    assert of(jax.jit(jnp.matmul), (100, 100), (100, 100)) == of(jnp.matmul, (100, 100), (100, 100))


def test_convolutions_are_found_wherever_they_are():
    def convolve(x, k):
        return jax.lax.conv_general_dilated(
            x, k, (1, 1), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC")
        )

    operations, hostile = of(jax.jit(jax.checkpoint(convolve)), (1, 8, 8, 3), (3, 3, 3, 16))
    assert hostile and operations == 2.0 * 8 * 8 * 16 * 3 * 3 * 3


@pytest.mark.parametrize(("width", "whole"), [(4, True), (6000, False)])
def test_only_short_epochs_are_run_whole(width, whole):
    """One call of 2e9 operations is about a twentieth of a second on a CPU: the bar moves, Ctrl-C
    is heard.
    """
    model = fkeras.Sequential([fkeras.Input((width,)), layers.Dense(width), layers.Dense(1)])
    model.compile("sgd", "mse")
    x, y = np.zeros((96, width), "float32"), np.zeros((96, 1), "float32")
    source = fkeras.data.make_source(x, y, batch_size=32)
    first_batch.prepare(
        model,
        model._compiled,
        (jax.ShapeDtypeStruct((32, width), "float32"), jax.ShapeDtypeStruct((32, 1), "float32")),
    )
    executables = model._compiled.executables_for(model)
    values = tuple(
        [jax.ShapeDtypeStruct(v.shape, v.dtype) for v in group]
        for group in executables.groups.groups()
    )
    assert executables.may_fuse("train", source, values, np.int32(0), jax.random.key(0))
    first, most = executables.epochs_a_call(source, None)
    assert (first > 0) is whole and (most > 1) is whole
    assert (executables.steps_a_call("train", source) > 32) is whole
