"""`KerasFileEditor`: files of weights, looked at and changed."""

import numpy as np
import pytest

import fkeras
from fkeras import layers, saving
from fkeras.errors import UserInputError
from tests.saving.models import dense

CONTENT = """Weights structure
└── layers
    ├── dense ('dense')
    │   ├── 0: shape=(3, 4), dtype=float32
    │   └── 1: shape=(4,), dtype=float32
    └── dense_1 ('head[red]')
        ├── 0: shape=(4, 1), dtype=float32
        └── 1: shape=(1,), dtype=float32
"""


@pytest.fixture
def editor(tmp_path, capsys):
    model = dense(names=(None, "head[red]"))
    model.save_weights(tmp_path / "model.weights.h5")
    made = saving.KerasFileEditor(tmp_path / "model.weights.h5")
    capsys.readouterr()
    return made


def test_what_is_in_a_file_is_printed(editor, capsys):
    editor.summary()
    printed = [line.rstrip() for line in capsys.readouterr().out.splitlines()]
    assert printed == CONTENT.splitlines()


@pytest.mark.parametrize("name", ["model.keras", "model.weights.json", "directory"])
def test_files_by_layer_are_read(tmp_path, name):
    model = dense(compiled=True)
    save = model.save if not name.endswith("json") else model.save_weights
    save(tmp_path / name, **({"zipped": False} if name == "directory" else {}))
    editor = saving.KerasFileEditor(tmp_path / name)
    assert (editor.config is None) == (editor.metadata is None) == name.endswith("json")
    np.testing.assert_array_equal(
        editor.weights_dict["layers"]["dense"]["0"], model.layers[0].kernel
    )


def test_files_without_places_of_layers_are_refused(tmp_path):
    dense().save(tmp_path / "model.h5")
    with pytest.raises(UserInputError, match="Invalid filename.*`.weights.h5`"):
        saving.KerasFileEditor(tmp_path / "model.h5")


@pytest.mark.filterwarnings("ignore:__array__ implementation")  # Keras's own
def test_a_file_is_changed_for_a_model_that_has_changed(editor, keras, tmp_path, capsys):
    old = {key: np.asarray(value) for key, value in editor.weights_dict["layers"]["dense"].items()}
    stack = [fkeras.Input((3,)), layers.Dense(2), layers.Dense(4), layers.Dense(1, use_bias=False)]
    target = fkeras.Sequential(stack)
    assert editor.compare(target) == {"status": "error", "error_count": 5, "match_count": 0}
    editor.delete_object("dense_1")
    editor.rename_object("layers/dense", "dense_1")
    editor.add_object("layers/dense", {"0": np.zeros((3, 2), "float32"), "1": np.zeros(2)})
    editor.add_object("layers/dense_2", {"1": np.zeros((4, 1))})
    assert editor.compare(target)["error_count"] == 3  # a shape, an array too few, one too many
    editor.delete_weight("dense_2", "1")
    editor.add_weights("dense_2", {"0": fkeras.ops.ones((4, 1))})
    editor.add_weights("dense_1", {"0": np.full((2, 4), 3.0)})
    result = editor.compare(target)
    assert result == {"status": "success", "error_count": 0, "match_count": 5}
    out = capsys.readouterr().out
    assert "Weight shape mismatch for /layers/dense_1/0: in model (2, 4), in saved" in out
    editor.save(tmp_path / "new.weights.h5")
    target.load_weights(tmp_path / "new.weights.h5")
    np.testing.assert_array_equal(target.layers[1].bias, old["1"])
    np.testing.assert_array_equal(target.layers[2].kernel, np.ones((4, 1)))
    theirs = keras.saving.KerasFileEditor(str(tmp_path / "new.weights.h5"))
    assert sorted(theirs.weights_dict["layers"]) == ["dense", "dense_1", "dense_2"]


def test_the_arrays_of_the_model_itself_and_of_nested_layers_stay(tmp_path):
    @saving.register_keras_serializable()
    class Outer(fkeras.Model):
        def __init__(self):
            super().__init__()
            self.block = fkeras.Sequential([layers.Dense(2)])
            self.offset = self.add_weight(shape=(), name="offset")

        def call(self, x):
            return self.block(x) + self.offset

    model = Outer()
    model(np.ones((1, 3)))
    model.save_weights(tmp_path / "model.weights.h5")
    editor = saving.KerasFileEditor(tmp_path / "model.weights.h5")
    editor.resave_weights(tmp_path / "again.weights.h5")
    before = model.get_weights()
    model.set_weights([w + 1 for w in before])
    model.load_weights(tmp_path / "again.weights.h5")
    for ours, theirs in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(ours, theirs)


WRONG = [
    (lambda e: e.delete_object("nowhere"), "'nowhere' does not appear"),
    (lambda e: e.delete_object("layers/nowhere"), "Path 'layers/nowhere' not found"),
    (lambda e: e.add_object("nowhere/dense", {}), "Path 'nowhere' not found"),
    (lambda e: e.rename_object("dense", "a/b"), "leaf name"),
    (lambda e: e.rename_object("dense", "dense_1"), "there is one of that name"),
    (lambda e: e.delete_weight("dense", "7"), r"Weights found: \['0', '1'\]"),
    (lambda e: e.add_weights("dense", [1]), "should be a dict"),
    (lambda e: e.add_object("layers/new", [1]), "should be a dict"),
    (lambda e: e.save("model.keras"), "expected a `.weights.h5`"),
]


@pytest.mark.parametrize("change, message", WRONG)
def test_wrong_names_and_values_are_refused(editor, change, message):
    with pytest.raises(UserInputError, match=message):
        change(editor)


def test_a_name_that_occurs_twice_needs_its_path(editor):
    editor.add_object("dense", {"0": np.zeros(1)})
    with pytest.raises(UserInputError, match=r"complete path: \['layers/dense', 'dense'\]"):
        editor.delete_object("dense")
