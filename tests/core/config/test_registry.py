import pytest

import fkeras
from fkeras.core.config import registry
from fkeras.errors import UserInputError


@pytest.fixture(autouse=True)
def _own_tables(monkeypatch):
    monkeypatch.setattr(registry, "_registered", {})
    monkeypatch.setattr(registry, "_names_of_registered", {})


def register(package="my", name=None):
    @fkeras.saving.register_keras_serializable(package, name)
    class Twice(fkeras.layers.Layer):
        def call(self, x):
            return 2 * x

    return Twice


def test_a_registered_class_is_found_by_package_and_name():
    cls = register()
    assert fkeras.saving.get_registered_name(cls) == "my>Twice"
    assert fkeras.saving.get_registered_object("my>Twice") is cls
    assert fkeras.saving.get_registered_object("Twice") is None
    assert fkeras.saving.get_custom_objects()["my>Twice"] is cls


def test_another_name_can_be_given_and_the_package_has_a_default():
    cls = register("Custom", "Doubled")
    assert fkeras.saving.get_registered_name(cls) == "Custom>Doubled"

    @fkeras.saving.register_keras_serializable()
    def halve(x):
        return x / 2

    assert fkeras.saving.get_registered_object("Custom>halve") is halve and halve(4) == 2


def test_an_unregistered_object_goes_by_its_own_name():
    assert fkeras.saving.get_registered_name(len) == "len"
    unhashable = type("Unhashable", (), {"__hash__": None, "__name__": "mine"})()
    assert fkeras.saving.get_registered_name(unhashable) == "mine"
    assert registry.home_of(unhashable) is None


def test_a_class_without_a_config_cannot_be_registered():
    with pytest.raises(UserInputError, match="does not have a get_config.*'Bare'"):

        @fkeras.saving.register_keras_serializable()
        class Bare:
            pass

    with pytest.raises(UserInputError, match="expected a class or a function"):
        fkeras.saving.register_keras_serializable()(3)


def test_the_callers_names_win_over_scopes_and_scopes_over_registered_ones():
    cls = register()
    look = lambda custom=None: fkeras.saving.get_registered_object("my>Twice", custom)
    with fkeras.saving.custom_object_scope({"my>Twice": "scope"}):
        assert look({"my>Twice": "argument"}) == "argument" and look() == "scope"
    assert look() is cls
    assert registry.get_registered_object("x", module_objects={"x": 1}) == 1


@pytest.mark.parametrize(
    ("module", "name", "expected"),
    [
        ("keras.layers", "Dense", fkeras.layers.Dense),
        ("fkeras.layers", "Dense", fkeras.layers.Dense),
        ("tf_keras.layers", "Dense", fkeras.layers.Dense),
        ("tensorflow.keras.layers", "Dense", fkeras.layers.Dense),
        ("keras", "Sequential", fkeras.Sequential),
        (None, "Dense", fkeras.layers.Dense),
        ("keras.src.layers.core.dense", "Dense", fkeras.layers.Dense),
        ("keras.src.initializers.random_initializers", "Identity", fkeras.initializers.Identity),
        ("keras.src.layers.core.identity", "Identity", fkeras.layers.Identity),
        ("keras.optimizers.schedules", "CosineDecay", fkeras.optimizers.schedules.CosineDecay),
        ("keras.layers", "Dens", None),
        ("keras.src.layers", "Dens", None),
        ("keras.optimizers", "Dense", None),
        ("torch.nn", "Dense", None),
        (None, "Dens", None),
    ],
)
def test_a_config_finds_its_class_by_any_of_keras_modules(module, name, expected):
    assert registry.find(module, name) is expected


def test_a_registered_name_comes_before_fkerass_own():
    mine = register("keras", "Dense")
    assert registry.find("keras.layers", "Dense", "keras>Dense") is mine
    assert registry.find("keras.layers", "Dense", "other>Dense") is fkeras.layers.Dense


def test_fkerass_own_objects_know_their_module():
    assert registry.home_of(fkeras.layers.Dense) == "keras.layers"
    assert registry.is_builtin(fkeras.losses.MeanSquaredError)
    assert registry.home_of(register()) is None and not registry.is_builtin(len)
