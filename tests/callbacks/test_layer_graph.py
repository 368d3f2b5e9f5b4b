"""Layers as nodes, for TensorBoard."""

import json

import fkeras
from fkeras import layers
from fkeras.callbacks.layer_graph import nodes_of


def test_branches_meet_and_models_inside_are_opened():
    inside = fkeras.Sequential([fkeras.Input((2,), name="in"), layers.Dense(3, name="d")], name="s")
    a, b = fkeras.Input((2,), name="a"), fkeras.Input((3,), name="b")
    hidden = inside(a)
    joined = layers.Concatenate(name="join")([hidden, b, hidden])
    outputs = layers.Dense(1, name="out")(joined)
    model = fkeras.Model([a, b], outputs)
    nodes = {name: (kind, inputs) for name, kind, inputs in nodes_of(json.loads(model.to_json()))}
    assert nodes == {
        "a": ("InputLayer", []),
        "s/in": ("InputLayer", ["a"]),
        "s/d": ("Dense", ["s/in"]),
        "b": ("InputLayer", []),
        "join": ("Concatenate", ["s/d", "b"]),
        "out": ("Dense", ["join"]),
    }
