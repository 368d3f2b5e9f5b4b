import jax
import jax.numpy as jnp
import numpy as np
import pytest

from fkeras.core.values import mask_operands, masks
from fkeras.errors import PureCallError

MASK = jnp.array([True, False])


def masked():
    x = jnp.ones(2)
    masks.set_mask(x, MASK)
    return x


def test_masks_pass_through_a_program_as_operands_and_results():
    def run(operand):
        x, _ = mask_operands.unpacked(operand)
        y = x + 1
        masks.set_mask(y, ~masks.get_mask(x))
        return mask_operands.packed({"y": y})

    result = jax.jit(run)(mask_operands.packed((masked(), 3.0)))
    np.testing.assert_array_equal(masks.get_mask(mask_operands.unpacked(result)["y"]), ~MASK)


def test_a_carry_keeps_the_structure_of_its_masks():
    kept = mask_operands.masks_of_next_carry([None, MASK, None], [MASK, MASK, None], "loop")
    np.testing.assert_array_equal(kept[0], [True, True])
    assert kept[1] is MASK and kept[2] is None
    with pytest.raises(PureCallError, match="carry of `loop`"):
        mask_operands.masks_of_next_carry([MASK], [None], "loop")


def test_branches_agree_on_masks():
    mask_operands.check_branches({"a": [True], "b": [True]}, "choice")
    with pytest.raises(PureCallError, match=r"`choice`.*a: \[True\], b: \[False\]"):
        mask_operands.check_branches({"a": [True], "b": [False]}, "choice")
