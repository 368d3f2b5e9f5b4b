"""Models that begin with layers on the host: they train, evaluate and predict on strings."""

import jax
import numpy as np
import pytest

import fkeras
from fkeras import layers
from fkeras.errors import UserInputError
from fkeras.layers.base.host_values import HostOutputs
from fkeras.layers.preprocessing.host_layer import HostLayer

TEXTS = np.array(["a b", "b c d", "c", "a a"] * 4)
NUMBERS = np.linspace(0, 1, 32, dtype="float32").reshape(16, 2)
Y = np.array([0, 1, 0, 1] * 4)
IDS = np.array([[1, 2, 0], [2, 3, 4], [3, 0, 0], [1, 1, 0]] * 4)


@fkeras.saving.register_keras_serializable("tests")
class Words(HostLayer):
    """The places of a text's letters in the alphabet; 0 behind the end."""

    def __init__(self, width=3, **kwargs):
        super().__init__(**{"dtype": "int32", **kwargs})
        self.width = width
        self.calls = 0

    def call(self, inputs):
        self.calls += 1
        texts = np.reshape(inputs, -1).tolist()  # bytes, where a dataset gives them
        texts = [t.decode().split() if isinstance(t, bytes) else t.split() for t in texts]
        rows = [[ord(word) - 96 for word in text] + [0] * self.width for text in texts]
        return np.array([row[: self.width] for row in rows], np.int32)

    def compute_output_shape(self, input_shape):
        return (input_shape[0], self.width)


@fkeras.saving.register_keras_serializable("tests")
class Plus(HostLayer):
    """Strings with a letter behind them; ints that are one larger."""

    def call(self, inputs):
        return inputs + 1 if inputs.dtype.kind == "i" else np.char.add(inputs.astype(str), " d")

    def compute_output_spec(self, inputs):
        return fkeras.KerasTensor(inputs.shape, inputs.dtype)


def tower():
    return [layers.Embedding(5, 2, mask_zero=True), layers.GlobalAveragePooling1D()]


def head():
    return layers.Dense(2, activation="softmax")


def sequential(first=None):
    return fkeras.Sequential([*([] if first is None else [first]), Words(), *tower(), head()])


def functional():
    text = fkeras.Input((1,), dtype="string", name="text")
    number = fkeras.Input((2,), name="number")
    x = Words()(text)
    for layer in tower():
        x = layer(x)
    return fkeras.Model([text, number], head()(layers.Concatenate()([x, number])))


@fkeras.saving.register_keras_serializable("tests")
class Written(fkeras.Model):
    """A model that is a class."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.words, self.head = Words(), head()
        self.embed, self.mean = tower()
        self.join = layers.Concatenate()

    def call(self, inputs):
        text = self.mean(self.embed(self.words(inputs["text"])))
        return self.head(self.join([text, inputs["number"] * 2.0]))


def with_nested_preparation():
    text = fkeras.Input((1,), dtype="string", name="text")
    number = fkeras.Input((2,), name="number")
    prepare = fkeras.Sequential([fkeras.Input((1,), dtype="string"), Words()], name="prepare")
    x = prepare(text)
    for layer in tower():
        x = layer(x)
    return fkeras.Model({"text": text, "number": number}, head()(layers.Concatenate()([x, number])))


BOTH = {"text": TEXTS, "number": NUMBERS}
TEXTS_AND_Y = (BOTH, Y)
KINDS = {
    "Sequential": (sequential, TEXTS),
    "Sequential with Input": (lambda: sequential(fkeras.Input((1,), dtype="string")), TEXTS),
    "Sequential with Input of rank 1": (
        lambda: sequential(fkeras.Input((), dtype="string")),
        TEXTS,
    ),
    "functional": (functional, [TEXTS, NUMBERS]),
    "functional by name": (functional, BOTH),
    "nested": (with_nested_preparation, BOTH),
    "class": (Written, BOTH),
}
kinds = pytest.mark.parametrize("kind", KINDS)


def compiled(model, **options):
    model.compile("sgd", "sparse_categorical_crossentropy", metrics=["accuracy"], **options)
    return model


def rows(x, index):
    return jax.tree.map(lambda array: array[index], x)


@kinds
def test_a_model_trains_evaluates_and_predicts_on_strings(kind):
    make, x = KINDS[kind]
    model = compiled(make())
    history = model.fit(x, Y, epochs=2, batch_size=4, verbose=0, validation_split=0.25).history
    assert sorted(history) == ["accuracy", "loss", "val_accuracy", "val_loss"]
    assert history["loss"][1] != history["loss"][0]
    predicted = model.predict(x, verbose=0)
    assert predicted.shape == (16, 2)
    np.testing.assert_allclose(predicted, model(x), rtol=1e-5)
    loss, _ = model.evaluate(x, Y, verbose=0)
    expected = -np.log(predicted[np.arange(16), Y]).mean()
    np.testing.assert_allclose(loss, expected, rtol=1e-5)
    np.testing.assert_allclose(model.predict(rows(x, slice(1)), verbose=0), predicted[:1], 1e-5)


def test_the_numbers_are_those_of_a_model_that_is_given_ids():
    model = compiled(sequential())
    inner = compiled(fkeras.Sequential([*tower(), head()]))
    model.predict(TEXTS, verbose=0)
    inner.build((None, 3))
    inner.set_weights(model.get_weights())
    options = {"epochs": 2, "batch_size": 4, "shuffle": False, "verbose": 0}
    weights = {"sample_weight": np.linspace(1, 2, 16), "class_weight": {0: 1.0, 1: 3.0}}
    losses = model.fit(TEXTS, Y, **options, **weights).history["loss"]
    np.testing.assert_allclose(
        losses, inner.fit(IDS, Y, **options, **weights).history["loss"], 1e-6
    )


def test_the_host_part_runs_once_for_all_epochs():
    model = compiled(sequential())
    model.fit(TEXTS, Y, epochs=3, verbose=0)
    assert model.layers[0].calls == 1


@kinds
def test_one_batch_at_a_time(kind):
    make, x = KINDS[kind]
    model = compiled(make())
    loss, _ = model.train_on_batch(x, Y)
    assert np.isfinite(loss) and len(model.test_on_batch(x, Y)) == 2
    np.testing.assert_allclose(model.predict_on_batch(x), model(x), rtol=1e-5)


@kinds
def test_the_pure_functions_take_what_the_host_part_returned(kind):
    make, x = KINDS[kind]
    model = compiled(make())
    outputs = model.host(x)
    assert isinstance(outputs, HostOutputs)
    assert all(leaf.dtype.kind in "iuf" for leaf in jax.tree.leaves(outputs))
    assert outputs.values["words"].tolist() == IDS.tolist()
    variables = model.init(jax.random.key(0), outputs)
    predicted, _ = jax.jit(model.apply)(variables, outputs)
    model.set_variables(variables)
    np.testing.assert_allclose(predicted, model(x), rtol=1e-5)
    state = model.init_state(jax.random.key(0), (outputs, Y))
    state, logs = jax.jit(model.step)(state, (outputs, Y))
    assert int(state.step) == 1 and np.isfinite(logs["loss"])
    batches = jax.tree.map(lambda leaf: np.stack([leaf] * 2), (outputs, Y))
    state, logs = jax.lax.scan(model.step, state, batches)
    assert int(state.step) == 3


def batches_of(x, y):
    for start in range(0, 16, 4):
        part = slice(start, start + 4)
        yield rows(x, part), y[part]


class Parts(fkeras.utils.PyDataset):
    """Batches by number."""

    def __len__(self):
        return 4

    def __getitem__(self, index):
        return list(batches_of(BOTH, Y))[index]


STREAMS = {
    "generator": lambda: batches_of(BOTH, Y),
    "PyDataset": Parts,
    "PyDataset on threads": lambda: Parts(workers=2),
    "list of batches": lambda: iter(list(batches_of(BOTH, Y))),
    "dataset": lambda: fkeras.data.Dataset.from_tensor_slices((BOTH, Y)).batch(4),
}


@pytest.mark.parametrize("stream", STREAMS)
@pytest.mark.parametrize("make", [with_nested_preparation, Written], ids=["graph", "class"])
def test_streams_give_what_arrays_give(make, stream):
    model = compiled(make())
    model.predict(BOTH, verbose=0)
    weights = model.get_weights()
    options = {"verbose": 0, "shuffle": False}
    expected = model.fit(BOTH, Y, batch_size=4, **options).history["loss"]
    model = compiled(make())
    model.predict(BOTH, verbose=0)
    model.set_weights(weights)
    losses = model.fit(STREAMS[stream](), validation_data=STREAMS[stream](), **options).history
    np.testing.assert_allclose(losses["loss"], expected, rtol=1e-6)
    np.testing.assert_allclose(model.evaluate(STREAMS[stream](), verbose=0)[0], losses["val_loss"])


def test_lists_and_columns_of_strings_are_inputs():
    pd = pytest.importorskip("pandas")
    model = compiled(sequential())
    expected = model.predict(TEXTS, verbose=0)
    for x in (TEXTS.tolist(), pd.Series(TEXTS), pd.DataFrame({"text": TEXTS})["text"]):
        np.testing.assert_array_equal(model.predict(x, verbose=0), expected)
    assert model.fit(TEXTS.tolist(), Y.tolist(), verbose=0).history["loss"]


def test_layers_on_the_host_feed_each_other_and_are_shared():
    first, second = (fkeras.Input((), dtype="string", name=name) for name in "ab")
    plus, words = Plus(), Words()
    outputs = layers.Concatenate()([words(plus(first)), words(second)])
    model = fkeras.Model([first, second], outputs)
    x = [np.array(["a"]), np.array(["b c"])]
    assert model.predict(x, verbose=0).tolist() == [[1, 4, 0, 2, 3, 0]]
    assert sorted(model.host(x).values) == ["plus", "words", "words_call2"]


def test_ints_are_for_layers_on_the_host_too():
    number = fkeras.Input((1,), dtype="int32")
    model = fkeras.Model(number, Plus(dtype="int32")(number))
    assert model.predict(np.array([[7], [8]]), verbose=0).tolist() == [[8], [9]]

    class WithInts(fkeras.Model):
        def __init__(self):
            super().__init__()
            self.plus = Plus(dtype="int32")

        def call(self, inputs):
            return self.plus(inputs[:, 0]) * 2

    assert WithInts().predict(np.array([[7], [8]]), verbose=0).tolist() == [16, 18]


def test_a_model_of_layers_on_the_host_alone():
    assert fkeras.Sequential([Words()]).predict(TEXTS, verbose=0).tolist() == IDS.tolist()


def test_a_trained_model_behind_a_model_of_preparation():
    trained = compiled(fkeras.Sequential([*tower(), head()]))
    trained.fit(IDS, Y, verbose=0)
    text = fkeras.Input((1,), dtype="string")
    served = fkeras.Model(text, trained(Words()(text)))
    np.testing.assert_allclose(
        served.predict(TEXTS, verbose=0), trained.predict(IDS, verbose=0), rtol=1e-6
    )
    stacked = fkeras.Sequential([fkeras.Input((1,), dtype="string"), Words(), trained])
    np.testing.assert_array_equal(
        stacked.predict(TEXTS, verbose=0), served.predict(TEXTS, verbose=0)
    )


class Inside(layers.Layer):
    """A layer that holds one on the host and one on the device."""

    def __init__(self):
        super().__init__()
        self.words, self.embed = Words(), layers.Embedding(5, 2)

    def call(self, inputs):
        return self.embed(self.words(inputs))

    def compute_output_spec(self, inputs):
        return fkeras.KerasTensor((inputs.shape[0], 3, 2))


def test_a_layer_that_holds_both_kinds():
    model = compiled(fkeras.Sequential([Inside(), layers.Flatten(), head()]))
    model.fit(TEXTS, Y, verbose=0)
    np.testing.assert_allclose(model.predict(TEXTS, verbose=0), model(TEXTS), rtol=1e-5)
    assert model.layers[0].words.calls > 0


@pytest.mark.parametrize("suffix", [".keras", ".h5", ""])
@pytest.mark.parametrize("kind", ["Sequential with Input", "functional", "nested"])
def test_files_hold_both_parts(kind, suffix, tmp_path):
    make, x = KINDS[kind]
    model = compiled(make())
    model.fit(x, Y, verbose=0)
    path = tmp_path / f"model{suffix}"
    model.save(path)
    loaded = fkeras.saving.load_model(path)
    np.testing.assert_array_equal(loaded.predict(x, verbose=0), model.predict(x, verbose=0))
    loaded.fit(x, Y, verbose=0)


@pytest.mark.parametrize("kind", ["Sequential with Input", "functional", "nested"])
def test_clones_and_json_hold_both_parts(kind):
    make, x = KINDS[kind]
    model = compiled(make())
    expected = model.predict(x, verbose=0)
    for copy in (
        fkeras.models.clone_model(model),
        fkeras.models.model_from_json(model.to_json()),
    ):
        copy.set_weights(model.get_weights())
        np.testing.assert_array_equal(copy.predict(x, verbose=0), expected)
    lines = []
    model.summary(print_fn=lines.append)
    assert "(Words)" in "\n".join(lines) or "(Sequential)" in "\n".join(lines)


def test_inputs_too_large_for_memory_are_computed_batch_by_batch(monkeypatch):
    monkeypatch.setattr("fkeras.data.computed_rows._MOST_BYTES", 10)
    monkeypatch.setattr("fkeras.data.computed_rows._ROWS_TRIED", 2)
    model = compiled(with_nested_preparation())
    model.predict(BOTH, verbose=0)
    calls = model.get_layer("prepare").layers[-1].calls
    model.fit(BOTH, Y, batch_size=4, epochs=2, verbose=0, shuffle=False)
    assert model.get_layer("prepare").layers[-1].calls > calls + 8
    plain = compiled(with_nested_preparation())
    np.testing.assert_allclose(
        model.evaluate(BOTH, Y, batch_size=4, verbose=0),
        model.evaluate(STREAMS["generator"](), verbose=0),
        rtol=1e-6,
    )
    assert plain.predict(BOTH, verbose=0).shape == (16, 2)


@pytest.mark.parametrize("x", ["arrays", "dataset"])
def test_a_training_that_was_cut_off_goes_on(x, tmp_path):
    class Cut(fkeras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            if self.params["epochs"] == 3 and batch == 2:
                raise OSError("power cut")

    def train(*callbacks, epochs=2):
        fkeras.utils.set_random_seed(0)
        model = compiled(with_nested_preparation())
        data = TEXTS_AND_Y if x == "arrays" else (STREAMS["dataset"](),)
        size = {"batch_size": 4} if x == "arrays" else {}
        model.fit(*data, epochs=epochs, verbose=0, callbacks=[*callbacks], **size)
        return model.get_weights()

    backup = lambda: fkeras.callbacks.BackupAndRestore(tmp_path / "backup", save_freq=1)
    with pytest.raises(OSError, match="power cut"):
        train(backup(), Cut(), epochs=3)
    for value, expected in zip(train(backup()), train(), strict=True):
        np.testing.assert_array_equal(value, expected)


def test_what_the_host_part_returned_is_data_too():
    model = compiled(with_nested_preparation())
    outputs = model.host(BOTH)
    assert model.host(outputs).values["words"].tolist() == IDS.tolist()
    np.testing.assert_array_equal(model.predict(outputs, verbose=0), model.predict(BOTH, verbose=0))
    ready = fkeras.data.Dataset.from_tensor_slices((BOTH, Y)).batch(4)
    ready = ready.map(lambda x, y: (model.host(x), y))
    assert np.isfinite(model.fit(ready, verbose=0).history["loss"][0])


def test_datasets_map_layers_of_both_kinds():
    texts = fkeras.data.Dataset.from_tensor_slices(TEXTS).batch(4)
    words = Words()
    ids = np.concatenate(list(texts.map(words, num_parallel_calls=2)))
    assert ids.tolist() == IDS.tolist()
    embed = layers.Embedding(5, 2)
    embedded = np.concatenate(list(texts.map(words).map(embed)))
    np.testing.assert_array_equal(embedded, embed(IDS))
    model = fkeras.Sequential([Words(), embed])
    np.testing.assert_array_equal(np.concatenate(list(texts.map(model))), embedded)


def test_functions_of_the_inputs_alone_are_computed_for_layers_on_the_host():
    number = fkeras.Input((4,), name="number")
    low, high = fkeras.ops.split(fkeras.ops.cast(number, "int32"), 2, axis=1)
    flat = layers.Flatten()(layers.Reshape((2, 1))(high))
    outputs = layers.Concatenate()([low, Plus(dtype="int32")(flat)])
    model = fkeras.Model(number, outputs)
    x = np.array([[1.5, 2.5, 3.5, 4.5]])
    assert model.predict(x, verbose=0).tolist() == model(x).tolist() == [[1, 2, 4, 5]]


def test_warming_up_compiles_what_fit_on_strings_runs(compilations):
    model = compiled(sequential())
    model.warmup(TEXTS, Y, batch_size=4)
    with compilations() as during:
        model.fit(TEXTS, Y, batch_size=4, epochs=2, verbose=0)
    assert not during


# -- what cannot be -------------------------------------------------------------


def test_a_layer_on_the_host_behind_one_on_the_device_is_refused_when_the_model_is_made():
    x = fkeras.Input((2,), dtype="int32")
    outputs = Plus(name="later")(layers.Embedding(3, 2, name="sooner")(x))
    with pytest.raises(UserInputError, match="Plus 'later' runs on the host.*Embedding 'sooner'"):
        fkeras.Model(x, outputs)
    with pytest.raises(UserInputError, match="Plus 'later' runs on the host.*Embedding 'sooner'"):
        fkeras.Sequential([x, layers.Embedding(3, 2, name="sooner"), Plus(name="later")])


def test_a_call_that_computes_on_the_way_to_the_host_is_refused():
    class Wrong(fkeras.Model):
        def __init__(self):
            super().__init__()
            self.plus = Plus(name="plus", dtype="int32")

        def call(self, inputs):
            return self.plus(fkeras.ops.abs(inputs))

    with pytest.raises(UserInputError, match=r"'plus' \(Plus\) runs on the host.*computed on the"):
        Wrong().predict(np.array([1, 2]), verbose=0)


def test_strings_in_a_trace_name_the_way_out():
    model = compiled(sequential())
    model.predict(TEXTS, verbose=0)
    with pytest.raises(UserInputError, match=r"model\.host\(x\)"):
        model.step(model.train_state(), (TEXTS, Y))
    with pytest.raises(UserInputError, match=r"model\.host\(x\)"):
        model.init_state(jax.random.key(0), (TEXTS, Y))


def test_a_model_without_such_layers_names_them():
    model = compiled(fkeras.Sequential([head()]))
    with pytest.raises(UserInputError, match="StringLookup.*TextVectorization"):
        model.fit(TEXTS, Y, verbose=0)


@pytest.mark.parametrize("text, number", [(NUMBERS, NUMBERS), (TEXTS, TEXTS)])
def test_strings_and_numbers_in_each_others_place(text, number):
    model = compiled(with_nested_preparation())
    with pytest.raises(UserInputError, match="Input '(text|number)'.*declared to be of dtype"):
        model.predict({"text": text[:, :1] if text.ndim > 1 else text, "number": number}, verbose=0)


def test_strings_as_outputs_name_the_way_out():
    model = fkeras.Sequential([Plus()])
    assert model(np.array(["a"])).tolist() == ["a d"]
    with pytest.raises(UserInputError, match=r"returns strings.*`model\(x\)`"):
        model.predict(["a"], verbose=0)


def test_strings_as_targets_name_the_remedy():
    with pytest.raises(UserInputError, match="y holds strings.*StringLookup"):
        compiled(sequential()).fit(TEXTS, TEXTS, verbose=0)


def test_outputs_of_another_model_are_refused():
    other = fkeras.Sequential([Words(name="others")])
    model = compiled(sequential())
    with pytest.raises(UserInputError, match="'words'.*'others'"):
        model.predict_on_batch(other.host(TEXTS))
