"""EinsumDense: equations, their shapes, and the equations that cannot be."""

import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import fkeras
from fkeras import layers
from fkeras.layers.core.einsum_shapes import shapes_of

rng = np.random.default_rng(0)

# equation, output_shape, bias_axes, input shape -> kernel, bias, output
ROWS = [
    ("ab,bc->ac", 3, None, (2, 4), (4, 3), None, (2, 3)),
    ("ab,bc->ac", 3, "c", (2, 4), (4, 3), (3,), (2, 3)),
    ("ab,bc->ac", 3, "", (2, 4), (4, 3), None, (2, 3)),
    ("ab,b->ab", 4, "b", (2, 4), (4,), (4,), (2, 4)),
    ("abc,cd->abd", (None, 5), "d", (2, 6, 3), (3, 5), (5,), (2, 6, 5)),
    ("abc,cd->abd", (None, 5), "bd", (2, 6, 3), (3, 5), (6, 5), (2, 6, 5)),
    ("abc,cd->abd", (None, 5), "b", (2, 6, 3), (3, 5), (6, 1), (2, 6, 5)),
    ("abc,bcd->ad", 5, "d", (2, 6, 3), (6, 3, 5), (5,), (2, 5)),
    ("abc,cde->abde", (None, 4, 2), "de", (2, 6, 3), (3, 4, 2), (4, 2), (2, 6, 4, 2)),
    ("abcd,cde->abe", (None, 5), "e", (2, 6, 3, 4), (3, 4, 5), (5,), (2, 6, 5)),
    ("...b,bc->...c", 3, "c", (2, 4), (4, 3), (3,), (2, 3)),
    ("...b,bc->...c", 3, "c", (2, 7, 8, 4), (4, 3), (3,), (2, 7, 8, 3)),
    ("...ab,bc->...ac", (None, 3), "ac", (2, 7, 6, 4), (4, 3), (6, 3), (2, 7, 6, 3)),
    ("ab...,bc->ac...", 3, "c", (2, 4, 5, 6), (4, 3), (3, 1, 1), (2, 3, 5, 6)),
    ("abc...,bcd->ad...", 3, None, (2, 4, 5, 6), (4, 5, 3), None, (2, 3, 6)),
]
IDS = [f"{row[0]} {row[3]} {row[2]}" for row in ROWS]


@pytest.mark.parametrize("row", ROWS, ids=IDS)
def test_an_equation_gives_the_shapes_of_weights_and_output(row):
    equation, output_shape, bias_axes, input_shape, kernel, bias, output = row
    layer = layers.EinsumDense(equation, output_shape, bias_axes=bias_axes, bias_initializer="ones")
    x = rng.normal(size=input_shape).astype("float32")
    y = layer(x)
    assert layer.kernel.shape == kernel
    assert (None if layer.bias is None else layer.bias.shape) == bias
    expected = np.einsum(equation, x, layer.kernel.numpy()) + (bias is not None)
    np.testing.assert_allclose(y, expected, rtol=1e-4, atol=1e-5)
    assert y.shape == output == layer.compute_output_shape(input_shape)


@pytest.mark.parametrize("row", ROWS, ids=IDS)
def test_the_batch_size_may_be_unknown(row):
    equation, output_shape, _, input_shape, _, _, output = row
    layer = layers.EinsumDense(equation, output_shape)
    symbol = layer(fkeras.KerasTensor((None, *input_shape[1:])))
    assert symbol.shape == (None, *output[1:])


def test_axes_that_are_left_as_they_are_may_be_unknown():
    layer = layers.EinsumDense("abc,cd->abd", (None, 5), bias_axes="d")
    assert layer(fkeras.KerasTensor((None, None, 3))).shape == (None, None, 5)
    layer = layers.EinsumDense("...x,xy->...y", 5)
    assert layer(fkeras.KerasTensor((None, None, 3))).shape == (None, None, 5)


@pytest.mark.parametrize(
    ("equation", "bias_axes", "input_shape", "output_shape", "message"),
    [
        ("ab->ab", None, (2, 3), (3,), "Invalid einsum equation 'ab->ab'. Equations must be in"),
        ("a...b,bc->a...c", None, (2, 3, 4), (3,), "Invalid einsum equation"),
        (
            "ab,bc->ac",
            None,
            (2, 3, 4),
            (5,),
            "for inputs of rank 2. Received: input_shape=.2, 3, 4",
        ),
        ("abc...,cd->abd...", None, (2, 3), (3, 5), "for inputs of rank 3 or more"),
        ("ab,bc->ac", None, (2, 4), (3, 3), r"has 2 output axes .* gives 3 with the batch axis"),
        ("abc,cd->abd", None, (2, 6, 3), (7, 5), "do not match at shared dimension 'b'. .* is 6,"),
        ("ab,bc->ad", None, (2, 4), (3,), "Dimension 'd' was specified in the output 'ad' but has"),
        ("ab,cd->ad", None, (2, 4), (3,), "Weight dimension 'c' did not have a match"),
        ("ab,bc->ac", "b", (2, 4), (3,), "Bias dimension 'b' was requested, but is not part"),
    ],
)
def test_equations_that_cannot_be_are_refused(
    equation, bias_axes, input_shape, output_shape, message
):
    with pytest.raises(ValueError, match=message):
        shapes_of(equation, bias_axes, input_shape, output_shape)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(1, 5), min_size=2, max_size=4), st.integers(1, 5))
def test_dots_stand_for_any_number_of_axes(sizes, units):
    shapes = shapes_of("...x,xy->...y", "y", tuple(sizes), (units,))
    assert shapes.kernel == (sizes[-1], units) and shapes.bias == (units,)
    assert shapes.output == (*sizes[:-1], units)
    assert shapes.input_axes == [0] and shapes.output_axes == [1]


def test_fans_are_counted_over_the_axes_that_are_summed():
    shapes = shapes_of("abc,bcde->ade", None, (2, 3, 4), (5, 6))
    assert shapes.input_axes == [0, 1] and shapes.output_axes == [2, 3]
    layer = layers.EinsumDense("abc,bcde->ade", (5, 6), kernel_initializer="glorot_uniform")
    layer.build((2, 30, 40))
    limit = np.sqrt(6 / (30 * 40 + 5 * 6))
    assert 0.9 * limit < float(np.abs(layer.kernel).max()) <= limit
    constant = layers.EinsumDense("ab,bc->ac", 3, kernel_initializer="ones")
    np.testing.assert_array_equal(constant(jnp.ones((1, 2))), np.full((1, 3), 2))
