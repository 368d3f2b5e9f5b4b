"""The whole story in seconds: build, train, evaluate, predict, save, load; and the same model taken
apart as pure functions.
"""

import jax
import numpy as np

import fkeras
from fkeras import layers


def small_model():
    model = fkeras.Sequential(
        [
            layers.Input((4,)),
            layers.Dense(8, activation="relu"),
            layers.Dropout(0.1),
            layers.Dense(3, activation="softmax"),
        ]
    )
    model.compile(
        fkeras.optimizers.Adam(0.02), "sparse_categorical_crossentropy", metrics=["accuracy"]
    )
    return model


def data():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(48, 4)).astype("float32")
    return x, (x[:, 0] > 0).astype("int32") + (x[:, 1] > 0)


def test_the_facade_trains_saves_and_goes_on_where_it_stopped(tmp_path):
    fkeras.utils.set_random_seed(1)
    x, y = data()
    model = small_model()
    history = model.fit(x, y, epochs=20, batch_size=16, verbose=0).history
    assert sorted(history) == ["accuracy", "loss"] and history["loss"][-1] < history["loss"][0]
    loss, accuracy = model.evaluate(x, y, verbose=0)
    assert accuracy > 0.5 and np.isfinite(loss)
    model.save(tmp_path / "model")
    again = fkeras.saving.load_model(tmp_path / "model")
    np.testing.assert_array_equal(again.predict(x, verbose=0), model.predict(x, verbose=0))
    more = [m.fit(x, y, epochs=2, batch_size=16, verbose=0).history["loss"] for m in (model, again)]
    assert more[0] == more[1]
    for a, b in zip(model.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_hand_written_loop_over_the_pure_step_gives_the_weights_of_fit():
    fkeras.utils.set_random_seed(1)
    x, y = data()
    model = small_model()
    state = model.init_state(model.build_key, (x[:16], y[:16]))
    step = jax.jit(model.step)
    for _ in range(2):
        for i in range(0, 48, 16):
            state, logs = step(state, (x[i : i + 16], y[i : i + 16]))
    model.fit(x, y, epochs=2, batch_size=16, shuffle=False, verbose=0)
    assert int(state.step) == 6 and set(logs) == {"accuracy", "loss"}
    np.testing.assert_array_equal(state.params["dense"]["kernel"], model.layers[0].kernel.numpy())
    np.testing.assert_array_equal(state.params["dense_1"]["bias"], model.layers[2].bias.numpy())


def test_init_and_apply_are_pure_functions():
    model = small_model()
    variables = model.init(jax.random.key(0))
    x = data()[0]

    def loss(params):
        return model.apply({**variables, "params": params}, x)[0][:, 0].sum()

    before = model.get_weights()
    gradient = jax.jit(jax.grad(loss))(variables["params"])
    assert float(abs(gradient["dense"]["kernel"]).sum()) > 0
    for a, b in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
