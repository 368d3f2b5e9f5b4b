"""Saving and loading as users call it: arguments, paths, and code in configs."""

import numpy as np
import pytest

import fkeras
from fkeras import layers, saving
from fkeras.errors import NotBuiltError, UserInputError
from tests.saving.models import Counted, X, Y, dense


def test_save_and_load_model(tmp_path):
    model = fkeras.Sequential([fkeras.Input((3,)), Counted()])
    saving.save_model(model, str(tmp_path / "deep" / "model"))
    again = saving.load_model(tmp_path / "deep" / "model")
    assert isinstance(again.layers[0], Counted)
    np.testing.assert_array_equal(again.predict(X, verbose=0), model.predict(X, verbose=0))


def test_the_optimizer_can_be_left_out(tmp_path):
    model = dense(compiled=True)
    model.fit(X, Y, verbose=0)
    saving.save_model(model, tmp_path / "model", include_optimizer=False)
    again = saving.load_model(tmp_path / "model")
    assert again.compiled and int(again.optimizer.iterations.numpy()) == 0


def test_custom_objects_are_looked_at_first(tmp_path):
    class Mine(layers.Dense):
        pass

    fkeras.Sequential([fkeras.Input((3,)), Mine(2)]).save(tmp_path / "model")
    with pytest.raises(ValueError, match="Mine"):
        saving.load_model(tmp_path / "model")
    again = saving.load_model(tmp_path / "model", custom_objects={"Mine": Mine})
    assert type(again.layers[0]) is Mine


def test_skipped_weights_are_listed_in_one_warning_at_the_line_of_the_user(tmp_path):
    dense((4, 2)).save_weights(tmp_path / "weights")
    with pytest.warns(UserWarning, match=r"(?s)2 weights.*\(4 are in the file\).*dense_1/bias") as (
        caught
    ):
        dense((4, 5)).load_weights(tmp_path / "weights", skip_mismatch=True)
    assert len(caught) == 1 and caught[0].filename == __file__


def test_weights_of_the_whole_model_can_be_taken_by_another(tmp_path):
    model = dense(compiled=True)
    model.save(tmp_path / "model")
    other = dense()
    other.load_weights(tmp_path / "model")
    np.testing.assert_array_equal(other.get_weights()[0], model.get_weights()[0])


@pytest.mark.parametrize("name", ["model", "model.keras", "model.h5"])
def test_a_model_that_was_compiled_and_never_trained_comes_back(tmp_path, name):
    model = dense(compiled=True)
    model.optimizer.learning_rate = 0.125
    model.save(tmp_path / name)
    again = saving.load_model(tmp_path / name)
    assert float(again.optimizer.learning_rate) == 0.125
    again.fit(X, Y, verbose=0)


WRONG = [
    (lambda path: saving.save_model(dense(), path / "m", zipped=True), "zipped=True.*'.keras'"),
    (lambda path: saving.save_model(dense(), path / "m.keras", zipped=False), "zipped=False"),
    (lambda path: saving.save_model(dense(), path / "m", form=1), r"`save`: .*\['form'\]"),
    (lambda path: saving.save_model(dense(), path / "m.h5", save_format="tf"), "do not agree"),
    (lambda path: saving.save_weights(dense(), path, form=1), r"`save_weights`: .*\['form'\]"),
    (lambda path: saving.load_weights(dense(), path, form=1), r"`load_weights`: .*\['form'\]"),
    (lambda path: saving.save_model(dense(), path / "m.weights.h5"), "for weights alone"),
    (lambda path: saving.save_weights(dense(), path / "m.keras"), "for whole models"),
    (lambda path: saving.load_weights(dense(), path / "m.h5"), "does not exist"),
    (lambda path: saving.load_model(path / "nowhere"), "does not exist"),
    (lambda path: saving.load_model(path), "not a saved model: .*without 'fkeras.json'"),
    (lambda path: saving.load_weights(dense(), path), "not saved weights: .*a directory"),
]


@pytest.mark.parametrize("use, message", WRONG, ids=[message for _, message in WRONG])
def test_wrong_uses_are_explained(tmp_path, use, message):
    with pytest.raises(UserInputError, match=message):
        use(tmp_path)


def test_weights_without_an_architecture_are_no_model(tmp_path):
    dense().save_weights(tmp_path / "weights")
    with pytest.raises(UserInputError, match=r"without an architecture.*model.load_weights\('/"):
        saving.load_model(tmp_path / "weights")


PLACES = [
    ("save", "model"),
    ("save", "model.keras"),
    ("save", "model.h5"),
    ("save_weights", "model"),
    ("save_weights", "model.weights.h5"),
    ("save_weights", "weights.h5"),
    ("save_weights", "model.ckpt"),
]


@pytest.mark.parametrize("method, name", PLACES)
def test_what_exists_is_replaced_only_if_wanted(tmp_path, method, name):
    first, second = dense(), dense()
    getattr(first, method)(tmp_path / name)
    with pytest.raises(UserInputError, match="exists already"):
        getattr(second, method)(tmp_path / name, overwrite=False)
    getattr(second, method)(tmp_path / name)
    first.load_weights(tmp_path / name)
    np.testing.assert_array_equal(first.get_weights()[0], second.get_weights()[0])


def test_models_that_are_not_built_can_neither_be_saved_nor_loaded(tmp_path):
    dense().save_weights(tmp_path / "weights")
    model = fkeras.Sequential([layers.Dense(4)])
    for use in (model.save, model.save_weights):
        with pytest.raises(NotBuiltError, match="it has no weights to save"):
            use(tmp_path / "model")
    with pytest.raises(NotBuiltError, match="not yet been built"):
        model.load_weights(tmp_path / "weights")


# -- code in configs ---------------------------------------------------------------------------


def plain():
    return fkeras.Sequential([fkeras.Input((3,)), layers.Lambda(lambda x: 2 * x)])


def in_a_wrapper():
    return fkeras.Sequential(
        [fkeras.Input((4, 3)), layers.TimeDistributed(layers.Lambda(lambda x: 2 * x))]
    )


def in_a_model():
    return fkeras.Sequential([fkeras.Input((3,)), plain(), layers.Dense(1)])


LAMBDAS = [(plain, (2, 3)), (in_a_wrapper, (2, 4, 3)), (in_a_model, (2, 3))]


@pytest.mark.parametrize("make, shape", LAMBDAS)
def test_code_in_a_saved_model_is_refused_unless_the_caller_allows_it(tmp_path, make, shape):
    model, x = make(), np.ones(shape, "float32")
    model.save(tmp_path / "model")
    for safe_mode in (True, None):
        with pytest.raises(UserInputError, match="safe_mode=False"):
            saving.load_model(tmp_path / "model", safe_mode=safe_mode)
    again = saving.load_model(tmp_path / "model", safe_mode=False)
    np.testing.assert_array_equal(again.predict(x, verbose=0), model.predict(x, verbose=0))
    with pytest.raises(UserInputError, match="safe_mode=False"):  # it held for one call
        saving.load_model(tmp_path / "model")


def test_unsafe_deserialization_allows_code_everywhere(tmp_path):
    in_a_wrapper().save(tmp_path / "model")
    fkeras.config.enable_unsafe_deserialization()
    x = np.ones((2, 4, 3), "float32")
    np.testing.assert_array_equal(
        saving.load_model(tmp_path / "model").predict(x, verbose=0), 2 * x
    )


def test_a_file_cannot_turn_safe_mode_off(tmp_path):
    plain().save(tmp_path / "model", zipped=False)
    config = tmp_path / "model" / "config.json"
    text = config.read_text()
    config.write_text(text.replace('"config": {', '"safe_mode": false, "config": {'))
    with pytest.raises(UserInputError, match="safe_mode=False"):
        saving.load_model(tmp_path / "model")


def test_a_list_that_holds_itself_does_no_harm(tmp_path):
    class Cyclic(fkeras.Model):
        def __init__(self):
            super().__init__()
            self.blocks = [layers.Dense(2)]
            self.blocks.append(self.blocks)

        def call(self, x):
            return self.blocks[0](x)

    first, second = Cyclic(), Cyclic()
    for model in (first, second):
        model(X)
    first.save_weights(tmp_path / "cyclic.weights.h5")
    second.load_weights(tmp_path / "cyclic.weights.h5")
    np.testing.assert_array_equal(first.get_weights()[0], second.get_weights()[0])


@saving.register_keras_serializable("tests.saving")
class NotBuilt(fkeras.Model):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.dense = layers.Dense(1)

    def call(self, x):
        return self.dense(x)


UNBUILT = [lambda: fkeras.Sequential([layers.Dense(1), layers.Dropout(0.5)]), NotBuilt]


@pytest.mark.parametrize("make", UNBUILT, ids=["Sequential", "subclass"])
@pytest.mark.parametrize("compiled", [False, True])
def test_a_model_that_is_not_built_is_saved_without_weights(tmp_path, make, compiled):
    model = make()
    if compiled:
        model.compile("adam", "mse")
    model.save(tmp_path / "model.keras")
    again = saving.load_model(tmp_path / "model.keras")
    assert (again.built, again.compiled) == (False, compiled)
    assert again(X).shape == (8, 1) and again.build_key is not None
    if compiled:
        assert again.train_on_batch(X, Y) > 0
    with pytest.raises(NotBuiltError):
        model.save(tmp_path / "model.h5")


NAMES = ["model", "model.keras", "model.h5"]


@pytest.mark.parametrize("name", NAMES)
def test_names_that_counted_on_do_not_part_a_model_from_its_weights(tmp_path, name):
    for _ in range(2):  # the second one's layers are dense_3, dropout_1, ...
        x = fkeras.Input((3,))
        hidden = layers.Dropout(0.5)(layers.Dense(2)(x))
        model = fkeras.Model(x, layers.Dense(1)(hidden))
    model.compile("sgd", "mse")
    model.save(tmp_path / name)
    again = saving.load_model(tmp_path / name)
    assert again.train_on_batch(X, Y) == model.train_on_batch(X, Y)  # the same dropout, too


@pytest.mark.parametrize("name", ["weights", "model.weights.h5", "model.weights.json"])
def test_weights_come_with_the_state_of_a_trained_optimizer(tmp_path, name):
    model, trained, fresh, other = (dense(compiled=True) for _ in range(4))
    other.compile("sgd", "mse")
    for one in (model, trained, other):
        one.train_on_batch(X, Y)
    model.train_on_batch(X, Y)
    model.save_weights(tmp_path / name)
    trained.load_weights(tmp_path / name)
    for ours, theirs in zip(trained.optimizer.variables, model.optimizer.variables, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    with pytest.warns(UserWarning, match=r"not the one that .* has now \('sgd.*only weights"):
        other.load_weights(tmp_path / name)
    if name == "weights":  # Keras tells of its files only
        fresh.load_weights(tmp_path / name)
        assert not fresh.optimizer.built
