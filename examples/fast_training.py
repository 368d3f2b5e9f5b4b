"""What keeps `fit` fast: programs kept on disk, compiled ahead while the data are read, and
callbacks that say what they look at.

Expected: 2 s to compile at the first run, less than half a second at the second; 870 steps in about
0.05 s; best accuracy 0.968.
"""

import concurrent.futures
import time

import jax
from sklearn.datasets import load_digits

import fkeras
from fkeras import layers


class Best(fkeras.callbacks.Callback):
    """Keeps the best accuracy. Its hook reads nothing but the logs, so several epochs may be one
    device call.
    """

    can_wait = True
    accuracy = 0.0

    def on_epoch_end(self, epoch, logs=None):
        self.accuracy = max(self.accuracy, logs["accuracy"])


def main():
    fkeras.config.enable_compilation_cache(
        "programs"
    )  # run this twice: the second start compiles nothing
    fkeras.utils.set_random_seed(0)

    model = fkeras.Sequential(
        [
            fkeras.Input((64,)),
            layers.Dense(32, activation="relu"),
            layers.Dense(10, activation="softmax"),
        ]
    )
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])

    with concurrent.futures.ThreadPoolExecutor() as pool:
        data = pool.submit(load_digits, return_X_y=True)
        begin = time.perf_counter()
        rows = jax.ShapeDtypeStruct((1797, 64), "float32"), jax.ShapeDtypeStruct((1797,), "int32")
        model.warmup(*rows, batch_size=64, epochs=30, callbacks=[Best()])
        print(f"compiled in {time.perf_counter() - begin:.1f} s, while the data were read")
        images, digits = data.result()

    best = Best()
    begin = time.perf_counter()
    history = model.fit(
        images.astype("float32") / 16,
        digits.astype("int32"),
        batch_size=64,
        epochs=30,
        verbose=0,
        callbacks=[best],
    )
    steps = int(model.optimizer.iterations)
    print(
        f"{steps} steps in {time.perf_counter() - begin:.2f} s: loss "
        f"{history.history['loss'][-1]:.3f}, best accuracy {best.accuracy:.3f}"
    )


if __name__ == "__main__":
    main()
