"""From the third model on, models that are like ones before take over programs untraced."""

import gc
import warnings
import weakref

import jax
import numpy as np
import pytest

import fkeras
from fkeras import layers
from fkeras.core import shared_programs
from fkeras.training import shared_traces

X = np.linspace(-1, 1, 30, dtype="float32").reshape(10, 3)
Y = (X.sum(axis=1, keepdims=True) > 0).astype("float32")
_lowered = []
jax.monitoring.register_event_duration_secs_listener(
    lambda event, *_, **__: _lowered.append(event) if event.endswith("mlir_module_duration") else 0
)


@pytest.fixture(autouse=True)
def empty():
    shared_programs.clear()
    yield
    shared_programs.clear()


def model(inner=None, loss="binary_crossentropy", optimizer=None, seed=0, **options):
    fkeras.utils.set_random_seed(seed)
    inner = [layers.Dense(4, "relu"), layers.Dropout(0.5)] if inner is None else inner
    made = fkeras.Sequential([fkeras.Input((3,)), *inner, layers.Dense(1, activation="sigmoid")])
    made.compile(optimizer or fkeras.optimizers.Adam(0.1), loss, metrics=["accuracy"], **options)
    return made


def trained(made, x=X, y=Y):
    made.fit(x, y, epochs=2, batch_size=4, validation_data=(x[:6], y[:6]), verbose=0)
    results = made.evaluate(x, y, verbose=0)
    return [*made.get_weights(), made.predict(x, verbose=0), results, made.history.history["loss"]]


def lowered(make):
    """How many programs were lowered, and the results."""
    before = len(_lowered)
    results = trained(make())
    return len(_lowered) - before, results


def same(first, second):
    for a, b in zip(first, second, strict=True):
        np.testing.assert_array_equal(a, b)


def test_the_third_model_is_not_traced_and_has_the_numbers_of_the_first():
    (first, results), (second, again), (third, taken) = [lowered(model) for _ in range(3)]
    assert first > 0 and second > 0 and third == 0
    same(results, again)
    same(results, taken)


def test_other_seeds_take_over_the_same_programs():
    alone = trained(model(seed=5))
    shared_programs.clear()
    for seed in (1, 2):
        trained(model(seed=seed))
    count, results = lowered(lambda: model(seed=5))
    assert count == 0
    same(alone, results)


def functional():
    fkeras.utils.set_random_seed(0)
    inputs = fkeras.Input((3,))
    x = layers.Dense(4)(inputs)
    x = layers.BatchNormalization()(fkeras.ops.relu(x) * 2)
    x = layers.Add()([x, layers.Dense(4)(x)])
    made = fkeras.Model(inputs, layers.Dense(1, activation="sigmoid")(x))
    made.compile(fkeras.optimizers.SGD(0.1, momentum=0.9), "mse")
    return made


def recurrent():
    inner = [layers.Reshape((3, 1)), layers.Bidirectional(layers.LSTM(2))]
    return model(inner, optimizer=fkeras.optimizers.RMSprop(0.1))


@pytest.mark.parametrize("make", [functional, recurrent])
def test_further_kinds_of_models(make):
    results = [lowered(make) for _ in range(3)]
    assert results[-1][0] == 0
    same(results[0][1], results[-1][1])


def test_arguments_of_other_kinds_have_programs_of_their_own():
    for _ in range(2):
        trained(model())
    made = model()
    trained(made)
    rows = X[:7].astype("float16")
    shared_programs.clear()
    np.testing.assert_array_equal(
        made.predict(rows, batch_size=3, verbose=0),
        np.concatenate([made.predict_on_batch(part) for part in (rows[:3], rows[3:6], rows[6:])]),
    )


class Own(layers.Layer):
    def call(self, x):
        return x * 2


@pytest.mark.parametrize(
    "make",
    [
        lambda: model([Own()]),
        lambda: model([layers.Lambda(lambda x: x * 2)]),
        lambda: model([layers.Dense(3, activation=lambda x: x)]),
        lambda: model(loss=lambda y, p: fkeras.ops.mean((y - p) ** 2)),
        lambda: model(optimizer=fkeras.optimizers.Adam(fkeras.Variable(0.1))),
    ],
    ids=["layer", "lambda", "activation", "loss", "variable"],
)
def test_what_a_user_wrote_is_traced_each_time(make):
    assert all(lowered(make)[0] > 0 for _ in range(3))
    assert len(shared_traces._entries) == 0


def _changed(change, make=model):
    made = make()
    change(made)
    return made


def _rate(made):
    made.layers[1].rate = 0.25


def _own_call(made):
    call = made.layers[0].call
    made.layers[0].call = lambda x: call(x) * 2


def _frozen(made):
    made.layers[0].trainable = False
    made.compile("adam", "binary_crossentropy", metrics=["accuracy"])


# What is done to a third model, which must not do what the first two left.
CHANGES = {
    "attribute": _rate,
    "method of an object": _own_call,
    "trainable": _frozen,
    "another compile": lambda made: made.compile("sgd", "mse"),
    "epsilon": lambda made: fkeras.config.set_epsilon(0.1),
    "clip": lambda made: setattr(made.optimizer, "clipvalue", 1e-3),
    "weight decay": lambda made: setattr(made.optimizer, "weight_decay", 0.5),
    "activation": lambda made: setattr(made.layers[0], "activation", fkeras.activations.tanh),
    "policy": lambda made: setattr(made.layers[0], "dtype_policy", "bfloat16"),
    "regularizer": lambda made: setattr(
        made.layers[0], "activity_regularizer", fkeras.regularizers.L2(0.5)
    ),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_model_that_was_changed_computes_what_it_says(change):
    epsilon = fkeras.config.epsilon()
    try:
        first = [trained(model()) for _ in range(2)][1]
        after_others = trained(_changed(change))
        shared_programs.clear()
        fkeras.config.set_epsilon(epsilon)
        alone = trained(_changed(change))
    finally:
        fkeras.config.set_epsilon(epsilon)
    same(after_others, alone)
    assert any(np.any(np.asarray(a) != np.asarray(b)) for a, b in zip(first, alone))


def test_patched_functions_are_seen(monkeypatch):
    for _ in range(2):
        trained(model())
    monkeypatch.setattr(layers.Dropout, "call", lambda self, x, training=False: x * 3)
    patched = trained(model())
    shared_programs.clear()
    same(patched, trained(model()))
    monkeypatch.undo()
    assert np.any(trained(model())[0] != patched[0])


def test_settings_of_jax_are_seen():
    results = [lowered(model)[0] for _ in range(2)]
    with jax.default_matmul_precision("highest"):
        results.append(lowered(model)[0])
    assert all(results)


def test_inputs_and_results_that_go_by_name_are_told_apart():
    def two(swapped):
        fkeras.utils.set_random_seed(0)
        fkeras.utils.clear_session()
        for _ in range(2):  # two models leave their programs
            p, q = (fkeras.Input((1,), name=name) for name in "pq")
            first, second = (q, p) if swapped else (p, q)
            one, scale = layers.Dense(1, kernel_initializer="ones"), layers.Rescaling(2.0)
            made = fkeras.Model([p, q], [one(first), scale(second)])
            made.compile("sgd", ["mse", "mae"])
            made.fit(data, [Y, Y], epochs=1, verbose=0)
        return made

    data = {"p": X[:, :1], "q": X[:, 1:2]}
    for swapped in (False, True):
        shared_programs.clear()
        two(not swapped)
        made = two(swapped)
        losses = [f"{name}_loss" for name in made.output_names]
        assert set(made.history.history) == {"loss", *losses}
        kernel, bias = made.get_weights()
        first, second = (data["q"], data["p"]) if swapped else (data["p"], data["q"])
        outputs = made.predict(data, verbose=0)
        np.testing.assert_allclose(outputs[0], first @ kernel + bias, rtol=1e-5)
        np.testing.assert_allclose(outputs[1], second * 2, rtol=1e-5)


def test_each_model_is_warned():
    def make():
        inputs = fkeras.Input((3,))
        unused = fkeras.ops.stop_gradient(layers.Dense(1, name="unused")(inputs))
        made = fkeras.Model(inputs, layers.Dense(1)(inputs) + 0 * unused)
        made.compile("sgd", "mse")
        return made

    for _ in range(4):
        with pytest.warns(UserWarning, match="no gradient"):
            make().fit(X, Y, epochs=1, verbose=0)


def test_a_check_traces_again_and_compares(monkeypatch):
    for _ in range(2):
        trained(model())
    with shared_programs.checked():
        assert lowered(model)[0] > 0
    other = jax.jit(lambda x: x).lower(1.0).compile()
    for key, (entry,) in list(shared_traces._entries._entries.items()):
        if isinstance(entry, jax.stages.Compiled):
            shared_traces._entries.put(key, (other,))
    with shared_programs.checked(), pytest.raises(shared_programs.WrongSharingError):
        trained(model())


def test_nothing_of_a_model_is_kept():
    seen = []
    for _ in range(3):
        made = model()
        trained(made)
        seen += [weakref.ref(made), weakref.ref(made.layers[0]), weakref.ref(made.optimizer)]
    del made
    gc.collect()
    assert len(shared_traces._entries) > 0
    assert not [reference() for reference in seen if reference() is not None]


def test_no_warning_comes_of_it():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for _ in range(3):
            trained(model())
