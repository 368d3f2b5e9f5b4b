"""A model that is trained on strings, saved with its vocabulary, and loaded to predict on strings.

Reviews and the town of who wrote them, in a data frame. They are made here; `pd.read_csv` gives the
same.

Expected: about 5 s on two slow cores; all held-out reviews are told right, by the loaded model too.
"""

import numpy as np
import pandas as pd

import fkeras
from fkeras import layers

fkeras.utils.set_random_seed(0)
random = np.random.default_rng(0)
GOOD, BAD = "great lovely fine superb moving".split(), "dull poor awful flat tiring".split()
OTHER = "the film was told by its cast and music in part".split()


def review(is_good):
    words = [*random.choice(OTHER, 6), *random.choice(GOOD if is_good else BAD, 2)]
    random.shuffle(words)
    return " ".join(words).capitalize() + random.choice([".", "!", " ..."])


labels = random.integers(0, 2, 800)
frame = pd.DataFrame(
    {
        "text": [review(label) for label in labels],
        "town": random.choice(["Bern", "Genoa", "Lyon"], 800),
    }
)
train, test = frame[:600], frame[600:]

vectorize = layers.TextVectorization(max_tokens=200, output_sequence_length=10)
vectorize.adapt(train["text"])
town = layers.StringLookup(output_mode="one_hot")
town.adapt(train["town"])

inputs = {name: fkeras.Input((1,), dtype="string", name=name) for name in frame}
words = layers.Embedding(200, 8, mask_zero=True)(vectorize(inputs["text"]))
features = [layers.GlobalAveragePooling1D()(words), town(inputs["town"])]
outputs = layers.Dense(1, activation="sigmoid")(layers.Concatenate()(features))
model = fkeras.Model(inputs, outputs)
model.compile(fkeras.optimizers.Adam(0.02), "binary_crossentropy", metrics=["accuracy"])
model.fit(dict(train), labels[:600], epochs=8, batch_size=50, verbose=0)
accuracy = model.evaluate(dict(test), labels[600:], verbose=0, return_dict=True)["accuracy"]
print(f"{accuracy:.0%} of the reviews are told right")
assert accuracy == 1.0

model.save("reviews.keras")
loaded = fkeras.saving.load_model("reviews.keras")
np.testing.assert_array_equal(
    loaded.predict(dict(test), verbose=0), model.predict(dict(test), verbose=0)
)
new = {
    "text": np.array(["A superb cast, and MOVING music!", "Tiring and flat."]),
    "town": np.array(["Lyon", "Oslo"]),  # a town that training has not seen
}
for text, probability in zip(new["text"], loaded.predict(new, verbose=0)[:, 0]):
    print(f"{probability:.2f} {text}")
