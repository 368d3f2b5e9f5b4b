"""What depth costs: a transformer of 24 blocks in plain JAX, as 24 layers, and as one `Repeat`.

The trace of `apply`, forward and gradient (of what is traced nothing is kept from round to round,
so that JAX's caches answer nothing), compilation, and a step of gradient descent. All in one
process, in turns; medians.
"""

import json
import statistics
import subprocess
import sys
import time

from benchmarks.tables import table

NAME = "depth"
DEPTH, WIDTH, HEADS, HIDDEN = 24, 64, 4, 128
BATCH, LENGTH = 8, 32
FORMS = ("trace forward", "trace gradient", "compile a step", "step")
COLUMNS = (f"{NAME}: 24 blocks", *(f"{form}, ms" for form in FORMS), "forward", "gradient", "step")
BASE = "plain JAX"


def plain(params, x):
    """The blocks as functions of a list of dicts."""
    import jax
    import jax.numpy as jnp

    def norm(p, x):
        mean = jnp.mean(x, axis=-1, keepdims=True)
        centred = x - mean
        variance = jnp.mean(jnp.square(centred), axis=-1, keepdims=True)
        return centred * (jax.lax.rsqrt(variance + 1e-3) * p["gamma"]) + p["beta"]

    def dense(p, x):
        flat = x.reshape(-1, x.shape[-1]) @ p["kernel"]  # as one matrix: faster
        return flat.reshape(*x.shape[:-1], -1) + p["bias"]

    def heads(p, x):
        return jnp.tensordot(x, p["kernel"], 1) + p["bias"]

    def attention(p, x):
        query, key, value = (heads(p[name], x) for name in ("query", "key", "value"))
        scores = jnp.einsum("bshk,bthk->bhst", query, key) * (WIDTH // HEADS) ** -0.5
        scores = scores - jax.lax.stop_gradient(jnp.max(scores, axis=-1, keepdims=True))
        weights = jnp.exp(scores)
        sums = jnp.sum(weights, axis=-1).transpose(0, 2, 1)
        mixed = jnp.einsum("bthk,bhst->bshk", value, weights) / sums[..., None]
        return jnp.tensordot(mixed, p["output"]["kernel"], 2) + p["output"]["bias"]

    for p in params:
        x = x + attention(p["attention"], norm(p["norm"], x))
        x = x + dense(
            p["out"], jax.nn.gelu(dense(p["hidden"], norm(p["norm_2"], x)), approximate=False)
        )
    return x


def make_block():
    """The same block as a layer."""
    from fkeras import layers

    class Block(layers.Layer):
        def __init__(self):
            super().__init__()
            self.norm = layers.LayerNormalization()
            self.attention = layers.MultiHeadAttention(HEADS, WIDTH // HEADS)
            self.norm_2 = layers.LayerNormalization()
            self.hidden = layers.Dense(HIDDEN, activation="gelu")
            self.out = layers.Dense(WIDTH)

        def call(self, x):
            normed = self.norm(x)
            x = x + self.attention(normed, normed)
            return x + self.out(self.hidden(self.norm_2(x)))

    return Block()


def contenders():
    """name -> (function of params and x, params)."""
    import jax
    import jax.numpy as jnp

    import fkeras
    from fkeras import layers

    x = jax.ShapeDtypeStruct((BATCH, LENGTH, WIDTH), "float32")
    separate = fkeras.Sequential([make_block() for _ in range(DEPTH)])
    repeated = layers.Repeat(make_block(), DEPTH)
    rematerialised = layers.Repeat(make_block(), DEPTH, remat=True)
    layers_of = {
        "24 layers": separate,
        "Repeat": repeated,
        "Repeat, remat": rematerialised,
    }
    key = jax.random.key(0)
    for layer in layers_of.values():
        params = layer.init(key, x)["params"]
        if layer is separate:
            trees = list(params.values())
            stack = {"blocks": jax.tree.map(lambda *leaves: jnp.stack(leaves), *trees)}
    functions = {
        name: lambda params, x, layer=layer: layer.apply({"params": params}, x)[0]
        for name, layer in layers_of.items()
    }
    own = dict(zip(separate.init(key, x)["params"], trees))
    return {
        BASE: (plain, [as_plain(tree) for tree in trees]),
        **{name: (functions[name], stack) for name in layers_of if name != "24 layers"},
        "24 layers": (functions["24 layers"], own),
    }


def as_plain(tree) -> dict:
    """A block's params under the names of `plain`."""
    attention = tree["attention"]
    names = {"query": "query_dense", "key": "key_dense", "value": "value_dense"}
    names["output"] = "output_dense"
    return {**tree, "attention": {name: attention[own] for name, own in names.items()}}


def seconds_to_trace(function, params, x) -> float:
    """Of a new function each time, with nothing in JAX's caches; of this thread alone, since the
    other cores are busy with what came before.
    """
    import jax

    jax.clear_caches()
    begin = time.thread_time()
    jax.jit(lambda p, x: function(p, x)).trace(params, x)
    return time.thread_time() - begin


def measure(rounds) -> dict:
    """Medians of seconds by contender and form."""
    import jax
    import jax.numpy as jnp

    x = jax.random.normal(jax.random.key(1), (BATCH, LENGTH, WIDTH))
    chosen = contenders()
    reference = plain(chosen[BASE][1], x)

    def step_of(function):
        def step(params, x):
            loss, grads = jax.value_and_grad(lambda p: jnp.mean(function(p, x) ** 2))(params)
            return jax.tree.map(lambda p, g: p - 1e-3 * g, params, grads), loss

        return step

    seconds = {name: {form: [] for form in FORMS} for name in chosen}
    steps = {}
    for name, (function, params) in chosen.items():
        assert jnp.allclose(function(params, x), reference, atol=1e-3), name
    for _ in range(rounds):
        for name, (function, params) in chosen.items():
            found = seconds[name]
            found["trace forward"].append(seconds_to_trace(function, params, x))
            gradient = jax.grad(lambda p, x, f=function: f(p, x).sum())
            found["trace gradient"].append(seconds_to_trace(gradient, params, x))
    for name, (function, params) in chosen.items():
        lowered = jax.jit(step_of(function)).lower(params, x)
        begin = time.perf_counter()
        steps[name] = lowered.compile()
        seconds[name]["compile a step"].append(time.perf_counter() - begin)
        jax.block_until_ready(steps[name](params, x))
    for _ in range(10 * rounds):
        for name, (_, params) in chosen.items():
            begin = time.perf_counter()
            jax.block_until_ready(steps[name](params, x))
            seconds[name]["step"].append(time.perf_counter() - begin)
    return {
        name: {form: statistics.median(values) for form, values in forms.items()}
        for name, forms in seconds.items()
    }


def run(rounds, environment) -> dict:
    """`measure` in a process of its own."""
    code = (
        f"import json; from benchmarks import depth; print(json.dumps(depth.measure({3 * rounds})))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], check=True, stdout=subprocess.PIPE, text=True, env=environment
    )
    return json.loads(done.stdout.splitlines()[-1])


def markdown(results) -> str:
    """A table; its last columns are over those of plain JAX."""
    base = results[BASE]
    rows = []
    for name, row in results.items():
        ratios = [row[form] / base[form] for form in ("trace forward", "trace gradient", "step")]
        rows.append(
            (name, *(f"{row[form] * 1e3:.1f}" for form in FORMS), *(f"{r:.2f}" for r in ratios))
        )
    return table(COLUMNS, rows, words=1)
