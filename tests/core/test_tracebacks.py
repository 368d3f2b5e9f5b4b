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


X = np.zeros((8, 4), "float32")
Y = np.zeros((8, 1), "float32")


def model():
    made = fkeras.Sequential([fkeras.Input((4,)), fkeras.layers.Dense(1)])
    made.compile("sgd", "mse")
    return made


layers, ops = fkeras.layers, fkeras.ops
EVERYDAY = {
    "a layer's argument": lambda: layers.Dense(-1),
    "an unknown argument": lambda: layers.Dense(2, unitz=1),
    "an unknown activation": lambda: layers.Dense(2, activation="rleu"),
    "a rank": lambda: layers.Conv2D(3, 3)(X),
    "a rank in a stack": lambda: fkeras.Sequential([fkeras.Input((4,)), layers.Conv2D(1, 3)]),
    "no layer": lambda: fkeras.Sequential([3]),
    "unconnected": lambda: fkeras.Model(fkeras.Input((4,)), fkeras.Input((4,))),
    "a shape": lambda: fkeras.Input("a"),
    "an optimizer": lambda: model().compile("adm", "mse"),
    "a loss": lambda: model().compile("adam", "msee"),
    "a metric": lambda: model().compile("adam", "mse", metrics=["acuracy"]),
    "metrics": lambda: model().compile("adam", "mse", metrics="mae"),
    "fit: targets": lambda: model().fit(X, np.zeros((8, 3)), verbose=0),
    "fit: inputs": lambda: model().fit(np.zeros((8, 3)), Y, verbose=0),
    "fit: rows": lambda: model().fit(X, Y[:3], verbose=0),
    "fit: a generator": lambda: model().fit(iter([(X, np.zeros((8, 3)))]), verbose=0),
    "fit: callbacks": lambda: model().fit(X, Y, verbose=0, callbacks=[3]),
    "evaluate": lambda: model().evaluate(X, np.zeros((8, 3)), verbose=0),
    "predict": lambda: model().predict(np.zeros((8, 3)), verbose=0),
    "train_on_batch": lambda: model().train_on_batch(X, np.zeros((8, 3))),
    "test_on_batch": lambda: model().test_on_batch(X, np.zeros((8, 3))),
    "predict_on_batch": lambda: model().predict_on_batch(np.zeros((8, 3))),
    "call": lambda: model()(np.zeros((8, 3))),
    "init": lambda: model().init(jax.random.key(0), np.zeros((8, 3))),
    "apply": lambda: model().apply({"params": {}}, X),
    "step": lambda: model().step(3, (X, Y)),
    "init_state": lambda: model().init_state(jax.random.key(0), (np.zeros((8, 3)), Y)),
    "set_weights": lambda: model().set_weights([X]),
    "get_layer": lambda: model().get_layer("foo"),
    "a loss object": lambda: fkeras.losses.MeanSquaredError()(Y, np.zeros((8, 3))),
    "a loss function": lambda: fkeras.losses.mean_squared_error(Y, np.zeros((7, 3))),
    "a reduction": lambda: fkeras.losses.MeanSquaredError(reduction="foo"),
    "a metric object": lambda: fkeras.metrics.MeanSquaredError()(Y, np.zeros((7, 3))),
    "an op": lambda: ops.matmul(X, X),
    "an op on symbols": lambda: ops.matmul(fkeras.Input((4,)), np.ones((3, 3))),
    "a sum of symbols": lambda: fkeras.Input((4,)) + np.ones((3,)),
    "a merge": lambda: layers.Add()([X, np.zeros((8, 3))]),
    "a recurrent layer": lambda: layers.LSTM(3)(X),
    "a policy": lambda: config.set_dtype_policy("foo"),
    "build": lambda: layers.Dense(3).build("a"),
}


@pytest.mark.parametrize("name", EVERYDAY)
def test_everyday_mistakes_show_no_inner_frames_and_no_closing_note(name):
    error = error_of(EVERYDAY[name])
    inner = [f for f in frames_of(error) if tracebacks.is_library_file(f.filename)]
    assert len(inner) <= 3, [f"{f.filename}:{f.name}" for f in inner]
    assert not [f for f in inner if "/jax/" in f.filename or "/flax/" in f.filename]
    assert "JAX has removed" not in "".join(traceback.format_exception(error))


@pytest.mark.parametrize("name", ["fit: inputs", "a rank", "a layer's argument", "an op"])
def test_switched_off_the_same_mistakes_show_where_they_were_found(name):
    config.disable_traceback_filtering()
    try:
        frames = frames_of(error_of(EVERYDAY[name]))
    finally:
        config.enable_traceback_filtering()
    assert tracebacks.is_library_file(frames[-1].filename)
