"""Small whole numbers in bytes: every value comes back, and the bytes are Keras's."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from fkeras import quantizers

PACKERS = {
    "int4": (quantizers.pack_int4, quantizers.unpack_int4, (-8, 7), 2),
    "int2": (quantizers.pack_int2, quantizers.unpack_int2, (-2, 1), 4),
}
SHAPES = [((5, 3), 0), ((4, 7), -1), ((2, 9, 3, 4), 1), ((6,), 0), ((1, 1), 1)]


@pytest.mark.parametrize("kind", PACKERS)
@pytest.mark.parametrize("dtype", ["int8", "uint8"])
@pytest.mark.parametrize("shape, axis", SHAPES)
def test_values_come_back_and_take_their_share_of_a_byte(kind, dtype, shape, axis):
    pack, unpack, (low, high), per_byte = PACKERS[kind]
    shift = -low if dtype == "uint8" else 0
    values = np.random.default_rng(0).integers(low, high + 1, shape) + shift
    packed, packed_shape, length = pack(values.astype(dtype), axis, dtype)
    assert packed.dtype == dtype and packed.shape == packed_shape
    assert length == shape[axis] and packed.shape[axis] == -(-length // per_byte)
    unpacked = unpack(packed, length, axis, dtype)
    assert unpacked.dtype == dtype
    np.testing.assert_array_equal(unpacked, values)


@pytest.mark.parametrize("shape, axis", SHAPES)
def test_ternary_values_come_back_in_bytes_of_five(shape, axis):
    values = np.random.default_rng(0).integers(-1, 2, shape)
    packed, packed_shape, length = quantizers.pack_ternary(values, axis)
    assert packed.dtype == "uint8" and packed.shape == packed_shape
    assert packed.shape[axis] == -(-length // 5)
    np.testing.assert_array_equal(quantizers.unpack_ternary(packed, length, axis), values)


def test_all_combinations_of_a_byte():
    fours = np.array(list(itertools.product(range(-8, 8), repeat=2)), "int8")
    packed, _, n = quantizers.pack_int4(fours, axis=1)
    assert len(np.unique(packed)) == 256
    np.testing.assert_array_equal(quantizers.unpack_int4(packed, n, axis=1), fours)
    trits = np.array(list(itertools.product((-1, 0, 1), repeat=5)))
    packed, _, n = quantizers.pack_ternary(trits, axis=1)
    assert len(np.unique(packed)) == 243
    np.testing.assert_array_equal(quantizers.unpack_ternary(packed, n, axis=1), trits)


def test_bytes_are_kerass(keras):
    values = np.random.default_rng(0).integers(-8, 8, (7, 3)).astype("int8")
    for axis in (0, 1):
        theirs, shape, length = keras.quantizers.pack_int4(values, axis=axis)
        ours = quantizers.pack_int4(values, axis=axis)
        np.testing.assert_array_equal(ours[0], theirs)
        assert ours[1:] == (tuple(shape), length)
        np.testing.assert_array_equal(
            quantizers.unpack_int4(ours[0], length, axis),
            keras.quantizers.unpack_int4(theirs, length, axis),
        )


def test_bytes_of_two_bits_and_of_trits_are_these():
    # Worked out by hand: the first value is the lowest digit.
    twos = np.array([[-2, 1], [0, -1], [1, -2], [0, 1], [-1, 0]], "int8")
    assert quantizers.pack_int2(twos)[0].tolist() == [[18, 109], [3, 0]]
    assert quantizers.pack_ternary([1, -1, 0, 1, 0])[0].tolist() == [2 + 0 + 9 + 54 + 81]


def test_ternary_values_are_rounded_and_cut():
    packed, _, n = quantizers.pack_ternary(np.array([1.6, -7.0, 0.2, -0.6, 3.0]))
    assert quantizers.unpack_ternary(packed, n).tolist() == [1, -1, 0, -1, 1]


def test_packing_is_pure():
    values = jnp.array([[3, -8], [7, 0], [-1, 2]], "int8")

    @jax.jit
    def there_and_back(x):
        return quantizers.unpack_int4(quantizers.pack_int4(x)[0], 3)

    np.testing.assert_array_equal(there_and_back(values), values)
    both = jax.vmap(there_and_back)(jnp.stack([values, values[::-1]]))
    np.testing.assert_array_equal(both[1], values[::-1])


@pytest.mark.parametrize("kind", PACKERS)
def test_other_dtypes_are_refused(kind):
    pack, unpack, *_ = PACKERS[kind]
    with pytest.raises(ValueError, match="Expected dtype to be 'int8' or 'uint8', but got 'int16'"):
        pack(np.zeros(4, "int16"), dtype="int16")
    with pytest.raises(TypeError, match="Expected int8 tensor for packing, got float32"):
        pack(np.zeros(4, "float32"))
    with pytest.raises(ValueError, match="Expected dtype"):
        unpack(np.zeros(4, "int8"), 8, dtype="int16")
    with pytest.raises(TypeError, match="Expected int8 or uint8 tensor for unpacking"):
        unpack(np.zeros(4, "int32"), 8)
    with pytest.raises(TypeError, match="for unpacking, got float32"):
        quantizers.unpack_ternary(np.zeros(4, "float32"), 20)
