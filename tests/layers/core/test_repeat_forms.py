"""`Repeat` under transformations, as a config, copied, saved, in half precision, and misused."""

import copy
import pickle

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import fkeras
from fkeras import layers, lift
from fkeras.errors import PureCallError, UserInputError, UserTypeError

N = 3
KEY = jax.random.key(7)


def block(rate=0.3, units=4):
    return fkeras.Sequential(
        [
            layers.Dense(units, activation="tanh", name="dense"),
            layers.BatchNormalization(name="norm"),
            layers.Dropout(rate, name="drop"),
        ],
        name="block",
    )


@fkeras.saving.register_keras_serializable("repeat_tests")
class Separate(layers.Layer):
    """The blocks in a list: what `Repeat` stands for."""

    def __init__(self, make=block, n=N, **kwargs):
        super().__init__(**kwargs)
        self.blocks = [make() for _ in range(n)]

    def call(self, x, training=None):
        for one in self.blocks:
            x = one(x)
        return x


def inputs():
    return jax.random.normal(jax.random.key(1), (6, 4))


def variables_of(repeat, x=None):
    return repeat.init(KEY, inputs() if x is None else x)


def as_separate(variables):
    """Those of a `Repeat` as those of `Separate`."""

    def separate(tree):
        share = lambda i: jax.tree.map(lambda a: a[i], tree["blocks"])
        return {f"blocks_{i}": share(i) for i in range(N)} if tree else {}

    return {group: separate(tree) for group, tree in variables.items()}


def assert_close(got, expected, tolerance=1e-5):
    assert jax.tree.structure(got) == jax.tree.structure(expected)
    for a, b in zip(jax.tree.leaves(got), jax.tree.leaves(expected)):
        np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance)


# -- transformations -----------------------------------------------------------

REMATS = [None, False, True, "full", "dots_saveable", jax.checkpoint_policies.nothing_saveable]


@pytest.mark.parametrize("remat", REMATS, ids=lambda remat: getattr(remat, "__name__", str(remat)))
def test_remat_changes_no_number(remat):
    repeat, plain = layers.Repeat(block(), N, remat=remat), layers.Repeat(block(), N)
    variables = variables_of(repeat)

    def loss(layer, params):
        outputs, state = layer.apply(
            {**variables, "params": params}, inputs(), training=True, rngs=KEY
        )
        return jnp.sum(outputs**2), state

    run = jax.jit(jax.value_and_grad(loss, argnums=1, has_aux=True), static_argnums=0)
    assert_close(run(repeat, variables["params"]), run(plain, variables["params"]))
    text = str(jax.make_jaxpr(lambda p: run(repeat, p))(variables["params"]))
    assert ("remat" in text or "checkpoint" in text) == bool(remat)


def test_a_remat_scope_counts_for_each_block():
    with fkeras.RematScope("full"):
        inside = layers.Repeat(block(), N)
    variables = variables_of(inside)
    plain = layers.Repeat(block(), N)
    loss = lambda layer: jax.jit(
        jax.grad(lambda v: layer.apply(v, inputs(), training=True, rngs=KEY)[0].sum())
    )
    assert_close(loss(inside)(variables), loss(plain)(variables))
    small = fkeras.RematScope("larger_than", output_size_threshold=10**6)
    with small:
        repeat = layers.Repeat(layers.Dense(4), 2)
    text = str(jax.make_jaxpr(lambda v: repeat.apply(v, inputs())[0])(variables_of(repeat)))
    assert "checkpoint" not in text and "remat" not in text


def under_vmap(layer, variables, x):
    call = lambda x: layer.apply(variables, x)[0]
    return jax.vmap(call)(jnp.stack([x, x + 1]))


def under_vmap_of_values(layer, variables, x):
    ensemble = jax.tree.map(lambda a: jnp.stack([a, a * 1.1]), variables)
    return jax.vmap(lambda v: layer.apply(v, x, training=True, rngs=KEY))(ensemble)


def under_scan(layer, variables, x):
    def step(state, key):
        outputs, state = layer.apply({**variables, "state": state}, x, training=True, rngs=key)
        return state, outputs.sum()

    return jax.lax.scan(step, variables["state"], jax.random.split(KEY, 3))


def under_checkpoint(layer, variables, x):
    call = jax.checkpoint(lambda v, x: layer.apply(v, x, training=True, rngs=KEY)[0])
    return jax.grad(lambda v: call(v, x).sum())(variables)["params"]


def under_jvp(layer, variables, x):
    return jax.jvp(lambda x: layer.apply(variables, x)[0], (x,), (jnp.ones_like(x),))


class Outer(layers.Layer):
    """Calls a layer by one of the forms of `lift`."""

    def __init__(self, inner, form, **kwargs):
        super().__init__(**kwargs)
        self.inner = inner
        self.form = form

    def call(self, x, training=None):
        if self.form == "checkpoint":
            return lift.checkpoint(self.inner)(x)
        if self.form == "scan":
            return lift.scan(lambda carry, _: (self.inner(carry), None), x, length=2)[0]
        if self.form == "cond":
            return lift.cond(jnp.sum(x) > -1e9, self.inner, lambda x: x, x)
        return lift.vmap(lambda row: self.inner(row[None], training=False)[0])(x)


def lifted(form):
    def run(layer, variables, x):
        outer = Outer(layer, form)
        nested = {group: {"inner": tree} for group, tree in variables.items()}
        outputs, state = outer.apply(nested, x, training=True, rngs=KEY)
        return outputs, {group: tree for group, tree in state.items() if form != "vmap"}

    return run


FORMS = [under_vmap, under_vmap_of_values, under_scan, under_checkpoint, under_jvp]
LIFTS = ["checkpoint", "scan", "cond", "vmap"]


@pytest.mark.parametrize("jit", [False, True], ids=["eager", "jit"])
@pytest.mark.parametrize(
    "form", [*FORMS, *map(lifted, LIFTS)], ids=[f.__name__ for f in FORMS] + LIFTS
)
def test_transformations_see_separate_blocks(form, jit):
    repeat, separate = layers.Repeat(block(), N), Separate()
    separate.init(KEY, inputs())
    variables = variables_of(repeat)
    run = lambda layer: (jax.jit if jit else lambda f: f)(lambda v, x: form(layer, v, x))
    got = jax.tree.leaves(run(repeat)(variables, inputs()))
    want = jax.tree.leaves(run(separate)(as_separate(variables), inputs()))
    # One has an axis for blocks, the other a leaf for each.
    total = lambda leaves: sum(float(jnp.sum(jnp.sin(3 * leaf))) for leaf in leaves)
    assert total(got) == pytest.approx(total(want), rel=1e-4, abs=1e-3)


def test_a_second_call_draws_anew_and_each_block_by_itself():
    repeat = layers.Repeat(layers.Dropout(0.5), 2)

    class Twice(layers.Layer):
        def __init__(self):
            super().__init__()
            self.inner = repeat

        def call(self, x, training=None):
            return self.inner(x), self.inner(x)

    twice = Twice()
    x = jnp.ones((8, 64))
    for run in (lambda f: f, jax.jit):
        first, second = run(lambda k: twice.apply({"params": {}}, x, training=True, rngs=k)[0])(KEY)
        assert not np.array_equal(first, second)
        # Two masks of one half each: a quarter is kept, not a half.
        assert 0.15 < float((first > 0).mean()) < 0.35


def test_one_block_is_traced_whatever_the_number():
    calls = []

    class Counted(layers.Layer):
        def call(self, x):
            calls.append(1)
            return x * 2

    repeat = layers.Repeat(Counted(), 40)
    run = jax.jit(lambda x: repeat.apply({"params": {}}, x)[0])
    run(jnp.ones(2, "float64" if jax.config.jax_enable_x64 else "float32"))
    calls.clear()
    assert float(run(jnp.ones(3))[0]) == 2.0**40
    assert len(calls) == 1


def test_unroll_changes_no_number():
    variables = variables_of(layers.Repeat(block(), N))
    run = lambda unroll: jax.jit(
        lambda v: layers.Repeat(block(), N, unroll=unroll).apply(
            v, inputs(), training=True, rngs=KEY
        )
    )(variables)
    assert_close(run(1), run(True))


@pytest.mark.parametrize("run", [lambda f: f, jax.jit], ids=["eager", "jit"])
def test_captured_outputs_have_an_axis_of_blocks(run):
    repeat, separate = layers.Repeat(block(), N), Separate()
    separate.init(KEY, inputs())
    variables = variables_of(repeat)
    call = lambda layer, pattern: run(lambda v: layer.apply(v, inputs(), capture=pattern)[2])
    captured = call(repeat, "blocks/dense")(variables)
    want = call(separate, "blocks_*/dense")(as_separate(variables))
    assert list(captured) == ["blocks/dense"]
    assert_close(captured["blocks/dense"][0], jnp.stack([v[0] for _, v in sorted(want.items())]))


# -- configs, copies, files ----------------------------------------------------


def through_config(model):
    return fkeras.Sequential.from_config(model.get_config())


def through_json(model):
    return fkeras.models.model_from_json(model.to_json())


COPIES = {
    "config": through_config,
    "json": through_json,
    "clone": fkeras.models.clone_model,
    "deepcopy": copy.deepcopy,
    "pickle": lambda model: pickle.loads(pickle.dumps(model)),
}


def model_with(layer):
    return fkeras.Sequential(
        [fkeras.Input((4,), name="input"), layer, layers.Dense(1, name="head")], name="model"
    )


def functional_block():
    x = fkeras.Input((4,), name="x")
    y = layers.Dense(4, activation="tanh", name="dense")(x)
    return fkeras.Model(x, layers.Add(name="add")([x, y]), name="block")


@pytest.mark.parametrize("make", [block, functional_block])
@pytest.mark.parametrize("kind", COPIES)
def test_copies_compute_the_same(kind, make):
    model = model_with(layers.Repeat(make(), N, remat="dots_saveable", name="body"))
    duplicate = COPIES[kind](model)
    assert duplicate.layers[0].n == N and duplicate.layers[0].remat == "dots_saveable"
    assert [w.shape for w in duplicate.weights] == [w.shape for w in model.weights]
    duplicate.set_weights(model.get_weights())
    assert_close(duplicate(inputs()), model(inputs()))
    duplicate.set_weights([w + 1 for w in model.get_weights()])  # nothing is shared
    assert not np.allclose(duplicate(inputs()), model(inputs()))


def test_saved_and_loaded_with_the_state_of_the_optimizer(tmp_path):
    x, y = np.asarray(inputs()), np.ones((6, 1), "float32")
    model = model_with(layers.Repeat(block(), N, name="body"))
    model.compile(fkeras.optimizers.Adam(0.1, clipnorm=0.1), "mse")
    model.fit(x, y, epochs=2, verbose=0)
    model.save(tmp_path / "saved")
    loaded = fkeras.saving.load_model(tmp_path / "saved")
    for a, b in zip(model.get_weights(), loaded.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    one, other = (m.fit(x, y, epochs=2, verbose=0).history["loss"] for m in (model, loaded))
    assert one == other


def test_files_hold_separate_blocks(tmp_path):
    """A file of either is one of the other."""
    x, y = np.asarray(inputs()), np.ones((6, 1), "float32")
    repeated = model_with(layers.Repeat(block(), N, name="body"))
    separate = model_with(Separate(name="body"))
    for model in (repeated, separate):
        model.compile(fkeras.optimizers.Adafactor(0.1), "mse")
        model.fit(x, y, verbose=0)
    from fkeras.saving.record import record_model

    one, other = record_model(repeated), record_model(separate)
    assert list(one.weights) == list(other.weights)
    assert one.layers == other.layers
    assert one.optimizer.trained == other.optimizer.trained
    assert [v.shape for v in one.optimizer.values] == [v.shape for v in other.optimizer.values]
    repeated.save_weights(tmp_path / "weights")
    separate.load_weights(tmp_path / "weights")
    assert_close(separate(x), repeated(x))
    separate.set_weights([w * 0.5 for w in separate.get_weights()])
    separate.save_weights(tmp_path / "weights")
    repeated.load_weights(tmp_path / "weights")
    assert_close(repeated(x), separate(x))


# -- weights one by one --------------------------------------------------------


def test_weights_of_blocks_read_and_write_the_stack():
    repeat = layers.Repeat(layers.Dense(2, name="dense"), N, name="body")
    repeat(jnp.ones((1, 2)))
    kernel = repeat.weights[2]
    assert kernel is repeat.weights[2] and isinstance(kernel, fkeras.Variable)
    assert kernel.path == "body/dense_1/kernel" and kernel.shape == (2, 2)
    kernel.assign(jnp.full((2, 2), 5.0))
    stack = repeat.trainable_variables[0]
    assert stack.shape == (N, 2, 2) and stack.path == "body/dense/kernel"
    np.testing.assert_array_equal(stack[1], np.full((2, 2), 5.0))
    assert "value" not in repr(kernel) and repeat.trainable_weights[2] is kernel
    copied = copy.deepcopy(kernel)
    copied.assign(jnp.zeros((2, 2)))
    np.testing.assert_array_equal(kernel, np.full((2, 2), 5.0))
    with pytest.raises(UserInputError, match="trained or frozen together"):
        kernel.trainable = False
    with pytest.raises(UserInputError, match="not compatible"):
        repeat.set_weights([w.T[:1] for w in repeat.get_weights()])


def test_frozen_parts_are_frozen_in_all_blocks():
    model = model_with(layers.Repeat(block(), N, name="body"))
    body = model.layers[0]
    body.block.get_layer("dense").trainable = False
    assert len(body.trainable_weights) == 2 * N and len(body.non_trainable_weights) == 4 * N
    body.trainable = False
    assert body.trainable_variables == [] and body.trainable_weights == []
    assert len(model.trainable_weights) == 2
    model.compile("sgd", "mse")
    before = body.get_weights()
    model.fit(np.asarray(inputs()), np.ones((6, 1)), verbose=0)
    for a, b in zip(before, body.get_weights()):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "bfloat16", "mixed_float16"])
def test_dtype_policies(policy):
    make = lambda: layers.Dense(4, activation="tanh", dtype=policy)
    repeat, separate = layers.Repeat(make(), N), Separate(make, dtype=policy)
    separate.init(KEY, inputs())
    variables = variables_of(repeat)
    got = jax.jit(lambda v: repeat.apply(v, inputs())[0])(variables)
    want = jax.jit(lambda v: separate.apply(v, inputs())[0])(as_separate(variables))
    assert got.dtype == want.dtype
    assert_close(got.astype("float32"), want.astype("float32"), 1e-2)
    assert repeat.dtype_policy.name == policy


# -- a list of blocks ----------------------------------------------------------


def test_a_list_of_layers_gives_its_values():
    dense = [layers.Dense(4, activation="tanh") for _ in range(N)]
    x = want = inputs()
    for layer in dense:
        want = layer(want)
    repeat = layers.Repeat(dense)
    assert repeat.n == N
    assert_close(repeat(x), want)
    assert_close(
        jax.jit(lambda v: repeat.apply({"params": v}, x)[0])(
            {"blocks": {v.name: v.value for v in repeat.trainable_variables}}
        ),
        want,
    )


UNEQUAL = {
    "config": lambda: [layers.Dense(4), layers.Dense(4, activation="relu")],
    "config of a part": lambda: [block(), block(0.4)],
    "class": lambda: [layers.ReLU(), layers.Softmax()],
    "trainable": lambda: [layers.Dense(4), layers.Dense(4, trainable=False)],
    "twice": lambda: [layers.ReLU()] * 2,
}


@pytest.mark.parametrize("kind", UNEQUAL)
def test_unequal_blocks_are_refused(kind):
    with pytest.raises(UserInputError, match="differs from block 0|is twice"):
        layers.Repeat(UNEQUAL[kind]())


def test_frozen_weight_of_one_block_is_refused():
    dense = [layers.Dense(4) for _ in range(2)]
    for layer in dense:
        layer.build((None, 4))
    dense[1].kernel.trainable = False
    with pytest.raises(UserInputError, match="trainable weights"):
        layers.Repeat(dense)
    with pytest.raises(UserInputError, match="Build all blocks|differs"):
        layers.Repeat([dense[0], layers.Dense(4)])


# -- misuse --------------------------------------------------------------------

BAD_ARGUMENTS = {
    "no layer": (lambda: layers.Repeat("dense", 2), UserTypeError, "expected a layer"),
    "no number": (lambda: layers.Repeat(layers.Dense(2)), UserTypeError, "must be an int"),
    "bool": (lambda: layers.Repeat(layers.Dense(2), True), UserTypeError, "must be an int"),
    "zero": (lambda: layers.Repeat(layers.Dense(2), 0), UserInputError, "at least 1"),
    "another length": (
        lambda: layers.Repeat([layers.Dense(2), layers.Dense(2)], 3),
        UserInputError,
        "list of 2 blocks and n=3",
    ),
    "remat": (
        lambda: layers.Repeat(layers.Dense(2), 2, remat="dots"),
        UserInputError,
        "dots_saveable",
    ),
    "empty": (lambda: layers.Repeat([]), UserInputError, "at least 1"),
}


@pytest.mark.parametrize("case", BAD_ARGUMENTS)
def test_bad_arguments(case):
    make, error, words = BAD_ARGUMENTS[case]
    with pytest.raises(error, match=words):
        make()


CHANGING = {
    "shape": lambda: layers.Dense(3),
    "rank": lambda: layers.Flatten(),
    "dtype": lambda: layers.Lambda(lambda x: x > 0),
    "structure": lambda: layers.Lambda(lambda x: [x, x]),
}
CALLS = {
    "facade": lambda repeat: repeat(jnp.ones((2, 4, 1))),
    "symbolic": lambda repeat: repeat(fkeras.Input((4, 1))),
    "init": lambda repeat: repeat.init(KEY, (2, 4, 1)),
    "build": lambda repeat: repeat.build((None, 4, 1)),
    "shape": lambda repeat: repeat.compute_output_shape((None, 4, 1)),
}


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("change", CHANGING)
def test_a_block_must_keep_structure_shape_and_dtype(change, call):
    with pytest.raises(UserInputError, match="Repeat 'body': a block's output is the next"):
        CALLS[call](layers.Repeat(CHANGING[change](), 2, name="body"))


def test_layers_of_a_block_are_not_called_by_themselves():
    repeat = layers.Repeat(block(), N, name="body")
    repeat(inputs())
    inner = repeat.block.get_layer("dense")
    for call in (
        lambda: repeat.block(inputs()),
        lambda: inner(inputs()),
        lambda: inner.init(KEY, inputs()),
        lambda: fkeras.Model(fkeras.Input((4,)), inner(fkeras.Input((4,)))),
        lambda: repeat.apply(variables_of(repeat), inputs(), method=lambda _, x: inner(x)),
    ):
        with pytest.raises(UserInputError, match="part of the block that 'body' repeats"):
            call()


def test_weights_made_by_a_later_call_are_refused():
    class Late(layers.Layer):
        def __init__(self):
            super().__init__()
            self.inner = None

        def call(self, x, training=None):
            if training:
                self.inner = self.inner or layers.Dense(4)
                return self.inner(x)
            return x

    repeat = layers.Repeat(Late(), 2)
    repeat(inputs())
    with pytest.raises((PureCallError, UserInputError)):
        repeat(inputs(), training=True)


def test_foreign_modules_are_refused():
    from flax import nnx

    flax = layers.FlaxLayer(nnx.Linear(4, 4, rngs=nnx.Rngs(0)))
    with pytest.raises(UserInputError, match="flax.nnx"):
        layers.Repeat(flax, 2)(inputs())


def test_missing_and_misshaped_variables_are_named():
    repeat = layers.Repeat(layers.Dense(4), N)
    variables = variables_of(repeat)
    one = jax.tree.map(lambda a: a[0], variables)
    with pytest.raises(UserInputError, match=r"params/blocks/kernel: expected shape \(3, 4, 4\)"):
        repeat.apply(one, inputs())


def test_eager_calls_compile_nothing_at_their_second_call():
    repeat = layers.Repeat(block(), N)
    variables = variables_of(repeat)
    call = lambda: repeat.apply(variables, inputs(), training=True, rngs=KEY)
    call()
    call()
    with jax.log_compiles(), pytest.MonkeyPatch.context() as patch:
        import logging

        messages = []
        patch.setattr(logging.Logger, "handle", lambda self, record: messages.append(record))
        call()
    assert not [m for m in messages if "Finished XLA compilation" in m.getMessage()]
