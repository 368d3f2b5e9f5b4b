import ast
import pathlib
import subprocess
import sys

import pytest

import fkeras
from fkeras.core.config import homes, registry


def test_the_top_package_installs_every_room_that_configs_name():
    assert homes.modules()[0] == "keras.layers"
    for module in homes.modules():
        homes.load(module)
        room = "compat.tensorflow" if module == "tensorflow" else module.removeprefix("keras.")
        assert f"fkeras.{room}" in sys.modules


def test_a_module_that_is_not_in_the_table_is_never_loaded(monkeypatch):
    monkeypatch.setattr("importlib.import_module", lambda name: pytest.fail(f"loads {name}"))
    homes.load("keras.utils")
    homes.load("os")
    assert registry.find("os", "system") is None
    assert registry.find("keras.os", "system") is None


def test_a_loader_is_called_for_its_module_only(monkeypatch):
    monkeypatch.setattr(homes, "_loaders", {})
    loaded = []
    homes.install({"keras.a": lambda: loaded.append("a"), "keras.b": lambda: loaded.append("b")})
    homes.load("keras.b")
    assert loaded == ["b"] and homes.modules() == ("keras.a", "keras.b")


def test_core_imports_nothing_above_it_by_any_means():
    root = pathlib.Path(fkeras.core.__file__).parent
    for path in root.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            assert "importlib" not in names, path
            assert getattr(node, "attr", None) != "import_module", path


def test_a_name_without_a_module_is_found_in_a_fresh_process():
    code = (
        "import fkeras\nfrom fkeras.core.config import registry\n"
        "print(registry.find(None, 'Dense').__name__, registry.find('keras', 'Adam').__name__)"
    )
    output = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert output.stdout.split() == ["Dense", "Adam"]
