import gc

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from fkeras import layers
from fkeras.core import jax_private
from fkeras.core.values import masks
from fkeras.errors import UserInputError


def test_a_mask_stays_with_its_array_and_can_be_taken_away():
    x, mask = jnp.ones((2, 3)), jnp.ones((2,), bool)
    assert masks.get_mask(x) is None
    masks.set_mask(x, mask)
    assert masks.get_mask(x) is mask
    assert masks.get_mask(x + 0) is None, "a new array has none"
    masks.set_mask(x, None)
    assert masks.get_mask(x) is None


def test_tracers_have_masks_that_go_with_their_trace():
    seen = []

    def run(x, y):
        mask = y > 0
        masks.set_mask(x, mask)
        seen.append(masks.get_mask(x) is mask)
        seen.append(masks.get_mask(x * 2) is None)
        masks.set_mask(x, None)
        seen.append(masks.get_mask(x) is None)
        masks.set_mask(x, mask)
        return x

    jax.jit(run)(jnp.ones(2), jnp.ones(2))
    assert seen == [True] * 3
    jax.clear_caches()
    gc.collect()
    assert not masks._masks_of_tracers, "a mask must not keep its trace alive"


def test_masks_of_a_trace_that_is_given_up_are_forgotten():
    def run(x):
        masks.set_mask(x, x > 0)
        masks.set_mask(x * 2, x > 1)
        masks.forget(jax_private.current_trace())
        assert masks.get_mask(x) is None
        raise RuntimeError("given up")

    with pytest.raises(RuntimeError, match="given up"):
        jax.jit(run)(jnp.ones(2))
    jax.clear_caches()
    gc.collect()
    assert not masks._masks_of_tracers


def test_what_takes_no_attributes_has_no_mask():
    x = np.ones(2)
    masks.set_mask(x, np.ones(2, bool))
    assert masks.get_mask(x) is None and masks.get_mask(3) is None


def test_a_mask_that_does_not_fit_is_named_with_both_shapes():
    for fits in (np.ones((2, 3), bool), np.ones((2, 1), bool), [[1, 1, 0], [1, 0, 0]]):
        masks.check_mask("Layer 'a'", fits, (2, 3))
    for shape in ((2, 4), (3,), (2, 3, 1)):
        with pytest.raises(UserInputError, match=r"Layer 'a': .* shape \(2, 3\).*Received"):
            masks.check_mask("Layer 'a'", np.ones(shape), (2, 3))


@pytest.mark.parametrize(
    "call",
    [
        lambda x, mask: layers.GlobalAveragePooling1D()(x, mask=mask),
        lambda x, mask: layers.GlobalAveragePooling1D("channels_first")(x.mT, mask=mask),
        lambda x, mask: layers.Attention()([x, x], mask=[mask, None]),
        lambda x, mask: layers.AdditiveAttention()([x, x], mask=[None, mask]),
        lambda x, mask: layers.BatchNormalization()(x, mask=mask, training=True),
        lambda x, mask: layers.LSTM(2)(x, mask=mask),
    ],
)
def test_layers_say_which_mask_they_expect(call):
    x = np.ones((2, 3, 4), "float32")
    call(x, np.ones((2, 3), bool))
    with pytest.raises(UserInputError, match=r"mask.*\(2, 3\).*Received.*\(2, 5\)"):
        call(x, np.ones((2, 5), bool))
