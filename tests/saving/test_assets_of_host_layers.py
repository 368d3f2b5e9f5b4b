"""Vocabularies go into every format of models."""

import numpy as np
import pytest

import fkeras
from fkeras import layers

TEXTS = np.array([["a b"], ["b c"], ["c d"], ["a a"]])


@pytest.mark.parametrize("name", ["model.keras", "model.h5", "model"])
def test_a_model_that_learnt_its_words_is_loaded_with_them(name, tmp_path):
    words = layers.TextVectorization(output_sequence_length=3)
    words.adapt(TEXTS)
    lookup = layers.StringLookup(output_mode="one_hot")
    lookup.adapt(TEXTS)
    inputs = fkeras.Input((1,), dtype="string")
    mean = layers.GlobalAveragePooling1D()(layers.Embedding(9, 2)(words(inputs)))
    model = fkeras.Model(inputs, layers.Dense(2)(layers.Concatenate()([mean, lookup(inputs)])))
    model.compile("adam", "mse")
    model.fit(TEXTS, np.ones((4, 2)), verbose=0)
    model.save(tmp_path / name)
    loaded = fkeras.saving.load_model(tmp_path / name)
    np.testing.assert_array_equal(loaded.predict(TEXTS, verbose=0), model.predict(TEXTS, verbose=0))
    loaded.fit(TEXTS, np.ones((4, 2)), verbose=0)
