"""Pictures of models: what is in them, that it is where it should be, and how they are written."""

import itertools
import re
import sys
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest
from PIL import Image

import fkeras
from fkeras import layers
from fkeras.diagrams import dot as dot_module
from fkeras.diagrams.boxes import Shown, group_of
from fkeras.diagrams.layout import lay_out
from fkeras.errors import UserInputError, UserTypeError

plot_model, model_to_dot = fkeras.utils.plot_model, fkeras.utils.model_to_dot


@pytest.fixture(autouse=True)
def without_graphviz(monkeypatch):
    monkeypatch.setattr(dot_module.shutil, "which", lambda program: None)


def stack():
    hidden = layers.Dense(3, activation="relu", name="hidden")
    hidden.trainable = False
    return fkeras.Sequential(
        [
            fkeras.Input((4,)),
            hidden,
            layers.Dropout(0.5, name="drop"),
            layers.Dense(1, name="<out>"),
        ],
        name="stack",
    )


def branches():
    """Two inputs, a layer that is shared, a skip over three rows, a function, two outputs."""
    a, b = fkeras.Input((4,), name="a"), fkeras.Input((4,), name="b")
    shared = layers.Dense(4, name="shared")
    x = layers.Dense(4, name="deep")(shared(a))
    joined = layers.Concatenate(name="joined")([x * 2.0, shared(b), a])
    return fkeras.Model([a, b], [layers.Dense(1, name="one")(joined), x], name="branches")


def nested():
    inputs = fkeras.Input((4,), name="outside")
    inner = fkeras.Sequential([layers.Dense(4, name="low")], name="inner")
    hidden = fkeras.Input((4,), name="hidden_in")
    middle = fkeras.Model(hidden, inner(hidden), name="middle")
    outputs = layers.Dense(1, name="last")(middle(inputs))
    return fkeras.Model(inputs, outputs, name="outer")


class Subclassed(fkeras.Model):
    def __init__(self):
        super().__init__(name="own")
        self.dense = layers.Dense(2)

    def call(self, x):
        return self.dense(x)


def texts_in(svg):
    elements = ElementTree.fromstring(svg).iter("{http://www.w3.org/2000/svg}text")
    return [element.text for element in elements]


def svg_of(model, **options):
    return model_to_dot(model, **options).create(format="svg").decode()


def arrows_of(model, expand_nested=False):
    group = group_of(model, Shown(names=True), expand_nested)
    titles = {box.key: box.title.split(" ")[0] for box in group.boxes()}
    found = []

    def collect(part):
        found.extend((titles[a], titles[b]) for a, b in part.arrows)
        for member in part.members:
            if hasattr(member, "members"):
                collect(member)

    collect(group)
    return set(found)


def test_a_stack_is_a_chain_without_its_input():
    assert arrows_of(stack()) == {("hidden", "drop"), ("drop", "<out>")}


def test_arrows_of_a_graph():
    multiply = next(o.name for o in branches().operations if "multiply" in o.name)
    fkeras.utils.clear_session()
    assert arrows_of(branches()) == {
        ("a", "shared"),
        ("b", "shared"),
        ("shared", "deep"),
        ("deep", multiply),
        (multiply, "joined"),
        ("shared", "joined"),
        ("a", "joined"),
        ("joined", "one"),
    }


def test_arrows_lead_into_nested_models():
    assert arrows_of(nested()) == {("outside", "middle"), ("middle", "last")}
    assert arrows_of(nested(), expand_nested=True) == {
        ("outside", "hidden_in"),
        ("hidden_in", "low"),
        ("low", "last"),
    }


def test_facts_of_layers_are_shown_where_they_are_wanted():
    plain = texts_in(svg_of(stack(), show_layer_names=False))
    assert plain == ["Dense", "Dropout", "Dense"]
    shown = texts_in(
        svg_of(
            stack(),
            show_shapes=True,
            show_dtype=True,
            show_layer_activations=True,
            show_trainable=True,
        )
    )
    assert shown[:6] == [
        "hidden (Dense)",
        "Activation: relu",
        "Input shape: (None, 4)",
        "Output shape: (None, 3)",
        "Output dtype: float32",
        "Non-trainable",
    ]
    assert "Trainable" in shown and "<out> (Dense)" in shown
    graph = texts_in(svg_of(branches(), show_shapes=True))
    assert "Input shape: [(None, 4), (None, 4), (None, 4)]" in graph
    assert "a (InputLayer)" in graph and "Input shape: ?" not in graph


def test_models_without_an_input_layer_and_inside_of_graphs():
    deferred = fkeras.Sequential([layers.Dense(3, name="first"), layers.Dense(2, name="second")])
    deferred(np.ones((2, 4)))
    assert arrows_of(deferred) == {("first", "second")}
    assert "Output shape: (None, 3)" in texts_in(svg_of(deferred, show_shapes=True))
    x = layers.Dense(3, name="before")(fkeras.Input((4,)))
    part = fkeras.Model(x, layers.Dense(2, name="behind")(x))
    assert [end for _, end in arrows_of(part)] == ["behind"]


def test_a_model_that_is_called_twice_is_one_group():
    a, b = fkeras.Input((4,), name="a"), fkeras.Input((4,), name="b")
    inputs = [fkeras.Input((4,), name="left"), fkeras.Input((4,), name="right")]
    added = layers.Add(name="added")(inputs)
    inner = fkeras.Model(inputs, [added, layers.Dense(2, name="head")(inputs[0])], name="inner")
    first, second = inner([a, b]), inner([b, a])
    outer = fkeras.Model([a, b], layers.Concatenate(name="all")([*first, second[1]]))
    found = arrows_of(outer, expand_nested=True)
    assert {("a", "left"), ("b", "right"), ("b", "left"), ("a", "right")} <= found
    assert {("added", "all"), ("head", "all")} <= found and len(found) == 9


def test_a_subclassed_model_is_one_box():
    model = Subclassed()
    model(np.ones((2, 3)))
    assert texts_in(svg_of(model)) == ["own (Subclassed)"]


@pytest.mark.parametrize("make", [stack, branches, nested])
@pytest.mark.parametrize("rankdir", ["TB", "BT", "LR", "RL"])
@pytest.mark.parametrize("expand_nested", [True, False])
def test_boxes_lie_apart_and_arrows_lead_one_way(make, rankdir, expand_nested):
    picture = lay_out(group_of(make(), Shown(shapes=True, names=True), expand_nested), rankdir)
    for (_, x, y, w, h), (_, x2, y2, w2, h2) in itertools.combinations(picture.boxes, 2):
        assert x + w <= x2 or x2 + w2 <= x or y + h <= y2 or y2 + h2 <= y
    for _, x, y, w, h in [*picture.boxes, *[(0, *g[1:]) for g in picture.groups]]:
        assert 0 <= x and x + w <= picture.width and 0 <= y and y + h <= picture.height
    axis, sign = {"TB": (1, 1), "BT": (1, -1), "LR": (0, 1), "RL": (0, -1)}[rankdir]
    for points in picture.arrows:
        ends = [sign * points[0][axis], sign * points[-1][axis]]
        assert ends[0] < ends[1]


def test_the_text_for_graphviz():
    text = model_to_dot(nested(), expand_nested=True, rankdir="LR", dpi=70).to_string()
    assert text.startswith("digraph G {") and "rankdir=LR" in text and "dpi=70" in text
    assert text.count("subgraph") == 2 and 'label="middle"' in text
    assert text.count("{") == text.count("}")
    assert len(re.findall(r'^ *"[\d_]+" -> "[\d_]+"', text, re.MULTILINE)) == 3
    assert "&lt;out&gt;" in model_to_dot(stack()).to_string()
    part = model_to_dot(stack(), subgraph=True)
    assert str(part).startswith('subgraph "cluster_model" {') and "digraph" not in str(part)


@pytest.mark.parametrize(
    "name, kind",
    [("m.png", "PNG"), ("m", "PNG"), ("m.jpg", "JPEG"), ("m.svg", None), ("m.pdf", None)],
)
def test_files_without_graphviz(tmp_path, name, kind):
    plot_model(stack(), tmp_path / name, show_shapes=True, dpi=96)
    content = (tmp_path / name).read_bytes()
    if kind is None:
        assert content.startswith({"svg": b"<svg", "pdf": b"%PDF"}[name[2:]])
        return
    with Image.open(tmp_path / name) as image:
        assert image.format == kind and min(image.size) > 50
        assert len(np.unique(np.asarray(image.convert("L")))) > 2


def test_without_pillow_too_an_svg_file_is_written(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "PIL", None)
    with pytest.warns(UserWarning, match="needs Pillow.*'.*m.svg' instead of '.*m.png'"):
        plot_model(stack(), tmp_path / "m.png")
    assert (tmp_path / "m.svg").read_text().startswith("<svg")
    with pytest.raises(ImportError, match="needs graphviz"):
        model_to_dot(stack()).create(format="webp")


def test_graphviz_draws_where_it_is_installed(tmp_path, monkeypatch):
    program = tmp_path / "dot"
    program.write_text(
        "#!/bin/sh\ncat > text\nif grep -q wrong text; then echo bad >&2; exit 1; fi\necho $1\n"
    )
    program.chmod(0o755)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(dot_module.shutil, "which", lambda name: str(program))
    dot = model_to_dot(stack())
    assert dot.create(format="png") == b"-Tpng\n"
    assert (tmp_path / "text").read_text() == dot.to_string()
    dot.write("a.pdf")
    dot.write_png("b")
    dot.write_svg("c")
    assert [(tmp_path / name).read_bytes()[:6] for name in "a.pdf b c".split()] == [
        b"-Tpdf\n",
        b"-Tpng\n",
        b"<svg x",
    ]
    with pytest.raises(UserInputError, match="did not draw the model as 'png': bad"):
        model_to_dot(
            fkeras.Sequential([fkeras.Input((1,)), layers.Dense(1, name="wrong")])
        ).create()


def test_a_notebook_shows_it():
    dot = model_to_dot(stack())
    assert dot._repr_svg_() == dot.create_svg().decode()
    assert dot.create_png().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    "call, error, said",
    [
        (lambda: model_to_dot(fkeras.Sequential([layers.Dense(2)])), UserInputError, "been built"),
        (lambda: model_to_dot(layers.Dense(2)), UserTypeError, "Expected a model"),
        (lambda: model_to_dot(stack(), rankdir="UP"), UserInputError, "rankdir"),
        (lambda: plot_model(stack(), layer_range=["a", "b"]), UserInputError, "no longer"),
        (lambda: plot_model(stack(), shapes=True), UserTypeError, "Unrecognized"),
    ],
)
def test_wrong_arguments(call, error, said):
    with pytest.raises(error, match=said):
        call()
