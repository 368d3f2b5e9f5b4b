"""Focal crossentropies far from the middle, against arithmetic in float64."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from fkeras import losses

LOGITS = np.array([-100.0, -30.0, -17.0, -1.0, 0.0, 2.0, 17.0, 30.0, 100.0])


def softplus(x):
    return np.logaddexp(0, x)


def binary_focal(y, x, gamma):
    """The loss and its slope by the logit, in float64."""
    sign = np.where(y == 1, 1.0, -1.0)
    log_right = -softplus(-sign * x)
    log_missed = -softplus(sign * x)
    loss = -np.exp(gamma * log_missed) * log_right
    # d missed / dx = -sign p (1 - p), d log_right / dx = sign missed
    right, missed = np.exp(log_right), np.exp(log_missed)
    slope = sign * missed**gamma * (gamma * right * log_right - missed)
    return loss, slope


@pytest.mark.parametrize("gamma", [0.0, 0.5, 1.0, 2.0, 5.0])
@pytest.mark.parametrize("y", [0.0, 1.0])
def test_binary_focal_crossentropy_of_extreme_logits(y, gamma):
    def loss(x):
        x = x[None, None]
        return losses.binary_focal_crossentropy([[y]], x, gamma=gamma, from_logits=True)[0]

    value, slope = jax.vmap(jax.value_and_grad(loss))(jnp.asarray(LOGITS, "float32"))
    want_value, want_slope = binary_focal(y, LOGITS, gamma)
    np.testing.assert_allclose(value, want_value, rtol=2e-5, atol=1e-7)
    np.testing.assert_allclose(slope, want_slope, rtol=2e-5, atol=1e-7)


@pytest.mark.parametrize("gamma", [0.0, 0.5, 2.0])
@pytest.mark.parametrize("logits", [
    [100.0, -100.0, 0.0], [-100.0, 100.0, 50.0], [0.0, 0.0, 0.0], [20.0, -5.0, 1.0],
])  # fmt: skip
def test_categorical_focal_crossentropy_of_extreme_logits(logits, gamma):
    def loss(x):
        return losses.categorical_focal_crossentropy(
            jnp.array([1.0, 0.0, 0.0]), x, alpha=1.0, gamma=gamma, from_logits=True
        )

    value, gradient = jax.value_and_grad(loss)(jnp.array(logits))
    x = np.array(logits)
    log_p = x - x.max() - np.log(np.exp(x - x.max()).sum())
    p = np.exp(log_p)
    others = p[1:].sum()  # 1 - p[0], without rounding
    np.testing.assert_allclose(value, -(others**gamma) * log_p[0], rtol=1e-4, atol=1e-7)
    # d log p0 / dx = e0 - p, d (1 - p0) / dx = -p0 (e0 - p); e0 - p at 0 is `others`.
    step = np.concatenate([[others], -p[1:]])
    slope = gamma * p[0] * np.where(others > 0, others, 1) ** (gamma - 1) * log_p[0]
    want = step * (slope * (others > 0) - others**gamma)
    np.testing.assert_allclose(gradient, want, rtol=1e-4, atol=1e-7)


@pytest.mark.parametrize("gamma", [0.3, 0.5, 2.0])
def test_a_perfect_probability_has_no_loss_and_a_finite_slope(gamma):
    value, slope = jax.value_and_grad(
        lambda p: losses.binary_focal_crossentropy([[1.0, 0.0]], p, gamma=gamma)[0]
    )(jnp.array([[1.0, 0.0]]))
    assert float(value) == pytest.approx(0, abs=1e-6)
    assert np.isfinite(slope).all()


def test_gamma_of_zero_is_the_plain_crossentropy():
    x, y = np.linspace(-3, 3, 6).reshape(2, 3), np.eye(3)[:2]
    np.testing.assert_allclose(
        losses.binary_focal_crossentropy(y, x, gamma=0, from_logits=True),
        losses.binary_crossentropy(y, x, from_logits=True),
        rtol=1e-6,
    )
    np.testing.assert_allclose(
        losses.categorical_focal_crossentropy(y, x, alpha=1, gamma=0, from_logits=True),
        losses.categorical_crossentropy(y, x, from_logits=True),
        rtol=1e-6,
    )


@pytest.mark.parametrize("axis", [1, -2])
def test_a_weight_for_each_class_lies_on_the_axis_of_the_classes(keras, axis):
    p = np.random.default_rng(0).dirichlet(np.ones(3), size=(4, 3)).astype("float32")
    y = np.eye(3, dtype="float32")[np.arange(12).reshape(4, 3) % 3]
    alpha = [0.1, 0.3, 0.6]
    want = keras.losses.categorical_focal_crossentropy(y, p, alpha=alpha)
    ours = losses.categorical_focal_crossentropy(
        y.swapaxes(1, 2), p.swapaxes(1, 2), alpha=alpha, axis=axis
    )
    np.testing.assert_allclose(ours, want, rtol=1e-5)


@pytest.mark.parametrize(("loss", "y_true"), [
    (losses.binary_crossentropy, [[1.0], [0.0]]),
    (losses.categorical_crossentropy, [[1.0, 0.0], [0.0, 1.0]]),
    (losses.sparse_categorical_crossentropy, [0, 1]),
])  # fmt: skip
def test_plain_crossentropies_of_extreme_logits_are_the_distance(loss, y_true):
    wrong = jnp.array([[-100.0], [100.0]])
    if loss is not losses.binary_crossentropy:
        wrong = jnp.concatenate([wrong, jnp.zeros((2, 1))], axis=1)
    value, gradient = jax.value_and_grad(lambda x: jnp.sum(loss(y_true, x, from_logits=True)))(
        wrong
    )
    assert float(value) == pytest.approx(200)
    assert float(jnp.sum(jnp.abs(gradient))) == pytest.approx(2 if wrong.shape[1] == 1 else 4)
