"""`Distiller`: against Keras's, with files, without targets, and what cannot be."""

import jax
import numpy as np
import pytest

import fkeras
from fkeras import distillation, layers

X = np.random.default_rng(0).normal(size=(24, 5)).astype("float32")
Y = np.arange(24) % 4


def pair(keras=fkeras, dropout=0.0):
    """A teacher and a student with fixed weights."""
    made = []
    for name, units in (("teacher", 8), ("student", 8)):
        inner = [keras.layers.Dropout(dropout, name="drop")] if dropout else []
        stack = [
            keras.Input((5,)),
            keras.layers.Dense(units, activation="relu", name=f"{name}_hidden"),
            *inner,
            keras.layers.Dense(4),
        ]
        made.append(keras.Sequential(stack, name=name))
    rng = np.random.default_rng(1)
    for model in made:
        model.set_weights([rng.normal(size=w.shape).astype("float32") for w in model.weights])
    return made


def distiller(keras=fkeras, **options):
    classes = keras.distillation
    losses = [
        classes.LogitsDistillation(2.0, loss=keras.losses.KLDivergence()),
        classes.FeatureDistillation("mse", "teacher_hidden", "student_hidden"),
    ]
    options = {"distillation_loss_weights": [1.0, 0.5], "student_loss_weight": 0.3, **options}
    model = classes.Distiller(*pair(keras), losses, **options)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.SGD(0.1), loss, metrics=["accuracy"])
    return model


def test_training_is_kerass(keras):
    ours, theirs = distiller(), distiller(keras)
    options = {"batch_size": 12, "epochs": 2, "shuffle": False, "verbose": 0}
    expected = theirs.fit(X, Y, **options).history
    history = ours.fit(X, Y, **options).history
    assert set(history) == set(expected)
    for name, values in expected.items():
        np.testing.assert_allclose(history[name], values, rtol=1e-5, err_msg=name)
    for w, w_keras in zip(ours.student.weights, theirs.student.weights):
        np.testing.assert_allclose(w.value, w_keras.value, rtol=1e-5, atol=1e-6)
    results = ours.evaluate(X, Y, verbose=0, return_dict=True)
    results_keras = theirs.evaluate(X, Y, verbose=0, return_dict=True)
    assert results == pytest.approx(results_keras, rel=1e-5)


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # of Keras
def test_files_travel_both_ways(keras, tmp_path):
    ours = distiller()
    ours.fit(X, Y, verbose=0)
    path = str(tmp_path / "ours.keras")
    ours.save(path)
    again = fkeras.saving.load_model(path)
    expected = ours.evaluate(X, Y, verbose=0, return_dict=True)
    assert again.evaluate(X, Y, verbose=0, return_dict=True) == pytest.approx(expected)
    with pytest.warns(UserWarning, match="compile"):  # of Keras: its `compile` is its own
        read = keras.saving.load_model(path)
    np.testing.assert_allclose(read.predict(X, verbose=0), ours.predict(X, verbose=0), rtol=1e-5)

    theirs = distiller(keras)
    theirs(X)
    path = str(tmp_path / "theirs.keras")
    theirs.save(path)
    read = fkeras.saving.load_model(path)
    np.testing.assert_allclose(read.predict(X, verbose=0), theirs.predict(X, verbose=0), rtol=1e-5)
    assert not read.teacher.trainable and read.student_loss_weight == 0.3


def test_the_teacher_stays_as_it_is_and_the_student_is_used_alone():
    model = distiller()
    before = model.teacher.get_weights()
    model.fit(X, Y, epochs=2, verbose=0)
    for w, w_before in zip(model.teacher.get_weights(), before):
        np.testing.assert_array_equal(w, w_before)
    assert len(model.trainable_weights) == 4
    np.testing.assert_array_equal(model.predict(X, verbose=0), model.student.predict(X, verbose=0))


def test_features_are_of_the_same_call_as_the_outputs():
    """With dropout a second call would drop other units."""
    teacher, student = pair(dropout=0.5)
    seen = {}

    class Kept(distillation.DistillationLoss):
        student_layer_name = "drop"

        def compute_loss(self, teacher_outputs, student_outputs):
            seen["features"] = student_outputs
            return student_outputs.mean()

    model = distillation.Distiller(teacher, student, Kept(), student_loss_weight=0.5)
    model.compile("sgd", "mse")
    trainable = [v.value for v in model.trainable_variables]
    rest = [v.value for v in model.non_trainable_variables]
    metrics = [v.value for v in model.metrics_variables]

    def loss(trainable):
        _, (_, outputs, _, _) = model.compute_loss_and_updates(
            trainable, rest, metrics, X, np.zeros((24, 4), "float32"), None, training=True
        )
        return outputs, seen["features"]

    outputs, features = jax.jit(loss)(trainable)
    head = student.layers[-1]
    np.testing.assert_allclose(features @ head.kernel + head.bias, outputs, rtol=1e-5, atol=1e-5)
    assert (np.asarray(features) == 0).mean() > 0.4


def test_without_targets_the_teacher_alone_is_followed():
    model = distiller(student_loss_weight=0.0)
    model.compile("sgd", "mse")
    history = model.fit(X, epochs=3, verbose=0).history
    assert history["distillation_loss"] == history["total_loss"] == history["loss"]
    assert history["loss"][-1] < history["loss"][0]
    assert history["student_loss"] == [0.0] * 3


def test_weights_of_samples_count_in_the_students_loss():
    model = distiller(student_loss_weight=1.0)
    weights = np.where(Y == 0, 2.0, 0.0).astype("float32")
    weighted = model.evaluate(X, Y, sample_weight=weights, verbose=0, return_dict=True)
    logits = model.predict(X, verbose=0)
    loss = fkeras.losses.SparseCategoricalCrossentropy(from_logits=True)
    assert weighted["student_loss"] == pytest.approx(float(loss(Y, logits, weights)), rel=1e-5)
    assert weighted["distillation_loss"] == 0.0


def test_subclassed_models_are_teachers_and_students_too():
    class Net(fkeras.Model):
        def __init__(self):
            super().__init__()
            self.hidden = layers.Dense(6, activation="relu", name="hidden")
            self.head = layers.Dense(4)

        def call(self, x):
            return self.head(self.hidden(x))

    losses = [
        distillation.LogitsDistillation(),
        distillation.FeatureDistillation("mae", "hidden", "hidden"),
    ]
    model = distillation.Distiller(Net(), Net(), losses)
    model.compile("sgd", "sparse_categorical_crossentropy")
    history = model.fit(X, Y, epochs=2, verbose=0).history
    assert np.isfinite(history["distillation_loss"]).all()
    eager = model.compute_loss(X, Y, model(X))
    assert float(eager) == pytest.approx(model.evaluate(X, Y, verbose=0)[0], rel=1e-5)


def wrong_inputs():
    return fkeras.Sequential([fkeras.Input((7,)), layers.Dense(4)])


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda t, s, d: d("teacher", s), "Teacher must be a Model"),
        (lambda t, s, d: d(t, np.ones(3)), "Student must be a Model"),
        (lambda t, s, d: d(wrong_inputs(), s), "inputs are incompatible"),
        (lambda t, s, d: d(t, s, student_loss_weight=1.5), "between 0 and 1"),
        (lambda t, s, d: d(t, s, student_loss_weight="half"), "between 0 and 1"),
        (lambda t, s, d: d(t, s, distillation_loss_weights=[1.0, 2.0]), "must match"),
        (lambda t, s, d: d(t, s, losses=None), "DistillationLoss"),
        (lambda t, s, d: d(t, s, losses=[]), "DistillationLoss"),
        (
            lambda t, s, d: d(t, s, losses=distillation.FeatureDistillation("mse", "none_such")),
            "In teacher model 'teacher'.*none_such",
        ),
        (lambda t, s, d: d(t, s).compile("sgd"), "'loss' cannot be `None`"),
        (lambda t, s, d: distiller().fit(X, verbose=0), "was given no targets"),
    ],
)
def test_what_cannot_be_is_an_error(make, text):
    def build(teacher, student, losses="logits", **options):
        chosen = distillation.LogitsDistillation() if losses == "logits" else losses
        return distillation.Distiller(teacher, student, chosen, **options)

    with pytest.raises(ValueError, match=text):
        make(*pair(), build)


def test_a_loss_that_is_no_scalar_is_an_error():
    class Rows(distillation.DistillationLoss):
        def compute_loss(self, teacher_outputs, student_outputs):
            return abs(teacher_outputs - student_outputs)

    model = distillation.Distiller(*pair(), Rows())
    model.compile("sgd", "mse")
    with pytest.raises(ValueError, match="Rows must return a scalar"):
        model.fit(X, np.zeros((24, 4)), verbose=0)
