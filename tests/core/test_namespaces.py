"""What the public namespaces show, and what they say of names that they do not have."""

import importlib
import sys
import types

import pytest

import fkeras
from fkeras.core import namespaces

PUBLIC = [
    "activations",
    "backend",
    "callbacks",
    "compat",
    "config",
    "constraints",
    "data",
    "distribution",
    "dtype_policies",
    "errors",
    "initializers",
    "layers",
    "lift",
    "losses",
    "metrics",
    "mixed_precision",
    "models",
    "ops",
    "ops.image",
    "ops.linalg",
    "ops.nn",
    "ops.numpy",
    "optimizers",
    "optimizers.schedules",
    "random",
    "regularizers",
    "saving",
    "tree",
    "types",
    "utils",
    "visualization",
]
SUBMODULES = {
    "ops": {"image", "linalg", "nn", "numpy"},
    "optimizers": {"legacy", "schedules"},
    "preprocessing": {"image", "sequence", "text"},
    "utils": {"bounding_boxes", "legacy"},
}


def load(name):
    return importlib.import_module(f"fkeras.{name}")


def message_of(function):
    with pytest.raises((AttributeError, ImportError)) as caught:
        function()
    return str(caught.value)


def importing(statement):
    return lambda: exec(statement, {})


@pytest.mark.parametrize("name", PUBLIC)
def test_dir_shows_public_names_only(name):
    module = load(name)
    names = dir(module)
    assert names and names == sorted(names)
    assert not [n for n in names if n.startswith("_")]
    modules = {n for n in names if isinstance(getattr(module, n), types.ModuleType)}
    assert modules == SUBMODULES.get(name, set())
    assert not {"Any", "Callable", "TYPE_CHECKING", "annotations", "Iterable"} & set(names)


def test_dir_of_fkeras_is_its_table_of_contents():
    assert set(fkeras.__all__) <= set(dir(fkeras))
    hidden = {"core", "functools", "importlib", "typing", "_HOMES", "__file__"}
    assert not hidden & set(dir(fkeras))


@pytest.mark.parametrize("name", [n for n in PUBLIC if n not in ("errors", "types", "backend")])
def test_what_keras_has_in_a_namespace_shows(name, keras):
    theirs = importlib.import_module("keras")
    for part in name.split("."):
        theirs = getattr(theirs, part, None)
    public = [n for n in dir(theirs) if not n.startswith("_")] if theirs else []
    module = load(name)
    hidden = [n for n in public if hasattr(module, n) and n not in dir(module)]
    assert [n for n in hidden if not isinstance(getattr(module, n), types.ModuleType)] == []


@pytest.mark.parametrize(
    "statement",
    [
        "import fkeras.applications.resnet",
        "from fkeras.applications import VGG16",
        "from fkeras.applications.resnet import ResNet50",
        "from fkeras.applications import ResNet50",
        "from fkeras.layers import Dense, TFSMLayer",
        "import fkeras.export as export",
    ],
)
def test_imports_of_what_is_inside_say_it_too(statement):
    assert "fkeras does not have `keras." in message_of(importing(statement))


@pytest.mark.parametrize("name", PUBLIC)
def test_misspelt_names_are_told_the_nearest_one(name):
    if name in ("errors", "types", "backend"):
        return
    module = load(name)
    known = max(dir(module), key=len)
    assert f"'{known}'" in message_of(lambda: getattr(module, known[:-1] + "q"))


@pytest.mark.parametrize(
    "statement, known",
    [
        ("from fkeras import Modle", "Model"),
        ("from fkeras import optimizer_s", "optimizers"),
        ("from fkeras.layers import Dens", "Dense"),
        ("from fkeras.layers import LayerNormalisation", "LayerNormalization"),
        ("from fkeras.optimizers import adam_w", "AdamW"),
        ("from fkeras.callbacks import EarlyStop", "EarlyStopping"),
    ],
)
def test_misspelt_imports_are_told_the_nearest_one(statement, known):
    assert f"Did you mean '{known}'?" in message_of(importing(statement))


def test_what_nobody_knows_is_an_import_error_as_ever():
    with pytest.raises(ImportError, match="cannot import name 'Qwxyz'"):
        exec("from fkeras.layers import Qwxyz", {})
    with pytest.raises(ModuleNotFoundError, match="No module named 'fkeras.qwxyz'"):
        importlib.import_module("fkeras.qwxyz")


def test_probing_is_cheap_and_plain():
    assert not hasattr(fkeras.layers, "__wrapped__") and not hasattr(fkeras, "_repr_html_")
    assert getattr(fkeras.layers, "Nothing", 3) == 3
    assert message_of(lambda: fkeras.layers._x) == "module 'fkeras.layers' has no attribute '_x'"


def test_the_finder_is_there_once_and_last():
    namespaces.watch_imports()
    assert sys.meta_path.count(namespaces.MissingNameFinder) == 1
    assert namespaces.MissingNameFinder.find_spec("numpy.qwxyz") is None
