"""Equal models share executables; models that differ in one thing do not."""

import gc
import weakref

import jax
import numpy as np
import pytest

import fkeras
from fkeras import layers
from fkeras.core import shared_programs

X = np.linspace(-1, 1, 24, dtype="float32").reshape(8, 3)
Y = X.sum(axis=1, keepdims=True)


@pytest.fixture(autouse=True)
def empty():
    shared_programs.clear()
    yield
    shared_programs.clear()


def model(inner=(), optimizer=None, **options):
    fkeras.utils.set_random_seed(0)
    made = fkeras.Sequential([fkeras.Input((3,)), *inner, layers.Dense(1)])
    made.compile(optimizer or fkeras.optimizers.SGD(0.1), **{"loss": "mse", **options})
    return made


def trained(made):
    made.fit(X, Y, epochs=2, batch_size=4, verbose=0)
    return [*made.get_weights(), made.predict(X, verbose=0), made.evaluate(X, Y, verbose=0)]


def test_a_second_model_compiles_nothing():
    first = trained(model([layers.Dropout(0.5)]))
    kept = shared_programs.count()
    with shared_programs.checked():
        second = trained(model([layers.Dropout(0.5)]))
    assert shared_programs.count() == kept > 0
    for a, b in zip(first, second):
        np.testing.assert_array_equal(a, b)


def test_names_of_results_make_no_other_program():
    first, second = (fkeras.metrics.MeanAbsoluteError(name=name) for name in ("mae", "mae_1"))
    before = trained(model(metrics=[first]))
    kept = shared_programs.count()
    with shared_programs.checked():
        after = trained(model(metrics=[second]))
    assert shared_programs.count() == kept > 0
    np.testing.assert_array_equal(before[-1], after[-1])


def test_a_second_compile_compiles_nothing():
    made = model()
    trained(made)
    kept = shared_programs.count()
    made.compile(fkeras.optimizers.SGD(0.1), loss="mse")
    trained(made)
    assert shared_programs.count() == kept


def test_the_table_keeps_no_model_and_no_weights():
    made = model()
    trained(made)
    seen = [weakref.ref(made), weakref.ref(made.layers[0]), weakref.ref(made.optimizer)]
    del made
    gc.collect()
    assert not [reference() for reference in seen if reference() is not None]
    assert shared_programs.count() > 0


def test_clear_session_forgets_programs():
    made = model()
    before = trained(made)
    fkeras.utils.clear_session()
    assert shared_programs.count() == 0
    np.testing.assert_array_equal(made.predict(X, verbose=0), before[-2])


FACTOR = 2.0


class Scaled(layers.Layer):
    """A layer whose config does not tell what it computes."""

    def __init__(self, factor=1.0):
        super().__init__()
        self.factor = factor

    def call(self, x):
        return x * self.factor * FACTOR


def _with_global(value):
    def make():
        global FACTOR
        FACTOR = value
        return model([Scaled()])

    return make


def _patched(factor):
    def make():
        layer = Scaled()
        layer.call = lambda x: x * factor
        return model([layer])

    return make


def _defined_again(factor):
    def make():
        class Again(layers.Layer):
            def call(self, x):
                return x + factor

        return model([Again()])

    return make


def _calling_back(factor):
    def make():
        shape = lambda x: jax.ShapeDtypeStruct(x.shape, x.dtype)
        on_host = lambda x: np.float32(factor) * np.asarray(x)
        layer = layers.Lambda(lambda x: jax.pure_callback(on_host, shape(x), x))
        return model([layer, layers.Lambda(jax.lax.stop_gradient)])

    return make


def _frozen(is_frozen):
    def make():
        layer = layers.Dense(3, kernel_initializer="ones")
        layer.trainable = not is_frozen
        return model([layer])

    return make


def _closure_loss(factor):
    return lambda: model(loss=lambda y, p: factor * fkeras.ops.mean((y - p) ** 2))


# Each makes two models that differ in one thing.
DIFFERENCES = {
    "attribute": [lambda: model([Scaled(1.0)]), lambda: model([Scaled(3.0)])],
    "global": [_with_global(2.0), _with_global(3.0)],
    "patched method": [_patched(2.0), _patched(3.0)],
    "class defined again": [_defined_again(2.0), _defined_again(3.0)],
    "callback": [_calling_back(2.0), _calling_back(3.0)],
    "trainable": [_frozen(False), _frozen(True)],
    "loss": [lambda: model(), lambda: model(loss="mae")],
    "closure of a loss": [_closure_loss(1.0), _closure_loss(2.0)],
    "rate": [lambda: model([layers.Dropout(0.2)]), lambda: model([layers.Dropout(0.5)])],
    "seed": [
        lambda: model([layers.Dropout(0.5, seed=1)]),
        lambda: model([layers.Dropout(0.5, seed=2)]),
    ],
    "option of the optimizer": [
        lambda: model(optimizer=fkeras.optimizers.SGD(0.1, momentum=0.8)),
        lambda: model(optimizer=fkeras.optimizers.SGD(0.1, momentum=0.9)),
    ],
    "learning rate": [
        lambda: model(optimizer=fkeras.optimizers.SGD(0.1)),
        lambda: model(optimizer=fkeras.optimizers.SGD(0.2)),
    ],
    "regularizer": [
        lambda: model([layers.Dense(3, kernel_regularizer=fkeras.regularizers.L2(0.1))]),
        lambda: model([layers.Dense(3, kernel_regularizer=fkeras.regularizers.L2(0.2))]),
    ],
}


@pytest.mark.parametrize("pair", DIFFERENCES.values(), ids=DIFFERENCES)
def test_models_that_differ_in_one_thing_do_not_share_what_differs(pair):
    with shared_programs.checked():
        after_another = [trained(make()) for make in pair][1]
    first = [trained(pair[0]()) for _ in range(2)][1]  # the traces of which are kept, too
    after_others = trained(pair[1]())
    shared_programs.clear()
    alone = trained(pair[1]())
    for a, b in zip(after_others, alone):
        np.testing.assert_array_equal(a, b)
    for a, b in zip(after_another, alone):
        np.testing.assert_array_equal(a, b)
    assert any(np.any(np.asarray(a) != np.asarray(b)) for a, b in zip(first, alone))
