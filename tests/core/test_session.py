"""What `clear_session` starts afresh, and what it leaves."""

import gc
import weakref

import numpy as np
import pytest

import fkeras


@pytest.mark.parametrize("clear", [fkeras.backend.clear_session, fkeras.utils.clear_session])
def test_names_and_settings_start_again(clear):
    first = fkeras.KerasTensor((1,)).name
    fkeras.config.set_dtype_policy("mixed_bfloat16")
    fkeras.config.disable_interactive_logging()
    clear()
    assert fkeras.KerasTensor((1,)).name == first
    assert fkeras.config.dtype_policy().name == "float32"
    assert fkeras.config.is_interactive_logging_enabled()


def test_random_numbers_go_on():
    fkeras.utils.set_random_seed(3)
    drawn = [np.asarray(fkeras.random.normal((2,))) for _ in range(2)]
    fkeras.utils.set_random_seed(3)
    again = [np.asarray(fkeras.random.normal((2,)))]
    fkeras.backend.clear_session()
    again.append(np.asarray(fkeras.random.normal((2,))))
    np.testing.assert_array_equal(again, drawn)


def test_models_stay_usable():
    model = fkeras.Sequential([fkeras.Input((2,)), fkeras.layers.Dense(1)])
    before = model.predict(np.ones((1, 2)), verbose=0)
    fkeras.backend.clear_session()
    np.testing.assert_array_equal(model.predict(np.ones((1, 2)), verbose=0), before)


@pytest.mark.parametrize("free_memory", [True, False])
def test_garbage_is_collected_if_wanted(free_memory):
    class Cycle:
        pass

    gc.disable()
    try:
        cycle = Cycle()
        cycle.itself = cycle
        reference = weakref.ref(cycle)
        del cycle
        fkeras.backend.clear_session(free_memory=free_memory)
        assert (reference() is None) == free_memory
    finally:
        gc.enable()
        gc.collect()
