"""Five updates of every optimizer, at several configurations, against Keras; both faces; jit and
scan; half precision.
"""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from fkeras import optimizers
from fkeras.core.values.variable import Variable

ROWS = [
    ("SGD", {}),
    ("SGD", {"learning_rate": 0.1, "momentum": 0.9}),
    ("SGD", {"momentum": 0.9, "nesterov": True, "weight_decay": 0.01}),
    ("SGD", {"clipnorm": 0.3}),
    ("SGD", {"clipvalue": 0.2}),
    ("SGD", {"global_clipnorm": 0.4, "momentum": 0.5}),
    ("SGD", {"loss_scale_factor": 8.0}),
    ("SGD", {"gradient_accumulation_steps": 2, "momentum": 0.9, "weight_decay": 0.1}),
    ("SGD", {"learning_rate": 0.1, "use_ema": True, "ema_momentum": 0.9}),
    (
        "SGD",
        {"learning_rate": 0.1, "use_ema": True, "ema_momentum": 0.5, "ema_overwrite_frequency": 2},
    ),
    (
        "SGD",
        {
            "use_ema": True,
            "ema_overwrite_frequency": 2,
            "gradient_accumulation_steps": 2,
            "momentum": 0.5,
            "clipnorm": 0.5,
        },
    ),
    ("RMSprop", {}),
    ("RMSprop", {"momentum": 0.8, "rho": 0.7}),
    ("RMSprop", {"centered": True, "momentum": 0.3, "epsilon": 1e-3}),
    ("Adam", {}),
    ("Adam", {"amsgrad": True, "beta_2": 0.6, "weight_decay": 0.01}),
    ("Adam", {"gradient_accumulation_steps": 3, "use_ema": True, "global_clipnorm": 1.0}),
    ("AdamW", {}),
    ("AdamW", {"weight_decay": 0.2, "learning_rate": 0.1, "amsgrad": True}),
    ("Adamax", {}),
    ("Adamax", {"beta_1": 0.5, "beta_2": 0.7, "epsilon": 1e-2}),
    ("Nadam", {}),
    ("Nadam", {"beta_1": 0.5, "beta_2": 0.67, "gradient_accumulation_steps": 2}),
    ("Adagrad", {"learning_rate": 0.1}),
    ("Adagrad", {"initial_accumulator_value": 0.5, "epsilon": 1e-2, "weight_decay": 0.1}),
    ("Adadelta", {"learning_rate": 1.0}),
    ("Adadelta", {"rho": 0.5, "epsilon": 1e-3}),
    ("Adafactor", {}),
    (
        "Adafactor",
        {
            "learning_rate": 0.5,
            "beta_2_decay": -0.65,
            "clip_threshold": 0.5,
            "relative_step": False,
            "weight_decay": 0.01,
        },
    ),
    ("Ftrl", {"learning_rate": 0.1}),
    (
        "Ftrl",
        {
            "learning_rate": 0.1,
            "l1_regularization_strength": 0.1,
            "l2_regularization_strength": 0.05,
            "beta": 0.1,
            "l2_shrinkage_regularization_strength": 0.02,
            "learning_rate_power": -0.3,
        },
    ),
    ("Lion", {"learning_rate": 0.01}),
    ("Lion", {"beta_1": 0.5, "beta_2": 0.7, "weight_decay": 0.5}),
    ("Lamb", {"learning_rate": 0.1}),
    ("Lamb", {"beta_1": 0.5, "weight_decay": 0.1, "clipvalue": 0.5}),
    ("Muon", {}),
    (
        "Muon",
        {
            "learning_rate": 0.1,
            "nesterov": False,
            "rms_rate": None,
            "adam_lr_ratio": 0.5,
            "weight_decay": None,
        },
    ),
    ("Muon", {"exclude_layers": ["alph"], "adam_weight_decay": 0.1, "ns_steps": 2}),
    ("ScheduleFreeAdamW", {}),
    ("ScheduleFreeAdamW", {"warmup_steps": 3, "weight_decay": 0.1, "learning_rate": 0.1}),
]
NAMES = ("alpha", "beta", "gamma")
rng = np.random.default_rng(0)
START = [rng.normal(size=s).astype("float32") for s in ((3, 2), (2,), (2, 4))]
GRADS = [[rng.normal(size=p.shape).astype("float32") for p in START] for _ in range(5)]


def identity(row):
    return row[0] + "-" + ",".join(f"{k}={v}" for k, v in row[1].items())


@functools.cache
def keras_run(index):
    import keras

    name, kwargs = ROWS[index]
    variables = [keras.Variable(p, name=n) for p, n in zip(START, NAMES)]
    optimizer = getattr(keras.optimizers, name)(**kwargs)
    optimizer.build(variables)
    step = jax.jit(optimizer.stateless_apply)
    params, own = [v.value for v in variables], [v.value for v in optimizer.variables]
    trail = []
    for grads in GRADS:
        params, own = step(own, grads, params)
        trail.append(([np.asarray(p) for p in params], [np.asarray(v) for v in own]))
    return trail


@pytest.mark.parametrize("index", range(len(ROWS)), ids=map(identity, ROWS))
def test_five_updates_equal_keras_in_both_faces(keras, index):
    name, kwargs = ROWS[index]
    trail = keras_run(index)

    variables = [Variable(p, name=n) for p, n in zip(START, NAMES)]
    facade = getattr(optimizers, name)(**kwargs)
    pure = getattr(optimizers, name)(**kwargs)
    params = dict(zip(NAMES, map(jnp.asarray, START)))
    state = pure.init(params)
    update = jax.jit(pure.update)
    for grads, (want, want_own) in zip(GRADS, trail):
        facade.apply(grads, variables)
        params, state = update(dict(zip(NAMES, grads)), state, params)
        for v, p, w in zip(variables, [params[n] for n in NAMES], want):
            np.testing.assert_allclose(v.numpy(), w, rtol=2e-5, atol=2e-6)
            np.testing.assert_array_equal(v.numpy(), p)
        assert len(facade.variables) == len(want_own)
        for v, w in zip(facade.variables, want_own):
            assert v.numpy().dtype == w.dtype
            np.testing.assert_allclose(v.numpy(), w, rtol=2e-5, atol=2e-6, err_msg=v.path)
    packed = facade.pack(
        [v.value for v in facade.variables], lambda values: dict(zip(NAMES, values))
    )
    jax.tree.map(np.testing.assert_array_equal, packed, state)
    for v, w in zip(facade.variables, facade.unpack(state, lambda tree: [tree[n] for n in NAMES])):
        np.testing.assert_array_equal(v.numpy(), w)


@pytest.mark.parametrize("name", sorted({name for name, _ in ROWS}))
def test_vmapped_scan_equals_a_loop_with_donation(name):
    optimizer = getattr(optimizers, name)()
    params = dict(zip(NAMES, map(jnp.asarray, START)))
    stacked = {n: jnp.stack([jnp.asarray(g[i]) for g in GRADS]) for i, n in enumerate(NAMES)}

    def run(params):
        def body(carry, grads):
            return optimizer.update(grads, carry[1], carry[0]), None

        return jax.lax.scan(body, (params, optimizer.init(params)), stacked)[0]

    many, states = jax.jit(jax.vmap(run))(jax.tree.map(lambda p: jnp.stack([p * 2, p]), params))
    assert states["iteration"].tolist() == [5, 5]
    looped, state = params, optimizer.init(params)
    update = jax.jit(optimizer.update, donate_argnums=(1, 2))
    for grads in GRADS:
        looped, state = update(dict(zip(NAMES, grads)), state, looped)
    for n, start in zip(NAMES, START):
        np.testing.assert_allclose(many[n][1], looped[n], rtol=1e-5, atol=1e-6)
        assert np.abs(many[n][0] - 2 * start).max() > 1e-6


@pytest.mark.parametrize(
    ("name", "dtype"),
    [
        *((name, "bfloat16") for name in sorted({name for name, _ in ROWS})),
        ("SGD", "float16"),
        ("Adam", "float16"),
        ("Adafactor", "float16"),
    ],
)
def test_half_precision_follows_float32(name, dtype):
    """Keras computes in bfloat16 itself: its Adam and Lamb stand still there, its Nadam gives
    NaN.
    """
    optimizer = getattr(optimizers, name)(learning_rate=20.0 if name == "Adadelta" else 0.05)
    ends = []
    for kind in ("float32", dtype):
        params = [jnp.asarray(p, kind) for p in START]
        state = optimizer.init(params)
        update = jax.jit(optimizer.update)
        for grads in GRADS:
            params, state = update(list(map(jnp.asarray, grads)), state, params)
        assert all(p.dtype == kind for p in params)
        ends.append([np.asarray(p, "float32") for p in params])
    for full, half, start in zip(*ends, START):
        assert np.abs(half - start).max() > 0.5 * np.abs(full - start).max() > 5e-4
        np.testing.assert_allclose(half, full, rtol=0.05, atol=0.03)


def test_updates_can_be_differentiated_also_where_a_gradient_is_zero():
    for name in sorted({name for name, _ in ROWS}):
        optimizer = getattr(optimizers, name)(clipnorm=1.0)

        def after(rate, optimizer=optimizer):
            params = jnp.array([1.0, 2.0])
            state = {**optimizer.init(params), "learning_rate": rate}
            return optimizer.update(jnp.array([1.0, 0.0]), state, params)[0].sum()

        slope = jax.grad(after)(jnp.float32(0.1))
        assert np.isfinite(slope) and (slope != 0 or name == "ScheduleFreeAdamW"), name
