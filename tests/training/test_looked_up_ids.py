"""Ids that a model computes from its inputs, cut out of its program."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import fkeras
from fkeras import layers, ops
from fkeras.errors import UserInputError
from fkeras.training.looked_up_ids import find_computed_ids

IDS = np.tile(np.arange(4), (7, 1))  # 0, 1, 2, 3 in each row
OFFSETS = np.array([0, 1, 0, 1])


class Lookup(fkeras.Model):
    """A model that computes ids by a function of itself and the inputs."""

    def __init__(self, ids_of, table=None):
        super().__init__()
        self.ids_of, self.table = ids_of, layers.Embedding(5, 2) if table is None else table
        self.noise = fkeras.random.SeedGenerator(1)
        self.shift = self.add_weight(shape=(), dtype="int32", initializer="ones", trainable=False)
        self.factors = self.add_weight(shape=(4,), trainable=False)

    def call(self, inputs):
        return ops.sum(self.table(self.ids_of(self, inputs)), axis=1)


def compiled(ids_of, table=None):
    model = Lookup(ids_of, table)
    model.compile("sgd", "mse")
    return model


def computed(ids_of, x=IDS, rows=3):
    """The ids of the program that is cut out for batches of so many rows, or None."""
    model = Lookup(ids_of)
    struct = jax.tree.map(lambda a: jax.ShapeDtypeStruct((rows, *a.shape[1:]), "int32"), x)
    model.build(jax.tree.map(lambda a: (None, *a.shape[1:]), x))
    found = find_computed_ids(model, struct)
    if not found:
        return None
    ((layer, ids),) = found
    assert layer is model.table
    return ids.of([jax.tree.leaves(x)[i] for i in ids.used])


@pytest.mark.parametrize("rows", [1, 3, 7])
@pytest.mark.parametrize(
    ("ids_of", "expected"),
    [
        (lambda self, x: x + 1, IDS + 1),
        (lambda self, x: x[:, 1:] + OFFSETS[1:], IDS[:, 1:] + OFFSETS[1:]),
        (lambda self, x: ops.clip(x + 1, 0, 2), np.clip(IDS + 1, 0, 2)),
        (lambda self, x: ops.where(x == 3, 0, x), np.where(IDS == 3, 0, IDS)),
        (lambda self, x: ops.reshape(ops.reshape(x, (-1,)) * 7 % 5, (-1, 4)), IDS * 7 % 5),
        (lambda self, x: jax.jit(lambda x: ops.cast(x * 1.5, "int32"))(x), IDS * 3 // 2),
    ],
)
def test_ids_are_those_of_the_model_for_any_number_of_rows(ids_of, expected, rows):
    np.testing.assert_array_equal(computed(ids_of, rows=rows), expected)


def test_ids_follow_from_the_inputs_that_they_need():
    x = {"a": IDS * 9, "b": IDS, "c": IDS + 1}
    ids = computed(lambda self, x: x["c"] - x["b"] + x["b"] * 2, x)
    np.testing.assert_array_equal(ids, IDS * 2 + 1)


FACTOR = fkeras.Variable(2, dtype="int32")


@pytest.mark.parametrize(
    "ids_of",
    [
        lambda self, x: x,  # an input is looked at without a program
        lambda self, x: x + self.shift,
        lambda self, x: x * FACTOR,
        lambda self, x: x + fkeras.random.randint(jnp.shape(x), 0, 2, seed=self.noise),
        lambda self, x: x + jax.random.randint(jax.random.key(0), jnp.shape(x), 0, 2),
        lambda self, x: jax.pure_callback(lambda x: x + 1, x, x),
        lambda self, x: ops.cast(ops.argsort(x * self.factors, axis=-1), "int32"),
    ],
)
def test_what_weights_states_or_draws_take_part_in_is_left_alone(ids_of):
    assert computed(ids_of) is None


@pytest.mark.parametrize("inside", ["scan", "map"])
def test_look_ups_inside_of_loops_are_left_alone(inside):
    def ids_of(self, x):
        loop = {
            "scan": lambda f: jax.lax.scan(lambda c, row: (c, f(row)), 0, x)[1],
            "map": lambda f: jax.vmap(f)(x),
        }[inside]
        return ops.cast(loop(lambda row: self.table(row + 1))[..., 0] * 0, "int32") + x

    assert computed(ids_of) is None


def test_large_inputs_are_looked_at_in_parts(monkeypatch):
    monkeypatch.setattr("fkeras.training.looked_up_ids._AT_ONCE", 20)
    for rows in (1, 2, 3):
        np.testing.assert_array_equal(computed(lambda self, x: x + 1, rows=rows), IDS + 1)


@pytest.mark.parametrize(
    "table", [None, lambda: layers.CategoryEncoding(num_tokens=5, output_mode="one_hot")]
)
@pytest.mark.parametrize("use", ["fit", "evaluate", "predict", "train_on_batch", "generator"])
def test_ids_out_of_range_are_refused_wherever_data_come_from(use, table):
    x, y = IDS.copy(), np.zeros((7, 2 if table is None else 5), "float32")
    model = compiled(lambda self, x: x + 1, table and table())
    calls = {
        "fit": lambda x: model.fit(x, y, batch_size=2, verbose=0),
        "evaluate": lambda x: model.evaluate(x, y, batch_size=2, verbose=0),
        "predict": lambda x: model.predict(x, batch_size=2, verbose=0),
        "train_on_batch": lambda x: model.train_on_batch(x, y),
        "generator": lambda x: model.fit(((x[i:][:2], y[i:][:2]) for i in (0, 2, 4)), verbose=0),
    }
    calls[use](x)
    x[5, 2] = 4
    expected = r"5.*at position \(\d, 2\).*ids that the model computes from its inputs"
    with pytest.raises(UserInputError, match=expected):
        calls[use](x)


def test_ids_of_a_model_inside_a_graph_are_looked_at():
    inputs = fkeras.Input((4,), dtype="int32")
    inner = fkeras.Sequential([layers.Embedding(5, 2), layers.Flatten()])
    for outputs in (inner(inputs), inner(inputs + 1)):
        model = fkeras.Model(inputs, outputs)
        with pytest.raises(UserInputError, match="input_dim=5"):
            model.predict(IDS + 2, verbose=0)
