"""What losses say they expect, and who listens."""

import functools

import jax.numpy as jnp
import numpy as np
import pytest

from fkeras import losses
from fkeras.errors import UserInputError
from fkeras.losses.by_name import public_objects
from fkeras.losses.expectation import Expectation, expectation_of, expects
from fkeras.losses.target_checks import check_targets

FUNCTIONS = {name: obj for name, obj in vars(losses).items() if callable(obj) and name[0].islower()}
for _name in ("get", "serialize", "deserialize"):
    del FUNCTIONS[_name]


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_loss_function_says_what_it_expects(name):
    expectation = expectation_of(FUNCTIONS[name])
    assert isinstance(expectation, Expectation)
    wrapped = losses.LossFunctionWrapper(FUNCTIONS[name])
    assert expectation_of(wrapped) == expectation


@pytest.mark.parametrize(("loss", "targets", "predictions"), [
    (losses.MeanSquaredError(), "same_shape", "quantities"),
    (losses.Hinge(), "signs", None),
    (losses.BinaryFocalCrossentropy(), "unit_interval", "probabilities"),
    (losses.CategoricalCrossentropy(), "one_hot", "probabilities"),
    (losses.sparse_categorical_crossentropy, "class_ids", "probabilities"),
    (losses.CTC(), "label_sequences", None),
    (losses.Circle(), "labels", None),
])  # fmt: skip
def test_expectations_by_kind(loss, targets, predictions):
    assert expectation_of(loss) == (targets, predictions)


def test_a_wrapper_of_a_loss_may_expect_something_else():
    @functools.wraps(losses.categorical_crossentropy)
    def of_ids(y_true, y_pred):
        return losses.categorical_crossentropy(jnp.eye(3)[y_true], y_pred)

    assert expectation_of(of_ids) is None
    assert check_targets(of_ids, np.array([0, 2]), (None, 3)) is None


def test_losses_of_ones_own_are_checked_once_they_say_what_they_expect():
    def mine(y_true, y_pred):
        return jnp.mean(y_true - y_pred, axis=-1)

    assert check_targets(mine, np.array([2.0]), (None, 1)) is None
    assert expects("unit_interval")(mine) is mine
    with pytest.raises(UserInputError, match=r"Loss 'mine': targets must lie in \[0, 1\].*2.0"):
        check_targets(mine, np.array([2.0]), (None, 1))


def test_callables_without_a_hash_expect_nothing():
    class Unhashable:
        __hash__ = None

        def __call__(self, y_true, y_pred):
            return y_pred

    class Own(losses.Loss):
        def call(self, y_true, y_pred):
            return y_pred

    assert expectation_of(Unhashable()) is None
    assert expectation_of(Own()) is None


def test_ids_stay_exact_also_for_a_wrapped_function():
    logits = np.zeros((1, 300), "float32")
    logits[0, 257] = 20
    loss = losses.LossFunctionWrapper(
        losses.sparse_categorical_crossentropy, dtype="bfloat16", from_logits=True
    )
    assert float(loss(np.array([257]), logits)) < 1e-3  # bfloat16 has no 257


def test_the_table_of_names_and_the_public_namespace_hold_the_same():
    from fkeras.losses import (
        crossentropy,
        divergence,
        embedding,
        focal,
        loss,
        margin,
        overlap,
        regression,
        sequence,
    )

    modules = (
        crossentropy, divergence, embedding, focal, loss, margin, overlap, regression, sequence,
    )  # fmt: skip
    for name, obj in public_objects(*modules).items():
        assert getattr(losses, name) is obj
        if isinstance(obj, type) and obj not in (losses.Loss, losses.LossFunctionWrapper):
            assert type(losses.get(name)) is obj
        elif not isinstance(obj, type):
            assert losses.get(name) is obj
            assert losses.deserialize(losses.serialize(obj)) is obj
