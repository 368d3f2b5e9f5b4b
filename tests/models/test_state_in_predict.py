"""What `call` writes in `predict` stays, as after `model(x)`, `evaluate` and `fit`."""

import jax.numpy as jnp
import numpy as np
import pytest

import fkeras
from fkeras import layers, ops

X = np.random.default_rng(0).normal(size=(2, 6, 3)).astype("float32")


class Counter(layers.Layer):
    """Counts its calls, and adds the count to what passes through."""

    def __init__(self):
        super().__init__()
        self.count = self.add_weight((), "zeros", trainable=False)

    def call(self, x):
        self.count.assign_add(1.0)
        return x + self.count


def sequential():
    return fkeras.Sequential([fkeras.Input((1,)), Counter()])


def functional():
    x = fkeras.Input((1,))
    return fkeras.Model(x, Counter()(x))


class Subclass(fkeras.Model):
    def __init__(self):
        super().__init__()
        self.counter = Counter()

    def call(self, x):
        return self.counter(x)


MODELS = {"sequential": sequential, "functional": functional, "subclass": Subclass}
ZEROS = np.zeros((7, 1), "float32")


def batches():
    for start in range(0, 7, 2):
        yield ZEROS[start : start + 2]


@pytest.mark.parametrize("form", MODELS)
@pytest.mark.parametrize("options", [{}, {"fuse": False}, {"run_eagerly": True}], ids=str)
def test_a_counter_counts_all_batches(form, options):
    model = MODELS[form]()
    model.compile("sgd", "mse", **options)
    expected = np.repeat([1.0, 2, 3, 4], 2)[:7]
    for i in range(2):
        outputs = model.predict(ZEROS, batch_size=2, verbose=0)
        np.testing.assert_array_equal(outputs[:, 0], expected + 4 * i)
    np.testing.assert_array_equal(model.predict(batches(), verbose=0)[:, 0], expected + 8)
    assert model.predict(ZEROS[:1], verbose=0).item() == 13  # one plain batch
    assert model.predict_on_batch(ZEROS[:1]).item() == 14
    assert np.asarray(model(ZEROS[:1])).item() == 15
    model.evaluate(ZEROS, ZEROS, batch_size=7, verbose=0)
    assert float(model.get_weights()[0]) == 16
    assert model.predict(ZEROS, steps=2, batch_size=2, verbose=0)[-1] == 18
    looked = fkeras.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: None)
    outputs = model.predict(ZEROS, batch_size=4, verbose=0, callbacks=[looked])
    assert outputs[:, 0].tolist() == [19] * 4 + [20] * 3


@pytest.mark.parametrize("cell", [layers.SimpleRNN, layers.GRU, layers.LSTM])
def test_a_long_sequence_is_predicted_in_pieces(cell):
    rnn = cell(2, stateful=True, return_sequences=True)
    inputs = fkeras.Input(batch_shape=(2, None, 3))
    model = fkeras.Model(inputs, rnn(inputs))
    whole = np.asarray(model(X))
    rnn.reset_state()
    for call in (lambda x: model.predict(x, verbose=0), model.predict_on_batch):
        pieces = [call(X[:, :3]), call(X[:, 3:])]
        np.testing.assert_allclose(np.concatenate(pieces, axis=1), whole, rtol=1e-4, atol=1e-6)
        rnn.reset_state()
    both = model.predict(np.concatenate([X[:, :3], X[:, 3:]]), batch_size=2, verbose=0)
    np.testing.assert_allclose(both[2:], whole[:, 3:], rtol=1e-4, atol=1e-6)


class SeesItself(fkeras.Model):
    """Updates a metric in `call`, as variational autoencoders do."""

    def __init__(self):
        super().__init__()
        self.seen = fkeras.metrics.Mean(name="seen")

    def call(self, x):
        self.seen.update_state(ops.mean(x))
        return x + self.seen.result()


@pytest.mark.filterwarnings("ignore:Model 'sees_itself' has no weights")
@pytest.mark.parametrize("options", [{}, {"fuse": False}, {"run_eagerly": True}], ids=str)
def test_metrics_updated_in_call_are_those_of_training(options):
    model, x = SeesItself(), np.ones((4, 1), "float32")
    model.compile("sgd", "mse", **options)
    assert model.fit(x, x, verbose=0).history["seen"] == [1]
    for outputs in (
        model.predict(3 * x, verbose=0),
        model.predict_on_batch(3 * x),
        model.predict(3 * x, batch_size=2, verbose=0),
    ):
        # one value 1 seen in fit, and the 3 of this batch
        np.testing.assert_allclose(outputs, 3 + (1 + 3) / 2)
    assert float(model.seen.result()) == 1
    assert model.evaluate(2 * x, x, verbose=0, return_dict=True)["seen"] == 2
    np.testing.assert_allclose(model.predict(4 * x, verbose=0), 4 + (1 + 4) / 2)


def test_a_model_without_changing_state_hands_nothing_back():
    model = fkeras.Sequential(
        [fkeras.Input((3,)), layers.BatchNormalization(), layers.Dropout(0.5), layers.Dense(1)]
    )
    model.predict(X[:, 0], verbose=0)
    executables = model._compiled.executables
    state = executables.groups.predict_state()
    _, changed = executables.predict_one(state, model.build_key, np.int32(0), (X[:, 0],))
    assert changed == {}


def test_a_predict_step_of_ones_own_hands_state_on():
    class Own(Subclass):
        def predict_step(self, state, data):
            outputs, non_trainable = super().predict_step(state, data)
            return 10 * outputs, non_trainable

    model = Own()
    assert model.predict(ZEROS[:2], batch_size=1, verbose=0).ravel().tolist() == [10, 20]

    class Nothing(Subclass):
        def predict_step(self, state, data):
            return super().predict_step(state, data)[0], None

    with pytest.raises(ValueError, match="returned other `non_trainable_variables`"):
        Nothing().predict(ZEROS, verbose=0)


def test_the_function_for_loops_of_ones_own():
    model = sequential()
    model.compile("sgd", "mse", steps_per_execution=2)
    function = model.make_predict_function()
    outputs, state = function(([], [jnp.float32(3)]), iter([(ZEROS[:1],), (ZEROS[:2],)]))
    assert outputs.ravel().tolist() == [4, 5, 5] and float(state[1][0]) == 5
