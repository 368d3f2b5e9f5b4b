"""`compile(remat=)`: the same numbers, with less kept for the backward pass."""

import functools

import jax
import numpy as np
import pytest

import fkeras
from fkeras import layers
from fkeras.errors import UserInputError
from fkeras.training import steps

RNG = np.random.default_rng(0)
X = RNG.normal(size=(20, 4)).astype("float32")
Y = np.tanh(X[:, ::-1])


class Watcher(fkeras.callbacks.Callback):
    def on_train_batch_end(self, batch, logs=None):
        pass


def net(remat=None, **options):
    """Nested models, a Repeat, state and draws; five layers with a tanh, of which two repeat."""
    fkeras.utils.set_random_seed(3)
    dense = functools.partial(layers.Dense, 4, activation="tanh")
    inner = fkeras.Sequential([dense(name="one"), layers.Dropout(0.3), dense(name="two")])
    outer = fkeras.Sequential([inner, layers.BatchNormalization(), dense(name="three")])
    model = fkeras.Sequential([fkeras.Input((4,)), outer, layers.Repeat(dense(name="four"), 2)])
    optimizer = fkeras.optimizers.SGD(0.1)
    model.compile(optimizer, "mse", remat=remat, **options)
    return model


def whole_epochs(model):
    return model.fit(X, Y, batch_size=10, epochs=2, verbose=0).history["loss"]


def step_by_step(model):
    callbacks = [Watcher()]
    return model.fit(X, Y, batch_size=10, verbose=0, callbacks=callbacks).history["loss"]


def from_stream(model):
    return model.fit(iter([(X[:10], Y[:10])] * 2), verbose=0).history["loss"]


def by_hand(model):
    state, logs = jax.jit(model.step)(model.train_state(), (X[:10], Y[:10]))
    model.set_train_state(state)
    return [float(logs["loss"])]


FORMS = [whole_epochs, step_by_step, from_stream, by_hand]


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.__name__)
def test_each_form_of_training_gives_the_same_numbers(form):
    plain, again = net(), net(True)
    np.testing.assert_allclose(form(again), form(plain), rtol=1e-5)
    for found, expected in zip(again.get_weights(), plain.get_weights(), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)
    evaluations = [m.evaluate(X, Y, verbose=0) for m in (again, plain)]
    np.testing.assert_allclose(*evaluations, rtol=1e-5)


def counts(model):
    """How often a training step computes a tanh, and a product."""
    text = str(jax.make_jaxpr(model.step)(model.train_state(), (X, Y)))
    return text.count(" tanh "), text.count("dot_general[")


ROWS = {
    "none": (None, 4, 11),
    "false": (False, 4, 11),
    "off": (fkeras.RematScope(None), 4, 11),
    "true": (True, 8, 15),
    "full": ("full", 8, 15),
    "activations": ("activations", 8, 15),
    "scope": (fkeras.RematScope("full"), 8, 15),
    "dict": ({"mode": "full"}, 8, 15),
    "nothing_saveable": ("nothing_saveable", 8, 15),
    "everything_saveable": ("everything_saveable", 4, 11),
    "dots_saveable": ("dots_saveable", 8, 11),
    "a function": (jax.checkpoint_policies.dots_saveable, 8, 11),
    "small outputs": (fkeras.RematScope("larger_than", output_size_threshold=80), 4, 11),
    "large outputs": (fkeras.RematScope("larger_than", output_size_threshold=79), 8, 15),
    "by name": (fkeras.RematScope("list_of_layers", layer_names=["one", "three"]), 6, 13),
}


@pytest.mark.parametrize("name", ROWS)
def test_what_is_computed_again(name):
    remat, tanhs, products = ROWS[name]
    assert counts(net(remat)) == (tanhs, products)


def kept(model):
    """Numbers that the forward pass of a training step keeps for the backward pass."""
    groups = model._compiled.executables_for(model).groups
    trainable, non_trainable, optimizer, metrics = groups.values()

    def loss(trainable):
        arguments = non_trainable, metrics, X, Y, None, True, optimizer
        return model.compute_loss_and_updates(trainable, *arguments)

    with steps.traced_training(model, groups, jax.random.key(0), 0):
        _, pullback, _ = jax.vjp(loss, trainable, has_aux=True)
    return sum(np.size(leaf) for leaf in jax.tree.leaves(pullback))


def test_less_is_kept_for_the_backward_pass():
    def wide(remat):
        blocks = [
            fkeras.Sequential([layers.Dense(64, activation="gelu"), layers.Dense(4)], name=f"b{i}")
            for i in range(3)
        ]
        model = fkeras.Sequential([fkeras.Input((4,)), *blocks])
        scope = fkeras.RematScope("list_of_layers", layer_names=["b0", "b1", "b2"])
        model.compile("sgd", "mse", remat=scope if remat == "blocks" else remat)
        return kept(model)

    hidden, weights = len(X) * 64, 3 * (64 * 4 + 64 + 4 * 64 + 4)
    assert wide("blocks") < weights + hidden < wide(True) < wide(None) - 3 * hidden


def test_a_scope_that_a_layer_was_made_in_goes_first():
    with fkeras.RematScope("larger_than", output_size_threshold=10**6):
        layer = layers.Dense(4, activation="tanh")
    model = fkeras.Sequential([fkeras.Input((4,)), layer])
    model.compile("sgd", "mse", remat=True)
    assert counts(model)[0] == 1


class OwnStep(fkeras.Sequential):
    def train_step(self, state, data):
        trainable, non_trainable, optimizer, metrics = state
        x, y = data

        def loss(trainable):
            outputs, new = self.stateless_call(trainable, non_trainable, x, training=True)
            return fkeras.ops.mean((outputs - y) ** 2), new

        (value, new), gradients = jax.value_and_grad(loss, has_aux=True)(trainable)
        trainable, optimizer = self.optimizer.stateless_apply(optimizer, gradients, trainable)
        return {"loss": value}, (trainable, new, optimizer, metrics)


@pytest.mark.parametrize(("remat", "tanhs"), [(None, 1), (True, 2)])
def test_a_step_of_ones_own_follows(remat, tanhs):
    model = OwnStep([fkeras.Input((4,)), layers.Dense(4, activation="tanh")])
    model.compile("sgd", "mse", remat=remat)
    assert counts(model)[0] == tanhs


def test_evaluation_and_prediction_keep_nothing_and_are_as_they_were():
    model = net(True)
    for program in (model.test, lambda state, batch: model.predict(state, batch[0])):
        text = str(jax.make_jaxpr(program)(model.train_state(), (X, Y)))
        assert "checkpoint[" not in text and "remat" not in text


def test_plain_python_too():
    plain, again = net(run_eagerly=True), net("dots_saveable", run_eagerly=True)
    found, expected = (m.train_on_batch(X, Y) for m in (again, plain))
    np.testing.assert_allclose(found, expected, rtol=1e-6)


@pytest.mark.parametrize(
    ("remat", "stored"),
    [
        (True, True),
        ("full", "full"),
        (jax.checkpoint_policies.dots_saveable, ("dots_saveable", "checkpoint_dots")),
        (
            fkeras.RematScope("list_of_layers", layer_names=["three"]),
            {"mode": "list_of_layers", "output_size_threshold": 1024, "layer_names": ["three"]},
        ),
    ],
)
def test_files_keep_it(remat, stored, tmp_path):
    model = net(remat)
    found = model.get_compile_config()["remat"]
    assert found in stored if isinstance(stored, tuple) else found == stored
    model.save(tmp_path / "model.keras")
    again = fkeras.saving.load_model(tmp_path / "model.keras")
    assert counts(again) == counts(model)
    assert "remat" not in net().get_compile_config()


@pytest.mark.parametrize(
    ("remat", "message"),
    [
        ("dots", "compile: `remat` must be True.*dots_saveable.*remat='dots'"),
        (3, "compile: `remat` must be"),
        ("list_of_layers", "needs the names"),
        ({"mode": "some"}, "Invalid mode 'some'"),
    ],
)
def test_what_is_refused(remat, message):
    with pytest.raises(UserInputError, match=message):
        net(remat)
