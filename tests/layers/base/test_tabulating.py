"""A layer as a table."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import linen, nnx

import fkeras
from fkeras import layers, lift
from fkeras.core.values import stand_ins
from fkeras.errors import NotBuiltError, UserInputError


class Net(fkeras.Model):
    def __init__(self):
        super().__init__(name="net")
        self.encoder = fkeras.Sequential([layers.Dense(3), layers.BatchNormalization()])
        self.encoder.trainable = False
        self.heads = [layers.Dense(2), layers.Dropout(0.5)]

    def call(self, x, training=None):
        y = lift.scan(lambda carry, row: (carry, self.encoder(row)), 0.0, x)[1]
        return self.heads[1](jax.checkpoint(self.heads[0])(y) + self.heads[0](y))


def _rows(text):
    table = text.partition("\n\n")[0]
    return {line.split()[0]: line for line in table.splitlines() if line[0] not in "- "}


def test_every_layer_has_its_row_also_inside_inner_transformations():
    rows = _rows(Net().tabulate((2, 5, 4), training=True))
    assert list(rows)[1:] == [
        "net",
        "encoder",
        "encoder/input_layer",
        "encoder/dense",
        "encoder/batch_normalization",
        "heads_0",
        "heads_1",
    ]
    assert rows["net"].split() == ["net", "Net", "float32[2,", "5,", "2]"]
    assert rows["encoder/dense"].split()[2:7] == ["float32[5,", "3]", "kernel", "float32[4,", "3]"]
    assert rows["encoder/dense"].endswith(" 15")
    assert "moving_mean float32[3]" in rows["encoder/batch_normalization"]
    assert "float32[2, 5, 2] x2" in rows["heads_0"]


def test_totals_tell_trained_frozen_and_state_apart():
    text = Net().tabulate((2, 5, 4))
    assert text.splitlines()[-4:] == [
        "trainable params: 8 (32 B)",
        "frozen params: 21 (84 B)",
        "state: 6 (24 B)",
        "total: 35 (140 B)",
    ]


def test_nothing_is_computed_and_nothing_drawn(compilations):
    layer = layers.Dense(50_000, name="wide")
    with compilations() as found:
        text = layer.tabulate(jax.ShapeDtypeStruct((8, 20_000), jnp.bfloat16))
    assert not found
    assert isinstance(stand_ins.private_value(layer.kernel), stand_ins.NotDrawnYet)
    assert "trainable params: 1,000,050,000 (4.0 GB)" in text
    assert "float32[8, 50000]" in _rows(text)["wide"]


@pytest.mark.parametrize(
    ("make", "inputs", "expected"),
    [
        (lambda: layers.Dense(2, dtype="mixed_bfloat16"), [(3, 4)], "bfloat16[3, 2]  kernel float"),
        (lambda: layers.Embedding(5, 3), [np.zeros((2, 6), int)], "float32[2, 6, 3]"),
        (lambda: layers.Add(), [[(2, 3), (2, 3)]], "float32[2, 3]"),
        (lambda: layers.FlaxLayer(linen.Dense(2)), [(3, 4)], "params_kernel float32[4, 2]"),
        (
            lambda: layers.FlaxLayer(lambda rngs: nnx.Dropout(0.5, rngs=rngs)),
            [(3, 4)],
            "module/rngs/key key<fry>[]",
        ),
    ],
)
def test_layers_of_all_kinds(make, inputs, expected):
    assert expected in make().tabulate(*inputs)


def test_a_built_layer_needs_no_inputs():
    layer = layers.Dense(2, name="d")
    layer.build((None, 3))
    assert "outputs" not in layer.tabulate()
    assert _rows(layer.tabulate())["d"].split()[:3] == ["d", "Dense", "kernel"]


def test_inputs_that_cannot_be_right_are_errors():
    with pytest.raises(NotBuiltError, match="needs inputs"):
        layers.Dense(2).tabulate()
    with pytest.raises(UserInputError, match="whose sizes are known"):
        layers.Dense(2).tabulate((None, 3))
    layer = layers.Dense(2)
    with pytest.raises(TypeError, match="Did you mean 'training'"):
        layer.tabulate((2, 3), train=True)
    assert not layer.built
