"""Canaries: one for each private name of JAX and Flax that `fkeras.core.jax_private` uses.

A failure here names what changed.
"""

import inspect
import subprocess
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from fkeras.core import jax_private


def test_nnx_keeps_values_in_the_raw_value_slot():
    variable = nnx.Variable(jnp.ones(2))
    assert (
        jax_private.raw_value_descriptor.__get__(variable) is variable.get_value()
        or (jax_private.raw_value_descriptor.__get__(variable) == variable.get_value()).all()
    )
    jax_private.raw_value_descriptor.__set__(variable, jnp.zeros(2))
    assert float(variable.get_value().sum()) == 0


def test_nnx_reads_and_writes_go_through_the_slot_by_name():
    seen = []

    class Spied(nnx.Variable):
        pass

    class Slot:
        def __get__(self, variable, owner=None):
            seen.append("read")
            return jax_private.raw_value_descriptor.__get__(variable)

        def __set__(self, variable, value):
            seen.append("write")
            jax_private.raw_value_descriptor.__set__(variable, value)

    Spied._raw_value = Slot()
    variable = Spied(jnp.ones(2))
    seen.clear()
    variable.set_value(variable + 1)
    assert "read" in seen and "write" in seen
    seen.clear()
    jnp.sum(variable)
    assert seen, "jax.numpy no longer reads a Variable through its slot"


def test_named_axes_are_those_that_a_program_is_mapped_along():
    seen = []

    def look(x):
        seen.append(jax_private.named_axes())
        return jax.lax.pmean(x, "rows")

    assert jax.vmap(look, axis_name="rows")(jnp.arange(3.0)).tolist() == [1.0] * 3
    jax.vmap(jax.vmap(look, axis_name="rows"), axis_name="tables")(jnp.ones((2, 3)))
    assert seen == [("rows",), ("tables", "rows")] and jax_private.named_axes() == ()


def test_the_current_trace_is_a_staging_one_under_jit_only():
    found = {}

    def look(name):
        def f(x):
            found[name] = jax_private.is_staging(jax_private.current_trace())
            return x * 2.0

        return f

    look("eager")(1.0)
    jax.jit(look("jit"))(1.0)
    jax.eval_shape(look("eval_shape"), 1.0)
    jax.grad(look("grad"))(1.0)
    jax.vmap(look("vmap"))(jnp.ones(2))
    assert found == {"eager": False, "jit": True, "eval_shape": True, "grad": False, "vmap": False}


def test_a_value_knows_whether_it_is_staged_also_below_grad_and_vmap():
    found = {}

    def look(name):
        def f(x):
            found[name] = jax_private.is_staged(x)
            return x * 2.0

        return f

    jax.jit(lambda x: jax.grad(look("grad in jit"))(x))(1.0)
    jax.jit(jax.vmap(look("vmap in jit")))(jnp.ones(2))
    jax.grad(look("grad"))(1.0)
    look("eager")(1.0)
    assert found == {"grad in jit": True, "vmap in jit": True, "grad": False, "eager": False}


def test_the_current_trace_stands_on_a_staging_one_below_grad_and_vmap_in_jit():
    found = {}

    def look(name):
        def f(x):
            found[name] = jax_private.is_below_staging(jax_private.current_trace())
            return x * 2.0

        return f

    jax.jit(lambda x: jax.grad(look("grad in jit"))(x))(1.0)
    jax.jit(jax.vmap(look("vmap in jit")))(jnp.ones(2))
    jax.grad(look("grad"))(1.0)
    look("eager")(1.0)
    assert found == {"grad in jit": True, "vmap in jit": True, "grad": False, "eager": False}


def test_a_value_knows_whether_a_derivative_goes_through_it():
    found = {}

    def look(name):
        def f(x, y):
            found[name] = [
                jax_private.is_differentiated(v)
                for v in (x, x * y, y, jnp.sign(x), jax.lax.stop_gradient(x))
            ]
            return x * y

        return f

    jax.grad(look("grad"))(1.0, 2.0)
    jax.jit(jax.value_and_grad(look("grad in jit")))(1.0, 2.0)
    jax.jvp(lambda x: look("jvp")(x, 2.0), (1.0,), (1.0,))
    jax.jit(look("jit"))(1.0, 2.0)
    assert found == {
        "grad": [True, True, False, False, False],
        "grad in jit": [True, True, False, False, False],
        "jvp": [True, True, False, False, False],
        "jit": [False] * 5,
    }


def test_metadata_can_be_set_past_nnx():
    variable = nnx.Variable(jnp.ones(2))
    jax_private.set_metadata(variable, "fk", "x")
    assert jax_private.metadata(variable)["fk"] == "x"


def test_a_user_context_is_part_of_the_trace_caches_keys():
    context = jax.make_user_context(default_value=None)
    count = []
    f = jax.jit(lambda x: (count.append(1), x + 1)[1])
    for token in (1, 1, 2):
        with context(token):
            f(1.0)
    assert len(count) == 2


def test_a_value_belongs_to_the_trace_that_made_it():
    found = []

    def run(x):
        trace = jax_private.current_trace()
        found.append((jax_private.belongs_to(x * 2, trace), jax_private.belongs_to(1.0, trace)))
        return x

    jax.jit(run)(1.0)
    assert found == [(True, False)]


def test_jax_tells_whether_it_has_found_its_devices():
    jax.devices()
    assert jax_private.has_found_devices()
    code = "from fkeras.core import jax_private; print(jax_private.has_found_devices())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_jax_compiles_through_one_door_with_a_key_by_content():
    parameters = inspect.signature(jax_private._compiler.compile_or_get_cached).parameters
    assert tuple(parameters)[:5] == jax_private._COMPILED
    assert callable(jax_private._cache_key.get)


def test_the_class_of_arrays_takes_further_methods():
    array = jnp.ones(2)
    assert type(array) is jax_private.ArrayImpl
    jax_private.ArrayImpl.method_of_a_test = lambda self: self.shape
    try:
        assert array.method_of_a_test() == (2,)
    finally:
        del jax_private.ArrayImpl.method_of_a_test


def test_operators_of_arrays_ask_the_other_operand_for_jax_array():
    asked = []

    class Operand:
        @property
        def __jax_array__(self):
            asked.append(jax_private.is_operator_of_arrays(sys._getframe(1)))
            raise AttributeError

        def __radd__(self, other):
            return "mine"

    assert jnp.ones(2) + Operand() == "mine" and asked == [True]
    with pytest.raises(TypeError):
        jnp.sin(Operand())
    jax.eval_shape(lambda x: (x + Operand()) and x, 1.0)
    assert len(asked) > 2 and True not in asked[1:]


def test_a_trace_of_our_own_is_told_of_operations_and_values_of_a_class_are_read():
    told = []

    class Listening(jax_private.TransparentTrace):
        def process_primitive(self, primitive, args, params, /):
            told.append((primitive.name, *args))
            return jax_private.bind_in(self.parent_trace, primitive, args, params)

    class Read(np.ndarray):
        pass

    x = jnp.ones(2)
    jax_private.reads_as(Read, lambda _: x)
    outside = jax_private.innermost_trace()
    for _ in range(2):  # not passed by once it is compiled
        with jax_private.entered_trace(Listening(outside)):
            jnp.multiply(np.zeros(2, np.float32).view(Read), 3.0)
    assert len(told) == 2 and all(call[1] is x for call in told)
    assert jax_private.is_eager(outside) and jax_private.innermost_trace() is outside


def test_another_is_the_same_values_as_another_object():
    x = jnp.arange(3.0)
    outside = jax_private.current_trace()
    y = jax_private.another(x, outside)
    assert y is not x and y.tolist() == [0, 1, 2]

    @jax.jit
    def program(x):
        trace = jax_private.current_trace()
        with jax_private.entered_trace(outside):  # as where JAX has an operation processed
            return jax_private.another(x, trace)

    assert program(x).tolist() == [0, 1, 2]


def test_a_function_with_its_own_derivative_runs_again_once_its_results_are_forgotten():
    kept, x = [], jnp.ones(())

    class Listening(jax_private.TransparentTrace):
        def process_custom_jvp_call(self, primitive, fun, jvp, args, /, **options):
            kept.append((primitive, args, {"subfuns": (fun, jvp), **options}))
            return jax_private.bind_in(self.parent_trace, primitive, *kept[-1][1:])

    with jax_private.entered_trace(Listening(jax_private.innermost_trace())):
        jax.nn.relu(x)
    primitive, args, params = kept[0]
    for _ in range(2):
        jax_private.forget_results(params)
        assert [float(x) for x in primitive.bind(*args, **params)] == [1.0]


def test_programs_name_their_constants():
    x = jnp.ones(2)
    program = jax.make_jaxpr(lambda y: jax.jit(lambda z: z * x)(y))(x)
    inner = program.jaxpr.eqns[0].params["jaxpr"]
    assert isinstance(program, jax_private.ClosedJaxpr)
    assert isinstance(program.jaxpr, jax_private.Jaxpr) and isinstance(inner.consts, (list, tuple))
    assert jax_private.run_jaxpr(program.jaxpr, program.consts, x)[0].tolist() == [1, 1]
    literal = jax.make_jaxpr(lambda y: y * 2.0)(1.0).jaxpr.eqns[0].invars[1]
    assert isinstance(literal, jax_private.Literal) and literal.val == 2.0


def test_the_needed_part_of_a_program_has_the_operations_and_inputs_of_some_outputs():
    program = jax.make_jaxpr(lambda x, y: (jnp.sin(x), x + y, y * 2))(1.0, 2.0).jaxpr
    part, used = jax_private.needed_part(program, [False, False, True])
    assert [e.primitive.name for e in part.eqns] == ["mul"] and used == [False, True]
    assert jax_private.run_jaxpr(part, (), 3.0)[0] == 6
