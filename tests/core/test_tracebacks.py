import inspect
import traceback

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import fkeras
from fkeras import config
from fkeras.core import settings, tracebacks


def failing_helper(x):
    return jnp.dot(x, jnp.ones((7,)))


class Failing(fkeras.layers.Layer):
    def call(self, x):
        return failing_helper(x)


@tracebacks.filtered
def entry(x, scale=1.0):
    """An entry."""
    return jax.jit(lambda x: Failing()(x * scale))(x)


def frames_of(error):
    return traceback.extract_tb(error.__traceback__)


def error_of(function, *args):
    with pytest.raises(Exception) as caught:
        function(*args)
    return caught.value


def call_model():
    fkeras.Sequential([fkeras.layers.Dense(3), Failing()])(jnp.ones((2, 3)))


def call_pure():
    layer = Failing()
    layer.apply({"params": {}, "state": {}}, jnp.ones((2, 3)))


@pytest.mark.parametrize("call", [call_model, call_pure, lambda: entry(jnp.ones((2, 3)))])
def test_an_error_shows_the_users_lines_and_message_only(call):
    error = error_of(call)
    assert {frame.filename for frame in frames_of(error)} == {__file__}
    assert [frame.name for frame in frames_of(error)][-2:] == ["call", "failing_helper"]
    assert "dot_general requires contracting dimensions" in str(error)


@pytest.mark.parametrize("call", [call_model, lambda: entry(jnp.ones((2, 3)))])
def test_switched_off_every_frame_is_shown(call):
    config.disable_traceback_filtering()
    assert not config.is_traceback_filtering_enabled()
    files = [frame.filename for frame in frames_of(error_of(call))]
    assert sum(tracebacks.is_library_file(file) for file in files) > 3
    config.enable_traceback_filtering()
    assert config.is_traceback_filtering_enabled()


def test_filtering_is_on_by_default():
    assert settings.get("traceback_filtering") is True


def test_a_mistake_in_an_argument_points_at_the_users_call():
    error = error_of(lambda: fkeras.layers.Dense(2)(np.ones((2,))))
    assert frames_of(error)[0].filename == __file__


def test_errors_that_led_to_the_error_are_trimmed_too():
    @tracebacks.filtered
    def wrapped():
        try:
            call_model()
        except TypeError as error:
            raise ValueError("outer") from error

    error = error_of(wrapped)
    assert isinstance(error.__cause__, TypeError)
    assert {frame.filename for frame in frames_of(error.__cause__)} == {__file__}


def test_a_ring_of_causes_ends():
    first, second = ValueError("first"), ValueError("second")
    first.__cause__, second.__cause__ = second, first
    tracebacks.trim(first)
    assert first.__cause__ is second


def test_groups_of_errors_are_trimmed_inside():
    inner = error_of(lambda: fkeras.layers.Dense(-1))
    config.disable_traceback_filtering()
    error = ExceptionGroup("several", [inner])
    tracebacks.trim(error)
    assert frames_of(inner)


def without_own_frames(error):
    while not tracebacks.is_library_file(error.__traceback__.tb_frame.f_code.co_filename):
        error.__traceback__ = error.__traceback__.tb_next


def test_where_no_frame_is_the_users_the_last_one_stays():
    config.disable_traceback_filtering()
    error = error_of(tracebacks.is_library_file, None)  # a mistake of ours
    without_own_frames(error)
    config.enable_traceback_filtering()
    tracebacks.trim(error)
    assert [frame.name for frame in frames_of(error)] == ["is_library_file"]


def test_an_error_that_says_what_is_wrong_needs_no_frame_of_ours():
    config.disable_traceback_filtering()
    error = error_of(settings.set_floatx, "no")
    config.enable_traceback_filtering()
    without_own_frames(error)
    tracebacks.trim(error)
    assert frames_of(error) == []


def test_an_entry_keeps_its_signature_its_name_and_its_result():
    assert entry.__name__ == "entry" and entry.__doc__ == "An entry."
    assert list(inspect.signature(entry).parameters) == ["x", "scale"]
    assert tracebacks.filtered(lambda x, *, y: x + y)(1, y=2) == 3


def test_an_interrupt_passes_as_it_is():
    @tracebacks.filtered
    def interrupted():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
