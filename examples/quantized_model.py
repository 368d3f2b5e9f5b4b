"""A network that reads digits is kept in fewer and fewer bits, and adapters mend what 4 bits broke.

Expected: about 15 s on two slow cores; files of 8 bits are near a quarter of the size, those of 4
bits near an eighth, and read as many digits right, but for one or two in a hundred.
"""

import pathlib

import numpy as np
from sklearn.datasets import load_digits

import fkeras
from fkeras import layers

fkeras.utils.set_random_seed(0)
images, y = load_digits(return_X_y=True)
x = images.astype("float32") / 16
train, test = slice(0, 1400), slice(1400, None)


def network():
    return fkeras.Sequential(
        [
            fkeras.Input((64,)),
            layers.Dense(512, activation="relu"),
            layers.Dense(512, activation="relu"),
            layers.Dense(10),
        ]
    )


def right(scores):
    return float(np.mean(scores.argmax(-1) == y[test]))


floats = network()
loss = fkeras.losses.SparseCategoricalCrossentropy(from_logits=True)
floats.compile("adam", loss)
floats.fit(x[train], y[train], epochs=10, verbose=0)
floats.save_weights("floats.weights.h5")
scores = floats.predict(x[test], verbose=0)
spread = scores.std()

choices = {
    "floats": None,
    "int8": fkeras.quantizers.Int8QuantizationConfig(),
    "int4, blocks of 128": fkeras.quantizers.Int4QuantizationConfig(),
    "int4, blocks of 32": fkeras.quantizers.Int4QuantizationConfig(block_size=32),
    "int4, columns": fkeras.quantizers.Int4QuantizationConfig(block_size=None),
    "ternary": fkeras.quantizers.TernaryQuantizationConfig(),
}
results = {}
print("| kept as | file | error of the scores | digits read right |")
print("|---|---:|---:|---:|")
for name, config in choices.items():
    model = network()
    model.load_weights("floats.weights.h5")
    if config is not None:
        model.quantize(config=config, verbose=False)
    model.save_weights("few.weights.h5")
    kilobytes = pathlib.Path("few.weights.h5").stat().st_size / 1e3
    found = model.predict(x[test], verbose=0)
    error = float(np.sqrt(np.mean((found - scores) ** 2)) / spread)
    results[name] = kilobytes, error, right(found)
    print(f"| {name} | {kilobytes:.0f} kB | {error:.1%} | {right(found):.1%} |")

assert results["int8"][0] < 0.3 * results["floats"][0] and results["int8"][1] < 0.05
assert results["int4, blocks of 128"][0] < 0.2 * results["floats"][0]
assert results["int4, blocks of 128"][2] > results["floats"][2] - 0.03

# Adapters beside the kernels of -8 to 7, which are held fixed: a few numbers mend most of it.
model = network()
model.load_weights("floats.weights.h5")
model.quantize(config=choices["int4, columns"], verbose=False)
model.enable_lora(4)
model.compile(fkeras.optimizers.Adam(1e-3), "mse")
model.fit(x[train], floats.predict(x[train], verbose=0), epochs=20, verbose=0)
mended = float(np.sqrt(np.mean((model.predict(x[test], verbose=0) - scores) ** 2)) / spread)
print(f"int4, columns, with adapters: error of the scores {mended:.1%}")
assert mended < results["int4, columns"][1]
