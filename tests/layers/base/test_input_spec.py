"""What a layer demands of its inputs."""

import numpy as np
import pytest

import fkeras
from fkeras.errors import UserInputError, UserTypeError
from fkeras.layers import InputSpec
from fkeras.layers.base import input_spec


def zeros(*shape, dtype="float32"):
    return np.zeros(shape, dtype)


FITTING = [
    (InputSpec(ndim=2), zeros(3, 4)),
    (InputSpec(min_ndim=2, max_ndim=3), zeros(3, 4, 5)),
    (InputSpec(axes={-1: 4, 1: None}), zeros(3, 7, 4)),
    (InputSpec(shape=(None, 4)), zeros(3, 4)),
    (InputSpec(shape=(None, 4)), fkeras.KerasTensor((None, None))),
    (InputSpec(dtype="int32"), zeros(3, dtype="int32")),
    (InputSpec(shape=(None, 4, 1), allow_last_axis_squeeze=True), zeros(3, 4)),
    (InputSpec(shape=(None, 4), allow_last_axis_squeeze=True), zeros(3, 4, 1)),
    (InputSpec(ndim=2, optional=True), None),
    ([InputSpec(ndim=1), InputSpec(ndim=2)], [zeros(3), zeros(3, 4)]),
    ([InputSpec(ndim=1, name="a"), InputSpec(ndim=2, name="b")], {"b": zeros(3, 4), "a": zeros(3)}),
    (None, "anything"),
]


@pytest.mark.parametrize(("spec", "inputs"), FITTING)
def test_what_fits_passes(spec, inputs):
    input_spec.check(spec, inputs, "dense")


REFUSED = [
    (InputSpec(ndim=2), zeros(3), r"expected ndim=2, found ndim=1.*x\[None\]` for one example"),
    (InputSpec(ndim=2), zeros(3, 4, 5), r"expected ndim=2, found ndim=3. Full shape.*\(3, 4, 5\)"),
    (InputSpec(min_ndim=2), zeros(3), r"expected min_ndim=2.*x.reshape\(-1, 1\)"),
    (InputSpec(max_ndim=2), zeros(3, 4, 5), "expected max_ndim=2, found ndim=3"),
    (InputSpec(axes={-1: 4}), zeros(3, 5), r"expected axis -1 .* value 4, .*shape \(3, 5\)"),
    (InputSpec(shape=(None, 4)), zeros(3, 5), r"expected shape=\(None, 4\), found shape=\(3, 5\)"),
    (InputSpec(dtype="int32"), zeros(3), "expected dtype=int32, found dtype=float32"),
    (InputSpec(ndim=2), "text", "should be tensors. Got 'text'"),
    (InputSpec(ndim=2), None, "should be tensors. Got 'None'"),
    ([InputSpec(), InputSpec()], [zeros(3)], r"expects 2 input\(s\), but it received 1"),
    ([InputSpec(ndim=1, name="a")], {"b": zeros(3)}, 'Missing data for input "a"'),
    ([InputSpec(ndim=1, name="a")], {"a": zeros(3, 4)}, "with name 'a' of layer 'dense'"),
]


@pytest.mark.parametrize(("spec", "inputs", "message"), REFUSED)
def test_what_does_not_fit_is_an_error_that_names_the_layer(spec, inputs, message):
    with pytest.raises(UserInputError, match=message) as caught:
        input_spec.check(spec, inputs, "dense")
    assert "dense" in str(caught.value) or "Missing data" in str(caught.value)


def test_wrong_specifications_are_refused():
    with pytest.raises(UserTypeError, match="`axes` must be a dict with integer keys"):
        InputSpec(axes={"last": 3})
    with pytest.raises(UserInputError, match="Axis 3 is greater than the maximum allowed value: 1"):
        InputSpec(ndim=2, axes={3: 4})


def test_a_specification_shows_and_keeps_what_it_was_given():
    spec = InputSpec(dtype="float32", shape=(None, 4), axes={-1: 4}, optional=True)
    assert repr(spec) == "InputSpec(dtype=float32, shape=(None, 4), axes={-1: 4})"
    assert repr(InputSpec(ndim=2)) == "InputSpec(ndim=2)"
    assert InputSpec.from_config(spec.get_config()).get_config() == spec.get_config()
