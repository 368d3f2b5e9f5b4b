"""The shape of the library itself: what importing it costs, and where its names live."""

import ast
import importlib
import pathlib
import subprocess
import sys

import pytest

import fkeras

ROOT = pathlib.Path(fkeras.__file__).parent
SOURCES = sorted(ROOT.rglob("*.py"))


def loaded_after(statement):
    code = f"import sys\n{statement}\nprint(*sys.modules)"
    return set(
        subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True
        ).stdout.split()
    )


def test_import_fkeras_loads_nothing_heavy():
    loaded = loaded_after("import fkeras")
    assert not {"jax", "flax", "numpy"} & loaded
    # The tables of what configs name, of what is not there yet and of former names are installed
    # at once: a few lines without imports.
    assert {m for m in loaded if m.startswith("fkeras")} == {
        "fkeras",
        "fkeras.core",
        "fkeras.core.config",
        "fkeras.core.config.homes",
        "fkeras.core.former_names",
        "fkeras.core.namespaces",
        "fkeras.core.not_there_yet",
        "fkeras.core.scoped",
        "fkeras.core.warn_once",
    }


def test_building_a_model_loads_only_jax_flax_and_optax():
    heavy = {
        "chex",
        "h5py",
        "keras",
        "orbax",
        "pandas",
        "rich.progress",
        "scipy",
        "sklearn",
        "tensorboard",
        "tensorflow",
        "torch",
        "jax.experimental.pallas",
    }
    # What Flax and Optax themselves load is theirs.
    allowed = loaded_after("import flax.nnx, optax")
    script = (
        "import fkeras\n"
        "layers = [fkeras.Input((4,)), fkeras.layers.Dense(2)]\n"
        "fkeras.Sequential(layers).compile('adam', 'mse')"
    )
    assert not (heavy & loaded_after(script)) - allowed


@pytest.mark.parametrize("name", sorted(fkeras.__all__))
def test_every_name_in_the_table_of_contents_exists(name):
    assert getattr(fkeras, name) is not None
    assert name in dir(fkeras)


def test_type_checkers_see_the_names_that_exist_at_run_time():
    tree = ast.parse((ROOT / "__init__.py").read_text())
    block = next(node for node in tree.body if isinstance(node, ast.If))
    rooms = dict.fromkeys(fkeras._ROOMS, "fkeras")
    assert {a.name: node.module for node in block.body for a in node.names} == {
        **fkeras._HOMES,
        **rooms,
    }


def test_unknown_name_is_an_attribute_error_with_the_nearest_name():
    with pytest.raises(AttributeError, match="no attribute 'Modle'. Did you mean 'Model'?"):
        _ = fkeras.Modle


def test_no_module_imports_keras_or_hides_an_import_of_fkeras_in_a_function():
    for path in SOURCES:
        tree = ast.parse(path.read_text())
        # What stands under `if TYPE_CHECKING:` is never imported.
        functions = (n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef | ast.Lambda))
        in_functions = {id(node) for function in functions for node in ast.walk(function)}
        for node in ast.walk(tree):
            if not isinstance(node, ast.Import | ast.ImportFrom):
                continue
            modules = (
                [node.module or ""]
                if isinstance(node, ast.ImportFrom)
                else [alias.name for alias in node.names]
            )
            for module in modules:
                assert module.split(".")[0] not in ("keras", "tf_keras"), path
                inside = module.split(".")[0] == "fkeras" and id(node) in in_functions
                # The command loads nothing before it knows what is wanted; the rooms have no such
                # excuse.
                assert not inside or path.parent.name in ("fkeras", "compat"), (
                    f"{path}:{node.lineno} imports {module} in a function"
                )


@pytest.mark.parametrize(
    "module", ["fkeras.layers", "fkeras.losses", "fkeras.optimizers.schedules"]
)
def test_a_config_naming_a_module_loads_that_room_only_when_asked(module):
    from fkeras.core.config import registry

    assert registry.builtins_of(module.removeprefix("f"))
    assert importlib.import_module(module)


def test_every_public_room_has_a_place_in_the_documentation():
    pages = (ROOT.parent / "docs" / "api").rglob("*.md")
    documented = {
        line.removeprefix("::: fkeras.").strip()
        for page in pages
        for line in page.read_text().splitlines()
        if line[:3] == ":::"
    }
    # core is for contributors, mixed_precision repeats names of other rooms.
    assert set(fkeras._ROOMS) - documented == {"core", "mixed_precision"}
