"""Methods, attributes and arguments of models in older Keras, each with one warning."""

import numpy as np
import pytest

import fkeras
from fkeras import layers
from fkeras.errors import UserInputError, UserTypeError

rng = np.random.default_rng(0)
X = rng.normal(size=(8, 4)).astype("float32")
Y = (X.sum(1) > 0).astype("float32")


def classifier(units=1):
    last = "sigmoid" if units == 1 else "softmax"
    model = fkeras.Sequential([fkeras.Input((4,)), layers.Dense(units, activation=last)])
    loss = "binary_crossentropy" if units == 1 else "sparse_categorical_crossentropy"
    model.compile("sgd", loss, metrics=["accuracy"])
    return model


def batches():
    while True:
        yield X[:4], Y[:4]


class Batches(fkeras.utils.PyDataset):
    def __len__(self):
        return 2

    def __getitem__(self, index):
        return X[4 * index : 4 * index + 4], Y[4 * index : 4 * index + 4]


CALLS = {
    "fit_generator": (lambda m: m.fit_generator(batches(), 2, 3, verbose=0).epoch, [0, 1, 2]),
    "fit_generator of Keras 1": (
        lambda m: m.fit_generator(
            batches(), samples_per_epoch=8, nb_epoch=2, verbose=0, pickle_safe=True
        ).params["steps"],
        2,
    ),
    "fit_generator with validation": (
        lambda m: sorted(
            m.fit_generator(
                Batches(), validation_data=batches(), nb_val_samples=4, verbose=0
            ).history
        ),
        ["accuracy", "loss", "val_accuracy", "val_loss"],
    ),
    "evaluate_generator": (lambda m: len(m.evaluate_generator(batches(), steps=2)), 2),
    "predict_generator": (lambda m: m.predict_generator(batches(), 2, workers=2).shape, (8, 1)),
    "predict_proba": (lambda m: m.predict_proba(X).shape, (8, 1)),
    "predict_classes": (
        lambda m: (m.predict_classes(X) == (m.predict(X, verbose=0) > 0.5)).all(),
        True,
    ),
    "_make_predict_function": (lambda m: m._make_predict_function(), None),
    "model": (lambda m: m.model is m, True),
    "uses_learning_phase": (lambda m: m.uses_learning_phase, False),
    "fit nb_epoch": (lambda m: m.fit(X, Y, nb_epoch=2, verbose=0).epoch, [0, 1]),
    "fit show_accuracy": (
        lambda m: m.fit(X, Y, show_accuracy=True, workers=2, verbose=0).epoch,
        [0],
    ),
    "evaluate": (lambda m: len(m.evaluate(X, Y, verbose=0, max_queue_size=3)), 2),
    "predict": (lambda m: m.predict(X, verbose=0, use_multiprocessing=True).shape, (8, 1)),
    "train_on_batch": (lambda m: len(m.train_on_batch(X, Y, accuracy=True)), 2),
    "compile": (
        lambda m: m.compile("sgd", "mse", sample_weight_mode=None, target_tensors=None),
        None,
    ),
    "compile steps": (
        lambda m: [
            m.compile("sgd", "mse", experimental_steps_per_execution=3),
            m.steps_per_execution,
        ][1],
        3,
    ),
}


@pytest.mark.parametrize("call, expected", CALLS.values(), ids=CALLS)
def test_it_does_what_it_did_with_one_warning(call, expected):
    with pytest.warns(UserWarning, match="older Keras") as caught:
        assert call(classifier()) == expected
    assert len(caught) == 1


def test_classes_of_a_softmax():
    with pytest.warns(UserWarning, match="argmax"):
        classes = classifier(3).predict_classes(X)
    assert classes.shape == (8,) and set(classes) <= {0, 1, 2}


def test_a_dataset_is_told_of_its_workers():
    data = Batches(workers=1)
    with pytest.warns(UserWarning, match=r"`PyDataset.__init__\(workers=...\)`"):
        classifier().fit(data, workers=3, verbose=0)
    assert data.workers == 3


def test_what_would_change_results_is_an_error():
    with pytest.raises(UserInputError, match="target_tensors"):
        classifier().compile("sgd", "mse", target_tensors=[Y])
    with pytest.raises(TypeError, match="no_such"), pytest.warns(UserWarning):
        classifier().fit_generator(batches(), no_such=1)
    with pytest.raises(UserTypeError, match="'epoch'"):
        classifier().fit(X, Y, epoch=1)


def test_yaml_both_ways():
    pytest.importorskip("yaml")
    with pytest.warns(UserWarning, match="to_json"):
        text = classifier().to_yaml()
    with pytest.warns(UserWarning, match="model_from_yaml"):
        from fkeras.models import model_from_yaml
    assert model_from_yaml(text).output_shape == (None, 1)


def test_inputs_and_outputs_under_their_former_names():
    inputs = fkeras.Input((4,))
    outputs = layers.Dense(2)(inputs)
    with pytest.warns(UserWarning, match="`input` is called `inputs`"):
        model = fkeras.Model(input=inputs, output=outputs)
    assert model.output_shape == (None, 2)


def test_layers_of_a_growing_stack_have_one_output_each():
    model = fkeras.Sequential()
    model.add(layers.Dense(3, input_dim=4))
    model.add(layers.Dense(2))
    model.add(layers.Dense(1))
    inner = fkeras.Model(model.input, model.layers[0].output)
    np.testing.assert_allclose(inner(X), model.layers[0](X), rtol=1e-5)
    assert model.pop().name and model.output_shape == (None, 2)
    model.add(layers.Dense(5))
    assert model.output_shape == (None, 5) == model(X[:1]).shape[:0] + (None, 5)


# -- one optimizer object in two models ------------------------------------------


def test_a_gan_around_a_discriminator_gets_a_copy_of_the_optimizer():
    optimizer = fkeras.optimizers.Adam(0.01, 0.5)
    judge = fkeras.Sequential([fkeras.Input((4,)), layers.Dense(1, activation="sigmoid")])
    judge.compile(optimizer, "binary_crossentropy")
    maker = fkeras.Sequential([fkeras.Input((2,)), layers.Dense(4)])
    noise = fkeras.Input((2,))
    judge.trainable = False
    gan = fkeras.Model(noise, judge(maker(noise)))
    with pytest.warns(UserWarning, match="has layers in common.*gets a copy"):
        gan.compile(optimizer, "binary_crossentropy")
    with pytest.warns(UserWarning, match="`trainable` of"):
        judge.train_on_batch(X, np.ones((8, 1)))
    weights = judge.get_weights()
    for _ in range(2):
        gan.train_on_batch(X[:, :2], np.ones((8, 1)))
    assert (int(judge.optimizer.iterations), int(gan.optimizer.iterations)) == (1, 2)
    assert gan.optimizer.beta_1 == 0.5 and float(gan.optimizer.learning_rate) == pytest.approx(0.01)
    for old, new in zip(weights, judge.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)
