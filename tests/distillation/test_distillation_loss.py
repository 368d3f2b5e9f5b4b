"""Losses between a teacher and a student."""

import jax.numpy as jnp
import numpy as np
import pytest
from scipy.special import expit, log_softmax, softmax

import fkeras
from fkeras import distillation, losses

TEACHER = np.array([[2.0, 0.0, -1.0], [0.5, 0.5, 3.0]], "float32")
STUDENT = np.array([[0.0, 1.0, -1.0], [1.0, 0.0, 1.0]], "float32")


def value(loss, teacher=TEACHER, student=STUDENT):
    loss.validate_outputs(teacher, student)
    return float(loss.compute_loss(teacher, student))


def divergence(temperature):
    p, log_q = softmax(TEACHER / temperature, -1), log_softmax(STUDENT / temperature, -1)
    return np.mean(np.sum(p * (np.log(p) - log_q), -1)) * temperature**2


@pytest.mark.parametrize("loss", ["kl_divergence", losses.kl_divergence, losses.KLDivergence()])
def test_logits_become_probabilities_softened_by_the_temperature(loss):
    expected = divergence(2.0)
    assert value(distillation.LogitsDistillation(2.0, loss)) == pytest.approx(expected, rel=1e-5)


def test_the_divergence_is_kerass_for_an_object(keras):
    ours = distillation.LogitsDistillation(4.0, losses.KLDivergence())
    theirs = keras.distillation.LogitsDistillation(4.0, keras.losses.KLDivergence())
    expected = float(theirs.compute_loss(jnp.asarray(TEACHER), jnp.asarray(STUDENT)))
    assert value(ours) == pytest.approx(expected, rel=1e-6)


def test_crossentropies_are_of_probabilities_too():
    p, log_q = softmax(TEACHER / 2, -1), log_softmax(STUDENT / 2, -1)
    expected = -4 * np.mean(np.sum(p * log_q, -1))
    for loss in ("categorical_crossentropy", losses.CategoricalCrossentropy(from_logits=True)):
        assert value(distillation.LogitsDistillation(2.0, loss)) == pytest.approx(expected, 1e-5)
    p, q = expit(TEACHER / 2), expit(STUDENT / 2)
    expected = -4 * np.mean(p * np.log(q) + (1 - p) * np.log(1 - q))
    binary = distillation.LogitsDistillation(2.0, "binary_crossentropy")
    assert value(binary) == pytest.approx(expected, rel=1e-5)


def test_distances_compare_the_divided_logits_themselves(keras):
    ours = distillation.LogitsDistillation(2.0, "mse")
    assert value(ours) == pytest.approx(np.mean((TEACHER / 2 - STUDENT / 2) ** 2), rel=1e-6)
    theirs = keras.distillation.LogitsDistillation(2.0, "mse")
    expected = theirs.compute_loss(jnp.asarray(TEACHER), jnp.asarray(STUDENT))
    assert value(ours) == pytest.approx(float(expected), rel=1e-6)


def test_each_output_has_its_loss_and_none_leaves_one_out():
    teacher = {"a": TEACHER, "b": TEACHER[:, :1]}
    student = {"a": STUDENT, "b": STUDENT[:, :1]}
    features = distillation.FeatureDistillation({"a": "mse", "b": None})
    assert value(features, teacher, student) == pytest.approx(np.mean((TEACHER - STUDENT) ** 2))
    both = distillation.FeatureDistillation("mae")  # one for all
    expected = np.mean(abs(TEACHER - STUDENT)) + np.mean(abs(TEACHER - STUDENT)[:, :1])
    assert value(both, teacher, student) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize(
    "loss",
    [
        distillation.LogitsDistillation(2.5),
        distillation.LogitsDistillation(3.0, ["kl_divergence", None]),
        distillation.FeatureDistillation({"a": "mse", "b": losses.Huber(0.5)}, "x", "y"),
    ],
    ids=["one", "list", "dict"],
)
def test_losses_go_through_configs(loss):
    config = fkeras.saving.serialize_keras_object(loss)
    assert config["module"] == "keras.distillation"
    again = fkeras.saving.deserialize_keras_object(config)
    assert type(again) is type(loss) and again.get_config() == loss.get_config()
    assert again.teacher_layer_name == loss.teacher_layer_name


def test_keras_reads_the_configs(keras):
    for loss in (
        distillation.LogitsDistillation(2.5),
        distillation.FeatureDistillation("mae", "x"),
    ):
        config = fkeras.saving.serialize_keras_object(loss)
        theirs = keras.saving.deserialize_keras_object(config)
        assert type(theirs).__name__ == type(loss).__name__
        again = fkeras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(theirs))
        assert again.get_config() == loss.get_config()


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: distillation.LogitsDistillation(0.0), "`temperature` must be positive"),
        (lambda: distillation.LogitsDistillation("warm"), "must be a number"),
        (lambda: distillation.LogitsDistillation(loss=None), "at least one loss|must name"),
        (lambda: distillation.LogitsDistillation(loss="no_loss"), "no_loss"),
        (
            lambda: distillation.LogitsDistillation(loss="sparse_categorical_crossentropy"),
            "takes class ids",
        ),
        (lambda: distillation.FeatureDistillation([None, None]), "at least one loss"),
        (lambda: distillation.DistillationLoss().compute_loss(1, 2), "must implement"),
        (lambda: value(distillation.FeatureDistillation(), TEACHER, [STUDENT]), "structure"),
        (lambda: value(distillation.FeatureDistillation(["mse"])), "different structures"),
        (
            lambda: value(
                distillation.FeatureDistillation("mse", "wide", "narrow"), TEACHER, STUDENT[:, :2]
            ),
            "'wide' and 'narrow'",
        ),
    ],
)
def test_what_cannot_be_is_an_error(make, text):
    with pytest.raises(ValueError, match=text):
        make()
